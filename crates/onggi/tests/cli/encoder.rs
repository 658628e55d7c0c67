//! `onggi train --model ENCODER` on texts, with the model of a few thousand values of `embed_text`.

use super::embed_text::place;
use super::{Place, fs};

const TRAIN: &str = "train reviews.csv --text-column text --target label --model tiny";

fn run(place: &Place, line: &str) -> super::Answer {
    place.run(&line.split(' ').collect::<Vec<_>>())
}

#[test]
fn few_texts_get_a_head_and_features_are_kept() {
    let place = place();
    let first = run(&place, &format!("{TRAIN} --out a")).good().stdout;
    for expected in [
        "--tune head: 28 training texts are too few",
        "tiny: 34 parameters",
        "features: 34 of 34 computed",
        "of --model linear, for comparison, 100.0 %",
        "Test accuracy 100.0 %",
    ] {
        assert!(first.contains(expected), "{expected}: {first}");
    }
    let again = run(&place, &format!("{TRAIN} --out b --threads 1"))
        .good()
        .stdout;
    assert!(again.contains("features: 0 of 34 computed"), "{again}");
    let weights = |run: &str| place.bytes(&format!("{run}/best.safetensors"));
    assert!(
        weights("a") == weights("b"),
        "kept features are those computed"
    );
    // What the run needs is in it.
    fs::rename(place.path("tiny"), place.path("gone")).unwrap();
    place.file(
        "new.csv",
        "text\nthe pot is good warm fine 4\nthe film is bad cold dull 7\n",
    );
    let answers = run(&place, "predict a new.csv --json").good().json();
    let class = |i: usize| answers["predictions"][i]["class"].clone();
    assert_eq!([class(0), class(1)], ["yes", "no"]);
    let measured = run(&place, "evaluate a reviews.csv --json").good().json();
    assert!(measured["accuracy"].as_f64().unwrap() > 0.9, "{measured}");
    run(&place, "report a").good();
    let found = run(&place, "diagnose a --json").good().json();
    assert_eq!(found["layers"][0]["layer"], "classifier", "{found}");
    let exported = run(&place, "export a --format safetensors --json")
        .good()
        .json();
    assert_eq!(exported["input"]["name"], "tokens");
    fs::rename(place.path("gone"), place.path("tiny")).unwrap();
    run(&place, &format!("{TRAIN} --augment-text aeda --out c")).good();
    assert!(weights("c") != weights("a"), "changed copies count");
    fs::remove_file(place.path("a/tokenizer.json")).unwrap();
    run(&place, "predict a new.csv").bad(1, "tokenizer.json is gone");
}

/// Both begin with a fitted head; the same weights at one thread and at two, and after an interruption.
#[test]
fn low_rank_matrices_or_everything_is_tuned() {
    let place = place();
    for (tune, parameters) in [("lora", "1,058 parameters"), ("all", "")] {
        let train = format!("{TRAIN} --tune {tune} --epochs 3");
        let said = run(&place, &format!("{train} --out {tune} --threads 1"))
            .good()
            .stdout;
        for expected in [
            "head fitted in",
            &format!("tiny: {parameters}"),
            "Test accuracy 100.0 %",
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
        run(&place, &format!("{train} --out {tune}-2 --threads 2")).good();
        let weights = |out: &str| place.bytes(&format!("{out}/best.safetensors"));
        assert!(weights(tune) == weights(&format!("{tune}-2")));
        let answers = run(&place, &format!("evaluate {tune} reviews.csv --json"))
            .good()
            .json();
        assert!(
            answers["accuracy"].as_f64().unwrap() > 0.9,
            "{tune}: {answers}"
        );
    }
    let names = |run: &str| {
        let state =
            onggi::zoo::weights::read(&place.path(format!("{run}/best.safetensors"))).unwrap();
        state.into_iter().collect::<Vec<_>>()
    };
    let published = onggi::zoo::weights::read(&place.path("tiny/model.safetensors")).unwrap();
    let (lora, all) = (names("lora"), names("all"));
    assert!(lora.iter().any(|(name, _)| name.ends_with("query.lora_a")));
    assert!(all.iter().all(|(name, _)| !name.contains("lora")));
    let word = "embeddings.word_embeddings.weight";
    let table = |state: &[(String, onggi::nn::state::StateTensor)]| {
        let found = state.iter().find(|(name, _)| name.ends_with(word));
        found.unwrap().1.values.clone()
    };
    let given = published
        .iter()
        .find(|(name, _)| name.ends_with(word))
        .unwrap()
        .1
        .values
        .clone();
    assert_eq!(table(&lora), given, "the encoder is frozen");
    assert_ne!(table(&all), given);
}

#[test]
fn what_an_encoder_does_not_take_is_told() {
    let place = place();
    for (more, words) in [
        ("--tune last-2", "tuned by head, lora or all"),
        (
            "--tune some",
            "must be auto, head, last-N such as last-2, lora, or all",
        ),
        ("--width 2", "have no part in a pretrained encoder"),
        ("--vocabulary 99", "have no part in a pretrained encoder"),
        ("--weights w.pth", "an encoder of texts is named by --model"),
        ("--views 2", "--augment-text"),
        (
            "--tune lora --views 2 --augment-text eda",
            "--views is for --tune head",
        ),
        ("--epochs 3", "--epochs has no part in fitting a head"),
        ("--max-tokens 3", "must be at least 4"),
    ] {
        run(&place, &format!("{TRAIN} {more}")).bad(2, words);
    }
    let scratch = TRAIN.replace("tiny", "cnn");
    run(&place, &format!("{scratch} --tune lora")).bad(2, "for encoders of texts");
    let unknown = TRAIN.replace("tiny", "nothing");
    run(&place, &unknown).bad(2, "pretrained all-MiniLM-L6-v2");
    place.file("tiny/config.json", "{\"model_type\": \"gpt2\"}");
    run(&place, TRAIN).bad(1, "no encoder of the type `gpt2`");
}
