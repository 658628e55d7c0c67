//! LAMB.

use super::adam::{composed, numbers};
use super::{AdamRule, NormType, Slot, global_norm, step};
use crate::OpError;
use crate::kernels::optim as kernel;

/// Numbers of [`lamb_step`].
#[derive(Clone, Copy, Debug)]
pub struct LambRule {
    /// Decay of the mean of the gradients and of their squares.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
}

/// A step of LAMB, whose length is measured by the parameter's:
///
/// ```text
/// m ← β₁ m + (1 − β₁) g            v ← β₂ v + (1 − β₂) g²
/// u = m̂ / (√v̂ + ε) + wd · p       m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
/// p ← p − lr · ‖p‖ / ‖u‖ · u       (p − lr · u if either norm is 0)
/// ```
///
/// The norms are L2 norms over the whole parameter.
///
/// # Shapes
/// Each tensor of a slot has the parameter's length; memory: `[m, v]`.
///
/// # Errors
/// A gradient or a memory of another length than its parameter's.
///
/// # Reference
/// You et al., *Large batch optimization for deep learning: training BERT in 76 minutes*, 2020,
/// algorithm 2 with `φ` the identity.
pub fn lamb_step(slots: Vec<Slot>, rule: &LambRule) -> Result<Vec<Slot>, OpError> {
    let adam = AdamRule {
        betas: rule.betas,
        eps: rule.eps,
        decoupled: true,
    };
    // Adam's step from wd · p at a rate of −1 gives u.
    let factors = |slot: &Slot| {
        let along = -1.0 / (1.0 - rule.betas[0].powf(slot.memory.steps as f64));
        kernel::Adam {
            shrink: slot.weight_decay as f32,
            ..numbers(slot, &adam, along, 0.0)
        }
    };
    let parameters: Vec<_> = slots.iter().map(|slot| slot.parameter.clone()).collect();
    let slots = step("lamb_step", slots, 0.0, factors, kernel::adam, composed)?;
    let moved = slots.into_iter().zip(parameters).map(|(slot, p)| {
        let u = slot.parameter;
        let [of_p, of_u] = [&p, &u].map(|x| global_norm(&[x], NormType::L2));
        let trust = if of_p > 0.0 && of_u > 0.0 {
            of_p / of_u
        } else {
            1.0
        };
        Slot {
            parameter: p - u * (slot.lr * trust),
            ..slot
        }
    });
    Ok(moved.collect())
}
