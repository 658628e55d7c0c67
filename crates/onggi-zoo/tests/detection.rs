//! Mask R-CNN and its parts against torchvision, with weights by a formula
//! (`fixtures/detection/make.py`, which says what each entry is).
//!
//! The reference was computed in `f64`, so all of the difference is this side's.

mod formula;

use burn::tensor::Device;
use formula::{fnv1a, numbers, uniform};
use onggi_nn::state::{StateDict, StateTensor};
use onggi_zoo::detection::boxes::{Xyxy, clipped, decode};
use onggi_zoo::detection::nms::{Candidate, nms};
use onggi_zoo::detection::roi_align::{Level, level_of, roi_align};
use onggi_zoo::detection::{Detection, Mask, MaskRcnn, MaskRcnnSettings, anchors};
use serde_json::Value;
use std::sync::LazyLock;

static FIXTURE: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/detection/detection.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

fn sizes<const N: usize>(value: &Value) -> [usize; N] {
    let sizes: Vec<usize> = numbers(value).iter().map(|v| *v as usize).collect();
    sizes.try_into().unwrap()
}

/// Corners at random, sides between `least` and `most`.
fn random_boxes(name: &str, count: usize, [extent, least, most]: [f64; 3]) -> Vec<Xyxy> {
    let numbers = uniform(name, 4 * count);
    let boxed = |u: &[f64]| {
        let [x, y, w, h] = std::array::from_fn(|i| (u[i] + 1.0) / 2.0);
        let (x, y) = (x * extent, y * extent);
        let far = |low: f64, u: f64| (low + least + u * (most - least)) as f32;
        [x as f32, y as f32, far(x, w), far(y, h)]
    };
    numbers.chunks_exact(4).map(boxed).collect()
}

/// Holds `|got − expected| ≤ tolerance · (1 + |expected|)` for each.
fn close(what: &str, got: impl IntoIterator<Item = f64>, expected: &[f64], tolerance: f64) {
    let got: Vec<f64> = got.into_iter().collect();
    assert_eq!(got.len(), expected.len(), "{what}");
    let error = |(got, expected): (&f64, &f64)| (got - expected).abs() / (1.0 + expected.abs());
    let errors = got.iter().zip(expected).map(error);
    // NaN is the worst.
    let worst = errors
        .enumerate()
        .fold((0, 0.0), |worst, (i, e)| match e <= worst.1 {
            true => worst,
            false => (i, e),
        });
    println!("{what}: {:.1e}", worst.1);
    let (at, worst) = worst;
    assert!(
        worst <= tolerance,
        "{what}: {} at {at} must be {}",
        got[at],
        expected[at]
    );
}

fn wide(values: &[f32]) -> impl Iterator<Item = f64> {
    values.iter().map(|v| f64::from(*v))
}

#[test]
fn anchors_are_torchvisions() {
    let expected = &FIXTURE["anchors"];
    let padded = sizes(&expected["padded"]);
    let grids = expected["grids"].as_array().unwrap();
    let levels = expected["levels"].as_array().unwrap();
    for (i, (grid, level)) in grids.iter().zip(levels).enumerate() {
        let anchors = anchors::level(anchors::SIZES[i], padded, sizes(grid));
        let flat = anchors.as_flattened();
        let weights = uniform(&format!("anchors {i}"), flat.len());
        let product: f64 = wide(flat).zip(weights).map(|(a, w)| a * w).sum();
        let mut got = vec![anchors.len() as f64, product];
        got.extend(wide(&anchors[0]).chain(wide(&anchors[anchors.len() - 1])));
        close(&format!("anchors {i}"), got, &numbers(level), 1e-9);
    }
}

#[test]
fn codes_are_decoded() {
    let boxes = random_boxes("decode boxes", 40, [100.0, 4.0, 50.0]);
    let codes = uniform("decode codes", 160);
    let weights = [10.0, 10.0, 5.0, 5.0];
    let decoded = boxes
        .iter()
        .zip(codes.chunks_exact(4))
        .flat_map(|(bbox, code)| {
            let code = std::array::from_fn(|i| (code[i] * 4.0 * f64::from(weights[i])) as f32);
            decode(code, weights, *bbox)
        });
    let expected = numbers(&FIXTURE["decode"]);
    close("decode", decoded.map(f64::from), &expected, 2e-6);
}

