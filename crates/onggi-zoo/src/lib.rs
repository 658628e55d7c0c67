//! Models: one file a family, one registry row each.
//!
//! Backbones for images are written once over a [`pass::Pass`], which decides what is done at each
//! layer: computing, looking at the layers, keeping maps.
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

mod backbone;
mod efficientnet_lite;
mod image;
mod mlp;
mod norm;
pub mod onnx;
pub mod pass;
mod pretrained;
mod registry;
mod small_resnet;
pub mod weights;

pub use backbone::Backbone;
pub use efficientnet_lite::{EfficientNetLite, InvertedResidual};
pub use image::{IMAGE_MODELS, ImageModel, ImageRow, Pretrained, Source};
pub use mlp::Mlp;
pub use norm::{Norm, NormKind};
pub use pretrained::{Features, embedded};
pub use registry::{ModelOptions, ModelRow, TABLE_MODELS, TableModel, ZooError};
pub use small_resnet::{BasicBlock, SmallResNet};
