//! Cross-entropy that looks away from what is already easy.

use super::binary::surprises;
use super::{
    Reduction, check_classes, check_same_shape, check_weights, column, constant, reduce,
    with_reduction,
};
use crate::NnError;
use crate::error::check_range;
use burn::tensor::Tensor;
use onggi_ops::activation::{log_softmax, sigmoid};

/// Focal loss of yes-or-no questions: `l = −a · (1 − p)^gamma · ln p`, where `p` is the probability
/// given to the right answer, and `a` is `alpha` for yes and `1 − alpha` for no.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::FocalLoss;
///
/// let x = Tensor::<1>::zeros([3], &Device::flex());
/// let loss = FocalLoss::default().forward(x.clone(), x)?.into_scalar::<f32>();
/// assert!((loss - 0.75 * 0.25 * 2f32.ln()).abs() < 1e-6);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Lin et al., *Focal loss for dense object detection*, 2017.
///
/// # Differences from PyTorch
/// It is torchvision's `sigmoid_focal_loss`, which does not reduce by default; here the default is
/// the mean.
#[derive(Clone, Debug)]
pub struct FocalLoss {
    alpha: Option<f64>,
    gamma: f64,
    reduction: Reduction,
}

/// Focal loss of a choice among classes: `l = −w[y] · (1 − p[y])^gamma · ln p[y]` with the softmax
/// `p` of the logits. The mean is over rows, whatever their weights.
///
/// # Reference
/// Lin et al., *Focal loss for dense object detection*, 2017.
#[derive(Clone, Debug)]
pub struct SoftmaxFocalLoss {
    weight: Option<Vec<f32>>,
    gamma: f64,
    reduction: Reduction,
}
with_reduction!(FocalLoss, SoftmaxFocalLoss);

impl Default for FocalLoss {
    /// `alpha` 0.25, `gamma` 2.
    fn default() -> Self {
        Self {
            alpha: Some(0.25),
            gamma: 2.0,
            reduction: Reduction::Mean,
        }
    }
}

impl FocalLoss {
    /// A mean loss; without `alpha`, yes and no weigh the same, 1.
    ///
    /// # Errors
    /// `alpha` outside of `[0, 1]`, a negative or non-finite `gamma`.
    pub fn new(alpha: Option<f64>, gamma: f64) -> Result<Self, NnError> {
        check_range("FocalLoss", "alpha", alpha.unwrap_or(0.0), 0.0..=1.0)?;
        check_range("FocalLoss", "gamma", gamma, 0.0..=f64::MAX)?;
        Ok(Self {
            alpha,
            gamma,
            reduction: Reduction::Mean,
        })
    }

    /// The loss of logits `x` for targets in `[0, 1]`.
    ///
    /// # Shapes
    /// `x, target: *` → `[1]`, or all losses in one axis.
    ///
    /// # Errors
    /// Different shapes.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        target: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("FocalLoss", &x, &target)?;
        let (yes, no): (_, Tensor<D>) = (target.clone(), 1.0 - target.clone());
        let miss = yes.clone() * sigmoid(-x.clone()) + no.clone() * sigmoid(x.clone());
        let [surprise_yes, surprise_no] = surprises(x, target)?;
        let losses = (surprise_yes + surprise_no) * power(miss, self.gamma);
        let losses = match self.alpha {
            Some(alpha) => losses * (yes * alpha + no * (1.0 - alpha)),
            None => losses,
        };
        Ok(reduce(losses, self.reduction))
    }
}

impl SoftmaxFocalLoss {
    /// A mean loss with, if given, one weight a class.
    ///
    /// # Errors
    /// A negative or non-finite `gamma` or weight.
    pub fn new(gamma: f64, weight: Option<Vec<f32>>) -> Result<Self, NnError> {
        check_range("SoftmaxFocalLoss", "gamma", gamma, 0.0..=f64::MAX)?;
        check_weights("SoftmaxFocalLoss", "weight", weight.as_deref())?;
        Ok(Self {
            weight,
            gamma,
            reduction: Reduction::Mean,
        })
    }

    /// The loss of a batch.
    ///
    /// # Shapes
    /// `logits: (N, K)`, `classes`: `N` of `0..K` → `[1]`, or `[N]`.
    ///
    /// # Errors
    /// Another number of classes than rows or of weights than `K`, or a class that is not below `K`.
    pub fn forward(&self, logits: Tensor<2>, classes: &[usize]) -> Result<Tensor<1>, NnError> {
        let layer = "SoftmaxFocalLoss";
        check_classes(layer, logits.dims(), classes, self.weight.as_deref())?;
        let index = column(classes, &logits);
        let log_p = log_softmax(logits, 1)?.gather(1, index);
        let miss = 1.0 - log_p.clone().exp();
        let mut losses = -log_p * power(miss, self.gamma);
        if let Some(weight) = &self.weight {
            let weights = classes.iter().map(|&class| weight[class]).collect();
            losses = losses.clone() * constant(weights, [classes.len(), 1], &losses);
        }
        Ok(reduce(losses, self.reduction))
    }
}

/// `x^gamma`, without the power where it would give no gradient at 0.
fn power<const D: usize>(x: Tensor<D>, gamma: f64) -> Tensor<D> {
    match gamma {
        0.0 => x.ones_like(),
        1.0 => x,
        2.0 => x.square(),
        _ => x.powf_scalar(gamma),
    }
}
