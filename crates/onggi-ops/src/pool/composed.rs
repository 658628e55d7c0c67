//! Pooling on any device, of tensor operations whose gradient Burn knows: one axis after another.
//!
//! The last axis goes first, so of equal maxima the first in row-major order is taken.

use crate::kernels::pool::{Axis, Geometry};
use burn::tensor::{Int, Tensor, TensorData};

/// The axes of a geometry that a tensor of `D` axes has, the last one first, with their numbers.
fn axes<const D: usize>(g: &Geometry) -> impl Iterator<Item = (usize, &Axis)> {
    let axes = g.axes.iter().rev().enumerate();
    axes.take(D.min(3)).map(|(back, axis)| (D - 1 - back, axis))
}

/// The windows of an axis as axes `(outer, output, tap, inner)`; a window with fewer taps than
/// others repeats its last.
fn windows<const D: usize>(x: Tensor<D>, at: usize, axis: &Axis) -> Tensor<4> {
    let shape = x.dims();
    let outer: usize = shape[..at].iter().product();
    let inner: usize = shape[at + 1..].iter().product();
    let taps = axis.windows.iter().map(|w| w.taps).max().unwrap_or(0);
    let mut positions = Vec::with_capacity(axis.windows.len() * taps);
    for window in &axis.windows {
        let position = |tap: usize| window.start + tap.min(window.taps - 1) * window.step;
        positions.extend((0..taps).map(|tap| position(tap) as i64));
    }
    let device = x.device();
    let count = positions.len();
    let positions = Tensor::<1, Int>::from_data(TensorData::new(positions, [count]), &device);
    x.reshape([outer, axis.size, inner])
        .select(1, positions)
        .reshape([outer, axis.windows.len(), taps, inner])
}

/// A tensor's shape with `axis` of another size.
fn resized<const D: usize>(mut shape: [usize; D], axis: usize, size: usize) -> [usize; D] {
    shape[axis] = size;
    shape
}

/// Along the last axes for which `g` has windows.
pub(super) fn max<const D: usize>(mut x: Tensor<D>, g: &Geometry) -> Tensor<D> {
    for (at, axis) in axes::<D>(g).filter(|(_, axis)| !passes(axis)) {
        let shape = resized(x.dims(), at, axis.windows.len());
        x = windows(x, at, axis).max_dim(2).reshape(shape);
    }
    x
}

/// As [`max`], of the mean.
pub(super) fn mean<const D: usize>(
    mut x: Tensor<D>,
    g: &Geometry,
    divisor: Option<f32>,
) -> Tensor<D> {
    for (at, axis) in axes::<D>(g).filter(|(_, axis)| !passes(axis)) {
        let shape = resized(x.dims(), at, axis.windows.len());
        let device = x.device();
        let windows = windows(x, at, axis);
        let taps = windows.dims()[2];
        let mut weights = Vec::with_capacity(axis.windows.len() * taps);
        for window in &axis.windows {
            let weight = if divisor.is_some() {
                1.0
            } else {
                1.0 / window.count as f32
            };
            let inside = |tap: usize| if tap < window.taps { weight } else { 0.0 };
            weights.extend((0..taps).map(inside));
        }
        let weights = TensorData::new(weights, [1, axis.windows.len(), taps, 1]);
        let weights = Tensor::<4>::from_data(weights, &device);
        x = (windows * weights).sum_dim(2).reshape(shape);
    }
    match divisor {
        Some(divisor) => x / divisor,
        None => x,
    }
}

/// Whether pooling along an axis changes nothing.
fn passes(axis: &Axis) -> bool {
    axis.size == axis.windows.len()
        && (axis.windows.iter()).all(|window| window.taps == 1 && window.count == 1)
}
