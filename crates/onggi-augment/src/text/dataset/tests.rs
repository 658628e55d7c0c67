use std::ops::ControlFlow::{Break, Continue};

use super::*;
use crate::text::{PipelineConfig, Resources};

fn pipeline(step: &str) -> Pipeline {
    let json = format!(r#"{{"allow_label_change": true, "steps": [{step}]}}"#);
    let mut config: PipelineConfig = serde_json::from_str(&json).unwrap();
    config.allow_label_change = step.contains("antonym");
    Pipeline::new(config, &Resources::default()).unwrap()
}

/// Runs a file of `bytes` under `name` and gives output and report.
fn run_on(
    name: &str,
    bytes: &[u8],
    columns: &Columns,
    config: &DatasetConfig,
    step: &str,
) -> Result<(String, DatasetReport), AugmentError> {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (
        folder.path().join(name),
        folder
            .path()
            .join(format!("out-{}", name.trim_end_matches(".gz"))),
    );
    std::fs::write(&input, bytes).unwrap();
    let mut watch = |_| Continue(());
    let mut run = || {
        let file = TextFile::open(&input, columns, &mut watch)?;
        file.augment(&output, &pipeline(step), config, &mut watch)
    };
    let report = run();
    // The output is whole or not there, and nothing else is left behind.
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1 + usize::from(report.is_ok()));
    Ok((std::fs::read_to_string(output).unwrap_or_default(), report?))
}

const CHAR: &str = r#"{"transform": "random_char"}"#;

fn run(name: &str, text: &str, config: &DatasetConfig) -> (String, DatasetReport) {
    run_on(name, text.as_bytes(), &columns(), config, CHAR).unwrap()
}

/// Quotes, spaces and numbers written as no writer of ours would write them.
const CSV: &str = "id,text,\"label\",split\r\n\
    01,\"a big, \"\"round\"\" jar\", good,TRAIN\r\n\
    2,\"a cracked jar\",bad,training\r\n\
    \r\n\
    3,another good pot,good,train\r\n\
    4.50,the test jar,good,test\r\n\
    5,the same text,good,train\r\n\
    6,the same text,\"good\",test\r\n\
    7,,good,train";

fn columns() -> Columns {
    Columns {
        label: "label".to_owned(),
        split: "split".to_owned(),
        ..Columns::default()
    }
}

fn config() -> DatasetConfig {
    DatasetConfig {
        copies: 2,
        provenance_column: "augmentation".to_owned(),
        ..DatasetConfig::default()
    }
}

#[test]
fn columns_are_carried_and_only_training_rows_change() {
    let bare = DatasetConfig {
        provenance_column: String::new(),
        ..config()
    };
    let (out, _) = run("a.csv", CSV, &bare);
    let (mut from, mut to) = (CSV.split("\r\n"), out.split("\r\n").peekable());
    for row in from.by_ref().filter(|row| !row.is_empty()) {
        assert_eq!(to.next(), Some(row), "a row of the file as it stands");
        let (id, rest) = row.split_once(',').unwrap();
        let copied = ["01", "2", "3"].contains(&id);
        for _ in 0..if copied { 2 } else { 0 } {
            let copy = to.next().unwrap();
            assert!(copy.starts_with(&format!("{id},")), "{copy}");
            let label = rest.rsplitn(3, ',').take(2).collect::<Vec<_>>();
            assert_eq!(copy.rsplitn(3, ',').take(2).collect::<Vec<_>>(), label);
        }
    }
    assert_eq!(to.collect::<Vec<_>>(), [""]);

    let (out, report) = run("a.csv", CSV, &config());
    let mut reader = csv::Reader::from_reader(out.as_bytes());
    assert_eq!(reader.headers().unwrap().get(4), Some("augmentation"));
    for row in reader.records().map(Result::unwrap) {
        if !row[4].is_empty() {
            let record: serde_json::Value = serde_json::from_str(&row[4]).unwrap();
            let number = record["row"].as_f64().unwrap() + 1.0;
            assert_eq!(number, row[0].parse::<f64>().unwrap());
            assert!(record["edits"][0]["transforms"][0] == "random_char");
        }
    }
    let counts = (report.rows, report.train_rows, report.copies);
    assert_eq!(counts, (7, 5, 6));
    assert_eq!((report.leaks, report.blank, report.missing), (1, 1, 4));
    assert_eq!(report.labels["bad"], LabelCount { rows: 1, copies: 2 });
    assert_eq!(report.transforms["random_char"], 6);
    assert!(report.change_rate > 0.0 && report.change_rate < 1.0);
    assert_eq!(report.length_ratio, 1.0);
    assert_eq!(report.samples.len(), 6);
    assert_eq!(run("a.csv", CSV, &config()).0, out, "same seed, same bytes");
    let tsv = CSV.replace(',', "\t");
    assert_eq!(run("a.tsv", &tsv, &config()).1.copies, 6);
    let european = CSV.replace(',', ";");
    assert_eq!(run("a.csv", &european, &config()).1.copies, 6);
}

