//! Groups of phrases of which each may stand for the others.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::put;
use crate::text::draw::{Picker, below};
use crate::text::english::in_case_of;
use crate::text::lists::Phrases;
use crate::text::settings::{augmenter, count};
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// Groups of phrases, ready to be looked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<String>>", into = "Vec<Vec<String>>")]
pub struct Groups {
    list: Vec<Vec<String>>,
    phrases: Phrases,
    /// The group of each phrase, in lower case.
    group: HashMap<String, usize>,
}

impl Groups {
    /// Compiles the groups.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] for a phrase in two groups or an empty one,
    /// [`AugmentError::Pattern`] where they are too many.
    pub fn new(list: Vec<Vec<String>>) -> Result<Self, AugmentError> {
        let mut group = HashMap::new();
        for (i, phrases) in list.iter().enumerate() {
            for phrase in phrases {
                let before = group.insert(phrase.to_lowercase(), i);
                if phrase.trim().is_empty() || before.is_some_and(|before| before != i) {
                    return Err(AugmentError::Setting {
                        transform: "reserved",
                        setting: "reserved_tokens",
                        rule: "must be groups of phrases, none empty and none in two groups",
                        got: format!("`{phrase}`"),
                    });
                }
            }
        }
        let phrases = Phrases::new(list.concat())?;
        Ok(Self {
            list,
            phrases,
            group,
        })
    }

    /// Where phrases stand outside protected spans, with their groups.
    fn find(&self, doc: &Document<'_>) -> Vec<(std::ops::Range<usize>, usize)> {
        let mut spans = Vec::new();
        self.phrases.find(doc.text(), &mut spans);
        let mut protected = doc
            .tokens()
            .iter()
            .filter(|token| token.is_protected())
            .peekable();
        let free = |span: &std::ops::Range<usize>| {
            while protected.next_if(|token| token.end <= span.start).is_some() {}
            protected.peek().is_none_or(|token| span.end <= token.start)
        };
        spans.retain(free);
        let known = spans.into_iter().filter_map(|span| {
            let group = self.group.get(&doc.text()[span.clone()].to_lowercase())?;
            Some((span, *group))
        });
        known.collect()
    }

    /// The other phrases of a group, in the case of `word` where they are in lower case.
    fn others(&self, group: usize, word: &str) -> Vec<String> {
        let phrases = self.list.get(group).map(Vec::as_slice).unwrap_or_default();
        let others = phrases
            .iter()
            .filter(|phrase| phrase.to_lowercase() != word.to_lowercase());
        others
            .map(|phrase| match phrase.chars().any(char::is_uppercase) {
                true => phrase.clone(),
                false => in_case_of(word, phrase),
            })
            .collect()
    }
}

impl TryFrom<Vec<Vec<String>>> for Groups {
    type Error = AugmentError;
    fn try_from(list: Vec<Vec<String>>) -> Result<Self, AugmentError> {
        Self::new(list)
    }
}

impl From<Groups> for Vec<Vec<String>> {
    fn from(groups: Groups) -> Self {
        groups.list
    }
}

augmenter! {
    /// Replaces phrases by others of their group; a Korean particle after one is put right.
    ///
    /// # Example
    /// ```
    /// use onggi_augment::text::{Groups, Reserved};
    ///
    /// let groups = vec![vec!["물".into(), "커피".into()]];
    /// let reserved = Reserved { reserved_tokens: Groups::new(groups)?, ..Reserved::default() };
    /// assert_eq!(reserved.combinations("물을 마신다", 10), ["커피를 마신다"]);
    /// # Ok::<(), onggi_augment::AugmentError>(())
    /// ```
    places Reserved = "reserved" {
        /// The groups: `[["FW", "Fwd", "forward"], ["물", "커피"]]`.
        reserved_tokens: Groups = Groups::default(),
    }
}

