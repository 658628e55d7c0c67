//! Slips of a finger: the commonest kind of typing error.

use std::collections::BTreeMap;

use super::layout::{Layout, Neighbours};
use super::{Word, like, lower, put};
use crate::text::draw::{below, one};
use crate::text::korean::hangul;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces characters by those of neighbouring keys; in Hangul syllables, single letters.
    ///
    /// # Example
    /// ```
    /// use onggi_augment::text::{Keyboard, Pipeline, PipelineConfig, Resources};
    ///
    /// let slip = Keyboard { aug_char_max: 1, ..Keyboard::default() };
    /// let pipeline = Pipeline::new(PipelineConfig::new(vec![slip.into()]), &Resources::default())?;
    /// let outputs = pipeline.augment("pottery", 1, 1, 0)?;
    /// assert_eq!(outputs.texts[0].text.len(), "pottery".len());
    /// # Ok::<(), onggi_augment::AugmentError>(())
    /// ```
    ///
    /// # Differences from nlpaug
    /// Neighbours come from where the keys lie, not from a list; case is kept.
    chars(min_char = 4) Keyboard = "keyboard" {
        /// The layout; `en`.
        lang: Layout = Layout::En,
        /// Whether a letter may also slip into upper case (or out of it).
        include_upper_case: bool = true,
        /// Whether a digit may take a letter's place.
        include_numeric: bool = true,
        /// Whether a mark may take a letter's place.
        include_special_char: bool = true,
        /// Characters and what may take their place, before those of the layout.
        neighbours: BTreeMap<String, Vec<String>> = BTreeMap::new(),
    }
}

impl TextAugmenter for Keyboard {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let layout = self.lang.neighbours();
        let mut key = String::new();
        let own = |word: &Word<'_>, i, key: &mut String| {
            if self.neighbours.is_empty() {
                return None;
            }
            key.clear();
            key.extend(word.char(i).chars().flat_map(char::to_lowercase));
            self.neighbours.get(key).filter(|list| !list.is_empty())
        };
        let syllables = self.lang == Layout::Ko;
        let mut scratch = String::new();
        self.chars().each(
            doc,
            rng,
            |word, i| {
                own(word, i, &mut key).is_some()
                    || word.single(i).is_some_and(|c| {
                        (syllables && hangul::is_syllable(c)) || layout.has(lower(c))
                    })
            },
            |word, i, rng| {
                if let Some(choice) = own(word, i, &mut scratch).and_then(|list| one(rng, list)) {
                    edits.replace(word.span(i), choice);
                } else if let Some(c) = word.single(i) {
                    if syllables && hangul::is_syllable(c) {
                        let keys = hangul::keys(c);
                        let place = below(rng, keys.len());
                        let (near, kinds) = layout.with_kinds(keys[place]);
                        let letters = kinds.letters;
                        if letters != 0 {
                            let drawn = below(rng, letters.count_ones() as usize);
                            let mut typed = keys;
                            typed[place] = near[nth(letters, drawn)];
                            edits.build(word.span(i), |out| hangul::compose(&typed, out));
                        }
                        return;
                    }
                    if let Some(slip) = self.slip(layout, c, rng) {
                        put(edits, word.span(i), slip);
                    }
                }
            },
        );
        Ok(())
    }

    fn validate(&self) -> Result<(), AugmentError> {
        Ok(())
    }
}

impl Keyboard {
    /// What is typed for `c`: a neighbour, or `c` in its other case.
    fn slip(&self, layout: &Neighbours, c: char, rng: &mut Draw) -> Option<char> {
        let upper = c.is_uppercase();
        let other_case = if upper { small(c) } else { like('A', c) };
        let (near, kinds) = layout.with_kinds(if upper { other_case } else { c });
        let mut allowed = kinds.letters;
        if self.include_numeric || c.is_numeric() {
            allowed |= kinds.numbers;
        }
        if self.include_special_char {
            allowed |= kinds.marks;
        }
        if allowed == 0 {
            return None;
        }
        let n = allowed.count_ones() as usize;
        let cased = self.include_upper_case && other_case != c;
        let drawn = below(rng, n + usize::from(cased));
        Some(if drawn < n {
            like(c, near[nth(allowed, drawn)])
        } else {
            other_case
        })
    }
}

/// The place of the `n`th bit that is set.
fn nth(mut bits: u32, n: usize) -> usize {
    for _ in 0..n {
        bits &= bits - 1;
    }
    bits.trailing_zeros() as usize
}

/// `c` in lower case, where that is one `char`.
fn small(c: char) -> char {
    let mut small = c.to_lowercase();
    small.next().filter(|_| small.next().is_none()).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{changed, step};

    #[test]
    fn letters_go_to_their_neighbours_in_their_case() {
        let quiet = Keyboard {
            include_upper_case: false,
            include_numeric: false,
            include_special_char: false,
            min_char: 1,
            ..Keyboard::default()
        };
        for (from, to) in changed(&quiet, "Q", 40) {
            assert!(["A", "W"].contains(&to.as_str()), "{from} {to}");
        }
        for (_, to) in changed(&quiet, "s", 60) {
            assert!("adewxz".contains(&to), "{to}");
        }
    }

    #[test]
    fn a_korean_slip_stays_korean() {
        let korean = Keyboard {
            lang: Layout::Ko,
            min_char: 1,
            ..Keyboard::default()
        };
        let seen = changed(&korean, "안녕하세요", 50);
        assert!(seen.len() > 20);
        for (_, to) in seen {
            assert!(
                to.chars()
                    .all(|c| hangul::is_syllable(c) || hangul::is_jamo(c)),
                "{to}"
            );
        }
    }

    #[test]
    fn own_neighbours_come_first() {
        let own = Keyboard {
            neighbours: [("a".to_owned(), vec!["@".to_owned()])].into(),
            min_char: 1,
            ..Keyboard::default()
        };
        assert_eq!(step(&own, "A", 0), "@");
    }

    #[test]
    fn short_words_and_stop_words_are_left() {
        assert!(changed(&Keyboard::default(), "the cat sat", 20).is_empty());
        let stop = Keyboard {
            stopwords: crate::text::Stopwords::new(["Pottery"]),
            ..Keyboard::default()
        };
        assert!(changed(&stop, "pottery", 20).is_empty());
        let regex = Keyboard {
            stopwords_regex: crate::text::Patterns::new(&["^po"]).unwrap(),
            ..Keyboard::default()
        };
        assert!(changed(&regex, "pottery", 20).is_empty());
    }
}
