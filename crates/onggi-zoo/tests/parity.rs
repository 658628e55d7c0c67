//! Every backbone against torchvision (ViT and EfficientNet-Lite: timm), with weights by a formula
//! (`fixtures/parity/make.py`): the state dict's names and shapes, logits in evaluation, and for one
//! size of each family logits in training and all gradients of one step, with batch normalisation
//! frozen and not.
//!
//! The reference was computed in `f64`, so all of the difference is this side's. Logits: the largest
//! difference, over the largest logit. Gradients: for each parameter the difference of the norm, and of
//! the product with random numbers in `[−1, 1)`, whichever is larger, over the norm. Of these the median
//! has the narrow bound; a single ReLU whose input is within rounding of 0 and passes its gradient on
//! one side only moves a few of them by 10⁻³.

mod formula;

use burn::tensor::{Device, Tensor, TensorData};
use formula::{fnv1a, numbers, uniform};
use onggi_nn::loss::CrossEntropy;
use onggi_nn::optim::Gradients;
use onggi_nn::state::{self, StateDict, StateTensor};
use onggi_nn::{Classifier, Mode, init};
use onggi_ops::testing::values;
use onggi_zoo::{FeaturePyramid, IMAGE_MODELS, ImageModel, ModelOptions, NormKind};
use serde_json::Value;

/// Bounds on the relative errors, as above.
const LOGITS: f64 = 1e-4;
const MEDIAN_GRADIENT: f64 = 1e-4;
const ANY_GRADIENT: f64 = 1e-2;

fn fixture() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/parity/parity.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
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
    tensor.values = uniform(name, count)
        .into_iter()
        .map(|u| value(u) as f32)
        .collect();
}

fn images(device: &Device, side: usize) -> Tensor<4> {
    let shape = [2, 3, side, side];
    let values: Vec<f32> = uniform("images", shape.iter().product())
        .into_iter()
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
    let build = |norm: NormKind, device: &Device| {
        let options = ModelOptions {
            norm,
            ..ModelOptions::new(classes)
        };
        ImageModel::build(name, 3, &options, &mut init::generator(1), device).unwrap()
    };
    let model = build(NormKind::Batch, &device);
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
    let stepped = expected.get("train").map(|train| (train, state.clone()));
    let model = state::load(model, state).unwrap();
    let logits = model.forward(images(&device, side), &Mode::Eval).unwrap();
    compare_logits(name, "evaluation", &logits, &expected["eval"]);
    let Some((train, state)) = stepped else {
        return;
    };
    let device = device.autodiff();
    let images = images(&device, side);
    for (norm, mode, logits, gradients) in [
        (NormKind::FrozenBatch, "frozen", &expected["eval"], "frozen"),
        (NormKind::Batch, "training", train, "gradients"),
    ] {
        let model = state::load(build(norm, &device), state.clone()).unwrap();
        let got = model.forward(images.clone(), &Mode::train(1, 0)).unwrap();
        compare_logits(name, mode, &got, logits);
        if let Some(gradients) = expected.get(gradients) {
            compare_gradients(name, mode, &model, got, gradients);
        }
    }
}

fn compare_logits(name: &str, mode: &str, logits: &Tensor<2>, expected: &Value) {
    let worst = error(&values(logits), &numbers(expected));
    println!("{name}, {mode}: logits {worst:.1e}");
    assert!(
        worst <= LOGITS,
        "{name}, {mode}: the logits differ by {worst:e}"
    );
}

fn compare_gradients(
    name: &str,
    mode: &str,
    model: &ImageModel,
    logits: Tensor<2>,
    expected: &Value,
) {
    let loss = CrossEntropy::new(0.0, None).unwrap();
    let loss = loss.forward(logits, &[1, 7]).unwrap();
    let gradients = Gradients::of(model, &loss).unwrap();
    let mut names: Vec<&str> = gradients.names().collect();
    names.sort_unstable();
    let expected = numbers(expected);
    assert_eq!(
        2 * names.len(),
        expected.len(),
        "{name}: parameters with a gradient"
    );
    let largest = expected.iter().step_by(2).fold(0f64, |m, v| m.max(*v));
    let error = |(parameter, expected): (&str, &[f64])| {
        let gradient = gradients.get(parameter).unwrap().clone().into_data();
        let gradient = gradient.try_to_vec::<f32>().unwrap();
        let squares = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
        let weights = uniform(&format!("gradient of {parameter}"), gradient.len());
        let products = gradient.iter().zip(weights).map(|(g, w)| f64::from(*g) * w);
        let [norm, product] = [expected[0], expected[1]];
        let error = (squares.sqrt() - norm)
            .abs()
            .max((products.sum::<f64>() - product).abs());
        // A bias that the next norm takes away, or that shifts all scores of an attention, has a
        // gradient of 0 but for rounding.
        let scale = if norm < 1e-9 * largest { largest } else { norm };
        let error = error / scale;
        (
            if error.is_nan() { f64::INFINITY } else { error },
            parameter.to_owned(),
        )
    };
    let mut errors: Vec<_> = names
        .into_iter()
        .zip(expected.chunks(2))
        .map(error)
        .collect();
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    let median = errors[errors.len() / 2].0;
    let (worst, at) = &errors[errors.len() - 1];
    println!("{name}, {mode}: gradients {median:.1e} in the median, at most {worst:.1e} (`{at}`)");
    assert!(
        median <= MEDIAN_GRADIENT,
        "{name}, {mode}: gradients differ by {median:e}"
    );
    assert!(
        *worst <= ANY_GRADIENT,
        "{name}, {mode}: that of `{at}` differs by {worst:e}"
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

#[test]
fn feature_pyramid() {
    let fixture = fixture();
    let expected = &fixture["pyramid"];
    let device = onggi_ops::testing::device();
    let rng = &mut init::generator(1);
    let pyramid = FeaturePyramid::new(&[8, 16, 24], 12, rng, &device).unwrap();
    let mut state = state::collect(&pyramid);
    let names: Vec<&str> = state.keys().map(String::as_str).collect();
    assert_eq!(serde_json::json!(names), expected["names"]);
    for (name, tensor) in &mut state {
        fill(name, tensor);
    }
    let pyramid = state::load(pyramid, state).unwrap();
    let shapes = expected["shapes"].as_array().unwrap().iter().enumerate();
    let map = |(i, shape): (usize, &Value)| {
        let shape: Vec<usize> = numbers(shape).iter().map(|size| *size as usize).collect();
        let values = uniform(&format!("map {i}"), shape.iter().product());
        let values: Vec<f32> = values.into_iter().map(|u| u as f32).collect();
        Tensor::<4>::from_data(TensorData::new(values, shape), &device)
    };
    let maps = pyramid.forward(shapes.map(map).collect()).unwrap();
    let expected = numbers(&expected["maps"]);
    assert_eq!(2 * maps.len(), expected.len());
    for ((i, map), expected) in maps.iter().enumerate().zip(expected.chunks(2)) {
        let map = values(map);
        let norm = map
            .iter()
            .map(|x| f64::from(*x).powi(2))
            .sum::<f64>()
            .sqrt();
        let weights = uniform(&format!("pyramid {i}"), map.len());
        let product: f64 = map
            .iter()
            .zip(weights)
            .map(|(x, w)| f64::from(*x) * w)
            .sum();
        let error = (norm - expected[0])
            .abs()
            .max((product - expected[1]).abs())
            / expected[0];
        println!("feature pyramid: map {i} {error:.1e}");
        assert!(error <= LOGITS, "map {i} differs by {error:e}");
    }
}
