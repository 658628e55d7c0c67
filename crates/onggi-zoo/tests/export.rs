//! ONNX files: each is read back by an independent reader of protocol buffers and looked through, and,
//! where `ONGGI_TEST_PYTHON` names a Python with onnx and onnxruntime, run there beside the model.

mod everything;
mod proto;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use everything::Everything;
use onggi_nn::{Classifier, Mode, init, state};
use onggi_zoo::onnx::{self, Columns, Images};
use onggi_zoo::{
    Backbone, IMAGE_MODELS, ImageModel, ModelOptions, NormKind, TABLE_MODELS, TableModel, ZooError,
};
use proto::fields;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const NORMS: [NormKind; 3] = [NormKind::Batch, NormKind::Group, NormKind::None];
/// The norms that a model is tried with: large ones with their own.
fn norms(model: &str) -> &'static [NormKind] {
    match model {
        "small_resnet" | "efficientnet_lite0" => &NORMS,
        _ => &NORMS[..1],
    }
}

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// A number in `[0, 1)` of a place.
fn hash(place: usize) -> f32 {
    let mixed = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1 << 24) as f32
}

/// The model with norms that do something and weights that keep the size of what they are given, as if it
/// were trained: an input can be told from the logits.
fn trained<M: Module>(model: M) -> M {
    let mut state = state::collect(&model);
    for (place, (name, tensor)) in state.iter_mut().enumerate() {
        let [low, high] = match name.rsplit('.').next() {
            Some("running_var") => [0.5, 1.5],
            Some("running_mean" | "bias") => [-0.3, 0.3],
            Some("weight") if tensor.shape.len() == 1 => [0.5, 1.5],
            Some("weight") => {
                let fan_in: usize = tensor.shape[1..].iter().product();
                let bound = (6.0 / fan_in as f32).sqrt();
                [-bound, bound]
            }
            _ => continue,
        };
        for (i, value) in tensor.values.iter_mut().enumerate() {
            *value = low + (high - low) * hash(place * 1_000_003 + i);
        }
    }
    state::load(model, state).unwrap()
}

/// The model called `name`; `None` for one that has no norms to be replaced.
fn image_model(name: &str, channels: usize, norm: NormKind) -> Option<ImageModel> {
    let options = ModelOptions {
        norm,
        dropout: 0.2,
        ..ModelOptions::new(5)
    };
    let rng = &mut init::generator(7);
    match ImageModel::build(name, channels, &options, rng, &Device::flex()) {
        Ok(model) => Some(trained(model)),
        Err(error) => {
            assert_ne!(norm, NormKind::Batch, "{name}: {error}");
            None
        }
    }
}

fn image_file(model: &ImageModel, shape: [usize; 3]) -> Vec<u8> {
    try_image_file(model, shape).unwrap()
}

