//! The light and colour of another image: Fourier domain adaptation.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use crate::image::base::prelude::*;
use crate::image::base::resample::resize;
use crate::image::{Interpolation, References};

settings! {
    /// Gives the image the amplitudes of the lowest frequencies of one of the reference images, drawn
    /// evenly, and keeps its own phases: light and colour change, what there is to see stays. `p` is
    /// 0.5.
    ///
    /// With the spectra F of a channel and R of the reference at the image's size, for the frequencies
    /// (u, v) with |u|, |v| ≤ b, b = ⌊β · min(height, width)⌋:
    /// `F′(u, v) = |R(u, v)| · F(u, v) / |F(u, v)|`; the other frequencies stay. Values are then cut to
    /// the range. Red, green and blue go by those of the reference, an image without them by its grey;
    /// further channels are left as they are.
    ///
    /// # Reference
    /// Yang and Soatto, "FDA: Fourier domain adaptation for semantic segmentation", 2020.
    ///
    /// # Differences from Albumentations
    /// The window lies evenly around the frequency 0, as in the authors' code: with β = 0 the mean of
    /// the reference is taken. That of Albumentations 2.0.8 has no last row and column, and is moved
    /// by one where a side is even. The reference is shrunk with antialiasing.
    pub struct Fda {
        /// The images to look like.
        reference_images: References = References::default(),
        /// Least and greatest β: half the window as a share of the shorter side, at most 0.5.
        beta_limit: [f64; 2] = [0.0, 0.1],
    }
}

impl Transform for Fda {
    /// Which reference, and β.
    type Params = (usize, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is an ordered range in [0, 0.5]";
        require_range::<Self>(self.beta_limit, [0.0, 0.5], "beta_limit", rule)?;
        self.reference_images.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let which = rng.below(self.reference_images.paths().len());
        Ok((which, rng.uniform(self.beta_limit)))
    }

    fn apply(&self, (which, beta): &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let reference = self.reference_images.like::<Self>(*which, &sample.image)?;
        adapt_fourier(sample, reference, *beta)
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            reference_images: super::references::tests::references(),
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"beta_limit": [0.1, 0.6]}"#,
            "beta_limit is an ordered range in [0, 0.5], got [0.1, 0.6]",
        )]
    }
}

/// Does what [`Fda`] does, with a reference in memory and β, which is cut to `[0, 0.5]`.
///
/// # Errors
/// [`AugmentError::Unfit`] where the reference has more channels than the image.
pub fn adapt_fourier(sample: Sample, reference: &Image, beta: f64) -> Result<Sample, AugmentError> {
    super::require_channels::<Fda>(&sample.image, reference)?;
    Ok(sample.with_image(|image| {
        let size = image.size();
        let shorter = size[0].min(size[1]);
        // Up to the last frequency that differs from its mirror image.
        let half = ((shorter as f64 * beta.clamp(0.0, 0.5)) as usize).min((shorter - 1) / 2);
        let other = resize(reference, size, Interpolation::Bilinear, true).fractions();
        let mut values = image.fractions();
        let (c, n) = (image.channels(), reference.channels());
        let mut spectrum = Spectrum::new(size, half);
        for k in 0..n {
            let other = other[k..].iter().step_by(n).copied();
            spectrum.adapt(values[k..].iter_mut().step_by(c), other);
        }
        image.with_fractions(&values)
    }))
}

/// The Fourier transform of one channel, and of it only what the window needs: all rows, and then the
/// columns of the window.
struct Spectrum {
    size: [usize; 2],
    half: usize,
    plans: FftPlanner<f32>,
}

impl Spectrum {
    fn new(size: [usize; 2], half: usize) -> Self {
        let plans = FftPlanner::new();
        Self { size, half, plans }
    }

