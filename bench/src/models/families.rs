//! The convolutional families of the zoo, one model each: inference and training step on 8 photos.

use super::{LEARNING_RATE, inference, sgd, trained, training};
use crate::suite::{Bench, Step};
use burn::tensor::Device;
use onggi::nn::init;
use onggi::zoo::{ImageModel, ModelOptions};

/// The rows of models that bear torchvision's names.
macro_rules! families {
    ($($name:literal)*) => {
        [$(
            Bench {
                name: concat!($name, "_infer"),
                shape: &[8, 3, 224, 224],
                make: |shape| inference::<_, 4>(model($name, &Device::flex()), shape),
            },
            Bench {
                name: concat!($name, "_train"),
                shape: &[8, 3, 224, 224],
                make: |shape| train($name, shape),
            },
        )*]
    };
}

pub(super) const BENCHES: [Bench; 16] = families! {
    "vgg11_bn" "resnet50" "resnext50_32x4d" "mobilenet_v3_large" "efficientnet_b0" "squeezenet1_1"
    "densenet121" "convnext_tiny"
};

/// The model for 1,000 classes, without dropout or stochastic depth.
fn model(name: &str, device: &Device) -> ImageModel {
    let made = ImageModel::build(
        name,
        3,
        &ModelOptions::new(1000),
        &mut init::generator(1),
        device,
    );
    made.expect("a name of the zoo")
}

fn train(name: &str, shape: &[usize]) -> Step {
    let model = model(name, &Device::flex().autodiff());
    // The zoo's tests hold names and shapes of all parameters against torchvision's.
    let parameters = trained(&model);
    training::<_, 4>(model, parameters, sgd(), LEARNING_RATE, shape, 1000)
}
