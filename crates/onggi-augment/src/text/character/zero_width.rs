//! Characters that are not seen, as they hide words from a filter.

use super::put;
use crate::text::draw::one;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Puts zero-width characters between the characters of words.
    chars(min_char = 2) ZeroWidth = "zero_width" {}
}

/// Zero-width space, non-joiner, word joiner, soft hyphen. The joiner is not among them: it fuses
/// emoji and changes the shape of Arabic and Indic letters.
const UNSEEN: [char; 4] = ['\u{200B}', '\u{200C}', '\u{2060}', '\u{AD}'];

impl TextAugmenter for ZeroWidth {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.chars().each(
            doc,
            rng,
            |_, i| i > 0,
            |word, i, rng| {
                let at = word.span(i).start;
                if let Some(&c) = one(rng, &UNSEEN) {
                    put(edits, at..at, c);
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    #[test]
    fn what_is_seen_stays() {
        let seen = changed(&ZeroWidth::default(), "hidden words", 20);
        assert!(seen.len() > 10);
        for (from, to) in seen {
            assert_eq!(to.replace(UNSEEN, ""), from);
        }
    }
}
