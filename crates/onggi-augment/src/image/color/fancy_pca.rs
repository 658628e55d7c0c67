//! Colour noise along the image's own colour axes.

use crate::image::base::prelude::*;

settings! {
    /// Adds `Σ αᵢ √λᵢ eᵢ` to every pixel: λ and e are the eigenvalues and eigenvectors of the
    /// covariance of red, green and blue (fractions of the range), α is drawn from N(0, alpha).
    /// `p` is 0.5.
    ///
    /// # Reference
    /// Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012.
    ///
    /// # Differences from the paper
    /// The statistics are those of the image; the shift is in standard deviations (√λ, not λ), so
    /// that it does not depend on the scale of the values.
    pub struct FancyPca {
        /// Standard deviation.
        alpha: f64 = 0.1,
    }
}

impl Transform for FancyPca {
    /// α for the axes, the strongest first.
    type Params = [f64; 3];

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        require::<Self>(
            (0.0..=10.0).contains(&self.alpha),
            "alpha",
            "is in [0, 10]",
            self.alpha,
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<[f64; 3], AugmentError> {
        Ok([(); 3].map(|()| self.alpha * rng.normal()))
    }

    fn apply(&self, alpha: &[f64; 3], sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| {
            if !image.has_color() {
                return image;
            }
            let (values, axes) = eigen(covariance(&image));
            // Covariance of fractions; the standard deviation along an axis is its root.
            let shift: [f64; 3] = std::array::from_fn(|k| {
                (0..3)
                    .map(|i| alpha[i] * values[i].max(0.0).sqrt() * axes[i][k])
                    .sum()
            });
            image.map_channels(false, |k, v| v + shift.get(k).map_or(0.0, |s| *s as f32))
        }))
    }
}

fn covariance(image: &Image) -> [[f64; 3]; 3] {
    let (f, c) = (image.fractions(), image.channels());
    let n = (f.len() / c) as f64;
    let mut mean = [0.0; 3];
    for p in f.chunks_exact(c) {
        (0..3).for_each(|k| mean[k] += f64::from(p[k]) / n);
    }
    let mut out = [[0.0; 3]; 3];
    for p in f.chunks_exact(c) {
        let d: [f64; 3] = std::array::from_fn(|k| f64::from(p[k]) - mean[k]);
        for i in 0..3 {
            for j in 0..3 {
                out[i][j] += d[i] * d[j] / n;
            }
        }
    }
    out
}

/// Eigenvalues, greatest first, and eigenvectors of a symmetric matrix, by Jacobi's rotations. The
/// sign of a vector is such that its components sum to 0 or more.
fn eigen(mut a: [[f64; 3]; 3]) -> ([f64; 3], [[f64; 3]; 3]) {
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..20 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q].abs() < 1e-18 {
                continue;
            }
            let theta = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
            let (s, c) = theta.sin_cos();
            for row in &mut a {
                (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
            }
            for k in 0..3 {
                (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]);
                (v[p][k], v[q][k]) = (c * v[p][k] - s * v[q][k], s * v[p][k] + c * v[q][k]);
            }
        }
    }
    let mut order = [0, 1, 2];
    order.sort_by(|&i, &j| a[j][j].total_cmp(&a[i][i]));
    let axis = |i: usize| {
        let sign = if v[i].iter().sum::<f64>() < 0.0 {
            -1.0
        } else {
            1.0
        };
        v[i].map(|x| x * sign)
    };
    (order.map(|i| a[i][i]), order.map(axis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_are_those_of_the_matrix() {
        let a = [[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 1.0]];
        let (values, axes) = eigen(a);
        assert!(values[0] > values[1] && values[1] > values[2]);
        for (l, v) in values.iter().zip(axes) {
            for i in 0..3 {
                let product: f64 = (0..3).map(|j| a[i][j] * v[j]).sum();
                assert!((product - l * v[i]).abs() < 1e-9);
            }
        }
    }
}
