//! Words that mean the same, from WordNet or a paraphrase database.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Loaded, Part, PlaceAction, lines, put, reading, reinflected};
use crate::text::draw::{below, one};
use crate::text::english::in_case_of;
use crate::text::english::wordnet::wordnet;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, Resources, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces words by synonyms of the same part of speech, form and case: `ran quickly` becomes
    /// `raced rapidly`, never `run fast`. A word whose part of speech is not clear is left alone.
    ///
    /// # Reference
    /// Miller, "WordNet: a lexical database for English", Communications of the ACM 38(11), 1995;
    /// Pavlick et al., "PPDB 2.0", ACL 2015.
    ///
    /// # Differences from nlpaug
    /// Forms are inflected; only the commonest senses are used; function words are left alone.
    words(min_char = 1) Synonym = "synonym" {
        /// Whether the synonym takes the word's place, or stands at another, as in EDA; `substitute`.
        action: PlaceAction = PlaceAction::Substitute,
        /// The parts of speech that are replaced; all.
        parts: Vec<Part> = vec![Part::Noun, Part::Verb, Part::Adjective, Part::Adverb],
        /// How many senses of a word, the commonest first, give synonyms: 1 to 4; 2.
        senses: usize = 2,
        /// A PPDB file (`kind ||| phrase ||| paraphrase ||| …`, at most 4 GiB, single words kept);
        /// empty for WordNet.
        ppdb_path: String = String::new(),
        /// Read by the pipeline.
        #[serde(skip)]
        ppdb: Loaded<HashMap<String, Vec<String>>> = Loaded::default(),
    }
}

impl Synonym {
    /// The synonyms of the word at `place`, in its form and case.
    fn synonyms(&self, doc: &Document<'_>, place: usize) -> Vec<String> {
        if let Some(ppdb) = &self.ppdb.0 {
            let word = doc.slice(&doc.tokens()[place]);
            let list = ppdb.get(&word.to_lowercase());
            let list = list.map(Vec::as_slice).unwrap_or_default();
            return list.iter().map(|other| in_case_of(word, other)).collect();
        }
        let Some(reading) = reading(doc, place, &self.parts) else {
            return Vec::new();
        };
        let lemmas = wordnet().synonyms(&reading.lemma, &reading.entry, self.senses);
        reinflected(doc, place, &reading, lemmas)
    }
}

impl TextAugmenter for Synonym {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let words: Vec<usize> = doc.words().collect();
        self.words().each(doc, rng, |place, rng| {
            let list = self.synonyms(doc, place);
            let Some(new) = one(rng, &list) else {
                return false;
            };
            match self.action {
                PlaceAction::Substitute => put(doc, place, doc.tokens()[place].span(), new, edits),
                PlaceAction::Insert => {
                    let before = words[below(rng, words.len())];
                    edits.build(
                        doc.tokens()[before].start..doc.tokens()[before].start,
                        |out| {
                            out.push_str(&new.to_lowercase());
                            out.push(' ');
                        },
                    );
                }
            }
            true
        });
        Ok(())
    }

    fn validate(&self) -> Result<(), AugmentError> {
        if !(1..=4).contains(&self.senses) {
            return Err(AugmentError::Setting {
                transform: "synonym",
                setting: "senses",
                rule: "must be 1 to 4",
                got: self.senses.to_string(),
            });
        }
        Ok(())
    }

    fn load(&mut self, _: &Resources) -> Result<(), AugmentError> {
        if self.ppdb_path.is_empty() {
            return Ok(());
        }
        let mut ppdb: HashMap<String, Vec<String>> = HashMap::new();
        lines(&self.ppdb_path, 4 << 30, |line| {
            let mut fields = line.split(" ||| ");
            let (_, phrase, other) = (fields.next(), fields.next(), fields.next());
            let (Some(phrase), Some(other)) = (phrase, other) else {
                return Err("a line is `kind ||| phrase ||| paraphrase ||| …`".to_owned());
            };
            if !phrase.contains(' ') && !other.contains(' ') && phrase != other {
                ppdb.entry(phrase.to_lowercase())
                    .or_default()
                    .push(other.to_owned());
            }
            Ok(())
        })?;
        self.ppdb = Loaded(Some(Arc::new(ppdb)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    fn outputs(synonym: &Synonym, text: &str) -> Vec<String> {
        let mut seen: Vec<String> = changed(synonym, text, 60)
            .into_iter()
            .map(|(_, to)| to)
            .collect();
        seen.sort();
        seen.dedup();
        seen
    }

    #[test]
    fn form_part_and_case_are_kept() {
        let noun = Synonym {
            senses: 1,
            parts: vec![Part::Noun],
            ..Synonym::default()
        };
        assert_eq!(
            outputs(&noun, "The Cars"),
            [
                "The Automobiles",
                "The Autos",
                "The Machines",
                "The Motorcars"
            ]
        );
        let adverb = Synonym {
            senses: 1,
            parts: vec![Part::Adverb],
            ..Synonym::default()
        };
        for to in outputs(&adverb, "she ran quickly") {
            assert!(
                to.ends_with("ly") || to.ends_with("apace") || to.ends_with("speedily"),
                "{to}"
            );
        }
        assert!(outputs(&adverb, "the car").is_empty());
    }

    #[test]
    fn the_article_agrees() {
        let noun = Synonym {
            senses: 1,
            parts: vec![Part::Noun],
            aug_max: 1,
            ..Synonym::default()
        };
        let seen = outputs(&noun, "a car");
        assert!(
            seen.contains(&"an automobile".to_owned()) && seen.contains(&"a machine".to_owned()),
            "{seen:?}"
        );
    }

    #[test]
    fn inserts_beside() {
        let insert = Synonym {
            action: PlaceAction::Insert,
            ..Synonym::default()
        };
        for to in outputs(&insert, "the big jar") {
            assert!(to.split(' ').count() == 4, "{to}");
        }
    }

    #[test]
    fn reads_ppdb() {
        let path = std::env::temp_dir().join(format!("onggi-ppdb-{}", std::process::id()));
        std::fs::write(
            &path,
            "[NN] ||| jar ||| pot ||| x=1\n[NN] ||| jar ||| two words ||| x\n",
        )
        .unwrap();
        let mut ppdb = Synonym {
            ppdb_path: path.to_str().unwrap().to_owned(),
            ..Synonym::default()
        };
        ppdb.load(&Resources::default()).unwrap();
        assert_eq!(outputs(&ppdb, "Jar"), ["Pot"]);
        std::fs::remove_file(path).unwrap();
    }
}
