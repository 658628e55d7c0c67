//! Lion.

use super::{Slot, decayed, step};
use crate::OpError;
use crate::kernels::optim as kernel;

/// Numbers of [`lion_step`].
#[derive(Clone, Copy, Debug)]
pub struct LionRule {
    /// Share of the momentum in the direction, and in the next momentum.
    pub betas: [f64; 2],
}

/// A step of Lion:
///
/// ```text
/// c = β₁ m + (1 − β₁) g
/// p ← p − lr · (sign(c) + wd · p)
/// m ← β₂ m + (1 − β₂) g
/// ```
///
/// # Shapes
/// Each tensor of a slot has the parameter's length; memory: `[m]`.
///
/// # Errors
/// A gradient or a memory of another length than its parameter's.
///
/// # Reference
/// Chen et al., *Symbolic discovery of optimization algorithms*, 2023.
pub fn lion_step(slots: Vec<Slot>, rule: &LionRule) -> Result<Vec<Slot>, OpError> {
    let factors = |slot: &Slot| kernel::Lion {
        scale: slot.gradient_scale as f32,
        look: (1.0 - rule.betas[0]) as f32,
        take: (1.0 - rule.betas[1]) as f32,
        shrink: (1.0 - slot.lr * slot.weight_decay) as f32,
        lr: slot.lr as f32,
    };
    let (op, kernel) = ("lion_step", kernel::lion);
    step(op, slots, 0.0, factors, kernel, |p, g, [m], by| {
        let change = decayed(g, &p, by.scale, 0.0) - m.clone();
        let c = m.clone() + change.clone() * by.look;
        let p = p * by.shrink - c.sign() * by.lr;
        (p, [m + change * by.take])
    })
}
