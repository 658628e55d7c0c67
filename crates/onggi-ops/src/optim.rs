//! Steps of optimisers, over all parameters of a model in one call.
//!
//! A [`Slot`] holds a parameter, its gradient and what the optimiser remembers of it, each flat. On
//! the CPU a step writes parameters and memory where they lie, as long as no other tensor shares
//! them (it copies first if one does); elsewhere it is composed of tensor operations.
//!
//! # Reference
//! Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013;
//! Kingma and Ba, *Adam*, 2015; Loshchilov and Hutter, *Decoupled weight decay regularization*,
//! 2019.

use crate::OpError;
use crate::flex::{slice, slice_mut, tensor};
use crate::fused::{from_flex, has_kernels, into_flex};
use crate::kernels::optim::{self as kernel, Part};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

/// A parameter in a step, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Slot<S> {
    /// The parameter's values.
    pub parameter: Tensor<1>,
    /// Its gradient.
    pub gradient: Tensor<1>,
    /// Its weight decay.
    pub weight_decay: f64,
    /// What the optimiser remembers of it; `None` before the first step.
    pub state: Option<S>,
}

/// Numbers of [`sgd_step`].
#[derive(Clone, Copy, Debug)]
pub struct SgdRule {
    /// Learning rate.
    pub lr: f64,
    /// Share of the last step's direction that is kept; without it nothing is remembered.
    pub momentum: f64,
    /// Share of the gradient that is left out of the direction.
    pub dampening: f64,
    /// Whether to look one step ahead along the momentum.
    pub nesterov: bool,
    /// Factor on every gradient, as clipping asks for; 1 leaves them.
    pub gradient_scale: f64,
}

/// Numbers of [`adam_step`] and [`adamw_step`].
#[derive(Clone, Copy, Debug)]
pub struct AdamRule {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean of the gradients and of their squares.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Factor on every gradient, as clipping asks for; 1 leaves them.
    pub gradient_scale: f64,
}

/// What Adam remembers of a parameter.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Steps so far.
    pub steps: i32,
    /// Running mean of the gradients.
    pub exp_avg: Tensor<1>,
    /// Running mean of their squares.
    pub exp_avg_sq: Tensor<1>,
}

/// On any device, of tensor operations.
mod composed {
    use super::{AdamRule, Moments, SgdRule, Slot};
    use burn::tensor::Tensor;

    fn scaled(gradient: &Tensor<1>, scale: f64) -> Tensor<1> {
        if scale == 1.0 {
            gradient.clone()
        } else {
            gradient.clone() * scale
        }
    }

    pub(super) fn sgd(slot: Slot<Tensor<1>>, rule: &SgdRule) -> Slot<Tensor<1>> {
        let (p, mut g) = (
            slot.parameter.clone(),
            scaled(&slot.gradient, rule.gradient_scale),
        );
        if slot.weight_decay != 0.0 {
            g = g + p.clone() * slot.weight_decay;
        }
        let (step, state) = if rule.momentum == 0.0 {
            (g, None)
        } else {
            let buffer = match slot.state {
                Some(buffer) => buffer * rule.momentum + g.clone() * (1.0 - rule.dampening),
                None => g.clone(),
            };
            let step = if rule.nesterov {
                g + buffer.clone() * rule.momentum
            } else {
                buffer.clone()
            };
            (step, Some(buffer))
        };
        Slot {
            parameter: p - step * rule.lr,
            state,
            ..slot
        }
    }

    pub(super) fn adam(slot: Slot<Moments>, rule: &AdamRule, decoupled: bool) -> Slot<Moments> {
        let (mut p, mut g) = (
            slot.parameter.clone(),
            scaled(&slot.gradient, rule.gradient_scale),
        );
        if decoupled {
            p = p * (1.0 - rule.lr * slot.weight_decay);
        } else if slot.weight_decay != 0.0 {
            g = g + p.clone() * slot.weight_decay;
        }
        let (steps, m, v) = match slot.state {
            Some(old) => (old.steps + 1, old.exp_avg, old.exp_avg_sq),
            None => (1, g.zeros_like(), g.zeros_like()),
        };
        let [beta1, beta2] = rule.betas;
        let m = m * beta1 + g.clone() * (1.0 - beta1);
        let v = v * beta2 + g.square() * (1.0 - beta2);
        let [bias1, bias2] = [1.0 - beta1.powi(steps), 1.0 - beta2.powi(steps)];
        let root = v.clone().sqrt() * bias2.sqrt().recip() + rule.eps;
        Slot {
            parameter: p - m.clone() / root * (rule.lr / bias1),
            state: Some(Moments {
                steps,
                exp_avg: m,
                exp_avg_sq: v,
            }),
            ..slot
        }
    }
}

