//! Penalties on the size of weights.
//!
//! | penalty | what it adds to the loss | what a step does |
//! | --- | --- | --- |
//! | [`L1`] | `λ‖w‖₁` | pulls towards 0 at a constant speed; proximal, it reaches 0 |
//! | [`L2`] | `λ/2 · ‖w‖²` | pulls towards 0 in proportion to the weight, through the gradient |
//! | [`ElasticNet`] | `λ(ρ‖w‖₁ + (1−ρ)/2 · ‖w‖²)` | both |
//! | [`DecoupledWeightDecay`] | nothing | `w ← w − lr · wd · w`, past the gradient |
//! | [`MaxNorm`] | nothing | scales rows above a norm down to it |
//!
//! Coupled weight decay, the `weight_decay` of [`Sgd`](crate::optim::Sgd) and
//! [`Adam`](crate::optim::Adam), is [`L2`] with that λ. For gradient descent without momentum the
//! decoupled one moves weights by the same amount. For rules that divide the gradient it does not:
//! there an L2 penalty weighs least where gradients are large, which decoupled decay mends.
//!
//! Penalties act on weights in an [`Optimizer`](crate::optim::Optimizer): after clipping, on the
//! parameters of its [`Group`](crate::optim::Group)s, biases and norms left out. They are no part of
//! the loss that a training reports.
//!
//! # Example
//! ```
//! use onggi_nn::optim::{Group, Optimizer, Sgd};
//! use onggi_nn::regularize::{ElasticNet, MaxNorm, Penalty};
//!
//! let sparse = Penalty::ElasticNet(ElasticNet { lambda: 1e-3, l1_ratio: 0.5, proximal: true });
//! let head = Group {
//!     penalties: Some(vec![Penalty::MaxNorm(MaxNorm { max_norm: 3.0 })]),
//!     ..Group::new("head.*")
//! };
//! let optimizer = Optimizer::new(Sgd::default())?
//!     .with_penalties(vec![sparse])?
//!     .with_groups(vec![head])?;
//! # Ok::<(), onggi_nn::NnError>(())
//! ```

mod elastic_net;
mod l1;
mod l2;
mod max_norm;
mod weight_decay;

pub use elastic_net::ElasticNet;
pub use l1::L1;
pub use l2::L2;
pub use max_norm::MaxNorm;
pub use weight_decay::DecoupledWeightDecay;

use crate::NnError;
use serde::{Deserialize, Serialize};

/// Any of the penalties; in TOML told by `kind`, such as `{ kind = "l1", lambda = 1e-4 }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Penalty {
    /// [`L1`].
    L1(L1),
    /// [`L2`].
    L2(L2),
    /// [`ElasticNet`].
    ElasticNet(ElasticNet),
    /// [`DecoupledWeightDecay`].
    DecoupledWeightDecay(DecoupledWeightDecay),
    /// [`MaxNorm`].
    MaxNorm(MaxNorm),
}

impl Penalty {
    /// An error if a number is out of its range.
    ///
    /// # Errors
    /// A negative or non-finite λ or decay, an `l1_ratio` outside of `[0, 1]`, a `max_norm` that is
    /// not above 0.
    pub fn check(&self) -> Result<(), NnError> {
        match self {
            Self::L1(penalty) => penalty.check(),
            Self::L2(penalty) => penalty.check(),
            Self::ElasticNet(penalty) => penalty.check(),
            Self::DecoupledWeightDecay(penalty) => penalty.check(),
            Self::MaxNorm(penalty) => penalty.check(),
        }
    }

    fn effect(&self) -> Effect {
        match self {
            Self::L1(penalty) => penalty.effect(),
            Self::L2(penalty) => penalty.effect(),
            Self::ElasticNet(penalty) => penalty.effect(),
            Self::DecoupledWeightDecay(penalty) => penalty.effect(),
            Self::MaxNorm(penalty) => penalty.effect(),
        }
    }
}

