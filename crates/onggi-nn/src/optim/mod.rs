//! Optimisers: rules that move parameters against their gradients.
//!
//! [`Gradients`] holds one flat gradient a parameter, by the parameter's state-dict name. An
//! [`Optimizer`] holds a [`Rule`], [`Group`]s of parameters with settings of their own, and what the
//! rule remembers of each parameter. Its step takes the parameters that have a gradient out of the
//! model, moves all of them in one call of [`onggi_ops::optim`], and puts them back.
//!
//! | rule | memory a parameter | weight decay |
//! | --- | --- | --- |
//! | [`Sgd`] | 0, with momentum 1 | in the gradient |
//! | [`Adam`] | 2 | in the gradient |
//! | [`AdamW`] | 2 | decoupled |
//! | [`NAdam`] | 2 | either |
//! | [`RmsProp`] | 1 to 3 | in the gradient |
//! | [`Adagrad`] | 1 | in the gradient |
//! | [`Lion`] | 1 | decoupled |
//! | [`Lamb`] | 2 | in the direction |
//!
//! [`Sam`] wraps a step of any rule in a second pass; [`RuleConfig`] has the rules by name.
//!
//! # Example
//! ```
//! use burn::module::Module;
//! use burn::tensor::{Device, Tensor};
//! use onggi_nn::linear::LinearConfig;
//! use onggi_nn::optim::{AdamW, Gradients, Group, Optimizer};
//! use onggi_nn::init;
//!
//! let device = Device::flex().autodiff();
//! let mut model = LinearConfig::new(3, 1).init(&mut init::generator(1), &device)?.train();
//! let x = Tensor::<2>::ones([8, 3], &device);
//!
//! let rule = AdamW { weight_decay: 0.1, ..AdamW::default() };
//! let bias = Group { lr_factor: 2.0, ..Group::new("*bias") };
//! let mut optimizer = Optimizer::new(rule)?.with_groups(vec![bias])?;
//! for _ in 0..10 {
//!     let loss = model.forward(x.clone())?.square().mean();
//!     let gradients = Gradients::of(&model, &loss)?;
//!     model = optimizer.step(model, gradients, 0.01)?;
//! }
//! let checkpoint = optimizer.state();
//! assert_eq!(checkpoint.steps["weight"], 10);
//! # Ok::<(), onggi_nn::NnError>(())
//! ```

mod adagrad;
mod adam;
mod adamw;
mod gradients;
mod group;
mod lamb;
mod lion;
mod nadam;
mod optimizer;
mod registry;
mod rmsprop;
mod sam;
mod sgd;
mod state;
mod walk;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub use gradients::{ClipNorm, Gradients};
pub use group::Group;
pub use lamb::Lamb;
pub use lion::Lion;
pub use nadam::NAdam;
pub use onggi_ops::optim::NormType;
pub use optimizer::Optimizer;
pub use registry::RuleConfig;
pub use rmsprop::RmsProp;
pub use sam::{Perturbation, Sam};
pub use sgd::Sgd;
pub use state::OptimizerState;

use crate::NnError;
use onggi_ops::OpError;
use onggi_ops::optim::Slot;
use std::fmt;

/// How one step moves parameters; each rule is a struct of its settings.
pub trait Rule: fmt::Debug + Send + Sync {
    /// The rule's name: an optimiser's state belongs to the rule of its name.
    fn name(&self) -> &'static str;

    /// An error if a setting is out of its range.
    ///
    /// # Errors
    /// Names the setting.
    fn check(&self) -> Result<(), NnError>;

    /// Weight decay of the parameters that no group gives another one.
    fn weight_decay(&self) -> f64;

    /// Names of the tensors that it remembers of each parameter, in their order in
    /// [`Memory`](onggi_ops::optim::Memory).
    fn memory(&self) -> &'static [&'static str];

    /// One step of all slots, in their order.
    ///
    /// # Errors
    /// Tensors of a slot that differ in length.
    fn step(&self, slots: Vec<Slot>) -> Result<Vec<Slot>, OpError>;
}
