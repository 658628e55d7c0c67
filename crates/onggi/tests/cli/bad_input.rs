//! What must fail: with one clear line, exit code 1 or 2, no panic, and no run left behind.

use crate::Place;
use std::fs;

/// Runs `args` and asserts that it fails so and leaves no run.
fn refused(place: &Place, args: &[&str], code: i32, words: &str) {
    let answer = place.run(args).bad(code, words);
    assert_eq!(answer.stdout, "", "{}", answer.what);
    assert!(place.has_no_run(), "{}: a run was left", answer.what);
}

#[test]
fn folders_that_cannot_be_trained_on() {
    let place = Place::new();
    refused(&place, &["train", "nowhere"], 1, "nowhere does not exist");

    fs::create_dir_all(place.path("empty/red")).unwrap();
    refused(&place, &["train", "empty"], 1, "empty: no images found");

    place.photos("one", &["red"], 3);
    refused(
        &place,
        &["train", "one"],
        1,
        "one: found one class only, `red` (3 images)",
    );

    place.photos("single", &["red", "blue"], 3);
    place.photos("single", &["lone"], 1);
    let words = "single: class `lone` has 1 of at least 2 training samples";
    refused(&place, &["train", "single"], 1, words);

    place.file("loose/a.png", crate::picture(0, 0));
    refused(
        &place,
        &["train", "loose"],
        1,
        "loose: 1 images lie outside of class folders",
    );

    place.photos("blind/test", &["red", "blue"], 3);
    refused(
        &place,
        &["train", "blind"],
        1,
        "blind: found test/ but no train/",
    );

    place.photos("new/train", &["red", "blue"], 3);
    place.photos("new/test", &["red", "green"], 3);
    refused(
        &place,
        &["train", "new"],
        1,
        "new: class `green` is in test but not in train",
    );

    place.file("a.png", crate::picture(0, 0));
    refused(
        &place,
        &["train", "a.png"],
        2,
        "a.png: cannot be trained on",
    );
}

#[test]
fn damaged_images() {
    let place = Place::new();
    for i in 0..3 {
        place.file(&format!("none/red/{i}.png"), "no image");
        place.file(&format!("none/blue/{i}.png"), "no image");
    }
    refused(
        &place,
        &["train", "none"],
        1,
        "none of the 6 images can be read; the first: none/",
    );

    place.photos("half", &["red"], 4);
    place.photos("half", &["blue"], 1);
    place.file("half/blue/cut.png", &crate::picture(2, 1)[..60]);
    let words = "half: class `blue` has 1 of at least 2 training samples";
    refused(&place, &["train", "half"], 1, words);
    refused(
        &place,
        &["train", "half", "--strict"],
        1,
        "half/blue/cut.png: ",
    );

    place.photos("split/train", &["red", "blue"], 4);
    place.file("split/val/red/0.png", "no image");
    place.file("split/val/blue/0.png", "no image");
    let words = "none of the 2 images of the val folder can be read";
    refused(&place, &["train", "split"], 1, words);
}

#[test]
fn tables_that_cannot_be_trained_on() {
    let place = Place::new();
    let cases: [(&str, &str); 10] = [
        ("", "t.csv: the file is empty"),
        ("a,kind\n", "t.csv: there are no rows"),
        (
            "a,kind\n1,x\n2,y,3\n",
            "t.csv: line 3 has 3 fields, the header 2",
        ),
        ("a,b\n1,x\n", "t.csv: no column `kind`; columns: a, b"),
        ("a,a,kind\n1,1,x\n", "t.csv: two columns are named `a`"),
        (
            "a,kind\nred,x\n",
            "t.csv: column `a`, line 2: `red` is not a number",
        ),
        (
            "a,kind\n1,x\n2,\n",
            "t.csv: line 3: the target `kind` is missing",
        ),
        (
            "a,kind\n1,x\n2,x\n",
            "t.csv: the target `kind` is `x` in every row",
        ),
        (
            "a,kind\n1,x\n2,y\n3,y\n",
            "t.csv: class `x` has 1 of at least 2 training samples",
        ),
        (
            "\"a\nb\",kind\nred,x\n",
            "t.csv: column `a\\nb`, line 3: `red` is not a number",
        ),
    ];
    for (text, words) in cases {
        place.file("t.csv", text);
        refused(&place, &["train", "t.csv", "--target", "kind"], 1, words);
    }
    place.file("t.csv", b"a,kind\n1,\xe9\n");
    let args = ["train", "t.csv", "--target", "kind"];
    refused(&place, &args, 1, "t.csv: line 2 is not UTF-8");
    refused(
        &place,
        &["train", "gone.csv", "--target", "kind"],
        1,
        "gone.csv: no such file",
    );
    refused(
        &place,
        &["train", "t.csv"],
        2,
        "Name it with --target COLUMN",
    );
    place.file("t.csv", "a,b,kind\n,1,x\n,2,y\n,3,x\n,4,y\n");
    let answer = place
        .run(&args)
        .bad(1, "column `a` has no value in the training rows");
    assert_eq!(
        answer.stderr.lines().count(),
        1,
        "nothing was filled: {}",
        answer.stderr
    );
}

