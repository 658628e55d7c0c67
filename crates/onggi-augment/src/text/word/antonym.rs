//! Words that mean the opposite. They may turn the label of a text.

use super::{Part, put, reading, reinflected};
use crate::text::draw::one;
use crate::text::english::wordnet::wordnet;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces words by WordNet's antonyms, in the same form and case.
    ///
    /// A pipeline refuses it unless label changes are allowed, and marks what it changed.
    words(min_char = 1) Antonym = "antonym" {
        /// The parts of speech that are replaced; verbs, adjectives and adverbs, as in nlpaug.
        parts: Vec<Part> = vec![Part::Verb, Part::Adjective, Part::Adverb],
    }
}

impl TextAugmenter for Antonym {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.words().each(doc, rng, |place, rng| {
            let Some(reading) = reading(doc, place, &self.parts) else {
                return false;
            };
            let list = reinflected(doc, place, &reading, wordnet().antonyms(&reading.entry));
            let new = one(rng, &list);
            if let Some(new) = new {
                put(doc, place, doc.tokens()[place].span(), new, edits);
            }
            new.is_some()
        });
        Ok(())
    }

    fn changes_label(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::step;
    use crate::text::{Pipeline, PipelineConfig, Resources};

    #[test]
    fn opposites_in_form() {
        assert_eq!(
            step(&Antonym::default(), "a very good jar", 0),
            "a very bad jar"
        );
        assert_eq!(
            step(&Antonym::default(), "the jar was larger", 0),
            "the jar was smaller"
        );
        assert!(
            ["Bad", "Evil", "Badness", "Evilness"]
                .contains(&step(&Antonym::default(), "Good", 0).as_str())
        );
    }

    #[test]
    fn only_where_allowed_and_marked() {
        let mut config = PipelineConfig::new(vec![Antonym::default().into()]);
        let refusal = Pipeline::new(config.clone(), &Resources::default()).unwrap_err();
        assert_eq!(
            refusal,
            AugmentError::LabelChange {
                transform: "antonym"
            }
        );
        config.allow_label_change = true;
        let pipeline = Pipeline::new(config, &Resources::default()).unwrap();
        let out = pipeline
            .apply("a very good jar", &mut Draw::new(0, 0, 0))
            .unwrap();
        assert!(out.label_changed);
        let same = pipeline.apply("the", &mut Draw::new(0, 0, 0)).unwrap();
        assert!(!same.label_changed);
    }
}
