use std::ops::ControlFlow::Continue;

use ::parquet::record::{Field, Row as Record};

use super::*;
use crate::text::{DatasetConfig, DatasetReport, Pipeline, PipelineConfig, Resources, TextFile};

/// Written by pyarrow: see `text_rows.py` beside it.
const FIXTURE: &[u8] = include_bytes!("../../../../../tests/fixtures/text_rows.parquet");

fn run(bytes: &[u8], columns: &Columns) -> Result<(Vec<u8>, DatasetReport), AugmentError> {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (
        folder.path().join("a.parquet"),
        folder.path().join("b.parquet"),
    );
    std::fs::write(&input, bytes).unwrap();
    let json = r#"{"allow_label_change": true, "steps": [{"transform": "random_char"}]}"#;
    let pipeline: PipelineConfig = serde_json::from_str(json).unwrap();
    let pipeline = Pipeline::new(pipeline, &Resources::default())?;
    let config = DatasetConfig {
        copies: 2,
        provenance_column: "augmentation".to_owned(),
        ..DatasetConfig::default()
    };
    let mut watch = |_| Continue(());
    let file = TextFile::open(&input, columns, &mut watch)?;
    let report = file.augment(&output, &pipeline, &config, &mut watch)?;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    Ok((std::fs::read(&output).unwrap(), report))
}

fn columns() -> Columns {
    Columns {
        label: "label".to_owned(),
        split: "split".to_owned(),
        ..Columns::default()
    }
}

fn records(bytes: &[u8]) -> (Vec<Record>, Vec<KeyValue>) {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    let file = SerializedFileReader::new(file).unwrap();
    let rows = file.get_row_iter(None).unwrap();
    let metadata = file.metadata().file_metadata().key_value_metadata();
    (
        rows.map(Result::unwrap).collect(),
        metadata.cloned().unwrap_or_default(),
    )
}

fn fields<'a>(row: &'a Record, left_out: &[&str]) -> Vec<(&'a String, &'a Field)> {
    row.get_column_iter()
        .filter(|(name, _)| !left_out.contains(&name.as_str()))
        .collect()
}

#[test]
fn every_type_is_carried() {
    let (out, report) = run(FIXTURE, &columns()).unwrap();
    assert_eq!((report.rows, report.train_rows, report.copies), (6, 5, 8));
    assert_eq!((report.blank, report.labels["bad"].copies), (1, 4));
    let (before, _) = records(FIXTURE);
    let (after, metadata) = records(&out);
    assert_eq!(after.len(), 6 + 8);
    let mut source = None;
    for row in &after {
        let added = ["augmentation", "label_changed"];
        let record = row.get_column_iter().find(|(name, _)| *name == added[0]);
        if record.unwrap().1 == &Field::Null {
            source = Some(source.map_or(0, |i| i + 1));
            let from = fields(&before[source.unwrap()], &[]);
            assert_eq!(fields(row, &added), from);
        } else {
            let left_out = ["text", added[0], added[1]];
            let from = fields(&before[source.unwrap()], &left_out);
            assert_eq!(fields(row, &left_out), from);
        }
    }
    let keys: Vec<&str> = metadata.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!(
        keys,
        ["made by"],
        "the description of other columns is left out"
    );
}

#[test]
fn columns_that_hold_no_text_are_refused() {
    for (text, label, words) in [
        ("score", "label", "`score` does not hold strings"),
        ("texts", "label", "did you mean `text`"),
        ("tags.list.element", "label", "is nested"),
        ("text", "price", "of a type that is no label"),
    ] {
        let columns = Columns {
            text: text.to_owned(),
            label: label.to_owned(),
            ..columns()
        };
        let refusal = run(FIXTURE, &columns).unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
}

/// Any damage is an error or passes unseen; nothing panics.
#[test]
fn damaged_files() {
    for length in (0..FIXTURE.len()).step_by(97) {
        assert!(run(&FIXTURE[..length], &columns()).is_err(), "{length}");
    }
    for at in (0..FIXTURE.len()).step_by(23) {
        let mut bytes = FIXTURE.to_vec();
        bytes[at] ^= 0x55;
        let _ = run(&bytes, &columns());
    }
}
