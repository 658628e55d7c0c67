//! The way of every operation from `Tensor` to its CPU kernels, and of its gradient back.
//!
//! An operation asks [`has_kernels`]. If so, [`apply`] hands contiguous CPU tensors to its
//! [`Operation::forward`] and, where a gradient is wanted, puts [`Operation::backward`] into Burn's
//! graph. If not (another device, another type of float), the operation composes itself of
//! `Tensor`'s own methods, whose gradient Burn knows.

use crate::flex::contiguous;
use burn::backend::autodiff::checkpoint::strategy::{BalancedCheckpointing, NoCheckpointing};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, AutodiffBackend, BackendTensor, DispatchAutodiffContext, DispatchDevice,
    DispatchTensor, DispatchTensorKind, Flex, GradientCheckpointingStrategy,
};
use burn::tensor::{DType, Tensor};
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::FlexTensor;
use std::fmt::Debug;

/// An operation on `N` float tensors with one differentiable result, by CPU kernels.
///
/// The tensors that its methods get are `f32` and contiguous.
pub(crate) trait Operation<const N: usize>: Clone + Debug + Send + 'static {
    /// What the backward pass needs. A `FlexTensor` is a shared handle: saving one copies nothing.
    type Saved: Clone + Debug + Send + 'static;

    /// The result, and what the backward pass needs.
    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Self::Saved);

    /// The gradient of each input that is `wanted`, through the upstream gradient `dy`.
    fn backward(
        &self,
        saved: Self::Saved,
        dy: FlexTensor,
        wanted: [bool; N],
    ) -> [Option<FlexTensor>; N];
}

/// Whether the CPU kernels, which work in `f32`, can take a tensor.
pub(crate) fn has_kernels<const D: usize>(x: &Tensor<D>) -> bool {
    let on_cpu = matches!(
        x.device().as_dispatch().clone().inner(),
        DispatchDevice::Flex(_)
    );
    on_cpu && x.dtype() == DType::F32
}

/// Runs an operation on tensors that all [have kernels](has_kernels).
pub(crate) fn apply<O: Operation<N>, const N: usize>(
    operation: O,
    inputs: [DispatchTensor; N],
) -> Applied<O::Saved> {
    let context = (inputs.iter()).fold(DispatchAutodiffContext::Disabled, |context, input| {
        context.merge(input.autodiff)
    });
    let inputs = inputs.map(|input| cpu(input.kind));
    let DispatchAutodiffContext::Enabled(strategy) = context else {
        let (y, saved) = operation.forward(inputs.map(|input| contiguous(input.value())));
        let y = plain(y);
        return Applied { y, saved, context };
    };
    let inputs = inputs.map(CpuTensor::in_graph);
    let nodes = inputs.each_ref().map(|input| input.node());
    let values = inputs.map(|input| contiguous(input.into_primitive()));
    let (y, saved) = operation.forward(values);
    let step = Step(operation);
    macro_rules! finish {
        ($strategy:ty) => {
            match step.prepare::<$strategy>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(prep) => prep.finish(saved.clone(), y),
                OpsKind::UnTracked(prep) => prep.finish(y),
            }
        };
    }
    let y = match strategy {
        GradientCheckpointingStrategy::Balanced => finish!(BalancedCheckpointing),
        GradientCheckpointingStrategy::Disabled => finish!(NoCheckpointing),
    };
    let y = in_context(y, context);
    Applied { y, saved, context }
}

/// A tensor that [has kernels](has_kernels), for work that no gradient goes through.
pub(crate) fn into_flex<const D: usize>(x: Tensor<D>) -> FlexTensor {
    contiguous(cpu(x.into_dispatch().kind).value())
}

/// The reverse of [`into_flex`], outside of the graph.
pub(crate) fn from_flex<const D: usize>(x: FlexTensor) -> Tensor<D> {
    Tensor::from_dispatch(plain(x))
}

/// Result of [`apply`].
pub(crate) struct Applied<S> {
    y: DispatchTensor,
    /// What the operation kept; statistics among it may be handed out by
    /// [`constant`](Self::constant).
    pub(crate) saved: S,
    context: DispatchAutodiffContext,
}

impl<S> Applied<S> {
    /// The operation's result.
    pub(crate) fn y<const D: usize>(self) -> Tensor<D> {
        Tensor::from_dispatch(self.y)
    }

    /// A tensor of the forward pass as a constant on the result's device.
    pub(crate) fn constant<const D: usize>(&self, value: FlexTensor) -> Tensor<D> {
        Tensor::from_dispatch(match self.context {
            DispatchAutodiffContext::Disabled => plain(value),
            DispatchAutodiffContext::Enabled(_) => in_context(untracked(value), self.context),
        })
    }
}

/// A tensor of the CPU back end, in a graph or not.
enum CpuTensor {
    Value(FlexTensor),
    InGraph(FloatTensor<Autodiff<Flex>>),
}

impl CpuTensor {
    fn value(self) -> FlexTensor {
        match self {
            Self::Value(value) => value,
            Self::InGraph(tensor) => tensor.into_primitive(),
        }
    }

    fn in_graph(self) -> FloatTensor<Autodiff<Flex>> {
        match self {
            Self::Value(value) => untracked(value),
            Self::InGraph(tensor) => tensor,
        }
    }
}

fn cpu(kind: DispatchTensorKind) -> CpuTensor {
    match kind {
        DispatchTensorKind::Flex(BackendTensor::Autodiff(tensor)) => CpuTensor::InGraph(tensor),
        DispatchTensorKind::Flex(tensor) => CpuTensor::Value(tensor.float()),
        DispatchTensorKind::Autodiff(inner) => cpu(*inner),
        #[allow(unreachable_patterns)] // with the feature of another device
        _ => unreachable!("`has_kernels` was asked"),
    }
}

fn untracked(value: FlexTensor) -> FloatTensor<Autodiff<Flex>> {
    <Autodiff<Flex> as AutodiffBackend>::from_inner(value)
}

fn plain(value: FlexTensor) -> DispatchTensor {
    DispatchTensor {
        kind: DispatchTensorKind::Flex(BackendTensor::Float(value)),
        autodiff: DispatchAutodiffContext::Disabled,
    }
}

fn in_context(
    tensor: FloatTensor<Autodiff<Flex>>,
    autodiff: DispatchAutodiffContext,
) -> DispatchTensor {
    let kind = DispatchTensorKind::Flex(BackendTensor::Autodiff(tensor));
    DispatchTensor {
        kind: DispatchTensorKind::Autodiff(Box::new(kind)),
        autodiff,
    }
}

/// An operation's step of the backward pass.
#[derive(Debug)]
struct Step<O>(O);

impl<O: Operation<N>, const N: usize> Backward<Flex, N> for Step<O> {
    type State = O::Saved;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = self.0.backward(ops.state, dy, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}
