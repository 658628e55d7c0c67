//! Attention by the CPU kernels.

use super::Checked;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation};
use crate::kernels::attention::{self as kernel, Plan, View, Wanted};
use burn::backend::{DispatchTensor, TensorMetadata};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

/// Sizes of an attention.
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) heads: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    /// Width of a head's query and key.
    pub(super) width: usize,
    /// Width of a head's value.
    pub(super) value_width: usize,
}

/// Of `q`, `k` and `v`, or of one tensor that holds all three; and, as the last, of the mask.
#[derive(Clone, Debug)]
pub(super) struct Attention {
    plan: Plan,
    shape: Vec<usize>,
}

impl Attention {
    /// With the places of `q`, `k`, `v` and `y`, and the shape of `y`.
    pub(super) fn new(
        sizes: &Sizes,
        [q, k, v, y]: [View; 4],
        shape: Vec<usize>,
        options: &Checked,
    ) -> Self {
        let mask = options.mask.as_ref().map(|mask| {
            let dims = mask.dims();
            let mut strides = [0; 4];
            for axis in (0..4).filter(|&axis| dims[axis] > 1) {
                strides[axis] = dims[axis + 1..].iter().product();
            }
            strides
        });
        let plan = Plan {
            batch: sizes.batch,
            heads: sizes.heads,
            queries: sizes.queries,
            keys: sizes.keys,
            width: sizes.width,
            value_width: sizes.value_width,
            q,
            k,
            v,
            y,
            mask,
            scale: options.scale,
            causal: options.is_causal,
            dropout: options.dropout,
        };
        Self { plan, shape }
    }

    pub(super) fn apply<const D: usize, const N: usize>(
        self,
        inputs: [DispatchTensor; N],
        mask: Option<Tensor<4>>,
    ) -> Tensor<D> {
        let mut inputs: Vec<_> = inputs.into();
        inputs.extend(mask.map(Tensor::into_dispatch));
        macro_rules! apply {
            ($($n:literal)*) => {
                match inputs.len() {
                    $($n => {
                        let inputs: [_; $n] = inputs.try_into().expect("as many as counted");
                        fused::apply(self, inputs).y()
                    })*
                    n => unreachable!("{n} inputs: one or three, and perhaps a mask"),
                }
            };
        }
        apply!(1 2 3 4)
    }

    fn run(&self, mut inputs: Vec<FlexTensor>) -> (FlexTensor, Saved) {
        let mask = self.plan.mask.and_then(|_| inputs.pop());
        let out = kernel::forward(parts(&inputs), mask.as_ref().map(slice), &self.plan);
        let y = tensor(out.y, self.shape.clone());
        let rows = out.lse.len();
        let saved = Saved {
            inputs,
            mask,
            y: y.clone(),
            lse: tensor(out.lse, [rows]),
        };
        (y, saved)
    }

    fn gradients(
        &self,
        saved: &Saved,
        dy: &FlexTensor,
        wanted: &[bool],
    ) -> Vec<Option<FlexTensor>> {
        let mask = saved.mask.as_ref();
        let kinds = Wanted {
            packed: saved.inputs.len() == 1,
            scores: mask.is_some() && wanted.last() == Some(&true),
        };
        let results = [&saved.y, &saved.lse, dy].map(slice);
        let inputs = parts(&saved.inputs);
        let out = kernel::backward(inputs, mask.map(slice), results, &self.plan, kinds);
        let inputs = out.inputs.into_iter().zip(&saved.inputs);
        let inputs = inputs.map(|(gradient, input)| Some(tensor(gradient, input.shape())));
        let dmask = mask.map(|mask| {
            kinds.scores.then(|| {
                let len = mask.shape().num_elements();
                tensor(
                    kernel::mask_gradient(&out.scores, len, &self.plan),
                    mask.shape(),
                )
            })
        });
        inputs.chain(dmask).collect()
    }
}

/// `q`, `k` and `v`.
fn parts(inputs: &[FlexTensor]) -> [&[f32]; 3] {
    match inputs {
        [qkv] => [slice(qkv); 3],
        [q, k, v] => [q, k, v].map(slice),
        _ => unreachable!("{} inputs besides the mask: one or three", inputs.len()),
    }
}

#[derive(Clone, Debug)]
pub(super) struct Saved {
    inputs: Vec<FlexTensor>,
    mask: Option<FlexTensor>,
    y: FlexTensor,
    lse: FlexTensor,
}

impl<const N: usize> Operation<N> for Attention {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Saved) {
        self.run(inputs.into())
    }

    fn backward(&self, saved: Saved, dy: FlexTensor, wanted: [bool; N]) -> [Option<FlexTensor>; N] {
        let gradients = self.gradients(&saved, &dy, &wanted);
        gradients.try_into().expect("one for each input")
    }
}
