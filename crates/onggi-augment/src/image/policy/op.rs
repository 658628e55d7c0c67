//! The operations policies choose from.

use serde::{Deserialize, Serialize};

use crate::Draw;
use crate::image::base::map::Map;
use crate::image::base::settings::Fill;
use crate::image::base::warp::Look;
use crate::image::color::{auto_contrast, equalize, sharpness};
use crate::image::{Border, Interpolation, Sample};

/// One operation of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Op {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

/// An operation with its strength.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The operation.
    pub op: Op,
    /// Tangent of the shear, pixels, degrees counter-clockwise, change of the factor 1, bits or
    /// threshold (fraction); 0 for operations without one.
    pub magnitude: f64,
}

/// The strengths of one policy: what each operation has at the last of `bins` even steps.
pub(crate) struct Space {
    /// Tangent.
    pub(crate) shear: f64,
    /// Pixels, of an image's height or width.
    pub(crate) translate: fn(usize) -> f64,
    /// Degrees.
    pub(crate) rotate: f64,
    /// Change of the factor 1.
    pub(crate) factor: f64,
    /// Bits taken away.
    pub(crate) posterize: f64,
    /// Steps.
    pub(crate) bins: usize,
}

impl Space {
    /// `op` at bin `bin`, signed operations to either side by a coin.
    pub(crate) fn step(&self, op: Op, bin: usize, [h, w]: [usize; 2], rng: &mut Draw) -> Step {
        let t = bin as f64 / (self.bins.max(2) - 1) as f64;
        let (magnitude, signed) = match op {
            Op::ShearX | Op::ShearY => (self.shear * t, true),
            Op::TranslateX => ((self.translate)(w) * t, true),
            Op::TranslateY => ((self.translate)(h) * t, true),
            Op::Rotate => (self.rotate * t, true),
            Op::Brightness | Op::Color | Op::Contrast | Op::Sharpness => (self.factor * t, true),
            Op::Posterize => ((8.0 - self.posterize * t).round_ties_even(), false),
            Op::Solarize => (1.0 - t, false),
            _ => (0.0, false),
        };
        let negative = signed && rng.chance(0.5);
        Step {
            op,
            magnitude: if negative { -magnitude } else { magnitude },
        }
    }
}

impl Sample {
    /// The sample after one step. Masks, boxes and keypoints follow.
    pub(crate) fn step(self, step: &Step, interpolation: Interpolation, fill: &Fill) -> Self {
        let m = step.magnitude;
        let size = self.size();
        let (cx, cy) = (size[1] as f64 / 2.0, size[0] as f64 / 2.0);
        let matrix = match step.op {
            // Sheared about (0, 0), as Pillow does: a point moves against the sign.
            Op::ShearX => Some([1.0, -m, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
            Op::ShearY => Some([1.0, 0.0, 0.0, -m, 1.0, 0.0, 0.0, 0.0, 1.0]),
            Op::TranslateX => Some([1.0, 0.0, m.trunc(), 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
            Op::TranslateY => Some([1.0, 0.0, 0.0, 0.0, 1.0, m.trunc(), 0.0, 0.0, 1.0]),
            Op::Rotate => {
                let (s, c) = m.to_radians().sin_cos();
                let (x, y) = (cx - c * cx - s * cy, cy + s * cx - c * cy);
                Some([c, s, x, -s, c, y, 0.0, 0.0, 1.0])
            }
            _ => None,
        };
        if let Some(matrix) = matrix {
            let look = Look {
                interpolation,
                border: Border::Constant,
                fill,
            };
            return match Map::matrix(matrix) {
                Some(map) => self.warp(&map, size, look),
                None => self,
            };
        }
        let factor = (1.0 + m).max(0.0);
        self.with_image(|image| match step.op {
            Op::Brightness => image.brightness(factor),
            Op::Color => image.saturation(factor),
            Op::Contrast => image.contrast(factor),
            Op::Sharpness => sharpness(&image, factor),
            Op::Posterize => image.posterize(m.clamp(0.0, 8.0) as u32),
            Op::Solarize => image.solarize(m),
            Op::AutoContrast => auto_contrast(image),
            Op::Equalize => equalize(image),
            Op::Invert => image.invert(),
            _ => image,
        })
    }
}
