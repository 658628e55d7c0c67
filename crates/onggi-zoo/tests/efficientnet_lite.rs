//! EfficientNet-Lite0 with its real weights against the reference implementation; the fixture says how it was made.

use burn::tensor::{Device, Tensor, TensorData};
use onggi_nn::{Classifier, Mode, init};
use onggi_zoo::{Backbone, ImageModel, ModelOptions, embedded};
use serde_json::Value;

fn fixture() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/efficientnet_lite0/logits.json"
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
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

/// The largest difference on an input that both sides make by the same formula, relative to the largest logit.
#[test]
fn logits_and_features_equal_the_reference() {
    let device = Device::flex();
    let expected = &fixture()["formula"];
    let values = (0..3 * 224 * 224).map(|i| {
        let i = f64::from(i);
        ((0.37 * i).sin() + (0.011 * i).cos()) as f32
    });
    let data = TensorData::new(values.collect::<Vec<_>>(), [1, 3, 224, 224]);
    let x = Tensor::<4>::from_data(data, &device);
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
