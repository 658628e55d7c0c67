//! Trainer, checkpoints, metrics, diagnosis and the run log.
