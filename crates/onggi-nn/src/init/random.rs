//! Values drawn from a given distribution.

use crate::NnError;
use crate::error::check_range;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use std::f64::consts::{E, TAU};

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
    normal_with_mean(shape, 0.0, std, rng, device)
}

/// Values drawn from a normal distribution.
pub fn normal_with_mean<const D: usize>(
    shape: [usize; D],
    mean: f64,
    std: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<D> {
    fill(shape, device, || {
        let z: f64 = StandardNormal.sample(rng);
        (mean + std * z) as f32
    })
}

/// Values drawn from the normal distribution of `mean` and `std` (before truncation), given that
/// they lie in `[a, b]`. `a` and `b` are values, not multiples of `std`; either may be infinite.
///
/// # Errors
/// A mean that is not finite, a `std` that is not above 0 and finite, `a` not below `b`.
///
/// # Reference
/// Robert, *Simulation of truncated normal variables*, 1995.
///
/// # Differences from PyTorch
/// Exact, and fast, however far the interval lies from the mean.
pub fn trunc_normal<const D: usize>(
    shape: [usize; D],
    mean: f64,
    std: f64,
    a: f64,
    b: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Tensor<D>, NnError> {
    check_normal("trunc_normal", mean, std)?;
    if std == 0.0 {
        return Err(NnError::config("trunc_normal", "std", "above 0", std));
    }
    if a.partial_cmp(&b) != Some(std::cmp::Ordering::Less) {
        return Err(NnError::config(
            "trunc_normal",
            "a",
            format!("below b = {b}"),
            a,
        ));
    }
    let (low, high) = ((a - mean) / std, (b - mean) / std);
    Ok(fill(shape, device, || {
        let value = mean + std * standard_in(low, high, rng);
        // Rounding may leave the interval by half a unit of the last place.
        (value as f32).clamp(a as f32, b as f32)
    }))
}

/// A standard normal value in `[low, high]`, by rejection: each branch accepts at least a third of
/// what it proposes.
fn standard_in(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    if high < 0.0 {
        return -standard_in(-high, -low, rng);
    }
    if low <= 0.0 && high - low > TAU.sqrt() {
        return loop {
            let z: f64 = StandardNormal.sample(rng);
            if (low..=high).contains(&z) {
                break z;
            }
        };
    }
    // The density's largest value is at `peak`; far from 0 it falls as an exponential of `rate`.
    let peak = low.max(0.0);
    let root = (peak * peak + 4.0).sqrt();
    let rate = (peak + root) / 2.0;
    let narrow = 2.0 * E.sqrt() / (peak + root) * ((peak * peak - peak * root) / 4.0).exp();
    let uniform = low <= 0.0 || high - low <= narrow;
    loop {
        let (z, log_accept) = if uniform {
            let z = low + (high - low) * rng.random::<f64>();
            (z, (peak * peak - z * z) / 2.0)
        } else {
            let step: f64 = Exp1.sample(rng);
            let z = low + step / rate;
            (z, -(z - rate).powi(2) / 2.0)
        };
        if z <= high && rng.random::<f64>().ln() <= log_accept {
            return z;
        }
    }
}

/// Normal values of mean 0 of which, in each column, the share `sparsity` (rounded up to whole
/// rows) is 0.
///
/// # Errors
/// A `sparsity` outside of `[0, 1]`, a negative or non-finite `std`.
///
/// # Reference
/// Martens, *Deep learning via Hessian-free optimization*, 2010.
pub fn sparse(
    shape: [usize; 2],
    sparsity: f64,
    std: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Tensor<2>, NnError> {
    check_range("sparse", "sparsity", sparsity, 0.0..=1.0)?;
    check_normal("sparse", 0.0, std)?;
    let [rows, columns] = shape;
    let mut values: Vec<f32> = (0..rows * columns)
        .map(|_| (std * Distribution::<f64>::sample(&StandardNormal, rng)) as f32)
        .collect();
    let zeros = (sparsity * rows as f64).ceil() as usize;
    for column in 0..columns {
        for row in rand::seq::index::sample(rng, rows, zeros.min(rows)) {
            values[row * columns + column] = 0.0;
        }
    }
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}

/// An error unless there is a normal distribution of this mean and standard deviation.
pub(super) fn check_normal(name: &'static str, mean: f64, std: f64) -> Result<(), NnError> {
    if !mean.is_finite() {
        return Err(NnError::config(name, "mean", "finite", mean));
    }
    check_range(name, "std", std, 0.0..=f64::MAX)
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
    use super::super::testing::{assert_distribution, moments, normal_density};
    use super::*;
    use crate::init::generator;
    use onggi_ops::testing::values;

    const N: usize = 40_000;

    #[test]
    fn uniform_is_uniform() {
        let x = uniform(
            [N],
            -0.5,
            2.0,
            &mut generator(1),
            &onggi_ops::testing::device(),
        );
        assert_distribution(&values(&x), [-0.5, 2.0], |_| 1.0);
    }

    #[test]
    fn normal_is_normal() {
        let device = onggi_ops::testing::device();
        let x = normal([N / 4, 4], 0.3, &mut generator(2), &device);
        assert_distribution(&values(&x), [-3.0, 3.0], normal_density(0.0, 0.3));
        let x = normal_with_mean([N], 5.0, 2.0, &mut generator(3), &device);
        assert_distribution(&values(&x), [-15.0, 25.0], normal_density(5.0, 2.0));
        let (mean, std, _) = moments(&values(&x));
        assert!((mean - 5.0).abs() < 0.03 && (std - 2.0).abs() < 0.03);
    }

    #[test]
    fn trunc_normal_is_the_conditional_distribution() {
        // Wide, narrow around the mean, one-sided, in either tail, far out and narrow there.
        for (i, (mean, std, a, b)) in [
            (0.0, 1.0, -2.0, 2.0),
            (0.0, 0.02, -0.04, 0.04),
            (1.0, 2.0, 0.5, 1.5),
            (0.0, 1.0, -0.2, 1.0),
            (0.0, 1.0, 0.0, 9.0),
            (0.0, 1.0, 1.0, 2.0),
            (0.0, 1.0, -2.0, -1.0),
            (0.0, 1.0, 5.0, 8.0),
            (3.0, 0.5, -1.0, 0.0),
            (0.0, 1.0, 5.0, 5.1),
        ]
        .into_iter()
        .enumerate()
        {
            let rng = &mut generator(10 + i as u64);
            let x = trunc_normal([N], mean, std, a, b, rng, &onggi_ops::testing::device()).unwrap();
            assert_distribution(&values(&x), [a, b], normal_density(mean, std));
        }
    }

    #[test]
    fn trunc_normal_takes_infinite_bounds() {
        let (inf, device) = (f64::INFINITY, onggi_ops::testing::device());
        let draw = |[a, b]: [f64; 2]| {
            let x = trunc_normal([N], 0.0, 1.0, a, b, &mut generator(4), &device);
            values(&x.unwrap())
        };
        assert_distribution(&draw([-inf, inf]), [-9.0, 9.0], normal_density(0.0, 1.0));
        assert_distribution(&draw([2.0, inf]), [2.0, 9.0], normal_density(0.0, 1.0));
        assert_distribution(&draw([-inf, 0.5]), [-9.0, 0.5], normal_density(0.0, 1.0));
    }

    #[test]
    fn trunc_normal_refuses_what_is_no_interval() {
        let draw = |mean, std, [a, b]: [f64; 2]| {
            trunc_normal(
                [1],
                mean,
                std,
                a,
                b,
                &mut generator(1),
                &onggi_ops::testing::device(),
            )
        };
        assert_eq!(
            draw(0.0, 1.0, [2.0, 2.0]).unwrap_err().to_string(),
            "trunc_normal: `a` must be below b = 2, but is 2"
        );
        assert!(draw(0.0, 1.0, [f64::NAN, 2.0]).is_err());
        assert!(draw(0.0, 0.0, [-1.0, 1.0]).is_err());
        assert!(draw(0.0, f64::INFINITY, [-1.0, 1.0]).is_err());
        assert!(draw(f64::NAN, 1.0, [-1.0, 1.0]).is_err());
    }

    #[test]
    fn sparse_zeros_exactly_its_share_of_each_column() {
        let device = onggi_ops::testing::device();
        for (rows, sparsity, zeros) in [(10, 0.0, 0), (10, 0.1, 1), (7, 0.5, 4), (5, 1.0, 5)] {
            let x = sparse([rows, 9], sparsity, 0.5, &mut generator(5), &device).unwrap();
            let x = values(&x);
            for column in 0..9 {
                let count = (0..rows).filter(|row| x[row * 9 + column] == 0.0).count();
                assert_eq!(count, zeros, "{rows} rows, {sparsity}");
            }
        }
        let x = values(&sparse([400, 100], 0.25, 0.5, &mut generator(6), &device).unwrap());
        let rest: Vec<f32> = x.iter().copied().filter(|&x| x != 0.0).collect();
        assert_eq!(rest.len(), 30_000);
        assert_distribution(&rest, [-5.0, 5.0], normal_density(0.0, 0.5));
        // No row is spared: 100 columns leave a row without a zero with probability 3e-13.
        assert!(x.chunks(100).all(|row| row.contains(&0.0)));
        assert!(sparse([2, 2], 1.5, 1.0, &mut generator(1), &device).is_err());
        assert!(sparse([2, 2], 0.5, -1.0, &mut generator(1), &device).is_err());
    }
}
