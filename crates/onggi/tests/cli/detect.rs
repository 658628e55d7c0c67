//! `onggi detect`, with weights that know one thing: everything is a cat.

use super::{Place, picture};
use std::fs;
use std::io::{Seek, SeekFrom, Write};

/// 1 and 8 as IEEE half precision.
const ONE: [u8; 2] = 0x3C00u16.to_le_bytes();
const EIGHT: [u8; 2] = 0x4800u16.to_le_bytes();

/// COCO's number of the cat.
const CAT: usize = 17;

/// Names and shapes of torchvision's `maskrcnn_resnet50_fpn` for COCO.
fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut all = Vec::new();
    let mut add = |name: String, shape: &[usize]| all.push((name, shape.to_vec()));
    let norm = |add: &mut dyn FnMut(String, &[usize]), name: &str, channels: usize| {
        for leaf in ["weight", "bias", "running_mean", "running_var"] {
            add(format!("backbone.body.{name}.{leaf}"), &[channels]);
        }
    };
    add("backbone.body.conv1.weight".into(), &[64, 3, 7, 7]);
    norm(&mut add, "bn1", 64);
    let mut inputs = 64;
    for (stage, blocks) in (1..).zip([3, 4, 6, 3]) {
        let planes = 32 << stage;
        let outputs = 4 * planes;
        for block in 0..blocks {
            let at = format!("layer{stage}.{block}");
            let convs = [
                [planes, inputs, 1],
                [planes, planes, 3],
                [outputs, planes, 1],
            ];
            for (i, [to, from, k]) in (1..).zip(convs) {
                add(
                    format!("backbone.body.{at}.conv{i}.weight"),
                    &[to, from, k, k],
                );
                norm(&mut add, &format!("{at}.bn{i}"), to);
            }
            if block == 0 {
                let name = format!("backbone.body.{at}.downsample.0.weight");
                add(name, &[outputs, inputs, 1, 1]);
                norm(&mut add, &format!("{at}.downsample.1"), outputs);
            }
            inputs = outputs;
        }
    }
    let mut layer = |name: String, weight: &[usize], outputs: usize| {
        add(format!("{name}.weight"), weight);
        add(format!("{name}.bias"), &[outputs]);
    };
    for i in 0..4 {
        let from = 256 << i;
        layer(
            format!("backbone.fpn.inner_blocks.{i}.0"),
            &[256, from, 1, 1],
            256,
        );
        layer(
            format!("backbone.fpn.layer_blocks.{i}.0"),
            &[256, 256, 3, 3],
            256,
        );
        layer(format!("roi_heads.mask_head.{i}.0"), &[256, 256, 3, 3], 256);
    }
    for (name, weight) in [
        ("rpn.head.conv.0.0", &[256, 256, 3, 3][..]),
        ("rpn.head.cls_logits", &[3, 256, 1, 1]),
        ("rpn.head.bbox_pred", &[12, 256, 1, 1]),
        ("roi_heads.box_head.fc6", &[1024, 12544]),
        ("roi_heads.box_head.fc7", &[1024, 1024]),
        ("roi_heads.box_predictor.cls_score", &[91, 1024]),
        ("roi_heads.box_predictor.bbox_pred", &[364, 1024]),
        ("roi_heads.mask_predictor.conv5_mask", &[256, 256, 2, 2]),
        ("roi_heads.mask_predictor.mask_fcn_logits", &[91, 256, 1, 1]),
    ] {
        layer(name.into(), weight, weight[0]);
    }
    all
}

/// Zeros but for variances of 1 and the biases of the cat, as half precision: a file of 88 MB, most of
/// it a hole.
fn weights(place: &Place) {
    let (mut header, mut ones, mut eights, mut end) = (serde_json::Map::new(), vec![], vec![], 0);
    for (name, shape) in shapes() {
        let bytes = 2 * shape.iter().product::<usize>();
        if name.ends_with("running_var") {
            ones.push((end, bytes / 2));
        } else if name.ends_with("cls_score.bias") || name.ends_with("mask_fcn_logits.bias") {
            eights.push(end + 2 * CAT);
        }
        let tensor =
            serde_json::json!({"dtype": "F16", "shape": shape, "data_offsets": [end, end + bytes]});
        header.insert(name, tensor);
        end += bytes;
    }
    let header = serde_json::to_vec(&header).unwrap();
    let start = 8 + header.len();
    let mut file = fs::File::create(place.path("cats.safetensors")).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes())
        .unwrap();
    file.write_all(&header).unwrap();
    file.set_len((start + end) as u64).unwrap();
    let mut write = |at: usize, bytes: &[u8]| {
        file.seek(SeekFrom::Start((start + at) as u64)).unwrap();
        file.write_all(bytes).unwrap();
    };
    ones.into_iter()
        .for_each(|(at, count)| write(at, &ONE.repeat(count)));
    eights.into_iter().for_each(|at| write(at, &EIGHT));
}

