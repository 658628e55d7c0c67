//! Sums over slices that normalisation is made of, to be inlined into the kernels.
//!
//! Sums are `f32` lanes, added to `f64` every [`FLUSH`] elements. The second moment is taken about
//! the mean of the slice's first block, which for a slice of one block is its own mean: then
//! `E[(x−s)²] − E[x−s]²` loses nothing, and for `b` blocks at most about a factor `b`, whatever the
//! mean is.

/// Independent partial sums: enough to hide the latency of addition with 8 floats a register.
const LANES: usize = 32;

/// Elements after which the `f32` partial sums are added to the `f64` ones.
pub(super) const FLUSH: usize = 8 * 1024;

/// Values of a remainder, or of a short slice, that are still worked on side by side.
pub(super) const SHORT: usize = 8;

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
fn total(lanes: &mut [f32; LANES]) -> f64 {
    let mut eight = [0f32; SHORT];
    for j in 0..SHORT {
        eight[j] = (lanes[j] + lanes[j + 8]) + (lanes[j + 16] + lanes[j + 24]);
    }
    *lanes = [0.0; LANES];
    let eight = eight.map(f64::from);
    ((eight[0] + eight[4]) + (eight[1] + eight[5]))
        + ((eight[2] + eight[6]) + (eight[3] + eight[7]))
}

/// What of a gradient counts, by its value's distance from the mean.
///
/// A trait and no closure: closures do not inherit the instruction set.
pub(super) trait Passed: Copy {
    fn of(self, dy: f32, distance: f32) -> f32;
}

/// All of it.
impl Passed for () {
    #[inline(always)]
    fn of(self, dy: f32, _distance: f32) -> f32 {
        dy
    }
}

/// Two sums over the same values, of at most [`FLUSH`] of them.
///
/// What is left of a slice after its lanes goes into sums of its own: an index into the lanes that
/// is not constant would keep them in memory.
pub(super) struct Pair {
    lanes: [[f32; LANES]; 2],
    rest: [f64; 2],
}

impl Pair {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            lanes: [[0.0; LANES]; 2],
            rest: [0.0; 2],
        }
    }

    /// Adds `x − shift` and `(x − shift)²`.
    #[inline(always)]
    pub(super) fn add_moments(&mut self, x: &[f32], shift: f32) {
        let [sum, square] = &mut self.lanes;
        let (chunks, rest) = x.as_chunks::<LANES>();
        for chunk in chunks {
            for j in 0..LANES {
                let d = chunk[j] - shift;
                sum[j] += d;
                square[j] += d * d;
            }
        }
        let (chunks, rest) = rest.as_chunks::<SHORT>();
        for chunk in chunks {
            for j in 0..SHORT {
                let d = chunk[j] - shift;
                sum[j] += d;
                square[j] += d * d;
            }
        }
        let (mut sum, mut square) = (0f32, 0f32);
        for v in rest {
            let d = v - shift;
            sum += d;
            square += d * d;
        }
        self.rest[0] += f64::from(sum);
        self.rest[1] += f64::from(square);
    }

    /// Adds `dy` and `dy · (x − mean)`, of each `dy` what is `passed`.
    #[inline(always)]
    pub(super) fn add_gradients(&mut self, x: &[f32], dy: &[f32], mean: f32, passed: impl Passed) {
        let [sum, dot] = &mut self.lanes;
        let ((xs, x), (dys, dy)) = (x.as_chunks::<LANES>(), dy.as_chunks::<LANES>());
        for (x, dy) in xs.iter().zip(dys) {
            for j in 0..LANES {
                let distance = x[j] - mean;
                let dy = passed.of(dy[j], distance);
                sum[j] += dy;
                dot[j] += dy * distance;
            }
        }
        let ((xs, x), (dys, dy)) = (x.as_chunks::<SHORT>(), dy.as_chunks::<SHORT>());
        for (x, dy) in xs.iter().zip(dys) {
            for j in 0..SHORT {
                let distance = x[j] - mean;
                let dy = passed.of(dy[j], distance);
                sum[j] += dy;
                dot[j] += dy * distance;
            }
        }
        let (mut sum, mut dot) = (0f32, 0f32);
        for (x, dy) in x.iter().zip(dy) {
            let distance = x - mean;
            let dy = passed.of(*dy, distance);
            sum += dy;
            dot += dy * distance;
        }
        self.rest[0] += f64::from(sum);
        self.rest[1] += f64::from(dot);
    }

    /// Adds `dy · weight` and `dy · weight · (x − mean)`.
    #[inline(always)]
    pub(super) fn add_weighted(&mut self, x: &[f32], dy: &[f32], weight: &[f32], mean: f32) {
        let [sum, dot] = &mut self.lanes;
        let ((xs, x), (dys, dy)) = (x.as_chunks::<LANES>(), dy.as_chunks::<LANES>());
        let (weights, weight) = weight.as_chunks::<LANES>();
        for ((x, dy), weight) in xs.iter().zip(dys).zip(weights) {
            for j in 0..LANES {
                let g = dy[j] * weight[j];
                sum[j] += g;
                dot[j] += g * (x[j] - mean);
            }
        }
        let ((xs, x), (dys, dy)) = (x.as_chunks::<SHORT>(), dy.as_chunks::<SHORT>());
        let (weights, weight) = weight.as_chunks::<SHORT>();
        for ((x, dy), weight) in xs.iter().zip(dys).zip(weights) {
            for j in 0..SHORT {
                let g = dy[j] * weight[j];
                sum[j] += g;
                dot[j] += g * (x[j] - mean);
            }
        }
        let (mut sum, mut dot) = (0f32, 0f32);
        for ((x, dy), weight) in x.iter().zip(dy).zip(weight) {
            let g = dy * weight;
            sum += g;
            dot += g * (x - mean);
        }
        self.rest[0] += f64::from(sum);
        self.rest[1] += f64::from(dot);
    }

    /// The sums, which start again from 0.
    #[inline(always)]
    pub(super) fn take(&mut self) -> (f64, f64) {
        let [first, second] = &mut self.lanes;
        let sums = (total(first) + self.rest[0], total(second) + self.rest[1]);
        self.rest = [0.0; 2];
        sums
    }
}

/// `Σ x`.
#[inline(always)]
pub(super) fn sum(x: &[f32]) -> f64 {
    let mut sum = 0.0;
    for block in x.chunks(FLUSH) {
        let mut lanes = [0f32; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for j in 0..LANES {
                lanes[j] += chunk[j];
            }
        }
        let (chunks, rest) = rest.as_chunks::<SHORT>();
        for chunk in chunks {
            for j in 0..SHORT {
                lanes[j] += chunk[j];
            }
        }
        sum += total(&mut lanes) + f64::from(rest.iter().sum::<f32>());
    }
    sum
}

/// `Σ (x − shift)` and `Σ (x − shift)²`.
#[inline(always)]
fn sums(x: &[f32], shift: f32) -> (f64, f64) {
    let (mut sum, mut square) = (0.0, 0.0);
    for block in x.chunks(FLUSH) {
        let mut pair = Pair::new();
        pair.add_moments(block, shift);
        let sums = pair.take();
        sum += sums.0;
        square += sums.1;
    }
    (sum, square)
}
