//! The eight symmetries of a square.

use crate::image::base::prelude::*;

settings! {
    /// One of the eight symmetries of a square, drawn evenly: four quarter turns, and the same
    /// after a transposition.
    pub struct D4 {}
}

impl Transform for D4 {
    /// Whether to transpose, and quarter turns counter-clockwise after it.
    type Params = (bool, usize);

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(bool, usize), AugmentError> {
        let element = rng.below(8);
        Ok((element >= 4, element % 4))
    }

    fn apply(&self, (over, turns): &(bool, usize), sample: Sample) -> Result<Sample, AugmentError> {
        let sample = if *over { sample.transpose() } else { sample };
        Ok(sample.quarter_turns(*turns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eight_elements_differ() {
        let x = Sample::from(Image::of(2, 2, 1, Pixels::U8(vec![1, 2, 3, 4])));
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..100 {
            let params = D4 {}.draw(&x, &mut Draw::new(0, 0, index)).unwrap();
            seen.insert(D4 {}.apply(&params, x.clone()).unwrap().image.to_u8());
        }
        assert_eq!(seen.len(), 8);
    }
}
