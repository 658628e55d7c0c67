//! Steps of optimisers, over all parameters of a model in one call.
//!
//! A [`Slot`] holds a parameter, its gradient and what the optimiser remembers of it, each flat. On
//! the CPU a step writes parameters and memory where they lie, as long as no other tensor shares
//! them (it copies first if one does); elsewhere it is composed of tensor operations.

mod adagrad;
mod adam;
mod lamb;
mod lion;
mod penalty;
mod rmsprop;
mod sgd;

pub use adagrad::{AdagradRule, adagrad_step};
pub use adam::{AdamRule, NAdamRule, adam_step, nadam_step};
pub use lamb::{LambRule, lamb_step};
pub use lion::{LionRule, lion_step};
pub use penalty::{add_penalty, max_norm, soft_threshold};
pub use rmsprop::{RmsPropRule, rmsprop_step};
pub use sgd::{SgdRule, sgd_step};

use crate::OpError;
use crate::flex::{slice, slice_mut};
use crate::fused::{from_flex, has_kernels, into_flex};
use crate::kernels::optim::{self as kernel, Part};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

/// A parameter in a step, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The parameter's values.
    pub parameter: Tensor<1>,
    /// Its gradient.
    pub gradient: Tensor<1>,
    /// Factor on the gradient, as clipping asks for; 1 leaves it.
    pub gradient_scale: f64,
    /// Its learning rate.
    pub lr: f64,
    /// Its weight decay.
    pub weight_decay: f64,
    /// What the optimiser remembers of it.
    pub memory: Memory,
}

impl Slot {
    /// A parameter without weight decay and history.
    pub fn new(parameter: Tensor<1>, gradient: Tensor<1>, lr: f64) -> Self {
        Self {
            parameter,
            gradient,
            gradient_scale: 1.0,
            lr,
            weight_decay: 0.0,
            memory: Memory::default(),
        }
    }
}

/// What an optimiser remembers of a parameter.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Steps so far.
    pub steps: u64,
    /// Tensors of the parameter's length, in the rule's order; none before the first step.
    pub tensors: Vec<Tensor<1>>,
}

/// One step of every slot: `kernel` where all tensors have kernels, else `composed` slot by slot.
///
/// `factors` are a slot's numbers, the step counted already; memory begins with `initial`.
fn step<F: Copy, const S: usize>(
    op: &'static str,
    slots: Vec<Slot>,
    initial: f32,
    factors: impl Fn(&Slot) -> F,
    kernel: impl FnOnce(Vec<Part<'_, F, S>>),
    composed: impl Fn(Tensor<1>, Tensor<1>, [Tensor<1>; S], F) -> (Tensor<1>, [Tensor<1>; S]),
) -> Result<Vec<Slot>, OpError> {
    let mut kernels = true;
    for slot in &slots {
        kernels &= check::<S>(op, slot)?;
    }
    let open = |mut slot: Slot| {
        slot.memory.steps += 1;
        let factors = factors(&slot);
        let fresh = |_| slot.parameter.full_like(initial);
        let state = <[Tensor<1>; S]>::try_from(slot.memory.tensors)
            .unwrap_or_else(|_| std::array::from_fn(fresh));
        let rest = Rest {
            gradient_scale: slot.gradient_scale,
            lr: slot.lr,
            weight_decay: slot.weight_decay,
            steps: slot.memory.steps,
        };
        (slot.parameter, slot.gradient, state, factors, rest)
    };
    if !kernels {
        let slots = slots.into_iter().map(|slot| {
            let (p, g, state, factors, rest) = open(slot);
            let (p, state) = composed(p, g.clone(), state, factors);
            rest.close(p, g, state)
        });
        return Ok(slots.collect());
    }
    let (mut flat, rest): (Vec<Flat<F, S>>, Vec<Rest>) = (slots.into_iter())
        .map(|slot| {
            let (p, g, state, factors, rest) = open(slot);
            let flat = Flat {
                p: into_flex(p),
                g: into_flex(g),
                state: state.map(into_flex),
                factors,
            };
            (flat, rest)
        })
        .unzip();
    kernel(flat.iter_mut().map(Flat::part).collect());
    let slots = flat.into_iter().zip(rest).map(|(flat, rest)| {
        let state = flat.state.map(from_flex);
        rest.close(from_flex(flat.p), from_flex(flat.g), state)
    });
    Ok(slots.collect())
}

/// What a step leaves of a slot.
struct Rest {
    gradient_scale: f64,
    lr: f64,
    weight_decay: f64,
    steps: u64,
}

impl Rest {
    fn close<const S: usize>(self, p: Tensor<1>, g: Tensor<1>, state: [Tensor<1>; S]) -> Slot {
        Slot {
            parameter: p,
            gradient: g,
            gradient_scale: self.gradient_scale,
            lr: self.lr,
            weight_decay: self.weight_decay,
            memory: Memory {
                steps: self.steps,
                tensors: state.into(),
            },
        }
    }
}

/// A slot's tensors on the CPU.
struct Flat<F, const S: usize> {
    p: FlexTensor,
    g: FlexTensor,
    state: [FlexTensor; S],
    factors: F,
}

impl<F: Copy, const S: usize> Flat<F, S> {
    fn part(&mut self) -> Part<'_, F, S> {
        Part {
            p: slice_mut(&mut self.p),
            g: slice(&self.g),
            state: self.state.each_mut().map(slice_mut),
            factors: self.factors,
        }
    }
}

