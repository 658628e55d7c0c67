//! Cross-entropy between logits and classes, with class weights and label smoothing.

use crate::NnError;
use crate::error::check_range;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};

/// Mean cross-entropy of the softmax of logits, in nats:
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
    label_smoothing: f64,
    weight: Option<Vec<f32>>,
}

impl CrossEntropy {
    /// A loss with `label_smoothing` in `[0, 1]` and, if given, one weight a class.
    ///
    /// # Errors
    /// Smoothing outside of `[0, 1]`; a negative or non-finite class weight.
    pub fn new(label_smoothing: f64, weight: Option<Vec<f32>>) -> Result<Self, NnError> {
        let name = "CrossEntropy";
        check_range(name, "label_smoothing", label_smoothing, 0.0..=1.0)?;
        for &w in weight.iter().flatten() {
            check_range(name, "weight", f64::from(w), 0.0..=f64::from(f32::MAX))?;
        }
        Ok(Self {
            label_smoothing,
            weight,
        })
    }

    /// The mean loss of a batch.
    ///
    /// # Shapes
    /// `logits: (N, K)`, `classes`: `N` of `0..K` → `[1]`.
    ///
    /// # Errors
    /// An empty batch, another number of classes than rows or weights, a class that is not below
    /// `K`, or classes whose weights are all 0.
    pub fn forward(&self, logits: Tensor<2>, classes: &[usize]) -> Result<Tensor<1>, NnError> {
        let [n, k] = logits.dims();
        self.check(n, k, classes)?;
        let device = logits.device();
        let weight = |class: usize| self.weight.as_ref().map_or(1.0, |w| w[class]);
        let total: f64 = classes.iter().map(|&class| f64::from(weight(class))).sum();
        if total <= 0.0 {
            let expected = "above 0 for at least one class of the batch";
            return Err(NnError::config("CrossEntropy", "weight", expected, total));
        }
        let log_p = log_softmax(logits, 1);
        let index = classes.iter().map(|&class| class as i64).collect();
        let index = Tensor::<2, Int>::from_data(TensorData::new::<i64, _>(index, [n, 1]), &device);
        let mut nll = -log_p.clone().gather(1, index);
        if self.weight.is_some() {
            nll = nll * row(classes.iter().map(|&class| weight(class)), &device).transpose();
        }
        let mut loss = nll.sum() * (1.0 - self.label_smoothing);
        if self.label_smoothing > 0.0 {
            let mut spread = -log_p;
            if self.weight.is_some() {
                spread = spread * row((0..k).map(weight), &device);
            }
            loss = loss + spread.sum() * (self.label_smoothing / k as f64);
        }
        Ok(loss / total)
    }

    fn check(&self, n: usize, k: usize, classes: &[usize]) -> Result<(), NnError> {
        let name = "CrossEntropy";
        if n == 0 || classes.len() != n {
            let expected = format!("one row for each of the {} classes given", classes.len());
            return Err(NnError::Input {
                layer: name,
                expected,
                got: vec![n, k],
            });
        }
        if let Some(class) = classes.iter().find(|&&class| class >= k) {
            return Err(NnError::config(
                name,
                "classes",
                format!("below {k}"),
                class,
            ));
        }
        match &self.weight {
            Some(weight) if weight.len() != k => {
                let expected = format!("one value for each of the {k} classes");
                let got = format!("{} values", weight.len());
                Err(NnError::config(name, "weight", expected, got))
            }
            _ => Ok(()),
        }
    }
}

fn row(values: impl Iterator<Item = f32>, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = values.collect();
    let shape = [1, values.len()];
    Tensor::from_data(TensorData::new(values, shape), device)
}
