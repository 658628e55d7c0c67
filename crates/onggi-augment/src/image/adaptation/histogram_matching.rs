//! The tones of another image.

use crate::image::References;
use crate::image::base::prelude::*;
use crate::image::color::histograms;

settings! {
    /// Changes the values of each channel so that they are as frequent as in one of the reference
    /// images, drawn evenly, and blends the outcome with the image. `p` is 0.5.
    ///
    /// A value goes to the one of the reference below which as large a share of it lies; between the
    /// reference's levels it is interpolated. The image's histogram is taken in 256 levels. Red, green
    /// and blue are matched to those of the reference, an image without them to its grey; further
    /// channels are left as they are.
    pub struct HistogramMatching {
        /// The images to look like.
        reference_images: References = References::default(),
        /// Least and greatest share of the matched image: 0 changes nothing.
        blend_ratio: [f64; 2] = [0.5, 1.0],
    }
}

impl Transform for HistogramMatching {
    /// Which reference, and the share.
    type Params = (usize, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is an ordered range in [0, 1]";
        require_range::<Self>(self.blend_ratio, [0.0, 1.0], "blend_ratio", rule)?;
        self.reference_images.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let which = rng.below(self.reference_images.paths().len());
        Ok((which, rng.uniform(self.blend_ratio)))
    }

    fn apply(&self, (which, blend): &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let reference = self.reference_images.like::<Self>(*which, &sample.image)?;
        match_histograms(sample, reference, *blend)
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
            r#"{"blend_ratio": [0.5, 1.5]}"#,
            "blend_ratio is an ordered range in [0, 1], got [0.5, 1.5]",
        )]
    }
}

/// Does what [`HistogramMatching`] does, with a reference in memory and the share `blend`.
///
/// # Errors
/// [`AugmentError::Unfit`] where the reference has more channels than the image.
///
/// # Reference
/// Gonzalez and Woods, "Digital image processing"; interpolated as in scikit-image.
pub fn match_histograms(
    sample: Sample,
    reference: &Image,
    blend: f64,
) -> Result<Sample, AugmentError> {
    super::require_channels::<HistogramMatching>(&sample.image, reference)?;
    let from = histograms(&sample.image);
    let luts: Vec<[f32; 256]> = from
        .iter()
        .zip(histograms(reference))
        .map(|(from, to)| table(from, &to))
        .collect();
    let blend = blend.clamp(0.0, 1.0) as f32;
    Ok(sample.with_image(|image| {
        image.map_channels(false, |k, v| match luts.get(k) {
            Some(lut) => {
                let at = v.clamp(0.0, 1.0) * 255.0;
                let i = at as usize;
                let (a, b) = (lut[i], lut[(i + 1).min(255)]);
                let matched = a + (b - a) * (at - i as f32);
                v + blend * (matched - v)
            }
            None => v,
        })
    }))
}

/// The fraction of the range that each level goes to.
fn table(from: &[u32; 256], to: &[u32; 256]) -> [f32; 256] {
    // Numbers of pixels up to a level, brought to one total.
    let total = |h: &[u32; 256]| h.iter().map(|n| f64::from(*n)).sum::<f64>();
    let (all, others) = (total(from), total(to));
    let mut sum = 0.0;
    let levels: Vec<(f64, f64)> = (0..256)
        .filter(|v| to[*v] > 0)
        .map(|v| {
            sum += f64::from(to[v]);
            (sum * all, v as f64 / 255.0)
        })
        .collect();
    let mut sum = 0.0;
    from.map(|n| {
        sum += f64::from(n);
        let share = sum * others;
        let above = levels.partition_point(|level| level.0 < share);
        let last = levels.len() - 1;
        let (x1, y1) = levels[above.min(last)];
        let (x0, y0) = levels[above.saturating_sub(1).min(last)];
        let value = if x1 > x0 && share < x1 {
            y0 + (y1 - y0) * (share - x0) / (x1 - x0)
        } else {
            y1
        };
        value as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn an_image_matched_to_itself_stays_and_to_another_has_its_levels() {
        let x = Sample::from(picture(20, 20, 3));
        assert_eq!(match_histograms(x.clone(), &x.image, 1.0).unwrap(), x);
        let flat = Image::of(1, 1, 3, Pixels::U8(vec![9, 8, 7]));
        let y = match_histograms(x.clone(), &flat, 1.0)
            .unwrap()
            .image
            .to_u8();
        assert!(y.chunks(3).all(|p| p == [9, 8, 7]));
    }

    #[test]
    fn further_channels_stay_and_missing_ones_are_refused() {
        let x = picture(6, 7, 4);
        let y = match_histograms(x.clone().into(), &picture(9, 9, 3), 1.0).unwrap();
        let alpha = |image: &Image| {
            image
                .to_u8()
                .into_iter()
                .skip(3)
                .step_by(4)
                .collect::<Vec<_>>()
        };
        assert_eq!(alpha(&y.image), alpha(&x));
        let words = match_histograms(picture(2, 2, 1).into(), &x, 1.0).unwrap_err();
        assert_eq!(
            words.to_string(),
            "histogram_matching: the image has 1 channels, the reference 4"
        );
    }
}
