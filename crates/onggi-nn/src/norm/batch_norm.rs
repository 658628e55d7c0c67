//! Batch normalisation as a layer: learnable scale and offset, running statistics.

use crate::error::{check_positive, check_range};
use crate::{Mode, NnError, init};
use burn::module::{Module, Param, RunningState};
use burn::tensor::{Device, Tensor};
use onggi_ops::activation::Activation;
use onggi_ops::norm::{batch_norm_activated, batch_norm_eval_activated};

/// Configuration of [`BatchNorm1d`], [`BatchNorm2d`] and [`BatchNorm3d`].
#[derive(Clone, Debug)]
pub struct BatchNormConfig {
    /// Channels.
    pub num_features: usize,
    /// Added to the variance, so that a constant channel is not divided by 0. Default: 1e-5.
    pub eps: f64,
    /// Weight of the newest batch in the running statistics; `None`: the plain average over all
    /// batches so far. Default: 0.1.
    pub momentum: Option<f64>,
    /// Whether the layer has a learnable weight and bias. Default: yes.
    pub affine: bool,
    /// Whether running statistics are kept; without them evaluation uses the batch's too.
    /// Default: yes.
    pub track_running_stats: bool,
}

impl BatchNormConfig {
    /// PyTorch's defaults.
    pub fn new(num_features: usize) -> Self {
        Self {
            num_features,
            eps: 1e-5,
            momentum: Some(0.1),
            affine: true,
            track_running_stats: true,
        }
    }

    /// The layer: weight 1, bias 0, running mean 0, running variance 1.
    ///
    /// # Errors
    /// No channels, a negative or non-finite `eps`, a momentum outside of `[0, 1]`.
    pub fn init<const R: usize>(&self, device: &Device) -> Result<BatchNorm<R>, NnError> {
        let layer = BatchNorm::<R>::NAME;
        check_positive(layer, "num_features", self.num_features)?;
        check_range(layer, "eps", self.eps, 0.0..=f64::MAX)?;
        check_range(layer, "momentum", self.momentum.unwrap_or(0.0), 0.0..=1.0)?;
        let (zeros, ones) = (
            Tensor::<1>::zeros([self.num_features], device),
            Tensor::<1>::ones([self.num_features], device),
        );
        let tracked = |value: &Tensor<1>| {
            self.track_running_stats
                .then(|| RunningState::new(value.clone()))
        };
        Ok(BatchNorm {
            weight: self.affine.then(|| init::parameter(ones.clone())),
            bias: self.affine.then(|| init::parameter(zeros.clone())),
            running_mean: tracked(&zeros),
            running_var: tracked(&ones),
            num_batches_tracked: tracked(&Tensor::zeros([1], device)),
            num_features: self.num_features,
            eps: self.eps,
            momentum: self.momentum,
        })
    }
}

/// Batch normalisation over `(N, C)` or `(N, C, L)`.
pub type BatchNorm1d = BatchNorm<1>;
/// Batch normalisation over `(N, C, H, W)`.
pub type BatchNorm2d = BatchNorm<2>;
/// Batch normalisation over `(N, C, D, H, W)`.
pub type BatchNorm3d = BatchNorm<3>;

/// Normalises each channel: `y = (x − mean) / √(var + eps) · weight + bias`, over `R` axes after
/// the channels.
///
/// In training by the batch's mean and biased variance, which also move the running statistics:
/// `running = (1 − momentum) · running + momentum · batch`, where the variance's batch value is the
/// *unbiased* one, `n/(n − 1)` times the other. In evaluation by the running statistics.
///
/// # Reference
/// Ioffe and Szegedy, *Batch normalization*, 2015.
///
/// # Differences from PyTorch
/// `num_batches_tracked` is a float tensor of one element.
#[derive(Module, Debug)]
pub struct BatchNorm<const R: usize> {
    /// Scale, `[C]`.
    pub weight: Option<Param<Tensor<1>>>,
    /// Offset, `[C]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Running mean, `[C]`.
    pub running_mean: Option<RunningState<Tensor<1>>>,
    /// Running unbiased variance, `[C]`.
    pub running_var: Option<RunningState<Tensor<1>>>,
    /// Training batches seen, `[1]`.
    pub num_batches_tracked: Option<RunningState<Tensor<1>>>,
    #[module(skip)]
    num_features: usize,
    #[module(skip)]
    eps: f64,
    #[module(skip)]
    momentum: Option<f64>,
}

impl<const R: usize> BatchNorm<R> {
    const NAME: &'static str = match R {
        1 => "BatchNorm1d",
        2 => "BatchNorm2d",
        _ => "BatchNorm3d",
    };

    /// What is added to the variance.
    pub fn eps(&self) -> f64 {
        self.eps
    }

    /// Normalises, and in training updates the running statistics.
    ///
    /// # Shapes
    /// `x: (N, C, *)` with `R` axes after `C` (for `R = 1` also none) → the same.
    ///
    /// # Errors
    /// Another number of axes or channels; in training, one value a channel.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        self.forward_activated(x, mode, Activation::Identity)
    }

    /// `activation(forward(x))`, with ReLU or ReLU6 for the time of [`forward`](Self::forward) alone.
    ///
    /// # Shapes
    /// As [`forward`](Self::forward).
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn forward_activated<const D: usize>(
        &self,
        x: Tensor<D>,
        mode: &Mode,
        activation: Activation,
    ) -> Result<Tensor<D>, NnError> {
        let rank_fits = D == R + 2 || (R == 1 && D == 2);
        if !rank_fits || x.dims()[1] != self.num_features {
            let c = self.num_features;
            let expected = match R {
                1 => format!("(N, {c}) or (N, {c}, L)"),
                2 => format!("(N, {c}, H, W)"),
                _ => format!("(N, {c}, D, H, W)"),
            };
            return Err(NnError::Input {
                layer: Self::NAME,
                expected,
                got: x.dims().to_vec(),
            });
        }
        let device = x.device();
        let constant = |value: f32| Tensor::<1>::full([self.num_features], value, &device);
        let weight = self
            .weight
            .as_ref()
            .map_or_else(|| constant(1.0), Param::val);
        let bias = self.bias.as_ref().map_or_else(|| constant(0.0), Param::val);
        if let (Mode::Eval, Some(mean), Some(var)) = (mode, &self.running_mean, &self.running_var) {
            let (mean, var, eps) = (mean.value_sync(), var.value_sync(), self.eps);
            return Ok(batch_norm_eval_activated(
                x, weight, bias, mean, var, eps, activation,
            )?);
        }
        let per_channel = x.dims().iter().product::<usize>() / self.num_features;
        let normalised = batch_norm_activated(x, weight, bias, self.eps, activation)?;
        if let Mode::Train(_) = mode {
            self.track(normalised.mean, normalised.var, per_channel);
        }
        Ok(normalised.y)
    }

    fn track(&self, mean: Tensor<1>, var: Tensor<1>, per_channel: usize) {
        let (Some(running_mean), Some(running_var), Some(batches)) = (
            &self.running_mean,
            &self.running_var,
            &self.num_batches_tracked,
        ) else {
            return;
        };
        let seen = batches.value_sync() + 1.0;
        let momentum = match self.momentum {
            Some(momentum) => seen.full_like(momentum),
            None => seen.clone().recip(),
        };
        batches.update(seen);
        let unbiased = var * (per_channel as f64 / (per_channel - 1) as f64);
        for (running, batch) in [(running_mean, mean), (running_var, unbiased)] {
            let old = running.value_sync();
            running.update(old.clone() * (-momentum.clone() + 1.0) + batch * momentum.clone());
        }
    }
}
