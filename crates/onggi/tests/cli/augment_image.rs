//! `onggi augment image` and `onggi augment check`.

use crate::Place;
use serde_json::{Value, json};
use std::fs;

/// Grey images of `side` pixels with a bright left or right half, in class folders.
fn halves(place: &Place, per_class: usize, side: u32) {
    for (class, right) in [("l", false), ("r", true)] {
        fs::create_dir_all(place.path(format!("photos/{class}"))).unwrap();
        for i in 0..per_class {
            let picture = image::GrayImage::from_fn(side, side, |x, y| {
                let bright = (x >= side / 2) == right;
                let noise = (x * 7 + y * 13 + i as u32 * 29) % 40;
                image::Luma([if bright { 180 } else { 40 } + noise as u8])
            });
            picture
                .save(place.path(format!("photos/{class}/{i:02}.png")))
                .unwrap();
        }
    }
}

#[test]
fn copies_keep_folders_and_are_the_same_at_any_thread_count() {
    let place = Place::new();
    halves(&place, 3, 20);
    let before = place.files("photos");
    let make = |out: &str, threads: &str| {
        let line = format!("augment image photos {out} -n 2 --threads {threads} --json");
        place
            .run(&line.split(' ').collect::<Vec<_>>())
            .good()
            .json()
    };
    let figures = make("a", "1");
    assert_eq!(
        (&figures["images"], &figures["written"]),
        (&json!(6), &json!(12))
    );
    make("b", "2");
    let files = |folder: &str| {
        let root = place.path(folder);
        let found = place.files(folder).into_iter();
        let short =
            found.map(|(path, bytes)| (path.strip_prefix(&root).unwrap().to_owned(), bytes));
        short.collect::<Vec<_>>()
    };
    assert_eq!(files("a"), files("b"));
    assert!(place.path("a/l/00-1.png").is_file() && place.path("a/r/02-2.png").is_file());
    assert_eq!(place.files("photos"), before, "read, not written");
    let refused = place.run(&["augment", "image", "photos", "a"]);
    refused.bad(1, "the folder is not empty");
    let inside = place.run(&["augment", "image", "photos", "photos/more"]);
    inside.bad(2, "would be taken for images the next time");
}

#[test]
fn boxes_and_masks_follow_a_mirror() {
    let place = Place::new();
    fs::create_dir_all(place.path("d/images")).unwrap();
    fs::create_dir_all(place.path("d/labels")).unwrap();
    fs::create_dir_all(place.path("d/masks")).unwrap();
    let picture = image::RgbImage::from_fn(10, 8, |x, _| image::Rgb([x as u8 * 20, 0, 0]));
    picture.save(place.path("d/images/a.png")).unwrap();
    let mask = image::GrayImage::from_fn(10, 8, |x, _| image::Luma([u8::from(x < 2)]));
    mask.save(place.path("d/masks/a.png")).unwrap();
    place.file("d/labels/a.txt", "3 0.200000 0.500000 0.200000 0.250000\n");
    place.file(
        "p.toml",
        "[[steps]]\ntransform = \"horizontal_flip\"\np = 1.0\n",
    );
    let coco = json!({
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 9, "bbox": [1, 3, 2, 2]}],
    });
    place.file("c.json", coco.to_string());

    let line = "augment image d/images y --augment p.toml --yolo --masks d/masks";
    place.run(&line.split(' ').collect::<Vec<_>>()).good();
    let boxes = fs::read_to_string(place.path("y/images/a-1.txt")).unwrap();
    assert_eq!(boxes, "3 0.800000 0.500000 0.200000 0.250000\n");
    let mask = image::open(place.path("y/masks/a-1.png"))
        .unwrap()
        .into_luma8();
    assert_eq!(
        (mask[(9, 0)][0], mask[(8, 7)][0], mask[(7, 0)][0]),
        (1, 1, 0)
    );
    let line =
        "augment image d/images c --augment p.toml --coco c.json --originals --preview g.png";
    let said = place
        .run(&line.split(' ').collect::<Vec<_>>())
        .good()
        .stdout;
    assert!(
        said.contains("1 images, 1 copies written; 1 boxes kept"),
        "{said}"
    );
    let annotations = place.json("c/annotations.json");
    let row = |name: &str| -> Value {
        let images = annotations["images"].as_array().unwrap();
        let image = images.iter().find(|i| i["file_name"] == name).unwrap();
        let rows = annotations["annotations"].as_array().unwrap();
        rows.iter().find(|a| a["image_id"] == image["id"]).unwrap()["bbox"].clone()
    };
    assert_eq!(row("a.png"), json!([1.0, 3.0, 2.0, 2.0]));
    assert_eq!(row("a-1.png"), json!([7.0, 3.0, 2.0, 2.0]));
    assert_eq!(place.bytes("c/a.png"), place.bytes("d/images/a.png"));
    let grid = image::open(place.path("g.png")).unwrap();
    assert_eq!((grid.width(), grid.height()), (5 * 160 + 6 * 6, 172));
}

#[test]
fn a_mirror_changes_the_mind_of_a_model_that_knows_left_from_right() {
    let place = Place::new();
    halves(&place, 20, 16);
    let train = "train photos --augment none --epochs 8 --out r";
    let trained = place.run(&train.split(' ').collect::<Vec<_>>()).good();
    assert!(!trained.stderr.contains("mirror"), "{}", trained.stderr);
    let warned = place.run(
        &"train photos --epochs 1 --out s"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    assert!(warned.good().stderr.contains("--augment shift"));
    let line = "augment check photos r --only horizontal_flip,invert,vertical_flip --json";
    let found = place
        .run(&line.split(' ').collect::<Vec<_>>())
        .good()
        .json();
    let changed = |name: &str| {
        let rows = found["transforms"].as_array().unwrap();
        let row = rows.iter().find(|row| row["transform"] == name).unwrap();
        row["changed"].as_f64().unwrap()
    };
    assert!(found["accuracy"].as_f64().unwrap() > 0.9, "{found}");
    assert!(
        changed("horizontal_flip") > 0.9 && changed("vertical_flip") < 0.2,
        "{found}"
    );
    let text = place
        .run(&["augment", "check", "photos", "r"])
        .good()
        .stdout;
    assert!(
        text.contains("horizontal_flip") && text.contains("strong"),
        "{text}"
    );
    place
        .run(&["augment", "check", "photos", "r", "--only", "flip"])
        .bad(2, "there is no transform `flip`");
}

#[test]
fn wrong_use_is_told() {
    let place = Place::new();
    halves(&place, 1, 8);
    place.file("bad.toml", "[[steps]]\ntransform = \"flip_it\"\n");
    for (line, code, words) in [
        ("augment image photos", 2, "required arguments"),
        (
            "augment image photos o --augment lite",
            2,
            "light, standard, strong",
        ),
        ("augment image photos o --augment bad.toml", 2, "flip_it"),
        ("augment image photos o -n 0", 2, "--copies must be between"),
        ("augment image nowhere o", 1, "nowhere"),
        ("augment image photos o --coco none.json", 1, "none.json"),
        ("augment image photos --preview grid.jpg", 2, ".png"),
        (
            "augment image photos o --masks photos/l --augment light",
            1,
            "no image could be read",
        ),
    ] {
        place
            .run(&line.split(' ').collect::<Vec<_>>())
            .bad(code, words);
    }
}
