//! Adam, AdamW and NAdam.

use super::{Slot, decayed, step};
use crate::OpError;
use crate::kernels::optim as kernel;
use burn::tensor::Tensor;

/// Numbers of [`adam_step`].
#[derive(Clone, Copy, Debug)]
pub struct AdamRule {
    /// Decay of the mean of the gradients and of their squares.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Whether the weight decay shrinks the parameter, instead of adding to the gradient.
    pub decoupled: bool,
}

/// A step of Adam:
///
/// ```text
/// g ← g + wd · p                   (decoupled: p ← p − lr · wd · p)
/// m ← β₁ m + (1 − β₁) g            v ← β₂ v + (1 − β₂) g²
/// p ← p − lr · m̂ / (√v̂ + ε)       m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
/// ```
///
/// with `t` the parameter's own count of steps.
///
/// # Shapes
/// Each tensor of a slot has the parameter's length; memory: `[m, v]`.
///
/// # Errors
/// A gradient or a memory of another length than its parameter's.
///
/// # Reference
/// Kingma and Ba, *Adam: a method for stochastic optimization*, 2015; Loshchilov and Hutter,
/// *Decoupled weight decay regularization*, 2019.
pub fn adam_step(slots: Vec<Slot>, rule: &AdamRule) -> Result<Vec<Slot>, OpError> {
    let factors = |slot: &Slot| {
        let along = slot.lr / (1.0 - rule.betas[0].powf(slot.memory.steps as f64));
        numbers(slot, rule, along, 0.0)
    };
    step("adam_step", slots, 0.0, factors, kernel::adam, composed)
}

/// Numbers of [`nadam_step`].
#[derive(Clone, Copy, Debug)]
pub struct NAdamRule {
    /// Adam's.
    pub adam: AdamRule,
    /// Speed `ψ` at which the momentum reaches `β₁`.
    pub momentum_decay: f64,
}

/// A step of Adam with Nesterov's momentum:
///
/// ```text
/// μₜ = β₁ (1 − ½ · 0.96^(ψ t))
/// m̂ = μₜ₊₁ m / (1 − Πᵢ₌₁ᵗ⁺¹ μᵢ) + (1 − μₜ) g / (1 − Πᵢ₌₁ᵗ μᵢ)
/// ```
///
/// and all else as in [`adam_step`].
///
/// # Shapes
/// Each tensor of a slot has the parameter's length; memory: `[m, v]`.
///
/// # Errors
/// A gradient or a memory of another length than its parameter's.
///
/// # Reference
/// Dozat, *Incorporating Nesterov momentum into Adam*, 2016.
pub fn nadam_step(slots: Vec<Slot>, rule: &NAdamRule) -> Result<Vec<Slot>, OpError> {
    let mu =
        |t: u64| rule.adam.betas[0] * (1.0 - 0.5 * 0.96f64.powf(t as f64 * rule.momentum_decay));
    // One product for all parameters that have come as far.
    let steps: std::collections::BTreeSet<u64> =
        slots.iter().map(|slot| slot.memory.steps + 1).collect();
    let mut products = std::collections::BTreeMap::new();
    let (mut product, mut done) = (1.0, 0);
    for t in steps {
        // Below this, 1 − product is 1.
        while done < t && product > f64::EPSILON / 4.0 {
            done += 1;
            product *= mu(done);
        }
        products.insert(t, product);
    }
    let factors = |slot: &Slot| {
        let t = slot.memory.steps;
        let (now, next) = (mu(t), mu(t + 1));
        let product = products.get(&t).copied().unwrap_or(0.0);
        let along = slot.lr * next / (1.0 - product * next);
        let ahead = slot.lr * (1.0 - now) / (1.0 - product);
        numbers(slot, &rule.adam, along, ahead)
    };
    step("nadam_step", slots, 0.0, factors, kernel::adam, composed)
}

/// The kernel's numbers, with the shares of `m` and `g` in the step.
pub(super) fn numbers(slot: &Slot, rule: &AdamRule, along: f64, ahead: f64) -> kernel::Adam {
    let [beta1, beta2] = rule.betas;
    let shrink = 1.0 - slot.lr * slot.weight_decay;
    kernel::Adam {
        scale: slot.gradient_scale as f32,
        shrink: if rule.decoupled { shrink as f32 } else { 1.0 },
        decay: if rule.decoupled {
            0.0
        } else {
            slot.weight_decay as f32
        },
        take: [(1.0 - beta1) as f32, (1.0 - beta2) as f32],
        keep: beta2 as f32,
        along: along as f32,
        ahead: ahead as f32,
        unbias: (1.0 - beta2.powf(slot.memory.steps as f64)).sqrt().recip() as f32,
        eps: rule.eps as f32,
    }
}

pub(super) fn composed(
    p: Tensor<1>,
    g: Tensor<1>,
    [m, v]: [Tensor<1>; 2],
    by: kernel::Adam,
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let g = decayed(g, &p, by.scale, by.decay);
    let m = m.clone() + (g.clone() - m) * by.take[0];
    let v = v * by.keep + g.clone().square() * by.take[1];
    let mut along = m.clone() * by.along;
    if by.ahead != 0.0 {
        along = along + g * by.ahead;
    }
    let root = v.clone().sqrt() * by.unbias + by.eps;
    (p * by.shrink - along / root, [m, v])
}
