//! Mask R-CNN with ResNet-50 and a feature pyramid, as torchvision's `maskrcnn_resnet50_fpn`: what is
//! in an image, where, and which pixels of it.
//!
//! # Reference
//! He et al., *Mask R-CNN*, 2017.

use super::mask::Mask;
use super::pyramid::{PyramidBackbone, fold};
use super::roi_align::Level;
use super::roi_heads::{RoiHeads, detections};
use super::rpn::{Rpn, proposals};
use super::{boxes::Xyxy, transform::feed, values};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use onggi_nn::state::{self, StateDict};
use onggi_nn::{NnError, init};

/// Levels of the pyramid that regions are taken from; the one beyond is for proposals alone.
const LEVELS: usize = 4;

/// How a [`MaskRcnn`] is built and what it reports; the names and defaults are torchvision's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskRcnnSettings {
    /// Classes, the background among them.
    pub classes: usize,
    /// Shorter side of the image that the network sees, in pixels. Default: 800.
    pub min_size: usize,
    /// Longest that its longer side may become. Default: 1333.
    pub max_size: usize,
    /// Added to the variances of the batch normalisations. Default: 1e-5; the published weights want 0.
    pub norm_eps: f64,
    /// Proposals a level before suppression. Default: 1,000.
    pub rpn_pre_nms_top_n: usize,
    /// Proposals an image after it. Default: 1,000.
    pub rpn_post_nms_top_n: usize,
    /// Overlap above which a proposal suppresses another: a fraction. Default: 0.7.
    pub rpn_nms_thresh: f32,
    /// Probability above which a class is reported. Default: 0.05.
    pub box_score_thresh: f32,
    /// Overlap above which a detection suppresses another of its class: a fraction. Default: 0.5.
    pub box_nms_thresh: f32,
    /// Most detections an image. Default: 100.
    pub box_detections_per_img: usize,
}

/// Longest side that the network may be asked to see, in pixels: of a square of it each map at stride 4 takes
/// 1 GiB.
const MOST_SIDE: usize = 4096;

impl MaskRcnnSettings {
    /// torchvision's defaults.
    pub const fn new(classes: usize) -> Self {
        Self {
            classes,
            min_size: 800,
            max_size: 1333,
            norm_eps: 1e-5,
            rpn_pre_nms_top_n: 1000,
            rpn_post_nms_top_n: 1000,
            rpn_nms_thresh: 0.7,
            box_score_thresh: 0.05,
            box_nms_thresh: 0.5,
            box_detections_per_img: 100,
        }
    }

    /// For the published weights, `MaskRCNN_ResNet50_FPN_Weights.COCO_V1`: 91 classes, and nothing added
    /// to the variances.
    pub const fn coco() -> Self {
        Self {
            norm_eps: 0.0,
            ..Self::new(super::COCO_CLASSES.len())
        }
    }

    fn check(&self) -> Result<(), NnError> {
        let wrong = |argument, expected: &str, got: String| {
            Err(NnError::Config {
                layer: "MaskRcnn",
                argument,
                expected: expected.into(),
                got,
            })
        };
        if self.classes < 2 {
            let got = self.classes.to_string();
            return wrong("classes", "2 or more, the background among them", got);
        }
        for (argument, side) in [("min_size", self.min_size), ("max_size", self.max_size)] {
            if !(1..=MOST_SIDE).contains(&side) {
                let expected = format!("between 1 and {MOST_SIDE} pixels");
                return wrong(argument, &expected, side.to_string());
            }
        }
        if !(0.0..=1.0).contains(&self.norm_eps) {
            let got = self.norm_eps.to_string();
            return wrong("norm_eps", "between 0 and 1", got);
        }
        for (argument, fraction) in [
            ("rpn_nms_thresh", self.rpn_nms_thresh),
            ("box_score_thresh", self.box_score_thresh),
            ("box_nms_thresh", self.box_nms_thresh),
        ] {
            if !(0.0..=1.0).contains(&fraction) {
                return wrong(argument, "between 0 and 1", fraction.to_string());
            }
        }
        Ok(())
    }
}

/// Something found in an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Its box, `[x1, y1, x2, y2]` in pixels of the image.
    pub bbox: Xyxy,
    /// Its class; never 0, the background.
    pub label: usize,
    /// Probability of the class.
    pub score: f32,
    /// Which part of the box it fills.
    pub mask: Mask,
}

