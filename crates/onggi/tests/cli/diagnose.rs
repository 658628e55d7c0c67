//! `onggi diagnose`.

use crate::Place;
use serde_json::Value;
use std::fs;

/// The breast-cancer table with 12 labels turned over and 6 rows repeated at its end, and a run on it.
/// Gives the names of the rows that were turned over.
fn breast_cancer() -> (Place, Vec<String>) {
    let place = Place::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/breast-cancer.csv");
    let text = fs::read_to_string(data).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut turned = Vec::new();
    for row in (20..560).step_by(45) {
        let line = &mut lines[row];
        *line = if line.ends_with("malignant") {
            line.replace("malignant", "benign")
        } else {
            line.replace("benign", "malignant")
        };
        turned.push(format!("row {row}"));
    }
    for row in (1..560).step_by(100) {
        lines.push(lines[row].clone());
    }
    place.file("t.csv", lines.join("\n") + "\n");
    let train = [
        "train",
        "t.csv",
        "--target",
        "diagnosis",
        "--epochs",
        "30",
        "--out",
        "r",
    ];
    place.run(&train).good();
    (place, turned)
}

#[test]
fn a_table_is_diagnosed() {
    let (place, turned) = breast_cancer();
    let before = place.files("r");
    let json = place.run(&["diagnose", "r", "--json"]).good().json();
    let keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "run",
            "data",
            "verdict",
            "train",
            "val",
            "test",
            "gap",
            "baseline",
            "calibration",
            "label_noise",
            "label_errors",
            "duplicates",
            "layers"
        ]
    );
    assert_eq!(json["verdict"]["fit"], "neither", "{json}");
    let figure = |pointer: &str| json.pointer(pointer).and_then(Value::as_f64).unwrap();
    let gap = figure("/train/accuracy") - figure("/val/accuracy");
    assert!((figure("/gap/estimate") - gap).abs() < 1e-12);
    assert!(figure("/gap/low") <= gap && gap <= figure("/gap/high"));
    assert!(figure("/baseline/val_accuracy") > 0.8);
    assert_eq!(json["calibration"]["measured_on"], "test");
    assert_eq!(json["duplicates"]["groups"], 6);
    let layers = json["layers"].as_array().unwrap();
    let names: Vec<_> = layers
        .iter()
        .map(|l| l["layer"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["hidden.0", "hidden.1", "fc"]);
    assert!(
        layers
            .iter()
            .all(|l| l["gradient_norm"].as_f64().unwrap() > 0.0)
    );
    let split = place.json("r/split.json");
    let held_out = |row: &String| {
        let part = |name: &str| {
            split[name]
                .as_array()
                .unwrap()
                .iter()
                .any(|id| id == row.as_str())
        };
        part("val") || part("test")
    };
    let suspects: Vec<&str> = json["label_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["sample"].as_str().unwrap())
        .collect();
    let planted: Vec<_> = turned.iter().filter(|row| held_out(row)).collect();
    let found = planted
        .iter()
        .filter(|row| suspects.contains(&row.as_str()))
        .count();
    assert!(
        !planted.is_empty() && 3 * found >= 2 * planted.len(),
        "{planted:?}: {suspects:?}"
    );
    assert!(suspects.len() <= planted.len() + 15, "{suspects:?}");

    let text = place.run(&["diagnose", "r"]).good().stdout;
    for words in [
        "Neither overfitting",
        "Gap between",
        "Calibration on",
        "Label errors:",
        "Duplicates: 6 of 575",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(place.files("r"), before, "a run is read, not written");
    let again = place
        .run(&["diagnose", "r", "--json", "--threads", "1"])
        .good();
    assert_eq!(again.json(), json);
}

#[test]
fn planted_duplicates_between_parts_are_found() {
    let place = Place::new();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/fashion-mini/train");
    for class in ["bag", "trouser"] {
        let mut files: Vec<_> = fs::read_dir(format!("{source}/{class}"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for (i, file) in files.iter().take(16).enumerate() {
            let part = if i < 12 { "train" } else { "test" };
            let bytes = fs::read(file).unwrap();
            place.file(&format!("photos/{part}/{class}/{i:02}.png"), &bytes);
            if i < 2 {
                place.file(&format!("photos/test/{class}/copy-{i:02}.png"), &bytes);
            } else if i < 4 {
                let image = image::load_from_memory(&bytes).unwrap();
                let larger = image.resize_exact(56, 56, image::imageops::FilterType::Triangle);
                let path = place.path(format!("photos/test/{class}/large-{i:02}.png"));
                larger.save(path).unwrap();
            }
        }
    }
    let train = ["train", "photos", "--epochs", "2", "--out", "r"];
    place.run(&train).good();
    let json = place.run(&["diagnose", "r", "--json"]).good().json();
    let leaks = json["duplicates"]["leaks"].as_array().unwrap();
    for class in ["bag", "trouser"] {
        for (name, exact) in [
            ("copy-00", true),
            ("copy-01", true),
            ("large-02", false),
            ("large-03", false),
        ] {
            let file = format!("photos/test/{class}/{name}.png");
            let leak = leaks
                .iter()
                .find(|leak| leak["sample"].as_str().unwrap().ends_with(&file));
            let leak = leak.unwrap_or_else(|| panic!("{file}: {leaks:?}"));
            assert_eq!(leak["exact"], exact, "{leak}");
            let number = &name[name.len() - 2..];
            assert!(
                leak["of"]
                    .as_str()
                    .unwrap()
                    .ends_with(&format!("{number}.png")),
                "{leak}"
            );
        }
    }
    assert_eq!(leaks.len(), 8, "{leaks:?}");
    place.photos("moved", &["red", "green"], 3);
    let words = "its classes are green, red, but the run was trained on bag, trouser";
    place
        .run(&["diagnose", "r", "--data", "moved"])
        .bad(1, words);
}

#[test]
fn what_is_missing_is_named() {
    let place = Place::with_table_run();
    place.run(&["diagnose", "none"]).bad(1, "none");
    place
        .run(&["diagnose", "r", "--data", "gone.csv"])
        .bad(1, "gone.csv");
    place.file("short.csv", "a,b,kind\n1,2.5,low\n");
    let words = "which the data does not have";
    place
        .run(&["diagnose", "r", "--data", "short.csv"])
        .bad(1, words);
    fs::remove_file(place.path("r/run.json")).unwrap();
    place.run(&["diagnose", "r"]).bad(1, "run.json");
}

/// Also: trainings that are there are not done again.
#[test]
fn more_data_and_the_size_are_weighed_by_training_again() {
    let place = Place::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/breast-cancer.csv");
    let train = [
        "train",
        data,
        "--target",
        "diagnosis",
        "--epochs",
        "4",
        "--out",
        "r",
    ];
    place.run(&train).good();
    let ask = [
        "diagnose",
        "r",
        "--learning-curve",
        "--bias-variance",
        "--repeats",
        "2",
        "--models",
        "2",
    ];
    let text = place.run(&ask).good().stdout;
    for words in [
        "Learning curve: error on test samples, 2 trainings of each size",
        "Bias and variance of the cross-entropy on test samples, 2 models of each width",
        "Curves: r/diagnose.html",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let page = String::from_utf8(place.bytes("r/diagnose.html")).unwrap();
    assert!(
        page.contains("What would help") && page.contains("<svg"),
        "{page}"
    );
    let runs = place.files("r/diagnose");
    let json = place.run(&[&ask[..], &["--json"]].concat()).good().json();
    assert_eq!(place.files("r/diagnose"), runs, "done once");
    let points = json["learning_curve"]["points"].as_array().unwrap();
    let samples: Vec<_> = points
        .iter()
        .map(|p| p["samples"].as_u64().unwrap())
        .collect();
    assert_eq!(samples, [40, 99, 199, 397]);
    let sizes = json["bias_variance"]["sizes"].as_array().unwrap();
    let widths: Vec<_> = sizes.iter().map(|s| s["width"].as_f64().unwrap()).collect();
    assert_eq!(widths, [0.5, 1.0, 2.0]);
    for size in sizes {
        let part = |name: &str| size[name].as_f64().unwrap();
        assert!((part("error") - part("bias") - part("variance")).abs() < 1e-9);
        assert!(part("bias") > 0.0 && part("variance") > 0.0);
    }
    for (flag, n) in [("--repeats", "0"), ("--models", "1")] {
        let refused = place.run(&["diagnose", "r", flag, n]);
        refused.bad(2, "must be between");
    }
}

/// Reviews of two classes, 300 of them, every 15th with the other's label, and the first five once more at
/// the end. Gives the names of those with a wrong label.
fn reviews(place: &Place) -> Vec<String> {
    const SAID: [[&str; 4]; 2] = [
        ["good", "lovely", "sturdy", "bright"],
        ["bad", "ugly", "broken", "dull"],
    ];
    const OF: [&str; 16] = [
        "jar", "lid", "bowl", "plate", "kiln", "clay", "glaze", "potter", "market", "parcel",
        "paper", "shop", "colour", "handle", "spout", "base",
    ];
    let (mut lines, mut turned) = (Vec::new(), Vec::new());
    for i in 0..300usize {
        let class = i % 2;
        let mut state = i as u32 + 1;
        let mut draw = |n: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % n
        };
        let text: Vec<String> = (0..6)
            .map(|_| format!("{} {}", SAID[class][draw(4)], OF[draw(16)]))
            .collect();
        let wrong = i % 15 == 7;
        if wrong {
            turned.push(format!("row {}", i + 1));
        }
        let label = ["praise", "complaint"][if wrong { 1 - class } else { class }];
        lines.push(format!("{},{label}", text.join(" and ")));
    }
    lines.extend_from_within(..5);
    place.file("r.csv", format!("review,kind\n{}\n", lines.join("\n")));
    turned
}

#[test]
fn texts_are_diagnosed() {
    let place = Place::new();
    let turned = reviews(&place);
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let run = |line: &str| {
        let words = words(line);
        place.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let train = "train r.csv --text-column review --target kind";
    run(&format!("{train} --out linear")).good();
    run(&format!(
        "{train} --model cnn --width 0.25 --epochs 15 --out cnn"
    ))
    .good();
    run(&format!(
        "{train} --model transformer --width 0.25 --epochs 2 --out transformer"
    ))
    .good();
    let json = |run_folder: &str| run(&format!("diagnose {run_folder} --json")).good().json();
    for folder in ["linear", "cnn"] {
        let before = place.files(folder);
        let found = json(folder);
        let figure = |pointer: &str| found.pointer(pointer).and_then(Value::as_f64);
        assert_eq!(found["duplicates"]["groups"], 5, "{found}");
        assert_eq!(found["baseline"].is_null(), folder == "linear");
        let gap = figure("/train/accuracy").unwrap() - figure("/val/accuracy").unwrap();
        assert!((figure("/gap/estimate").unwrap() - gap).abs() < 1e-12);
        assert_eq!(found["calibration"]["measured_on"], "test");
        // The figures are those that training ended with.
        let summary = place.json(&format!("{folder}/run.json"));
        let tested = (
            figure("/test/accuracy").unwrap(),
            summary["test_accuracy"].as_f64().unwrap(),
        );
        assert!((tested.0 - tested.1).abs() < 1e-9, "{tested:?}");
        let split = place.json(&format!("{folder}/split.json"));
        let ids = |part: &str| split[part].as_array().unwrap().clone();
        let held_out = [ids("val"), ids("test")].concat();
        let suspects = found["label_errors"].as_array().unwrap();
        let planted: Vec<_> = turned
            .iter()
            .filter(|row| held_out.contains(&Value::from(row.as_str())))
            .collect();
        let found = |row: &&&String| {
            suspects
                .iter()
                .any(|suspect| suspect["sample"] == row.as_str())
        };
        let n = planted.iter().filter(found).count();
        assert!(
            planted.len() >= 4 && 3 * n >= 2 * planted.len(),
            "{planted:?}: {suspects:?}"
        );
        assert_eq!(place.files(folder), before, "a run is read, not written");
    }
    let layers = |folder: &str| -> Vec<String> {
        let found = json(folder);
        let layers = found["layers"].as_array().unwrap();
        assert!(
            layers
                .iter()
                .all(|layer| layer["gradient_norm"].as_f64().unwrap() > 0.0),
            "{found}"
        );
        layers
            .iter()
            .map(|layer| layer["layer"].as_str().unwrap().into())
            .collect()
    };
    assert_eq!(layers("cnn"), ["convs.0", "convs.1", "convs.2", "fc"]);
    assert_eq!(
        layers("transformer"),
        ["encoder.layers.0", "encoder.layers.1", "fc"]
    );
    let text = run("diagnose linear").good().stdout;
    assert!(
        text.contains("Duplicates: 5 of 305") && !text.contains("logistic"),
        "{text}"
    );
    let curve = run("diagnose linear --learning-curve --repeats 2 --json")
        .good()
        .json();
    let points = curve["learning_curve"]["points"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    let sizes = run("diagnose cnn --bias-variance --models 2 --json")
        .good()
        .json();
    assert_eq!(sizes["bias_variance"]["sizes"].as_array().unwrap().len(), 3);
}
