//! From a picture file to a name: the weights in the program, the decoder, the resizing and the model together.

use burn::tensor::{Device, Tensor, TensorData};
use onggi::zoo::{ImageModel, ModelOptions, embedded};
use onggi_data::image::{Channels, ImagePreprocess, ImageShape};
use onggi_nn::{Classifier, Mode, init};
use std::path::Path;

const FIXTURES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../onggi-zoo/tests/fixtures/efficientnet_lite0"
);

#[test]
fn a_cat_a_cup_and_a_rocket() {
    let device = Device::flex();
    let options = ModelOptions::new(1000);
    let name = "efficientnet_lite0";
    let model = ImageModel::build(name, 3, &options, &mut init::generator(0), &device).unwrap();
    let model = model
        .with_weights(embedded(name).unwrap().unwrap())
        .unwrap();
    let pretrained = ImageModel::row(name).unwrap().pretrained.unwrap();
    // The weights' own way: the short side to 256, the middle of 224.
    let (side, size) = (256, pretrained.size);
    let shape = ImageShape::new(side, side, Channels::Rgb).unwrap();
    let (mean, std) = (pretrained.mean.to_vec(), pretrained.std.to_vec());
    let preprocess = ImagePreprocess::new(shape, mean, std).unwrap();
    let names = std::fs::read_to_string(format!("{FIXTURES}/imagenet_classes.txt")).unwrap();
    let names: Vec<&str> = names.lines().collect();
    for (file, accepted) in [
        ("cat.jpg", &["tiger cat", "Egyptian cat", "tabby"][..]),
        ("coffee.jpg", &["espresso", "cup", "coffee mug"]),
        // That class of ImageNet holds rockets on their way.
        ("rocket.jpg", &["missile", "projectile", "space shuttle"]),
    ] {
        let image = preprocess
            .image(Path::new(&format!("{FIXTURES}/{file}")))
            .unwrap();
        let mut x = vec![0.0; 3 * side * side];
        preprocess.write(&image, &mut x).unwrap();
        let x = TensorData::new(x, [1, 3, side, side]);
        let edge = (side - size) / 2;
        let middle = edge..edge + size;
        let x = Tensor::<4>::from_data(x, &device).slice([0..1, 0..3, middle.clone(), middle]);
        let logits = model.forward(x, &Mode::Eval).unwrap();
        let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
        let best = (0..1000)
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
            .unwrap();
        assert!(accepted.contains(&names[best]), "{file}: {}", names[best]);
    }
}
