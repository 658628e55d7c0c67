//! Augmenters that ask a language model. This crate has none: one is plugged in.

mod abst_summ;
mod back_translation;
mod contextual_sentence;
mod contextual_word_embs;

pub use abst_summ::AbstSumm;
pub use back_translation::BackTranslation;
pub use contextual_sentence::ContextualSentence;
pub use contextual_word_embs::ContextualWordEmbs;

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use super::Resources;
use crate::AugmentError;

/// What a model gives, or why it cannot.
pub type ModelResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The language models behind the augmenters of this folder.
///
/// A method that a model does not have says so; the answer to the same question with the same seed is
/// always the same.
pub trait TextModel: Send + Sync {
    /// Words that fit in the place of the bytes of `span` (empty: between two words), with their
    /// probabilities, most probable first, at most `k`.
    ///
    /// # Errors
    /// Where the model cannot fill gaps, or fails.
    fn fill(&self, text: &str, span: Range<usize>, k: usize) -> ModelResult<Vec<(String, f32)>> {
        let _ = (text, span, k);
        Err("this model cannot fill gaps: a masked language model is needed".into())
    }

    /// What follows `prompt`, at most `max_tokens` tokens of the model.
    ///
    /// # Errors
    /// Where the model cannot generate, or fails.
    fn generate(&self, prompt: &str, max_tokens: usize, seed: u64) -> ModelResult<String> {
        let _ = (prompt, max_tokens, seed);
        Err("this model cannot generate: a causal language model is needed".into())
    }

    /// A summary of `text`, at most `max_tokens` tokens of the model.
    ///
    /// # Errors
    /// Where the model cannot summarise, or fails.
    fn summarise(&self, text: &str, max_tokens: usize, seed: u64) -> ModelResult<String> {
        let _ = (text, max_tokens, seed);
        Err("this model cannot summarise: a sequence-to-sequence model is needed".into())
    }

    /// `text` from one language to another, each by its code (`en`, `ko`).
    ///
    /// # Errors
    /// Where the model does not know the languages, or fails.
    fn translate(&self, text: &str, from: &str, to: &str, seed: u64) -> ModelResult<String> {
        let _ = text;
        let _ = seed;
        Err(format!("this model cannot translate from `{from}` to `{to}`").into())
    }
}

/// A model as a step holds it.
#[derive(Clone, Default)]
#[doc(hidden)]
pub struct Model(Option<Arc<dyn TextModel>>);

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Model"
        } else {
            "no model"
        })
    }
}

impl PartialEq for Model {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Model {
    /// Takes the model that a pipeline is given.
    fn load(&mut self, transform: &'static str, given: &Resources) -> Result<(), AugmentError> {
        self.0.clone_from(&given.model);
        self.ask(transform, |_| Ok(()))
    }

    /// What the model answers to `question`.
    fn ask<T>(
        &self,
        transform: &'static str,
        question: impl FnOnce(&dyn TextModel) -> ModelResult<T>,
    ) -> Result<T, AugmentError> {
        let missing = || "needs a language model: give the pipeline Resources::model".into();
        let model = self.0.as_deref().ok_or_else(missing);
        model
            .and_then(question)
            .map_err(|error| AugmentError::Model {
                transform,
                reason: error.to_string(),
            })
    }
}

impl std::fmt::Debug for Resources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resources")
            .field("model", &self.model.is_some())
            .field("tf_idf", &self.tf_idf.is_some())
            .finish()
    }
}

/// A model that answers by rule, for tests.
#[cfg(test)]
pub(crate) mod double {
    use super::*;

    pub(crate) struct Double;

    impl TextModel for Double {
        fn fill(
            &self,
            text: &str,
            span: Range<usize>,
            k: usize,
        ) -> ModelResult<Vec<(String, f32)>> {
            let old = text.get(span).ok_or("outside the text")?;
            let words = [old, "pot", "Vase", "##ly", "kiln"];
            Ok(words
                .iter()
                .take(k)
                .map(|w| ((*w).to_owned(), 0.2))
                .collect())
        }

        fn generate(&self, prompt: &str, max_tokens: usize, seed: u64) -> ModelResult<String> {
            Ok(format!(
                " And {} more ({max_tokens}, {}).",
                prompt.len(),
                seed % 10
            ))
        }

        fn translate(&self, text: &str, from: &str, to: &str, _: u64) -> ModelResult<String> {
            match (from, to) {
                ("en", "de") => Ok(format!("<{text}>")),
                ("de", "en") => Ok(text.replace(['<', '>'], "").replace("big", "large")),
                _ => Err(format!("no {from} to {to}").into()),
            }
        }
    }

    pub(crate) fn resources() -> Resources {
        Resources {
            model: Some(Arc::new(Double)),
            tf_idf: None,
        }
    }
}