#[test]
fn values_out_of_range_are_wrong_use() {
    let place = Place::with_photos();
    for (flag, words) in [
        ("--epochs=0", "--epochs must be between 1 and"),
        ("--epochs=x", "invalid value 'x' for '--epochs"),
        ("--batch=1", "--batch must be between 2 and"),
        ("--lr=0", "--lr must be between"),
        ("--lr=NaN", "--lr must be between"),
        ("--momentum=1", "--momentum must be between 0 and"),
        ("--weight-decay=-1", "--weight-decay must be between 0 and"),
        (
            "--label-smoothing=1",
            "--label-smoothing must be between 0 and",
        ),
        ("--dropout=1", "--dropout must be between 0 and"),
        ("--clip-norm=-1", "--clip-norm must be between 0 and"),
        ("--size=7", "--size must be between 8 and"),
        ("--threads=0", "--threads must be between 1 and"),
        (
            "--seed=9223372036854775808",
            "9223372036854775808 is not in 0..=",
        ),
        ("--model=mlp", "there is no image model `mlp`"),
        ("--optimizer=adan", "invalid value 'adan' for '--optimizer"),
        ("--target=x", "--target is for tables"),
        ("--colour", "unexpected argument '--colour'"),
    ] {
        refused(&place, &["train", "photos", flag], 2, words);
    }
    refused(&place, &["train"], 2, "no data given");
    refused(
        &place,
        &["predict", "r", "x.png", "--top", "0"],
        2,
        "--top must be at least 1",
    );
    refused(
        &place,
        &["predict", "r"],
        2,
        "required arguments were not provided",
    );
    refused(&place, &["trian"], 2, "unrecognized subcommand 'trian'");
}

#[test]
fn settings_that_cannot_be_used() {
    let place = Place::with_photos();
    for (text, words) in [
        ("epoch = 3\n", "unknown field `epoch`"),
        (
            "lr = 0.1\nepochs = \"x\"\n",
            "setting `epochs`: invalid type",
        ),
        (
            "lr = 0.1\nepochs = [\n",
            "--config run.toml: not TOML: line ",
        ),
        ("dropout = 2.0\n", "--dropout must be between 0 and"),
    ] {
        place.file("run.toml", text);
        refused(
            &place,
            &["train", "photos", "--config", "run.toml"],
            2,
            words,
        );
    }
    refused(
        &place,
        &["train", "--config", "gone.toml"],
        1,
        "--config gone.toml: ",
    );
    place.file("file", "mine");
    refused(
        &place,
        &["train", "photos", "--out", "file"],
        1,
        "--out file: there is a file",
    );
    assert_eq!(place.bytes("file"), b"mine");
}

#[test]
fn folders_that_are_no_run() {
    let place = Place::with_photos();
    let picture = "photos/red/00.png";
    for args in [
        &["predict", "photos", picture][..],
        &["report", "photos"],
        &["evaluate", "photos", "photos"],
    ] {
        refused(
            &place,
            args,
            1,
            "photos is not a run folder: it has no config.toml",
        );
    }
    let answer = place.run(&["predict", "gone", picture]).bad(1, "gone: ");
    assert_eq!(
        answer.stderr.matches("os error").count(),
        1,
        "said once: {}",
        answer.stderr
    );
    place.file("file", "x");
    refused(&place, &["report", "file"], 1, "file: not a directory");
}

#[test]
fn weights_cut_short_or_changed() {
    let place = Place::with_image_run();
    let whole = place.bytes("r/best.safetensors");
    let n = whole.len();
    for len in [0, 1, 7, 8, 100, n / 2, n - 4, n - 1] {
        place.file("r/best.safetensors", &whole[..len]);
        refused(
            &place,
            &["predict", "r", "photos/red/00.png"],
            1,
            "r/best.safetensors: damaged or cut short",
        );
    }
    for at in [n / 2, n - 2] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        place.file("r/best.safetensors", &flipped);
        refused(
            &place,
            &["evaluate", "r", "photos"],
            1,
            "r/best.safetensors: damaged",
        );
    }
    fs::remove_file(place.path("r/best.safetensors")).unwrap();
    refused(
        &place,
        &["report", "r"],
        1,
        "r is not a run folder: it has no best.safetensors",
    );
}
