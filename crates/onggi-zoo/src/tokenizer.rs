//! Texts to token ids, by a `tokenizer.json` of Hugging Face's.
//!
//! The crate `tokenizers` does the work; here is what bounds the file, decides what is cut and filled up,
//! and turns a panic in it into an error.
//!
//! # Reference
//! <https://github.com/huggingface/tokenizers>

use crate::bert::read_text;
use crate::weights::WeightsError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use tokenizers::{Tokenizer, TruncationParams};

/// Longest file that is read, in bytes. Those of models of a hundred languages have 17 MiB.
const MAX_FILE: u64 = 64 << 20;

/// What stands for a word to be found, in BERT's vocabularies and RoBERTa's.
const MASKS: [&str; 2] = ["[MASK]", "<mask>"];

/// A tokenizer that answers with rows of ids.
#[derive(Clone, Debug)]
pub struct TextTokenizer {
    path: PathBuf,
    tokenizer: Tokenizer,
    max_tokens: usize,
}

/// A text with a gap, and where in its ids the gap is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Ids, with those at the beginning and the end that the model wants.
    pub ids: Vec<u32>,
    /// Place of the mask among them.
    pub place: usize,
}

impl TextTokenizer {
    /// Reads a `tokenizer.json`. Rows have at most `max_tokens` ids, those of the beginning and the end
    /// included; what the file says of cutting and filling up does not count.
    ///
    /// # Errors
    /// A file that cannot be read, has more than 64 MiB, or is no tokenizer; fewer than 4 ids.
    pub fn read(path: &Path, max_tokens: usize) -> Result<Self, WeightsError> {
        let text = read_text(path, MAX_FILE, "a tokenizer")?;
        let mut tokenizer: Tokenizer = guard(path, || text.parse())?;
        if max_tokens < 4 {
            let reason = format!("at least 4 tokens must be read of a text, but {max_tokens} are");
            return Err(fault(path, WeightsError::unsupported(reason)));
        }
        tokenizer.with_padding(None);
        let cut = TruncationParams {
            max_length: max_tokens,
            ..TruncationParams::default()
        };
        guard(path, || tokenizer.with_truncation(Some(cut)).map(|_| ()))?;
        Ok(Self {
            path: path.to_path_buf(),
            tokenizer,
            max_tokens,
        })
    }

    /// Ids that the tokenizer can give are below this.
    pub fn vocab_size(&self) -> usize {
        let ids = self.tokenizer.get_vocab(true).into_values();
        ids.max().map_or(0, |id| id as usize + 1)
    }

    /// The ids of each text, cut to the length that was asked for.
    ///
    /// # Errors
    /// What the tokenizer refuses, e.g. a word that is not in its vocabulary where it has no id for such.
    pub fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>, WeightsError> {
        let rows = guard(&self.path, || {
            self.tokenizer.encode_batch_fast(texts.to_vec(), true)
        })?;
        Ok(rows.iter().map(|row| row.get_ids().to_vec()).collect())
    }

    /// The ids of one text, cut to the length that was asked for, and whether they were cut.
    ///
    /// # Errors
    /// As of [`encode`](Self::encode).
    pub fn ids(&self, text: &str) -> Result<(Vec<u32>, bool), WeightsError> {
        let encoding = guard(&self.path, || self.tokenizer.encode_fast(text, true))?;
        let cut = !encoding.get_overflowing().is_empty();
        Ok((encoding.get_ids().to_vec(), cut))
    }

    /// The ids of `before`, a gap, and `after`: as many on either side of the gap as fit.
    ///
    /// # Errors
    /// A tokenizer without a mask; what it refuses.
    pub fn gap(&self, before: &str, after: &str) -> Result<Gap, WeightsError> {
        let masks = MASKS.iter().find_map(|name| {
            let id = self.tokenizer.token_to_id(name)?;
            Some((*name, id))
        });
        let Some((name, mask)) = masks else {
            let reason = "it has no token [MASK] or <mask>, so its model fills no gaps";
            return Err(fault(&self.path, WeightsError::unsupported(reason)));
        };
        let mut whole = self.tokenizer.clone();
        guard(&self.path, || whole.with_truncation(None).map(|_| ()))?;
        let text = format!("{before}{name}{after}");
        let encoded = guard(&self.path, || whole.encode(text, false))?;
        let ids = encoded.get_ids();
        let here = before.len();
        // A mask may take the space before it along, and the text may have masks of its own.
        let place = encoded
            .get_offsets()
            .iter()
            .zip(ids)
            .position(|(span, id)| *id == mask && (span.0..span.1.max(span.0 + 1)).contains(&here));
        let Some(place) = place else {
            let reason = "it takes the mask for a part of the text";
            return Err(fault(&self.path, WeightsError::unsupported(reason)));
        };
        // What the model wants around a text: the half of what an empty one becomes on each side.
        let empty = guard(&self.path, || whole.encode("", true))?;
        let (start, end) = empty.get_ids().split_at(empty.get_ids().len().div_ceil(2));
        let room = self
            .max_tokens
            .saturating_sub(start.len() + end.len())
            .max(1);
        let first = place
            .saturating_sub(room / 2)
            .min(ids.len().saturating_sub(room));
        let kept = &ids[first..ids.len().min(first + room)];
        Ok(Gap {
            ids: [start, kept, end].concat(),
            place: start.len() + place - first,
        })
    }

    /// The whole word that an id stands for; none for a piece of a word and for a special token.
    pub fn word(&self, id: u32) -> Option<String> {
        let token = self.tokenizer.id_to_token(id)?;
        let added = self.tokenizer.get_added_tokens_decoder();
        if added.contains_key(&id) || token.starts_with("##") {
            return None;
        }
        let pieces = self.starts_words();
        let decoded = match pieces {
            // Of tokens that begin a word with a mark for the space before it, the others are pieces.
            Some(mark) if !token.starts_with(mark) => return None,
            Some('▁') => token.trim_start_matches('▁').to_owned(),
            Some(_) => self.tokenizer.decode(&[id], true).ok()?.trim().to_owned(),
            None => token,
        };
        (!decoded.is_empty()).then_some(decoded)
    }

    /// The mark of a word's beginning, of a vocabulary that has one.
    fn starts_words(&self) -> Option<char> {
        let marks = ['Ġ', '▁'];
        let has = |mark: &char| {
            // Words that every vocabulary of the kind has, and the mark alone.
            let token = |word: &str| self.tokenizer.token_to_id(&format!("{mark}{word}"));
            ["", "a", "t", "the"]
                .iter()
                .any(|word| token(word).is_some())
        };
        marks.into_iter().find(|mark| has(mark))
    }
}

fn fault(path: &Path, source: WeightsError) -> WeightsError {
    WeightsError::File {
        path: path.to_path_buf(),
        source: Box::new(source),
    }
}

/// Runs what the crate `tokenizers` does with a file of others.
fn guard<T>(path: &Path, run: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, WeightsError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let mut reason = error.to_string();
            reason.truncate(reason.floor_char_boundary(300));
            Err(fault(
                path,
                WeightsError::damaged(format!("tokenizer: {reason}")),
            ))
        }
        Err(_) => Err(fault(
            path,
            WeightsError::damaged("tokenizer: it breaks its own rules"),
        )),
    }
}
