//! Turns by a multiple of 90 degrees, exactly.

use crate::image::base::prelude::*;

settings! {
    /// Turns counter-clockwise by 0, 90, 180 or 270 degrees, drawn evenly.
    pub struct Rotate90 {}
}

impl Transform for Rotate90 {
    /// Quarter turns.
    type Params = usize;

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<usize, AugmentError> {
        Ok(rng.below(4))
    }

    fn apply(&self, turns: &usize, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.quarter_turns(*turns))
    }
}

impl Sample {
    /// Turned counter-clockwise by `turns` times 90 degrees.
    pub(crate) fn quarter_turns(self, turns: usize) -> Self {
        match turns % 4 {
            0 => self,
            1 => self.transpose().turn_over(),
            2 => self.turn_over().mirror(),
            _ => self.transpose().mirror(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn a_turn_is_counter_clockwise_and_four_are_none() {
        let x = Sample::from(Image::of(1, 2, 1, Pixels::U8(vec![1, 2])));
        let y = x.quarter_turns(1);
        assert_eq!(
            (y.size(), y.image.pixels()),
            ([2, 1], &Pixels::U8(vec![2, 1]))
        );
        let x = sample(5, 7, 3);
        for k in 0..4 {
            let y = x.clone().quarter_turns(k).quarter_turns(4 - k);
            assert_eq!((y.image, y.masks), (x.image.clone(), x.masks.clone()));
        }
    }
}
