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
            "train r.csv --text-column review --target stars --model bert",
            2,
            "there is: linear, bag_of_embeddings, cnn, gru, lstm, transformer",
        ),
        (
            "train r.csv --text-column review --target stars --max-tokens 9",
            2,
            "name another model",
        ),
        (
            "train r.csv --text-column review --target stars --model cnn --max-tokens 0",
            2,
            "--max-tokens must be between 1 and",
        ),
        (
            "train r.csv --text-column review --target stars --model cnn --vocabulary 3",
            2,
            "--vocabulary must be between 16 and",
        ),
        (
            "train r.csv --text-column review --target stars --model gru --mixup 0.2",
            2,
            "--augment-text",
        ),
        (
            "train r.csv --text-column review --target stars --model lstm --drop-path 0.2",
            2,
            "no residual blocks",
        ),
        (
            "train r.csv --text-column review --target stars --model cnn --augment-text what",
            2,
            "--augment-text",
        ),
        (
            "train r.csv --text-column review --target stars --augment-text what",
            2,
            "--augment-text",
        ),
        ("train t.csv --target kind --balanced", 2, "for texts"),
        ("train t.csv --target kind --max-tokens 9", 2, "for texts"),
        (
            "lr-find r.csv --text-column review --target stars",
            2,
            "without a learning rate",
        ),
        ("diagnose t --bias-variance", 2, "that of linear is one"),
        ("diagnose t --data t.csv", 1, "review"),
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

const REVIEWS: &str = "r.csv --text-column review --target stars";

/// Every network, from texts to a report, and what it then says of new texts.
#[test]
fn networks_train_predict_and_report() {
    let place = Place::new();
    reviews(&place, "r.csv");
    place.file(
        "new.csv",
        "review\nwhat a good jar 정말 좋아요\nwhat a bad lid 너무 별로예요\n",
    );
    // In single jamo, as some systems write.
    let jamo = "너무 별로예요".chars().flat_map(|c| {
        let i = c as u32;
        match i.checked_sub(0xAC00) {
            Some(i) if i < 11_172 => {
                let parts = [0x1100 + i / 588, 0x1161 + i % 588 / 28, 0x11A7 + i % 28];
                let parts = parts.into_iter().filter(|part| *part != 0x11A7);
                parts.filter_map(char::from_u32).collect::<Vec<_>>()
            }
            _ => vec![c],
        }
    });
    place.file("jamo.txt", jamo.collect::<String>());
    place.file("syllables.txt", "너무 별로예요");
    for model in ["bag_of_embeddings", "cnn", "gru", "lstm", "transformer"] {
        let train =
            format!("train {REVIEWS} --model {model} --epochs 12 --out {model} --width 0.5");
        let said = place.run(&words(&train)).good();
        for expected in [
            "texts: 28 training",
            "of --model linear, for comparison, 100.0 %",
            "Test accuracy 100.0 %",
        ] {
            assert!(
                said.stdout.contains(expected),
                "{model}: {expected}: {}",
                said.stdout
            );
        }
        let run = place.json(&format!("{model}/run.json"));
        assert_eq!(
            (&run["task"], &run["baseline_accuracy"]),
            (&json!("text"), &json!(1.0))
        );
        let report = String::from_utf8(place.bytes(&format!("{model}/report.html"))).unwrap();
        assert!(
            report.contains("Curves") && report.contains("Linear model"),
            "{model}"
        );
        let predict = format!("predict {model} new.csv jamo.txt syllables.txt --json");
        let answers = place.run(&words(&predict)).good().json();
        let answer = |i: usize| &answers["predictions"][i];
        assert_eq!(
            [&answer(0)["class"], &answer(1)["class"]],
            ["5", "1"],
            "{model}"
        );
        assert_eq!(
            answer(2)["probability"],
            answer(3)["probability"],
            "{model}"
        );
        let evaluate = format!("evaluate {model} r.csv --json");
        let measured = place.run(&words(&evaluate)).good().json();
        assert_eq!(measured["samples"], 40, "{model}");
    }
    let config =
        |model: &str| String::from_utf8(place.bytes(&format!("{model}/config.toml"))).unwrap();
    assert!(config("gru").contains("clip_norm = 1.0") && config("cnn").contains("clip_norm = 0.0"));
    let exported = place
        .run(&words("export cnn --format safetensors --json"))
        .good()
        .json();
    assert_eq!(exported["input"]["name"], "tokens");
    place
        .run(&words("export cnn --format onnx"))
        .bad(2, "--format safetensors");
    place
        .run(&words(
            "lr-find r.csv --text-column review --target stars --model cnn --steps 20",
        ))
        .good();
    // What was there is needed.
    let json = place.bytes("cnn/tokenizer.json");
    place.file("cnn/tokenizer.json", &json[..json.len() / 2]);
    place
        .run(&words("predict cnn r.csv"))
        .bad(1, "tokenizer.json");
    place.file("cnn/tokenizer.json", place.bytes("gru/tokenizer.json"));
    place.run(&words("predict cnn r.csv")).good();
    std::fs::remove_file(place.path("cnn/tokenizer.json")).unwrap();
    place
        .run(&words("predict cnn r.csv"))
        .bad(1, "tokenizer.json is gone");
}

/// The same weights at one thread and at two, with texts changed anew each epoch, classes that weigh the same
/// and texts that are cut.
#[test]
fn a_network_is_the_same_at_any_number_of_threads() {
    let place = Place::new();
    reviews(&place, "r.csv");
    for (model, more) in [
        ("cnn", "--augment-text aeda --balanced --max-tokens 7"),
        ("gru", "--augment-text korean-typo"),
        ("transformer", "--optimizer sgd --accumulate 2"),
    ] {
        let weights = |threads: usize| {
            let out = format!("{model}-{threads}");
            let train = format!(
                "train {REVIEWS} --model {model} --epochs 3 --width 0.25 --batch 4 {more} --threads {threads} \
                 --out {out}"
            );
            let said = place.run(&words(&train)).good();
            let cut = said.stderr.contains("have more than 7 tokens");
            assert_eq!(cut, model == "cnn", "{}", said.stderr);
            (
                place.bytes(&format!("{out}/best.safetensors")),
                place.bytes(&format!("{out}/tokenizer.json")),
            )
        };
        assert!(weights(1) == weights(2), "{model}");
        let plain = format!(
            "train {REVIEWS} --model {model} --epochs 3 --width 0.25 --batch 4 --out plain-{model}"
        );
        place.run(&words(&plain)).good();
        assert!(
            place.bytes(&format!("plain-{model}/best.safetensors")) != weights_of(&place, model)
        );
    }
}

fn weights_of(place: &Place, model: &str) -> Vec<u8> {
    place.bytes(&format!("{model}-1/best.safetensors"))
}
