//! Words that a masked language model finds likely where they stand.

use super::Model;
use crate::text::draw::one;
use crate::text::english::in_case_of;
use crate::text::settings::augmenter;
use crate::text::word::{PlaceAction, put};
use crate::text::{Document, Edits, Resources, TextAugmenter};
use crate::{AugmentError, Draw};

const NAME: &str = "contextual_word_embs";

augmenter! {
    /// Replaces words by, or puts before them, words that a masked language model finds likely.
    ///
    /// Pieces of words (`##ly`), marks and the word itself are left out of the model's answers. Each
    /// place is asked for in the text as it was, so that one answer does not lead to the next.
    ///
    /// # Reference
    /// Kobayashi, "Contextual augmentation", NAACL 2018; Kumar, Choudhary, Cho, "Data augmentation
    /// using pre-trained transformer models", 2020.
    words(min_char = 1) ContextualWordEmbs = "contextual_word_embs" {
        /// Whether the new word takes a word's place or stands before it; `substitute`.
        action: PlaceAction = PlaceAction::Substitute,
        /// Among how many of the most likely words one is drawn; 10.
        top_k: usize = 10,
        /// Given by the pipeline.
        #[serde(skip)]
        model: Model = Model::default(),
    }
}

impl TextAugmenter for ContextualWordEmbs {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let (mut picker, wanted) = self.words().choose(doc);
        let mut done = 0;
        while done < wanted {
            let Some(place) = picker.next(rng) else { break };
            let token = doc.tokens()[place];
            let (insert, word) = (self.action == PlaceAction::Insert, doc.slice(&token));
            let span = token.start..if insert { token.start } else { token.end };
            let answers = (self.model).ask(NAME, |model| {
                model.fill(doc.text(), span.clone(), self.top_k)
            })?;
            let mut words: Vec<String> = answers.into_iter().map(|answer| answer.0).collect();
            words.retain(|new| {
                !new.is_empty()
                    && new
                        .chars()
                        .all(|c| c.is_alphanumeric() || matches!(c, '\'' | '-'))
                    && (insert || new.to_lowercase() != word.to_lowercase())
            });
            words.truncate(self.top_k);
            let Some(new) = one(rng, &words) else {
                continue;
            };
            done += 1;
            if insert {
                edits.build(span, |out| out.extend([new, " "]));
            } else {
                put(doc, place, span, &in_case_of(word, new), edits);
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
    use crate::text::tests::changed;

    #[test]
    fn whole_words_of_the_model() {
        let mut step = ContextualWordEmbs::default();
        assert!(
            step.load(&Resources::default())
                .unwrap_err()
                .to_string()
                .contains("Resources::model")
        );
        step.load(&resources()).unwrap();
        for (_, to) in changed(&step, "Jar", 20) {
            assert!(["Pot", "Vase", "Kiln"].contains(&to.as_str()), "{to}");
        }
        let insert = ContextualWordEmbs {
            action: PlaceAction::Insert,
            ..step
        };
        for (_, to) in changed(&insert, "big", 20) {
            assert!(to.ends_with(" big") && !to.contains('#'), "{to}");
        }
    }
}