fn try_image_file(model: &ImageModel, shape: [usize; 3]) -> Result<Vec<u8>, ZooError> {
    let channels = shape[0];
    let input = Images {
        shape,
        mean: &MEAN[..channels],
        std: &STD[..channels],
    };
    let labels = ("labels", r#"["a","b","c","d","e"]"#.to_owned());
    onnx::image_model(model, &input, "a model", &[labels])
}

/// Models of tokens, which are not written as ONNX yet.
fn of_tokens(name: &str) -> bool {
    name.starts_with("vit") || name.starts_with("convnext") || name.starts_with("deit")
}

/// What a file says of a tensor: element and sizes, −1 for the open axis.
type Declared = (u64, Vec<i64>);

fn declared(value: &[u8]) -> (String, Declared) {
    let value = fields(value);
    let kind = value.message(2).message(1);
    let size = |axis: proto::Message| match axis.has(2) {
        true => {
            assert_eq!(axis.text(2), "N");
            -1
        }
        false => axis.int(1) as i64,
    };
    let shape = kind.message(2).messages(1).map(size).collect();
    (value.text(1), (kind.int(1), shape))
}

/// What must hold of every file: all that a node takes was there before, constants are as long as their
/// shapes say, each node's output is declared once, and the names are unique. Returns nodes by operator.
fn look_through(file: &[u8], classes: i64) -> BTreeMap<String, usize> {
    let model = fields(file);
    assert_eq!(model.int(1), 8);
    assert_eq!(
        (model.text(2).as_str(), model.text(3).is_empty()),
        ("onggi", false)
    );
    assert_eq!(model.message(8).int(2), 17);
    let graph = model.message(7);
    let mut known: BTreeMap<String, Declared> = BTreeMap::new();
    for constant in graph.messages(5) {
        let shape: Vec<i64> = constant.ints(1).map(|size| size as i64).collect();
        let width = match constant.int(2) {
            1 => 4,
            7 | 11 => 8,
            other => panic!("element {other}"),
        };
        let length = shape.iter().product::<i64>() as usize * width;
        assert_eq!(constant.bytes(9).len(), length, "{}", constant.text(8));
        let before = known.insert(constant.text(8), (constant.int(2), shape));
        assert_eq!(before, None, "{}", constant.text(8));
    }
    for input in graph.every(11) {
        let (name, value) = declared(input);
        assert_eq!(known.insert(name, value), None);
    }
    let mut promised: BTreeMap<String, Declared> = BTreeMap::new();
    for value in graph.every(12).chain(graph.every(13)) {
        let (name, value) = declared(value);
        assert_eq!(promised.insert(name.clone(), value), None, "{name}");
    }
    let mut ops = BTreeMap::new();
    for node in graph.messages(1) {
        for input in node.texts(1) {
            assert!(known.contains_key(&input), "{input} comes later or never");
        }
        let output = node.text(2);
        let value = promised.remove(&output).expect("declared");
        assert_eq!(value.1[0], -1, "{output}: the batch is open");
        assert!(value.1[1..].iter().all(|&size| size > 0), "{output}");
        if node.text(4) == "Conv" {
            let inputs: Vec<_> = node.texts(1).collect();
            let weight = &known[&inputs[1]].1;
            assert_eq!(weight[0], value.1[1], "{output}");
            if let Some(bias) = inputs.get(2) {
                assert_eq!(known[bias].1, [weight[0]], "{output}");
            }
        }
        assert_eq!(known.insert(output, value), None);
        *ops.entry(node.text(4)).or_insert(0) += 1;
    }
    assert!(promised.is_empty(), "{promised:?}");
    for output in ["logits", "probabilities"] {
        assert_eq!(known[output], (1, vec![-1, classes]));
    }
    ops
}

#[test]
fn every_image_model_gives_a_sound_graph() {
    for row in IMAGE_MODELS {
        let side = row.pretrained.map_or(28, |pretrained| pretrained.size);
        for &norm in norms(row.name) {
            let Some(model) = image_model(row.name, 3, norm) else {
                continue;
            };
            if of_tokens(row.name) {
                let refused = try_image_file(&model, [3, side, side])
                    .unwrap_err()
                    .to_string();
                assert!(
                    refused.contains("ask for safetensors"),
                    "{}: {refused}",
                    row.name
                );
                continue;
            }
            let ops = look_through(&image_file(&model, [3, side, side]), 5);
            let normalised = ops.contains_key("InstanceNormalization");
            assert_eq!(normalised, norm == NormKind::Group, "{}: {ops:?}", row.name);
            assert!(!ops.contains_key("BatchNormalization"), "{ops:?}");
        }
    }
}

#[test]
fn the_file_is_the_same_each_time() {
    let file = || {
        image_file(
            &image_model("small_resnet", 3, NormKind::Group).unwrap(),
            [3, 20, 12],
        )
    };
    assert!(file() == file());
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = image_model("small_resnet", 3, NormKind::Batch).unwrap();
    let refusal = |shape, mean: &[f32]| {
        let std = &STD;
        let input = Images { shape, mean, std };
        onnx::image_model(&model, &input, "m", &[])
            .unwrap_err()
            .to_string()
    };
    let words = "images: `mean` must be 3 numbers, but is 1 numbers";
    assert_eq!(refusal([3, 8, 8], &[0.5]), words);
    let words = refusal([3, 0, 8], &MEAN);
    assert!(words.contains("its shape is [1, 3, 0, 8]"), "{words}");
    let words = onnx::image_model(
        &model,
        &Images {
            shape: [1, 8, 8],
            mean: &[0.5],
            std: &[0.5],
        },
        "m",
        &[],
    );
    let words = words.unwrap_err().to_string();
    assert!(words.contains("(N, 3, H, W)"), "{words}");
}

/// A Python with onnx and onnxruntime; says so where there is none.
fn python() -> Option<String> {
    let python = std::env::var("ONGGI_TEST_PYTHON").ok();
    if python.is_none() {
        eprintln!("skipped: ONGGI_TEST_PYTHON names no Python with onnx and onnxruntime");
    }
    python
}

/// What onnxruntime makes of a file and the bytes of its input.
fn run(python: &str, file: &[u8], input: &[u8]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/peers/onnx_check.py");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.onnx");
    std::fs::write(&path, file).unwrap();
    let mut child = Command::new(python)
        .arg(script)
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "onnxruntime refuses the file");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Largest difference of onnxruntime's logits and probabilities from ours, as a part of the largest.
fn difference(answer: &Value, logits: Tensor<2>) -> f64 {
    let [n, classes] = logits.dims();
    let probabilities = burn::tensor::activation::softmax(logits.clone(), 1);
    let ours = [("logits", logits), ("probabilities", probabilities)];
    let mut largest = 0.0f64;
    for level in ["none", "all"] {
        for (name, ours) in &ours {
            let ours: Vec<f64> = ours.clone().into_data().iter::<f64>().collect();
            let rows: Vec<Vec<f64>> = serde_json::from_value(answer[level][name].clone()).unwrap();
            assert_eq!((rows.len(), rows[0].len()), (n, classes));
            let scale = ours.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
            // Of large logits the probabilities are all 0 or 1.
            if n > 1 && *name == "logits" {
                let apart = |(i, v): (usize, &f64)| (v - ours[i % classes]).abs() / scale;
                let apart = ours.iter().enumerate().map(apart).fold(0.0, f64::max);
                assert!(apart > 0.01, "{name} hang on the input: {apart}");
            }
            for (a, b) in rows.iter().flatten().zip(&ours) {
                assert!(a.is_finite() && b.is_finite(), "{a} {b}");
                largest = largest.max((a - b).abs() / scale);
            }
        }
    }
    largest
}

