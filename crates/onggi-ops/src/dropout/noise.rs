//! Additive noise: `y = x + std · z` with standard normal `z`, a constant to the gradient.

use crate::kernels::normal::normal;
use crate::{Key, OpError};
use burn::tensor::{Tensor, TensorData};

/// Adds normal noise of mean 0 and standard deviation `std` to each element.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Errors
/// A negative or non-finite `std`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::{Key, dropout::gaussian_noise};
///
/// let x = Tensor::<1>::zeros([10_000], &Device::flex());
/// let y = gaussian_noise(x, 0.5, Key { seed: 1, stream: 0 })?;
/// let var = y.square().mean().into_scalar::<f32>();
/// assert!((var - 0.25).abs() < 0.02);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Bishop, *Training with noise is equivalent to Tikhonov regularization*, 1995.
pub fn gaussian_noise<const D: usize>(
    x: Tensor<D>,
    std: f64,
    key: Key,
) -> Result<Tensor<D>, OpError> {
    if !(0.0..=f64::from(f32::MAX)).contains(&std) {
        return Err(OpError::Range {
            op: "gaussian_noise",
            argument: "std",
            expected: "0 or more, and finite",
            got: std,
        });
    }
    if std == 0.0 {
        return Ok(x);
    }
    let noise = normal(x.dims().iter().product(), std as f32, key);
    let noise = Tensor::from_data(TensorData::new(noise, x.dims()), &x.device());
    Ok(x + noise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{outcome, random, values};

    const KEY: Key = Key { seed: 3, stream: 8 };

    #[test]
    fn adds_noise_of_the_asked_spread() {
        let x = random([100, 1000], 1);
        let y = gaussian_noise(x.clone(), 0.3, KEY).unwrap();
        let noise = values(&(y - x));
        let n = noise.len() as f64;
        let mean = noise.iter().map(|&z| f64::from(z)).sum::<f64>() / n;
        let var = noise.iter().map(|&z| f64::from(z).powi(2)).sum::<f64>() / n;
        // Five standard errors.
        assert!(mean.abs() < 5.0 * 0.3 / n.sqrt(), "{mean}");
        assert!((var / 0.09 - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{var}");
    }

    #[test]
    fn the_gradient_passes_unchanged() {
        let noisy = |leaves: &[Tensor<1>]| gaussian_noise(leaves[0].clone(), 1.0, KEY).unwrap();
        let gradients = outcome(&[random([100], 2)], noisy);
        assert_eq!(gradients[1], values(&random([100], 0x5eed)));
    }

    #[test]
    fn extremes() {
        let x = random([10], 1);
        let same = gaussian_noise(x.clone(), 0.0, KEY).unwrap();
        assert_eq!(values(&same), values(&x));
        let empty = Tensor::<2>::zeros([0, 3], &crate::testing::device());
        assert_eq!(gaussian_noise(empty, 1.0, KEY).unwrap().dims(), [0, 3]);
        assert_eq!(
            gaussian_noise(x.clone(), -1.0, KEY)
                .unwrap_err()
                .to_string(),
            "gaussian_noise: `std` must be 0 or more, and finite, but is -1"
        );
        assert!(gaussian_noise(x, f64::NAN, KEY).is_err());
    }
}
