//! Random words: deleted, substituted, swapped, cropped.

use serde::{Deserialize, Serialize};

use super::put;
use crate::text::draw::{below, chance, one};
use crate::text::english::in_case_of;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// What is done to drawn words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordAction {
    /// They go, with a space beside them; one word always stays.
    #[default]
    Delete,
    /// One of `target_words` takes their place.
    Substitute,
    /// They change places with another.
    Swap,
    /// Words in a row go.
    Crop,
}

/// With which word a drawn one changes places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordSwap {
    /// The one before or after it.
    #[default]
    Adjacent,
    /// Any, as in EDA.
    Random,
}

augmenter! {
    /// Deletes, substitutes, swaps or crops words; Korean eojeols are words.
    ///
    /// Where the first word of a text goes or moves, its capital letter stays at the front.
    ///
    /// # Example
    /// ```
    /// use onggi_augment::text::{Pipeline, PipelineConfig, RandomWord, Resources, WordAction};
    ///
    /// let swap = RandomWord { action: WordAction::Swap, ..RandomWord::default() };
    /// let pipeline = Pipeline::new(PipelineConfig::new(vec![swap.into()]), &Resources::default())?;
    /// let outputs = pipeline.augment("Jars break", 1, 0, 0)?;
    /// assert_eq!(outputs.texts[0].text, "Break jars");
    /// # Ok::<(), onggi_augment::AugmentError>(())
    /// ```
    words(min_char = 1) RandomWord = "random_word" {
        /// What is done; `delete`.
        action: WordAction = WordAction::Delete,
        /// With which word one changes places; `adjacent`.
        swap_mode: WordSwap = WordSwap::Adjacent,
        /// What takes the place of a substituted word; `_`.
        target_words: Vec<String> = vec!["_".to_owned()],
        /// Whether each word is deleted with probability `aug_p` on its own, whatever `aug_min` and
        /// `aug_max` say, as in EDA; false.
        each: bool = false,
    }
}

impl TextAugmenter for RandomWord {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let (mut picker, wanted) = self.words().choose(doc);
        match self.action {
            WordAction::Delete => {
                let mut gone = vec![false; doc.tokens().len()];
                let words = doc.words().count();
                let mut left = words;
                if self.each {
                    let mut spared = 0;
                    while let Some(place) = picker.next(rng) {
                        if chance(rng, self.aug_p) {
                            gone[place] = true;
                            left -= 1;
                            spared = place;
                        }
                    }
                    if left == 0 && words > 0 {
                        gone[spared] = false;
                    }
                } else {
                    for _ in 0..wanted.min(left.saturating_sub(1)) {
                        if let Some(place) = picker.next(rng) {
                            gone[place] = true;
                        }
                    }
                }
                delete(doc, &gone, edits);
            }
            WordAction::Crop => {
                let words: Vec<usize> = doc.words().collect();
                let length = wanted.min(words.len().saturating_sub(1));
                if length == 0 {
                    return Ok(());
                }
                let first = below(rng, words.len() - length + 1);
                let (from, to) = (words[first], words[first + length - 1]);
                let mut gone = vec![false; doc.tokens().len()];
                let free = |place: usize| {
                    let token = doc.tokens()[place];
                    !token.is_protected()
                        && !self.stopwords.contains(doc.slice(&token))
                        && !self.stopwords_regex.is_match(doc.slice(&token))
                };
                for (place, gone) in gone.iter_mut().enumerate().take(to + 1).skip(from) {
                    *gone = free(place);
                }
                delete(doc, &gone, edits);
            }
            WordAction::Substitute => {
                for _ in 0..wanted {
                    let Some(place) = picker.next(rng) else { break };
                    if let Some(target) = one(rng, &self.target_words) {
                        put(doc, place, doc.tokens()[place].span(), target, edits);
                    }
                }
            }
            WordAction::Swap => {
                let words: Vec<usize> = doc.words().collect();
                let mut moved = vec![false; words.len()];
                let mut done = 0;
                while done < wanted {
                    let Some(place) = picker.next(rng) else { break };
                    let Ok(i) = words.binary_search(&place) else {
                        continue;
                    };
                    let Some(j) = self.partner(i, words.len(), rng) else {
                        break;
                    };
                    if moved[i] || moved[j] {
                        // Passed over, and counted: the words run out.
                        done += 1;
                        continue;
                    }
                    (moved[i], moved[j]) = (true, true);
                    done += 1;
                    let (i, j) = (words[i.min(j)], words[i.max(j)]);
                    let (a, b) = (doc.tokens()[i], doc.tokens()[j]);
                    let (first, second) = (doc.slice(&a), doc.slice(&b));
                    if i == words[0] && capital(first) && second.chars().all(char::is_lowercase) {
                        edits.replace(a.span(), &in_case_of(first, second));
                        edits.replace(b.span(), &first.to_lowercase());
                    } else {
                        edits.replace(a.span(), second);
                        edits.replace(b.span(), first);
                    }
                }
            }
        }
        Ok(())
    }

    fn validate(&self) -> Result<(), AugmentError> {
        if self.action == WordAction::Substitute && self.target_words.is_empty() {
            return Err(AugmentError::Setting {
                transform: "random_word",
                setting: "target_words",
                rule: "must be a list of at least one word",
                got: "none".to_owned(),
            });
        }
        Ok(())
    }
}

