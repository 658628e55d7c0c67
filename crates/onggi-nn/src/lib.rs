//! Layers, initialisers, losses, optimisers, penalties, schedules and averages on [`onggi_ops`].
//!
//! Semantics, argument names and state-dict names are PyTorch's. Two things differ on purpose:
//! whether a pass trains, and the randomness it may use, are an argument ([`Mode`]), never a global;
//! and a layer is made from a config whose mistakes are errors, not panics.
//!
//! # Example
//! ```
//! use burn::tensor::{Device, Tensor};
//! use onggi_nn::{Mode, init, linear::LinearConfig};
//!
//! let device = Device::flex();
//! let layer = LinearConfig::new(3, 2).init(&mut init::generator(1), &device)?;
//! let y = layer.forward(Tensor::<2>::ones([4, 3], &device))?;
//! assert_eq!(y.dims(), [4, 2]);
//! # Ok::<(), onggi_nn::NnError>(())
//! ```

#![forbid(unsafe_code)]

pub mod activation;
pub mod attention;
pub mod average;
pub mod check;
mod classifier;
pub mod conv;
pub mod dropout;
pub mod embedding;
mod error;
pub mod flatten;
mod freeze;
pub mod identity;
pub mod init;
pub mod linear;
pub mod lora;
pub mod loss;
mod mode;
pub mod norm;
pub mod optim;
pub mod pad;
pub mod pool;
pub mod recurrent;
pub mod regularize;
pub mod schedule;
pub mod sequential;
pub mod state;
pub mod upsample;

pub use classifier::{Classifier, Network};
pub use error::NnError;
pub use freeze::freeze;
pub use mode::{Draws, Mode};
