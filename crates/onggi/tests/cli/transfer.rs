//! Pretrained weights: what is chosen by itself, heads, parts, and weights that do not fit.

use super::Place;
use std::fs;

/// Colour photos of 80×70 pixels in two classes, as `photos`.
fn place() -> Place {
    let place = Place::new();
    for (class, red) in [("warm", 200u8), ("cold", 40)] {
        for i in 0..12u32 {
            let picture = image::RgbImage::from_fn(80, 70, |x, y| {
                let wave = ((x * (3 + i) + y * 7) % 60) as u8;
                image::Rgb([red.saturating_add(wave / 2), 90 + wave, 240 - red])
            });
            let mut png = std::io::Cursor::new(Vec::new());
            picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
            place.file(&format!("photos/{class}/{i:02}.png"), png.into_inner());
        }
    }
    place
}

#[test]
fn photos_get_a_head_on_pretrained_weights_and_features_are_kept() {
    let place = place();
    let run = |out: &str| place.run(&["train", "photos", "--out", out]).good().stdout;
    let first = run("a");
    assert!(first.contains("--tune head: "), "{first}");
    assert!(
        first.contains("efficientnet_lite0: 2,562 parameters"),
        "{first}"
    );
    assert!(first.contains("Test accuracy 100.0 %"), "{first}");
    let config = fs::read_to_string(place.path("a/config.toml")).unwrap();
    for line in [
        "model = \"efficientnet_lite0\"",
        "pretrained = true",
        "tune = \"head\"",
    ] {
        assert!(config.contains(line), "{config}");
    }
    let again = run("b");
    assert!(again.contains("features: 0 of "), "{again}");
    let weights = |run: &str| fs::read(place.path(format!("{run}/best.safetensors"))).unwrap();
    assert_eq!(
        weights("a"),
        weights("b"),
        "kept features are those computed"
    );
    let answers = place
        .run(&["predict", "a", "photos/warm/00.png", "--json"])
        .json();
    assert_eq!(answers["predictions"][0]["class"], "warm");
    let mut pixel = std::io::Cursor::new(Vec::new());
    let red = image::RgbImage::from_pixel(1, 1, image::Rgb([230, 120, 40]));
    red.write_to(&mut pixel, image::ImageFormat::Png).unwrap();
    place.file("pixel.png", pixel.into_inner());
    place.run(&["predict", "a", "pixel.png"]).good();
    let page = fs::read_to_string(place.path("a/report.html")).unwrap();
    assert!(
        !page.contains("id=\"curves\""),
        "what is fitted in one go has no course"
    );
}

#[test]
fn the_last_parts_learn_and_the_others_stay() {
    let place = place();
    let args = [
        "train",
        "photos",
        "--pretrained",
        "--tune",
        "last-1",
        "--epochs",
        "1",
        "--size",
        "64",
        "--out",
        "r",
    ];
    place.run(&args).good();
    let config = fs::read_to_string(place.path("r/config.toml")).unwrap();
    assert!(config.contains("norm = \"frozen_batch\""), "{config}");
    assert!(
        config.contains("\"blocks.6.*\"") && config.contains("\"conv_head.*=0.8000\""),
        "{config}"
    );
    place.run(&["evaluate", "r", "photos"]).good();
}

#[test]
fn more_than_the_head_begins_with_a_fitted_head() {
    let place = place();
    let args = "train photos --tune all --epochs 1 --lr 1e-9 --out still --json --batch 8";
    let args: Vec<&str> = args.split(' ').collect();
    let figures = place.run(&args).json();
    assert_eq!(figures["test_accuracy"], 1.0, "{figures}");
}

#[test]
fn what_does_not_go_together_is_told() {
    let place = place();
    place.file("not.pth", b"hello");
    for (args, words) in [
        (
            &["--model", "small_resnet", "--pretrained"][..],
            "no published weights",
        ),
        (
            &["--model", "small_resnet", "--tune", "head"],
            "for --pretrained models",
        ),
        (
            &["--pretrained", "--epochs", "3"],
            "--epochs has no part in fitting a head",
        ),
        (&["--pretrained", "--width", "2"], "--width must be 1"),
        (&["--pretrained", "--norm", "group"], "--norm must be batch"),
        (
            &["--pretrained", "--tune", "some"],
            "must be auto, head, last-N",
        ),
        (
            &["--model", "efficientnet_lite1", "--pretrained"],
            "onggi models pull efficientnet_lite1",
        ),
        (&["--model", "vgg"], "there is no image model `vgg`"),
    ] {
        let mut all = vec!["train", "photos", "--out", "r"];
        all.extend(args);
        let env = [("HF_HOME", place.path("empty").display().to_string())];
        let env: Vec<_> = env
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        place.run_with(&all, &env).bad(2, words);
        assert!(!place.path("r").exists(), "{args:?}");
    }
    let args = ["train", "photos", "--out", "r", "--weights", "not.pth"];
    place.run(&args).bad(1, "safetensors or a `.pth`");
    place.table("t.csv");
    place
        .run(&["train", "t.csv", "--target", "kind", "--pretrained"])
        .bad(2, "are for images");
}

