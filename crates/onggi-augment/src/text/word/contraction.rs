//! Contractions: `do not` and `don't`.

use serde::{Deserialize, Serialize};

use crate::text::draw::Picker;
use crate::text::english::in_case_of;
use crate::text::settings::{augmenter, count};
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// Which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractionAction {
    /// `do not` to `don't`.
    Contract,
    /// `don't` to `do not`.
    Expand,
    /// Both.
    #[default]
    Both,
}

augmenter! {
    /// Contracts and expands English auxiliaries.
    ///
    /// `'s` and `'d` after a noun are left alone: they may be a possessive, `is` or `has`.
    places Contraction = "contraction" {
        /// Which way; `both`.
        action: ContractionAction = ContractionAction::Both,
    }
}

/// (two words, one word).
const PAIRS: &[(&str, &str, &str)] = &[
    ("are", "not", "aren't"),
    ("can", "not", "can't"),
    ("could", "not", "couldn't"),
    ("did", "not", "didn't"),
    ("do", "not", "don't"),
    ("does", "not", "doesn't"),
    ("had", "not", "hadn't"),
    ("has", "not", "hasn't"),
    ("have", "not", "haven't"),
    ("he", "is", "he's"),
    ("he", "will", "he'll"),
    ("how", "is", "how's"),
    ("i", "am", "i'm"),
    ("i", "have", "i've"),
    ("i", "will", "i'll"),
    ("i", "would", "i'd"),
    ("is", "not", "isn't"),
    ("it", "is", "it's"),
    ("it", "will", "it'll"),
    ("let", "us", "let's"),
    ("must", "not", "mustn't"),
    ("she", "is", "she's"),
    ("she", "will", "she'll"),
    ("should", "not", "shouldn't"),
    ("that", "is", "that's"),
    ("there", "is", "there's"),
    ("they", "are", "they're"),
    ("they", "have", "they've"),
    ("they", "will", "they'll"),
    ("was", "not", "wasn't"),
    ("we", "are", "we're"),
    ("we", "have", "we've"),
    ("we", "will", "we'll"),
    ("were", "not", "weren't"),
    ("what", "is", "what's"),
    ("where", "is", "where's"),
    ("who", "is", "who's"),
    ("will", "not", "won't"),
    ("would", "not", "wouldn't"),
    ("you", "are", "you're"),
    ("you", "have", "you've"),
    ("you", "will", "you'll"),
];

impl TextAugmenter for Contraction {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let tokens = doc.tokens();
        let contract = self.action != ContractionAction::Expand;
        let expand = self.action != ContractionAction::Contract;
        let same = |i: usize, word: &str| {
            let token = tokens.get(i).filter(|token| token.is_word());
            token.is_some_and(|token| doc.slice(token).eq_ignore_ascii_case(word))
        };
        let mut found: Vec<(usize, usize)> = Vec::new();
        for i in doc.words() {
            let row = PAIRS.iter().position(|&(first, second, short)| {
                (expand && same(i, short))
                    || (contract
                        && same(i, first)
                        && same(i + 1, second)
                        && doc.text().get(tokens[i].end..tokens[i + 1].start) == Some(" "))
            });
            found.extend(row.map(|row| (i, row)));
        }
        let wanted = count(found.len(), self.aug_p, self.aug_min, self.aug_max);
        let mut picker = Picker::new((0..found.len()).collect());
        for _ in 0..wanted {
            let Some((i, row)) = picker.next(rng).map(|k| found[k]) else {
                break;
            };
            let (first, second, short) = PAIRS[row];
            let word = doc.slice(&tokens[i]);
            let pronoun = first == "i";
            if word.eq_ignore_ascii_case(short) {
                let upper = word.chars().all(|c| !c.is_lowercase());
                let first = if pronoun {
                    "I".to_owned()
                } else {
                    in_case_of(word, first)
                };
                let second = if upper {
                    second.to_uppercase()
                } else {
                    second.to_owned()
                };
                edits.build(tokens[i].span(), |out| out.extend([&first, " ", &second]));
            } else {
                let new = if pronoun {
                    format!("I{}", &short[1..])
                } else {
                    in_case_of(word, short)
                };
                edits.replace(tokens[i].start..tokens[i + 1].end, &new);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::step;

    #[test]
    fn both_ways_in_case() {
        for (text, expected) in [
            ("I do not know", "I don't know"),
            ("Do not go", "Don't go"),
            ("DON'T go", "DO NOT go"),
            ("I'm here", "I am here"),
            ("i am here", "I'm here"),
            ("it won't", "it will not"),
            ("Kim's jar", "Kim's jar"),
            ("do, not", "do, not"),
        ] {
            assert_eq!(step(&Contraction::default(), text, 0), expected);
        }
        let expand = Contraction {
            action: ContractionAction::Expand,
            ..Contraction::default()
        };
        assert_eq!(step(&expand, "do not", 0), "do not");
    }
}
