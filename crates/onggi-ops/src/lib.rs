//! Fused differentiable operations on Burn, with CPU kernels.
