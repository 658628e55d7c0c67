//! Punctuation between words: AEDA, which adds noise and takes nothing away.

use crate::text::draw::{Picker, below};
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Puts one of `. , ! ? ; :` before `q` words, `q` drawn evenly from `[1, p·n + 1]`, `n` being the
    /// number of words.
    ///
    /// # Reference
    /// Karimi, Rossi, Prati, "AEDA: an easier data augmentation technique for text classification",
    /// Findings of EMNLP 2021.
    own Punctuation = "punctuation" {
        /// The largest fraction of words, in `[0, 1]`; 0.3.
        p: f64 = 0.3,
        /// The marks.
        marks: String = ".,!?;:".to_owned(),
    }
}

impl TextAugmenter for Punctuation {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let words: Vec<usize> = doc.words().collect();
        let marks = self.marks.chars().count();
        let most = (self.p * words.len() as f64 + 1.0) as usize;
        let wanted = (1 + below(rng, most)).min(words.len());
        let mut picker = Picker::new(words);
        for _ in 0..wanted {
            let Some(place) = picker.next(rng) else { break };
            let at = doc.tokens()[place].start;
            if let Some(mark) = self.marks.chars().nth(below(rng, marks)) {
                edits.build(at..at, |out| out.extend([mark, ' ']));
            }
        }
        Ok(())
    }

    fn validate(&self) -> Result<(), AugmentError> {
        crate::text::settings::check_p("punctuation", "p", self.p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    #[test]
    fn adds_one_to_a_third_and_one() {
        let text = "one two three four five six seven eight nine ten";
        let seen = changed(&Punctuation::default(), text, 300);
        assert_eq!(seen.len(), 300);
        let added = |to: &str| to.chars().filter(|c| ".,!?;:".contains(*c)).count();
        let counts: Vec<usize> = seen.iter().map(|(_, to)| added(to)).collect();
        assert_eq!(
            (counts.iter().min(), counts.iter().max()),
            (Some(&1), Some(&4))
        );
        for (from, to) in seen {
            assert_eq!(
                to.replace(['.', ',', '!', '?', ';', ':'], "")
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
                from
            );
        }
    }
}
