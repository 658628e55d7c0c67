//! Masked language models behind the augmenters that ask one.

use crate::encoder::parts;
use crate::failure::Failure;
use crate::zoo::bert::{EncoderFolder, MaskedLm, Tokens};
use crate::zoo::tokenizer::TextTokenizer;
use anyhow::anyhow;
use burn::tensor::Device;
use onggi_augment::text::{ModelResult, TextModel};
use onggi_nn::Mode;
use std::ops::Range;
use std::path::Path;

/// Tokens around a gap that the model sees, as far as it was made for as many.
const CONTEXT: usize = 128;

/// A BERT, DistilBERT or RoBERTa with the head of its training, which fills gaps in texts.
pub(crate) struct GapFiller {
    model: MaskedLm,
    tokenizer: TextTokenizer,
}

impl GapFiller {
    /// Reads a model's folder.
    ///
    /// # Errors
    /// A folder that is none, or a model without the head.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let files = EncoderFolder::find(folder).map_err(anyhow::Error::from)?;
        let (config, state, tokenizer) = parts(&files, CONTEXT)?;
        let model = MaskedLm::from_state(&config, state, &Device::flex())
            .map_err(|e| anyhow!("{}: no masked language model: {e}", files.weights.display()))?;
        Ok(Self { model, tokenizer })
    }
}

impl TextModel for GapFiller {
    /// Whole words of the vocabulary; probabilities are over all of it.
    fn fill(&self, text: &str, span: Range<usize>, k: usize) -> ModelResult<Vec<(String, f32)>> {
        let outside = || {
            format!(
                "the gap {span:?} is not in the text of {} bytes",
                text.len()
            )
        };
        let before = text.get(..span.start).ok_or_else(outside)?;
        let after = text.get(span.end..).ok_or_else(outside)?;
        // A gap between two words needs its own space after it.
        let space = if span.is_empty() { " " } else { "" };
        let gap = self.tokenizer.gap(before, &format!("{space}{after}"))?;
        let encoder = &self.model.encoder;
        let pad = encoder.config().pad_token_id;
        let tokens = Tokens::padded(std::slice::from_ref(&gap.ids), pad, &Device::flex());
        let hidden = encoder.forward(&tokens, &Mode::Eval)?;
        let [_, _, width] = hidden.dims();
        let hidden = hidden.slice([0..1, gap.place..gap.place + 1, 0..width]);
        let logits = self.model.logits(hidden)?.into_data();
        let logits: Vec<f64> = logits.iter::<f32>().map(f64::from).collect();
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
        let words = order.into_iter().filter_map(|id| {
            let word = self.tokenizer.word(u32::try_from(id).ok()?)?;
            let probability = (logits[id] - largest).exp() / sum;
            Some((word, probability as f32))
        });
        Ok(words.take(k).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../onggi-zoo/tests/fixtures/text_encoders/tiny")
    }

    #[test]
    fn words_by_probability() {
        let filler = GapFiller::read(&folder()).unwrap();
        let words = filler.fill("the pot is red", 4..7, 8).unwrap();
        assert_eq!(words.len(), 8);
        assert!(
            words.windows(2).all(|pair| pair[0].1 >= pair[1].1),
            "{words:?}"
        );
        let whole = |word: &String| !word.starts_with("##") && !word.starts_with('[');
        assert!(words.iter().all(|(word, _)| whole(word)), "{words:?}");
        assert_eq!(filler.fill("the pot is red", 4..7, 8).unwrap(), words);
        assert!(filler.fill("the pot", 4..4, 3).unwrap().len() == 3);
        assert!(filler.fill("pot", 2..9, 3).is_err());
        assert!(filler.fill("옹기", 1..2, 3).is_err());
        assert!(filler.fill(&"clay ".repeat(300), 700..704, 1).is_ok());
    }

    #[test]
    fn a_model_without_the_head_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["config.json", "tokenizer.json"] {
            std::fs::copy(folder().join(name), dir.path().join(name)).unwrap();
        }
        let state = crate::zoo::weights::read(&folder().join("model.safetensors")).unwrap();
        let kept = state
            .into_iter()
            .filter(|(name, _)| !name.starts_with("cls."));
        let bytes = onggi_train::plain_safetensors(&kept.collect(), &[]);
        std::fs::write(dir.path().join("model.safetensors"), bytes).unwrap();
        let Err(error) = GapFiller::read(dir.path()) else {
            panic!("it was read");
        };
        assert!(format!("{error:?}").contains("no masked language model"));
    }
}
