//! Kaiming's (He's) rule: the variance of one pass is kept through ReLU and its kin.

use super::{FanMode, Nonlinearity, fan, normal, uniform};
use crate::NnError;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

/// Uniform in `±gain · √(3 / fan)`.
///
/// # Errors
/// A shape without fans.
///
/// # Reference
/// He et al., *Delving deep into rectifiers*, 2015.
pub fn kaiming_uniform<const D: usize>(
    shape: [usize; D],
    mode: FanMode,
    nonlinearity: Nonlinearity,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Tensor<D>, NnError> {
    let bound = 3f64.sqrt() * std(&shape, mode, nonlinearity)?;
    Ok(uniform(shape, -bound, bound, rng, device))
}

/// Normal of mean 0 and `std = gain / √fan`.
///
/// # Errors
/// A shape without fans.
///
/// # Reference
/// See [`kaiming_uniform`].
pub fn kaiming_normal<const D: usize>(
    shape: [usize; D],
    mode: FanMode,
    nonlinearity: Nonlinearity,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Tensor<D>, NnError> {
    let std = std(&shape, mode, nonlinearity)?;
    Ok(normal(shape, std, rng, device))
}

/// PyTorch's default for linear and convolution weights and biases: uniform in `±1/√fan_in`, which
/// is [`kaiming_uniform`] with a leaky ReLU of slope `√5` for the weight.
pub fn default_uniform<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<D> {
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    uniform(shape, -bound, bound, rng, device)
}

fn std(shape: &[usize], mode: FanMode, nonlinearity: Nonlinearity) -> Result<f64, NnError> {
    Ok(nonlinearity.gain() / (fan(shape, mode)? as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_distribution, normal_density};
    use super::*;
    use crate::init::generator;
    use onggi_ops::testing::{assert_close, values};

    const SHAPE: [usize; 4] = [64, 32, 3, 3];

    #[test]
    fn kaiming_has_its_distributions() {
        let device = onggi_ops::testing::device();
        for (mode, fan) in [(FanMode::FanIn, 32.0 * 9.0), (FanMode::FanOut, 64.0 * 9.0)] {
            let relu = Nonlinearity::Relu;
            let w = kaiming_normal(SHAPE, mode, relu, &mut generator(3), &device).unwrap();
            let std = (2.0f64 / fan).sqrt();
            let range = [-9.0 * std, 9.0 * std];
            assert_distribution(&values(&w), range, normal_density(0.0, std));
            let leaky = Nonlinearity::LeakyRelu { slope: 0.5 };
            let w = kaiming_uniform(SHAPE, mode, leaky, &mut generator(4), &device).unwrap();
            let bound = (2.0f64 / 1.25 * 3.0 / fan).sqrt();
            assert_distribution(&values(&w), [-bound, bound], |_| 1.0);
        }
    }

    #[test]
    fn the_default_is_kaimings_uniform_rule_with_a_slope_of_root_5() {
        let device = onggi_ops::testing::device();
        let slope = 5f64.sqrt();
        let leaky = Nonlinearity::LeakyRelu { slope };
        let expected =
            kaiming_uniform(SHAPE, FanMode::FanIn, leaky, &mut generator(5), &device).unwrap();
        let got = default_uniform(SHAPE, 32 * 9, &mut generator(5), &device);
        assert_close("weight", &values(&got), &values(&expected), 1e-7);
    }
}
