//! Image and text augmentation without a deep-learning engine.
