//! Cross-entropy between logits and classes or probabilities.

use super::{Reduction, check_weights};
use crate::NnError;
use crate::error::check_range;
use burn::tensor::{Int, Tensor};
use onggi_ops::loss::{CrossEntropyOptions, cross_entropy, cross_entropy_soft};

/// Cross-entropy of the softmax of logits, in nats; see [`onggi_ops::loss`]. With classes, the mean
/// is
///
/// ```text
/// loss = Σₙ [ (1 − s) · w[yₙ] · (−log p[n, yₙ]) + s/K · Σ_k w[k] · (−log p[n, k]) ] / Σₙ w[yₙ]
/// ```
///
/// with `s` the label smoothing, `K` classes, `w` the class weights (1 if none are given).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::CrossEntropy;
///
/// let logits = Tensor::<2>::zeros([3, 4], &Device::flex());
/// let loss = CrossEntropy::new(0.0, None)?.forward(logits, &[0, 1, 3])?;
/// assert!((loss.into_scalar::<f32>() - 4f32.ln()).abs() < 1e-6);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Szegedy et al., *Rethinking the Inception architecture*, 2016 (label smoothing).
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    options: CrossEntropyOptions,
}

impl CrossEntropy {
    /// A mean loss with `label_smoothing` in `[0, 1]` and, if given, one weight a class.
    ///
    /// # Errors
    /// Smoothing outside of `[0, 1]`; a negative or non-finite class weight.
    pub fn new(label_smoothing: f64, weight: Option<Vec<f32>>) -> Result<Self, NnError> {
        let name = "CrossEntropy";
        check_range(name, "label_smoothing", label_smoothing, 0.0..=1.0)?;
        check_weights(name, "weight", weight.as_deref())?;
        let options = CrossEntropyOptions {
            weight,
            label_smoothing,
            ..Default::default()
        };
        Ok(Self { options })
    }

    /// Sets the class of places that do not count. Default: −100.
    pub fn with_ignore_index(mut self, ignore_index: i64) -> Self {
        self.options.ignore_index = ignore_index;
        self
    }

    /// Sets what becomes of the losses. Default: their mean.
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.options.reduction = reduction;
        self
    }

    /// The loss of a batch, by class.
    ///
    /// # Shapes
    /// `logits: (N, K, *)` or `[K]`, `classes`: one for each place of `(N, *)` in row-major order →
    /// `[1]`, or one loss for each class given.
    ///
    /// # Errors
    /// As [`onggi_ops::loss::cross_entropy`].
    pub fn forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        classes: &[usize],
    ) -> Result<Tensor<1>, NnError> {
        let classes: Vec<i64> = classes.iter().map(|&class| class as i64).collect();
        Ok(cross_entropy(logits, &classes, &self.options)?)
    }

    /// The loss of a batch, by classes in a tensor, where `ignore_index` may occur.
    ///
    /// # Shapes
    /// `logits: (N, K, *)`, `classes: (N, *)` → `[1]`, or one loss for each class.
    ///
    /// # Errors
    /// As [`onggi_ops::loss::cross_entropy`]; classes of another shape than the places.
    pub fn forward_indices<const D: usize, const E: usize>(
        &self,
        logits: Tensor<D>,
        classes: Tensor<E, Int>,
    ) -> Result<Tensor<1>, NnError> {
        let mut places = logits.dims().to_vec();
        if D > 1 {
            places.remove(1);
        }
        if places != classes.dims() {
            return Err(NnError::Input {
                layer: "CrossEntropy",
                expected: format!("(N, K, *) for classes (N, *) = {:?}", classes.dims()),
                got: logits.dims().to_vec(),
            });
        }
        let classes: Vec<i64> = classes.into_data().iter::<i64>().collect();
        Ok(cross_entropy(logits, &classes, &self.options)?)
    }

    /// The loss of a batch, by target probabilities; the mean is over places, whatever the weights.
    ///
    /// # Shapes
    /// `logits, targets: (N, K, *)` or `[K]` → `[1]`, or one loss for each place.
    ///
    /// # Errors
    /// As [`onggi_ops::loss::cross_entropy_soft`].
    pub fn forward_soft<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        Ok(cross_entropy_soft(logits, targets, &self.options)?)
    }
}
