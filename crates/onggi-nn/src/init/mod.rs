//! Initial values of parameters, by PyTorch's formulas.
//!
//! `fan_in` is the number of inputs of one output unit, `fan_out` the number of outputs that one
//! input unit reaches; for a weight `[out, in, *k]` they are `in · Πk` and `out · Πk`.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// The generator of initial values of the run of `seed`: pass the same one through the model's
/// constructors, in order.
pub fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Which fan keeps its variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// Variances of the forward pass.
    FanIn,
    /// Variances of the backward pass.
    FanOut,
}

/// `fan_in` or `fan_out` of a weight `[out, in, *k]`.
///
/// # Panics
/// A weight with fewer than two axes has no fans.
pub fn fan(shape: &[usize], mode: FanMode) -> usize {
    assert!(
        shape.len() >= 2,
        "a weight of shape {shape:?} has no fans: it needs two axes"
    );
    let receptive: usize = shape[2..].iter().product();
    receptive
        * if mode == FanMode::FanIn {
            shape[1]
        } else {
            shape[0]
        }
}

/// Values drawn uniformly from `[low, high)`.
pub fn uniform<const D: usize>(
    shape: [usize; D],
    low: f64,
    high: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<D> {
    fill(shape, device, || {
        (low + (high - low) * rng.random::<f64>()) as f32
    })
}

/// Values drawn from a normal distribution of mean 0.
pub fn normal<const D: usize>(
    shape: [usize; D],
    std: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<D> {
    fill(shape, device, || {
        let z: f64 = StandardNormal.sample(rng);
        (z * std) as f32
    })
}

/// Kaiming's normal initialisation: `std = gain / √fan`; `gain = √2` suits ReLU.
///
/// # Reference
/// He et al., *Delving deep into rectifiers*, 2015.
pub fn kaiming_normal<const D: usize>(
    shape: [usize; D],
    mode: FanMode,
    gain: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<D> {
    normal(shape, gain / (fan(&shape, mode) as f64).sqrt(), rng, device)
}

/// PyTorch's default for linear and convolution weights and biases: uniform in `±1/√fan_in`, which
/// is `kaiming_uniform` with `a = √5` for the weight.
pub fn default_uniform<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<D> {
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    uniform(shape, -bound, bound, rng, device)
}

/// The parameter with the value that `draw` returns for its shape and device; trained if it was.
pub fn redraw<const D: usize>(
    param: Param<Tensor<D>>,
    draw: impl FnOnce([usize; D], &Device) -> Tensor<D>,
) -> Param<Tensor<D>> {
    param.map(|old| {
        let new = draw(old.dims(), &old.device());
        if old.is_require_grad() {
            new.require_grad()
        } else {
            new
        }
    })
}

/// A trainable parameter holding `value`.
pub(crate) fn parameter<const D: usize>(value: Tensor<D>) -> Param<Tensor<D>> {
    Param::from_tensor(value)
}

fn fill<const D: usize>(
    shape: [usize; D],
    device: &Device,
    mut draw: impl FnMut() -> f32,
) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| draw()).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(t: Tensor<4>) -> (f64, f64, f32) {
        let v = t.into_data().try_to_vec::<f32>().unwrap();
        let mean = v.iter().map(|&x| f64::from(x)).sum::<f64>() / v.len() as f64;
        let var = v
            .iter()
            .map(|&x| (f64::from(x) - mean).powi(2))
            .sum::<f64>()
            / v.len() as f64;
        (mean, var.sqrt(), v.iter().fold(0.0, |m, x| x.abs().max(m)))
    }

    #[test]
    fn kaiming_normal_has_its_spread() {
        let device = Device::flex();
        let shape = [64, 32, 3, 3];
        for (mode, fan) in [(FanMode::FanIn, 32 * 9), (FanMode::FanOut, 64 * 9)] {
            let w = kaiming_normal(shape, mode, 2f64.sqrt(), &mut generator(3), &device);
            let expected = (2.0 / fan as f64).sqrt();
            let (mean, std, _) = moments(w);
            assert!(mean.abs() < 0.02 * expected, "{mean}");
            assert!(
                (std / expected - 1.0).abs() < 0.02,
                "{std} instead of {expected}"
            );
        }
    }

    #[test]
    fn default_uniform_stays_inside_its_bound_and_fills_it() {
        let w = default_uniform([32, 16, 3, 3], 144, &mut generator(4), &Device::flex());
        let (_, std, max) = moments(w);
        assert!(max <= 1.0 / 12.0 && max > 0.99 / 12.0);
        assert!((std * 12.0 * 3f64.sqrt() - 1.0).abs() < 0.02);
    }
}
