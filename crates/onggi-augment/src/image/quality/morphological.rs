//! Bright parts grown or shrunk: thicker and thinner strokes.

use serde::{Deserialize, Serialize};

use crate::image::Border;
use crate::image::base::prelude::*;

/// What a [`Morphological`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// The greatest value of the square.
    #[default]
    Dilation,
    /// The least.
    Erosion,
}

settings! {
    /// Every value becomes the greatest or least of the square around it, its side drawn evenly;
    /// masks follow. `p` is 0.5.
    pub struct Morphological {
        /// Side in pixels, odd, `[low, high]`.
        scale: [usize; 2] = [3, 3],
        /// Greatest or least.
        operation: Operation = Operation::Dilation,
    }
}

impl Transform for Morphological {
    /// Side.
    type Params = usize;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let [low, high] = self.scale;
        let holds = low % 2 == 1 && high % 2 == 1 && low <= high && high <= 99;
        let rule = "is [low, high] of odd numbers from 1 to 99";
        require::<Self>(holds, "scale", rule, self.scale)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<usize, AugmentError> {
        Ok(rng.between(self.scale.map(|n| n / 2)) * 2 + 1)
    }

    fn apply(&self, side: &usize, sample: Sample) -> Result<Sample, AugmentError> {
        let half = (*side).clamp(1, 99) / 2;
        let greatest = self.operation == Operation::Dilation;
        Ok(sample.each_image(|image| {
            let [h, w] = image.size();
            let c = image.channels();
            image.with(each_depth!(image.pixels(), p => {
                let across = extreme(p, [h, w], c, half, greatest);
                extreme(&across, [1, h], w * c, half, greatest)
            }))
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"scale": [2, 3]}"#,
            "morphological: scale is [low, high] of odd numbers",
        )]
    }
}

/// The extreme over `half` neighbours to either side along the columns of runs of `run` values.
fn extreme<T: Value>(
    p: &[T],
    [h, w]: [usize; 2],
    run: usize,
    half: usize,
    greatest: bool,
) -> Vec<T> {
    let mut out = p.to_vec();
    for i in 0..h {
        let row = &p[i * w * run..][..w * run];
        for j in 0..w {
            let to = &mut out[(i * w + j) * run..][..run];
            for d in -(half as i64)..=half as i64 {
                let Some(from) = Border::Edge.index(j as i64 + d, w) else {
                    continue;
                };
                for (o, &v) in to.iter_mut().zip(&row[from * run..][..run]) {
                    if (v > *o) == greatest && v != *o {
                        *o = v;
                    }
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_square() {
        let mut p = vec![0; 25];
        p[12] = 9;
        let x = Sample::from(Image::of(5, 5, 1, Pixels::U8(p)));
        let y = Morphological::default().apply(&3, x).unwrap().image.to_u8();
        for (i, v) in y.iter().enumerate() {
            let inside = (1..4).contains(&(i / 5)) && (1..4).contains(&(i % 5));
            assert_eq!(*v, if inside { 9 } else { 0 });
        }
    }
}
