//! `onggi report`.

use crate::Place;
use std::fs;

#[test]
fn a_report_is_written_anew_to_the_byte() {
    let place = Place::with_image_run();
    let before = place.bytes("r/report.html");
    fs::remove_file(place.path("r/report.html")).unwrap();
    let answer = place.run(&["report", "r"]).good();
    assert_eq!(answer.stdout.trim_end(), "r/report.html");
    assert!(place.bytes("r/report.html") == before);
    let json = place.run(&["report", "r", "--json"]).good().json();
    assert_eq!(json, serde_json::json!({ "report": "r/report.html" }));
}

#[test]
fn a_damaged_run_is_named_and_its_report_kept() {
    let place = Place::with_table_run();
    let before = place.bytes("r/report.html");
    for (file, words) in [
        ("run.json", "run.json is damaged"),
        ("log.jsonl", "log.jsonl is damaged"),
        ("config.toml", "config.toml is damaged: not TOML"),
    ] {
        let whole = place.bytes(&format!("r/{file}"));
        place.file(&format!("r/{file}"), b"{\"x\": [");
        place.run(&["report", "r"]).bad(1, words);
        place.file(&format!("r/{file}"), whole);
    }
    fs::remove_file(place.path("r/run.json")).unwrap();
    place
        .run(&["report", "r"])
        .bad(1, "needs a folder that `onggi train` has finished");
    assert!(place.bytes("r/report.html") == before);
}
