//! What every augmenter of the registry must pass.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::model::double;
use super::*;

/// One run of an augmenter on its own, nothing protected.
pub(super) fn step(augmenter: &dyn TextAugmenter, text: &str, index: u64) -> String {
    let doc = Document::new(text, &[]);
    let mut edits = Edits::default();
    augmenter
        .edits(&doc, &mut Draw::new(7, 0, index), &mut edits)
        .unwrap();
    edits.seal(text, Default::default());
    edits.apply(text)
}

/// (before, after) of the runs of `0..n` that changed the text.
pub(super) fn changed(augmenter: &dyn TextAugmenter, text: &str, n: u64) -> Vec<(String, String)> {
    let runs = (0..n).map(|index| (text.to_owned(), step(augmenter, text, index)));
    runs.filter(|(from, to)| from != to).collect()
}

/// Texts that have broken text programs before.
const HARD: [&str; 24] = [
    "",
    " ",
    "\n\r\n\t",
    "a",
    "I",
    "가",
    "ㄱㅏ ㅋㅋ ㅠㅠ",
    "👨‍👩‍👧‍👦 👍🏽 🇰🇷🇰",
    "e\u{301}\u{301}\u{301} Z\u{310}\u{351}a\u{327}lgo",
    "שלום עולם, مرحبا بالعالم",
    "\u{200D}\u{200D}\u{FE0F}",
    "ﷺ ǅ ß İ ı ŉ",
    "สวัสดีชาวโลก",
    "नमस्ते दुनिया",
    "漢字とかなカナ",
    "...!!!???;;;",
    "_ __ a_b 1_2",
    "'' 'tis o'clock'",
    "https://x.y/z?a=b#c @me #tag `code` [MASK] 1,234.5",
    "it is not. It isn't! He can't? We cannot; a car an hour",
    "나는 물을 마시고 학교로 간다. 집으로는 안 간다!",
    "\u{1100}\u{1161}\u{11A8} \u{AC00}\u{11A8}",
    "\u{0}\u{1}\u{7F}\u{85}\u{2028}",
    "The old potter quickly fired twelve of her largest jars.",
];

/// An augmenter as JSON, with its files and models there.
fn example(name: &str, default: &TextTransform) -> Map<String, Value> {
    let Value::Object(mut settings) = serde_json::to_value(default).unwrap() else {
        panic!("settings are an object")
    };
    if name == "word_embs" {
        let path = std::env::temp_dir().join(format!("onggi-conform-{}", std::process::id()));
        std::fs::write(&path, "jar 1 0\npot 1 0.1\n물 0 1\nthe 0.1 1\n").unwrap();
        settings.insert("model_path".to_owned(), path.to_str().unwrap().into());
    }
    if name == "reserved" {
        let groups = serde_json::json!([["jar", "pot", "two words"], ["물", "커피"]]);
        settings.insert("reserved_tokens".to_owned(), groups);
    }
    settings
}

fn pipeline(settings: Map<String, Value>) -> Pipeline {
    let numbers = settings["transform"] != "number_noise";
    let config = serde_json::json!({
        "allow_label_change": true,
        "protect": {"numbers": numbers, "phrases": ["keep me", "보존"]},
        "steps": [settings],
    });
    let resources = Resources {
        tf_idf: Some(Arc::new(TfIdfTable::train(HARD))),
        ..double::resources()
    };
    Pipeline::new(serde_json::from_value(config).unwrap(), &resources).unwrap()
}

