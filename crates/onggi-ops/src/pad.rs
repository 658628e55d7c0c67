//! Padding: more positions around the last axes, by a rule for their values.

use crate::OpError;
use burn::tensor::{Int, Tensor, TensorData};

/// What the new positions hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// One value.
    Constant(f64),
    /// The input mirrored at its outermost position, which is not repeated: `c b | a b c | b a`.
    Reflect,
    /// The outermost value: `a a | a b c | c c`.
    Replicate,
    /// The input from its other end: `b c | a b c | a b`.
    Circular,
}

impl PadMode {
    /// Zeros.
    pub const ZEROS: Self = Self::Constant(0.0);

    /// The largest padding of one side of an axis.
    fn most(self, size: usize) -> usize {
        match self {
            Self::Constant(_) => usize::MAX,
            Self::Reflect => size.saturating_sub(1),
            Self::Replicate if size > 0 => usize::MAX,
            Self::Replicate => 0,
            Self::Circular => size,
        }
    }

    /// The input's position whose value lies at `at`, which is counted from the input's start.
    fn source(self, at: i64, size: i64) -> i64 {
        match self {
            Self::Reflect if at < 0 => -at,
            Self::Reflect if at >= size => 2 * (size - 1) - at,
            Self::Circular => at.rem_euclid(size),
            _ => at.clamp(0, size - 1),
        }
    }
}

/// Pads the last `R` axes by `[before, after]` positions each, the first pair for the first of them.
///
/// # Shapes
/// `x: *` → the same with `before + after` more positions in each of the last `R` axes.
///
/// # Errors
/// More pairs than axes; [`Reflect`](PadMode::Reflect) by as much as the axis's size or more,
/// [`Circular`](PadMode::Circular) by more than it, [`Replicate`](PadMode::Replicate) of an empty
/// axis.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::pad::{PadMode, pad};
///
/// let x = Tensor::<1>::from_floats([1.0, 2.0, 3.0], &Device::flex());
/// let y = pad(x, [[2, 1]], PadMode::Reflect)?.into_data();
/// assert_eq!(y.try_to_vec::<f32>().expect("f32"), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// Pairs come in the order of the axes, not from the last one; none is negative.
pub fn pad<const D: usize, const R: usize>(
    x: Tensor<D>,
    padding: [[usize; 2]; R],
    mode: PadMode,
) -> Result<Tensor<D>, OpError> {
    let shape = x.dims();
    let error = |expected: String| OpError::Shape {
        op: "pad",
        argument: "x",
        expected,
        got: shape.to_vec(),
    };
    if R > D {
        return Err(error(format!("at least {R} axes")));
    }
    let padded = || {
        padding
            .iter()
            .enumerate()
            .map(|(i, pair)| (D - R + i, *pair))
    };
    for (axis, pair) in padded() {
        let largest = pair[0].max(pair[1]);
        if largest > mode.most(shape[axis]) {
            let expected = format!(
                "an axis {axis} large enough for a padding of {largest} by {mode:?}, which takes at \
                 most {}",
                mode.most(shape[axis])
            );
            return Err(error(expected));
        }
    }
    let padded = padded().filter(|(_, pair)| *pair != [0, 0]);
    Ok(padded.fold(x, |x, (axis, pair)| one_axis(x, axis, pair, mode)))
}

fn one_axis<const D: usize>(
    x: Tensor<D>,
    axis: usize,
    [before, after]: [usize; 2],
    mode: PadMode,
) -> Tensor<D> {
    let (shape, device) = (x.dims(), x.device());
    if let PadMode::Constant(value) = mode {
        let side = |size: usize| {
            let mut shape = shape;
            shape[axis] = size;
            Tensor::full(shape, value, (&device, x.dtype()))
        };
        let (before, after) = (
            (before > 0).then(|| side(before)),
            (after > 0).then(|| side(after)),
        );
        let parts = before.into_iter().chain([x.clone()]).chain(after);
        return Tensor::cat(parts.collect(), axis);
    }
    let size = shape[axis] as i64;
    let positions = -(before as i64)..size + after as i64;
    let sources: Vec<i64> = positions.map(|at| mode.source(at, size)).collect();
    let count = sources.len();
    let sources = Tensor::<1, Int>::from_data(TensorData::new(sources, [count]), &device);
    x.select(axis, sources)
}

#[cfg(test)]
mod tests;
