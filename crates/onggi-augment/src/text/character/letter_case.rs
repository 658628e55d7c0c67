//! Upper and lower case, as people shout, forget the shift key or lean on caps lock.

use serde::{Deserialize, Serialize};

use crate::text::draw::{below, chance};
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// What is done to a drawn word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseAction {
    /// All letters to upper case.
    Upper,
    /// All letters to lower case.
    Lower,
    /// The first letter to upper case, the others to lower.
    Title,
    /// Upper to lower and lower to upper.
    Swap,
    /// Each letter at random.
    #[default]
    Random,
}

augmenter! {
    /// Changes the case of words.
    words(min_char = 1) LetterCase = "letter_case" {
        /// What is done; `random`.
        action: CaseAction = CaseAction::Random,
    }
}

impl TextAugmenter for LetterCase {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.words().each(doc, rng, |place, rng| {
            let token = &doc.tokens()[place];
            let word = doc.slice(token);
            let cased = word
                .chars()
                .filter(|c| c.is_uppercase() || c.is_lowercase())
                .count();
            // A random draw that changes nothing is made to change one letter.
            let forced = below(rng, cased);
            let mut place = 0;
            let mut out = String::with_capacity(word.len());
            for (i, c) in word.chars().enumerate() {
                let upper = match self.action {
                    CaseAction::Upper => true,
                    CaseAction::Lower => false,
                    CaseAction::Title => i == 0,
                    CaseAction::Swap => c.is_lowercase(),
                    CaseAction::Random if c.is_uppercase() || c.is_lowercase() => {
                        place += 1;
                        if place - 1 == forced {
                            c.is_lowercase()
                        } else {
                            chance(rng, 0.5)
                        }
                    }
                    CaseAction::Random => c.is_uppercase(),
                };
                if upper {
                    out.extend(c.to_uppercase());
                } else {
                    out.extend(c.to_lowercase());
                }
            }
            if out != word {
                edits.replace(token.span(), &out);
            }
            out != word
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{changed, step};

    #[test]
    fn every_action() {
        for (action, expected) in [
            (CaseAction::Upper, "DON'T"),
            (CaseAction::Lower, "don't"),
            (CaseAction::Title, "Don't"),
            (CaseAction::Swap, "dON'T"),
        ] {
            let case = LetterCase {
                action,
                ..LetterCase::default()
            };
            let word = if action == CaseAction::Title {
                "DON't"
            } else {
                "Don't"
            };
            assert_eq!(step(&case, word, 0), expected);
        }
        for (from, to) in changed(&LetterCase::default(), "pottery", 20) {
            assert_eq!(to.to_lowercase(), from);
        }
        assert_eq!(changed(&LetterCase::default(), "a", 20).len(), 20);
        assert!(changed(&LetterCase::default(), "한국어", 5).is_empty());
    }
}
