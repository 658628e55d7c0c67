//! Resampling and padding.

use crate::case::{Case, NotApplicable, Outcome, one, require};
use onggi_nn::pad::Pad;
use onggi_nn::upsample::{Interpolation, Size, Upsample};

/// Where an output lies, how far over the input, in each axis of the image.
struct Axes {
    size: Size<2>,
    scale: [f64; 2],
    input: [usize; 2],
    output: [usize; 2],
}

impl Axes {
    fn new(case: &Case) -> Self {
        let input = std::array::from_fn(|axis| case.input("X").shape[2 + axis]);
        match case.numbers("scales") {
            Some(scales) => {
                let scale = [scales[2], scales[3]];
                Self {
                    size: Size::Scale(scale),
                    scale,
                    input,
                    output: std::array::from_fn(|axis| (input[axis] as f64 * scale[axis]) as usize),
                }
            }
            None => {
                let sizes = case.input("sizes").ints();
                let [height, width] = [sizes.len() - 2, sizes.len() - 1].map(|i| sizes[i] as usize);
                let turned = case.numbers("axes") == Some(vec![3.0, 2.0]);
                let output = if turned {
                    [width, height]
                } else {
                    [height, width]
                };
                Self {
                    size: Size::To(output),
                    scale: std::array::from_fn(|axis| output[axis] as f64 / input[axis] as f64),
                    input,
                    output,
                }
            }
        }
    }

    /// Whether an output lies halfway between two pixels.
    fn ties(&self) -> bool {
        (0..2).any(|axis| {
            let half = |j: usize| ((j as f64 + 0.5) / self.scale[axis]).fract() == 0.0;
            (0..self.output[axis]).any(half)
        })
    }

    /// Whether the scales lead to the output's size without rounding.
    fn exact(&self) -> bool {
        (0..2).all(|axis| self.input[axis] as f64 * self.scale[axis] == self.output[axis] as f64)
    }
}

pub(crate) fn resize(case: &Case) -> Outcome {
    let policy = case.text("keep_aspect_ratio_policy");
    let stretched = ["", "stretch"].contains(&policy);
    require(stretched, "sizes that keep the aspect ratio")?;
    let cropped = case.get("roi").is_some_and(|roi| !roi.values.is_empty());
    require(!cropped, "no crop")?;
    require(!case.is("antialias"), "no antialiasing")?;
    let axes = Axes::new(case);
    let place = case.text("coordinate_transformation_mode");
    let mode = match case.text("mode") {
        "nearest" => match (place, case.text("nearest_mode")) {
            ("asymmetric", "floor") => Interpolation::Nearest,
            ("half_pixel", "round_prefer_floor") => {
                let reason = "halfway between two pixels PyTorch takes the later one";
                require(!axes.ties(), reason)?;
                Interpolation::NearestExact
            }
            (place, rounding) => {
                return Err(NotApplicable(format!("nearest by {place} and {rounding}")));
            }
        },
        mode => {
            let align_corners = place == "align_corners";
            let known = align_corners || place == "half_pixel";
            require(known, &format!("coordinates by {place}"))?;
            require(
                !align_corners || axes.exact(),
                "corners aligned by the size before it is rounded",
            )?;
            let outside = case.is("exclude_outside");
            require(!outside, "weights outside the image left out")?;
            if mode == "linear" {
                Interpolation::Linear { align_corners }
            } else {
                let keys = case.number("cubic_coeff_a") == -0.75;
                require(keys, "the cubic coefficient is fixed at -0.75")?;
                Interpolation::Cubic { align_corners }
            }
        }
    };
    let x = case.input("X").tensor::<4>();
    one(Upsample::new(axes.size, mode)?.forward(x)?)
}

pub(crate) fn pad(case: &Case) -> Outcome {
    let pads = case.numbers("pads").unwrap();
    require(pads.iter().all(|&p| p >= 0.0), "negative padding")?;
    let (before, after) = pads.split_at(4);
    let pads = std::array::from_fn(|axis| [before[axis] as usize, after[axis] as usize]);
    let layer = match case.text("mode") {
        "constant" => Pad::<4>::constant(pads, case.number("value")),
        "reflect" => Pad::reflection(pads),
        "edge" => Pad::replication(pads),
        _ => Pad::circular(pads),
    };
    one(layer.forward(case.input("data").tensor::<4>())?)
}
