//! Every backbone against torchvision (ViT and EfficientNet-Lite: timm), with weights by a formula
//! (`fixtures/parity/make.py`): the state dict's names and shapes, logits in evaluation, and for one
//! size of each family logits and all gradients of one training step.
//!
//! The reference was computed in `f64`, so all of the difference is this side's. Logits: the largest
//! difference, over the largest logit. Gradients: the difference of a parameter's norm, and of its
//! product with random numbers in `[−1, 1)`, over the norm.

use burn::tensor::{Device, Tensor, TensorData};
use onggi_nn::loss::CrossEntropy;
use onggi_nn::optim::Gradients;
use onggi_nn::state::{self, StateDict, StateTensor};
use onggi_nn::{Classifier, Mode, init};
use onggi_ops::testing::values;
use onggi_zoo::{IMAGE_MODELS, ImageModel, ModelOptions};
use serde_json::Value;

/// Bounds on the relative errors, as above.
const LOGITS: f64 = 1e-4;
const GRADIENTS: f64 = 1e-3;

fn fixture() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/parity/parity.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|v| v.as_f64().unwrap()).collect()
}

fn fnv1a(text: &str) -> u64 {
    let step = |state: u64, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    text.bytes().fold(0xCBF2_9CE4_8422_2325, step)
}

/// Numbers in `[−1, 1)`: SplitMix64 from the hash of the name.
fn uniform(name: &str, count: usize) -> impl Iterator<Item = f64> + use<> {
    let mut state = fnv1a(name);
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-52) - 1.0
    })
    .take(count)
}

/// The values of a tensor of the state dict.
fn fill(name: &str, tensor: &mut StateTensor) {
    let shape = &tensor.shape;
    let fan_in: usize = shape.iter().skip(1).product();
    let scale = (6.0 / fan_in as f64).sqrt();
    let value = |u: f64| {
        if name.ends_with("num_batches_tracked") {
            0.0
        } else if name.ends_with(".weight") && shape.len() > 1 {
            u * scale
        } else if name.ends_with(".weight") || name.ends_with("running_var") {
            1.0 + 0.5 * u
        } else {
            u * 0.3
        }
    };
    let count = tensor.values.len();
    tensor.values = uniform(name, count).map(|u| value(u) as f32).collect();
}

