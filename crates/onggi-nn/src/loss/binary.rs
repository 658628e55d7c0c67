//! Losses of yes-or-no questions.

use super::{Reduction, check_same_shape, check_weights, constant, reduce, with_reduction};
use crate::NnError;
use burn::tensor::Tensor;
use onggi_ops::activation::softplus;

/// Binary cross-entropy of probabilities: `l = −w · (t · ln x + (1 − t) · ln(1 − x))`, each
/// logarithm at least −100.
///
/// The gradient is `w · (x − t) / max(x · (1 − x), 1e-12)`. [`BceWithLogitsLoss`] is more precise.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::BceLoss;
///
/// let device = Device::flex();
/// let p = Tensor::<1>::from_floats([0.5, 0.0], &device);
/// let t = Tensor::<1>::from_floats([1.0, 1.0], &device);
/// let loss = BceLoss::default().forward(p, t)?.into_scalar::<f32>();
/// assert!((loss - (2f32.ln() + 100.0) / 2.0).abs() < 1e-4);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BceLoss {
    weight: Option<Vec<f32>>,
    reduction: Reduction,
}

/// Binary cross-entropy of logits: `l = −w · (q · t · ln σ(x) + (1 − t) · ln(1 − σ(x)))`.
///
/// With the weight `q` of positive answers (`pos_weight`); `σ` is the sigmoid.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::BceWithLogitsLoss;
///
/// let x = Tensor::<1>::zeros([3], &Device::flex());
/// let loss = BceWithLogitsLoss::default().forward(x.clone(), x)?.into_scalar::<f32>();
/// assert!((loss - 2f32.ln()).abs() < 1e-6);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BceWithLogitsLoss {
    weight: Option<Vec<f32>>,
    pos_weight: Option<Vec<f32>>,
    reduction: Reduction,
}
with_reduction!(BceLoss, BceWithLogitsLoss);

impl BceLoss {
    /// Sets a factor for each element of the last axis, or one for all. Default: 1.
    ///
    /// # Errors
    /// A negative or non-finite weight.
    pub fn with_weight(mut self, weight: Vec<f32>) -> Result<Self, NnError> {
        check_weights("BceLoss", "weight", Some(&weight))?;
        self.weight = Some(weight);
        Ok(self)
    }

    /// The loss of probabilities `x` for targets in `[0, 1]`.
    ///
    /// # Shapes
    /// `x, target: *` → `[1]`, or all losses in one axis.
    ///
    /// # Errors
    /// Different shapes, or weights that do not fit the last axis.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        target: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("BceLoss", &x, &target)?;
        let p = x.clone().detach();
        let (yes, no): (_, Tensor<D>) = (target.clone(), 1.0 - target.clone());
        let log = |p: Tensor<D>| p.log().clamp_min(-100.0);
        let losses = -(yes * log(p.clone()) + no.clone() * log(1.0 - p.clone()));
        // The clamp has no gradient where it acts: x takes part by a summand that is 0 and has the
        // gradient of the formula without it.
        let spread: Tensor<D> = p.clone() * (1.0 - p.clone());
        let slope = (p - target.detach()) / spread.clamp_min(1e-12);
        let linear = x * slope;
        let losses = losses + (linear.clone() - linear.detach());
        let losses = weighted("BceLoss", "weight", losses, self.weight.as_deref())?;
        Ok(reduce(losses, self.reduction))
    }
}

impl BceWithLogitsLoss {
    /// Sets a factor for each element of the last axis, or one for all. Default: 1.
    ///
    /// # Errors
    /// A negative or non-finite weight.
    pub fn with_weight(mut self, weight: Vec<f32>) -> Result<Self, NnError> {
        check_weights("BceWithLogitsLoss", "weight", Some(&weight))?;
        self.weight = Some(weight);
        Ok(self)
    }

    /// Sets the factor of positive answers for each element of the last axis, or one for all.
    /// Default: 1.
    ///
    /// # Errors
    /// A negative or non-finite weight.
    pub fn with_pos_weight(mut self, pos_weight: Vec<f32>) -> Result<Self, NnError> {
        check_weights("BceWithLogitsLoss", "pos_weight", Some(&pos_weight))?;
        self.pos_weight = Some(pos_weight);
        Ok(self)
    }

    /// The loss of logits `x` for targets in `[0, 1]`.
    ///
    /// # Shapes
    /// `x, target: *` → `[1]`, or all losses in one axis.
    ///
    /// # Errors
    /// Different shapes, or weights that do not fit the last axis.
    pub fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        target: Tensor<D>,
    ) -> Result<Tensor<1>, NnError> {
        let layer = "BceWithLogitsLoss";
        check_same_shape(layer, &x, &target)?;
        let [yes, no] = surprises(x, target)?;
        let yes = weighted(layer, "pos_weight", yes, self.pos_weight.as_deref())?;
        let losses = weighted(layer, "weight", yes + no, self.weight.as_deref())?;
        Ok(reduce(losses, self.reduction))
    }
}

/// `−t · ln σ(x)` and `−(1 − t) · ln σ(−x)`, neither with cancellation.
pub(super) fn surprises<const D: usize>(
    x: Tensor<D>,
    target: Tensor<D>,
) -> Result<[Tensor<D>; 2], NnError> {
    let yes = target.clone() * softplus(-x.clone(), 1.0, f64::INFINITY)?;
    let no = (1.0 - target) * softplus(x, 1.0, f64::INFINITY)?;
    Ok([yes, no])
}

/// The losses times a factor for each element of the last axis, or one for all.
fn weighted<const D: usize>(
    layer: &'static str,
    argument: &'static str,
    losses: Tensor<D>,
    weight: Option<&[f32]>,
) -> Result<Tensor<D>, NnError> {
    let Some(weight) = weight else {
        return Ok(losses);
    };
    let last = losses.dims()[D - 1];
    if weight.len() != 1 && weight.len() != last {
        let expected = format!("one value, or one for each of the {last} of the last axis");
        let got = format!("{} values", weight.len());
        return Err(NnError::config(layer, argument, expected, got));
    }
    let mut shape = [1; D];
    shape[D - 1] = weight.len();
    let weight = constant(weight.to_vec(), shape, &losses);
    Ok(losses * weight)
}
