//! RMSprop.

use super::{Slot, decayed, step};
use crate::OpError;
use crate::kernels::optim::{self as kernel, RmsProp};
use burn::tensor::Tensor;

/// Numbers of [`rmsprop_step`].
#[derive(Clone, Copy, Debug)]
pub struct RmsPropRule {
    /// Decay of the mean of the squared gradients.
    pub alpha: f64,
    /// Added to the root.
    pub eps: f64,
    /// Share of the last step's direction that is kept.
    pub momentum: f64,
    /// Whether to divide by the standard deviation of the gradients, not by their root mean square.
    pub centered: bool,
}

/// A step of RMSprop:
///
/// ```text
/// g ← g + wd · p
/// v ← α v + (1 − α) g²             (centered: a ← α a + (1 − α) g, and v − a² below the root)
/// b ← μ b + g / (√v + ε)
/// p ← p − lr · b
/// ```
///
/// # Shapes
/// Each tensor of a slot has the parameter's length; memory: `[v]`, then `a` if centered, then `b`
/// if there is momentum.
///
/// # Errors
/// A gradient or a memory of another length than its parameter's.
///
/// # Reference
/// Tieleman and Hinton, *Lecture 6.5: rmsprop*, 2012; Graves, *Generating sequences with recurrent
/// neural networks*, 2013 (centered).
///
/// # Differences from PyTorch
/// `v − a²` is held at 0 where rounding would put it below, instead of giving NaN.
pub fn rmsprop_step(slots: Vec<Slot>, rule: &RmsPropRule) -> Result<Vec<Slot>, OpError> {
    let op = "rmsprop_step";
    let factors = |slot: &Slot| RmsProp {
        scale: slot.gradient_scale as f32,
        decay: slot.weight_decay as f32,
        keep: rule.alpha as f32,
        take: (1.0 - rule.alpha) as f32,
        eps: rule.eps as f32,
        momentum: rule.momentum as f32,
        lr: slot.lr as f32,
    };
    match (rule.centered, rule.momentum != 0.0) {
        (false, false) => step(op, slots, 0.0, factors, kernel::rmsprop, |p, g, [v], by| {
            let (_, v, direction) = direction(g, &p, v, None, by);
            (p - direction * by.lr, [v])
        }),
        (true, false) => step(
            op,
            slots,
            0.0,
            factors,
            kernel::rmsprop_centered,
            |p, g, [v, a], by| {
                let (a, v, direction) = direction(g, &p, v, Some(a), by);
                (p - direction * by.lr, [v, a])
            },
        ),
        (false, true) => step(
            op,
            slots,
            0.0,
            factors,
            kernel::rmsprop_momentum,
            |p, g, [v, b], by| {
                let (_, v, direction) = direction(g, &p, v, None, by);
                let b = b * by.momentum + direction;
                (p - b.clone() * by.lr, [v, b])
            },
        ),
        (true, true) => step(
            op,
            slots,
            0.0,
            factors,
            kernel::rmsprop_centered_momentum,
            |p, g, [v, a, b], by| {
                let (a, v, direction) = direction(g, &p, v, Some(a), by);
                let b = b * by.momentum + direction;
                (p - b.clone() * by.lr, [v, a, b])
            },
        ),
    }
}

/// The new means, `a` being 0 where there is none, and `g / (√v + ε)`.
fn direction(
    g: Tensor<1>,
    p: &Tensor<1>,
    v: Tensor<1>,
    a: Option<Tensor<1>>,
    by: RmsProp,
) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
    let g = decayed(g, p, by.scale, by.decay);
    let v = v * by.keep + g.clone().square() * by.take;
    let Some(a) = a else {
        let direction = g / (v.clone().sqrt() + by.eps);
        return (direction.zeros_like(), v, direction);
    };
    let a = a.clone() + (g.clone() - a) * by.take;
    let variance = (v.clone() - a.clone().square()).clamp_min(0.0);
    (a, v, g / (variance.sqrt() + by.eps))
}