/// Mask R-CNN with ResNet-50 and a feature pyramid, for inference.
///
/// ```text
/// image → scaled, normalised → ResNet-50 → pyramid of five maps
/// maps → region proposal network → up to 1,000 boxes
/// boxes → RoIAlign 7 × 7 → two linear layers → class and better box → up to 100 detections
/// detections → RoIAlign 14 × 14 → four convolutions → a mask of 28 × 28 each
/// ```
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use onggi_zoo::detection::{MaskRcnn, MaskRcnnSettings};
///
/// let settings = MaskRcnnSettings { min_size: 64, ..MaskRcnnSettings::coco() };
/// let model = MaskRcnn::new(settings, &Device::flex())?;
/// // … .load(onggi_zoo::weights::read(path)?)?
/// let grey = vec![128; 60 * 80 * 3];
/// for found in model.detect(&grey, [60, 80])? {
///     println!("{} at {:?}: {:.2}", found.label, found.bbox, found.score);
/// }
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Module, Debug)]
pub struct MaskRcnn {
    /// ResNet-50 and the pyramid.
    pub backbone: PyramidBackbone,
    /// Region proposal network.
    pub rpn: Rpn,
    /// Heads on the regions.
    pub roi_heads: RoiHeads,
    #[module(skip)]
    settings: MaskRcnnSettings,
}

impl MaskRcnn {
    /// The model with random weights, which find nothing of use: [`load`](Self::load) follows.
    ///
    /// # Errors
    /// Settings out of their range.
    pub fn new(settings: MaskRcnnSettings, device: &Device) -> Result<Self, NnError> {
        settings.check()?;
        let rng = &mut init::generator(0);
        Ok(Self {
            backbone: PyramidBackbone::new(rng, device)?,
            rpn: Rpn::new(rng, device)?,
            roi_heads: RoiHeads::new(settings.classes, rng, device)?,
            settings,
        })
    }

    /// The model with the weights of a state dict of torchvision's `maskrcnn_resnet50_fpn`, whether its
    /// batch normalisations were frozen or not, and also with the names of torchvision before 0.13,
    /// which the published file still has.
    ///
    /// # Errors
    /// Names every tensor that is missing, of another shape, or not the model's.
    pub fn load(self, state: StateDict) -> Result<Self, NnError> {
        let named = state.into_iter();
        let mut state: StateDict = named.map(|(name, x)| (renamed(name), x)).collect();
        let mut problems = Vec::new();
        fold(&mut state, self.settings.norm_eps, &mut problems);
        match state::load(self, state) {
            Ok(model) if problems.is_empty() => Ok(model),
            Ok(_) => Err(NnError::State { problems }),
            Err(NnError::State { problems: others }) => {
                problems.extend(others);
                Err(NnError::State { problems })
            }
            Err(other) => Err(other),
        }
    }

    /// What the settings are.
    pub fn settings(&self) -> &MaskRcnnSettings {
        &self.settings
    }

    /// What is in an image, the highest score first.
    ///
    /// `image` is red, green and blue of each pixel, row by row, of `[height, width]` pixels.
    ///
    /// # Errors
    /// An image without pixels, or with another number of bytes than `height · width · 3`.
    ///
    /// # Differences from torchvision
    /// A numerical value that is no number makes a box or a class that is not reported. Suppression never
    /// rounds (see [`nms`](fn@super::nms::nms)), levels do not depend on the first image seen (see
    /// [`pooled`](super::roi_align::pooled)), an image of any shape is scaled to one pixel at least, and
    /// masks are made into pixels on demand (see [`Mask`]).
    pub fn detect(&self, image: &[u8], size: [usize; 2]) -> Result<Vec<Detection>, NnError> {
        let [height, width] = size;
        let bytes = height.checked_mul(width).and_then(|n| n.checked_mul(3));
        if image.is_empty() || bytes != Some(image.len()) {
            return Err(NnError::Input {
                layer: "MaskRcnn",
                expected: format!("{height} × {width} × 3 bytes, and not none"),
                got: vec![image.len()],
            });
        }
        let MaskRcnnSettings {
            min_size, max_size, ..
        } = self.settings;
        let fed = feed(image, size, min_size, max_size);
        let device = self.backbone.body.conv1.weight.device();
        let data = TensorData::new(fed.values, [1, 3, fed.padded[0], fed.padded[1]]);
        let mut maps = self.backbone.forward(Tensor::from_data(data, &device))?;
        let said = self.rpn.forward(&maps)?;
        let regions = proposals(&said, fed.padded, fed.size, &self.settings);
        if regions.is_empty() {
            return Ok(Vec::new());
        }
        maps.truncate(LEVELS);
        let maps: Vec<([usize; 3], Vec<f32>)> = maps
            .into_iter()
            .map(|map| {
                let [_, c, h, w] = map.dims();
                ([c, h, w], values(map))
            })
            .collect();
        let levels = maps.iter().enumerate().map(|(i, (shape, values))| Level {
            values,
            shape: *shape,
            scale: 0.25 / (1 << i) as f32,
        });
        let levels: Vec<Level<'_>> = levels.collect();
        let said = self.roi_heads.boxes(&levels, &regions, &device)?;
        let found = detections(&said, &regions, fed.size, &self.settings);
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let masks = self.roi_heads.masks(&levels, &found, &device)?;
        let grown = [0, 1].map(|axis| size[axis] as f32 / fed.size[axis] as f32);
        let detection = |(found, cells): (&super::roi_heads::Found, Vec<f32>)| {
            let bbox = std::array::from_fn(|edge| found.bbox[edge] * grown[(edge + 1) % 2]);
            Detection {
                bbox,
                label: found.label,
                score: found.score,
                mask: Mask {
                    cells,
                    bbox,
                    image: size,
                },
            }
        };
        Ok(found.iter().zip(masks).map(detection).collect())
    }
}

