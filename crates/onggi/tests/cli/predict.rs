//! `onggi predict`.

use crate::Place;

#[test]
fn images_get_a_class_and_a_probability() {
    let place = Place::with_image_run();
    let answer = place
        .run(&["predict", "r", "photos/red/00.png", "photos/blue/01.png"])
        .good();
    let lines: Vec<_> = answer.stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].starts_with("photos/red/00.png: ") && lines[0].ends_with(" %"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("photos/blue/01.png: "), "{lines:?}");
    assert_eq!(answer.stderr, "");

    let top = place
        .run(&["predict", "r", "photos/red/00.png", "--top", "5"])
        .good()
        .stdout;
    assert!(
        top.contains("red ") && top.contains(", ") && top.contains("blue "),
        "{top}"
    );
}

#[test]
fn json_holds_every_answer() {
    let place = Place::with_image_run();
    let args = [
        "predict",
        "r",
        "photos/red/00.png",
        "photos/blue/01.png",
        "--json",
        "--top",
        "2",
    ];
    let json = place.run(&args).good().json();
    assert_eq!(
        (&json["run"], &json["errors"]),
        (&"r".into(), &serde_json::json!([]))
    );
    let answers = json["predictions"].as_array().unwrap();
    assert_eq!(answers.len(), 2);
    for answer in answers {
        let top = answer["top"].as_array().unwrap();
        let p: Vec<_> = top
            .iter()
            .map(|g| g["probability"].as_f64().unwrap())
            .collect();
        assert!(p[0] >= p[1] && (p[0] + p[1] - 1.0).abs() < 1e-6, "{answer}");
        assert_eq!(
            (&top[0]["class"], &top[0]["probability"]),
            (&answer["class"], &answer["probability"])
        );
    }
}

#[test]
fn a_bad_file_among_good_ones_is_named_after_the_answers() {
    let place = Place::with_image_run();
    place.file("text.png", "no image");
    let args = [
        "predict",
        "r",
        "photos/red/00.png",
        "text.png",
        "photos/blue/01.png",
    ];
    let answer = place
        .run(&args)
        .bad(1, "text.png: not an image by its content");
    assert_eq!(answer.stdout.lines().count(), 2, "{}", answer.stdout);

    let several = [&args[..], &["gone.png"]].concat();
    let answer = place.run(&several).bad(1, "2 of 4 inputs got no answer");
    assert_eq!(answer.stdout.lines().count(), 2, "{}", answer.stdout);
    assert!(
        answer.stderr.starts_with("warning: text.png: not an image"),
        "{}",
        answer.stderr
    );
    assert!(
        answer.stderr.contains("\nwarning: gone.png: "),
        "{}",
        answer.stderr
    );

    let json = place
        .run(&[&several[..], &["--json"]].concat())
        .bad(1, "2 of 4")
        .json();
    assert_eq!(json["predictions"].as_array().unwrap().len(), 2);
    let errors = json["errors"].as_array().unwrap();
    let inputs: Vec<_> = errors
        .iter()
        .map(|e| e["input"].as_str().unwrap())
        .collect();
    assert_eq!(inputs, ["text.png", "gone.png"]);
}

#[test]
fn names_of_every_kind() {
    let place = Place::with_image_run();
    let picture = place.bytes("photos/red/00.png");
    let mut names = vec!["with space.png", "한글 이름.png", "100%s.png"];
    if cfg!(unix) {
        names.push("new\nline.png");
    }
    for name in &names {
        place.file(name, &picture);
    }
    let answer = place.run(&[&["predict", "r"], &names[..]].concat()).good();
    assert_eq!(
        answer.stdout.lines().count(),
        names.len(),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.contains("한글 이름.png: "),
        "{}",
        answer.stdout
    );
    place.file("-dash.png", &picture);
    place.run(&["predict", "r", "--", "-dash.png"]).good();
}

#[test]
fn rows_of_a_table_are_answered_without_their_class() {
    let place = Place::with_table_run();
    // Other columns, in another order, and a missing value.
    place.file("new.csv", "b,more,a\n1,x,2\n,y,9\n");
    let answer = place.run(&["predict", "r", "new.csv"]).good();
    let lines: Vec<_> = answer.stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("new.csv row 1: "), "{lines:?}");
    place.file("less.csv", "b\n1\n");
    place
        .run(&["predict", "r", "less.csv"])
        .bad(1, "less.csv: no column `a`; columns: b");
}
