//! A sentence more, written by a language model.

use rand::Rng;

use super::Model;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, Resources, TextAugmenter};
use crate::{AugmentError, Draw};

const NAME: &str = "contextual_sentence";

augmenter! {
    /// Puts what a causal language model writes next after the text (nlpaug's
    /// `ContextualWordEmbsForSentenceAug`).
    own ContextualSentence = "contextual_sentence" {
        /// Most tokens written; 50.
        max_tokens: usize = 50,
        /// Given by the pipeline.
        #[serde(skip)]
        model: Model = Model::default(),
    }
}

impl TextAugmenter for ContextualSentence {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let text = doc.text();
        let seed = rng.next_u64();
        let more = (self.model).ask(NAME, |model| model.generate(text, self.max_tokens, seed))?;
        let more = more.trim();
        if !more.is_empty() {
            let end = text.trim_end().len();
            edits.build(end..end, |out| {
                if end > 0 {
                    out.push(' ');
                }
                out.push_str(more);
            });
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
    fn follows_the_text() {
        let mut more = ContextualSentence::default();
        more.load(&resources()).unwrap();
        let out = step(&more, "A jar.\n", 0);
        assert!(
            out.starts_with("A jar. And 7 more (50, ") && out.ends_with(").\n"),
            "{out}"
        );
    }
}
