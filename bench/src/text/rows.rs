//! The rows: an augmenter each, with the settings that nlpaug and fasttextaug have by default.

use onggi::augment::Draw;
use onggi::augment::text::{
    CharAction, Keyboard, Ocr, Pipeline, PipelineConfig, RandomChar, RandomWord, Resources,
    Spelling, Split, Synonym, TextTransform, WordAction,
};
use rayon::prelude::*;
use std::any::Any;

/// (name, augmenter) of every row.
pub(crate) fn all() -> Vec<(&'static str, TextTransform)> {
    let char = |action| {
        let augmenter = RandomChar {
            action,
            ..RandomChar::default()
        };
        TextTransform::from(augmenter)
    };
    let word = |action| {
        let augmenter = RandomWord {
            action,
            ..RandomWord::default()
        };
        TextTransform::from(augmenter)
    };
    vec![
        ("char_keyboard", Keyboard::default().into()),
        ("char_ocr", Ocr::default().into()),
        ("char_insert", char(CharAction::Insert)),
        ("char_substitute", char(CharAction::Substitute)),
        ("char_swap", char(CharAction::Swap)),
        ("char_delete", char(CharAction::Delete)),
        ("word_swap", word(WordAction::Swap)),
        ("word_delete", word(WordAction::Delete)),
        ("word_crop", word(WordAction::Crop)),
        ("word_split", Split::default().into()),
        ("word_spelling", Spelling::default().into()),
        ("word_synonym", Synonym::default().into()),
    ]
}

/// One copy of every text, each time another.
pub(crate) fn step(
    augmenter: TextTransform,
    texts: Vec<String>,
) -> Box<dyn FnMut() -> Box<dyn Any>> {
    let config = PipelineConfig::new(vec![augmenter]);
    let pipeline = Pipeline::new(config, &Resources::default()).expect("the settings are valid");
    let mut call = 0;
    Box::new(move || {
        call += 1;
        let copies = texts.par_iter().enumerate().map(|(i, text)| {
            let mut rng = Draw::new(42, call, i as u64);
            pipeline.apply(text, &mut rng).expect("there is no model")
        });
        let copies: Vec<_> = copies.collect();
        Box::new(copies)
    })
}
