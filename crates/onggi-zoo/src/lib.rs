//! Backbones and their weights.
