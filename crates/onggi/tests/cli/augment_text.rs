//! `onggi augment text`.

use crate::Place;
use std::collections::BTreeMap;

/// 40 rows: `id,text,label,split`, three in four for training, `good` three times as often as `bad`.
fn reviews(place: &Place) {
    let things = ["jar", "pot", "kiln", "bowl", "plate"];
    let rows = (0..40).map(|i| {
        let (thing, label) = (things[i % 5], if i % 4 == 0 { "bad" } else { "good" });
        let split = if i % 4 == 3 { "test" } else { "train" };
        format!("{i:03},\"the old {thing}, number x{i}, was sold here\",{label},{split}\n")
    });
    let rows: String = rows.collect();
    place.file("in.csv", format!("id,text,label,split\n{rows}"));
}

const ALL: &str =
    "augment text in.csv out.csv --recipe typo -n 2 --label-column label --split-column split";

fn args(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn copies_stand_behind_their_rows_and_figures_are_told() {
    let place = Place::new();
    reviews(&place);
    let answer = place.run(&args(ALL)).good();
    for words in [
        "in.csv: 40 rows, 30 for training",
        "out.csv: 100 rows, 60 of them copies",
        "a copy changes ",
        "\n  - ",
        "\n  + ",
    ] {
        assert!(answer.stdout.contains(words), "{words}: {}", answer.stdout);
    }
    assert_eq!(answer.stderr, "", "no progress where stderr is no terminal");
    let input = String::from_utf8(place.bytes("in.csv")).unwrap();
    let output = String::from_utf8(place.bytes("out.csv")).unwrap();
    let kept: Vec<&str> = output
        .lines()
        .filter(|&row| input.lines().any(|r| r == row))
        .collect();
    assert_eq!(kept, input.lines().collect::<Vec<_>>());
    let mut copies = BTreeMap::new();
    for row in output
        .lines()
        .filter(|&row| !input.lines().any(|r| r == row))
    {
        assert!(row.ends_with(",train"), "{row}");
        *copies.entry(&row[..3]).or_insert(0) += 1;
    }
    assert!(
        copies.len() == 30 && copies.values().all(|&n| n == 2),
        "{copies:?}"
    );
}

#[test]
fn the_same_seed_gives_the_same_bytes_at_any_number_of_threads() {
    let place = Place::new();
    reviews(&place);
    for (out, more) in [
        ("a.csv", "--threads 1"),
        ("b.csv", "--threads 3"),
        ("c.csv", "--seed 7"),
    ] {
        place
            .run(&args(&format!("{} {more}", ALL.replace("out.csv", out))))
            .good();
    }
    assert_eq!(place.bytes("a.csv"), place.bytes("b.csv"));
    assert_ne!(place.bytes("a.csv"), place.bytes("c.csv"));
}

#[test]
fn classes_are_balanced_and_reported() {
    let place = Place::new();
    reviews(&place);
    let line = "augment text in.csv out.csv --recipe typo --label-column label --balance max \
                --report r.json --samples 2 --provenance-column how --json";
    let words: Vec<&str> = line.split_whitespace().collect();
    let said = place.run(&words).good().json();
    assert_eq!(said, place.json("r.json"));
    assert_eq!(said["copies_per_row"], 0);
    for label in ["good", "bad"] {
        let figures = &said["labels"][label];
        let all = figures["rows"].as_u64().unwrap() + figures["copies"].as_u64().unwrap();
        assert_eq!(all, 30, "{said}");
    }
    assert_eq!(said["samples"].as_array().unwrap().len(), 2);
    let rate = said["change_rate"].as_f64().unwrap();
    assert!(rate > 0.0 && rate < 1.0, "{rate}");
    let output = String::from_utf8(place.bytes("out.csv")).unwrap();
    assert!(output.starts_with("id,text,label,split,how\n"));
    assert!(output.contains("\"\"edits\"\":"));
}

#[test]
fn json_lines_and_a_pipeline_of_ones_own() {
    let place = Place::new();
    place.file(
        "in.jsonl",
        "{\"id\": 1.0, \"본문\": \"나는 시장에서 항아리를 샀다\"}\n",
    );
    place.file(
        "p.toml",
        "[protect]\nphrases = [\"항아리\"]\n[[steps]]\ntransform = \"punctuation\"\n",
    );
    let line = "augment text in.jsonl out.jsonl --pipeline p.toml --text-column 본문 -n 3";
    place.run(&args(line)).good();
    let output = String::from_utf8(place.bytes("out.jsonl")).unwrap();
    assert_eq!(output.lines().count(), 4);
    assert!(
        output
            .lines()
            .all(|row| row.starts_with("{\"id\": 1.0, ") && row.contains("항아리"))
    );
}

#[test]
fn parquet_goes_through() {
    let place = Place::new();
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../onggi-augment/tests/fixtures/text_rows.parquet"
    );
    place.file("in.parquet", std::fs::read(fixture).unwrap());
    let line = "augment text in.parquet out.parquet --recipe aeda -n 1 --split-column split";
    let answer = place.run(&args(line)).good();
    assert!(
        answer.stdout.contains("in.parquet: 6 rows, 5 for training"),
        "{}",
        answer.stdout
    );
}

