//! A particle in its wrong form: noise that learners and hasty typists make.

use super::particle;
use crate::text::draw::one;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Puts the other form of a particle (`을` for `를`), or one it is confused with (`의`, `에`).
    words(min_char = 2) Josa = "josa" {
        /// Whether `의` and `에`, `로서` and `로써` are confused as well; true.
        confuse: bool = true,
    }
}

const CONFUSED: [(&str, &str); 6] = [
    ("의", "에"),
    ("에", "의"),
    ("로서", "로써"),
    ("로써", "로서"),
    ("에서", "에"),
    ("에게", "한테"),
];

impl TextAugmenter for Josa {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.words().each(doc, rng, |place, rng| {
            let token = &doc.tokens()[place];
            let word = doc.slice(token);
            let mut found = Vec::with_capacity(2);
            found.extend(particle::other_form(word));
            if let Some((stem, rest)) = particle::split(word).filter(|_| self.confuse) {
                let rows = CONFUSED
                    .iter()
                    .filter(|row| rest.trim_start_matches('으') == row.0);
                found.extend(rows.map(|row| (word.len() - row.0.len(), row.0.len(), row.1)));
                debug_assert!(stem.len() < word.len());
            }
            if let Some(&(at, length, new)) = one(rng, &found) {
                let start = token.start + at;
                edits.replace(start..start + length, new);
            }
            !found.is_empty()
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{changed, step};

    #[test]
    fn the_wrong_form() {
        for (word, expected) in [
            ("커피를", "커피을"),
            ("물은", "물는"),
            ("나의", "나에"),
            ("집으로", "집로"),
        ] {
            assert_eq!(step(&Josa::default(), word, 0), expected);
        }
        let forms = Josa {
            confuse: false,
            ..Josa::default()
        };
        assert!(changed(&forms, "나의 학교에서", 10).is_empty());
        assert!(changed(&Josa::default(), "pottery", 10).is_empty());
    }
}
