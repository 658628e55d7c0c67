//! Dropout as a layer.

use crate::error::check_range;
use crate::{Mode, NnError};
use burn::module::Module;
use burn::tensor::Tensor;

/// Zeroes each element with probability `p` in training and multiplies the others by `1/(1 − p)`;
/// the identity in evaluation. See [`onggi_ops::dropout`](mod@onggi_ops::dropout).
#[derive(Module, Debug)]
pub struct Dropout {
    #[module(skip)]
    p: f64,
}

impl Dropout {
    /// A layer that drops with probability `p`.
    ///
    /// # Errors
    /// `p` outside of `[0, 1]`.
    pub fn new(p: f64) -> Result<Self, NnError> {
        check_range("Dropout", "p", p, 0.0..=1.0)?;
        Ok(Self { p })
    }

    /// Applies dropout.
    ///
    /// # Shapes
    /// `x: *` → `*`.
    ///
    /// # Errors
    /// None: `p` was checked by [`Dropout::new`].
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<D>, NnError> {
        match mode {
            Mode::Train(draws) if self.p > 0.0 => {
                Ok(onggi_ops::dropout::dropout(x, self.p, draws.key())?)
            }
            _ => Ok(x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn trains_with_zeros_and_evaluates_as_the_identity() {
        let x = Tensor::<2>::ones([8, 64], &Device::flex());
        let layer = Dropout::new(0.5).unwrap();
        let values = |t: Tensor<2>| t.into_data().try_to_vec::<f32>().unwrap();
        let y = values(layer.forward(x.clone(), &Mode::train(1, 1)).unwrap());
        assert!(y.contains(&0.0) && y.contains(&2.0));
        assert_eq!(
            y,
            values(layer.forward(x.clone(), &Mode::train(1, 1)).unwrap())
        );
        assert_ne!(
            y,
            values(layer.forward(x.clone(), &Mode::train(1, 2)).unwrap())
        );
        assert_eq!(
            values(layer.forward(x.clone(), &Mode::Eval).unwrap()),
            values(x)
        );
    }

    #[test]
    fn refuses_what_is_no_probability() {
        let error = Dropout::new(1.5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Dropout: `p` must be between 0 and 1, but is 1.5"
        );
        assert!(Dropout::new(f64::NAN).is_err());
    }
}
