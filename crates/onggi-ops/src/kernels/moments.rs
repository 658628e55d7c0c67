//! Sums over slices that normalisation is made of, to be inlined into the kernels.
//!
//! Sums are `f32` lanes, added to `f64` every [`FLUSH`] elements. The second moment is taken about
//! the mean of the slice's first block, which for a slice of one block is its own mean: then
//! `E[(x−s)²] − E[x−s]²` loses nothing, and for `b` blocks at most about a factor `b`, whatever the
//! mean is.

/// Independent partial sums: enough to hide the latency of addition with 8 floats a register.
pub(super) const LANES: usize = 32;

/// Elements after which the `f32` partial sums are added to the `f64` ones.
pub(super) const FLUSH: usize = 8 * 1024;

/// Lanes of a remainder that are still added side by side.
const SHORT: usize = 8;

/// What a slice is normalised by: `x̂ = (x − mean − low) / √(var + eps)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    /// The mean.
    pub(crate) mean: f32,
    /// What rounding the mean to `f32` took away.
    pub(crate) low: f32,
    /// Biased variance.
    pub(crate) var: f32,
}

impl Moments {
    /// Mean and variance of a slice that is not empty.
    #[inline(always)]
    pub(super) fn of(x: &[f32]) -> Self {
        let block = &x[..x.len().min(FLUSH)];
        let shift = (sum(block) / block.len() as f64) as f32;
        let (sum, square) = sums(x, shift);
        let m = x.len() as f64;
        let centre = f64::from(shift) + sum / m;
        let mean = centre as f32;
        Self {
            mean,
            low: (centre - f64::from(mean)) as f32,
            var: (square / m - (sum / m).powi(2)).max(0.0) as f32,
        }
    }

    /// The mean square as the variance about 0, of a slice that is not empty.
    #[inline(always)]
    pub(super) fn about_zero(x: &[f32]) -> Self {
        Self {
            mean: 0.0,
            low: 0.0,
            var: (sums(x, 0.0).1 / x.len() as f64) as f32,
        }
    }

    /// `1 / √(var + eps)`.
    #[inline(always)]
    pub(super) fn rstd(self, eps: f64) -> f64 {
        1.0 / (f64::from(self.var) + eps).sqrt()
    }
}

/// The lanes' sum in a fixed order; leaves them at zero.
#[inline(always)]
pub(super) fn total(lanes: &mut [f32; LANES]) -> f64 {
    let mut eight = [0f32; SHORT];
    for j in 0..SHORT {
        eight[j] = (lanes[j] + lanes[j + 8]) + (lanes[j + 16] + lanes[j + 24]);
    }
    *lanes = [0.0; LANES];
    let eight = eight.map(f64::from);
    ((eight[0] + eight[4]) + (eight[1] + eight[5]))
        + ((eight[2] + eight[6]) + (eight[3] + eight[7]))
}

/// `Σ x`.
#[inline(always)]
fn sum(x: &[f32]) -> f64 {
    let mut total_sum = 0.0;
    for block in x.chunks(FLUSH) {
        let mut lanes = [0f32; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for j in 0..LANES {
                lanes[j] += chunk[j];
            }
        }
        for (j, v) in rest.iter().enumerate() {
            lanes[j] += v;
        }
        total_sum += total(&mut lanes);
    }
    total_sum
}

/// `Σ (x − shift)` and `Σ (x − shift)²`.
#[inline(always)]
fn sums(x: &[f32], shift: f32) -> (f64, f64) {
    let (mut sum, mut square) = (0.0, 0.0);
    for block in x.chunks(FLUSH) {
        let (mut lane_sum, mut lane_square) = ([0f32; LANES], [0f32; LANES]);
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for j in 0..LANES {
                let d = chunk[j] - shift;
                lane_sum[j] += d;
                lane_square[j] += d * d;
            }
        }
        for (j, v) in rest.iter().enumerate() {
            let d = v - shift;
            lane_sum[j] += d;
            lane_square[j] += d * d;
        }
        sum += total(&mut lane_sum);
        square += total(&mut lane_square);
    }
    (sum, square)
}

/// `Σ dy` and `Σ dy · (x − mean)`.
#[inline(always)]
pub(super) fn gradient_sums(x: &[f32], dy: &[f32], mean: f32) -> (f64, f64) {
    let (mut sum, mut dot) = (0.0, 0.0);
    for (x, dy) in x.chunks(FLUSH).zip(dy.chunks(FLUSH)) {
        let (mut lane_sum, mut lane_dot) = ([0f32; LANES], [0f32; LANES]);
        let ((xs, x_rest), (dys, dy_rest)) = (x.as_chunks::<LANES>(), dy.as_chunks::<LANES>());
        for (x, dy) in xs.iter().zip(dys) {
            for j in 0..LANES {
                lane_sum[j] += dy[j];
                lane_dot[j] += dy[j] * (x[j] - mean);
            }
        }
        let (xs, x_rest) = x_rest.as_chunks::<SHORT>();
        let (dys, dy_rest) = dy_rest.as_chunks::<SHORT>();
        for (x, dy) in xs.iter().zip(dys) {
            for j in 0..SHORT {
                lane_sum[j] += dy[j];
                lane_dot[j] += dy[j] * (x[j] - mean);
            }
        }
        for (j, (x, dy)) in x_rest.iter().zip(dy_rest).enumerate() {
            lane_sum[j] += dy;
            lane_dot[j] += dy * (x - mean);
        }
        sum += total(&mut lane_sum);
        dot += total(&mut lane_dot);
    }
    (sum, dot)
}
