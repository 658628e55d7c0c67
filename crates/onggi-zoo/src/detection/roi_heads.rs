//! What is said of each proposal: its class, a better box, and a mask.
//!
//! # Reference
//! Girshick, *Fast R-CNN*, 2015; He et al., *Mask R-CNN*, 2017.

use super::boxes::{Xyxy, clipped, decode, has_sides};
use super::mask::SIDE;
use super::mask_rcnn::MaskRcnnSettings;
use super::nms::{Candidate, nms};
use super::pyramid::{CHANNELS, convolutions_of, convolved};
use super::roi_align::{Level, pooled};
use super::values;
use crate::layers::padded;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, ConvTranspose2d, ConvTransposeConfig};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_ops::activation::relu;
use rand_chacha::ChaCha8Rng;

/// Side of a region's map for the box head, and for the mask head.
const BOX_SIDE: usize = 7;
const MASK_SIDE: usize = SIDE / 2;

/// Features between the box head's layers.
const FEATURES: usize = 1024;

/// What the box codes were multiplied by in training.
const WEIGHTS: [f32; 4] = [10.0, 10.0, 5.0, 5.0];

/// Shortest side of a detection, in pixels of the scaled image.
const LEAST_SIDE: f32 = 1e-2;

/// Two linear layers on a region's map.
#[derive(Module, Debug)]
pub struct BoxHead {
    /// First.
    pub fc6: Linear,
    /// Second.
    pub fc7: Linear,
}

/// A region's class, and its box for each class.
#[derive(Module, Debug)]
pub struct BoxPredictor {
    /// Logits, that of the background first.
    pub cls_score: Linear,
    /// Four numbers a class.
    pub bbox_pred: Linear,
}

/// A mask for each class.
#[derive(Module, Debug)]
pub struct MaskPredictor {
    /// Doubles the side.
    pub conv5_mask: ConvTranspose2d,
    /// 1×1 to a logit a class.
    pub mask_fcn_logits: Conv2d,
}

/// The heads on the regions.
#[derive(Module, Debug)]
pub struct RoiHeads {
    /// On maps of 7 × 7.
    pub box_head: BoxHead,
    /// After it.
    pub box_predictor: BoxPredictor,
    /// Four convolutions on maps of 14 × 14.
    pub mask_head: Vec<Vec<Conv2d>>,
    /// After them.
    pub mask_predictor: MaskPredictor,
}

/// A box of the scaled image with its class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) bbox: Xyxy,
    pub(super) label: usize,
    pub(super) score: f32,
}

impl RoiHeads {
    pub(super) fn new(
        classes: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let mut linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(rng, device);
        let box_head = BoxHead {
            fc6: linear(CHANNELS * BOX_SIDE * BOX_SIDE, FEATURES)?,
            fc7: linear(FEATURES, FEATURES)?,
        };
        let box_predictor = BoxPredictor {
            cls_score: linear(FEATURES, classes)?,
            bbox_pred: linear(FEATURES, 4 * classes)?,
        };
        let doubling = ConvTransposeConfig::<2>::new(CHANNELS, CHANNELS, 2).with_stride(2);
        Ok(Self {
            box_head,
            box_predictor,
            mask_head: convolutions_of(4, rng, device)?,
            mask_predictor: MaskPredictor {
                conv5_mask: doubling.init(rng, device)?,
                mask_fcn_logits: padded(CHANNELS, classes, 1).init(rng, device)?,
            },
        })
    }