#[test]
fn packed_files_are_read() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, CSV.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let out = run_on("a.csv.gz", &packed, &columns(), &config(), CHAR).unwrap();
    assert_eq!(out, run("a.csv", CSV, &config()));
}

#[test]
fn json_lines_keep_all_but_the_text() {
    let text = "\u{FEFF}{ \"id\": 7.0, \"te\\u0078t\" : \"a small jar\", \"label\":1, \"more\": {\"a\": [1e3]} }\n\n\
        {\"text\":\"항아리 \\ud83d\\ude00\",\"label\": 0}\n{\"label\": 0, \"text\": null}";
    let columns = Columns {
        split: String::new(),
        ..columns()
    };
    let run = |config: &DatasetConfig| {
        run_on("a.jsonl", text.as_bytes(), &columns, config, CHAR).unwrap()
    };
    let one = DatasetConfig {
        copies: 1,
        ..config()
    };
    let (out, report) = run(&one);
    let lines: Vec<&str> = out.lines().collect();
    let rows = lines.iter().map(|line| line.trim_start_matches('\u{FEFF}'));
    let rows: Vec<serde_json::Value> = rows.map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((rows.len(), report.copies, report.blank), (5, 2, 1));
    assert_eq!(lines[0], text.lines().next().unwrap());
    assert!(lines[1].starts_with("{ \"id\": 7.0, \"te\\u0078t\" : \"") && lines[1].ends_with(" }"));
    assert!(lines[1].contains(", \"label\":1, \"more\": {\"a\": [1e3]},\"augmentation\":{"));
    assert_ne!(rows[1]["text"], rows[0]["text"]);
    assert!(rows[0].get("augmentation").is_none() && rows[1]["augmentation"]["row"] == 0);
    assert_eq!(report.labels["1"], LabelCount { rows: 1, copies: 1 });
}

#[test]
fn classes_are_balanced() {
    // A row of a small class that nothing can be done to: others take its share over.
    let mut text = "text,label\n1 2 3,c\n".to_owned();
    for i in 0..30 {
        let label = ["a", "b", "a", "c", "a", "a"][i % 6];
        text.push_str(&format!("the jar number x{i}x of many,{label}\n"));
    }
    let columns = Columns {
        split: String::new(),
        ..columns()
    };
    for (copies, each) in [(0, 20), (2, 60)] {
        let config = DatasetConfig {
            balance: Balance::Max,
            copies,
            ..config()
        };
        let (_, report) = run_on("a.csv", text.as_bytes(), &columns, &config, CHAR).unwrap();
        for label in report.labels.values() {
            assert_eq!(label.rows + label.copies, each, "{label:?}");
        }
        assert_eq!(report.missing, 0);
        let capped = DatasetConfig {
            max_copies: 1,
            ..config
        };
        let (_, report) = run_on("a.csv", text.as_bytes(), &columns, &capped, CHAR).unwrap();
        assert!(report.missing > 0);
        let got: u64 = report.labels.values().map(|l| l.rows + l.copies).sum();
        assert_eq!(got + report.missing, 3 * each, "the shortfall is stated");
    }
}

