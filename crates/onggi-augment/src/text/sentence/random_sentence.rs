//! Sentences swapped or deleted.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::sentences;
use crate::text::draw::{Picker, below, chance};
use crate::text::settings::{augmenter, count};
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// What is done to drawn sentences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentenceAction {
    /// They change places with another.
    #[default]
    Swap,
    /// They go; one always stays.
    Delete,
}

/// With which sentence a drawn one changes places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentenceSwap {
    /// The one before it.
    Left,
    /// The one after it.
    Right,
    /// The one before or after it.
    #[default]
    Neighbor,
    /// Any.
    Random,
}

augmenter! {
    /// Swaps or deletes sentences; one that holds something protected stays where it is.
    places RandomSentence = "random_sentence" {
        /// What is done; `swap`.
        action: SentenceAction = SentenceAction::Swap,
        /// With which sentence one changes places; `neighbor`.
        mode: SentenceSwap = SentenceSwap::Neighbor,
    }
}

impl RandomSentence {
    fn partner(&self, i: usize, n: usize, rng: &mut Draw) -> Option<usize> {
        let left = i.checked_sub(1);
        let right = Some(i + 1).filter(|&right| right < n);
        match self.mode {
            SentenceSwap::Left => left,
            SentenceSwap::Right => right,
            SentenceSwap::Neighbor if chance(rng, 0.5) => left.or(right),
            SentenceSwap::Neighbor => right.or(left),
            SentenceSwap::Random if n < 2 => None,
            SentenceSwap::Random => {
                let drawn = below(rng, n - 1);
                Some(drawn + usize::from(drawn >= i))
            }
        }
    }
}

impl TextAugmenter for RandomSentence {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let text = doc.text();
        let all = sentences(text);
        let free = |span: &Range<usize>| {
            let mut protected = doc.tokens().iter().filter(|token| token.is_protected());
            !protected.any(|token| token.start < span.end && token.end > span.start)
        };
        let places: Vec<usize> = (0..all.len()).filter(|&i| free(&all[i])).collect();
        let wanted = count(all.len(), self.aug_p, self.aug_min, self.aug_max).min(places.len());
        let mut picker = Picker::new(places.clone());
        match self.action {
            SentenceAction::Delete => {
                let mut gone: Vec<usize> = Vec::new();
                for _ in 0..wanted.min(all.len().saturating_sub(1)) {
                    gone.extend(picker.next(rng));
                }
                gone.sort_unstable();
                let mut kept = false;
                for (i, span) in all.iter().enumerate() {
                    if gone.binary_search(&i).is_err() {
                        kept = true;
                    } else if kept {
                        edits.delete(all[i - 1].end..span.end);
                    } else {
                        edits
                            .delete(span.start..all.get(i + 1).map_or(span.end, |next| next.start));
                    }
                }
            }
            SentenceAction::Swap => {
                let mut moved = vec![false; all.len()];
                for _ in 0..wanted {
                    let Some(i) = picker.next(rng) else { break };
                    let Some(j) = self.partner(i, all.len(), rng) else {
                        continue;
                    };
                    if moved[i] || moved[j] || places.binary_search(&j).is_err() {
                        continue;
                    }
                    (moved[i], moved[j]) = (true, true);
                    edits.replace(all[i].clone(), &text[all[j].clone()]);
                    edits.replace(all[j].clone(), &text[all[i].clone()]);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    const TEXT: &str = "One jar. Two jars!  Three jars?";

    #[test]
    fn swaps_whole_sentences() {
        for mode in [
            SentenceSwap::Left,
            SentenceSwap::Right,
            SentenceSwap::Neighbor,
            SentenceSwap::Random,
        ] {
            let swap = RandomSentence {
                mode,
                ..RandomSentence::default()
            };
            let seen = changed(&swap, TEXT, 40);
            assert!(!seen.is_empty());
            for (_, to) in seen {
                let mut found: Vec<&str> =
                    sentences(&to).into_iter().map(|span| &to[span]).collect();
                found.sort_unstable();
                assert_eq!(found, ["One jar.", "Three jars?", "Two jars!"]);
            }
        }
        assert!(changed(&RandomSentence::default(), "One jar.", 9).is_empty());
    }

    #[test]
    fn deletes_all_but_one() {
        let all = RandomSentence {
            action: SentenceAction::Delete,
            aug_p: 1.0,
            ..RandomSentence::default()
        };
        for (_, to) in changed(&all, TEXT, 20) {
            assert_eq!(sentences(&to).len(), 1, "{to}");
            assert_eq!(to.trim(), to);
        }
    }
}