/// What penalties do in a step, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Effect {
    /// `g ← g + l1_gradient · sign(w) + l2_gradient · w`.
    pub(crate) l1_gradient: f64,
    pub(crate) l2_gradient: f64,
    /// `w ← w − lr · decay · w` before the rule moves it.
    pub(crate) decay: f64,
    /// Soft threshold of `lr · l1_proximal` after.
    pub(crate) l1_proximal: f64,
    /// Largest norm of a row after; the smallest of those asked for.
    pub(crate) max_norm: Option<f64>,
}

impl Effect {
    pub(crate) fn of(penalties: &[Penalty]) -> Self {
        (penalties.iter().map(Penalty::effect)).fold(Self::default(), |a, b| Self {
            l1_gradient: a.l1_gradient + b.l1_gradient,
            l2_gradient: a.l2_gradient + b.l2_gradient,
            decay: a.decay + b.decay,
            l1_proximal: a.l1_proximal + b.l1_proximal,
            max_norm: match (a.max_norm, b.max_norm) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        })
    }
}

/// An error unless a penalty's factor is at least 0 and finite.
fn check_factor(penalty: &'static str, name: &'static str, value: f64) -> Result<(), NnError> {
    crate::error::check_range(penalty, name, value, 0.0..=f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_add_up_and_the_smallest_norm_holds() {
        let penalties = [
            Penalty::L1(L1::new(0.1)),
            Penalty::ElasticNet(ElasticNet {
                lambda: 2.0,
                l1_ratio: 0.25,
                proximal: false,
            }),
            Penalty::L2(L2 { lambda: 0.5 }),
            Penalty::DecoupledWeightDecay(DecoupledWeightDecay { weight_decay: 0.01 }),
            Penalty::MaxNorm(MaxNorm { max_norm: 3.0 }),
            Penalty::MaxNorm(MaxNorm { max_norm: 2.0 }),
        ];
        let expected = Effect {
            l1_gradient: 0.5,
            l2_gradient: 2.0,
            decay: 0.01,
            l1_proximal: 0.1,
            max_norm: Some(2.0),
        };
        assert_eq!(Effect::of(&penalties), expected);
    }

    #[test]
    fn from_toml_and_back() {
        #[derive(Serialize, Deserialize)]
        struct Settings {
            penalties: Vec<Penalty>,
        }
        let text =
            r#"penalties = [{ kind = "l1", lambda = 0.5 }, { kind = "max_norm", max_norm = 3.0 }]"#;
        let settings: Settings = toml::from_str(text).unwrap();
        assert_eq!(settings.penalties[0], Penalty::L1(L1::new(0.5)));
        let again: Settings = toml::from_str(&toml::to_string(&settings).unwrap()).unwrap();
        assert_eq!(again.penalties, settings.penalties);
        let wrong = r#"penalties = [{ kind = "l1", lamda = 0.5 }]"#;
        assert!(toml::from_str::<Settings>(wrong).is_err());
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        let elastic_net = |lambda, l1_ratio| {
            Penalty::ElasticNet(ElasticNet {
                lambda,
                l1_ratio,
                proximal: true,
            })
        };
        for (penalty, expected) in [
            (
                Penalty::L1(L1::new(-1.0)),
                "L1: `lambda` must be at least 0 and finite, but is -1",
            ),
            (
                Penalty::L2(L2 { lambda: f64::NAN }),
                "L2: `lambda` must be at least 0 and finite, but is NaN",
            ),
            (
                elastic_net(1.0, 1.5),
                "ElasticNet: `l1_ratio` must be between 0 and 1, but is 1.5",
            ),
            (
                Penalty::MaxNorm(MaxNorm { max_norm: 0.0 }),
                "MaxNorm: `max_norm` must be above 0 and finite, but is 0",
            ),
            (
                Penalty::DecoupledWeightDecay(DecoupledWeightDecay {
                    weight_decay: f64::INFINITY,
                }),
                "DecoupledWeightDecay: `weight_decay` must be at least 0 and finite, but is inf",
            ),
        ] {
            assert_eq!(penalty.check().unwrap_err().to_string(), expected);
        }
    }
}
