//! The streak of a moving camera.

use super::{draw_odd, require_odd};
use crate::image::Border;
use crate::image::base::prelude::*;

settings! {
    /// Convolves with a line through the middle: its length and its angle are drawn evenly. `p` is
    /// 0.5.
    pub struct MotionBlur {
        /// Length in pixels, odd, `[low, high]`.
        blur_limit: [usize; 2] = [3, 7],
        /// Degrees, `[low, high]`.
        angle_range: [f64; 2] = [0.0, 360.0],
    }
}

impl Transform for MotionBlur {
    /// Length and angle.
    type Params = (usize, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] between -360 and 360";
        require_range::<Self>(self.angle_range, [-360.0, 360.0], "angle_range", rule)?;
        require_odd::<Self>(self.blur_limit)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(usize, f64), AugmentError> {
        Ok((
            draw_odd(self.blur_limit, rng),
            rng.uniform(self.angle_range),
        ))
    }

    fn apply(&self, (n, angle): &(usize, f64), sample: Sample) -> Result<Sample, AugmentError> {
        let n = (*n).clamp(1, 255) | 1;
        let kernel = line(n, *angle, |_| 1.0);
        Ok(sample.with_image(|image| image.convolve(&kernel, [n, n], 0.0, Border::Reflect)))
    }
}

/// A line of `n` points of weight `weight(distance along it)` through the middle of an n × n
/// kernel of sum 1, each point shared among the four taps around it.
pub(crate) fn line(n: usize, degrees: f64, weight: impl Fn(f64) -> f64) -> Vec<f32> {
    let half = (n / 2) as f64;
    let (s, c) = degrees.to_radians().sin_cos();
    let mut kernel = vec![0f64; n * n];
    for k in 0..n {
        let t = k as f64 - half;
        let (x, y) = (half + t * c, half - t * s);
        let (j, i) = (x.floor(), y.floor());
        for (di, wy) in [(0.0, 1.0 - (y - i)), (1.0, y - i)] {
            for (dj, wx) in [(0.0, 1.0 - (x - j)), (1.0, x - j)] {
                let (i, j) = ((i + di) as usize, (j + dj) as usize);
                if i < n && j < n {
                    kernel[i * n + j] += wx * wy * weight(t);
                }
            }
        }
    }
    let sum: f64 = kernel.iter().sum();
    kernel.iter().map(|v| (v / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_line_is_a_row_of_means() {
        let kernel = line(3, 0.0, |_| 1.0);
        for (k, v) in kernel.iter().enumerate() {
            let want = if k / 3 == 1 { 1.0 / 3.0 } else { 0.0 };
            assert!((v - want).abs() < 1e-6, "{kernel:?}");
        }
    }
}