/// Runs a pipeline and checks what holds of every output.
fn sound(pipeline: &Pipeline, text: &str, index: u64) -> Augmented {
    let run = || pipeline.apply(text, &mut Draw::new(3, 1, index)).unwrap();
    let out = run();
    assert_eq!(out, run(), "same seed, same bytes");
    assert_eq!(out.edits.apply(text), out.text, "the edits are the change");
    let mut end = 0;
    for edit in out.edits.iter() {
        assert!(edit.start >= end && edit.end >= edit.start && edit.end <= text.len());
        assert!(edit.transforms().count() > 0);
        end = edit.end;
    }
    let protected = pipeline.config().protect.spans(text);
    for span in &protected {
        for edit in out.edits.iter() {
            assert!(
                edit.end <= span.start || edit.start >= span.end,
                "{text:?}: {edit:?}"
            );
        }
    }
    let mut rest = out.text.as_str();
    for span in protected {
        let kept = &text[span];
        let at = rest
            .find(kept)
            .unwrap_or_else(|| panic!("{kept:?} of {text:?} is not in {:?}", out.text));
        rest = &rest[at + kept.len()..];
    }
    out
}

pub(super) fn conform<T: Settings>(name: &str)
where
    TextTransform: From<T>,
{
    assert_eq!(T::NAME, name);
    conforms(name, T::default().into());
}

fn conforms(name: &str, default: TextTransform) {
    assert_eq!(default.name(), name);
    let json = serde_json::to_string(&default).unwrap();
    assert!(
        json.contains(&format!("\"transform\":\"{name}\"")),
        "{json}"
    );
    assert_eq!(
        serde_json::from_str::<TextTransform>(&json).unwrap(),
        default
    );
    let text = toml::to_string(&default).unwrap();
    assert_eq!(toml::from_str::<TextTransform>(&text).unwrap(), default);
    assert_eq!(
        toml::to_string(&toml::from_str::<TextTransform>(&text).unwrap()).unwrap(),
        text
    );

    // A misspelt setting is refused with the right one, a probability outside [0, 1] too.
    let settings = example(name, &default);
    for (key, value) in &settings {
        let mut wrong = settings.clone();
        wrong.insert(format!("{key}x"), value.clone());
        let refusal = serde_json::from_value::<TextTransform>(wrong.into())
            .unwrap_err()
            .to_string();
        let nearest = refusal.contains(&format!("did you mean `{key}`?"));
        assert!(nearest || key == "transform", "{refusal}");
        if key.ends_with("_p") {
            for bad in [-0.1, 1.5] {
                let mut wrong = settings.clone();
                wrong.insert(key.clone(), bad.into());
                let refusal = serde_json::from_value::<TextTransform>(wrong.into()).unwrap_err();
                assert!(
                    refusal.to_string().contains("probability in [0, 1]"),
                    "{refusal}"
                );
            }
        }
    }

    let steps = pipeline(settings.clone());
    let model = matches!(name, "abst_summ" | "back_translation");
    for text in HARD {
        for index in 0..30 {
            if !model {
                sound(&steps, text, index);
            }
        }
    }
    if model {
        return;
    }
    fuzz(&steps, 200);
    // Nothing is drawn where every fraction and every least number is 0.
    let mut none = settings;
    let counted = none.keys().any(|key| key.ends_with("_p"));
    for (key, value) in &mut none {
        if key.ends_with("_p") || key.ends_with("_min") {
            *value = 0.into();
        }
    }
    if counted {
        let none = pipeline(none);
        for text in HARD {
            let out = sound(&none, text, 1);
            assert!(
                out.edits.is_empty() && out.text == text,
                "{text:?} {:?}",
                out.text
            );
        }
    }
}

/// What words are made of in scripts where a character is several `char`s, or none that is seen.
const PIECES: [&str; 20] = [
    "👨\u{200D}👩\u{200D}👧",
    "👍🏽",
    "🇰",
    "🇷",
    "\u{200D}",
    "\u{FE0F}",
    "e\u{301}\u{327}",
    "\u{301}",
    "שלום",
    "مرحبا",
    "\u{202E}",
    "\u{200F}",
    "ㄱ",
    "ㅏ",
    "\u{1100}",
    "\u{1161}",
    "\u{11A8}",
    "힣",
    "ß",
    "\u{0}",
];

