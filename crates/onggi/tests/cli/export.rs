//! `onggi export`.
//!
//! What an ONNX file computes is compared with `onggi predict` where `ONGGI_TEST_PYTHON` names a Python
//! with onnx and onnxruntime.

use crate::Place;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What onnxruntime makes of a file and the bytes of its input; says so where there is none.
fn onnxruntime(file: &Path, input: &[u8]) -> Option<Value> {
    let Ok(python) = std::env::var("ONGGI_TEST_PYTHON") else {
        eprintln!("skipped: ONGGI_TEST_PYTHON names no Python with onnx and onnxruntime");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/peers/onnx_check.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "onnxruntime refuses the file");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The probability of the class that `onggi predict` gives, beside that of the same class in `answer`.
fn compare(answer: &Value, predictions: &Value, classes: &[&str]) {
    let predictions = predictions["predictions"].as_array().unwrap();
    for (i, prediction) in predictions.iter().enumerate() {
        let class = classes
            .iter()
            .position(|class| prediction["class"] == *class);
        let ours = prediction["probability"].as_f64().unwrap();
        for level in ["none", "all"] {
            let row = &answer[level]["probabilities"][i];
            let theirs = row[class.unwrap()].as_f64().unwrap();
            assert!((ours - theirs).abs() < 1e-4, "{i}: {ours} {theirs}");
        }
    }
}

#[test]
fn an_image_model_becomes_onnx() {
    let place = Place::with_image_run();
    let answer = place.run(&["export", "r", "--format", "onnx"]).good();
    let size = place.bytes("r.onnx").len();
    let lines: Vec<_> = answer.stdout.lines().collect();
    assert_eq!(lines[0], "r.onnx");
    assert!(lines[1].starts_with("small_resnet, "), "{lines:?}");
    let words = "bytes: `images` (N, 3, 12, 12) to `logits` and `probabilities` (N, 2)";
    assert!(lines[1].ends_with(words), "{lines:?}");

    let args = [
        "export", "r", "--format", "onnx", "--out", "m/a.onnx", "--json",
    ];
    fs::create_dir(place.path("m")).unwrap();
    let json = place.run(&args).good().json();
    let expected = json!({
        "export": "m/a.onnx", "format": "onnx", "model": "small_resnet", "bytes": size,
        "input": { "name": "images", "shape": [3, 12, 12] }, "classes": 2,
    });
    assert_eq!(json, expected);
    assert!(
        place.bytes("m/a.onnx") == place.bytes("r.onnx"),
        "the same each time"
    );

    // Of the size that the model takes, so that nothing is resized.
    let picture = image::load_from_memory(&crate::picture(0, 3))
        .unwrap()
        .to_rgb8();
    place.file("new.png", crate::picture(0, 3));
    let value = |c: usize, i: usize| f32::from(picture.as_raw()[i * 3 + c]) / 255.0;
    let planes = (0..3).flat_map(|c| (0..144).map(move |i| (c, i)));
    let bytes: Vec<u8> = planes
        .flat_map(|(c, i)| value(c, i).to_le_bytes())
        .collect();
    let Some(answer) = onnxruntime(&place.path("r.onnx"), &bytes) else {
        return;
    };
    let predictions = place
        .run(&["predict", "r", "new.png", "--json"])
        .good()
        .json();
    compare(&answer, &predictions, &["blue", "red"]);
    let metadata = |key: &str| -> Value {
        serde_json::from_str(answer["metadata"][key].as_str().unwrap()).unwrap()
    };
    assert_eq!(metadata("labels"), json!(["blue", "red"]));
    let preprocessing = metadata("preprocessing");
    assert_eq!(preprocessing["standardised_in_graph"], true);
    assert_eq!(preprocessing["channels"], "RGB");
    assert_eq!(
        [&preprocessing["height"], &preprocessing["width"]],
        [12, 12]
    );
}

#[test]
fn a_table_model_becomes_onnx() {
    let place = Place::with_table_run();
    let args = ["export", "r", "--format", "onnx", "--json"];
    let json = place.run(&args).good().json();
    assert_eq!(json["input"], json!({ "name": "rows", "shape": [2] }));
    place.file("new.csv", "a,b\n1,2.5\n,7\n9,\n3,12.5\n");
    let rows = [1.0, 2.5, f64::NAN, 7.0, 9.0, f64::NAN, 3.0, 12.5];
    let bytes: Vec<u8> = rows.iter().flat_map(|v| v.to_le_bytes()).collect();
    let Some(answer) = onnxruntime(&place.path("r.onnx"), &bytes) else {
        return;
    };
    let predictions = place
        .run(&["predict", "r", "new.csv", "--json"])
        .good()
        .json();
    assert_eq!(predictions["predictions"].as_array().unwrap().len(), 4);
    compare(&answer, &predictions, &["high", "low"]);
    let preprocessing = answer["metadata"]["preprocessing"].as_str().unwrap();
    let preprocessing: Value = serde_json::from_str(preprocessing).unwrap();
    assert_eq!(preprocessing["columns"], json!(["a", "b"]));
    assert_eq!(preprocessing["standardised_in_graph"], true);
}

#[test]
fn weights_are_written_by_pytorchs_names() {
    let place = Place::with_image_run();
    let args = ["export", "r", "--format", "safetensors"];
    let answer = place.run(&args).good();
    assert!(
        answer.stdout.starts_with("r.safetensors\n"),
        "{}",
        answer.stdout
    );
    let bytes = place.bytes("r.safetensors");
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let metadata = &header["__metadata__"];
    assert_eq!(metadata["format"], "pt");
    assert_eq!(metadata["model"], "small_resnet");
    assert_eq!(metadata["labels"], r#"["blue","red"]"#);
    let preprocessing = metadata["preprocessing"].as_str().unwrap();
    let preprocessing: Value = serde_json::from_str(preprocessing).unwrap();
    assert_eq!(preprocessing["standardised_in_graph"], false);
    assert_eq!(preprocessing["mean"].as_array().unwrap().len(), 3);
    assert_eq!(header["conv1.weight"]["shape"], json!([32, 3, 3, 3]));
    assert_eq!(header["fc.bias"]["dtype"], "F32");
    let counter = &header["bn1.num_batches_tracked"];
    assert_eq!(
        (&counter["dtype"], &counter["shape"]),
        (&json!("I64"), &json!([]))
    );
}

#[test]
fn what_cannot_be_exported_is_said_and_nothing_is_written() {
    let place = Place::with_table_run();
    let export = |args: &[&str], code, words: &str| {
        place.run(&[&["export"], args].concat()).bad(code, words);
    };
    export(&["r"], 2, "required arguments were not provided");
    export(&["r", "--format", "pmml"], 2, "pmml");
    export(&["nowhere", "--format", "onnx"], 1, "nowhere");
    assert!(!place.path("nowhere.onnx").exists());

    place.file("r.onnx", "mine");
    let words = "r.onnx: is there already; take another name with --out, or --force";
    export(&["r", "--format", "onnx"], 1, words);
    assert_eq!(place.bytes("r.onnx"), b"mine");
    let forced = ["export", "r", "--format", "onnx", "--force"];
    place.run(&forced).good();
    assert_ne!(place.bytes("r.onnx"), b"mine");

    let absent = ["r", "--format", "onnx", "--out", "absent/m.onnx"];
    export(&absent, 1, "absent/m.onnx");
    let whole = place.bytes("r/best.safetensors");
    place.file("r/best.safetensors", &whole[..whole.len() / 2]);
    let damaged = ["r", "--format", "safetensors"];
    export(&damaged, 1, "best.safetensors");
    assert!(!place.path("r.safetensors").exists());
}
