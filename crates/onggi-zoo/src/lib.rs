//! Models: one file a family, one registry row each.
//!
//! Two families to begin with, both small enough to learn from hundreds of samples on a CPU: a
//! residual network for images and a multilayer perceptron for tables.
//!
//! # Example
//! ```
//! use burn::tensor::{Device, Tensor};
//! use onggi_nn::{Classifier, Mode, init};
//! use onggi_zoo::{ImageModel, ModelOptions};
//!
//! let device = Device::flex();
//! let options = ModelOptions::new(10);
//! let model = ImageModel::build("small_resnet", 1, &options, &mut init::generator(1), &device)?;
//! let logits = model.forward(Tensor::<4>::zeros([2, 1, 28, 28], &device), &Mode::Eval)?;
//! assert_eq!(logits.dims(), [2, 10]);
//! # Ok::<(), onggi_zoo::ZooError>(())
//! ```

#![forbid(unsafe_code)]

mod mlp;
mod norm;
mod registry;
mod small_resnet;
pub mod weights;

pub use mlp::Mlp;
pub use norm::{Norm, NormKind};
pub use registry::{
    IMAGE_MODELS, ImageModel, ModelOptions, ModelRow, TABLE_MODELS, TableModel, ZooError,
};
pub use small_resnet::{BasicBlock, SmallResNet};
