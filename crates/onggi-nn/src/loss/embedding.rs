//! Losses of embeddings, which pull what belongs together and push the rest apart.

use super::{Reduction, check_same_shape, reduce, with_reduction};
use crate::NnError;
use burn::tensor::Tensor;

/// `l = x` where the target is 1, `max(0, margin − x)` where it is −1, of distances `x`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::HingeEmbeddingLoss;
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([0.5, 0.25], &device);
/// let target = Tensor::<1>::from_floats([1.0, -1.0], &device);
/// let loss = HingeEmbeddingLoss::default().forward(x, target)?;
/// assert_eq!(loss.into_scalar::<f32>(), (0.5 + 0.75) / 2.0);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HingeEmbeddingLoss {
    margin: f64,
    reduction: Reduction,
}

/// `l = 1 − cos(x1, x2)` where the target is 1, `max(0, cos(x1, x2) − margin)` where it is −1.
#[derive(Clone, Debug, Default)]
pub struct CosineEmbeddingLoss {
    margin: f64,
    reduction: Reduction,
}

/// `l = max(0, margin + |a − p + ε| − |a − n + ε|)` of an anchor `a`, a positive `p` and a negative
/// `n`, by the norm of order `p` (2) and `ε` 1e-6.
///
/// # Reference
/// Balntas et al., *Learning local feature descriptors with triplets and shallow convolutional
/// neural networks*, 2016.
#[derive(Clone, Debug)]
pub struct TripletMarginLoss {
    margin: f64,
    p: f64,
    eps: f64,
    swap: bool,
    reduction: Reduction,
}
with_reduction!(HingeEmbeddingLoss, CosineEmbeddingLoss, TripletMarginLoss);

fn check_margin(layer: &'static str, margin: f64) -> Result<(), NnError> {
    if margin.is_finite() {
        Ok(())
    } else {
        Err(NnError::config(layer, "margin", "finite", margin))
    }
}

/// `together` where the target is 1, `apart` where it is −1.
fn choose<const D: usize>(together: Tensor<D>, apart: Tensor<D>, target: Tensor<D>) -> Tensor<D> {
    let zero = together.zeros_like();
    let together = together.mask_where(target.clone().equal_elem(-1.0), zero.clone());
    together + apart.mask_where(target.equal_elem(1.0), zero)
}

impl Default for HingeEmbeddingLoss {
    /// A margin of 1.
    fn default() -> Self {
        Self {
            margin: 1.0,
            reduction: Reduction::Mean,
        }
    }
}

impl HingeEmbeddingLoss {
    /// A mean loss.
    ///
    /// # Errors
    /// A margin that is not finite.
    pub fn new(margin: f64) -> Result<Self, NnError> {
        check_margin("HingeEmbeddingLoss", margin)?;
        Ok(Self {
            margin,
            ..Self::default()
        })
    }

    /// The loss of distances `x` for targets of 1 and −1.
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
        check_same_shape("HingeEmbeddingLoss", &x, &target)?;
        let apart = (self.margin - x.clone()).clamp_min(0.0);
        Ok(reduce(choose(x, apart, target), self.reduction))
    }
}

impl CosineEmbeddingLoss {
    /// A mean loss; the default margin is 0.
    ///
    /// # Errors
    /// A margin that is not finite.
    pub fn new(margin: f64) -> Result<Self, NnError> {
        check_margin("CosineEmbeddingLoss", margin)?;
        Ok(Self {
            margin,
            ..Self::default()
        })
    }

    /// The loss of pairs of rows for targets of 1 and −1.
    ///
    /// # Shapes
    /// `x1, x2: (N, D)`, `target: [N]` → `[1]`, or `[N]`.
    ///
    /// # Errors
    /// Different shapes.
    pub fn forward(
        &self,
        x1: Tensor<2>,
        x2: Tensor<2>,
        target: Tensor<1>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("CosineEmbeddingLoss", &x1, &x2)?;
        /// Keeps the cosine of a row of zeros away from 0/0.
        const EPSILON: f64 = 1e-12;
        let [n, _] = x1.dims();
        let dot = |a: &Tensor<2>, b: &Tensor<2>| (a.clone() * b.clone()).sum_dim(1).reshape([n]);
        let squares = (dot(&x1, &x1) + EPSILON) * (dot(&x2, &x2) + EPSILON);
        let cosine: Tensor<1> = dot(&x1, &x2) / squares.sqrt();
        check_same_shape("CosineEmbeddingLoss", &cosine, &target)?;
        let apart = (cosine.clone() - self.margin).clamp_min(0.0);
        Ok(reduce(choose(1.0 - cosine, apart, target), self.reduction))
    }
}

impl Default for TripletMarginLoss {
    /// Margin 1, Euclidean distance, no swap.
    fn default() -> Self {
        Self {
            margin: 1.0,
            p: 2.0,
            eps: 1e-6,
            swap: false,
            reduction: Reduction::Mean,
        }
    }
}

impl TripletMarginLoss {
    /// A mean loss by the Euclidean distance.
    ///
    /// # Errors
    /// A margin that is not above 0 and finite.
    pub fn new(margin: f64) -> Result<Self, NnError> {
        if !(margin > 0.0 && margin.is_finite()) {
            let (layer, expected) = ("TripletMarginLoss", "above 0 and finite");
            return Err(NnError::config(layer, "margin", expected, margin));
        }
        Ok(Self {
            margin,
            ..Self::default()
        })
    }

    /// Sets the order of the norm. Default: 2.
    ///
    /// # Errors
    /// An order below 1, or one that is not finite.
    pub fn with_p(mut self, p: f64) -> Result<Self, NnError> {
        crate::error::check_range("TripletMarginLoss", "p", p, 1.0..=f64::MAX)?;
        self.p = p;
        Ok(self)
    }

    /// Takes the positive's distance to the negative instead of the anchor's where it is smaller.
    pub fn with_swap(mut self) -> Self {
        self.swap = true;
        self
    }

    /// The loss of rows.
    ///
    /// # Shapes
    /// `anchor, positive, negative: (N, D)` → `[1]`, or `[N]`.
    ///
    /// # Errors
    /// Different shapes.
    pub fn forward(
        &self,
        anchor: Tensor<2>,
        positive: Tensor<2>,
        negative: Tensor<2>,
    ) -> Result<Tensor<1>, NnError> {
        check_same_shape("TripletMarginLoss", &positive, &anchor)?;
        check_same_shape("TripletMarginLoss", &negative, &anchor)?;
        let near = self.distance(anchor.clone(), positive.clone());
        let mut far = self.distance(anchor, negative.clone());
        if self.swap {
            let swapped = self.distance(positive, negative);
            let smaller = swapped.clone().lower(far.clone());
            far = far.mask_where(smaller, swapped);
        }
        let losses = (near - far + self.margin).clamp_min(0.0);
        Ok(reduce(losses, self.reduction))
    }

    fn distance(&self, a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
        let d = a - b + self.eps;
        match self.p {
            1.0 => d.abs().sum_dim(1),
            2.0 => d.square().sum_dim(1).sqrt(),
            p => d.abs().powf_scalar(p).sum_dim(1).powf_scalar(1.0 / p),
        }
    }
}
