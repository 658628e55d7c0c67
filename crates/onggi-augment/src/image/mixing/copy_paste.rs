//! The objects of one image pasted into another, for segmentation and detection.

use super::{named, require_alike};
use crate::image::BoundingBox;
use crate::image::base::prelude::*;

settings! {
    /// Pastes into each sample what the first mask of the sample before it in the batch (the first:
    /// of the last) says is an object: pixels whose mask is not 0, with their mask, boxes and
    /// keypoints. Boxes lose the part that is hidden and go where nothing is left; keypoints that
    /// are hidden go.
    ///
    /// # Reference
    /// Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance
    /// segmentation", CVPR 2021.
    pub struct CopyPaste {
        /// Probability for each sample.
        probability: f64 = 0.5,
    }
}

named!(
    CopyPaste,
    "copy_paste",
    "the objects of one image pasted into another"
);

impl CopyPaste {
    /// Draws which of `n` samples are pasted into.
    pub fn draw(&self, n: usize, rng: &mut Draw) -> Vec<bool> {
        (0..n).map(|_| rng.chance(self.probability)).collect()
    }

    /// Mixes the batch.
    ///
    /// # Errors
    /// [`AugmentError::Unfit`] for images or masks that differ in shape, or samples without a mask.
    pub fn apply(&self, chosen: &[bool], batch: &[Sample]) -> Result<Vec<Sample>, AugmentError> {
        require_alike::<Self>(batch)?;
        if batch.iter().any(|s| s.masks.is_empty()) {
            return Err(AugmentError::Unfit {
                transform: Self::NAME,
                problem: "every sample needs a mask that says where its objects are".into(),
            });
        }
        let n = batch.len();
        let one = |i: usize| {
            let (a, b) = (&batch[i], &batch[(i + n - 1) % n]);
            match chosen.get(i) {
                Some(true) if n > 1 => paste(a, b),
                _ => a.clone(),
            }
        };
        Ok((0..n).map(one).collect())
    }
}

fn paste(a: &Sample, b: &Sample) -> Sample {
    let w = a.image.width();
    let mask = &b.masks[0];
    let objects: Vec<bool> = mask
        .fractions()
        .chunks_exact(mask.channels())
        .map(|p| p.iter().any(|v| *v != 0.0))
        .collect();
    let over = |to: &Image, from: &Image| {
        fn each<T: Value>(to: &[T], from: &[T], c: usize, objects: &[bool]) -> Vec<T> {
            let mut out = to.to_vec();
            for (i, _) in objects.iter().enumerate().filter(|(_, o)| **o) {
                out[i * c..][..c].copy_from_slice(&from[i * c..][..c]);
            }
            out
        }
        let c = to.channels();
        match (to.pixels(), from.pixels()) {
            (Pixels::U8(x), Pixels::U8(y)) => to.with(Pixels::U8(each(x, y, c, &objects))),
            (Pixels::U16(x), Pixels::U16(y)) => to.with(Pixels::U16(each(x, y, c, &objects))),
            (Pixels::F32(x), Pixels::F32(y)) => to.with(Pixels::F32(each(x, y, c, &objects))),
            _ => to.clone(),
        }
    };
    let held =
        |x: f64, y: f64| objects.get(y as usize * w + (x as usize).min(w - 1)) == Some(&true);
    let left = |b: &BoundingBox| {
        let [l, t, r, bottom] = b.xyxy.map(|v| v.max(0.0));
        let (mut all, mut free) = (0.0, 0.0);
        for i in t as usize..(bottom.ceil() as usize).min(a.image.height()) {
            for j in l as usize..(r.ceil() as usize).min(w) {
                all += 1.0;
                free += f64::from(u8::from(!objects[i * w + j]));
            }
        }
        BoundingBox {
            visibility: b.visibility * if all > 0.0 { free / all } else { 0.0 },
            ..*b
        }
    };
    let stay = a.boxes.iter().map(left);
    let stay = stay.filter(|o| o.visibility > 0.0 && o.visibility >= a.rule.min_visibility);
    let points = a.keypoints.iter().filter(|k| !held(k.x, k.y));
    Sample {
        image: over(&a.image, &b.image),
        masks: a
            .masks
            .iter()
            .zip(&b.masks)
            .map(|(x, y)| over(x, y))
            .collect(),
        boxes: stay.chain(b.boxes.iter().copied()).collect(),
        rule: a.rule,
        keypoints: points
            .chain(b.keypoints.iter().filter(|k| held(k.x, k.y)))
            .copied()
            .collect(),
        label: a.label.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_and_hide() {
        let sample = |value: u8, object: usize| {
            let mut mask = vec![0; 4];
            mask[object] = 1;
            let mut s = Sample::from(Image::of(2, 2, 1, Pixels::U8(vec![value; 4])));
            s.masks.push(Image::of(2, 2, 1, Pixels::U8(mask)));
            let (x, y) = ((object % 2) as f64, (object / 2) as f64);
            let xyxy = [x, y, x + 1.0, y + 1.0];
            s.boxes.push(BoundingBox::new(
                xyxy,
                crate::image::BoxFormat::Xyxy,
                object,
            ));
            s
        };
        let paste = CopyPaste::default();
        let y = paste
            .apply(&[true, false], &[sample(10, 0), sample(20, 3)])
            .unwrap();
        assert_eq!(y[0].image.to_u8(), [10, 10, 10, 20]);
        assert_eq!(y[0].boxes.len(), 2);
        assert_eq!(y[1], sample(20, 3));
        let y = paste
            .apply(&[true, true], &[sample(10, 1), sample(20, 1)])
            .unwrap();
        assert_eq!(y[0].boxes.len(), 1);
    }
}
