use super::*;
use crate::text::{PipelineConfig, Resources};

fn pipeline() -> Pipeline {
    let json = r#"{"steps": [{"transform": "random_char"}]}"#;
    let config: PipelineConfig = serde_json::from_str(json).unwrap();
    Pipeline::new(config, &Resources::default()).unwrap()
}

/// Runs a file of `text` under `name` and gives output and report.
fn run(
    name: &str,
    text: &str,
    config: &DatasetConfig,
) -> Result<(String, DatasetReport), AugmentError> {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (
        folder.path().join(name),
        folder.path().join(format!("out-{name}")),
    );
    std::fs::write(&input, text).unwrap();
    let report = augment_dataset(&input, &output, &pipeline(), config)?;
    Ok((std::fs::read_to_string(output).unwrap(), report))
}

const CSV: &str = "id,text,label,split\n\
    1,\"a big, round jar\",good,train\n\
    2,a cracked jar,bad,train\n\
    3,another good pot,good,train\n\
    4,the test jar,good,test\n\
    5,the same text,good,train\n\
    6,the same text,good,test\n";

fn config() -> DatasetConfig {
    DatasetConfig {
        label_column: "label".to_owned(),
        split_column: "split".to_owned(),
        copies: 2,
        ..DatasetConfig::default()
    }
}

#[test]
fn columns_are_carried_and_only_training_rows_change() {
    let (out, report) = run("a.csv", CSV, &config()).unwrap();
    let mut reader = csv::Reader::from_reader(out.as_bytes());
    assert_eq!(
        reader.headers().unwrap(),
        vec!["id", "text", "label", "split", "augmentation"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 6 + 2 * 3);
    for row in &rows {
        let copy = !row[4].is_empty();
        assert!(!copy || (&row[3] == "train" && ["1", "2", "3"].contains(&&row[0])));
        if copy {
            let record: serde_json::Value = serde_json::from_str(&row[4]).unwrap();
            assert_eq!(
                record["row"].as_u64().unwrap() + 1,
                row[0].parse::<u64>().unwrap()
            );
            assert!(record["edits"][0]["transforms"][0] == "random_char");
        }
    }
    assert_eq!(
        (report.rows, report.train_rows, report.copies, report.leaks),
        (6, 4, 6, 1)
    );
    assert_eq!(report.labels["good"], LabelCount { rows: 3, copies: 4 });
    assert!(report.change_rate > 0.0 && report.change_rate < 1.0);
    assert_eq!(report.length_ratio, 1.0);
    assert_eq!(report.samples.len(), 6);
    assert_eq!(
        run("a.csv", CSV, &config()).unwrap().0,
        out,
        "same seed, same bytes"
    );
    let tsv = CSV
        .replace("\"a big, round jar\"", "a big round jar")
        .replace(',', "\t");
    assert_eq!(run("a.tsv", &tsv, &config()).unwrap().1.copies, 6);
}

#[test]
fn classes_are_balanced() {
    let text = "text,label\none jar,a\ntwo jars,a\nthree jars,a\nfour jars,b\nfive jars,b\n";
    let config = DatasetConfig {
        balance: Balance::Max,
        split_column: String::new(),
        ..config()
    };
    let (_, report) = run("a.csv", text, &config).unwrap();
    for label in report.labels.values() {
        assert_eq!(label.rows + label.copies, 9, "{label:?}");
    }
    let none = DatasetConfig {
        label_column: String::new(),
        ..config
    };
    assert!(run("a.csv", text, &none).is_err());
}

#[test]
fn json_lines() {
    let text = "{\"id\": 7, \"text\": \"a small jar\", \"label\": 1}\n\n{\"text\": \"항아리\", \"label\": 0}\n";
    let config = DatasetConfig {
        split_column: String::new(),
        copies: 1,
        ..config()
    };
    let (out, report) = run("a.jsonl", text, &config).unwrap();
    let rows: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((rows.len(), report.copies), (4, 2));
    assert_eq!(rows[1]["id"], 7);
    assert_ne!(rows[1]["text"], rows[0]["text"]);
    assert!(rows[0].get("augmentation").is_none() && rows[1]["augmentation"]["row"] == 0);
}

#[test]
fn no_copy_is_a_row_of_the_file() {
    let text = "text\nab\nba\n";
    let swap: PipelineConfig =
        serde_json::from_str(r#"{"steps": [{"transform": "random_char", "action": "swap"}]}"#)
            .unwrap();
    let swap = Pipeline::new(swap, &Resources::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    std::fs::write(&input, text).unwrap();
    let report = augment_dataset(&input, &output, &swap, &DatasetConfig::default()).unwrap();
    assert_eq!((report.copies, report.missing), (0, 2));
    assert!(augment_dataset(&input, &input, &swap, &DatasetConfig::default()).is_err());
}

#[test]
fn refusals_name_the_column_and_the_line() {
    for (name, text, words) in [
        ("a.csv", "txt\nx\n", "did you mean `txt`"),
        ("a.csv", "text\nx,y\n", "line: 2"),
        ("a.jsonl", "{\"text\": 1}\n", "line 1 has no string `text`"),
        ("a.jsonl", "{\"text\": \"a\"}\n[1]\n", "line 2"),
        ("a.csv", "text,augmentation\nx,y\n", "provenance_column"),
        ("a.txt", "", "is no .csv"),
    ] {
        let refusal = run(name, text, &DatasetConfig::default())
            .unwrap_err()
            .to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
}
