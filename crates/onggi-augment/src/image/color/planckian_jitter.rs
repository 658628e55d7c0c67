//! The light of another lamp.

use crate::image::base::prelude::*;

settings! {
    /// Multiplies red and blue by what they are, relative to green, in the light of a black body of a
    /// temperature drawn evenly; 6600 K leaves the image about as it is. `p` is 0.5.
    ///
    /// # Reference
    /// Zini et al., "Planckian jitter: countering the color-crippling effects of color jitter on
    /// self-supervised training", ICLR 2023; the locus after Kim et al., US patent 7024034.
    pub struct PlanckianJitter {
        /// Kelvin, `[low, high]`.
        temperature_limit: [f64; 2] = [3000.0, 15000.0],
    }
}

impl Transform for PlanckianJitter {
    /// Kelvin.
    type Params = f64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] between 1667 and 25000 kelvin";
        require_range::<Self>(
            self.temperature_limit,
            [1667.0, 25_000.0],
            "temperature_limit",
            rule,
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.temperature_limit))
    }

    fn apply(&self, kelvin: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        let gains = gains(*kelvin);
        Ok(sample.with_image(|image| match image.has_color() {
            true => image.map_channels(false, |k, v| v * gains.get(k).map_or(1.0, |g| *g as f32)),
            false => image,
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"temperature_limit": [100, 200]}"#,
            "between 1667 and 25000 kelvin",
        )]
    }
}

/// Red, green and blue of a black body relative to green.
fn gains(kelvin: f64) -> [f64; 3] {
    let t = 1000.0 / kelvin;
    let poly = |c: [f64; 4], t: f64| ((c[0] * t + c[1]) * t + c[2]) * t + c[3];
    let x = if kelvin <= 4000.0 {
        poly([-0.266_123_9, -0.234_358_9, 0.877_695_6, 0.179_910], t)
    } else {
        poly([-3.025_846_9, 2.107_037_9, 0.222_634_7, 0.240_390], t)
    };
    let y = if kelvin <= 2222.0 {
        poly(
            [-1.106_381_4, -1.348_110_20, 2.185_558_32, -0.202_196_83],
            x,
        )
    } else if kelvin <= 4000.0 {
        poly(
            [-0.954_947_6, -1.374_185_93, 2.091_370_15, -0.167_488_67],
            x,
        )
    } else {
        poly([3.081_758_0, -5.873_386_70, 3.751_129_97, -0.370_014_83], x)
    };
    let (x, z) = (x / y, (1.0 - x - y) / y);
    let r = 3.2406 * x - 1.5372 - 0.4986 * z;
    let g = -0.9689 * x + 1.8758 + 0.0415 * z;
    let b = 0.0557 * x - 0.2040 + 1.0570 * z;
    [r / g, 1.0, b.max(0.0) / g]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daylight_is_neutral_and_candles_are_red() {
        let [r, _, b] = gains(6600.0);
        assert!((r - 1.0).abs() < 0.1 && (b - 1.0).abs() < 0.1, "{r} {b}");
        let [r, _, b] = gains(3000.0);
        assert!(r > 1.3 && b < 0.5, "{r} {b}");
    }
}