#[test]
fn image_models_answer_alike_under_onnxruntime() {
    let Some(python) = python() else { return };
    let device = Device::flex();
    for row in IMAGE_MODELS.iter().filter(|row| !of_tokens(row.name)) {
        for &norm in norms(row.name) {
            let (channels, [h, w]) = match row.pretrained {
                None => (1, [27, 20]),
                Some(pretrained) => (3, [pretrained.size; 2]),
            };
            let Some(model) = image_model(row.name, channels, norm) else {
                continue;
            };
            let file = image_file(&model, [channels, h, w]);
            for n in [1, 3] {
                let size = channels * h * w;
                // Each brighter than the one before.
                let value = |i: usize| hash(i) * (i / size + 1) as f32 / n as f32;
                let x: Vec<f32> = (0..n * size).map(value).collect();
                let bytes: Vec<u8> = x.iter().flat_map(|v| v.to_le_bytes()).collect();
                let answer = run(&python, &file, &bytes);
                let images =
                    Tensor::<4>::from_data(TensorData::new(x, [n, channels, h, w]), &device);
                let constant = |values: &[f32]| {
                    let values = TensorData::new(values[..channels].to_vec(), [1, channels, 1, 1]);
                    Tensor::<4>::from_data(values, &device)
                };
                let images = (images - constant(&MEAN)) / constant(&STD);
                let logits = model.forward(images, &Mode::Eval).unwrap();
                let off = difference(&answer, logits);
                eprintln!("{} {norm:?} N={n}: {off:.1e}", row.name);
                assert!(off <= 1e-4, "{} {norm:?}: {off}", row.name);
                assert_eq!(answer["metadata"]["labels"], r#"["a","b","c","d","e"]"#);
            }
        }
    }
}

#[test]
fn every_operation_answers_alike_under_onnxruntime() {
    let model = trained(Everything::new());
    let device = Device::flex();
    for [h, w] in [[13, 17], [14, 12], [12, 15]] {
        let input = Images {
            shape: [2, h, w],
            mean: &[0.0; 2],
            std: &[1.0; 2],
        };
        let file = onnx::image_model(&model, &input, "everything", &[]).unwrap();
        let ops = look_through(&file, 5);
        assert!(ops.len() > 20, "{ops:?}");
        let Some(python) = python() else { continue };
        let value = |i: usize| hash(i) * (i / (2 * h * w) + 1) as f32;
        let x: Vec<f32> = (0..3 * 2 * h * w).map(value).collect();
        let bytes: Vec<u8> = x.iter().flat_map(|v| v.to_le_bytes()).collect();
        let images = Tensor::<4>::from_data(TensorData::new(x, [3, 2, h, w]), &device);
        let features = model.pooled(images, &Mode::Eval).unwrap();
        let mut probe = init::Probe::off();
        let mut pass = onggi_zoo::pass::Eager::new(&Mode::Eval, &mut probe);
        let logits = model.head(&mut pass, features).unwrap();
        let off = difference(&run(&python, &file, &bytes), logits);
        eprintln!("everything {h}×{w}: {off:.1e}");
        assert!(off <= 1e-4, "{off}");
    }
}

/// Columns whose values differ little from each other beside their size, which 32 bits would lose.
#[test]
fn table_models_answer_alike_under_onnxruntime() {
    let device = Device::flex();
    let columns = Columns {
        medians: &[1e9, -0.5, 3.0],
        means: &[1e9 + 2.0, 0.25, 3.5],
        stds: &[1.5, 1e-3, 40.0],
    };
    let refusal = Columns {
        stds: &[1.0],
        ..columns
    };
    for row in TABLE_MODELS {
        for norm in NORMS {
            let options = ModelOptions {
                norm,
                ..ModelOptions::new(5)
            };
            let rng = &mut init::generator(7);
            let model = TableModel::build(row.name, 3, &options, rng, &device).unwrap();
            let model = trained(model);
            let error = onnx::table_model(&model, &refusal, "m", &[]).unwrap_err();
            let words = "rows: `stds` must be 3 numbers, but is 1 numbers";
            assert_eq!(error.to_string(), words);
            let file = onnx::table_model(&model, &columns, row.name, &[]).unwrap();
            look_through(&file, 5);
            let Some(python) = python() else { continue };
            for n in [1, 3, 40] {
                let value = |i: usize| {
                    let k = i % 3;
                    let spread = f64::from(hash(i)) * 4.0 - 2.0;
                    let missing = i % 5 == 4;
                    let x = columns.means[k] + spread * columns.stds[k];
                    if missing { f64::NAN } else { x }
                };
                let x: Vec<f64> = (0..n * 3).map(value).collect();
                let fed = x.iter().enumerate().map(|(i, &v)| {
                    let k = i % 3;
                    let v = if v.is_nan() { columns.medians[k] } else { v };
                    ((v - columns.means[k]) / columns.stds[k]) as f32
                });
                let fed: Vec<f32> = fed.collect();
                let fed = Tensor::<2>::from_data(TensorData::new(fed, [n, 3]), &device);
                let bytes: Vec<u8> = x.iter().flat_map(|v| v.to_le_bytes()).collect();
                let logits = model.forward(fed, &Mode::Eval).unwrap();
                let off = difference(&run(&python, &file, &bytes), logits);
                eprintln!("{} {norm:?} N={n}: {off:.1e}", row.name);
                assert!(off <= 1e-4, "{} {norm:?}: {off}", row.name);
            }
        }
    }
}
