//! Dropout and its kin as layers: on in training, the identity in evaluation.

mod alpha;
mod channel;
mod drop_block;
mod drop_path;
mod gaussian_noise;

pub use alpha::{AlphaDropout, FeatureAlphaDropout};
pub use channel::{ChannelDropout, Dropout1d, Dropout2d, Dropout3d};
pub use drop_block::DropBlock2d;
pub use drop_path::DropPath;
pub use gaussian_noise::GaussianNoise;

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

    #[test]
    fn trains_with_zeros_and_evaluates_as_the_identity() {
        let x = Tensor::<2>::ones([8, 64], &onggi_ops::testing::device());
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
    fn the_kin_train_with_draws_and_evaluate_as_the_identity() {
        let x = Tensor::<4>::ones([8, 8, 6, 6], &onggi_ops::testing::device());
        type Forward = Box<dyn Fn(Tensor<4>, &Mode) -> Result<Tensor<4>, NnError>>;
        macro_rules! layer {
            ($layer:expr) => {{
                let layer = $layer.unwrap();
                Box::new(move |x, mode: &Mode| layer.forward(x, mode)) as Forward
            }};
        }
        let values = |t: Tensor<4>| t.into_data().try_to_vec::<f32>().unwrap();
        for layer in [
            layer!(Dropout2d::new(0.5)),
            layer!(AlphaDropout::new(0.5)),
            layer!(FeatureAlphaDropout::new(0.5)),
            layer!(DropPath::new(0.5)),
            layer!(DropPath::new(0.5).map(|layer| layer.with_scale_by_keep(false))),
            layer!(DropBlock2d::new(0.3, 3)),
            layer!(GaussianNoise::new(0.1)),
        ] {
            let y = |mode: &Mode| values(layer(x.clone(), mode).unwrap());
            assert_eq!(y(&Mode::Eval), values(x.clone()));
            assert_eq!(y(&Mode::train(1, 1)), y(&Mode::train(1, 1)));
            assert_ne!(y(&Mode::train(1, 1)), y(&Mode::train(1, 2)));
        }
    }

    #[test]
    fn refuses_what_is_no_probability() {
        let error = Dropout::new(1.5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Dropout: `p` must be between 0 and 1, but is 1.5"
        );
        assert!(Dropout::new(f64::NAN).is_err());
        assert!(Dropout1d::new(-0.1).is_err() && AlphaDropout::new(2.0).is_err());
        assert!(FeatureAlphaDropout::new(2.0).is_err() && DropPath::new(-1.0).is_err());
        assert!(DropBlock2d::new(1.1, 3).is_err() && DropBlock2d::new(0.1, 0).is_err());
        assert!(GaussianNoise::new(-1.0).is_err() && GaussianNoise::new(f64::NAN).is_err());
    }

    #[test]
    fn channels_need_their_axes() {
        let x = Tensor::<3>::ones([2, 3, 4], &onggi_ops::testing::device());
        let error = Dropout2d::new(0.5).unwrap().forward(x, &Mode::Eval);
        assert_eq!(
            error.unwrap_err().to_string(),
            "Dropout2d: the input must be (N, C, H, W), but its shape is [2, 3, 4]"
        );
    }

    #[test]
    fn rates_rise_linearly() {
        assert_eq!(DropPath::linear_rates(0.2, 0), [0.0; 0]);
        assert_eq!(DropPath::linear_rates(0.2, 1), [0.0]);
        assert_eq!(
            DropPath::linear_rates(0.3, 4),
            [0.0, 0.3 / 3.0, 0.6 / 3.0, 0.3]
        );
    }
}
