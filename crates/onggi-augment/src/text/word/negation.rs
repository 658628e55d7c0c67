//! `not` put in or taken out. It turns the meaning of a text.

use crate::text::draw::Picker;
use crate::text::settings::{augmenter, count};
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Negates English auxiliaries (`is` to `is not`) and takes negations back (`isn't` to `is`).
    ///
    /// A pipeline refuses it unless label changes are allowed, and marks what it changed.
    places Negation = "negation" {}
}

const AUXILIARIES: &[&str] = &[
    "am", "are", "can", "could", "did", "do", "does", "had", "has", "have", "is", "may", "might",
    "must", "shall", "should", "was", "were", "will", "would",
];

/// Contractions whose stem is not what is left of them.
const STEMS: [(&str, &str); 3] = [("can't", "can"), ("won't", "will"), ("shan't", "shall")];

impl TextAugmenter for Negation {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let tokens = doc.tokens();
        let lower = |i: usize| -> Option<String> {
            let token = tokens.get(i).filter(|token| token.is_word())?;
            Some(doc.slice(token).to_lowercase())
        };
        let places: Vec<usize> = doc
            .words()
            .filter(|&i| {
                lower(i).is_some_and(|word| {
                    AUXILIARIES.binary_search(&word.as_str()).is_ok()
                        || word.ends_with("n't")
                        || word == "cannot"
                })
            })
            .collect();
        let wanted = count(places.len(), self.aug_p, self.aug_min, self.aug_max);
        let mut picker = Picker::new(places);
        for _ in 0..wanted {
            let Some(place) = picker.next(rng) else { break };
            let token = tokens[place];
            let Some(word) = lower(place) else { continue };
            let follows = lower(place + 1).is_some_and(|next| next == "not");
            if follows {
                edits.delete(token.end..tokens[place + 1].end);
            } else if let Some(row) = STEMS.iter().find(|row| row.0 == word) {
                // The first letter, and so its case, is kept.
                edits.replace(token.start + 1..token.end, &row.1[1..]);
            } else if word.ends_with("n't") || word == "cannot" {
                edits.delete(token.end - 3..token.end);
            } else {
                edits.insert(token.end, " not");
            }
        }
        Ok(())
    }

    fn changes_label(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::step;

    #[test]
    fn both_ways() {
        for (text, expected) in [
            ("it is good", "it is not good"),
            ("it is not good", "it is good"),
            ("it isn't good", "it is good"),
            ("Can't see", "Can see"),
            ("I won't go", "I will go"),
            ("we cannot go", "we can go"),
            ("good jar", "good jar"),
        ] {
            assert_eq!(step(&Negation::default(), text, 0), expected);
        }
    }
}
