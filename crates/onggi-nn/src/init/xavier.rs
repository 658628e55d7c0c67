//! Xavier's (Glorot's) rule: a compromise between the variances of the forward and backward pass.

use super::{FanMode, fan, normal, uniform};
use crate::NnError;
use crate::error::check_range;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

/// Uniform in `±gain · √(6 / (fan_in + fan_out))`.
///
/// # Errors
/// A shape without fans, a negative or non-finite gain.
///
/// # Reference
/// Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
/// 2010.
pub fn xavier_uniform<const D: usize>(
    shape: [usize; D],
    gain: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Tensor<D>, NnError> {
    let bound = 3f64.sqrt() * std("xavier_uniform", &shape, gain)?;
    Ok(uniform(shape, -bound, bound, rng, device))
}

/// Normal of mean 0 and `std = gain · √(2 / (fan_in + fan_out))`.
///
/// # Errors
/// As [`xavier_uniform`].
///
/// # Reference
/// See [`xavier_uniform`].
pub fn xavier_normal<const D: usize>(
    shape: [usize; D],
    gain: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Tensor<D>, NnError> {
    let std = std("xavier_normal", &shape, gain)?;
    Ok(normal(shape, std, rng, device))
}

fn std(name: &'static str, shape: &[usize], gain: f64) -> Result<f64, NnError> {
    check_range(name, "gain", gain, 0.0..=f64::MAX)?;
    let fans = fan(shape, FanMode::FanIn)? + fan(shape, FanMode::FanOut)?;
    Ok(gain * (2.0 / fans as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_distribution, normal_density};
    use super::*;
    use crate::init::generator;
    use onggi_ops::testing::values;

    #[test]
    fn xavier_has_its_distributions() {
        let device = onggi_ops::testing::device();
        let gain = 5.0 / 3.0;
        let w = xavier_uniform([100, 50, 2, 3], gain, &mut generator(1), &device).unwrap();
        let bound = gain * (6.0 / 900f64).sqrt();
        assert_distribution(&values(&w), [-bound, bound], |_| 1.0);
        let w = xavier_normal([100, 300], gain, &mut generator(2), &device).unwrap();
        let std = gain * (2.0 / 400f64).sqrt();
        let range = [-9.0 * std, 9.0 * std];
        assert_distribution(&values(&w), range, normal_density(0.0, std));
    }

    #[test]
    fn xavier_refuses_a_vector_and_a_gain_that_is_none() {
        let (rng, device) = (&mut generator(1), onggi_ops::testing::device());
        assert!(xavier_uniform([3], 1.0, rng, &device).is_err());
        assert_eq!(
            xavier_normal([3, 3], -1.0, rng, &device)
                .unwrap_err()
                .to_string(),
            "xavier_normal: `gain` must be at least 0 and finite, but is -1"
        );
    }
}
