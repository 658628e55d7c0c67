//! A sample: an image and all that has to follow when the image is moved.

use serde::{Deserialize, Serialize};

use super::boxes::{BoundingBox, BoxRule};
use super::raster::Image;
use crate::AugmentError;

/// A point on an image, in pixels from the left and the top edge: the centre of the first pixel is
/// `(0.5, 0.5)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keypoint {
    /// Distance from the left edge.
    pub x: f64,
    /// Distance from the top edge.
    pub y: f64,
    /// Which point it is (left eye, right eye, …).
    pub label: usize,
}

/// The class of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// One class.
    Hard(usize),
    /// A share for each class, of sum 1: what mixing makes.
    Soft(Vec<f32>),
}

/// An image with its targets. One draw of a transform applies to all of them.
///
/// # Example
/// ```
/// use onggi_augment::image::{BoundingBox, BoxFormat, Image, Pixels, Sample};
///
/// let image = Image::new(4, 6, 1, Pixels::U8(vec![0; 24]))?;
/// let mut sample = Sample::from(image);
/// sample.boxes.push(BoundingBox::new([1.0, 1.0, 3.0, 2.0], BoxFormat::Xywh, 0));
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The image.
    pub image: Image,
    /// Segmentation masks of the image's height and width, sampled by nearest neighbour.
    pub masks: Vec<Image>,
    /// Bounding boxes.
    pub boxes: Vec<BoundingBox>,
    /// Which boxes stay.
    pub rule: BoxRule,
    /// Keypoints; one that leaves the image is dropped.
    pub keypoints: Vec<Keypoint>,
    /// The class; only mixing changes it.
    pub label: Option<Label>,
}

impl From<Image> for Sample {
    fn from(image: Image) -> Self {
        Self {
            image,
            masks: Vec::new(),
            boxes: Vec::new(),
            rule: BoxRule::default(),
            keypoints: Vec::new(),
            label: None,
        }
    }
}

impl From<Sample> for Image {
    fn from(sample: Sample) -> Self {
        sample.image
    }
}

impl Sample {
    /// `[height, width]` of the image.
    pub fn size(&self) -> [usize; 2] {
        self.image.size()
    }

    /// Sees that every mask is as large as the image.
    ///
    /// # Errors
    /// [`AugmentError::MaskSize`] for one that is not.
    pub fn check(&self) -> Result<(), AugmentError> {
        let image = self.size();
        match self.masks.iter().map(Image::size).find(|&s| s != image) {
            Some(mask) => Err(AugmentError::MaskSize { image, mask }),
            None => Ok(()),
        }
    }

    /// Changes the image alone.
    pub(crate) fn with_image(mut self, change: impl FnOnce(Image) -> Image) -> Self {
        self.image = change(self.image);
        self
    }

    /// Changes image and masks alike.
    pub(crate) fn each_image(mut self, change: impl Fn(&Image) -> Image) -> Self {
        self.image = change(&self.image);
        for mask in &mut self.masks {
            *mask = change(mask);
        }
        self
    }

    /// Moves boxes and keypoints by `forward`, old place to new, into an image of `size`, and drops
    /// what is no longer on it. Of a box the four corners and `between` points on each side are
    /// moved; the new box is the smallest around them. A box one point of which has no new place is
    /// dropped.
    pub(crate) fn move_targets(
        &mut self,
        size: [usize; 2],
        between: usize,
        forward: impl Fn(f64, f64) -> Option<(f64, f64)>,
    ) {
        let rule = self.rule;
        self.boxes.retain_mut(|b| {
            let moved = around(b.xyxy, between, &forward)
                .and_then(|xyxy| rule.keep(BoundingBox { xyxy, ..*b }, size));
            if let Some(kept) = moved {
                *b = kept;
            }
            moved.is_some()
        });
        let (h, w) = (size[0] as f64, size[1] as f64);
        self.keypoints.retain_mut(|k| match forward(k.x, k.y) {
            Some((x, y)) if (0.0..=w).contains(&x) && (0.0..=h).contains(&y) => {
                (k.x, k.y) = (x, y);
                true
            }
            _ => false,
        });
    }
}

/// The smallest box around the moved outline of a box.
fn around(
    [l, t, r, b]: [f64; 4],
    between: usize,
    forward: impl Fn(f64, f64) -> Option<(f64, f64)>,
) -> Option<[f64; 4]> {
    let steps = between + 1;
    let mut out = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    for i in 0..steps {
        let f = i as f64 / steps as f64;
        let (dx, dy) = ((r - l) * f, (b - t) * f);
        for (x, y) in [(l + dx, t), (r, t + dy), (r - dx, b), (l, b - dy)] {
            let (x, y) = forward(x, y)?;
            out = [out[0].min(x), out[1].min(y), out[2].max(x), out[3].max(y)];
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{BoxFormat, Pixels};

    #[test]
    fn a_square_turned_by_45_degrees_grows_by_the_root_of_two() {
        let image = Image::new(100, 100, 1, Pixels::U8(vec![0; 10_000])).unwrap();
        let mut sample = Sample::from(image);
        sample.boxes = vec![BoundingBox::new(
            [40.0, 40.0, 60.0, 60.0],
            BoxFormat::Xyxy,
            0,
        )];
        let (s, c) = 45f64.to_radians().sin_cos();
        sample.move_targets([100, 100], 0, |x, y| {
            let (x, y) = (x - 50.0, y - 50.0);
            Some((50.0 + c * x - s * y, 50.0 + s * x + c * y))
        });
        let half = 10.0 * 2f64.sqrt();
        for (got, want) in sample.boxes[0].xyxy.iter().zip([-half, -half, half, half]) {
            assert!((got - 50.0 - want).abs() < 1e-9);
        }
    }

    #[test]
    fn a_mask_of_another_size_is_named() {
        let mut sample = Sample::from(Image::new(2, 3, 1, Pixels::U8(vec![0; 6])).unwrap());
        sample
            .masks
            .push(Image::new(3, 2, 1, Pixels::U8(vec![0; 6])).unwrap());
        assert_eq!(
            sample.check().unwrap_err().to_string(),
            "a mask needs the size of its image, [2, 3] (height, width), got [3, 2]: resize it by \
             nearest neighbour first"
        );
    }
}