#[test]
fn models_are_listed_and_told_of() {
    let place = Place::new();
    let list = place.run(&["models", "list"]).good().stdout;
    assert!(
        list.contains("efficientnet_lite0") && list.contains("in the program"),
        "{list}"
    );
    let all = place.run(&["models", "list", "--json"]).json();
    assert!(all["models"].as_array().unwrap().len() > 3);
    let info = place
        .run(&["models", "info", "efficientnet_lite0"])
        .good()
        .stdout;
    assert!(
        info.contains("4,652,008 with 1000 classes") && info.contains("Apache-2.0"),
        "{info}"
    );
    place
        .run(&["models", "info", "nothing"])
        .bad(2, "there is no image model `nothing`");
    place
        .run(&["models", "pull", "small_resnet"])
        .bad(2, "trained from scratch");
    let detector = "maskrcnn_resnet50_fpn";
    assert!(list.contains(detector), "{list}");
    let info = place.run(&["models", "info", detector]).good().stdout;
    assert!(
        info.contains("44,401,393") && info.contains("https://download.pytorch.org/"),
        "{info}"
    );
    let info = place.run(&["models", "info", detector, "--json"]).json();
    assert_eq!(info["classes"].as_array().unwrap().len(), 80);
    place
        .run(&["models", "pull", detector])
        .bad(2, "give it by --weights FILE");
    let env = [("HF_HUB_OFFLINE", "1"), ("HF_HOME", "nowhere")];
    place
        .run_with(&["models", "pull", "efficientnet_lite1"], &env)
        .bad(1, "HF_HUB_OFFLINE");
}

#[test]
fn features_are_a_table_to_train_on() {
    let place = place();
    let args = ["embed", "photos", "--out", "f.csv", "--dims", "4", "--json"];
    let told = place.run(&args).json();
    assert_eq!((&told["images"], &told["columns"]), (&24.into(), &4.into()));
    let text = fs::read_to_string(place.path("f.csv")).unwrap();
    assert!(
        text.starts_with("path,class,f0,f1,f2,f3\ncold/00.png,cold,"),
        "{text}"
    );
    let args = [
        "train", "f.csv", "--target", "class", "--ignore", "path", "--epochs", "3", "--out", "r",
    ];
    place.run(&args).good();
    place.run(&args[..1]).bad(2, "no data given");
    place
        .run(&["embed", "photos", "--out", "f.csv"])
        .bad(1, "it is there already");
    place
        .run(&["embed", "photos", "--out", "f.xlsx"])
        .bad(2, "must end in .csv, .parquet or .npy");
    place
        .run(&["embed", "photos", "--out", "g.csv", "--dims", "99"])
        .bad(2, "--dims");
    place.run(&["embed", "photos", "--out", "n.npy"]).good();
    let bytes = fs::read(place.path("n.npy")).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    assert_eq!(bytes.len(), 128 + 24 * 1280 * 4);
    assert!(place.path("n.npy.json").is_file());
}

/// The runs of a comparison are measured each in its own way: the pretrained one on larger images.
#[test]
fn a_comparison_feeds_each_model_as_it_was_trained() {
    let place = place();
    let args = [
        "compare",
        "photos",
        "--only",
        "pretrained",
        "--seeds",
        "2",
        "--epochs",
        "1",
        "--out",
        "c",
    ];
    place.run(&args).good();
    let found = place.json("c/compare.json");
    let rows = found["rows"].as_array().unwrap();
    for row in rows {
        for run in row["runs"].as_array().unwrap() {
            let log =
                fs::read_to_string(place.path(run["run"].as_str().unwrap()).join("log.jsonl"));
            let log: serde_json::Value = serde_json::from_str(log.unwrap().trim()).unwrap();
            for figure in ["val_loss", "val_accuracy"] {
                let [told, logged] = [run, &log].map(|of| of[figure].as_f64().unwrap());
                assert!(
                    (told - logged).abs() < 1e-3,
                    "{}: {figure} {told}, not {logged}",
                    row["name"]
                );
            }
        }
    }
    assert_eq!(rows.len(), 2);
}
