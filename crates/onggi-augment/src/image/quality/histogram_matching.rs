//! The tones of another image.

use crate::AugmentError;
use crate::image::color::{histograms, interpolated};
use crate::image::{Image, Sample};

/// Changes the values of each channel so that they are as frequent as in `reference`, blended with
/// the image by `blend` (0 nothing, 1 all). A function, not a transform of the registry: it needs a
/// second image.
///
/// # Errors
/// [`AugmentError::Unfit`] for another number of channels.
pub fn match_histograms(
    sample: Sample,
    reference: &Image,
    blend: f64,
) -> Result<Sample, AugmentError> {
    let (got, want) = (sample.image.channels(), reference.channels());
    if got != want {
        return Err(AugmentError::Unfit {
            transform: "match_histograms",
            problem: format!("the image has {got} channels, the reference {want}"),
        });
    }
    let shares = |h: &[u32; 256]| {
        let total = f64::from(h.iter().sum::<u32>());
        let mut sum = 0;
        h.map(|n| {
            sum += n;
            f64::from(sum) / total
        })
    };
    let (from, to) = (histograms(&sample.image), histograms(reference));
    let luts: Vec<[u8; 256]> = from
        .iter()
        .zip(&to)
        .map(|(from, to)| {
            let (from, to) = (shares(from), shares(to));
            // The least level of the reference that is as frequent.
            from.map(|s| to.partition_point(|t| *t < s - 1e-12).min(255) as u8)
        })
        .collect();
    let blend = blend.clamp(0.0, 1.0) as f32;
    Ok(sample.with_image(|image| {
        image.map_channels(false, |k, v| v + blend * (interpolated(&luts[k], v) - v))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Pixels;
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
        assert!(match_histograms(x, &picture(2, 2, 1), 1.0).is_err());
    }
}
