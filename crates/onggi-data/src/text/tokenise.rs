//! From a text to its n-grams, in any language.
//!
//! Words end where Unicode Standard Annex 29 ends them, as in `onggi_augment::text::Document`; an eojeol
//! is one word, so what Korean marks by particles and endings is seen by the n-grams of characters.

use onggi_augment::text::Document;
use serde::{Deserialize, Serialize};

/// Longest n-gram taken, in bytes: longer ones are encoded files and the like.
pub(super) const MOST_BYTES: usize = 128;

/// What n-grams are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Runs of words, joined by a blank: `not good`.
    Words,
    /// Runs of characters inside a word and the blanks at its ends: ` goo`, `ood `.
    Chars,
}

/// A text made ready: its n-grams are slices of it.
pub(super) struct Prepared {
    unit: Unit,
    /// Words joined by one blank each; of [`Unit::Chars`] with a blank at both ends.
    text: String,
}

impl Prepared {
    /// Puts a text into lower case and cuts it into words: those of the annex with a letter or digit, or
    /// for [`Unit::Chars`] whatever stands between white space.
    pub(super) fn new(text: &str, unit: Unit) -> Self {
        let lower = text.to_lowercase();
        let mut out = String::with_capacity(lower.len() + 2);
        let mut put = |word: &str| {
            out.push_str(word);
            out.push(' ');
        };
        match unit {
            Unit::Words => {
                let document = Document::new(&lower, &[]);
                let words = document.tokens().iter().filter(|token| token.is_word());
                words.for_each(|word| put(document.slice(word)));
                out.pop();
            }
            Unit::Chars => {
                put("");
                lower.split_whitespace().for_each(put);
            }
        }
        Self { unit, text: out }
    }

    /// Every n-gram of `from..=to` words or characters, each as often as it occurs.
    pub(super) fn each<'a>(&'a self, from: usize, to: usize, mut found: impl FnMut(&'a str)) {
        let mut found = |start, end| {
            if end - start <= MOST_BYTES {
                found(&self.text[start..end]);
            }
        };
        match self.unit {
            Unit::Words => {
                let mut starts: Vec<usize> = Vec::new();
                let mut at = 0;
                for word in self.text.split(' ').filter(|word| !word.is_empty()) {
                    starts.push(at);
                    let end = at + word.len();
                    let known = starts.len();
                    for n in from..=to.min(known) {
                        found(starts[known - n], end);
                    }
                    at = end + 1;
                }
            }
            Unit::Chars => {
                let mut places: Vec<usize> = Vec::new();
                let mut at = 0;
                for word in self.text.split_inclusive(' ').skip(1) {
                    // With the blank before it and the one after it.
                    places.clear();
                    let padded = at..at + 1 + word.len();
                    let chars = self.text[padded.clone()].char_indices();
                    places.extend(chars.map(|(place, _)| at + place));
                    places.push(padded.end);
                    let length = places.len() - 1;
                    for n in from..=to {
                        if n >= length {
                            found(padded.start, padded.end);
                            break;
                        }
                        for pair in places.windows(n + 1) {
                            found(pair[0], pair[n]);
                        }
                    }
                    at += word.len();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ngrams(text: &str, unit: Unit, from: usize, to: usize) -> Vec<String> {
        let prepared = Prepared::new(text, unit);
        let mut out = Vec::new();
        prepared.each(from, to, |ngram| out.push(ngram.to_owned()));
        out
    }

    #[test]
    fn words() {
        assert_eq!(
            ngrams("It's NOT good,  is it?", Unit::Words, 1, 2),
            [
                "it's", "not", "it's not", "good", "not good", "is", "good is", "it", "is it"
            ]
        );
        assert_eq!(
            ngrams("이 영화는 최고다!", Unit::Words, 1, 1),
            ["이", "영화는", "최고다"]
        );
        assert_eq!(ngrams("好電影", Unit::Words, 2, 2), ["好 電", "電 影"]);
        assert!(ngrams("… !?", Unit::Words, 1, 3).is_empty());
        assert!(ngrams("", Unit::Words, 1, 3).is_empty());
    }

    #[test]
    fn characters() {
        assert_eq!(
            ngrams("An a", Unit::Chars, 2, 3),
            [" a", "an", "n ", " an", "an ", " a", "a ", " a "]
        );
        assert_eq!(ngrams(" a\tb", Unit::Chars, 4, 5), [" a ", " b "]);
        assert_eq!(
            ngrams("영화는", Unit::Chars, 2, 2),
            [" 영", "영화", "화는", "는 "]
        );
        assert!(ngrams(" \n", Unit::Chars, 1, 3).is_empty());
    }

    #[test]
    fn endless_words_are_passed_over() {
        let long = "x".repeat(5_000);
        assert_eq!(
            ngrams(&format!("a {long} b"), Unit::Words, 1, 2),
            ["a", "b"]
        );
        assert_eq!(ngrams(&long, Unit::Chars, 2, 2).len(), 5_001);
    }

    proptest! {
        #[test]
        fn any_text_is_cut(text in ".{0,40}", from in 1..4usize, more in 0..3usize) {
            for unit in [Unit::Words, Unit::Chars] {
                for ngram in ngrams(&text, unit, from, from + more) {
                    prop_assert!(!ngram.is_empty() && ngram.len() <= MOST_BYTES);
                }
            }
        }
    }
}
