//! Instance normalisation as a layer, with running statistics if they are asked for.

use crate::error::{check_positive, check_range};
use crate::{Mode, NnError, init};
use burn::module::{Module, Param, RunningState};
use burn::tensor::{Device, Tensor};
use onggi_ops::norm::{InstanceNormalized, batch_norm_eval, instance_norm};

/// Configuration of [`InstanceNorm1d`], [`InstanceNorm2d`] and [`InstanceNorm3d`].
#[derive(Clone, Debug)]
pub struct InstanceNormConfig {
    /// Channels.
    pub num_features: usize,
    /// Added to the variance. Default: 1e-5.
    pub eps: f64,
    /// Weight of the newest batch in the running statistics. Default: 0.1.
    pub momentum: f64,
    /// Whether the layer has a learnable weight and bias. Default: no.
    pub affine: bool,
    /// Whether running statistics are kept, for evaluation to use. Default: no.
    pub track_running_stats: bool,
}

impl InstanceNormConfig {
    /// PyTorch's defaults.
    pub fn new(num_features: usize) -> Self {
        Self {
            num_features,
            eps: 1e-5,
            momentum: 0.1,
            affine: false,
            track_running_stats: false,
        }
    }

    /// The layer: weight 1, bias 0, running mean 0, running variance 1.
    ///
    /// # Errors
    /// No channels, a negative or non-finite `eps`, a momentum outside of `[0, 1]`.
    pub fn init<const R: usize>(&self, device: &Device) -> Result<InstanceNorm<R>, NnError> {
        let layer = InstanceNorm::<R>::NAME;
        check_positive(layer, "num_features", self.num_features)?;
        check_range(layer, "eps", self.eps, 0.0..=f64::MAX)?;
        check_range(layer, "momentum", self.momentum, 0.0..=1.0)?;
        let zeros = Tensor::<1>::zeros([self.num_features], device);
        let ones = Tensor::<1>::ones([self.num_features], device);
        let tracked = |value: &Tensor<1>| {
            self.track_running_stats
                .then(|| RunningState::new(value.clone()))
        };
        Ok(InstanceNorm {
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

/// Instance normalisation over `(N, C, L)` or `(C, L)`.
pub type InstanceNorm1d = InstanceNorm<1>;
/// Instance normalisation over `(N, C, H, W)` or `(C, H, W)`.
pub type InstanceNorm2d = InstanceNorm<2>;
/// Instance normalisation over `(N, C, D, H, W)` or `(C, D, H, W)`.
pub type InstanceNorm3d = InstanceNorm<3>;

/// Normalises each channel of each sample by its own mean and variance, over `R` axes after the
/// channels: `y = (x − mean) / √(var + eps) · weight + bias`.
///
/// With running statistics, training moves them by the samples' averages,
/// `running = (1 − momentum) · running + momentum · average`, where the variances are the
/// *unbiased* ones, and evaluation normalises by them. Without, evaluation is as training.
///
/// # Reference
/// Ulyanov, Vedaldi and Lempitsky, *Instance normalization*, 2016.
///
/// # Differences from PyTorch
/// Another number of channels is an error without parameters too. `momentum` is a number: PyTorch
/// takes `None` as 0. `num_batches_tracked` is a float tensor of one element; as in PyTorch it
/// stays 0. A batch of no samples leaves the running statistics alone.
#[derive(Module, Debug)]
pub struct InstanceNorm<const R: usize> {
    /// Scale, `[C]`.
    pub weight: Option<Param<Tensor<1>>>,
    /// Offset, `[C]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Running mean, `[C]`.
    pub running_mean: Option<RunningState<Tensor<1>>>,
    /// Running unbiased variance, `[C]`.
    pub running_var: Option<RunningState<Tensor<1>>>,
    /// In PyTorch's state dict, and always 0: `[1]`.
    pub num_batches_tracked: Option<RunningState<Tensor<1>>>,
    #[module(skip)]
    num_features: usize,
    #[module(skip)]
    eps: f64,
    #[module(skip)]
    momentum: f64,
}

impl<const R: usize> InstanceNorm<R> {
    const NAME: &'static str = match R {
        1 => "InstanceNorm1d",
        2 => "InstanceNorm2d",
        _ => "InstanceNorm3d",
    };

    /// Normalises, and in training updates the running statistics if there are any.
    ///
    /// # Shapes
    /// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same.
    ///
    /// # Errors
    /// Another number of axes or channels; one value a channel, unless running statistics are used.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        let dims = x.dims();
        let channel_axis = if D == R + 2 { 1 } else { 0 };
        let fits = D == R + 1 + channel_axis && dims[channel_axis] == self.num_features;
        let values: usize = dims[channel_axis + 1..].iter().product();
        let refuse = |addition: &str| NnError::Input {
            layer: Self::NAME,
            expected: self.shapes() + addition,
            got: dims.to_vec(),
        };
        if !fits {
            return Err(refuse(""));
        }
        let samples = if channel_axis == 1 { dims[0] } else { 1 };
        if samples * values == 0 {
            return Ok(x);
        }
        let x = x.reshape([samples, self.num_features, values]);
        let [weight, bias] = [&self.weight, &self.bias].map(|p| p.as_ref().map(Param::val));
        if let (Mode::Eval, Some(mean), Some(var)) = (mode, &self.running_mean, &self.running_var) {
            let constant = |value: f32| mean.value().full_like(value);
            let weight = weight.unwrap_or_else(|| constant(1.0));
            let bias = bias.unwrap_or_else(|| constant(0.0));
            let (mean, var) = (mean.value_sync(), var.value_sync());
            return Ok(batch_norm_eval(x, weight, bias, mean, var, self.eps)?.reshape(dims));
        }
        if values == 1 {
            return Err(refuse(" with more than one value a channel"));
        }
        let InstanceNormalized { y, mean, var } = instance_norm(x, weight, bias, self.eps)?;
        if matches!(mode, Mode::Train(_)) {
            self.track(mean, var * (values as f64 / (values - 1) as f64));
        }
        Ok(y.reshape(dims))
    }

    /// The shapes that the layer takes.
    fn shapes(&self) -> String {
        let c = self.num_features;
        let axes = match R {
            1 => "L",
            2 => "H, W",
            _ => "D, H, W",
        };
        format!("(N, {c}, {axes}) or ({c}, {axes})")
    }

    /// Moves the running statistics by those of each sample, `(N, C)`.
    fn track(&self, mean: Tensor<2>, var: Tensor<2>) {
        for (running, batch) in [(&self.running_mean, mean), (&self.running_var, var)] {
            if let Some(running) = running {
                let average = batch.mean_dim(0).reshape([self.num_features]);
                let old = running.value_sync();
                running.update(old * (1.0 - self.momentum) + average * self.momentum);
            }
        }
    }
}
