//! A summary in the place of the text.

use rand::Rng;

use super::Model;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, Resources, TextAugmenter};
use crate::{AugmentError, Draw};

const NAME: &str = "abst_summ";

augmenter! {
    /// Replaces the text by a summary from a sequence-to-sequence model. A text with a protected span
    /// is left alone, as nothing makes a summary keep it.
    own AbstSumm = "abst_summ" {
        /// Most tokens of the summary; 60.
        max_tokens: usize = 60,
        /// Given by the pipeline.
        #[serde(skip)]
        model: Model = Model::default(),
    }
}

impl TextAugmenter for AbstSumm {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        if doc.tokens().is_empty() || doc.tokens().iter().any(|token| token.is_protected()) {
            return Ok(());
        }
        let seed = rng.next_u64();
        let summary = (self.model).ask(NAME, |model| {
            model.summarise(doc.text(), self.max_tokens, seed)
        })?;
        if !summary.trim().is_empty() {
            edits.replace(0..doc.text().len(), summary.trim());
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

    #[test]
    fn a_model_that_cannot_says_so() {
        let mut summary = AbstSumm::default();
        summary.load(&resources()).unwrap();
        let doc = Document::new("A jar.", &[]);
        let refusal = summary
            .edits(&doc, &mut Draw::new(0, 0, 0), &mut Edits::default())
            .unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("abst_summ: this model cannot summarise"),
            "{refusal}"
        );
        let protected = Document::new("A jar.", std::slice::from_ref(&(2..5)));
        let mut edits = Edits::default();
        summary
            .edits(&protected, &mut Draw::new(0, 0, 0), &mut edits)
            .unwrap();
        assert!(edits.is_empty());
    }
}