#[test]
fn the_same_boxes_stay() {
    let boxes = random_boxes("nms boxes", 200, [100.0, 4.0, 50.0]);
    let (scores, classes) = (uniform("nms scores", 200), uniform("nms classes", 200));
    let candidate = |i: usize| Candidate {
        bbox: boxes[i],
        score: scores[i] as f32,
        class: (classes[i] * 1.5 + 1.5) as usize,
    };
    let candidates: Vec<Candidate> = (0..200).map(candidate).collect();
    for (threshold, expected) in FIXTURE["nms"].as_object().unwrap() {
        let kept = nms(&candidates, threshold.parse().unwrap());
        assert_eq!(serde_json::json!(kept), *expected, "{threshold}");
    }
}

#[test]
fn regions_are_aligned() {
    let boxes = random_boxes("regions", 12, [150.0, 0.5, 120.0]);
    let values: Vec<f32> = uniform("map", 3 * 24 * 30)
        .iter()
        .map(|v| *v as f32)
        .collect();
    let level = Level {
        values: &values,
        shape: [3, 24, 30],
        scale: 0.25,
    };
    let mut out = vec![f32::NAN; 12 * 147];
    for (bbox, out) in boxes.iter().zip(out.chunks_exact_mut(147)) {
        roi_align(level, bbox.map(|edge| edge - 30.0), 7, out);
    }
    close(
        "roi_align",
        wide(&out),
        &numbers(&FIXTURE["roi_align"]),
        5e-6,
    );
}

#[test]
fn regions_belong_to_levels() {
    let boxes = random_boxes("level boxes", 64, [10.0, 5.0, 1500.0]);
    let levels: Vec<usize> = boxes.iter().map(|bbox| level_of(*bbox, 4)).collect();
    assert_eq!(serde_json::json!(levels), FIXTURE["levels"]);
}

#[test]
fn masks_are_pasted() {
    let expected = &FIXTURE["paste"];
    let boxes = random_boxes("paste boxes", 4, [20.0, 0.5, 60.0]);
    let cells: Vec<f32> = uniform("paste masks", 4 * 784)
        .iter()
        .map(|u| ((u + 1.0) / 2.0) as f32)
        .collect();
    for (i, (bbox, cells)) in boxes.into_iter().zip(cells.chunks_exact(784)).enumerate() {
        let bbox = clipped(bbox, [40, 50]);
        let whole = Mask::new(cells.to_vec(), bbox, [40, 50]).unwrap().paste();
        let rows = whole.chunks_exact(50).map(|row| wide(row).sum());
        let columns = (0..50).map(|x| wide(&whole).skip(x).step_by(50).sum());
        close(
            &format!("mask {i}, rows"),
            rows,
            &numbers(&expected["rows"][i]),
            1e-5,
        );
        close(
            &format!("mask {i}, columns"),
            columns,
            &numbers(&expected["columns"][i]),
            1e-5,
        );
    }
}

/// The state dict that the reference's model has: names from this side's, before the batch
/// normalisations were folded.
fn state(model: &MaskRcnn) -> StateDict {
    let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
    for (name, tensor) in onggi_nn::state::collect(model) {
        let Some(conv) = name.strip_prefix("backbone.body.") else {
            shapes.push((name, tensor.shape));
            continue;
        };
        let Some(conv) = conv.strip_suffix(".bias") else {
            shapes.push((name, tensor.shape));
            continue;
        };
        let norm = match conv.strip_suffix("downsample.0") {
            Some(block) => format!("{block}downsample.1"),
            None => conv.replace("conv", "bn"),
        };
        for leaf in ["weight", "bias", "running_mean", "running_var"] {
            shapes.push((format!("backbone.body.{norm}.{leaf}"), tensor.shape.clone()));
        }
    }
    let filled = shapes.into_iter().map(|(name, shape)| {
        let values = fill(&name, &shape);
        (name, StateTensor { shape, values })
    });
    filled.collect()
}

