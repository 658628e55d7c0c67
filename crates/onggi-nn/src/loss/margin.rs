//! Losses that ask for a margin between the right class and the others.

use super::{Reduction, check_classes, check_weights, column, constant, reduce, with_reduction};
use crate::NnError;
use burn::tensor::Tensor;
use onggi_ops::activation::relu;

/// The hinge loss of a choice among classes:
/// `l = w[y]/K · Σ_{k ≠ y} max(0, margin − x[y] + x[k])^p`. The mean is over rows, whatever their
/// weights.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::MultiMarginLoss;
///
/// let x = Tensor::<2>::from_floats([[2.0, 1.5, 0.0, 1.0]], &Device::flex());
/// let loss = MultiMarginLoss::default().forward(x, &[0])?;
/// assert_eq!(loss.into_scalar::<f32>(), 0.5 / 4.0);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MultiMarginLoss {
    squared: bool,
    margin: f64,
    weight: Option<Vec<f32>>,
    reduction: Reduction,
}
with_reduction!(MultiMarginLoss);

impl Default for MultiMarginLoss {
    /// `p` 1, margin 1.
    fn default() -> Self {
        Self {
            squared: false,
            margin: 1.0,
            weight: None,
            reduction: Reduction::Mean,
        }
    }
}

impl MultiMarginLoss {
    /// A mean loss with, if given, one weight a class.
    ///
    /// # Errors
    /// A `p` other than 1 and 2, a margin that is not finite, a negative or non-finite weight.
    pub fn new(p: u32, margin: f64, weight: Option<Vec<f32>>) -> Result<Self, NnError> {
        let layer = "MultiMarginLoss";
        if !(1..=2).contains(&p) {
            return Err(NnError::config(layer, "p", "1 or 2", p));
        }
        if !margin.is_finite() {
            return Err(NnError::config(layer, "margin", "finite", margin));
        }
        check_weights(layer, "weight", weight.as_deref())?;
        Ok(Self {
            squared: p == 2,
            margin,
            weight,
            reduction: Reduction::Mean,
        })
    }

    /// The loss of a batch.
    ///
    /// # Shapes
    /// `x: (N, K)`, `classes`: `N` of `0..K` → `[1]`, or `[N]`.
    ///
    /// # Errors
    /// Another number of classes than rows or of weights than `K`, or a class that is not below `K`.
    pub fn forward(&self, x: Tensor<2>, classes: &[usize]) -> Result<Tensor<1>, NnError> {
        let [n, k] = x.dims();
        check_classes("MultiMarginLoss", [n, k], classes, self.weight.as_deref())?;
        // The right class itself weighs nothing.
        let mut weights = vec![1.0 / k as f32; n * k];
        for (row, &class) in weights.chunks_mut(k.max(1)).zip(classes) {
            let weight = self.weight.as_ref().map_or(1.0, |weight| weight[class]);
            row.iter_mut().for_each(|w| *w *= weight);
            row[class] = 0.0;
        }
        let weights = constant(weights, [n, k], &x);
        let own = x.clone().gather(1, column(classes, &x));
        // Not a clamp, whose gradient at the margin itself is 1.
        let short = relu(x - own + self.margin);
        let short = if self.squared { short.square() } else { short };
        Ok(reduce((short * weights).sum_dim(1), self.reduction))
    }
}
