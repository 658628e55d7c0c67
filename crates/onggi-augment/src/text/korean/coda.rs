//! Final consonants added (`했어` to `했엉`) and dropped, as in chats.

use serde::{Deserialize, Serialize};

use super::hangul::Syllable;
use crate::text::character::put;
use crate::text::draw::one;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// What is done to final consonants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodaAction {
    /// One of `ㅇ ㅁ ㄴ ㅅ` where a word's last syllable has none.
    #[default]
    Add,
    /// The final consonant of any syllable goes.
    Drop,
}

augmenter! {
    /// Adds or drops final consonants of Hangul syllables.
    chars(min_char = 1) Coda = "coda" {
        /// What is done; `add`.
        action: CodaAction = CodaAction::Add,
    }
}

const ADDED: [char; 4] = ['ㅇ', 'ㅁ', 'ㄴ', 'ㅅ'];

impl TextAugmenter for Coda {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let add = self.action == CodaAction::Add;
        self.chars().each(
            doc,
            rng,
            |word, i| {
                let syllable = word.single(i).and_then(Syllable::of);
                syllable.is_some_and(|syllable| {
                    (syllable.last == ' ') == add && (!add || i + 1 == word.len())
                })
            },
            |word, i, rng| {
                let Some(syllable) = word.single(i).and_then(Syllable::of) else {
                    return;
                };
                let last = if add {
                    one(rng, &ADDED).copied().unwrap_or('ㅇ')
                } else {
                    ' '
                };
                if let Some(c) = (Syllable { last, ..syllable }).char() {
                    put(edits, word.span(i), c);
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{changed, step};

    #[test]
    fn consonants_come_and_go() {
        for (_, to) in changed(&Coda::default(), "했어", 20) {
            assert!(
                ["했엉", "했엄", "했언", "했엇"].contains(&to.as_str()),
                "{to}"
            );
        }
        assert!(changed(&Coda::default(), "옹", 5).is_empty());
        let drop = Coda {
            action: CodaAction::Drop,
            ..Coda::default()
        };
        assert_eq!(step(&drop, "옹기", 0), "오기");
    }
}