#[test]
fn no_copy_is_a_row_of_the_file_or_an_earlier_copy() {
    let swap = r#"{"transform": "random_char", "action": "swap"}"#;
    let columns = Columns::default();
    let one = DatasetConfig::default();
    let (out, report) = run_on("a.csv", b"text\nab\nba\n", &columns, &one, swap).unwrap();
    assert_eq!(
        (out.as_str(), report.copies, report.missing),
        ("text\nab\nba\n", 0, 2)
    );
    assert_eq!(report.duplicates, 2 * 40);
    // Three rows that share their copies: `abc` can become `bac` and `acb`.
    let (out, report) = run_on("a.csv", b"text\nabc\nabc\nabc\n", &columns, &one, swap).unwrap();
    let mut rows: Vec<&str> = out.lines().filter(|&row| row != "abc").collect();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len() as u64, 1 + report.copies);
    assert_eq!(report.missing, 3 - report.copies);
    assert!(report.missing > 0);
}

#[test]
fn rows_do_not_depend_on_threads() {
    let mut text = "text,label,split\n".to_owned();
    for i in 0..3_000 {
        text.push_str(&format!(
            "jar {},a,train\n",
            ["ab", "cd", "abc", "xyzw"][i % 4]
        ));
    }
    let [one, three] = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build()
            .unwrap()
            .install(|| run("a.csv", &text, &config()))
    });
    assert!(one.1.duplicates > 0 && one.1.missing > 0);
    assert_eq!(one, three);
}

#[test]
fn changed_labels_are_marked() {
    let text = "text\nthe old jar was good and big\n";
    let antonym = r#"{"transform": "antonym", "aug_p": 0.5}"#;
    let one = DatasetConfig::default();
    let run = |name: &str, text: &str| {
        run_on(name, text.as_bytes(), &Columns::default(), &one, antonym).unwrap()
    };
    let (out, report) = run("a.csv", text);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "text,label_changed");
    assert!(
        lines[1].ends_with(",false") && lines[2].ends_with(",true"),
        "{out}"
    );
    assert_eq!(report.label_changed, 1);
    let (out, _) = run("a.jsonl", "{\"text\":\"the old jar was good\"}\n");
    assert!(out.ends_with(",\"label_changed\":true}\n"), "{out}");
}

