//! Models that say what is in an image and where: boxes, classes, masks.
//!
//! Inference alone. What lies between the networks (anchors, suppression, region features) is host code
//! on slices and passes no gradients.

pub mod anchors;
pub mod boxes;
mod coco;
mod mask;
mod mask_rcnn;
pub mod nms;
mod pyramid;
pub mod roi_align;
mod roi_heads;
mod rpn;
mod transform;

pub use coco::{COCO_CLASSES, UNUSED};
pub use mask::{Mask, Patch};
pub use mask_rcnn::{Detection, MaskRcnn, MaskRcnnSettings};
pub use pyramid::{PyramidBackbone, ResNetBody};
pub use roi_heads::{BoxHead, BoxPredictor, MaskPredictor, RoiHeads};
pub use rpn::{Rpn, RpnHead};

use crate::Source;
use crate::registry::{ZooError, unknown};
use burn::tensor::Tensor;

/// One model that detects.
#[derive(Clone, Copy, Debug)]
pub struct DetectionRow {
    /// Name, as torchvision has it.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Where its published weights are.
    pub source: Source,
    /// Licence of the weights.
    pub licence: &'static str,
    /// Average precision of boxes on COCO val2017 that the authors state, percent.
    pub box_ap: f64,
    /// The same of masks.
    pub mask_ap: f64,
    /// Trainable values of the published model, in which batch normalisations are frozen.
    pub parameters: usize,
    /// Names of the classes; the first is the background.
    pub classes: &'static [&'static str],
    /// How the published weights want it to be.
    pub settings: MaskRcnnSettings,
}

/// The models that detect.
///
/// Accuracy as torchvision's documentation states it.
pub const DETECTION_MODELS: &[DetectionRow] = &[DetectionRow {
    name: "maskrcnn_resnet50_fpn",
    summary: "Mask R-CNN with ResNet-50 and a feature pyramid: boxes and masks of COCO's things",
    source: Source::Torchvision {
        file: "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
    },
    licence: "BSD-3-Clause",
    box_ap: 37.9,
    mask_ap: 34.6,
    parameters: 44_401_393,
    classes: &COCO_CLASSES,
    settings: MaskRcnnSettings::coco(),
}];

impl DetectionRow {
    /// The row of the model called `name`.
    ///
    /// # Errors
    /// An unknown name.
    pub fn find(name: &str) -> Result<&'static Self, ZooError> {
        let found = DETECTION_MODELS.iter().find(|row| row.name == name);
        let names = DETECTION_MODELS.iter().map(|row| row.name);
        found.ok_or_else(|| unknown("detection", name, names))
    }
}

/// The values of a tensor, row-major.
fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    let data = x.into_data();
    match data.as_slice::<f32>() {
        Ok(values) => values.to_vec(),
        // Of another float type.
        Err(_) => data.iter::<f32>().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_name() {
        let row = DetectionRow::find("maskrcnn_resnet50_fpn").unwrap();
        assert_eq!(row.classes.len(), row.settings.classes);
        assert_eq!(
            DetectionRow::find("yolo").unwrap_err().to_string(),
            "there is no detection model `yolo`; there is: maskrcnn_resnet50_fpn"
        );
    }
}