    /// Adds to `values` the inverse transform of what changes of the spectrum.
    fn adapt<'a>(
        &mut self,
        values: impl Iterator<Item = &'a mut f32>,
        reference: impl Iterator<Item = f32>,
    ) {
        let ([h, w], half) = (self.size, self.half);
        let mut values: Vec<&mut f32> = values.collect();
        // Both spectra in one: the image is the real part, the reference the imaginary one.
        let mut z: Vec<Complex<f32>> = values
            .iter()
            .zip(reference)
            .map(|(x, r)| Complex::new(**x, r))
            .collect();
        self.plans.plan_fft_forward(w).process(&mut z);
        let mut columns = vec![Complex::default(); (2 * half + 1) * h];
        for (column, u) in columns.chunks_exact_mut(h).zip(window(half, w)) {
            let from = z[u..].iter().step_by(w);
            column
                .iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = *from);
        }
        self.plans.plan_fft_forward(h).process(&mut columns);
        let at = |u: usize, v: usize| columns[u * h + v];
        let brightest = at(half, 0).re.abs();
        // The change is that of a real image: one half of it says the other.
        let mut change = vec![Complex::default(); (half + 1) * h];
        for u in 0..=half {
            for v in window(half, h) {
                let there = at(half + u, v);
                let mirrored = at(half - u, (h - v) % h).conj();
                let own = (there + mirrored) * 0.5;
                let other = (there - mirrored) * Complex::new(0.0, -0.5);
                change[u * h + v] = moved(own, other.norm(), brightest);
            }
        }
        self.plans.plan_fft_inverse(h).process(&mut change);
        // Two rows at a time, as real and imaginary part.
        let rows = &mut z[..h.div_ceil(2) * w];
        rows.fill(Complex::default());
        let i = Complex::new(0.0, 1.0);
        for (y, row) in rows.chunks_exact_mut(w).enumerate() {
            for (u, column) in change.chunks_exact(h).enumerate() {
                let (a, b) = (
                    column[2 * y],
                    column.get(2 * y + 1).copied().unwrap_or_default(),
                );
                if u == 0 {
                    row[0] = Complex::new(a.re, b.re);
                } else {
                    row[u] = a + i * b;
                    row[w - u] = a.conj() + i * b.conj();
                }
            }
        }
        self.plans.plan_fft_inverse(w).process(rows);
        let scale = 1.0 / (h * w) as f32;
        for (y, row) in values.chunks_mut(w).enumerate() {
            for (x, d) in row.iter_mut().zip(&rows[y / 2 * w..]) {
                **x += scale * if y % 2 == 0 { d.re } else { d.im };
            }
        }
    }
}

/// Where the frequencies −half to half lie in a transform of `n` values.
fn window(half: usize, n: usize) -> impl Iterator<Item = usize> {
    (0..=2 * half).map(move |i| (i + n - half) % n)
}

/// By how much a coefficient changes that gets another amplitude. One that is nothing but rounding, held
/// against the sum of all values, has no phase.
fn moved(own: Complex<f32>, amplitude: f32, sum: f32) -> Complex<f32> {
    let norm = own.norm();
    if norm > 1e-6 * sum {
        own * (amplitude / norm - 1.0)
    } else {
        Complex::from(amplitude) - own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    fn mean(image: &Image) -> f32 {
        let f = image.fractions();
        f.iter().sum::<f32>() / f.len() as f32
    }

    #[test]
    fn an_image_like_itself_stays() {
        for (h, w) in [(1, 1), (2, 2), (17, 30), (40, 8)] {
            let x = Sample::from(picture(h, w, 3));
            for beta in [0.0, 0.2, 0.5] {
                assert_eq!(adapt_fourier(x.clone(), &x.image, beta).unwrap(), x);
            }
        }
    }

    #[test]
    fn the_mean_is_the_references() {
        let dark = |v: u8| Image::of(1, 1, 1, Pixels::U8(vec![v]));
        let x = Image::of(2, 2, 1, Pixels::F32(vec![0.4, 0.5, 0.5, 0.6]));
        let y = adapt_fourier(x.into(), &dark(102), 0.0).unwrap().image;
        let want = [0.3, 0.4, 0.4, 0.5];
        for (got, want) in y.fractions().iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
        let flat = Image::of(5, 9, 1, Pixels::U8(vec![200; 45]));
        let y = adapt_fourier(flat.into(), &dark(30), 0.5).unwrap().image;
        assert_eq!(y.to_u8(), vec![30; 45]);
        let x = picture(33, 20, 3);
        let y = adapt_fourier(x.clone().into(), &picture(8, 8, 3), 0.1).unwrap();
        assert!(mean(&y.image) != mean(&x));
    }

    #[test]
    fn missing_channels_are_refused() {
        let words = adapt_fourier(picture(2, 2, 1).into(), &picture(2, 2, 3), 0.1).unwrap_err();
        assert_eq!(
            words.to_string(),
            "fda: the image has 1 channels, the reference 3"
        );
    }
}