/// `scale · g + decay · p`, the gradient of every composed step.
fn decayed(g: Tensor<1>, p: &Tensor<1>, scale: f32, decay: f32) -> Tensor<1> {
    let g = if scale == 1.0 { g } else { g * scale };
    if decay == 0.0 {
        g
    } else {
        g + p.clone() * decay
    }
}

/// Which norm over all elements of several tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NormType {
    /// `√ΣΣ x²`.
    #[default]
    L2,
    /// The largest `|x|`.
    Max,
}

/// The norm of all tensors together; not finite if any element is not.
///
/// On the CPU the squares are summed in f64.
pub fn global_norm(tensors: &[&Tensor<1>], norm_type: NormType) -> f64 {
    let kernels = tensors.iter().all(|x| has_kernels(x));
    if kernels {
        let tensors: Vec<_> = tensors.iter().map(|&x| into_flex(x.clone())).collect();
        let slices: Vec<_> = tensors.iter().map(slice).collect();
        return match norm_type {
            NormType::L2 => kernel::sum_of_squares(&slices).sqrt(),
            NormType::Max => f64::from(kernel::largest(&slices)),
        };
    }
    let scalar = |x: Tensor<1>| f64::from(x.into_scalar::<f32>());
    match norm_type {
        NormType::L2 => {
            let squares = tensors.iter().map(|&x| scalar(x.clone().square().sum()));
            squares.sum::<f64>().sqrt()
        }
        NormType::Max => (tensors.iter())
            // A device may leave NaN out of a maximum, but not out of a sum.
            .map(|&x| scalar(x.clone().abs().max()) + 0.0 * scalar(x.clone().sum()))
            .fold(0.0, |most, x| if x > most || x.is_nan() { x } else { most }),
    }
}

/// An error unless all of a slot's tensors have one length, and none or `S` are remembered; else
/// whether all have kernels.
fn check<const S: usize>(op: &'static str, slot: &Slot) -> Result<bool, OpError> {
    let mut kernels = has_kernels(&slot.parameter);
    let remembered = &slot.memory.tensors;
    if !remembered.is_empty() && remembered.len() != S {
        return Err(OpError::Shape {
            op,
            argument: "memory",
            expected: format!("{S} tensors"),
            got: vec![remembered.len()],
        });
    }
    let gradient = std::iter::once(("gradient", &slot.gradient));
    for (argument, x) in gradient.chain(remembered.iter().map(|x| ("memory", x))) {
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
