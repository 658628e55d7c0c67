//! `onggi train`.

use crate::Place;
use serde_json::Value;
use std::fs;

/// The figures without what may differ between two runs of one seed.
fn figures(mut json: Value) -> Value {
    let object = json.as_object_mut().unwrap();
    for key in ["seconds", "run"] {
        assert!(object.remove(key).is_some(), "{key}");
    }
    json
}

#[test]
fn a_folder_of_classes_becomes_a_whole_run() {
    let place = Place::with_photos();
    let before = place.files("photos");
    let answer = place.run(&["train", "photos", "--epochs", "2"]).good();
    assert!(
        answer.stdout.contains("16 training, 4 validation, 4 test"),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.contains("Test accuracy "),
        "{}",
        answer.stdout
    );
    assert!(
        answer
            .stdout
            .ends_with("Report: runs/photos-1/report.html\n"),
        "{}",
        answer.stdout
    );
    assert_eq!(answer.stderr, "", "no progress where stderr is no terminal");

    let mut names: Vec<_> = fs::read_dir(place.path("runs/photos-1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "best.safetensors",
        "checkpoint",
        "classes.json",
        "config.toml",
        "log.jsonl",
        "report.html",
        "run.json",
        "samples",
        "split.json",
    ];
    assert_eq!(names, expected);

    assert_eq!(
        place.json("runs/photos-1/classes.json"),
        serde_json::json!(["blue", "red"])
    );
    let split = place.json("runs/photos-1/split.json");
    for (part, per_class) in [("train", 8), ("val", 2), ("test", 2)] {
        let ids: Vec<_> = split[part]
            .as_array()
            .unwrap()
            .iter()
            .map(Value::as_str)
            .collect();
        for class in ["red/", "blue/"] {
            let of_class = ids
                .iter()
                .flatten()
                .filter(|id| id.starts_with(class))
                .count();
            assert_eq!(of_class, per_class, "{part} {class}");
        }
    }
    let run = place.json("runs/photos-1/run.json");
    assert_eq!(
        (&run["stopped"], &run["epochs"]),
        (&"all epochs done".into(), &2.into())
    );
    let log = String::from_utf8(place.bytes("runs/photos-1/log.jsonl")).unwrap();
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        records
            .iter()
            .map(|r| r["epoch"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(
        records
            .iter()
            .all(|r| r["train_accuracy"].is_f64() && r["val_loss"].is_f64())
    );
    assert_eq!(
        place.files("photos"),
        before,
        "the user's files are as they were"
    );

    place.run(&["train", "photos", "--epochs", "1"]).good();
    assert!(place.path("runs/photos-2/report.html").exists());
}

#[test]
fn split_folders_are_kept() {
    let place = Place::new();
    place.photos("photos/train", &["red", "blue"], 10);
    place.photos("photos/test", &["red", "blue"], 3);
    place
        .run(&["train", "photos", "--epochs", "1", "--out", "r"])
        .good();
    let split = place.json("r/split.json");
    let test = split["test"].as_array().unwrap();
    assert_eq!(test.len(), 6);
    assert!(
        test.iter()
            .all(|id| id.as_str().unwrap().starts_with("test/"))
    );
    assert_eq!(
        split["val"].as_array().unwrap().len(),
        4,
        "a fifth of train"
    );

    place.photos("photos/val", &["red", "blue"], 2);
    place
        .run(&["train", "photos", "--epochs", "1", "--out", "s"])
        .good();
    assert_eq!(
        place.json("s/run.json")["split"],
        serde_json::json!([20, 4, 6])
    );
}

#[test]
fn json_is_one_object_with_the_figures() {
    let place = Place::with_photos();
    let answer = place
        .run(&["train", "photos", "--epochs", "1", "--json", "--out", "r"])
        .good();
    let json = answer.json();
    let keys: Vec<_> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "task",
        "model",
        "classes",
        "train_accuracy",
        "val_accuracy",
        "baseline_accuracy",
        "test_accuracy",
        "gap",
        "verdict",
        "epochs",
        "seconds",
        "run",
    ];
    assert_eq!(keys, expected);
    assert_eq!(json["task"], "image");
    assert_eq!(json["classes"], serde_json::json!(["blue", "red"]));
    assert_eq!(json["run"], "r");
    let gap = json["train_accuracy"].as_f64().unwrap() - json["val_accuracy"].as_f64().unwrap();
    assert_eq!(json["gap"].as_f64().unwrap(), gap);
    let verdicts = ["overfitting", "underfitting", "neither"];
    assert!(
        verdicts.contains(&json["verdict"].as_str().unwrap()),
        "{json}"
    );
}

#[test]
fn one_seed_gives_one_result_at_any_thread_count_and_from_its_config() {
    let place = Place::with_photos();
    let mut results = Vec::new();
    for (out, more) in [
        ("a", ["photos", "--threads=1", "--seed=7"]),
        ("b", ["photos", "--threads=2", "--seed=7"]),
        ("c", ["--config=a/config.toml", "--threads=2", "--json"]),
        ("d", ["--config=b/config.toml", "--threads=1", "--json"]),
        ("e", ["photos", "--seed=8", "--json"]),
    ] {
        let mut args = vec!["train"];
        args.extend(more);
        if !more[0].starts_with("--config") {
            args.push("--epochs=3");
        }
        if !args.contains(&"--json") {
            args.push("--json");
        }
        args.extend(["--out", out]);
        let json = figures(place.run(&args).good().json());
        results.push((json, place.bytes(&format!("{out}/best.safetensors"))));
    }
    let [a, b, c, d, e] = results.as_slice() else {
        panic!()
    };
    for (name, other) in [("threads", b), ("config", c), ("config of two threads", d)] {
        assert_eq!(a.0, other.0, "{name}");
        assert!(a.1 == other.1, "{name}: other weights");
    }
    assert!(a.1 != e.1, "another seed gives other weights");
    assert_eq!(place.bytes("a/config.toml"), place.bytes("c/config.toml"));
}

#[test]
fn a_table_is_trained_on() {
    let place = Place::new();
    place.table("t.csv");
    let before = place.bytes("t.csv");
    let args = [
        "train", "t.csv", "--target", "kind", "--epochs", "40", "--json",
    ];
    let first = place.run(&args).good().json();
    assert_eq!(first["task"], "table");
    assert_eq!(first["classes"], serde_json::json!(["high", "low"]));
    assert!(first["train_accuracy"].as_f64().unwrap() > 0.7, "{first}");
    let second = place.run(&args).good().json();
    assert_eq!(second["run"], "runs/t-2");
    assert_eq!(figures(first), figures(second));
    let weights = |run| place.bytes(&format!("runs/{run}/best.safetensors"));
    assert!(weights("t-1") == weights("t-2"));
    assert_eq!(place.bytes("t.csv"), before);
}

#[test]
fn missing_values_are_said_and_filled() {
    let place = Place::new();
    place.table("t.csv");
    let mut text = String::from_utf8(place.bytes("t.csv")).unwrap();
    text += ",1,low\nNA,2,high\n3,#N/A,low\n";
    place.file("t.csv", text);
    let args = ["train", "t.csv", "--target", "kind", "--epochs", "1"];
    let answer = place.run(&args).good();
    let said: Vec<_> = answer.stderr.lines().collect();
    let expected = [
        "warning: column `a`: 2 missing values filled with the training median",
        "warning: column `b`: 1 missing value filled with the training median",
    ];
    assert_eq!(said, expected);
    let refusing = [&args[..], &["--missing", "refuse", "--out", "r"]].concat();
    place.run(&refusing).bad(
        1,
        "t.csv: column `a` has 2 missing values, the first in line 62",
    );
    assert!(!place.path("r").exists());
}

#[test]
fn bad_images_are_named_and_left_out() {
    let place = Place::with_photos();
    let good = place.bytes("photos/red/00.png");
    place.file("photos/red/cut.png", &good[..good.len() / 2]);
    place.file("photos/blue/empty.jpg", "");
    place.file("photos/blue/text.png", "no image");
    place.file("photos/notes.txt", "not looked at");
    let answer = place.run(&["train", "photos", "--epochs", "1"]).good();
    let said: Vec<_> = answer.stderr.lines().collect();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].starts_with("warning: photos: passed over 1 file(s)"));
    assert_eq!(
        said[1],
        "warning: photos/blue/empty.jpg: left out: the file is empty"
    );
    assert!(said[2].starts_with("warning: photos/blue/text.png: left out: not an image by its"));
    assert!(said[3].starts_with("warning: photos/red/cut.png: left out: damaged or cut short"));
    let skipped = place.json("runs/photos-1/run.json")["skipped"].clone();
    assert_eq!(skipped.as_array().unwrap().len(), 3, "{skipped}");

    let strict = ["train", "photos", "--epochs", "1", "--strict", "--out", "r"];
    place
        .run(&strict)
        .bad(1, "photos/blue/empty.jpg: the file is empty");
    assert!(!place.path("r").exists());
}

