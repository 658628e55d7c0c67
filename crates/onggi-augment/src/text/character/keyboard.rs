//! Slips of a finger: the commonest kind of typing error.

use std::collections::BTreeMap;

use super::layout::Layout;
use super::{like, put, single};
use crate::text::draw::one;
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
        let mut lower = String::new();
        let own = |text: &str, lower: &mut String| {
            if self.neighbours.is_empty() {
                return None;
            }
            lower.clear();
            lower.extend(text.chars().flat_map(char::to_lowercase));
            self.neighbours.get(lower).filter(|list| !list.is_empty())
        };
        let syllables = self.lang == Layout::Ko;
        let mut allowed = Vec::with_capacity(32);
        let list = |c: char, allowed: &mut Vec<char>| {
            allowed.clear();
            let lower = if c.is_uppercase() {
                single(&c.to_lowercase().to_string()).unwrap_or(c)
            } else {
                c
            };
            allowed.extend(layout.of(lower).iter().copied().filter(|&other| {
                other.is_alphabetic()
                    || (other.is_numeric() && (self.include_numeric || c.is_numeric()))
                    || (!other.is_alphanumeric() && self.include_special_char)
            }));
            if c.is_uppercase() {
                for other in allowed.iter_mut() {
                    *other = like(c, *other);
                }
            }
            if self.include_upper_case && !allowed.is_empty() {
                let slip = if c.is_uppercase() {
                    lower
                } else {
                    like('A', c)
                };
                if slip != c {
                    allowed.push(slip);
                }
            }
        };
        let mut scratch = String::new();
        self.chars().each(
            doc,
            rng,
            |word, i| {
                let text = word.char(i);
                own(text, &mut lower).is_some()
                    || single(text).is_some_and(|c| {
                        (syllables && hangul::is_syllable(c)) || has_key(layout, c)
                    })
            },
            |word, i, rng| {
                let text = word.char(i);
                if let Some(choice) = own(text, &mut scratch).and_then(|list| one(rng, list)) {
                    edits.replace(word.span(i), choice);
                } else if let Some(c) = single(text) {
                    if syllables && hangul::is_syllable(c) {
                        let keys = hangul::keys(c);
                        let place = crate::text::draw::below(rng, keys.len());
                        list(keys[place], &mut allowed);
                        allowed.retain(|&c| hangul::is_jamo(c));
                        if let Some(&slip) = one(rng, &allowed) {
                            let mut typed = keys;
                            typed[place] = slip;
                            edits.build(word.span(i), |out| hangul::compose(&typed, out));
                        }
                        return;
                    }
                    list(c, &mut allowed);
                    if let Some(&slip) = one(rng, &allowed) {
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

fn has_key(layout: &super::layout::Neighbours, c: char) -> bool {
    let lower = c.to_lowercase().next().unwrap_or(c);
    !layout.of(lower).is_empty()
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
