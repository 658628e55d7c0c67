//! Low-rank adaptation: a linear layer that is tuned by two thin matrices.

use crate::dropout::Dropout;
use crate::error::check_positive;
use crate::linear::Linear;
use crate::{Mode, NnError, init};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use onggi_ops::linear::linear;
use rand_chacha::ChaCha8Rng;

const NAME: &str = "LoraLinear";

/// Configuration of [`LoraLinear`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoraConfig {
    /// Rank of what is added to the weight. Default: 8.
    pub r: usize,
    /// `alpha / r` multiplies what is added. Default: 16.
    pub alpha: f64,
    /// Probability that an input of the two matrices is dropped in training. Default: 0.
    pub dropout: f64,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            r: 8,
            alpha: 16.0,
            dropout: 0.0,
        }
    }
}

impl LoraConfig {
    /// `base` with its weight and bias frozen, and two matrices beside them: `lora_a` drawn
    /// uniformly in `±1/√in_features` (Kaiming's rule with `a = √5`), `lora_b` zero, so that it
    /// computes what `base` does until it has been trained.
    ///
    /// # Errors
    /// A rank of 0 or above the smaller side of the weight, a non-finite `alpha`, a dropout outside
    /// of `[0, 1]`.
    pub fn init(&self, base: Linear, rng: &mut ChaCha8Rng) -> Result<LoraLinear, NnError> {
        let [outputs, inputs] = base.weight.dims();
        check_positive(NAME, "r", self.r)?;
        if self.r > outputs.min(inputs) {
            let expected = format!("at most {}, a side of the weight", outputs.min(inputs));
            return Err(NnError::config(NAME, "r", expected, self.r));
        }
        if !self.alpha.is_finite() {
            return Err(NnError::config(NAME, "alpha", "finite", self.alpha));
        }
        let device = base.weight.val().device();
        Ok(LoraLinear {
            weight: base.weight.set_require_grad(false),
            bias: base.bias.map(|bias| bias.set_require_grad(false)),
            lora_a: init::parameter(init::default_uniform(
                [self.r, inputs],
                inputs,
                rng,
                &device,
            )),
            lora_b: init::parameter(Tensor::zeros([outputs, self.r], &device)),
            dropout: Dropout::new(self.dropout)?,
            scale: self.alpha / self.r as f64,
        })
    }
}

/// `y = x · Wᵀ + b + alpha/r · (dropout(x) · Aᵀ) · Bᵀ`, where `W` and `b` stay as they are.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::linear::LinearConfig;
/// use onggi_nn::lora::LoraConfig;
/// use onggi_nn::{Mode, init, state};
///
/// let (device, mut rng) = (Device::flex().autodiff(), init::generator(1));
/// let base = LinearConfig::new(16, 16).init(&mut rng, &device)?;
/// let config = LoraConfig { r: 2, ..LoraConfig::default() };
/// let layer = config.init(base, &mut rng)?;
/// // 2 · 16 for each of the two matrices, in place of 16 · 16 + 16.
/// assert_eq!(state::num_parameters(&layer), 64);
/// let y = layer.forward(Tensor::<2>::ones([4, 16], &device), &Mode::Eval)?;
/// assert_eq!(layer.merge().forward(Tensor::<2>::ones([4, 16], &device))?.dims(), y.dims());
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Hu et al., *LoRA: low-rank adaptation of large language models*, 2021.
///
/// # Differences from loralib
/// `eval()` merges nothing: [`merge`](Self::merge) makes a plain layer. The matrices are called
/// `lora_a` and `lora_b`.
#[derive(Module, Debug)]
pub struct LoraLinear {
    /// `[out_features, in_features]`, frozen.
    pub weight: Param<Tensor<2>>,
    /// `[out_features]`, frozen.
    pub bias: Option<Param<Tensor<1>>>,
    /// `[r, in_features]`.
    pub lora_a: Param<Tensor<2>>,
    /// `[out_features, r]`.
    pub lora_b: Param<Tensor<2>>,
    /// Of the input of `lora_a`.
    pub dropout: Dropout,
    #[module(skip)]
    scale: f64,
}

