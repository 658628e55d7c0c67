//! Adagrad.

use super::{Slot, decayed, step};
use crate::OpError;
use crate::kernels::optim as kernel;

/// Numbers of [`adagrad_step`].
#[derive(Clone, Copy, Debug)]
pub struct AdagradRule {
    /// Speed at which the learning rate falls.
    pub lr_decay: f64,
    /// What the sum of squares begins with.
    pub initial_accumulator_value: f64,
    /// Added to the root.
    pub eps: f64,
}

/// A step of Adagrad:
///
/// ```text
/// g ← g + wd · p
/// s ← s + g²
/// p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + ε)
/// ```
///
/// with `t` the parameter's own count of steps.
///
/// # Shapes
/// Each tensor of a slot has the parameter's length; memory: `[s]`.
///
/// # Errors
/// A gradient or a memory of another length than its parameter's.
///
/// # Reference
/// Duchi et al., *Adaptive subgradient methods for online learning and stochastic optimization*,
/// 2011.
pub fn adagrad_step(slots: Vec<Slot>, rule: &AdagradRule) -> Result<Vec<Slot>, OpError> {
    let factors = |slot: &Slot| kernel::Adagrad {
        scale: slot.gradient_scale as f32,
        decay: slot.weight_decay as f32,
        lr: (slot.lr / (1.0 + (slot.memory.steps - 1) as f64 * rule.lr_decay)) as f32,
        eps: rule.eps as f32,
    };
    let initial = rule.initial_accumulator_value as f32;
    let (op, kernel) = ("adagrad_step", kernel::adagrad);
    step(op, slots, initial, factors, kernel, |p, g, [s], by| {
        let g = decayed(g, &p, by.scale, by.decay);
        let s = s + g.clone().square();
        let root = s.clone().sqrt() + by.eps;
        (p - g * by.lr / root, [s])
    })
}