impl RandomWord {
    fn partner(&self, i: usize, n: usize, rng: &mut Draw) -> Option<usize> {
        match self.swap_mode {
            _ if n < 2 => None,
            WordSwap::Adjacent if i == 0 => Some(1),
            WordSwap::Adjacent if i == n - 1 || chance(rng, 0.5) => Some(i - 1),
            WordSwap::Adjacent => Some(i + 1),
            WordSwap::Random => {
                let drawn = below(rng, n - 1);
                Some(drawn + usize::from(drawn >= i))
            }
        }
    }
}

/// Whether a word is written with a capital and small letters after it.
fn capital(word: &str) -> bool {
    let mut chars = word.chars();
    let first = chars.next().is_some_and(char::is_uppercase);
    first && word.len() > 1 && chars.all(|c| !c.is_uppercase())
}

/// Takes tokens out, each with the white space before it; the first of the text with that after it.
fn delete(doc: &Document<'_>, gone: &[bool], edits: &mut Edits) {
    let tokens = doc.tokens();
    let mut kept = false;
    // The case of a first word that goes, for the one that comes first now.
    let mut model: Option<&str> = None;
    for (place, token) in tokens.iter().enumerate() {
        if !gone[place] {
            if let Some(model) = model.take() {
                let word = doc.slice(token);
                if token.is_word() && word.chars().all(|c| c.is_lowercase() || c == '\'') {
                    edits.replace(token.span(), &in_case_of(model, word));
                }
            }
            kept = true;
        } else if kept {
            edits.delete(tokens[place - 1].end..token.end);
        } else {
            if place == 0 && capital(doc.slice(token)) {
                model = Some(doc.slice(token));
            }
            let end = tokens.get(place + 1).map_or(token.end, |next| next.start);
            edits.delete(token.start..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{changed, step};

    fn action(action: WordAction) -> RandomWord {
        RandomWord {
            action,
            ..RandomWord::default()
        }
    }

    fn words(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    const TEXT: &str = "one two three four five six seven eight nine ten";

    #[test]
    fn deletes_as_many_as_the_count_says() {
        for (_, to) in changed(&action(WordAction::Delete), TEXT, 30) {
            assert_eq!(words(&to).len(), 7, "{to}");
            assert_eq!(to, words(&to).join(" "));
        }
        assert!(changed(&action(WordAction::Delete), "one", 10).is_empty());
        let all = RandomWord {
            aug_p: 1.0,
            aug_max: 0,
            ..action(WordAction::Delete)
        };
        assert_eq!(words(&step(&all, TEXT, 0)).len(), 1);
    }

    #[test]
    fn each_word_on_its_own() {
        let each = RandomWord {
            aug_p: 0.5,
            each: true,
            ..RandomWord::default()
        };
        let lengths: Vec<usize> = (0..200)
            .map(|i| words(&step(&each, TEXT, i)).len())
            .collect();
        let mean = lengths.iter().sum::<usize>() as f64 / 200.0;
        assert!((4.6..5.4).contains(&mean), "{mean}");
        let all = RandomWord {
            aug_p: 1.0,
            each: true,
            ..RandomWord::default()
        };
        assert_eq!(words(&step(&all, TEXT, 1)).len(), 1);
    }

    #[test]
    fn capitals_stay_in_front() {
        let seen = changed(&action(WordAction::Delete), "Big jars break.", 30);
        for (_, to) in &seen {
            assert!(
                to.starts_with(char::is_uppercase) && to.ends_with('.'),
                "{to}"
            );
        }
        for (_, to) in changed(&action(WordAction::Swap), "Big jars break.", 30) {
            assert!(
                ["Jars big break.", "Big break jars."].contains(&to.as_str()),
                "{to}"
            );
        }
    }

    #[test]
    fn swaps_keep_the_words() {
        for swap_mode in [WordSwap::Adjacent, WordSwap::Random] {
            let swap = RandomWord {
                swap_mode,
                ..action(WordAction::Swap)
            };
            for (from, to) in changed(&swap, TEXT, 30) {
                let (mut a, mut b) = (words(&from), words(&to));
                a.sort_unstable();
                b.sort_unstable();
                assert_eq!(a, b);
            }
        }
        assert!(changed(&action(WordAction::Swap), "one", 5).is_empty());
    }

    #[test]
    fn crops_words_in_a_row() {
        for (_, to) in changed(&action(WordAction::Crop), TEXT, 30) {
            let left = words(&to);
            assert_eq!(left.len(), 7);
            let cut = (0..=7).any(|i| {
                let rest = [&words(TEXT)[..i], &words(TEXT)[i + 3..]].concat();
                rest == left
            });
            assert!(cut, "{to}");
        }
    }

    #[test]
    fn substitutes_from_the_list_and_repairs_the_particle() {
        assert_eq!(step(&action(WordAction::Substitute), "jar", 0), "_");
        assert_eq!(
            step(&action(WordAction::Delete), "나는 밥을", 1)
                .matches(' ')
                .count(),
            0
        );
    }
}
