//! `onggi compare`.

use crate::Place;
use serde_json::Value;
use std::fs;

/// The breast-cancer table as `t.csv`.
fn place() -> Place {
    let place = Place::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/breast-cancer.csv");
    place.file("t.csv", fs::read(data).unwrap());
    place
}

const ARGS: [&str; 12] = [
    "compare",
    "t.csv",
    "--target",
    "diagnosis",
    "--epochs",
    "3",
    "--seeds",
    "2",
    "--only",
    "batch-norm,larger",
    "--out",
    "c",
];

/// Without the times, which differ from run to run.
fn figures(mut json: Value) -> Value {
    for row in json["rows"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("seconds");
        for run in row["runs"].as_array_mut().unwrap() {
            run.as_object_mut().unwrap().remove("seconds");
        }
    }
    json
}

#[test]
fn remedies_for_texts_are_compared() {
    let place = Place::new();
    let rows = (0..60).map(|i| {
        let word = ["good", "bad"][i % 2];
        format!("a {word} jar number {},{word}\n", i / 7)
    });
    place.file("r.csv", format!("text,kind\n{}", rows.collect::<String>()));
    let line = "compare r.csv --text-column text --target kind --epochs 3 --seeds 2 --only \
                augmentation,smaller,linear --augment-text aeda --model bag_of_embeddings --batch 8 --out c --json";
    let args: Vec<&str> = line.split_whitespace().collect();
    let json = place.run(&args).good().json();
    let rows = json["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["baseline", "augmentation", "smaller", "linear"]);
    let flags = rows[1]["flags"].to_string();
    assert!(flags.contains("--augment-text=aeda"), "{flags}");
    assert!(rows[2]["parameters"].as_u64() < rows[0]["parameters"].as_u64());
    assert_eq!(rows[3]["val_accuracy"], 1.0, "{}", rows[3]);
    for (line, expected) in [
        (
            "compare r.csv --text-column text --target kind --model linear",
            "one of them",
        ),
        (
            "compare r.csv --text-column text --target kind --only mixup",
            "for this data",
        ),
        ("compare r.csv --target kind --model cnn", "are for texts"),
    ] {
        let args: Vec<&str> = line.split_whitespace().collect();
        place.run(&args).bad(2, expected);
    }
}

#[test]
fn compares_and_goes_on_where_it_was_stopped() {
    let place = place();
    let json_args = [&ARGS[..], &["--json"]].concat();
    let json = place.run(&json_args).good().json();
    let rows = json["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["baseline", "batch-norm", "larger"]);
    assert_eq!(json["seeds"], serde_json::json!([42, 43]));
    for row in rows {
        assert_eq!(row["runs"].as_array().unwrap().len(), 2);
        let figure = |name: &str| row[name].as_f64().unwrap();
        assert!(figure("val_accuracy") > 0.3, "{row}");
        let gap = figure("train_accuracy") - figure("val_accuracy");
        assert!((figure("gap") - gap).abs() < 1e-12);
        if row["name"] == "baseline" {
            assert!(row["difference"].is_null());
            continue;
        }
        let at = |end: &str| row["difference"][end].as_f64().unwrap();
        let difference = figure("val_accuracy") - rows[0]["val_accuracy"].as_f64().unwrap();
        assert!((at("estimate") - difference).abs() < 1e-12);
        assert!(at("low") <= difference && difference <= at("high"));
    }
    assert!(rows[2]["parameters"].as_u64() > rows[0]["parameters"].as_u64());
    assert_eq!(figures(place.json("c/compare.json")), figures(json.clone()));
    let split = place.bytes("c/baseline-42/split.json");
    assert!(
        split == place.bytes("c/larger-43/split.json"),
        "one split for all"
    );
    let page = String::from_utf8(place.bytes("c/compare.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("NaN") && !page.contains("<script"));

    // A run that is gone is trained again, the others are not, and the figures are the same.
    let kept = place.bytes("c/larger-42/run.json");
    fs::remove_dir_all(place.path("c/batch-norm-43")).unwrap();
    fs::remove_file(place.path("c/larger-43/run.json")).unwrap();
    let again = place.run(&json_args).good().json();
    assert_eq!(figures(again), figures(json.clone()));
    assert!(place.bytes("c/larger-42/run.json") == kept);

    // In words: no line wider than 80 columns before the sentences.
    let said = place.run(&ARGS).good().stdout;
    let table: Vec<_> = said.lines().take(6).collect();
    assert!(
        table.iter().all(|line| line.chars().count() <= 80),
        "{said}"
    );
    assert!(
        said.contains("Nothing beat the baseline") || said.contains("Recommended:"),
        "{said}"
    );
    assert!(said.ends_with("Report: c/compare.html\n"), "{said}");

    // The runs can be asked like any other.
    let predicted = place.run(&["evaluate", "c/larger-42", "t.csv", "--json"]);
    assert!(predicted.good().json()["accuracy"].as_f64().unwrap() > 0.3);
}

#[test]
fn a_time_budget_decides_the_epochs() {
    let place = place();
    let line = "compare t.csv --target diagnosis --seeds 2 --only l2 --time 5m --out c --json";
    let short = line.replace("5m", "0.05s");
    let args: Vec<_> = short.split(' ').collect();
    place
        .run(&args)
        .bad(2, "--time is too short: 2 ways of training");
    assert!(!place.path("c").exists(), "nothing is left of it");
}

#[test]
fn wrong_use_is_told() {
    let place = place();
    place.photos("photos", &["red", "blue"], 4);
    for (line, words) in [
        ("t.csv", "--target COLUMN"),
        ("t.csv --target none", "none"),
        (
            "t.csv --target diagnosis --seeds 1",
            "--seeds must be between 2 and 100",
        ),
        (
            "t.csv --target diagnosis --only pretrained",
            "no remedy `pretrained`",
        ),
        (
            "t.csv --target diagnosis --only augmentation",
            "no remedy `augmentation`",
        ),
        (
            "t.csv --target diagnosis --augment shift",
            "--augment is for images",
        ),
        ("t.csv --target diagnosis --epochs 0", "--epochs must be"),
        (
            "t.csv --target diagnosis --time soon",
            "--time must be a time",
        ),
        (
            "t.csv --target diagnosis --epochs 2 --lr -1",
            "--lr must be",
        ),
        ("photos --augment none", "give shift, light"),
    ] {
        let args: Vec<_> = ["compare"].into_iter().chain(line.split(' ')).collect();
        let answer = place.run(&args);
        let code = if line.contains("none") && line.contains("target") {
            1
        } else {
            2
        };
        answer.bad(code, words);
        assert!(place.has_no_run(), "{line}");
    }
    place.file("mine/x", "x");
    let line = "compare t.csv --target diagnosis --epochs 2 --out mine";
    let args: Vec<_> = line.split(' ').collect();
    place.run(&args).bad(1, "the folder is not empty");
}
