//! Letters inside Hangul syllables: what goes wrong between the keys of one syllable.

use serde::{Deserialize, Serialize};

use super::hangul;
use crate::text::character::Layout;
use crate::text::draw::{below, one};
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// What is done to the keys of a drawn syllable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JamoAction {
    /// A key more.
    Insert,
    /// A key less.
    Delete,
    /// Two keys in the wrong order.
    Swap,
    /// Another key.
    #[default]
    Substitute,
}

/// Which letter takes the place of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JamoSubstitute {
    /// One of a neighbouring key.
    #[default]
    Neighbour,
    /// The one of the same key with or without shift (`ㅂ`, `ㅃ`).
    Shift,
    /// A vowel that sounds alike (`ㅐ`, `ㅔ`).
    Sound,
    /// Any.
    Any,
}

augmenter! {
    /// Inserts, deletes, swaps or substitutes letters of Hangul syllables, as typed on a two-set
    /// keyboard; what no longer makes a syllable stays as single letters.
    chars(min_char = 1) Jamo = "jamo" {
        /// What is done; `substitute`.
        action: JamoAction = JamoAction::Substitute,
        /// Which letter takes the place of another; `neighbour`.
        substitute: JamoSubstitute = JamoSubstitute::Neighbour,
    }
}

/// Vowels that are not told apart by ear.
const SOUNDS: [&[char]; 3] = [&['ㅐ', 'ㅔ'], &['ㅒ', 'ㅖ'], &['ㅙ', 'ㅚ', 'ㅞ']];

impl Jamo {
    fn other(&self, key: char, rng: &mut Draw) -> Option<char> {
        match self.substitute {
            JamoSubstitute::Neighbour => {
                let near = Layout::Ko.neighbours().of(key);
                let near: Vec<char> = near
                    .iter()
                    .copied()
                    .filter(|&c| hangul::is_jamo(c))
                    .collect();
                one(rng, &near).copied()
            }
            JamoSubstitute::Shift => hangul::shifted(key),
            JamoSubstitute::Sound => {
                let group = SOUNDS.iter().find(|group| group.contains(&key))?;
                let others: Vec<char> = group.iter().copied().filter(|&c| c != key).collect();
                one(rng, &others).copied()
            }
            JamoSubstitute::Any => {
                let drawn = below(rng, hangul::keyboard().len());
                hangul::keyboard().nth(drawn)
            }
        }
    }

    /// The keys a letter is changed among: for sounds, the whole letters.
    fn letters(&self, c: char) -> Vec<char> {
        match hangul::Syllable::of(c).filter(|_| self.substitute == JamoSubstitute::Sound) {
            Some(syllable) if self.action == JamoAction::Substitute => {
                let mut letters = vec![syllable.first, syllable.vowel, syllable.last];
                letters.retain(|&c| c != ' ');
                letters
            }
            _ => hangul::keys(c),
        }
    }

    /// The places where the action can do something.
    fn places(&self, keys: &[char]) -> Vec<usize> {
        (0..keys.len())
            .filter(|&i| match self.action {
                JamoAction::Insert => true,
                JamoAction::Delete => keys.len() > 1,
                JamoAction::Swap => keys.get(i + 1).is_some_and(|&next| next != keys[i]),
                JamoAction::Substitute => match self.substitute {
                    JamoSubstitute::Shift => hangul::shifted(keys[i]).is_some(),
                    JamoSubstitute::Sound => SOUNDS.iter().any(|group| group.contains(&keys[i])),
                    JamoSubstitute::Neighbour | JamoSubstitute::Any => true,
                },
            })
            .collect()
    }
}

impl TextAugmenter for Jamo {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.chars().each(
            doc,
            rng,
            |word, i| {
                word.single(i).is_some_and(|c| {
                    hangul::is_syllable(c) && !self.places(&self.letters(c)).is_empty()
                })
            },
            |word, i, rng| {
                let Some(c) = word.single(i) else {
                    return;
                };
                let mut keys = self.letters(c);
                let Some(&place) = one(rng, &self.places(&keys)) else {
                    return;
                };
                match self.action {
                    JamoAction::Insert => {
                        let near = Layout::Ko.neighbours().of(keys[place]);
                        let near: Vec<char> = near
                            .iter()
                            .copied()
                            .filter(|&c| hangul::is_jamo(c))
                            .collect();
                        if let Some(&slip) = one(rng, &near) {
                            keys.insert(place + below(rng, 2), slip);
                        }
                    }
                    JamoAction::Delete => _ = keys.remove(place),
                    JamoAction::Swap => keys.swap(place, place + 1),
                    JamoAction::Substitute => {
                        if let Some(other) = self.other(keys[place], rng) {
                            keys[place] = other;
                        }
                    }
                }
                // A compound letter is typed with two keys.
                let typed: Vec<char> = keys.into_iter().flat_map(hangul::keys).collect();
                edits.build(word.span(i), |out| hangul::compose(&typed, out));
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    fn outputs(action: JamoAction, substitute: JamoSubstitute, word: &str) -> Vec<String> {
        let jamo = Jamo {
            action,
            substitute,
            ..Jamo::default()
        };
        let mut seen: Vec<String> = changed(&jamo, word, 200)
            .into_iter()
            .map(|(_, to)| to)
            .collect();
        seen.sort();
        seen.dedup();
        seen
    }

    #[test]
    fn every_action_on_one_syllable() {
        use JamoAction::{Delete, Insert, Substitute, Swap};
        use JamoSubstitute::{Neighbour, Shift, Sound};
        assert_eq!(outputs(Delete, Neighbour, "한"), ["ㅎㄴ", "ㅏㄴ", "하"]);
        assert_eq!(outputs(Swap, Neighbour, "가"), ["ㅏㄱ"]);
        assert_eq!(outputs(Substitute, Shift, "밥"), ["바ㅃ", "빱"]);
        assert_eq!(outputs(Substitute, Sound, "왜"), ["외", "웨"]);
        assert_eq!(outputs(Substitute, Sound, "개"), ["게"]);
        assert!(outputs(Substitute, Sound, "가").is_empty());
        assert!(outputs(Insert, Neighbour, "가").len() > 5);
        assert!(outputs(Substitute, Neighbour, "abc").is_empty());
    }
}
