//! Losses, by PyTorch's names, arguments and defaults.
//!
//! Each is a value made from its settings, with a `forward` from predictions and targets to a
//! tensor of one axis: `[1]` for a mean or a sum, the losses one by one in row-major order without a
//! [`Reduction`].

mod binary;
mod cross_entropy;
mod ctc;
mod distance;
mod embedding;
mod focal;
mod kl_div;
mod margin;
mod nll;

pub use binary::{BceLoss, BceWithLogitsLoss};
pub use cross_entropy::CrossEntropy;
pub use ctc::CtcLoss;
pub use distance::{HuberLoss, L1Loss, MseLoss, SmoothL1Loss};
pub use embedding::{CosineEmbeddingLoss, HingeEmbeddingLoss, TripletMarginLoss};
pub use focal::{FocalLoss, SoftmaxFocalLoss};
pub use kl_div::KlDivLoss;
pub use margin::MultiMarginLoss;
pub use nll::NllLoss;
pub use onggi_ops::loss::Reduction;

use crate::NnError;
use crate::error::check_range;
use burn::tensor::{Int, Tensor, TensorData};

/// Gives a loss its setter of the reduction.
macro_rules! with_reduction {
    ($($loss:ident),+) => {$(
        impl $loss {
            /// Sets what becomes of the losses. Default: their mean.
            pub fn with_reduction(mut self, reduction: $crate::loss::Reduction) -> Self {
                self.reduction = reduction;
                self
            }
        }
    )+};
}
use with_reduction;

/// The losses' mean or sum, or all of them in one axis.
fn reduce<const D: usize>(losses: Tensor<D>, reduction: Reduction) -> Tensor<1> {
    match reduction {
        Reduction::Mean => losses.mean(),
        Reduction::Sum => losses.sum(),
        Reduction::None => {
            let len = losses.dims().iter().product::<usize>();
            losses.reshape([len])
        }
    }
}

/// An error unless the input has the target's shape.
fn check_same_shape<const D: usize>(
    layer: &'static str,
    x: &Tensor<D>,
    target: &Tensor<D>,
) -> Result<(), NnError> {
    if x.dims() == target.dims() {
        return Ok(());
    }
    Err(NnError::Input {
        layer,
        expected: format!("of the target's shape {:?}", target.dims()),
        got: x.dims().to_vec(),
    })
}

/// An error unless every weight is finite and not negative.
fn check_weights(
    layer: &'static str,
    argument: &'static str,
    weight: Option<&[f32]>,
) -> Result<(), NnError> {
    for &w in weight.into_iter().flatten() {
        check_range(layer, argument, f64::from(w), 0.0..=f64::from(f32::MAX))?;
    }
    Ok(())
}

/// An error unless there is one class below `k` for each of `n` rows, and one weight a class if
/// there are weights.
fn check_classes(
    layer: &'static str,
    [n, k]: [usize; 2],
    classes: &[usize],
    weight: Option<&[f32]>,
) -> Result<(), NnError> {
    if classes.len() != n {
        return Err(NnError::Input {
            layer,
            expected: format!("one row for each of the {} classes given", classes.len()),
            got: vec![n, k],
        });
    }
    if let Some(class) = classes.iter().find(|&&class| class >= k) {
        let expected = format!("below {k}");
        return Err(NnError::config(layer, "classes", expected, class));
    }
    match weight {
        Some(weight) if weight.len() != k => {
            let expected = format!("one value for each of the {k} classes");
            let got = format!("{} values", weight.len());
            Err(NnError::config(layer, "weight", expected, got))
        }
        _ => Ok(()),
    }
}

/// Class indices as a column on the device of `like`.
fn column(classes: &[usize], like: &Tensor<2>) -> Tensor<2, Int> {
    let index: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
    let shape = [index.len(), 1];
    Tensor::from_data(TensorData::new(index, shape), &like.device())
}

/// Constants as a tensor on the device of `like` and of its type.
fn constant<const D: usize, const E: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    like: &Tensor<E>,
) -> Tensor<D> {
    Tensor::from_data(
        TensorData::new(values, shape),
        (&like.device(), like.dtype()),
    )
}
