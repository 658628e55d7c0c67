//! `onggi embed` of texts, from a folder with a model of a few thousand values
//! (`onggi-zoo/tests/fixtures/text_encoders/make.py`), and what is done with the features.

use super::{Place, fs};
use std::path::Path;

/// A place with the model `tiny`, and reviews of two kinds.
pub(super) fn place() -> Place {
    let place = Place::new();
    let model = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../onggi-zoo/tests/fixtures/text_encoders/tiny");
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        place.file(&format!("tiny/{name}"), fs::read(model.join(name)).unwrap());
    }
    let mut rows = String::from("text,label\n");
    for i in 0..40 {
        let (word, label) = [("good warm fine", "yes"), ("bad cold dull", "no")][i % 2];
        let thing = ["pot", "jar", "kiln", "film"][i / 2 % 4];
        rows += &format!("\"the {thing} is {word} {i}\",{label}\n");
    }
    place.file("reviews.csv", rows);
    place
}

#[test]
fn features_of_texts_are_a_table_to_train_on() {
    let place = place();
    for (out, columns) in [("f.csv", 16), ("f.parquet", 16)] {
        let args = [
            "embed",
            "reviews.csv",
            "--target",
            "label",
            "--model",
            "tiny",
            "--out",
            out,
            "--json",
        ];
        let told = place.run(&args).json();
        assert_eq!(
            (&told["texts"], &told["columns"]),
            (&40.into(), &columns.into())
        );
    }
    let text = fs::read_to_string(place.path("f.csv")).unwrap();
    assert!(text.starts_with("row,label,f0,f1,"), "{text}");
    assert_eq!(text.lines().count(), 41);
    // Both files have the same numbers, but for the rounding of decimals: the same training.
    let losses = |data: &str, out: &str| -> Vec<f64> {
        let args = [
            "train", data, "--target", "label", "--ignore", "row", "--epochs", "4", "--out", out,
        ];
        place.run(&args).good();
        let log = fs::read_to_string(place.path(format!("{out}/log.jsonl"))).unwrap();
        let loss = |line: &str| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            record["val_loss"].as_f64().unwrap()
        };
        log.lines().map(loss).collect()
    };
    let (csv, parquet) = (losses("f.csv", "a"), losses("f.parquet", "b"));
    assert_eq!(csv.len(), 4);
    let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-4;
    assert!(csv.iter().zip(&parquet).all(close), "{csv:?} {parquet:?}");
    place.run(&["predict", "b", "f.parquet"]).good();
    place.run(&["evaluate", "b", "f.parquet"]).good();
}

#[test]
fn folders_of_texts_other_pooling_and_numpy() {
    let place = place();
    for (class, text) in [("x", "a red pot"), ("y", "")] {
        for i in 0..3 {
            place.file(&format!("texts/{class}/{i}.txt"), text);
        }
    }
    let embed = |more: &[&str]| {
        let args = [&["embed", "texts", "--model", "tiny"], more].concat();
        place.run(&args)
    };
    let out = ["--out", "f.csv", "--dims", "2", "--pooling", "cls"];
    let said = embed(&out).good();
    assert!(said.stderr.contains("3 texts are empty"), "{}", said.stderr);
    let text = fs::read_to_string(place.path("f.csv")).unwrap();
    assert!(text.starts_with("path,class,f0,f1\nx/0.txt,x,"), "{text}");
    embed(&["--out", "f.npy", "--max-tokens", "4"]).good();
    let bytes = fs::read(place.path("f.npy")).unwrap();
    assert_eq!(bytes.len(), 128 + 6 * 16 * 4);
    embed(&["--out", "g.csv", "--pooling", "pooler"])
        .bad(2, "mean or cls: this encoder has no pooler");
    embed(&["--out", "g.csv", "--target", "class"])
        .bad(2, "the classes of a folder are its folders");
    embed(&["--out", "g.csv", "--max-tokens", "3"]).bad(2, "--max-tokens must be at least 4");
}

#[test]
fn what_is_no_model_of_texts_says_so() {
    let place = place();
    let embed = |model: &str| {
        let args = ["embed", "reviews.csv", "--out", "f.csv", "--model", model];
        place.run_with(&args, &[("HF_HOME", "nowhere"), ("HF_HUB_OFFLINE", "1")])
    };
    embed("efficientnet_lite0").bad(2, "is a model of images");
    embed("nothing").bad(2, "there is no image model `nothing`");
    embed("all-MiniLM-L6-v2").bad(1, "`onggi models pull all-MiniLM-L6-v2`");
    place.file("empty/readme.md", "");
    embed("empty").bad(1, "there is no config.json");
    place.file(
        "tiny/config.json",
        r#"{"model_type": "bert", "hidden_act": "wobble"}"#,
    );
    embed("tiny").bad(1, "the activation `wobble` is not known");
    place.file("tiny/config.json", r#"{"model_type": "distilbert"}"#);
    embed("tiny").bad(1, "`transformer.layer.0.attention.q_lin.weight` is missing");
}

#[test]
fn published_encoders_are_listed_with_their_licences() {
    let place = Place::new();
    let env = [("HF_HOME", "nowhere"), ("HF_HUB_OFFLINE", "1")];
    let list = place.run_with(&["models", "list"], &env).good().stdout;
    assert!(
        list.contains("sentence-transformers/all-MiniLM-L6-v2"),
        "{list}"
    );
    for (name, licence) in [
        ("all-MiniLM-L6-v2", "Apache-2.0"),
        ("bert-base-uncased", "Apache-2.0"),
        ("distilbert-base-uncased", "Apache-2.0"),
        ("FacebookAI/roberta-base", "MIT"),
    ] {
        let told = place
            .run_with(&["models", "info", name, "--json"], &env)
            .json();
        assert_eq!(told["licence"], licence, "{told}");
    }
    place
        .run_with(&["models", "pull", "all-MiniLM-L6-v2"], &env)
        .bad(1, "HF_HUB_OFFLINE");
}

#[test]
fn a_masked_language_model_augments_texts() {
    let place = place();
    place.file(
        "steps.toml",
        "model = \"tiny\"\n[[steps]]\ntransform = \"contextual_word_embs\"\naction = \"insert\"\n",
    );
    let args = [
        "augment",
        "text",
        "reviews.csv",
        "more.csv",
        "--pipeline",
        "steps.toml",
    ];
    place.run(&args).good();
    let text = fs::read_to_string(place.path("more.csv")).unwrap();
    assert_eq!(text.lines().count(), 81);
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let longer = lines.chunks(2).filter(|pair| pair[1].len() > pair[0].len());
    assert_eq!(longer.count(), 40);
    place.file(
        "steps.toml",
        "model = \"none\"\n[[steps]]\ntransform = \"contextual_word_embs\"\n",
    );
    let args = [&args[..], &["--force"]].concat();
    place.run(&args).bad(1, "there is no config.json");
}
