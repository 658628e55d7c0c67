//! Pooling: what a window of each channel holds, as its maximum, its mean or its norm.
//!
//! Windows along an axis of size `L`, with `k` the kernel's size, `s` the stride, `p` the padding
//! and `d` the dilation: output `j` reads the positions `j·s + u·d − p`, `0 ≤ u < k`, that lie inside.
//! There are `⌊(L + 2p − d·(k−1) − 1) / s⌋ + 1` of them; `ceil_mode` rounds up instead, but leaves
//! out a window that would start in the padding behind the input.

mod adaptive;
mod avg;
mod composed;
mod lp;
mod max;
#[cfg(test)]
mod tests;

pub use adaptive::{adaptive_avg_pool, adaptive_max_pool};
pub use avg::{AvgPoolOptions, avg_pool};
pub use lp::{LpPoolOptions, lp_pool};
pub use max::{MaxPoolOptions, max_pool};

use crate::OpError;
use crate::kernels::pool::{Axis, Geometry, Step, Window};

/// Axes after the channels, of a tensor of `D`.
fn spatial<const D: usize, const R: usize>(
    op: &'static str,
    shape: [usize; D],
) -> Result<[usize; R], OpError> {
    let fits = (1..=3).contains(&R) && (D == R + 1 || D == R + 2);
    if !fits || shape[D - R - 1..].contains(&0) {
        let axes = ["L", "H, W", "D, H, W"].get(R.wrapping_sub(1));
        let axes = axes.unwrap_or(&"1 to 3 axes");
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected: format!("the axes (N, C, {axes}) or (C, {axes}), all but N not empty"),
            got: shape.to_vec(),
        });
    }
    Ok(std::array::from_fn(|axis| shape[D - R + axis]))
}

/// An error unless every number is at least 1.
fn check_positive<const R: usize>(
    op: &'static str,
    argument: &'static str,
    values: [usize; R],
) -> Result<(), OpError> {
    if values.contains(&0) {
        return Err(OpError::Range {
            op,
            argument,
            expected: "at least 1",
            got: 0.0,
        });
    }
    Ok(())
}

/// An error unless the padding is at most half of the kernel.
fn check_padding<const R: usize>(
    op: &'static str,
    padding: [usize; R],
    kernel_size: [usize; R],
) -> Result<(), OpError> {
    let mut pairs = padding.into_iter().zip(kernel_size);
    if let Some((padding, _)) = pairs.find(|(padding, kernel)| *padding > kernel / 2) {
        return Err(OpError::Range {
            op,
            argument: "padding",
            expected: "at most half of the kernel's size",
            got: padding as f64,
        });
    }
    Ok(())
}

/// The windows of a kernel along an axis; `count_padding` says whether [`Window::count`] has the
/// padding in it.
fn strided(size: usize, step: Step, ceil_mode: bool, count_padding: bool) -> Axis {
    let Step {
        taps,
        stride,
        padding,
        dilation,
    } = step;
    let reach = dilation * (taps - 1) + 1;
    let outputs = (size + 2 * padding).checked_sub(reach).map_or(0, |room| {
        let outputs = match ceil_mode {
            true => room.div_ceil(stride),
            false => room / stride,
        } + 1;
        outputs - usize::from(ceil_mode && (outputs - 1) * stride >= size + padding)
    });
    let window = |j: usize| {
        let begin = j * stride;
        let first = padding.saturating_sub(begin).div_ceil(dilation);
        let end = (size + padding)
            .saturating_sub(begin)
            .div_ceil(dilation)
            .min(taps);
        let counted = (size + 2 * padding)
            .saturating_sub(begin)
            .div_ceil(dilation)
            .min(taps);
        let inside = end.saturating_sub(first);
        Window {
            start: (begin + first * dilation).saturating_sub(padding),
            taps: inside,
            step: dilation,
            count: if count_padding { counted } else { inside },
        }
    };
    Axis {
        size,
        windows: (0..outputs).map(window).collect(),
        step: Some(step),
    }
}

/// `outputs` windows that cover an axis evenly: output `j` reads `⌊j·L/outputs⌋ .. ⌈(j+1)·L/outputs⌉`.
fn adaptive_axis(size: usize, outputs: usize) -> Axis {
    let window = |j: usize| {
        let start = j * size / outputs;
        let taps = ((j + 1) * size).div_ceil(outputs) - start;
        Window {
            start,
            taps,
            step: 1,
            count: taps,
        }
    };
    let even = size.is_multiple_of(outputs);
    let step = Step {
        taps: size / outputs,
        stride: size / outputs,
        padding: 0,
        dilation: 1,
    };
    Axis {
        size,
        windows: (0..outputs).map(window).collect(),
        // A window of a whole row has no neighbours to be computed with.
        step: (even && outputs > 1).then_some(step),
    }
}

/// The geometry of pooling the last `R` axes, or an error if a window holds no position.
fn geometry<const D: usize, const R: usize>(
    op: &'static str,
    shape: [usize; D],
    axes: [Axis; R],
) -> Result<Geometry, OpError> {
    let empty = |axis: &Axis| axis.windows.is_empty() || axis.windows.iter().any(|w| w.taps == 0);
    if axes.iter().any(empty) {
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected: "room for the kernel, with a position of the input in every window"
                .to_string(),
            got: shape.to_vec(),
        });
    }
    let mut axes = axes.into_iter();
    let one = || {
        let step = Step {
            taps: 1,
            stride: 1,
            padding: 0,
            dilation: 1,
        };
        strided(1, step, false, false)
    };
    Ok(Geometry {
        planes: shape[..D - R].iter().product(),
        axes: std::array::from_fn(|axis| match axis + R < 3 {
            true => one(),
            false => axes.next().unwrap_or_else(one),
        }),
    })
}

/// The output's shape.
fn pooled<const D: usize>(mut shape: [usize; D], rank: usize, g: &Geometry) -> [usize; D] {
    for (size, axis) in shape[D - rank..].iter_mut().zip(&g.axes[3 - rank..]) {
        *size = axis.windows.len();
    }
    shape
}
