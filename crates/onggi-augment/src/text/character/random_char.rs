//! Random characters: inserted, substituted, swapped, deleted.

use serde::{Deserialize, Serialize};

use super::{Word, like, lower};
use crate::text::draw::{below, chance, one};
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// What is done to a drawn character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CharAction {
    /// A random character before it.
    Insert,
    /// A random character in its place.
    #[default]
    Substitute,
    /// It changes places with another of the word.
    Swap,
    /// It goes; the last character of a word stays.
    Delete,
}

/// With which character a drawn one changes places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwapMode {
    /// The one before or after it.
    #[default]
    Adjacent,
    /// Any but the first and the last of the word.
    Middle,
    /// Any.
    Random,
}

augmenter! {
    /// Inserts, substitutes, swaps or deletes characters of words.
    ///
    /// A new character is of the script of the drawn one and of its case: a Latin letter by a Latin
    /// letter, a Hangul syllable by a Hangul syllable.
    chars(min_char = 1) RandomChar = "random_char" {
        /// What is done; `substitute`.
        action: CharAction = CharAction::Substitute,
        /// With which character one changes places; `adjacent`.
        swap_mode: SwapMode = SwapMode::Adjacent,
        /// The characters that are put in; empty for those of the script.
        candidates: Vec<String> = Vec::new(),
        /// Whether an upper-case letter may be put in for a lower-case one.
        include_upper_case: bool = false,
        /// Whether a digit may be put in.
        include_numeric: bool = false,
        /// Marks that may be put in; none.
        spec_char: String = String::new(),
    }
}

/// First and last letter of the scripts a new character is drawn from.
const SCRIPTS: [(char, char); 12] = [
    ('a', 'z'),
    ('가', '힣'),
    ('ㄱ', 'ㅣ'),
    ('а', 'я'),
    ('α', 'ω'),
    ('א', 'ת'),
    ('ا', 'ي'),
    ('ก', 'ฮ'),
    ('अ', 'ह'),
    ('ぁ', 'ん'),
    ('ァ', 'ヴ'),
    ('一', '龥'),
];

impl RandomChar {
    /// A character to put in beside or for `old`.
    fn draw(&self, old: char, rng: &mut Draw) -> Option<Drawn<'_>> {
        if let Some(candidate) = one(rng, &self.candidates) {
            return Some(Drawn::Text(candidate));
        }
        let marks = self.spec_char.chars().count();
        let extra = if self.include_numeric { 10 } else { 0 } + marks;
        if extra > 0 {
            // Letters, digits and marks are as likely as there are many of each.
            let drawn = below(rng, 26 + extra);
            if drawn < marks {
                return self.spec_char.chars().nth(drawn).map(Drawn::Char);
            }
            if drawn < extra {
                return char::from_digit((drawn - marks) as u32, 10).map(Drawn::Char);
            }
        }
        let (first, last) = if old.is_ascii_digit() {
            ('0', '9')
        } else {
            let lower = lower(old);
            let script = SCRIPTS
                .iter()
                .find(|(first, last)| (first..=last).contains(&&lower));
            *script.unwrap_or(&SCRIPTS[0])
        };
        let span = last as usize - first as usize + 1;
        let drawn = char::from_u32(first as u32 + below(rng, span) as u32)?;
        // Gaps of a block (final letters, unassigned) are not letters: the first letter will do.
        let drawn = if drawn.is_alphanumeric() {
            drawn
        } else {
            first
        };
        let upper = old.is_uppercase() || (self.include_upper_case && chance(rng, 0.5));
        Some(Drawn::Char(if upper { like('A', drawn) } else { drawn }))
    }

    fn partner(&self, word: &Word<'_>, i: usize, rng: &mut Draw) -> Option<usize> {
        let n = word.len();
        match self.swap_mode {
            SwapMode::Adjacent if n < 2 => None,
            SwapMode::Adjacent if i == 0 => Some(1),
            SwapMode::Adjacent if i == n - 1 || chance(rng, 0.5) => Some(i - 1),
            SwapMode::Adjacent => Some(i + 1),
            SwapMode::Middle if n < 4 => None,
            SwapMode::Middle => Some(1 + skip(below(rng, n - 3), i.wrapping_sub(1))),
            SwapMode::Random if n < 2 => None,
            SwapMode::Random => Some(skip(below(rng, n - 1), i)),
        }
    }
}

/// The `drawn`th number from 0 that is not `left_out`.
fn skip(drawn: usize, left_out: usize) -> usize {
    drawn + usize::from(drawn >= left_out)
}

enum Drawn<'a> {
    Char(char),
    Text(&'a str),
}

impl Drawn<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Self::Char(c) => out.push(*c),
            Self::Text(text) => out.push_str(text),
        }
    }
}