#[test]
fn things_are_named_and_drawn() {
    let place = Place::new();
    weights(&place);
    place.file("photos/a.png", picture(0, 1));
    place.file("photos/in/b.png", picture(2, 2));
    place.file("photos/broken.png", b"no picture");
    let flags = ["--weights", "cats.safetensors", "--size", "48"];
    let args = [&["detect", "photos", "--out", "drawn"][..], &flags].concat();
    let answer = place.run(&args).bad(1, "broken.png");
    assert!(
        answer.stdout.contains("photos/a.png: "),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.contains("  cat             97.1 %  x 0 to "),
        "{}",
        answer.stdout
    );
    let drawn = image::open(place.path("drawn/in/b.png")).unwrap().to_rgb8();
    assert_eq!(drawn.dimensions(), (12, 12));
    let original = image::open(place.path("photos/in/b.png"))
        .unwrap()
        .to_rgb8();
    assert_ne!(drawn, original);
    let again = place.run(&args);
    again.bad(1, "the folder is not empty");

    let args = [&["detect", "photos/a.png", "--json"][..], &flags].concat();
    let told = place.run(&args).good().json();
    assert_eq!(told["model"], "maskrcnn_resnet50_fpn");
    let photo = &told["photos"][0];
    assert_eq!(
        [&photo["height"], &photo["width"]],
        [&12.into(), &12.into()] as [&serde_json::Value; 2]
    );
    let things = photo["things"].as_array().unwrap();
    assert!(!things.is_empty());
    for thing in things {
        assert_eq!(thing["class"], "cat");
        let edges: Vec<f64> = thing["box"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .collect();
        assert!(
            edges[0] < edges[2]
                && edges[1] < edges[3]
                && edges.iter().all(|v| (0.0..=12.0).contains(v))
        );
        assert!(thing["mask_pixels"].as_u64().unwrap() > 0, "{thing}");
    }
    let args = [&args[..], &["--threshold", "0.99"]].concat();
    let none = place.run(&args).good().json();
    assert_eq!(none["photos"][0]["things"], serde_json::json!([]));
}

#[test]
fn what_cannot_be_done_is_told() {
    let place = Place::new();
    place.file("a.png", picture(0, 1));
    place.file("not.pth", b"hello");
    let header = r#"{"fc.weight":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}"#;
    let mut other = (header.len() as u64).to_le_bytes().to_vec();
    other.extend(header.as_bytes());
    other.extend([0; 2]);
    place.file("other.safetensors", other);
    let run = |args: &[&str]| place.run(&[&["detect"], args].concat());
    run(&["a.png"]).bad(
        2,
        "download https://download.pytorch.org/models/maskrcnn_resnet50_fpn_coco",
    );
    run(&["a.png", "--weights", "not.pth"]).bad(1, "safetensors or a `.pth`");
    run(&["a.png", "--weights", "absent.pth"]).bad(1, "absent.pth");
    let answer = run(&["a.png", "--weights", "other.safetensors"]);
    let answer = answer.bad(1, "`backbone.body.bn1.weight` is missing");
    assert!(answer.stderr.contains(" more like these") && answer.stderr.len() < 1000);
    for (flag, value, words) in [
        (
            "--threshold",
            "1",
            "--threshold must be at least 0 and below 1",
        ),
        ("--threshold", "nan", "--threshold must be"),
        ("--size", "31", "--size must be between 32 and 1333"),
    ] {
        run(&["a.png", "--weights", "not.pth", flag, value]).bad(2, words);
    }
    run(&["nowhere.png", "--weights", "not.pth"]).bad(1, "nowhere.png");
}
