//! Onggi: image and table models that hold up on data they have not seen.
//!
//! The library gathers Onggi's crates under one name and adds the HTML [`report`] and the command
//! itself ([`cli`]).
//!
//! # Example
//! ```
//! use onggi::nn::{Classifier, Mode, init};
//! use onggi::zoo::{ModelOptions, TableModel};
//!
//! let device = onggi::burn::tensor::Device::flex();
//! let options = ModelOptions::new(3);
//! let model = TableModel::build("mlp", 4, &options, &mut init::generator(1), &device)?;
//! let rows = onggi::burn::tensor::Tensor::<2>::zeros([5, 4], &device);
//! assert_eq!(model.forward(rows, &Mode::Eval)?.dims(), [5, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod cli;
mod commands;
mod description;
mod encoder;
mod failure;
mod language_model;
mod output;
mod pipeline;
pub mod report;
mod settings;
mod text_run;
pub mod threads;

pub use burn;
pub use onggi_augment as augment;
pub use onggi_data as data;
pub use onggi_nn as nn;
pub use onggi_ops as ops;
pub use onggi_train as train;
pub use onggi_zoo as zoo;
