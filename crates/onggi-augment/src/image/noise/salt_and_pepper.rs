//! White and black specks.

use crate::image::base::noise::uniforms;
use crate::image::base::prelude::*;

settings! {
    /// Makes a share of the pixels white or black. `p` is 0.5.
    pub struct SaltAndPepper {
        /// Share of the pixels, `[low, high]`.
        amount: [f64; 2] = [0.01, 0.06],
        /// Share of white among them, `[low, high]`.
        salt_vs_pepper: [f64; 2] = [0.4, 0.6],
    }
}

impl Transform for SaltAndPepper {
    /// Share of pixels, share of white, seed of the places.
    type Params = (f64, f64, u64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [0, 1]";
        require_range::<Self>(self.amount, [0.0, 1.0], "amount", rule)?;
        require_range::<Self>(self.salt_vs_pepper, [0.0, 1.0], "salt_vs_pepper", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        Ok((
            rng.uniform(self.amount),
            rng.uniform(self.salt_vs_pepper),
            rng.seed(),
        ))
    }

    fn apply(
        &self,
        (amount, salt, seed): &Self::Params,
        sample: Sample,
    ) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| {
            let c = image.channels();
            specks(image, c, *amount, *salt, *seed)
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"amount": [0.1, 2]}"#,
            "salt_and_pepper: amount is [low, high] in [0, 1]",
        )]
    }
}

/// Makes `amount` of all runs of `run` values white (`salt` of them) or black.
pub(crate) fn specks(mut image: Image, run: usize, amount: f64, salt: f64, seed: u64) -> Image {
    fn each<T: Value>(p: &mut [T], run: usize, lots: &[f32], white: f32, any: f32) {
        for (pixel, &lot) in p.chunks_exact_mut(run).zip(lots) {
            if lot < any {
                pixel.fill(T::from_fraction(if lot < white { 1.0 } else { 0.0 }));
            }
        }
    }
    let lots = uniforms(seed, 0, image.pixels().len() / run);
    let (white, any) = ((amount * salt) as f32, amount as f32);
    match image.pixels_mut() {
        Pixels::U8(p) => each(p, run, &lots, white, any),
        Pixels::U16(p) => each(p, run, &lots, white, any),
        Pixels::F32(p) => each(p, run, &lots, white, any),
    }
    image
}
