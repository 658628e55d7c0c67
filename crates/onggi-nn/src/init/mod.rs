//! Initial values of parameters: PyTorch's rules, rules for whole models, and a check of the result.
//!
//! | what a layer feeds | rule |
//! | --- | --- |
//! | ReLU and its kin | [`kaiming_normal`], [`kaiming_uniform`] |
//! | tanh, sigmoid, nothing | [`xavier_normal`], [`xavier_uniform`] with [`Nonlinearity::gain`] |
//! | itself, over many steps | [`orthogonal`] |
//! | a residual sum, at first as the identity | [`dirac`], [`eye`] |
//! | anything, without norms | [`lsuv()`], by the data |
//!
//! [`apply`] draws a whole model anew; [`diagnose()`] says what one batch shows of its layers.
//!
//! `fan_in` is the number of inputs of one output unit, `fan_out` the number of outputs that one
//! input unit reaches; for a weight `[out, in, *k]` they are `in · Πk` and `out · Πk`.
//!
//! # Example
//! ```
//! use burn::tensor::Device;
//! use onggi_nn::init::{self, FanMode, Nonlinearity};
//!
//! let (mut rng, device) = (init::generator(1), Device::flex());
//! let weight = init::kaiming_normal([64, 3, 7, 7], FanMode::FanOut, Nonlinearity::Relu, &mut rng, &device)?;
//! assert_eq!(weight.dims(), [64, 3, 7, 7]);
//! # Ok::<(), onggi_nn::NnError>(())
//! ```

mod constant;
mod diagnose;
mod fan;
mod kaiming;
mod lsuv;
mod orthogonal;
mod probe;
mod random;
mod rule;
#[cfg(test)]
mod testing;
mod xavier;

pub use constant::{constant, dirac, eye, ones, zeros};
pub use diagnose::{Diagnosis, LayerDiagnosis, Verdict, diagnose};
pub use fan::{FanMode, Nonlinearity, fan};
pub use kaiming::{default_uniform, kaiming_normal, kaiming_uniform};
pub use lsuv::{Lsuv, LsuvConfig, LsuvLayer, lsuv};
pub use orthogonal::orthogonal;
pub use probe::{Activity, Probe};
pub use random::{normal, normal_with_mean, sparse, trunc_normal, uniform};
pub(crate) use rule::is_norm;
pub use rule::{Rule, Scheme, apply};
pub use xavier::{xavier_normal, xavier_uniform};

use crate::state::Path;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The generator of initial values of the run of `seed`: pass the same one through the model's
/// constructors, in order.
pub fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The parameter with the value that `draw` returns for its shape and device; trained if it was.
pub fn redraw<const D: usize>(
    param: Param<Tensor<D>>,
    draw: impl FnOnce([usize; D], &Device) -> Tensor<D>,
) -> Param<Tensor<D>> {
    param.map(|old| {
        let new = draw(old.dims(), &old.device());
        if old.is_require_grad() {
            new.require_grad()
        } else {
            new
        }
    })
}

/// A trainable parameter holding `value`.
pub(crate) fn parameter<const D: usize>(value: Tensor<D>) -> Param<Tensor<D>> {
    Param::from_tensor(value)
}

/// The shape of each parameter and buffer, by its state-dict name.
fn shapes<M: Module>(model: &M) -> BTreeMap<String, Vec<usize>> {
    #[derive(Default)]
    struct Shapes {
        path: Path,
        by_name: BTreeMap<String, Vec<usize>>,
    }
    impl ModuleVisitor for Shapes {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.by_name.insert(self.path.name(), param.dims().to_vec());
        }
    }
    let mut shapes = Shapes::default();
    model.visit(&mut shapes);
    shapes.by_name
}