impl Reserved {
    /// Every text in which each phrase is any of its group, at most `most` of them, the text itself
    /// left out.
    pub fn combinations(&self, text: &str, most: usize) -> Vec<String> {
        let doc = Document::new(text, &[]);
        let found = self.reserved_tokens.find(&doc);
        let choices: Vec<Vec<String>> = found
            .iter()
            .map(|(span, group)| self.reserved_tokens.others(*group, &text[span.clone()]))
            .collect();
        // A counter with one place a phrase; 0 keeps it.
        let mut counter = vec![0; found.len()];
        let mut out = Vec::new();
        while out.len() < most {
            let Some(place) = (0..counter.len())
                .rev()
                .find(|&i| counter[i] < choices[i].len())
            else {
                break;
            };
            counter[place] += 1;
            counter[place + 1..].fill(0);
            let mut edits = Edits::default();
            for (i, (span, _)) in found.iter().enumerate() {
                if let Some(phrase) = counter[i].checked_sub(1).and_then(|k| choices[i].get(k)) {
                    replace(&doc, span, phrase, &mut edits);
                }
            }
            out.push(edits.apply(text));
        }
        out
    }
}

fn replace(doc: &Document<'_>, span: &std::ops::Range<usize>, new: &str, edits: &mut Edits) {
    // The token in which the phrase ends, and so the one a particle is part of.
    let tokens = doc.tokens();
    let first = tokens.partition_point(|token| token.end <= span.start);
    let last = tokens.partition_point(|token| token.end < span.end);
    if tokens
        .get(first)
        .is_some_and(|token| token.start == span.start)
        && first != last
    {
        super::agree(doc, first, new, edits);
    }
    if last < tokens.len() {
        put(doc, last, span.clone(), new, edits);
    }
}

impl TextAugmenter for Reserved {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let found = self.reserved_tokens.find(doc);
        let wanted = count(found.len(), self.aug_p, self.aug_min, self.aug_max);
        let mut picker = Picker::new((0..found.len()).collect());
        for _ in 0..wanted {
            let Some((span, group)) = picker.next(rng).map(|i| &found[i]) else {
                break;
            };
            let others = self
                .reserved_tokens
                .others(*group, &doc.text()[span.clone()]);
            if let Some(new) = others.get(below(rng, others.len())) {
                replace(doc, span, new, edits);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::step;

    fn reserved(groups: &[&[&str]]) -> Reserved {
        let list = groups
            .iter()
            .map(|group| group.iter().map(|&p| p.to_owned()).collect());
        Reserved {
            reserved_tokens: Groups::new(list.collect()).unwrap(),
            ..Reserved::default()
        }
    }

    #[test]
    fn phrases_case_and_articles() {
        let groups = reserved(&[&["fw", "forward"], &["new york", "LA"], &["car", "auto"]]);
        assert_eq!(step(&groups, "Fw it", 0), "Forward it");
        assert_eq!(step(&groups, "to New York", 0), "to LA");
        assert_eq!(step(&groups, "a car", 0), "an auto");
        assert_eq!(step(&groups, "carpet", 0), "carpet");
    }

    #[test]
    fn particles_follow() {
        let groups = reserved(&[&["집", "학교"], &["서울", "부산"]]);
        assert_eq!(step(&groups, "집으로", 0), "학교로");
        assert_eq!(step(&groups, "서울로", 0), "부산으로");
    }

    #[test]
    fn all_combinations() {
        let groups = reserved(&[&["a", "b", "c"], &["x", "y"]]);
        let all = groups.combinations("a x", 100);
        assert_eq!(all, ["a y", "b x", "b y", "c x", "c y"]);
        assert_eq!(groups.combinations("a x", 2).len(), 2);
        assert!(groups.combinations("nothing", 9).is_empty());
    }

    #[test]
    fn refuses_a_phrase_of_two_groups() {
        let list = vec![vec!["a".to_owned()], vec!["A".to_owned()]];
        assert!(matches!(
            Groups::new(list),
            Err(AugmentError::Setting { .. })
        ));
        assert!(Groups::new(vec![vec![" ".to_owned()]]).is_err());
    }
}
