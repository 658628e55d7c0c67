//! White space: doubled, dropped, put in, or exchanged for another kind.

use serde::{Deserialize, Serialize};

use crate::text::draw::{Picker, below, one};
use crate::text::settings::{augmenter, count};
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// What is done at a drawn place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhitespaceAction {
    /// A space more where there is one.
    #[default]
    Double,
    /// The white space between two words goes.
    Delete,
    /// A space inside a word.
    Insert,
    /// Another kind of white space: tab, line end, no-break, thin and ideographic space.
    Substitute,
}

augmenter! {
    /// Changes white space; the places are the gaps between tokens, for `insert` the words.
    places Whitespace = "whitespace" {
        /// What is done; `double`.
        action: WhitespaceAction = WhitespaceAction::Double,
    }
}

const KINDS: [&str; 5] = ["\t", "\n", "\u{A0}", "\u{2009}", "\u{3000}"];

impl TextAugmenter for Whitespace {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let tokens = doc.tokens();
        let insert = self.action == WhitespaceAction::Insert;
        let places: Vec<usize> = if insert {
            doc.words().collect()
        } else {
            let gaps = tokens.windows(2).enumerate();
            gaps.filter(|(_, pair)| pair[0].end < pair[1].start)
                .map(|(i, _)| i)
                .collect()
        };
        let wanted = count(places.len(), self.aug_p, self.aug_min, self.aug_max);
        let mut picker = Picker::new(places);
        let mut room = Vec::new();
        let mut done = 0;
        while done < wanted {
            let Some(i) = picker.next(rng) else { break };
            done += 1;
            let gap = || tokens[i].end..tokens[i + 1].start;
            match self.action {
                WhitespaceAction::Double => edits.insert(tokens[i].end, " "),
                WhitespaceAction::Delete => edits.delete(gap()),
                WhitespaceAction::Substitute => {
                    edits.replace(gap(), one(rng, &KINDS).copied().unwrap_or(" "));
                }
                WhitespaceAction::Insert => {
                    let marks = doc.borders(&tokens[i], &mut room);
                    if marks.len() > 2 {
                        let at = marks[1 + below(rng, marks.len() - 2)];
                        edits.insert(tokens[i].start + at, " ");
                    } else {
                        done -= 1;
                    }
                }
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
    fn letters_stay_in_every_action() {
        for action in [
            WhitespaceAction::Double,
            WhitespaceAction::Delete,
            WhitespaceAction::Insert,
            WhitespaceAction::Substitute,
        ] {
            let noise = Whitespace {
                action,
                ..Whitespace::default()
            };
            let seen = changed(&noise, "three small jars\nof clay", 30);
            assert!(!seen.is_empty());
            for (from, to) in seen {
                let letters = |text: &str| text.split_whitespace().collect::<String>();
                assert_eq!(letters(&from), letters(&to), "{action:?}");
            }
        }
        let delete = Whitespace {
            action: WhitespaceAction::Delete,
            ..Whitespace::default()
        };
        assert_eq!(step(&delete, "a  b", 0), "ab");
    }
}