impl LoraLinear {
    /// Maps the last axis.
    ///
    /// # Shapes
    /// `x: (*, in_features)` → `(*, out_features)`.
    ///
    /// # Errors
    /// A last axis of another size.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        let [_, inputs] = self.weight.dims();
        if x.dims().last() != Some(&inputs) {
            let expected = format!("(*, {inputs})");
            let got = x.dims().to_vec();
            return Err(NnError::Input {
                layer: NAME,
                expected,
                got,
            });
        }
        let bias = self.bias.as_ref().map(Param::val);
        let y = linear(x.clone(), self.weight.val(), bias)?;
        let x = self.dropout.forward(x, mode)?;
        let added = linear(linear(x, self.lora_a.val(), None)?, self.lora_b.val(), None)?;
        Ok(y + added * self.scale)
    }

    /// The plain layer that computes the same: `W + alpha/r · B · A`, trainable again.
    #[must_use]
    pub fn merge(self) -> Linear {
        let added = self.lora_b.val().matmul(self.lora_a.val()) * self.scale;
        let weight = (self.weight.val() + added).detach();
        let bias = self.bias.map(|bias| init::parameter(bias.val().detach()));
        Linear {
            weight: init::parameter(weight),
            bias,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::LinearConfig;
    use crate::optim::Gradients;
    use crate::state;
    use burn::tensor::Device;
    use onggi_ops::testing::{assert_close, values};

    fn random<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
        Tensor::from_data(onggi_ops::testing::random(shape, seed).into_data(), device)
    }

    fn layer(config: LoraConfig) -> Result<LoraLinear, NnError> {
        let device = Device::flex().autodiff();
        let rng = &mut init::generator(3);
        config.init(LinearConfig::new(6, 4).init(rng, &device)?, rng)
    }

    #[test]
    fn begins_as_its_base_and_merges_into_what_it_became() {
        let device = Device::flex().autodiff();
        let x = random::<2>([5, 6], 1, &device);
        let rng = &mut init::generator(3);
        let base = LinearConfig::new(6, 4).init(rng, &device).unwrap();
        let expected = values(&base.forward(x.clone()).unwrap());
        let config = LoraConfig {
            r: 2,
            ..LoraConfig::default()
        };
        let mut layer = config.init(base, rng).unwrap();
        let y = |layer: &LoraLinear| values(&layer.forward(x.clone(), &Mode::Eval).unwrap());
        assert_eq!(y(&layer), expected);
        layer.lora_b = init::parameter(random::<2>([4, 2], 2, &device));
        let trained = y(&layer);
        assert_ne!(trained, expected);
        let merged = values(&layer.merge().forward(x.clone()).unwrap());
        assert_close("merged", &merged, &trained, 1e-5);
    }

    #[test]
    fn only_the_two_matrices_get_gradients() {
        let layer = layer(LoraConfig {
            r: 3,
            ..LoraConfig::default()
        })
        .unwrap();
        let x = random::<2>([5, 6], 1, &Device::flex().autodiff());
        let y = layer.forward(x, &Mode::Eval).unwrap();
        let gradients = Gradients::of(&layer, &y.sum()).unwrap();
        let mut names: Vec<_> = gradients.names().collect();
        names.sort_unstable();
        assert_eq!(names, ["lora_a", "lora_b"]);
        assert_eq!(state::num_parameters(&layer), 3 * (6 + 4));
    }

    #[test]
    fn mistakes_are_named() {
        let with = |r, alpha, dropout| layer(LoraConfig { r, alpha, dropout }).unwrap_err();
        assert_eq!(
            with(5, 1.0, 0.0).to_string(),
            "LoraLinear: `r` must be at most 4, a side of the weight, but is 5"
        );
        assert!(with(0, 1.0, 0.0).to_string().contains("at least 1"));
        assert!(with(1, f64::NAN, 0.0).to_string().contains("`alpha`"));
        assert!(with(1, 1.0, 1.5).to_string().contains("`p`"));
        let layer = layer(LoraConfig {
            r: 2,
            ..LoraConfig::default()
        })
        .unwrap();
        let error = layer.forward(
            Tensor::<2>::zeros([1, 5], &Device::flex().autodiff()),
            &Mode::Eval,
        );
        assert!(error.unwrap_err().to_string().contains("(*, 6)"));
    }
}
