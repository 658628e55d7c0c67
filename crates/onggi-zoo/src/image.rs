//! The models for images by name: a row each, and a variant a family.

use crate::pass::{Eager, Pass};
use crate::registry::{ModelOptions, ZooError, unknown};
use crate::{Backbone, EfficientNetLite, SmallResNet};
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
    /// Side of the images in pixels.
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
}

/// `(v − 127) / 128` of bytes, as TensorFlow trained them.
const LITE_MEAN: [f32; 3] = [127.0 / 255.0; 3];
const LITE_STD: [f32; 3] = [128.0 / 255.0; 3];

/// The weights of EfficientNet-Lite in the program or on the hub, which timm took over from TensorFlow.
const fn lite(size: usize, top1: f64, source: Source) -> Option<Pretrained> {
    Some(Pretrained {
        size,
        mean: LITE_MEAN,
        std: LITE_STD,
        top1,
        source,
        licence: "Apache-2.0",
    })
}

const fn timm(repo: &'static str) -> Source {
    Source::Hub {
        repo,
        file: "model.safetensors",
    }
}

/// Models for images.
pub const IMAGE_MODELS: &[ImageRow] = &[
    ImageRow {
        name: "small_resnet",
        summary: "residual CNN for small images, trained from scratch",
        pretrained: None,
        build: |c, o, rng, device| {
            Ok(ImageModel::SmallResNet(SmallResNet::new(
                c, o, rng, device,
            )?))
        },
    },
    ImageRow {
        name: "efficientnet_lite0",
        summary: "mobile CNN, 4.7 M parameters; its weights are in the program",
        pretrained: lite(224, 75.1, Source::Embedded),
        build: |c, o, rng, device| lite_model(0, c, o, rng, device),
    },
    ImageRow {
        name: "efficientnet_lite1",
        summary: "mobile CNN, 5.4 M parameters",
        pretrained: lite(240, 76.7, timm("timm/tf_efficientnet_lite1.in1k")),
        build: |c, o, rng, device| lite_model(1, c, o, rng, device),
    },
    ImageRow {
        name: "efficientnet_lite2",
        summary: "mobile CNN, 6.1 M parameters",
        pretrained: lite(260, 77.6, timm("timm/tf_efficientnet_lite2.in1k")),
        build: |c, o, rng, device| lite_model(2, c, o, rng, device),
    },
];

fn lite_model(
    size: usize,
    channels: usize,
    options: &ModelOptions,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<ImageModel, NnError> {
    let model = EfficientNetLite::new(size, channels, options, rng, device)?;
    Ok(ImageModel::EfficientNetLite(model))
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

        impl Backbone for ImageModel {
            fn classifier(&self) -> &'static str {
                match self {
                    $(Self::$family(model) => model.classifier()),*
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

impl Classifier<4> for ImageModel {
    fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        self.observed(x, mode, &mut Probe::off())
    }

    fn observed(&self, x: Tensor<4>, mode: &Mode, probe: &mut Probe) -> Result<Tensor<2>, NnError> {
        let mut pass = Eager::new(mode, probe);
        let features = self.features(&mut pass, x)?;
        self.head(&mut pass, features)
    }
}
