//! A word typed with the keyboard in the other language: `안녕` and `dkssud`.

use serde::{Deserialize, Serialize};

use super::hangul;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// Which words slip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlipDirection {
    /// Hangul words to Latin letters.
    #[default]
    HangulToLatin,
    /// Latin words to Hangul letters.
    LatinToHangul,
    /// Both.
    Both,
}

augmenter! {
    /// Writes words as the same keys give them in the other language of a two-set keyboard.
    words(min_char = 1) LayoutSlip = "layout_slip" {
        /// Which words; `hangul_to_latin`.
        direction: SlipDirection = SlipDirection::HangulToLatin,
    }
}

impl TextAugmenter for LayoutSlip {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.words().each(doc, rng, |place, _| {
            let token = &doc.tokens()[place];
            let word = doc.slice(token);
            let hangul = word
                .chars()
                .any(|c| hangul::is_syllable(c) || hangul::is_jamo(c));
            let latin = word.bytes().any(|b| b.is_ascii_alphabetic());
            match (hangul, latin, self.direction) {
                (true, false, SlipDirection::HangulToLatin | SlipDirection::Both) => {
                    edits.build(token.span(), |out| hangul::to_latin(word, out));
                }
                (false, true, SlipDirection::LatinToHangul | SlipDirection::Both) => {
                    edits.build(token.span(), |out| hangul::from_latin(word, out));
                }
                _ => return false,
            }
            true
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::step;

    #[test]
    fn both_directions() {
        assert_eq!(step(&LayoutSlip::default(), "안녕", 0), "dkssud");
        assert_eq!(step(&LayoutSlip::default(), "hello", 0), "hello");
        let back = LayoutSlip {
            direction: SlipDirection::LatinToHangul,
            ..Default::default()
        };
        assert_eq!(step(&back, "dkssud!", 0), "안녕!");
        assert_eq!(step(&back, "안녕", 0), "안녕");
        let both = LayoutSlip {
            direction: SlipDirection::Both,
            aug_p: 1.0,
            ..Default::default()
        };
        assert_eq!(step(&both, "안녕 dkssud", 0), "dkssud 안녕");
    }
}
