//! A backward pass through a given upstream gradient, without other work: what PyTorch's
//! `y.backward(dy)` does. Burn starts every backward pass with ones, and `(y · dy).sum()` would
//! time a product and a sum besides the operation.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Gradients, Shape, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

/// The starting point of a backward pass.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait UpstreamOps: Backend {
    /// A zero whose gradient to `y` is `dy`.
    fn upstream(y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let device = y.device();
        let _ = dy;
        Self::float_zeros(Shape::new([1]), &device, y.dtype().into())
    }
}

impl UpstreamOps for Flex {}

#[derive(Debug)]
struct Start;

impl<B: UpstreamOps> Backward<B, 1> for Start {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut grads::Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let _one = grads.consume::<B>(&ops.node);
        if let [Some(y)] = ops.parents {
            grads.register::<B>(y.id, ops.state);
        }
    }
}

impl<B: UpstreamOps, C: CheckpointStrategy> UpstreamOps for Autodiff<B, C> {
    fn upstream(y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = y.node();
        let dy = dy.primitive().clone();
        let zero = B::upstream(y.primitive().clone(), dy.clone());
        match Start.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(dy, zero),
            OpsKind::UnTracked(prep) => prep.finish(zero),
        }
    }
}

/// The gradients of `y` through the upstream gradient `dy`.
pub(crate) fn backward<const D: usize>(y: Tensor<D>, dy: Tensor<D>) -> Gradients {
    let start = Dispatch::upstream(y.into_dispatch(), dy.into_dispatch());
    Tensor::<1>::from_dispatch(start).backward()
}