#[test]
fn a_stopped_run_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    std::fs::write(&input, "text\n".to_owned() + &"a small jar\n".repeat(3_000)).unwrap();
    let columns = Columns::default();
    let refusal = TextFile::open(&input, &columns, &mut |_| Break(())).unwrap_err();
    assert_eq!(refusal, AugmentError::Stopped);
    let mut passes = Vec::new();
    let file = TextFile::open(&input, &columns, &mut |_| Continue(())).unwrap();
    let stopped = file.augment(
        &output,
        &pipeline(CHAR),
        &DatasetConfig::default(),
        &mut |p| {
            passes.push(p);
            if passes.len() == 2 {
                Break(())
            } else {
                Continue(())
            }
        },
    );
    assert_eq!(stopped.unwrap_err(), AugmentError::Stopped);
    assert_eq!((passes[0].rows, passes[1].rows), (1024, 2048));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn refusals_name_the_column_and_the_line() {
    let columns = Columns::default();
    let mut big = b"text\nx\n".to_vec();
    big.extend(vec![b'y'; 17 << 20]);
    let wide = format!("text{}\nx\n", ",a".repeat(10_000));
    let cases: [(&str, &[u8], &str); 16] = [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"txt\nx\n", "no column `text`: did you mean `txt`"),
        ("a.csv", b"text,text\nx,y\n", "two columns `text`"),
        (
            "a.csv",
            b"text\nx\n\nx,y\n",
            "line 4: has 2 fields, the header 1",
        ),
        ("a.csv", b"text\nx\n\"y\n", "line 3: ends inside quotes"),
        ("a.csv", b"text\n\xe9\n", "line 2: is not UTF-8"),
        ("a.csv", &big, "line 3: a row of more than"),
        ("a.csv", wide.as_bytes(), "10001 columns"),
        (
            "a.csv",
            b"text,augmentation\nx,y\n",
            "has a column `augmentation` already",
        ),
        (
            "a.jsonl",
            b"{\"text\": 1}\n",
            "line 1: has no string `text`",
        ),
        ("a.jsonl", b"{\"txt\": \"a\"}\n", "did you mean `txt`"),
        (
            "a.jsonl",
            b"{\"text\": \"a\"}\n[1]\n",
            "line 2: is no JSON object",
        ),
        (
            "a.jsonl",
            b"{\"text\": \"a\", \"text\": \"b\"}\n",
            "two keys `text`",
        ),
        (
            "a.jsonl",
            b"{\"text\": \"a\", \"augmentation\": 1}\n",
            "already",
        ),
        ("a.jsonl", b"{\"text\": \"a\"\n", "line 1: EOF"),
        ("a.txt", b"", "is no .csv"),
    ];
    for (name, bytes, words) in cases {
        let refusal = run_on(name, bytes, &columns, &config(), CHAR).err();
        let refusal = refusal.map_or_else(String::new, |refusal| refusal.to_string());
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
    let split = Columns {
        split: "split".to_owned(),
        ..Columns::default()
    };
    let refusal = run_on(
        "a.csv",
        b"text,split\na,dev\nb,test\n",
        &split,
        &config(),
        CHAR,
    );
    let refusal = refusal.unwrap_err().to_string();
    assert!(
        refusal.contains("`split` is train or training, but dev, test"),
        "{refusal}"
    );
    let unlabelled = DatasetConfig {
        balance: Balance::Max,
        ..config()
    };
    assert!(run_on("a.csv", b"text\na\n", &columns, &unlabelled, CHAR).is_err());
    let many = DatasetConfig {
        copies: 1_001,
        ..config()
    };
    assert!(run_on("a.csv", b"text\na\n", &columns, &many, CHAR).is_err());
}

#[test]
fn outputs_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("a.csv");
    std::fs::write(&input, "text\na jar\n").unwrap();
    let file = TextFile::open(&input, &Columns::default(), &mut |_| Continue(())).unwrap();
    for (name, words) in [
        ("a.csv", "is the input"),
        ("b.jsonl", "must be a .csv file"),
        ("b.csv.gz", "leave .gz away"),
        ("no/b.csv", "b.csv"),
    ] {
        let output = folder.path().join(name);
        let config = DatasetConfig::default();
        let refusal = file.augment(&output, &pipeline(CHAR), &config, &mut |_| Continue(()));
        let refusal = refusal.unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
    assert_eq!(std::fs::read(&input).unwrap(), b"text\na jar\n");
}

#[test]
fn statistics_are_those_of_the_training_texts() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("a.csv");
    std::fs::write(&input, CSV).unwrap();
    let file = TextFile::open(&input, &columns(), &mut |_| Continue(())).unwrap();
    let table = file.tf_idf().unwrap();
    // `same` stands in one text for training and in one for testing.
    assert!(table.idf("jar") < table.idf("cracked"));
    assert_eq!(table.idf("same"), table.idf("nowhere"));
    let wants = |step: &str| {
        let json = format!(r#"{{"steps": [{{"transform": "sometimes", "steps": [{step}]}}]}}"#);
        let config: PipelineConfig = serde_json::from_str(&json).unwrap();
        config.wants_tf_idf()
    };
    assert!(wants(r#"{"transform": "tf_idf"}"#) && !wants(CHAR));
    assert!(!wants(r#"{"transform": "tf_idf", "corpus_path": "a.txt"}"#));
}
