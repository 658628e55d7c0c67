//! A word in two, as a space slips in.

use crate::text::draw::below;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Puts a space inside words, between any two characters.
    words(min_char = 4) Split = "split" {}
}

impl TextAugmenter for Split {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let mut room = Vec::new();
        self.words().each(doc, rng, |place, rng| {
            let token = doc.tokens()[place];
            let word = doc.slice(&token);
            let at = if word.is_ascii() {
                1 + below(rng, word.len().saturating_sub(1))
            } else {
                let marks = doc.borders(&token, &mut room);
                marks[1 + below(rng, marks.len().saturating_sub(2))]
            };
            if at < word.len() {
                edits.insert(token.start + at, " ");
            }
            at < word.len()
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    #[test]
    fn one_space_more_inside() {
        let seen = changed(&Split::default(), "pottery", 30);
        assert_eq!(seen.len(), 30);
        for (from, to) in seen {
            assert_eq!(to.replacen(' ', "", 1), from);
            assert!(!to.starts_with(' ') && !to.ends_with(' '));
        }
        assert!(changed(&Split::default(), "jar is on", 10).is_empty());
        let any = Split {
            min_char: 1,
            ..Split::default()
        };
        assert!(changed(&any, "a e\u{301}", 10).is_empty());
    }
}
