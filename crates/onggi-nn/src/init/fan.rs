//! What scales random weights: fans, and the gain of what follows the layer.

use crate::NnError;

/// Which fan keeps its variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// Variances of the forward pass.
    FanIn,
    /// Variances of the backward pass.
    FanOut,
}

/// `fan_in` or `fan_out` of a weight `[out, in, *k]`: `in · Πk` or `out · Πk`.
///
/// # Errors
/// A shape with fewer than two axes, which has no fans.
pub fn fan(shape: &[usize], mode: FanMode) -> Result<usize, NnError> {
    let &[out, inputs, ref kernel @ ..] = shape else {
        let expected = "of two axes or more, to have fans";
        return Err(NnError::config(
            "fan",
            "shape",
            expected,
            format!("{shape:?}"),
        ));
    };
    let size = match mode {
        FanMode::FanIn => inputs,
        FanMode::FanOut => out,
    };
    Ok(size * kernel.iter().product::<usize>())
}

/// What a layer's output goes through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// Nothing, or another linear layer or convolution.
    Linear,
    /// `1 / (1 + e⁻ᶻ)`.
    Sigmoid,
    /// `tanh(z)`.
    Tanh,
    /// `max(z, 0)`.
    Relu,
    /// `max(z, 0) + slope · min(z, 0)`.
    LeakyRelu {
        /// The slope below 0.
        slope: f64,
    },
    /// Self-normalising ELU.
    Selu,
}

impl Nonlinearity {
    /// The factor on a weight's standard deviation that makes up for the spread that the function
    /// takes: 1 for none and sigmoid, 5/3 for tanh, `√2` for ReLU, `√(2/(1 + slope²))` for leaky
    /// ReLU, 3/4 for SELU.
    pub fn gain(self) -> f64 {
        match self {
            Self::Linear | Self::Sigmoid => 1.0,
            Self::Tanh => 5.0 / 3.0,
            Self::Relu => 2f64.sqrt(),
            Self::LeakyRelu { slope } => (2.0 / (1.0 + slope * slope)).sqrt(),
            Self::Selu => 0.75,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fans_count_the_kernel() {
        let both = |shape: &[usize]| {
            [FanMode::FanIn, FanMode::FanOut].map(|mode| fan(shape, mode).unwrap())
        };
        assert_eq!(both(&[5, 7]), [7, 5]);
        assert_eq!(both(&[5, 7, 3, 2]), [42, 30]);
    }

    #[test]
    fn a_vector_has_no_fans() {
        assert_eq!(
            fan(&[3], FanMode::FanIn).unwrap_err().to_string(),
            "fan: `shape` must be of two axes or more, to have fans, but is [3]"
        );
        assert!(fan(&[], FanMode::FanOut).is_err());
    }
}
