//! `onggi evaluate`.

use crate::Place;

#[test]
fn a_model_is_measured_on_labelled_images() {
    let place = Place::with_image_run();
    place.photos("more", &["red", "blue"], 5);
    let json = place
        .run(&["evaluate", "r", "more", "--json"])
        .good()
        .json();
    let keys: Vec<_> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "samples",
            "loss",
            "accuracy",
            "macro_f1",
            "per_class",
            "confusion"
        ]
    );
    assert_eq!(json["samples"], 10);
    let confusion: Vec<Vec<u64>> = serde_json::from_value(json["confusion"].clone()).unwrap();
    assert!(
        confusion.iter().all(|row| row.iter().sum::<u64>() == 5),
        "{confusion:?}"
    );
    let right = confusion[0][0] + confusion[1][1];
    assert_eq!(json["accuracy"].as_f64().unwrap(), right as f64 / 10.0);
    let per_class = json["per_class"].as_array().unwrap();
    let names: Vec<_> = per_class
        .iter()
        .map(|c| c["class"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["blue", "red"]);
    for class in per_class {
        for figure in ["precision", "recall", "f1"] {
            let figure = class[figure].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&figure), "{class}");
        }
        assert_eq!(class["support"], 5);
    }
    let text = place.run(&["evaluate", "r", "more"]).good().stdout;
    assert!(
        text.starts_with("Accuracy ") && text.contains("confusion:"),
        "{text}"
    );
}

#[test]
fn the_test_figures_can_be_had_again() {
    let place = Place::new();
    place.photos("photos/train", &["red", "blue"], 10);
    place.photos("photos/test", &["red", "blue"], 4);
    let run = ["train", "photos", "--epochs", "2", "--json", "--out", "r"];
    let trained = place.run(&run).good().json();
    let measured = place.run(&["evaluate", "r", "photos", "--json"]).good();
    assert!(
        measured.stderr.contains("measuring on its test part"),
        "{}",
        measured.stderr
    );
    assert_eq!(measured.json()["accuracy"], trained["test_accuracy"]);
    assert_eq!(measured.json(), place.json("r/run.json")["evaluation"]);
}

#[test]
fn some_of_the_classes_are_enough_and_others_are_refused() {
    let place = Place::with_image_run();
    place.photos("one", &["red"], 3);
    assert_eq!(
        place.run(&["evaluate", "r", "one", "--json"]).good().json()["samples"],
        3
    );
    place.photos("other", &["red", "green"], 3);
    let words = "other: class folder `green` is none of the run's classes (blue, red)";
    place.run(&["evaluate", "r", "other"]).bad(1, words);
}

#[test]
fn a_model_is_measured_on_a_table() {
    let place = Place::with_table_run();
    let json = place
        .run(&["evaluate", "r", "t.csv", "--json"])
        .good()
        .json();
    assert_eq!(json["samples"], 60);
    place.file("new.csv", "a,b,kind\n1,2,middle\n");
    let words = "new.csv: line 2: the target `kind` is `middle`, not one of the classes high, low";
    place.run(&["evaluate", "r", "new.csv"]).bad(1, words);
    place.file("blind.csv", "a,b\n1,2\n");
    place
        .run(&["evaluate", "r", "blind.csv"])
        .bad(1, "blind.csv: no column `kind`");
}
