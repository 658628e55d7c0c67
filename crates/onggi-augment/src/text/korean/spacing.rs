//! Korean spacing: spaces dropped and put in, the commonest error of written Korean.

use serde::{Deserialize, Serialize};

use super::{hangul, particle};
use crate::text::draw::{Picker, below};
use crate::text::settings::{augmenter, count};
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// What is done to spaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpacingAction {
    /// The space between two words goes.
    #[default]
    Delete,
    /// A space inside a word: before its particle where it has one, else between any syllables.
    Insert,
}

augmenter! {
    /// Drops spaces between Korean words or puts them into words.
    places KoreanSpacing = "korean_spacing" {
        /// What is done; `delete`.
        action: SpacingAction = SpacingAction::Delete,
    }
}

impl TextAugmenter for KoreanSpacing {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let tokens = doc.tokens();
        let korean = |i: usize| {
            tokens[i].is_word() && doc.slice(&tokens[i]).chars().all(hangul::is_syllable)
        };
        let delete = self.action == SpacingAction::Delete;
        let places: Vec<usize> = (0..tokens.len())
            .filter(|&i| match self.action {
                SpacingAction::Delete => {
                    i + 1 < tokens.len()
                        && korean(i)
                        && korean(i + 1)
                        && doc.text().get(tokens[i].end..tokens[i + 1].start) == Some(" ")
                }
                // Two syllables are six bytes.
                SpacingAction::Insert => korean(i) && tokens[i].end - tokens[i].start >= 6,
            })
            .collect();
        let wanted = count(places.len(), self.aug_p, self.aug_min, self.aug_max);
        let mut picker = Picker::new(places);
        for _ in 0..wanted {
            let Some(i) = picker.next(rng) else { break };
            if delete {
                edits.delete(tokens[i].end..tokens[i + 1].start);
            } else {
                let word = doc.slice(&tokens[i]);
                let at = match particle::split(word) {
                    Some((stem, _)) => stem.len(),
                    None => 3 * (1 + below(rng, word.len() / 3 - 1)),
                };
                edits.insert(tokens[i].start + at, " ");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{changed, step};

    #[test]
    fn spaces_go_and_come() {
        assert_eq!(
            step(&KoreanSpacing::default(), "아버지가 방에", 0),
            "아버지가방에"
        );
        assert!(changed(&KoreanSpacing::default(), "the cat 나", 10).is_empty());
        let insert = KoreanSpacing {
            action: SpacingAction::Insert,
            ..Default::default()
        };
        assert_eq!(step(&insert, "아버지가", 0), "아버지 가");
        assert_eq!(step(&insert, "나", 0), "나");
    }
}