#[test]
fn an_empty_folder_is_filled_and_another_is_left_alone() {
    let place = Place::with_photos();
    fs::create_dir(place.path("mine")).unwrap();
    place
        .run(&["train", "photos", "--epochs", "1", "--out", "mine"])
        .good();
    let before = place.files("mine");
    let again = ["train", "photos", "--epochs", "1", "--out", "mine"];
    place
        .run(&again)
        .bad(1, "--out mine: the folder is not empty");
    assert_eq!(place.files("mine"), before);
}

/// `onggi train … | true` once left a folder without weights, and exit code 0.
#[test]
fn a_reader_that_leaves_does_not_end_the_training() {
    let place = Place::with_photos();
    let mut child = place
        .command(&["train", "photos", "--epochs", "1", "--out", "r"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(place.path("r/run.json").exists() && place.path("r/report.html").exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_best_weights() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let place = Place::with_photos();
    let args = "train photos --epochs 100000 --early-stopping 0 --json --out r";
    let args: Vec<_> = args.split(' ').collect();
    let child = place
        .command(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !place.path("r/best.safetensors").exists() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "no weights after a minute"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = format!("kill -INT {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
    let answer = crate::Answer::new(&args, child.wait_with_output().unwrap()).good();
    assert_eq!(place.json("r/run.json")["stopped"], "interrupted");
    assert!(answer.json()["epochs"].as_u64().unwrap() >= 1);
    assert!(place.path("r/report.html").exists());
    place.run(&["predict", "r", "photos/red/00.png"]).good();
}