impl TextAugmenter for RandomChar {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        // Characters of the present word that are still there, for deletion and swapping.
        let (mut current, mut left, mut used) = (usize::MAX, 0, 0u64);
        let middle = self.action == CharAction::Swap && self.swap_mode == SwapMode::Middle;
        let least = match self.action {
            CharAction::Swap if middle => 4,
            CharAction::Swap | CharAction::Delete => 2,
            _ => 1,
        };
        self.chars().each(
            doc,
            rng,
            |word, i| {
                let n = word.len();
                n >= least
                    && (!middle || (i > 0 && i + 1 < n))
                    && word.first(i).is_some_and(char::is_alphanumeric)
            },
            |word, i, rng| {
                if word.start != current {
                    (current, left, used) = (word.start, word.len(), 0);
                }
                let Some(first) = word.first(i) else {
                    return;
                };
                match self.action {
                    CharAction::Insert => {
                        if let Some(new) = self.draw(first, rng) {
                            edits.build(word.span(i).start..word.span(i).start, |out| {
                                new.write(out)
                            });
                        }
                    }
                    CharAction::Substitute => {
                        // A draw of the character itself is drawn again, a bounded number of times.
                        for _ in 0..8 {
                            let Some(new) = self.draw(first, rng) else {
                                break;
                            };
                            let same = match &new {
                                Drawn::Char(c) => word.single(i) == Some(*c),
                                Drawn::Text(text) => *text == word.char(i),
                            };
                            if !same {
                                edits.build(word.span(i), |out| new.write(out));
                                break;
                            }
                        }
                    }
                    CharAction::Delete if left > 1 => {
                        left -= 1;
                        edits.delete(word.span(i));
                    }
                    CharAction::Delete => {}
                    CharAction::Swap => {
                        let Some(j) = self.partner(word, i, rng) else {
                            return;
                        };
                        let bits = 1u64.wrapping_shl(i as u32) | 1u64.wrapping_shl(j as u32);
                        let old = word.char(i);
                        // A character moves once.
                        if used & bits == 0 && old != word.char(j) {
                            used |= bits;
                            edits.replace(word.span(i), word.char(j));
                            edits.replace(word.span(j), old);
                        }
                    }
                }
            },
        );
        Ok(())
    }

    fn validate(&self) -> Result<(), AugmentError> {
        if self.candidates.iter().any(String::is_empty) {
            return Err(AugmentError::Setting {
                transform: "random_char",
                setting: "candidates",
                rule: "must be a list of characters, none of them empty",
                got: format!("{:?}", self.candidates),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::tests::{changed, step};

    fn action(action: CharAction) -> RandomChar {
        RandomChar {
            action,
            ..RandomChar::default()
        }
    }

    #[test]
    fn lengths_follow_from_the_action() {
        for (kind, growth) in [
            (CharAction::Insert, 3),
            (CharAction::Substitute, 0),
            (CharAction::Swap, 0),
            (CharAction::Delete, -3),
        ] {
            // ⌈0.3 · 10⌉ = 3 of ten characters.
            for (_, to) in changed(&action(kind), "abcdefghij", 30) {
                let length = to.len() as i64;
                assert_eq!(length - 10, growth, "{kind:?} {to}");
            }
        }
    }

    #[test]
    fn swaps_keep_the_letters() {
        for mode in [SwapMode::Adjacent, SwapMode::Middle, SwapMode::Random] {
            let swap = RandomChar {
                swap_mode: mode,
                ..action(CharAction::Swap)
            };
            let seen = changed(&swap, "abcdefg", 40);
            assert!(!seen.is_empty());
            for (_, to) in seen {
                let mut letters: Vec<char> = to.chars().collect();
                if mode == SwapMode::Middle {
                    assert_eq!((letters[0], letters[6]), ('a', 'g'));
                }
                letters.sort_unstable();
                assert_eq!(letters.iter().collect::<String>(), "abcdefg");
            }
        }
        assert!(changed(&action(CharAction::Swap), "a", 10).is_empty());
    }

    #[test]
    fn deletion_leaves_a_character() {
        let all = RandomChar {
            aug_char_p: 1.0,
            aug_char_max: 0,
            ..action(CharAction::Delete)
        };
        for index in 0..20 {
            assert_eq!(step(&all, "abc", index).len(), 1);
        }
        assert_eq!(step(&all, "a", 0), "a");
    }

    #[test]
    fn scripts_and_case_are_kept() {
        for (word, fits) in [
            (
                "ABC",
                (|c: char| c.is_ascii_uppercase()) as fn(char) -> bool,
            ),
            ("abc", |c| c.is_ascii_lowercase()),
            ("한국어", |c| ('가'..='힣').contains(&c)),
            ("привет", |c| ('а'..='я').contains(&c)),
            ("שלום", |c| ('א'..='ת').contains(&c)),
        ] {
            for (_, to) in changed(&action(CharAction::Substitute), word, 30) {
                assert!(to.chars().all(fits), "{to}");
            }
        }
    }

    #[test]
    fn candidates_are_the_only_ones() {
        let own = RandomChar {
            candidates: vec!["🎉".into()],
            ..action(CharAction::Substitute)
        };
        assert_eq!(step(&own, "a", 3), "🎉");
    }

    proptest! {
        #[test]
        fn clusters_stay_whole(index in 0u64..200) {
            let text = "e\u{301}e\u{301}e\u{301}x";
            let out = step(&action(CharAction::Swap), text, index);
            let accent = '\u{301}';
            let kept = out.contains(accent);
            let torn = out.starts_with(accent) || out.contains(&['x', accent].iter().collect::<String>());
            prop_assert!(kept && !torn, "{:?}", out);
        }
    }
}