#[test]
fn what_may_change_a_label_has_to_be_asked_for() {
    let place = Place::new();
    reviews(&place);
    let step = "[[steps]]\ntransform = \"antonym\"\naug_p = 1.0\n";
    place.file("p.toml", step);
    let line = "augment text in.csv out.csv --pipeline p.toml";
    place
        .run(&args(line))
        .bad(2, "antonym may change the label");
    assert!(!place.path("out.csv").exists());
    place.file("p.toml", format!("allow_label_change = true\n{step}"));
    let answer = place.run(&args(line)).good();
    assert!(
        answer.stdout.contains("may mean the opposite"),
        "{}",
        answer.stdout
    );
    let output = String::from_utf8(place.bytes("out.csv")).unwrap();
    assert!(output.starts_with("id,text,label,split,label_changed\n"));
}

#[test]
fn wrong_use_and_bad_files_are_told_in_one_line() {
    let place = Place::new();
    reviews(&place);
    place.file("p.toml", "[[steps]]\ntransform = \"keybord\"\n");
    place.file("cut.csv", "text\n\"open\n");
    place.file("is.csv", "text\nmine\n");
    let cases = [
        ("in.csv out.csv", 2, "required arguments were not provided"),
        ("in.csv out.csv --recipe ead", 2, "did you mean `eda`"),
        (
            "in.csv out.csv --recipe eda --pipeline p.toml",
            2,
            "cannot be used with",
        ),
        (
            "in.csv out.csv --pipeline p.toml",
            2,
            "did you mean `keyboard`",
        ),
        (
            "in.csv out.csv --pipeline gone.toml",
            1,
            "pipeline gone.toml: ",
        ),
        (
            "in.csv out.csv --recipe eda -n 1001",
            2,
            "-n must be at most 1000",
        ),
        (
            "in.csv out.csv --recipe eda --balance max",
            2,
            "--label-column COLUMN",
        ),
        (
            "in.csv out.csv --recipe eda --text-column txt",
            1,
            "did you mean `text`",
        ),
        (
            "in.csv out.csv --recipe eda --split-column label",
            1,
            "is train or training",
        ),
        ("in.csv out.txt --recipe eda", 2, "out.txt: is no .csv"),
        ("in.csv out.jsonl --recipe eda", 1, "must be a .csv file"),
        ("in.csv is.csv --recipe eda", 1, "is there already"),
        ("in.csv in.csv --recipe eda --force", 1, "is the input"),
        ("gone.csv out.csv --recipe eda", 1, "gone.csv: "),
        (
            "cut.csv out.csv --recipe eda",
            1,
            "line 2: ends inside quotes",
        ),
    ];
    for (line, code, words) in cases {
        let line = format!("augment text {line}");
        place.run(&args(&line)).bad(code, words);
    }
    assert_eq!(place.bytes("is.csv"), b"text\nmine\n");
    assert!(!place.path("out.csv").exists());
    place
        .run(&args("augment text in.csv is.csv --recipe eda --force"))
        .good();
    assert!(place.bytes("is.csv").len() > 100);
}
