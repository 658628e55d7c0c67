//! Into another language and back.

use rand::Rng;

use super::Model;
use crate::text::sentence::sentences;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, Resources, TextAugmenter};
use crate::{AugmentError, Draw};

const NAME: &str = "back_translation";

augmenter! {
    /// Translates each sentence to another language and back. A sentence with a protected span is left
    /// alone, as nothing makes a translation keep it.
    ///
    /// # Reference
    /// Sennrich, Haddow, Birch, "Improving neural machine translation models with monolingual data",
    /// ACL 2016.
    own BackTranslation = "back_translation" {
        /// The language of the text; `en`.
        from: String = "en".to_owned(),
        /// The language between; `de`.
        to: String = "de".to_owned(),
        /// Given by the pipeline.
        #[serde(skip)]
        model: Model = Model::default(),
    }
}

impl TextAugmenter for BackTranslation {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        for span in sentences(doc.text()) {
            let mut protected = doc.tokens().iter().filter(|token| token.is_protected());
            if protected.any(|token| token.start < span.end && token.end > span.start) {
                continue;
            }
            let sentence = &doc.text()[span.clone()];
            let seed = rng.next_u64();
            let back = self.model.ask(NAME, |model| {
                let there = model.translate(sentence, &self.from, &self.to, seed)?;
                model.translate(&there, &self.to, &self.from, seed)
            })?;
            if !back.trim().is_empty() {
                edits.replace(span, back.trim());
            }
        }
        Ok(())
    }

    fn load(&mut self, resources: &Resources) -> Result<(), AugmentError> {
        self.model.load(NAME, resources)
    }
}

#[cfg(test)]
mod tests {
    use super::super::double::resources;
    use super::*;
    use crate::text::tests::step;

    #[test]
    fn there_and_back() {
        let mut back = BackTranslation::default();
        back.load(&resources()).unwrap();
        assert_eq!(
            step(&back, "A big jar. It holds.", 0),
            "A large jar. It holds."
        );
        let mut other = BackTranslation {
            to: "fr".to_owned(),
            ..BackTranslation::default()
        };
        other.load(&resources()).unwrap();
        let doc = Document::new("A jar.", &[]);
        let refusal = other
            .edits(&doc, &mut Draw::new(0, 0, 0), &mut Edits::default())
            .unwrap_err();
        assert!(refusal.to_string().contains("no en to fr"), "{refusal}");
    }
}
