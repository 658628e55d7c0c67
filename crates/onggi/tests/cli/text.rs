//! Text classifiers: `onggi train`, `predict`, `evaluate` and `report` on texts.

use crate::Place;
use serde_json::json;

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Reviews of two classes, the last of them in Korean.
fn reviews(place: &Place, name: &str) {
    let mut text = String::from("id,review,stars\n");
    for i in 0..40 {
        let good = i % 2 == 0;
        let (adjective, noun) = if good {
            ("good", "jar")
        } else {
            ("bad", "lid")
        };
        let korean = if good {
            "정말 좋아요"
        } else {
            "너무 별로예요"
        };
        text += &format!(
            "{i},\"what a {adjective} {noun}, {korean} no. {i}\",{}\n",
            1 + 4 * u8::from(good)
        );
    }
    place.file(name, text);
}

#[test]
fn a_column_of_texts_becomes_a_whole_run() {
    let place = Place::new();
    reviews(&place, "r.csv");
    let train = "train r.csv --text-column review --target stars --out t";
    let said = place.run(&words(train)).good().stdout;
    for expected in [
        "r.csv: 2 classes; texts: 28 training",
        "C = ",
        "Test accuracy 100.0 %",
        "Report: t/report.html",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let report = String::from_utf8(place.bytes("t/report.html")).unwrap();
    assert!(
        report.contains("Most telling words") && report.contains("good"),
        "{report}"
    );
    assert_eq!(place.json("t/run.json")["task"], "text");
    place.file("new.txt", "such a bad lid");
    place.file("new.csv", "review\na good day\n별로예요\n");
    let answers = place
        .run(&words("predict t new.txt new.csv --json"))
        .good()
        .json();
    let class = |i: usize| answers["predictions"][i]["class"].clone();
    assert_eq!(
        [class(0), class(1), class(2)],
        [json!("1"), json!("5"), json!("1")]
    );
    assert_eq!(answers["predictions"][2]["input"], "new.csv row 2");
    let measured = place.run(&words("evaluate t r.csv --json")).good().json();
    assert_eq!(
        (&measured["samples"], &measured["accuracy"]),
        (&json!(40), &json!(1.0))
    );
    let again = place.run(&words("report t")).good();
    assert!(again.stdout.contains("report.html"));
    assert_eq!(
        String::from_utf8(place.bytes("t/report.html")).unwrap(),
        report
    );

    let repeated = "train --config t/config.toml --out u --threads 1";
    place.run(&words(repeated)).good();
    assert_eq!(
        place.bytes("t/text_model.json"),
        place.bytes("u/text_model.json")
    );
    let more = "train r.csv --text-column review --target stars --augment-text aeda --l1 0.001 --balanced --out v";
    place.run(&words(more)).good();
    assert_ne!(
        place.bytes("t/text_model.json"),
        place.bytes("v/text_model.json")
    );
}

#[test]
fn folders_and_lines_of_json() {
    let place = Place::new();
    for i in 0..10 {
        place.file(
            &format!("mail/ham/{i}.txt"),
            format!("see you at noon, {i}"),
        );
        place.file(&format!("mail/spam/{i}.txt"), format!("win money now {i}"));
    }
    place.run(&words("train mail --out t")).good();
    let answer = place.run(&words("evaluate t mail --json")).good().json();
    assert_eq!(answer["samples"], 20);
    let lines: String = (0..20)
        .map(|i| {
            let (text, label) = [("see you", "a"), ("win now", "b")][i % 2];
            format!("{{\"text\": \"{text} {i}\", \"label\": \"{label}\"}}\n")
        })
        .collect();
    place.file("l.jsonl", lines);
    place
        .run(&words("train l.jsonl --target label --out u"))
        .good();
}

#[test]
fn mails_are_told_apart() {
    let place = Place::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/spam.csv.gz");
    let train = [
        "train",
        data,
        "--text-column",
        "text",
        "--target",
        "label",
        "--json",
        "--out",
        "t",
    ];
    let figures = place.run(&train).good().json();
    let accuracy = figures["test_accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.97, "{figures}");
}

#[test]
fn wrong_use_is_told() {
    let place = Place::new();
    reviews(&place, "r.csv");
    place.table("t.csv");
    let train = "train r.csv --text-column review --target stars --out t";
    place.run(&words(train)).good();
    for (line, code, expected) in [
        (
            "train r.csv --text-column reviews --target stars",
            1,
            "review",
        ),
        ("train r.csv --text-column review", 2, "--target COLUMN"),
        (
            "train r.csv --text-column review --target stars --model cnn",
            2,
            "there is: linear",
        ),
        (
            "train r.csv --text-column review --target stars --augment-text what",
            2,
            "--augment-text",
        ),
        ("train t.csv --target kind --balanced", 2, "for texts"),
        (
            "lr-find r.csv --text-column review --target stars",
            2,
            "without a learning rate",
        ),
        ("diagnose t", 2, "a run of texts"),
        (
            "export t --format onnx",
            2,
            "t: a run of texts has no network to export: its n-grams and their weights are in t/text_model.json",
        ),
        ("predict t gone.txt", 1, "gone.txt"),
        ("evaluate t t.csv", 1, "review"),
    ] {
        place.run(&words(line)).bad(code, expected);
    }
    let model = place.bytes("t/text_model.json");
    place.file("t/text_model.json", &model[..model.len() / 2]);
    place
        .run(&words("predict t r.csv"))
        .bad(1, "text_model.json");
}