/// The values of a tensor of the state dict.
fn fill(name: &str, shape: &[usize]) -> Vec<f32> {
    let fan_in: usize = shape.iter().skip(1).product();
    let scale = (6.0 / fan_in as f64).sqrt();
    let scales = FIXTURE["scales"].as_array().unwrap().iter();
    let mut fitting = scales.filter(|pair| name.ends_with(pair[0].as_str().unwrap()));
    let factor = fitting.next().map_or(1.0, |pair| pair[1].as_f64().unwrap());
    let weight = name.ends_with(".weight");
    let value = |u: f64| match () {
        () if weight && shape.len() > 1 => u * scale,
        () if weight || name.ends_with("running_var") => 1.0 + 0.5 * u,
        () => u * 0.3,
    };
    let numbers = uniform(name, shape.iter().product());
    numbers
        .into_iter()
        .map(|u| (value(u) * factor) as f32)
        .collect()
}

fn model() -> (MaskRcnn, StateDict) {
    let [before, after] = sizes(&FIXTURE["proposals"]);
    let settings = MaskRcnnSettings {
        min_size: FIXTURE["min_size"].as_u64().unwrap() as usize,
        rpn_pre_nms_top_n: before,
        rpn_post_nms_top_n: after,
        ..MaskRcnnSettings::new(FIXTURE["classes"].as_u64().unwrap() as usize)
    };
    let model = MaskRcnn::new(settings, &Device::flex()).unwrap();
    let state = state(&model);
    (model, state)
}

fn photo([height, width]: [usize; 2]) -> Vec<u8> {
    let numbers = uniform("image", height * width * 3);
    numbers.iter().map(|u| ((u + 1.0) * 128.0) as u8).collect()
}

fn compare(found: &[Detection], [height, width]: [usize; 2]) {
    let expected = &FIXTURE["model"];
    let labels: Vec<usize> = found.iter().map(|found| found.label).collect();
    assert_eq!(serde_json::json!(labels), expected["labels"]);
    let scores = found.iter().map(|found| f64::from(found.score));
    close("scores", scores, &numbers(&expected["scores"]), 1e-4);
    let boxes = found.iter().flat_map(|found| found.bbox).map(f64::from);
    // Pixels of an image of 168: an edge at 0 is one that the terms of a box cancel to.
    close("boxes", boxes, &numbers(&expected["boxes"]), 3e-4);
    let (down, along) = (uniform("mask rows", height), uniform("mask columns", width));
    let masks: Vec<Vec<f32>> = found.iter().map(|found| found.mask.paste()).collect();
    let products = masks.iter().map(|mask| {
        let rows = mask.chunks_exact(width).zip(&down);
        let row = |(row, down): (&[f32], &f64)| {
            down * wide(row).zip(&along).map(|(m, a)| m * a).sum::<f64>()
        };
        rows.map(row).sum()
    });
    close("masks", products, &numbers(&expected["masks"]), 1e-3);
    let sums = masks.iter().map(|mask| wide(mask).sum());
    close("sums of masks", sums, &numbers(&expected["sums"]), 1e-4);
}

#[test]
fn the_whole_model_finds_what_torchvisions_finds() {
    let (model, state) = model();
    let mut text = String::new();
    for (name, tensor) in &state {
        let sizes: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
        text.push_str(&format!("{name} {}\n", sizes.join("x")));
    }
    let names = serde_json::json!([state.len(), format!("{:016x}", fnv1a(&text))]);
    assert_eq!(names, FIXTURE["model"]["names"]);
    let size = sizes(&FIXTURE["image"]);
    let model = model.load(state).unwrap();
    let found = model.detect(&photo(size), size).unwrap();
    compare(&found, size);
    // The same bits again.
    assert_eq!(model.detect(&photo(size), size).unwrap(), found);
}

