//! The region proposal network: which anchors are near something, and how to move them onto it.
//!
//! # Reference
//! Ren et al., *Faster R-CNN: towards real-time object detection with region proposal networks*, 2015.

use super::anchors::{self, RATIOS};
use super::boxes::{Xyxy, clipped, decode, has_sides};
use super::mask_rcnn::MaskRcnnSettings;
use super::nms::{Candidate, falling, nms};
use super::pyramid::{CHANNELS, convolutions_of, convolved};
use super::values;
use crate::layers::padded;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use rand_chacha::ChaCha8Rng;

/// Shortest side of a proposal, in pixels.
const LEAST_SIDE: f32 = 1e-3;

/// One 3×3 convolution, and for each anchor a logit and four numbers that move it.
#[derive(Module, Debug)]
pub struct RpnHead {
    /// 3×3.
    pub conv: Vec<Vec<Conv2d>>,
    /// 1×1 to a logit an anchor.
    pub cls_logits: Conv2d,
    /// 1×1 to four numbers an anchor.
    pub bbox_pred: Conv2d,
}

/// The region proposal network.
#[derive(Module, Debug)]
pub struct Rpn {
    /// Its layers, the same on each level.
    pub head: RpnHead,
}

/// What the head says of a level, row-major.
pub(super) struct Said {
    /// `(A, H, W)`.
    pub(super) logits: Vec<f32>,
    /// `(4·A, H, W)`: the four of an anchor one after the other.
    pub(super) codes: Vec<f32>,
    /// `[H, W]`.
    pub(super) grid: [usize; 2],
}

impl Rpn {
    pub(super) fn new(rng: &mut ChaCha8Rng, device: &Device) -> Result<Self, NnError> {
        let anchors = RATIOS.len();
        Ok(Self {
            head: RpnHead {
                conv: convolutions_of(1, rng, device)?,
                cls_logits: padded(CHANNELS, anchors, 1).init(rng, device)?,
                bbox_pred: padded(CHANNELS, 4 * anchors, 1).init(rng, device)?,
            },
        })
    }

    /// What the head says of one image's maps.
    pub(super) fn forward(&self, maps: &[Tensor<4>]) -> Result<Vec<Said>, NnError> {
        let said = |map: &Tensor<4>| {
            let [_, _, height, width] = map.dims();
            let x = convolved(&self.head.conv, map.clone())?;
            Ok(Said {
                logits: values(self.head.cls_logits.forward(x.clone())?),
                codes: values(self.head.bbox_pred.forward(x)?),
                grid: [height, width],
            })
        };
        maps.iter().map(said).collect()
    }
}

/// The proposals for an image, those of the highest score first, in pixels of the scaled image.
///
/// Of each level the anchors with the highest logits are moved, clipped to the image and rid of those that
/// lie on a better one of their level. `padded` and `size` are `[height, width]` of the image with and
/// without its padding.
pub(super) fn proposals(
    levels: &[Said],
    padded: [usize; 2],
    size: [usize; 2],
    settings: &MaskRcnnSettings,
) -> Vec<Xyxy> {
    let mut found = Vec::new();
    for (level, (said, side)) in levels.iter().zip(anchors::SIZES).enumerate() {
        let anchors = anchors::level(side, padded, said.grid);
        let pixels = said.grid[0] * said.grid[1];
        // Anchors go pixel by pixel, the head's channels anchor by anchor.
        let at = |i: usize| (i % RATIOS.len(), i / RATIOS.len());
        let logit = |i: usize| said.logits[at(i).0 * pixels + at(i).1];
        for i in top(anchors.len(), settings.rpn_pre_nms_top_n, logit) {
            let (anchor, pixel) = at(i);
            let code = std::array::from_fn(|k| said.codes[(4 * anchor + k) * pixels + pixel]);
            let bbox = clipped(decode(code, [1.0; 4], anchors[i]), size);
            let score = 1.0 / (1.0 + (-logit(i)).exp());
            if has_sides(bbox, LEAST_SIDE) && !score.is_nan() {
                found.push(Candidate {
                    bbox,
                    score,
                    class: level,
                });
            }
        }
    }
    let kept = nms(&found, settings.rpn_nms_thresh);
    let best = kept.into_iter().take(settings.rpn_post_nms_top_n);
    best.map(|i| found[i].bbox).collect()
}

/// The positions of the `most` highest of `count` scores, the highest first, of equal ones the earlier.
fn top(count: usize, most: usize, score: impl Fn(usize) -> f32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let by_score = |a: &usize, b: &usize| falling(score(*a), score(*b)).then(a.cmp(b));
    if most < count {
        order.select_nth_unstable_by(most, by_score);
        order.truncate(most);
    }
    order.sort_unstable_by(by_score);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One level of 2 × 3 pixels in an image of 32 × 48: a logit each, anchors not moved.
    fn said(logits: impl Fn(usize) -> f32) -> Vec<Said> {
        vec![Said {
            logits: (0..18).map(logits).collect(),
            codes: vec![0.0; 72],
            grid: [2, 3],
        }]
    }

    const SIZE: [usize; 2] = [32, 48];

    #[test]
    fn the_best_anchor_comes_first_and_clipped() {
        // Anchor 1, square, of pixel (1, 2).
        let levels = said(|i| if i == 6 + 5 { 5.0 } else { -5.0 });
        let settings = MaskRcnnSettings::new(2);
        let found = proposals(&levels, SIZE, SIZE, &settings);
        assert_eq!(found[0], [16.0, 0.0, 48.0, 32.0]);
        assert!(found.len() > 1);
        let one = MaskRcnnSettings {
            rpn_post_nms_top_n: 1,
            ..settings
        };
        assert_eq!(proposals(&levels, SIZE, SIZE, &one).len(), 1);
    }

    #[test]
    fn what_is_no_number_is_no_proposal() {
        let settings = MaskRcnnSettings::new(2);
        assert!(proposals(&said(|_| f32::NAN), SIZE, SIZE, &settings).is_empty());
        let mut levels = said(|i| i as f32);
        levels[0].codes = vec![f32::NAN; 72];
        assert!(proposals(&levels, SIZE, SIZE, &settings).is_empty());
        let some = proposals(
            &said(|i| [f32::INFINITY, f32::NAN][i % 2]),
            SIZE,
            SIZE,
            &settings,
        );
        assert!(!some.is_empty());
    }

    #[test]
    fn the_highest_in_order() {
        let scores = [1.0, 3.0, f32::NAN, 3.0, 2.0];
        let of = |most| top(5, most, |i| scores[i]);
        assert_eq!(of(3), [1, 3, 4]);
        assert_eq!(of(9), [1, 3, 4, 0, 2]);
        assert!(of(0).is_empty());
    }
}