/// A slot's tensors on the CPU.
struct Flat<F, const S: usize> {
    parameter: FlexTensor,
    gradient: FlexTensor,
    state: [FlexTensor; S],
    factors: F,
}

impl<F: Copy, const S: usize> Flat<F, S> {
    /// `state` is of zeros if there is none yet.
    fn new(
        parameter: Tensor<1>,
        gradient: Tensor<1>,
        state: Option<[Tensor<1>; S]>,
        factors: F,
    ) -> Self {
        let len = parameter.dims();
        Self {
            parameter: into_flex(parameter),
            gradient: into_flex(gradient),
            state: match state {
                Some(state) => state.map(into_flex),
                None => std::array::from_fn(|_| tensor(vec![0.0; len[0]], len)),
            },
            factors,
        }
    }

    fn part(&mut self) -> Part<'_, F, S> {
        Part {
            p: slice_mut(&mut self.parameter),
            g: slice(&self.gradient),
            state: self.state.each_mut().map(slice_mut),
            factors: self.factors,
        }
    }
}

/// The slots after `kernel` went over what `open` makes of them: the state's tensors and the
/// kernel's numbers. `close` makes the new state.
fn run<T, F: Copy, const S: usize>(
    slots: Vec<Slot<T>>,
    open: impl Fn(&mut Slot<T>) -> (Option<[Tensor<1>; S]>, F),
    kernel: impl FnOnce(Vec<Part<'_, F, S>>),
    close: impl Fn([Tensor<1>; S], F) -> Option<T>,
) -> Vec<Slot<T>> {
    let (decays, mut flat): (Vec<f64>, Vec<Flat<F, S>>) = (slots.into_iter())
        .map(|mut slot| {
            let (state, factors) = open(&mut slot);
            let flat = Flat::new(slot.parameter, slot.gradient, state, factors);
            (slot.weight_decay, flat)
        })
        .unzip();
    kernel(flat.iter_mut().map(Flat::part).collect());
    (flat.into_iter().zip(decays))
        .map(|(flat, weight_decay)| Slot {
            parameter: from_flex(flat.parameter),
            gradient: from_flex(flat.gradient),
            weight_decay,
            state: close(flat.state.map(from_flex), flat.factors),
        })
        .collect()
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
/// Each tensor of a slot has the parameter's length.
///
/// # Errors
/// A gradient or a buffer of another length than its parameter's.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::optim::{SgdRule, Slot, sgd_step};
///
/// let device = Device::flex();
/// let slot = Slot {
///     parameter: Tensor::<1>::from_floats([1.0, 2.0], &device),
///     gradient: Tensor::<1>::from_floats([0.5, -1.0], &device),
///     weight_decay: 0.0,
///     state: None,
/// };
/// let rule = SgdRule {
///     lr: 0.5,
///     momentum: 0.0,
///     dampening: 0.0,
///     nesterov: false,
///     gradient_scale: 1.0,
/// };
/// let moved = sgd_step(vec![slot], &rule)?.remove(0).parameter;
/// assert_eq!(moved.into_data().try_to_vec::<f32>().expect("f32"), [0.75, 2.5]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
pub fn sgd_step(
    slots: Vec<Slot<Tensor<1>>>,
    rule: &SgdRule,
) -> Result<Vec<Slot<Tensor<1>>>, OpError> {
    let op = "sgd_step";
    let mut kernels = true;
    for slot in &slots {
        let state = slot.state.iter().map(|buffer| ("state", buffer));
        kernels &= check(op, slot, state)?;
    }
    if !kernels {
        return Ok((slots.into_iter())
            .map(|slot| composed::sgd(slot, rule))
            .collect());
    }
    let factors = |slot: &Slot<Tensor<1>>| kernel::Sgd {
        scale: rule.gradient_scale as f32,
        decay: slot.weight_decay as f32,
        keep: if slot.state.is_some() {
            rule.momentum as f32
        } else {
            0.0
        },
        take: if slot.state.is_some() {
            (1.0 - rule.dampening) as f32
        } else {
            1.0
        },
        ahead: rule.nesterov.then_some(rule.momentum as f32),
        lr: rule.lr as f32,
    };
    Ok(if rule.momentum == 0.0 {
        let open = |slot: &mut Slot<_>| (Some([]), factors(slot));
        run(slots, open, kernel::sgd, |[], _| None)
    } else {
        let open = |slot: &mut Slot<_>| {
            let factors = factors(slot);
            (slot.state.take().map(|buffer| [buffer]), factors)
        };
        run(slots, open, kernel::momentum, |[buffer], _| Some(buffer))
    })
}

/// A step of Adam; the weight decay is added to the gradient:
///
/// ```text
/// g ← g + wd · p
/// m ← β₁ m + (1 − β₁) g            v ← β₂ v + (1 − β₂) g²
/// p ← p − lr · m̂ / (√v̂ + ε)       m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
/// ```
///
/// with `t` the parameter's own count of steps.
///
/// # Shapes
/// Each tensor of a slot has the parameter's length.
///
/// # Errors
/// A gradient or a moment of another length than its parameter's.
///
/// # Reference
/// Kingma and Ba, *Adam: a method for stochastic optimization*, 2015.
pub fn adam_step(
    slots: Vec<Slot<Moments>>,
    rule: &AdamRule,
) -> Result<Vec<Slot<Moments>>, OpError> {
    adam("adam_step", slots, rule, false)
}

/// A step of AdamW: [`adam_step`] with `p ← p − lr · wd · p` instead of the decay's part in `g`.
///
/// # Shapes
/// Each tensor of a slot has the parameter's length.
///
/// # Errors
/// A gradient or a moment of another length than its parameter's.
///
/// # Reference
/// Loshchilov and Hutter, *Decoupled weight decay regularization*, 2019.
pub fn adamw_step(
    slots: Vec<Slot<Moments>>,
    rule: &AdamRule,
) -> Result<Vec<Slot<Moments>>, OpError> {
    adam("adamw_step", slots, rule, true)
}

fn adam(
    op: &'static str,
    slots: Vec<Slot<Moments>>,
    rule: &AdamRule,
    decoupled: bool,
) -> Result<Vec<Slot<Moments>>, OpError> {
    let mut kernels = true;
    for slot in &slots {
        let moments = slot.state.iter().flat_map(|moments| {
            [
                ("exp_avg", &moments.exp_avg),
                ("exp_avg_sq", &moments.exp_avg_sq),
            ]
        });
        kernels &= check(op, slot, moments)?;
    }
    if !kernels {
        return Ok((slots.into_iter())
            .map(|slot| composed::adam(slot, rule, decoupled))
            .collect());
    }
    let [beta1, beta2] = rule.betas;
    let open = |slot: &mut Slot<Moments>| {
        let steps = slot.state.as_ref().map_or(0, |moments| moments.steps) + 1;
        let decay = slot.weight_decay;
        let factors = kernel::Adam {
            steps,
            scale: rule.gradient_scale as f32,
            shrink: if decoupled {
                (1.0 - rule.lr * decay) as f32
            } else {
                1.0
            },
            decay: if decoupled { 0.0 } else { decay as f32 },
            take: [(1.0 - beta1) as f32, (1.0 - beta2) as f32],
            keep: beta2 as f32,
            lr: (rule.lr / (1.0 - beta1.powi(steps))) as f32,
            unbias: (1.0 - beta2.powi(steps)).sqrt().recip() as f32,
            eps: rule.eps as f32,
        };
        let moments = slot.state.take();
        let moments = moments.map(|moments| [moments.exp_avg, moments.exp_avg_sq]);
        (moments, factors)
    };
    let close = |[exp_avg, exp_avg_sq]: [Tensor<1>; 2], factors: kernel::Adam| {
        Some(Moments {
            steps: factors.steps,
            exp_avg,
            exp_avg_sq,
        })
    };
    Ok(run(slots, open, kernel::adam, close))
}

/// The L2 norm of all tensors together, `√ΣΣ x²`; not finite if any element is not.
///
/// On the CPU the squares are summed in f64.
pub fn global_norm(tensors: &[&Tensor<1>]) -> f64 {
    let squares = if tensors.iter().all(|x| has_kernels(x)) {
        let tensors: Vec<_> = tensors.iter().map(|&x| into_flex(x.clone())).collect();
        kernel::sum_of_squares(&tensors.iter().map(slice).collect::<Vec<_>>())
    } else {
        let square = |x: &&Tensor<1>| f64::from((*x).clone().square().sum().into_scalar::<f32>());
        tensors.iter().map(square).sum()
    };
    squares.sqrt()
}

/// An error unless all of a slot's tensors have one length; else whether all have kernels.
fn check<'a, S>(
    op: &'static str,
    slot: &'a Slot<S>,
    state: impl Iterator<Item = (&'static str, &'a Tensor<1>)>,
) -> Result<bool, OpError> {
    let mut kernels = has_kernels(&slot.parameter);
    for (argument, x) in std::iter::once(("gradient", &slot.gradient)).chain(state) {
        if x.dims() != slot.parameter.dims() {
            let [len] = slot.parameter.dims();
            return Err(OpError::Shape {
                op,
                argument,
                expected: format!("the {len} elements of its parameter"),
                got: x.dims().to_vec(),
            });
        }
        kernels &= has_kernels(x);
    }
    Ok(kernels)
}

#[cfg(test)]
mod tests;