fn images(device: &Device, side: usize) -> Tensor<4> {
    let shape = [2, 3, side, side];
    let values: Vec<f32> = uniform("images", shape.iter().product())
        .map(|u| u as f32)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The largest difference over the largest value expected.
fn error(got: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
    let differences = got
        .iter()
        .zip(expected)
        .map(|(a, b)| (f64::from(*a) - b).abs());
    differences.fold(
        0f64,
        |m, d| if d.is_nan() { f64::INFINITY } else { m.max(d) },
    ) / largest
}

/// Hash and number of the state dict's lines.
fn names(state: &StateDict) -> (String, usize) {
    let mut text = String::new();
    for (name, tensor) in state {
        text.push_str(name);
        if !name.ends_with("num_batches_tracked") {
            let sizes: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
            text.push_str(&format!(" {}", sizes.join("x")));
        }
        text.push('\n');
    }
    (format!("{:016x}", fnv1a(&text)), state.len())
}

fn check(name: &str, expected: &Value, [side, classes]: [usize; 2]) {
    let device = onggi_ops::testing::device();
    let build = |device: &Device| {
        let options = ModelOptions::new(classes);
        ImageModel::build(name, 3, &options, &mut init::generator(1), device).unwrap()
    };
    let model = build(&device);
    let mut state = state::collect(&model);
    let (hash, tensors) = names(&state);
    assert_eq!(
        Some(tensors as u64),
        expected["tensors"].as_u64(),
        "{name}: tensors"
    );
    assert_eq!(
        Some(hash.as_str()),
        expected["names"].as_str(),
        "{name}: names and shapes"
    );
    for (name, tensor) in &mut state {
        fill(name, tensor);
    }
    let has_step = expected.get("gradients").is_some();
    let model = state::load(model, state.clone()).unwrap();
    let logits = model.forward(images(&device, side), &Mode::Eval).unwrap();
    let worst = error(&values(&logits), &numbers(&expected["eval"]));
    println!("{name}: evaluation {worst:.1e}");
    assert!(
        worst <= LOGITS,
        "{name}: logits in evaluation differ by {worst:e}"
    );
    if has_step {
        let device = device.autodiff();
        let model = state::load(build(&device), state).unwrap();
        step(name, &model, images(&device, side), expected);
    }
}

fn step(name: &str, model: &ImageModel, images: Tensor<4>, expected: &Value) {
    let logits = model.forward(images, &Mode::train(1, 0)).unwrap();
    let worst = error(&values(&logits), &numbers(&expected["train"]));
    println!("{name}: training {worst:.1e}");
    assert!(
        worst <= LOGITS,
        "{name}: logits in training differ by {worst:e}"
    );
    let loss = CrossEntropy::new(0.0, None).unwrap();
    let loss = loss.forward(logits, &[1, 7]).unwrap();
    let gradients = Gradients::of(model, &loss).unwrap();
    let mut names: Vec<&str> = gradients.names().collect();
    names.sort_unstable();
    let expected = numbers(&expected["gradients"]);
    assert_eq!(
        2 * names.len(),
        expected.len(),
        "{name}: parameters with a gradient"
    );
    // Of a bias before a norm, or of the keys in attention, the gradient is 0 but for rounding.
    let largest = expected.iter().step_by(2).fold(0f64, |m, v| m.max(*v));
    let mut worst = (0f64, "");
    for (parameter, expected) in names.into_iter().zip(expected.chunks(2)) {
        let gradient = gradients.get(parameter).unwrap().clone().into_data();
        let gradient = gradient.try_to_vec::<f32>().unwrap();
        let squares = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
        let weights = uniform(&format!("gradient of {parameter}"), gradient.len());
        let product: f64 = gradient
            .iter()
            .zip(weights)
            .map(|(g, w)| f64::from(*g) * w)
            .sum();
        let scale = expected[0].max(1e-6 * largest);
        let error = (squares.sqrt() - expected[0])
            .abs()
            .max((product - expected[1]).abs())
            / scale;
        if error > worst.0 || error.is_nan() {
            worst = (
                if error.is_nan() { f64::INFINITY } else { error },
                parameter,
            );
        }
    }
    let (error, at) = worst;
    println!("{name}: gradients {error:.1e} ({at})");
    assert!(
        error <= GRADIENTS,
        "{name}: the gradient of `{at}` differs by {error:e}"
    );
}

/// The models whose names begin so.
fn family(prefixes: &[&str]) {
    let fixture = fixture();
    let size = |key: &str| fixture[key].as_u64().unwrap() as usize;
    let models = fixture["models"].as_object().unwrap();
    let of = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let found: Vec<_> = models.iter().filter(|(name, _)| of(name)).collect();
    assert!(!found.is_empty());
    for (name, expected) in found {
        check(name, expected, [size("side"), size("classes")]);
    }
}

#[test]
fn every_pretrained_model_has_a_reference() {
    let fixture = fixture();
    for row in IMAGE_MODELS.iter().filter(|row| row.pretrained.is_some()) {
        assert!(fixture["models"].get(row.name).is_some(), "{}", row.name);
    }
}

#[test]
fn resnet() {
    family(&["resnet", "resnext"]);
}

#[test]
fn vgg() {
    family(&["vgg"]);
}

#[test]
fn mobilenet() {
    family(&["mobilenet"]);
}

#[test]
fn efficientnet() {
    family(&["efficientnet_b"]);
}

#[test]
fn efficientnet_lite() {
    family(&["efficientnet_lite"]);
}

#[test]
fn squeezenet() {
    family(&["squeezenet"]);
}

#[test]
fn densenet() {
    family(&["densenet"]);
}

#[test]
fn convnext() {
    family(&["convnext"]);
}

#[test]
fn vit() {
    family(&["vit"]);
}