    /// Class logits `(regions, classes)` and box codes `(regions, 4 · classes)`, row-major.
    pub(super) fn boxes(
        &self,
        levels: &[Level<'_>],
        regions: &[Xyxy],
        device: &Device,
    ) -> Result<[Vec<f32>; 2], NnError> {
        let shape = [regions.len(), CHANNELS * BOX_SIDE * BOX_SIDE];
        let data = TensorData::new(pooled(levels, regions, BOX_SIDE), shape);
        let x = Tensor::<2>::from_data(data, device);
        let x = relu(self.box_head.fc6.forward(x)?);
        let x = relu(self.box_head.fc7.forward(x)?);
        let logits = self.box_predictor.cls_score.forward(x.clone())?;
        let codes = self.box_predictor.bbox_pred.forward(x)?;
        Ok([values(logits), values(codes)])
    }

    /// The mask of each box for its class, 28 × 28 probabilities.
    pub(super) fn masks(
        &self,
        levels: &[Level<'_>],
        found: &[Found],
        device: &Device,
    ) -> Result<Vec<Vec<f32>>, NnError> {
        let regions: Vec<Xyxy> = found.iter().map(|found| found.bbox).collect();
        let shape = [regions.len(), CHANNELS, MASK_SIDE, MASK_SIDE];
        let data = TensorData::new(pooled(levels, &regions, MASK_SIDE), shape);
        let x = convolved(&self.mask_head, Tensor::from_data(data, device))?;
        let x = relu(self.mask_predictor.conv5_mask.forward(x)?);
        let x = self.mask_predictor.mask_fcn_logits.forward(x)?;
        let classes = x.dims()[1];
        let logits = values(x);
        let mask = |(i, found): (usize, &Found)| {
            let at = (i * classes + found.label) * SIDE * SIDE;
            let logits = &logits[at..][..SIDE * SIDE];
            logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect()
        };
        Ok(found.iter().enumerate().map(mask).collect())
    }
}

/// The detections among the regions, the highest score first.
///
/// Each class but the background is asked of each region: where its probability is above the threshold,
/// its box is moved and clipped to the image of `[height, width]` pixels; those on a better one of
/// their class go.
pub(super) fn detections(
    [logits, codes]: &[Vec<f32>; 2],
    regions: &[Xyxy],
    size: [usize; 2],
    settings: &MaskRcnnSettings,
) -> Vec<Found> {
    let classes = settings.classes;
    let rows = logits
        .chunks_exact(classes)
        .zip(codes.chunks_exact(4 * classes));
    let mut candidates = Vec::new();
    for ((logits, codes), region) in rows.zip(regions) {
        let largest = logits.iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x));
        let exp: Vec<f32> = logits.iter().map(|x| (x - largest).exp()).collect();
        let sum: f32 = exp.iter().sum();
        for class in 1..classes {
            // False for NaN, too.
            let score = exp[class] / sum;
            if score > settings.box_score_thresh {
                let code = std::array::from_fn(|k| codes[4 * class + k]);
                let bbox = clipped(decode(code, WEIGHTS, *region), size);
                if has_sides(bbox, LEAST_SIDE) {
                    candidates.push(Candidate { bbox, score, class });
                }
            }
        }
    }
    let kept = nms(&candidates, settings.box_nms_thresh);
    let best = kept.into_iter().take(settings.box_detections_per_img);
    best.map(|i| {
        let Candidate { bbox, score, class } = candidates[i];
        Found {
            bbox,
            label: class,
            score,
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGIONS: [Xyxy; 2] = [[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]];

    #[test]
    fn the_background_is_no_detection() {
        let settings = MaskRcnnSettings::new(3);
        let logits = vec![9.0, 0.0, 0.0, 0.0, 2.0, 1.0];
        let found = detections(&[logits, vec![0.0; 24]], &REGIONS, [25, 40], &settings);
        let labels: Vec<usize> = found.iter().map(|found| found.label).collect();
        assert_eq!(
            labels,
            [1, 2],
            "two classes on one region: they do not suppress each other"
        );
        assert_eq!(found[0].bbox, [20.0, 20.0, 30.0, 25.0]);
        assert!((found[0].score - 0.665_240_95).abs() < 1e-6);
        let strict = MaskRcnnSettings {
            box_score_thresh: 0.5,
            box_detections_per_img: 1,
            ..settings
        };
        let logits = vec![0.0, 9.0, 0.0, 0.0, 8.0, 0.0];
        assert_eq!(
            detections(&[logits, vec![0.0; 24]], &REGIONS, [25, 40], &strict).len(),
            1
        );
    }

    #[test]
    fn what_is_no_number_is_no_detection() {
        let settings = MaskRcnnSettings::new(3);
        for logits in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let said = [vec![logits; 6], vec![0.0; 24]];
            assert!(detections(&said, &REGIONS, [25, 40], &settings).is_empty());
        }
        let said = [vec![0.0; 6], vec![f32::NAN; 24]];
        assert!(detections(&said, &REGIONS, [25, 40], &settings).is_empty());
    }
}
