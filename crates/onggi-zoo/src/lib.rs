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
pub mod bert;
mod convnext;
mod densenet;
pub mod detection;
mod distilbert;
mod efficientnet;
mod efficientnet_lite;
mod fpn;
mod image;
mod layers;
mod mlp;
mod mobile_block;
mod mobilenet_v2;
mod mobilenet_v3;
mod norm;
pub mod onnx;
pub mod pass;
mod position;
mod pretrained;
mod registry;
mod resnet;
mod roberta;
mod small_resnet;
mod squeezenet;
mod text;
#[cfg(feature = "tokenizers")]
pub mod tokenizer;
mod vgg;
mod vit;
pub mod weights;

pub use backbone::Backbone;
pub use convnext::{ConvNext, ConvNextBlock, ConvNextLayer};
pub use densenet::{DenseBlock, DenseFeatures, DenseLayer, DenseNet, Transition};
pub use efficientnet::{EfficientNet, EfficientNetLayer};
pub use efficientnet_lite::{EfficientNetLite, InvertedResidual};
pub use fpn::FeaturePyramid;
pub use image::{IMAGE_MODELS, ImageModel, ImageRow, Pretrained, Source};
pub use layers::ConvNorm;
pub use mlp::Mlp;
pub use mobile_block::{MobileBlock, MobileLayer, SqueezeExcitation};
pub use mobilenet_v2::{Inverted, InvertedBottleneck, MobileNetV2, MobileNetV2Layer};
pub use mobilenet_v3::{MobileNetV3, MobileNetV3Layer, MobileNetV3Size};
pub use norm::{Norm, NormKind};
pub use pretrained::{Features, embedded};
pub use registry::{ModelOptions, ModelRow, TABLE_MODELS, TableModel, ZooError};
pub use resnet::{Bottleneck, ResNet, ResidualBlock};
pub use small_resnet::{BasicBlock, SmallResNet};
pub use squeezenet::{Fire, SqueezeNet, SqueezeNetLayer, SqueezeNetVersion};
pub use text::{BagOfEmbeddings, TEXT_MODELS, TextCnn, TextModel, TextRecurrent, TextTransformer};
pub use vgg::{Vgg, VggClassifier, VggLayer};
pub use vit::{PatchEmbed, Vit, VitAttention, VitBlock, VitMlp, VitSize};
