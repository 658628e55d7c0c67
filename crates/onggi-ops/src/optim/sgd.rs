//! Gradient descent with momentum.

use super::{Slot, decayed, step};
use crate::OpError;
use crate::kernels::optim as kernel;

/// Numbers of [`sgd_step`].
#[derive(Clone, Copy, Debug)]
pub struct SgdRule {
    /// Share of the last step's direction that is kept; without it nothing is remembered.
    pub momentum: f64,
    /// Share of the gradient that is left out of the direction.
    pub dampening: f64,
    /// Whether to look one step ahead along the momentum.
    pub nesterov: bool,
}

/// A step of gradient descent with momentum:
///
/// ```text
/// g ← g + wd · p
/// b ← μ b + (1 − dampening) g      (first step: b = g)
/// p ← p − lr · b                   (Nesterov: p − lr · (g + μ b))
/// ```
///
/// Without momentum `p ← p − lr · g`, and nothing is remembered.
///
/// # Shapes
/// Each tensor of a slot has the parameter's length; memory: `[b]`.
///
/// # Errors
/// A gradient or a memory of another length than its parameter's.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::optim::{SgdRule, Slot, sgd_step};
///
/// let device = Device::flex();
/// let parameter = Tensor::<1>::from_floats([1.0, 2.0], &device);
/// let gradient = Tensor::<1>::from_floats([0.5, -1.0], &device);
/// let rule = SgdRule { momentum: 0.0, dampening: 0.0, nesterov: false };
/// let slots = sgd_step(vec![Slot::new(parameter, gradient, 0.5)], &rule)?;
/// let moved = slots[0].parameter.to_data();
/// assert_eq!(moved.try_to_vec::<f32>().expect("f32"), [0.75, 2.5]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013.
pub fn sgd_step(slots: Vec<Slot>, rule: &SgdRule) -> Result<Vec<Slot>, OpError> {
    let op = "sgd_step";
    let factors = |slot: &Slot| {
        let first = slot.memory.tensors.is_empty();
        kernel::Sgd {
            scale: slot.gradient_scale as f32,
            decay: slot.weight_decay as f32,
            keep: if first { 0.0 } else { rule.momentum as f32 },
            take: if first {
                1.0
            } else {
                (1.0 - rule.dampening) as f32
            },
            ahead: rule.nesterov.then_some(rule.momentum as f32),
            lr: slot.lr as f32,
        }
    };
    if rule.momentum == 0.0 {
        return step(op, slots, 0.0, factors, kernel::sgd, |p, g, [], by| {
            let g = decayed(g, &p, by.scale, by.decay);
            (p - g * by.lr, [])
        });
    }
    step(
        op,
        slots,
        0.0,
        factors,
        kernel::momentum,
        |p, g, [b], by| {
            let g = decayed(g, &p, by.scale, by.decay);
            let b = b * by.keep + g.clone() * by.take;
            let along = match by.ahead {
                Some(ahead) => g + b.clone() * ahead,
                None => b.clone(),
            };
            (p - along * by.lr, [b])
        },
    )
}
