//! Negative log-likelihood of given log-probabilities.

use super::{Reduction, check_classes, check_weights, column, constant, with_reduction};
use crate::NnError;
use burn::tensor::Tensor;

/// `l = −w[y] · x[y]` of log-probabilities `x`, as from a log-softmax. The mean is `Σ l / Σ w[y]`.
///
/// For logits, [`CrossEntropy`](super::CrossEntropy) is both steps in one.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::NllLoss;
///
/// let log_p = Tensor::<2>::from_floats([[-1.0, -2.0], [-3.0, -0.5]], &Device::flex());
/// let loss = NllLoss::default().forward(log_p, &[0, 0])?;
/// assert_eq!(loss.into_scalar::<f32>(), 2.0);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NllLoss {
    weight: Option<Vec<f32>>,
    ignore_index: Option<usize>,
    reduction: Reduction,
}
with_reduction!(NllLoss);

impl NllLoss {
    /// A mean loss with, if given, one weight a class.
    ///
    /// # Errors
    /// A negative or non-finite weight.
    pub fn new(weight: Option<Vec<f32>>) -> Result<Self, NnError> {
        check_weights("NllLoss", "weight", weight.as_deref())?;
        Ok(Self {
            weight,
            ..Self::default()
        })
    }

    /// Sets the class of places that do not count, which need not be below `K`. Default: none.
    pub fn with_ignore_index(mut self, ignore_index: usize) -> Self {
        self.ignore_index = Some(ignore_index);
        self
    }

    /// The loss of a batch.
    ///
    /// # Shapes
    /// `log_p: (N, K, *)`, `classes`: one for each place of `(N, *)` in row-major order → `[1]`, or
    /// one loss for each class given.
    ///
    /// # Errors
    /// Fewer than two axes, another number of classes than places or of weights than `K`, a class
    /// that is not below `K`, or a mean of places none of which counts.
    pub fn forward<const D: usize>(
        &self,
        log_p: Tensor<D>,
        classes: &[usize],
    ) -> Result<Tensor<1>, NnError> {
        let layer = "NllLoss";
        if D < 2 || log_p.dims()[1] == 0 {
            return Err(NnError::Input {
                layer,
                expected: "(N, K, *)".to_string(),
                got: log_p.dims().to_vec(),
            });
        }
        let k = log_p.dims()[1];
        let places = log_p.dims().iter().product::<usize>() / k;
        let ignored = |class: usize| Some(class) == self.ignore_index;
        let indices: Vec<usize> = (classes.iter())
            .map(|&class| if ignored(class) { 0 } else { class })
            .collect();
        check_classes(layer, [places, k], &indices, self.weight.as_deref())?;
        let weight = |&class: &usize| match &self.weight {
            _ if ignored(class) => 0.0,
            Some(weight) => weight[class],
            None => 1.0,
        };
        let weights: Vec<f32> = classes.iter().map(weight).collect();
        let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        if self.reduction == Reduction::Mean && total == 0.0 {
            let expected = "above 0 for at least one class that is not ignored";
            return Err(NnError::config(layer, "weight", expected, total));
        }
        let rows = log_p.movedim(1, D - 1).reshape([places, k]);
        let weights = constant(weights, [places, 1], &rows);
        let index = column(&indices, &rows);
        let none = weights.clone().equal_elem(0.0);
        // Filled, as 0 · −∞ is NaN.
        let losses = (-rows.gather(1, index) * weights).mask_fill(none, 0.0);
        Ok(match self.reduction {
            Reduction::Mean => losses.sum() / total,
            Reduction::Sum => losses.sum(),
            Reduction::None => losses.reshape([places]),
        })
    }
}
