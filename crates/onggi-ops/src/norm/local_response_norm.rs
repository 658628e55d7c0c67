//! Local response normalisation: each value by those at its place in the neighbouring channels.
//!
//! `y[c] = x[c] / (k + alpha / size · Σ x[i]²)^beta`, the sum over the `size` channels
//! `c − ⌊size/2⌋ ≤ i ≤ c + ⌊(size − 1)/2⌋` that exist. Composed of tensor operations: it has no
//! kernel, being a layer of older networks alone.
//!
//! # Reference
//! Krizhevsky, Sutskever and Hinton, *ImageNet classification with deep convolutional neural
//! networks*, 2012.

use crate::OpError;
use burn::tensor::Tensor;

/// Normalises each value by its neighbours across the channels.
///
/// `y[c] = x[c] / (k + alpha / size · Σ x[i]²)^beta`, the sum over the `size` channels around `c`;
/// of an even number, one more lies before `c` than after. Missing channels count as 0.
///
/// # Shapes
/// `x: (N, C, *)` with at least one axis after `C` → the same.
///
/// # Errors
/// Fewer than three axes, or a `size` of 0.
///
/// # Example
/// ```
/// # use burn::tensor::{Device, Tensor};
/// use onggi_ops::norm::local_response_norm;
///
/// let x = Tensor::<3>::from_floats([[[3.0], [4.0]]], &Device::flex());
/// let y = local_response_norm(x, 2, 2.0, 0.5, 0.0)?.into_data();
/// let y = y.try_to_vec::<f32>().expect("f32");
/// assert!((y[0] - 1.0).abs() < 1e-6 && (y[1] - 0.8).abs() < 1e-6);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Krizhevsky, Sutskever and Hinton, *ImageNet classification with deep convolutional neural
/// networks*, 2012. There `alpha` is not divided by `size`; as in PyTorch, here it is.
pub fn local_response_norm<const D: usize>(
    x: Tensor<D>,
    size: usize,
    alpha: f64,
    beta: f64,
    k: f64,
) -> Result<Tensor<D>, OpError> {
    let op = "local_response_norm";
    let dims = x.dims();
    if D < 3 {
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected: "at least three axes (N, C, L, …)".to_string(),
            got: dims.to_vec(),
        });
    }
    if size == 0 {
        return Err(OpError::Range {
            op,
            argument: "size",
            expected: "at least 1",
            got: 0.0,
        });
    }
    if dims.contains(&0) {
        return Ok(x);
    }
    let channels = dims[1];
    // Beyond the channels there are only zeros.
    let [before, after] = [size / 2, (size - 1) / 2].map(|side| side.min(channels - 1));
    let zeros = |count| (count > 0).then(|| x.zeros_like().narrow(1, 0, count));
    let padded = [zeros(before), Some(x.clone().square()), zeros(after)];
    let padded = Tensor::cat(padded.into_iter().flatten().collect(), 1);
    let mut sum = padded.clone().narrow(1, 0, channels);
    for offset in 1..=before + after {
        sum = sum + padded.clone().narrow(1, offset, channels);
    }
    Ok(x / (sum * (alpha / size as f64) + k).powf_scalar(beta))
}

#[cfg(test)]
mod tests;