/// The published file has the names of torchvision before 0.13, and a model that was built without
/// weights counts batches.
#[test]
fn older_names_and_counters_load() {
    let (model, state) = model();
    let mut old = StateDict::new();
    for (name, tensor) in state {
        let name = match name.as_str() {
            _ if name.starts_with("rpn.head.conv.0.0.") => name.replace(".0.0.", "."),
            _ if name.starts_with("backbone.fpn.") => name
                .replace(".0.weight", ".weight")
                .replace(".0.bias", ".bias"),
            _ if name.starts_with("roi_heads.mask_head.") => {
                let (place, leaf) = name["roi_heads.mask_head.".len()..]
                    .split_once(".0.")
                    .unwrap();
                let place: usize = place.parse().unwrap();
                format!("roi_heads.mask_head.mask_fcn{}.{leaf}", place + 1)
            }
            _ => name,
        };
        old.insert(name, tensor);
    }
    let counter = StateTensor {
        shape: vec![],
        values: vec![7.0],
    };
    old.insert("backbone.body.bn1.num_batches_tracked".into(), counter);
    let size = sizes(&FIXTURE["image"]);
    let found = model.load(old).unwrap().detect(&photo(size), size).unwrap();
    compare(&found, size);
}

#[test]
fn weights_that_do_not_fit_are_all_named() {
    let (model, mut state) = model();
    state.remove("backbone.body.layer1.0.bn2.running_var");
    state.remove("rpn.head.cls_logits.bias");
    state.insert(
        "backbone.body.fc.weight".into(),
        StateTensor {
            shape: vec![1],
            values: vec![0.0],
        },
    );
    let score = state
        .get_mut("roi_heads.box_predictor.cls_score.weight")
        .unwrap();
    score.shape = vec![1, 7 * 1024];
    let norm = state.get_mut("backbone.body.bn1.weight").unwrap();
    (norm.shape, norm.values) = (vec![2], vec![1.0; 2]);
    let error = model.load(state).unwrap_err().to_string();
    let expected = [
        "the weights do not fit the model: `backbone.body.bn1.weight` has shape [2], not [64]",
        "`backbone.body.layer1.0.bn2.running_var` is missing",
        "`rpn.head.cls_logits.bias` is missing",
        "`roi_heads.box_predictor.cls_score.weight` has shape [1, 7168], not [7, 1024]",
        "`backbone.body.fc.weight` is not the model's",
    ];
    assert_eq!(error, expected.join("; "));
}

#[test]
fn images_of_any_shape_and_weights_of_any_kind_do_no_harm() {
    let (model, state) = model();
    let small = MaskRcnnSettings {
        min_size: 32,
        max_size: 64,
        ..*model.settings()
    };
    let device = Device::flex();
    let model = MaskRcnn::new(small, &device)
        .unwrap()
        .load(state.clone())
        .unwrap();
    for [height, width] in [[1, 1], [1, 500], [300, 2], [33, 31]] {
        for found in model
            .detect(&photo([height, width]), [height, width])
            .unwrap()
        {
            let [x1, y1, x2, y2] = found.bbox;
            assert!(
                0.0 <= x1 && x1 < x2 && x2 <= width as f32 * 1.000_01,
                "{found:?}"
            );
            assert!(
                0.0 <= y1 && y1 < y2 && y2 <= height as f32 * 1.000_01,
                "{found:?}"
            );
            assert!((1..7).contains(&found.label) && found.score > 0.05);
            assert_eq!(found.mask.paste().len(), height * width);
        }
    }
    // 100 megapixels, of which the network sees 64 × 64.
    let found = model
        .detect(&vec![90; 300_000_000], [10_000, 10_000])
        .unwrap();
    let patch = found.first().map(|found| found.mask.patch());
    assert!(patch.is_none_or(|patch| patch.width <= 10_000));
    for (bytes, size) in [(0, [0, 5]), (10, [2, 2]), (12, [usize::MAX, 3])] {
        let error = model.detect(&vec![0; bytes], size).unwrap_err().to_string();
        assert!(error.contains("MaskRcnn: the input must be"), "{error}");
    }
    for broken in [f32::NAN, f32::INFINITY, -1e38] {
        let mut state = state.clone();
        for tensor in state.values_mut() {
            tensor
                .values
                .iter_mut()
                .step_by(1001)
                .for_each(|v| *v = broken);
        }
        let model = MaskRcnn::new(small, &device).unwrap().load(state).unwrap();
        for found in model.detect(&photo([40, 50]), [40, 50]).unwrap() {
            assert!(found.score.is_finite() && found.bbox.iter().all(|v| v.is_finite()));
        }
    }
}