/// The name that torchvision has had since 0.13 for a tensor.
fn renamed(name: String) -> String {
    let deeper = |start: &str, inner: &str| {
        let leaf = name.strip_prefix(start)?;
        ["weight", "bias"]
            .contains(&leaf)
            .then(|| format!("{start}{inner}.{leaf}"))
    };
    let old = deeper("rpn.head.conv.", "0.0").or_else(|| {
        (0..LEVELS).find_map(|i| {
            ["inner", "layer"]
                .iter()
                .find_map(|part| deeper(&format!("backbone.fpn.{part}_blocks.{i}."), "0"))
        })
    });
    let mask = || {
        let (place, leaf) = name
            .strip_prefix("roi_heads.mask_head.mask_fcn")?
            .split_once('.')?;
        let place: usize = place.parse().ok()?;
        Some(format!(
            "roi_heads.mask_head.{}.0.{leaf}",
            place.checked_sub(1)?
        ))
    };
    let new = old.or_else(mask);
    new.unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_names_are_known() {
        for (old, new) in [
            ("rpn.head.conv.weight", "rpn.head.conv.0.0.weight"),
            ("rpn.head.conv.0.0.bias", "rpn.head.conv.0.0.bias"),
            (
                "backbone.fpn.inner_blocks.3.bias",
                "backbone.fpn.inner_blocks.3.0.bias",
            ),
            (
                "backbone.fpn.layer_blocks.0.0.weight",
                "backbone.fpn.layer_blocks.0.0.weight",
            ),
            (
                "roi_heads.mask_head.mask_fcn4.weight",
                "roi_heads.mask_head.3.0.weight",
            ),
            (
                "roi_heads.mask_head.mask_fcn0.weight",
                "roi_heads.mask_head.mask_fcn0.weight",
            ),
            (
                "roi_heads.mask_predictor.mask_fcn_logits.bias",
                "roi_heads.mask_predictor.mask_fcn_logits.bias",
            ),
        ] {
            assert_eq!(renamed(old.into()), new);
        }
    }

    #[test]
    fn settings_out_of_range_are_told() {
        let device = onggi_ops::testing::device();
        let good = MaskRcnnSettings::new(2);
        let error = |settings| MaskRcnn::new(settings, &device).unwrap_err().to_string();
        assert_eq!(
            error(MaskRcnnSettings {
                min_size: 0,
                ..good
            }),
            "MaskRcnn: `min_size` must be between 1 and 4096 pixels, but is 0"
        );
        assert!(
            error(MaskRcnnSettings {
                max_size: 1 << 40,
                ..good
            })
            .contains("`max_size`")
        );
        assert!(error(MaskRcnnSettings::new(1)).contains("`classes`"));
        assert!(
            error(MaskRcnnSettings {
                norm_eps: f64::NAN,
                ..good
            })
            .contains("`norm_eps`")
        );
        let score = MaskRcnnSettings {
            box_score_thresh: -0.1,
            ..good
        };
        assert!(error(score).contains("`box_score_thresh`"));
    }
}
