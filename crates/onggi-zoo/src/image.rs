//! The models for images by name: a row each, and a variant a family.

mod rows;

pub use rows::IMAGE_MODELS;

use crate::pass::{Eager, Pass};
use crate::registry::{ModelOptions, ZooError, unknown};
use crate::{
    Backbone, ConvNext, DenseNet, EfficientNet, EfficientNetLite, MobileNetV2, MobileNetV3, ResNet,
    SmallResNet, SqueezeNet, Vgg, Vit,
};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::init::Probe;
use onggi_nn::{Classifier, Mode, NnError};
use rand_chacha::ChaCha8Rng;

/// One model for images.
#[derive(Clone, Copy, Debug)]
pub struct ImageRow {
    /// Name, as `--model` takes it.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// What its published weights want to be fed, and where they are; `None` for a model that is
    /// trained from scratch.
    pub pretrained: Option<Pretrained>,
    /// Makes the model for images of so many channels.
    build: Build,
}

type Build = fn(usize, &ModelOptions, &mut ChaCha8Rng, &Device) -> Result<ImageModel, NnError>;

/// Weights that were trained on ImageNet (1,000 classes), and what they want to be fed.
#[derive(Clone, Copy, Debug)]
pub struct Pretrained {
    /// Side of the images in pixels, cropped.
    pub size: usize,
    /// Mean of each channel (red, green, blue), subtracted from values in `[0, 1]`.
    pub mean: [f32; 3],
    /// What they are then divided by.
    pub std: [f32; 3],
    /// ImageNet top-1 accuracy that the authors state, percent.
    pub top1: f64,
    /// Where the weights are.
    pub source: Source,
    /// Licence of the weights.
    pub licence: &'static str,
}

/// Where weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the program.
    Embedded,
    /// On the Hugging Face hub.
    Hub {
        /// `owner/name`.
        repo: &'static str,
        /// File in it.
        file: &'static str,
    },
    /// Among torchvision's files, at <https://download.pytorch.org/models/>.
    Torchvision {
        /// File there; what follows the last hyphen begins its SHA-256.
        file: &'static str,
    },
}

/// Backbones as what the trainer takes.
macro_rules! classifiers {
    ($($model:ty),*) => {
        $(impl Classifier<4> for $model {
            fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<2>, NnError> {
                self.observed(x, mode, &mut Probe::off())
            }

            fn observed(
                &self,
                x: Tensor<4>,
                mode: &Mode,
                probe: &mut Probe,
            ) -> Result<Tensor<2>, NnError> {
                let mut pass = Eager::new(mode, probe);
                let features = self.features(&mut pass, x)?;
                self.head(&mut pass, features)
            }
        })*
    };
}

/// The enum over the families, and what it hands on to them.
macro_rules! families {
    ($($family:ident: $words:literal),* $(,)?) => {
        /// Any model for images.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant)] // one model lives at a time
        pub enum ImageModel {
            $(#[doc = $words] $family($family)),*
        }

        classifiers!(ImageModel, $($family),*);

        impl Backbone for ImageModel {
            fn classifier(&self) -> &'static str {
                match self {
                    $(Self::$family(model) => model.classifier()),*
                }
            }

            fn renamed(&self, name: &str) -> Option<String> {
                match self {
                    $(Self::$family(model) => model.renamed(name)),*
                }
            }

            fn features<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Rows, NnError> {
                match self {
                    $(Self::$family(model) => model.features(pass, x)),*
                }
            }

            fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
                match self {
                    $(Self::$family(model) => model.head(pass, features)),*
                }
            }
        }
    };
}

families! {
    SmallResNet: "`small_resnet`.",
    EfficientNetLite: "`efficientnet_lite0` and larger.",
    ResNet: "`resnet18` and deeper, `resnext50_32x4d`.",
    Vgg: "`vgg11` and deeper.",
    MobileNetV2: "`mobilenet_v2`.",
    MobileNetV3: "`mobilenet_v3_small` and `mobilenet_v3_large`.",
    EfficientNet: "`efficientnet_b0` and larger.",
    SqueezeNet: "`squeezenet1_0` and `squeezenet1_1`.",
    DenseNet: "`densenet121`.",
    ConvNext: "`convnext_tiny`.",
    Vit: "`vit_tiny` and larger.",
}

impl ImageModel {
    /// The row of the model called `name`.
    ///
    /// # Errors
    /// An unknown name.
    pub fn row(name: &str) -> Result<&'static ImageRow, ZooError> {
        let found = IMAGE_MODELS.iter().find(|row| row.name == name);
        found.ok_or_else(|| unknown("image", name, IMAGE_MODELS.iter().map(|row| row.name)))
    }

    /// The model called `name` for images of `channels` channels.
    ///
    /// # Errors
    /// An unknown name, or options that a layer refuses.
    pub fn build(
        name: &str,
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, ZooError> {
        let row = Self::row(name)?;
        Ok((row.build)(channels, options, rng, device)?)
    }
}