/// Text of every script: whole and broken characters, words, protected spans, and what they can form side
/// by side.
fn wild() -> impl Strategy<Value = String> {
    let mixed = "(\\PC{0,6}|[a-zA-Z'. ]{0,12}|[가-힣 ]{0,8}|[ㄱ-ㅣ]{0,3}| keep me | 보존 | a@b.cd | [0-9]{1,4} ){0,3}";
    let piece = prop_oneof![
        any::<String>().prop_map(|text| text.chars().take(8).collect()),
        prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        prop::sample::select(&[" ", "a", "가", "\n"][..]).prop_map(str::to_owned),
        mixed,
    ];
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

/// Checks what holds of every output on `cases` wild texts.
fn fuzz(pipeline: &Pipeline, cases: u32) {
    let mut runner = TestRunner::new(Config::with_cases(cases));
    let run = |(text, index): (String, u64)| {
        sound(pipeline, &text, index);
        Ok(())
    };
    runner.run(&(wild(), any::<u64>()), run).unwrap();
}

#[test]
fn recipes_keep_what_holds_of_every_output() {
    for (name, _) in Recipe::all() {
        let mut config = Recipe::by_name(name, 100).unwrap().config;
        config.protect.phrases = Phrases::new(vec!["keep me".into(), "보존".into()]).unwrap();
        let pipeline = Pipeline::new(config, &Resources::default()).unwrap();
        HARD.iter().for_each(|text| drop(sound(&pipeline, text, 1)));
        fuzz(&pipeline, 400);
    }
}

fn config(json: &str) -> PipelineConfig {
    serde_json::from_str(json).unwrap()
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    for (json, words) in [
        (
            r#"{"steps": [{"transform": "keybord"}]}"#,
            "did you mean `keyboard`",
        ),
        (
            r#"{"steps": [{"transform": "ocr", "aug_chr_p": 1}]}"#,
            "did you mean `aug_char_p`",
        ),
        (r#"{"step": []}"#, "did you mean `steps`"),
        (r#"{"protect": {"urlz": true}}"#, "did you mean `urls`"),
        (r#"{"steps": [{"aug_p": 1}]}"#, "the key `transform`"),
        (
            r#"{"steps": [{"transform": "one_of", "steps": [{"transform": "spliit"}]}]}"#,
            "did you mean `split`",
        ),
    ] {
        let refusal = serde_json::from_str::<PipelineConfig>(json)
            .unwrap_err()
            .to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn exactly_n_distinct_or_a_stated_shortfall() {
    let typo = r#"{"steps": [{"transform": "random_char"}]}"#;
    let pipeline = Pipeline::new(config(typo), &Resources::default()).unwrap();
    for n in [0, 1, 5, 40] {
        let out = pipeline.augment("a small jar of clay", n, 9, 4).unwrap();
        assert_eq!((out.texts.len(), out.shortfall), (n, None));
        let mut texts: Vec<&str> = out.texts.iter().map(|copy| copy.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), n);
        assert!(!texts.contains(&"a small jar of clay"));
    }
    let swap = r#"{"steps": [{"transform": "random_word", "action": "swap"}]}"#;
    let pipeline = Pipeline::new(config(swap), &Resources::default()).unwrap();
    let out = pipeline.augment("two words", 3, 0, 0).unwrap();
    assert_eq!(out.texts.len(), 1);
    let shortfall = Shortfall {
        asked: 3,
        found: 1,
        draws: 56,
    };
    assert_eq!(out.shortfall, Some(shortfall));
}

#[test]
fn rows_do_not_depend_on_threads() {
    let recipe = Recipe::by_name("typo", 100).unwrap();
    let pipeline = Pipeline::new(recipe.config, &Resources::default()).unwrap();
    let row = |i: u64| pipeline.augment(HARD[23], 3, 5, i).unwrap();
    let alone: Vec<Outputs> = (0..16).map(row).collect();
    let together: Vec<Outputs> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).rev().map(|i| scope.spawn(move || row(i))).collect();
        threads
            .into_iter()
            .rev()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(alone, together);
    assert_ne!(alone[0], alone[1]);
}

#[test]
fn provenance_of_steps_on_steps() {
    let steps = r#"{"steps": [
        {"transform": "letter_case", "action": "upper", "aug_p": 1},
        {"transform": "whitespace", "action": "double", "aug_p": 1},
        {"transform": "random_word", "action": "substitute", "aug_p": 1, "target_words": ["X"]}
    ]}"#;
    let pipeline = Pipeline::new(config(steps), &Resources::default()).unwrap();
    let out = pipeline.apply("ab 12 cd", &mut Draw::new(0, 0, 0)).unwrap();
    assert_eq!(out.text, "X  12  X");
    let records = out.provenance("ab 12 cd");
    let first = &records[0];
    assert_eq!(first.original, "ab");
    assert!(first.transforms.contains(&"letter_case".to_owned()));
    assert!(first.transforms.contains(&"random_word".to_owned()));
    let json = serde_json::to_string(&records).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<Provenance>>(&json).unwrap(),
        records
    );
}

#[test]
fn flows() {
    let upper = r#"{"transform": "letter_case", "action": "upper", "aug_p": 1}"#;
    let run = |flow: &str, n: u64| -> usize {
        let json = format!(r#"{{"steps": [{flow}]}}"#);
        let pipeline = Pipeline::new(config(&json), &Resources::default()).unwrap();
        let changed =
            |i: &u64| pipeline.apply("ab", &mut Draw::new(0, 0, *i)).unwrap().text == "AB";
        (0..n).filter(changed).count()
    };
    assert_eq!(
        run(
            &format!(r#"{{"transform": "sequential", "steps": [{upper}]}}"#),
            50
        ),
        50
    );
    let sometimes = run(
        &format!(r#"{{"transform": "sometimes", "p": 0.5, "steps": [{upper}]}}"#),
        400,
    );
    assert!((150..250).contains(&sometimes), "{sometimes}");
    let lower = r#"{"transform": "letter_case", "action": "lower"}"#;
    let even = run(
        &format!(r#"{{"transform": "one_of", "steps": [{upper}, {lower}]}}"#),
        400,
    );
    assert!((150..250).contains(&even), "{even}");
    let weighted =
        format!(r#"{{"transform": "one_of", "steps": [{upper}, {lower}], "weights": [3, 1]}}"#);
    let weighted = run(&weighted, 400);
    assert!((260..340).contains(&weighted), "{weighted}");
    assert_eq!(run(r#"{"transform": "one_of"}"#, 3), 0);
    for (bad, words) in [
        (
            r#"{"transform": "one_of", "weights": [1]}"#,
            "one number of at least 0 a step",
        ),
        (
            r#"{"transform": "sometimes", "p": 2}"#,
            "probability in [0, 1]",
        ),
    ] {
        let refusal = serde_json::from_str::<TextTransform>(bad)
            .unwrap_err()
            .to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn protection_follows_through_the_steps() {
    let steps = r#"{
        "protect": {"phrases": ["Onggi jar"]},
        "steps": [
            {"transform": "random_char", "action": "insert", "aug_word_p": 1},
            {"transform": "random_word", "action": "swap", "aug_p": 1},
            {"transform": "letter_case", "aug_p": 1},
            {"transform": "whitespace", "action": "insert", "aug_p": 1},
            {"transform": "random_char", "action": "delete", "aug_word_p": 1}
        ]
    }"#;
    let pipeline = Pipeline::new(config(steps), &Resources::default()).unwrap();
    let text = "see the Onggi jar at https://onggi.kr by 10:30, or ask @kim and [MASK] 3 times";
    for index in 0..200 {
        let out = sound(&pipeline, text, index);
        assert_ne!(out.text, text);
    }
}
