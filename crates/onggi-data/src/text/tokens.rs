//! Texts as a data set of token ids.

use std::sync::Arc;

use onggi_augment::Draw;
use onggi_augment::text::Pipeline;
use rand::RngExt;
use rayon::prelude::*;

use super::Tokenizer;
use crate::{DataError, Dataset, View};

/// What makes token ids of a text.
pub trait Encode: Send + Sync {
    /// The ids of a text, above [`PADDING`](super::PADDING): one or more, at most `most`, and behind them one
    /// more where the text goes on.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`].
    fn ids(&self, text: &str, most: usize) -> Result<Vec<u32>, DataError>;
}

impl<T: Encode + ?Sized> Encode for Arc<T> {
    fn ids(&self, text: &str, most: usize) -> Result<Vec<u32>, DataError> {
        (**self).ids(text, most)
    }
}

impl Encode for Tokenizer {
    fn ids(&self, text: &str, most: usize) -> Result<Vec<u32>, DataError> {
        Self::ids(self, text, most)
    }
}

/// Texts as sequences of token ids, of at most so many tokens; what a longer text goes on with is not read.
///
/// A sample is the ids of a text and then zeros ([`PADDING`](super::PADDING)); the
/// [`Loader`](crate::Loader) cuts the zeros that all of a batch have.
///
/// # Example
/// ```
/// use onggi_data::text::{TokenDataset, Tokenizer, TokenizerConfig};
/// use onggi_data::{Dataset, View};
///
/// let texts = ["good good jar", "bad jar, bad"];
/// let tokenizer = Tokenizer::train(&texts, &TokenizerConfig::default())?;
/// let ids = ["row 1", "row 2"].map(String::from).to_vec();
/// let data = TokenDataset::new(tokenizer, &texts, vec![1, 0], 2, ids, 8)?;
/// assert_eq!((data.sample_shape(), data.truncated()), (vec![8], 0));
/// let mut sample = [0.0; 8];
/// data.load(0, View::Eval, &mut sample)?;
/// assert!(sample[0] > 0.0 && sample[7] == 0.0);
/// # Ok::<(), onggi_data::DataError>(())
/// ```
pub struct TokenDataset {
    tokenizer: Box<dyn Encode>,
    ids: Vec<Vec<u32>>,
    labels: Vec<usize>,
    classes: usize,
    sources: Vec<String>,
    max_tokens: usize,
    truncated: usize,
    augmentation: Option<Augmentation>,
}

/// How texts are varied for training.
struct Augmentation {
    pipeline: Arc<Pipeline>,
    /// Changed copies that stand for one unchanged text.
    copies: usize,
    texts: Vec<String>,
}

impl TokenDataset {
    /// Encodes texts with their labels (none for texts that are only asked about) and names.
    ///
    /// # Errors
    /// [`DataError::Label`] for a label that is no class; [`DataError::Tokenizer`] for `max_tokens` of 0,
    /// and labels or names of another number than the texts.
    pub fn new<S: AsRef<str> + Sync>(
        tokenizer: impl Encode + 'static,
        texts: &[S],
        labels: Vec<usize>,
        classes: usize,
        sources: Vec<String>,
        max_tokens: usize,
    ) -> Result<Self, DataError> {
        let n = texts.len();
        let fits = (labels.is_empty() || labels.len() == n) && sources.len() == n;
        if max_tokens == 0 || !fits {
            return Err(DataError::Tokenizer {
                reason: format!(
                    "expected at least 1 token a text, and a label and a name for each of {n} texts, but \
                     got {max_tokens} tokens, {} labels and {} names",
                    labels.len(),
                    sources.len()
                ),
            });
        }
        if let Some(i) = labels.iter().position(|&label| label >= classes) {
            return Err(DataError::Label {
                source_name: sources[i].clone(),
                label: labels[i],
                classes,
            });
        }
        let encoded: Result<Vec<_>, _> = texts
            .par_iter()
            .map(|text| tokenizer.ids(text.as_ref(), max_tokens))
            .collect();
        let mut ids = encoded?;
        let truncated = ids.iter().filter(|ids| ids.len() > max_tokens).count();
        ids.iter_mut().for_each(|ids| ids.truncate(max_tokens));
        Ok(Self {
            tokenizer: Box::new(tokenizer),
            ids,
            labels,
            classes,
            sources,
            max_tokens,
            truncated,
            augmentation: None,
        })
    }

    /// Varies the texts in [`View::Train`]: a text stays as it is once in `copies + 1` times, and else
    /// `pipeline` changes it, drawn anew each epoch from (seed, epoch, index). `texts` are those that the
    /// data set was made of.
    pub fn with_augmentation<S: AsRef<str>>(
        mut self,
        pipeline: Pipeline,
        copies: usize,
        texts: &[S],
    ) -> Self {
        let texts = texts.iter().map(|text| text.as_ref().to_owned()).collect();
        let pipeline = Arc::new(pipeline);
        self.augmentation = Some(Augmentation {
            pipeline,
            copies,
            texts,
        });
        self
    }

    /// Texts that were longer, and are cut.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// The ids of a text as it is changed in an epoch; `None` where it stays.
    fn varied(&self, index: usize, view: View) -> Result<Option<Vec<u32>>, DataError> {
        let (View::Train { seed, epoch }, Some(augmentation)) = (view, &self.augmentation) else {
            return Ok(None);
        };
        let mut draw = Draw::new(seed, epoch, index as u64);
        if draw.random_range(0..=augmentation.copies) == 0 {
            return Ok(None);
        }
        let text = &augmentation.texts[index];
        let changed = augmentation.pipeline.apply(text, &mut draw)?;
        let ids = self.tokenizer.ids(&changed.text, self.max_tokens)?;
        Ok(Some(ids))
    }
}

impl Dataset for TokenDataset {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn sample_shape(&self) -> Vec<usize> {
        vec![self.max_tokens]
    }

    fn label(&self, index: usize) -> usize {
        self.labels.get(index).copied().unwrap_or(0)
    }

    fn num_classes(&self) -> usize {
        self.classes
    }

    fn source(&self, index: usize) -> String {
        self.sources[index].clone()
    }

    fn sequence_len(&self, index: usize) -> Option<usize> {
        Some(self.ids[index].len())
    }

    fn load(&self, index: usize, view: View, out: &mut [f32]) -> Result<(), DataError> {
        let varied = self.varied(index, view)?;
        let ids = varied.as_ref().unwrap_or(&self.ids[index]);
        out.fill(0.0);
        for (out, &id) in out.iter_mut().zip(ids) {
            *out = id as f32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use onggi_augment::text::{Recipe, Resources};

    use super::*;
    use crate::text::TokenizerConfig;
    use crate::{Loader, LoaderConfig};

    fn texts(n: usize) -> Vec<String> {
        let words = ["the", "jar", "is", "very", "good", "and", "old", "today"];
        (0..n)
            .map(|i| {
                let word = |k: usize| words[(i * 5 + k * 3) % words.len()];
                let all: Vec<&str> = (0..1 + i * 7 % 30).map(word).collect();
                all.join(" ")
            })
            .collect()
    }

    fn data(texts: &[String], max_tokens: usize) -> TokenDataset {
        let tokenizer = Tokenizer::train(texts, &TokenizerConfig::default()).unwrap();
        let labels = (0..texts.len()).map(|i| i % 2).collect();
        let sources = (0..texts.len()).map(|i| format!("row {i}")).collect();
        TokenDataset::new(tokenizer, texts, labels, 2, sources, max_tokens).unwrap()
    }

    fn augmented(texts: &[String], recipe: &str) -> TokenDataset {
        let recipe = Recipe::by_name(recipe, texts.len()).unwrap();
        let pipeline = Pipeline::new(recipe.config, &Resources::default()).unwrap();
        data(texts, 64).with_augmentation(pipeline, recipe.copies, texts)
    }

    fn load(data: &TokenDataset, index: usize, view: View) -> Vec<f32> {
        let mut out = vec![9.0; data.sample_shape()[0]];
        data.load(index, view, &mut out).unwrap();
        out
    }

    #[test]
    fn longer_texts_are_cut_and_counted() {
        let texts = texts(30);
        let data = data(&texts, 10);
        let longer = texts.iter().filter(|text| text.split(' ').count() > 10);
        assert_eq!(data.truncated(), longer.count());
        assert!((0..30).all(|i| (1..=10).contains(&data.sequence_len(i).unwrap())));
    }

    #[test]
    fn augmentation_is_drawn_by_seed_epoch_and_index_and_only_for_training() {
        let texts = texts(40);
        let (plain, varied) = (data(&texts, 64), augmented(&texts, "eda"));
        let view = |seed, epoch| View::Train { seed, epoch };
        let mut changed = 0;
        for i in 0..40 {
            assert_eq!(load(&plain, i, View::Eval), load(&varied, i, View::Eval));
            assert_eq!(load(&plain, i, view(1, 1)), load(&plain, i, View::Eval));
            let first = load(&varied, i, view(1, 1));
            assert_eq!(first, load(&varied, i, view(1, 1)));
            changed += usize::from(first != load(&varied, i, view(1, 2)));
        }
        assert!(changed > 20, "{changed}");
    }

    /// The same batches at any number of workers, augmented ones too, cut to their longest.
    #[test]
    fn batches_are_cut_to_their_longest_and_lengths_lie_together() {
        let texts = texts(200);
        let data: Arc<dyn Dataset> = Arc::new(augmented(&texts, "aeda"));
        let epoch = |workers, number| {
            let config = LoaderConfig {
                batch_size: 8,
                shuffle: Some(3),
                drop_last: false,
                workers,
                prefetch: 2,
            };
            let loader = Loader::new(data.clone(), config).unwrap();
            let view = View::Train {
                seed: 3,
                epoch: number,
            };
            let batches = loader.epoch(number, view).map(Result::unwrap);
            batches.collect::<Vec<_>>()
        };
        let first = epoch(1, 0);
        assert_eq!(first, epoch(3, 0));
        assert_ne!(first, epoch(1, 1));
        let (mut padding, mut all) = (0, 0);
        for batch in &first {
            let width = batch.shape[1];
            assert_eq!(batch.x.len(), batch.indices.len() * width);
            let ends = batch.x.chunks_exact(width).any(|row| row[width - 1] != 0.0);
            assert!(ends, "{:?}", batch.shape);
            padding += batch.x.iter().filter(|id| **id == 0.0).count();
            all += batch.x.len();
        }
        // Less than half of what the texts have in batches as they come.
        let lens: Vec<usize> = (0..200).filter_map(|i| data.sequence_len(i)).collect();
        let padded = |lens: &[usize]| {
            let longest = lens.iter().max().copied().unwrap_or(0);
            longest * lens.len() - lens.iter().sum::<usize>()
        };
        let plain: usize = lens.chunks(first[0].indices.len()).map(padded).sum();
        assert!(
            2 * padding < plain,
            "{padding} of {all} are padding, not sorted {plain}"
        );
        let mut seen: Vec<_> = first.iter().flat_map(|b| b.indices.clone()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn mistakes_are_told() {
        let texts = texts(4);
        let tokenizer = Tokenizer::train(&texts, &TokenizerConfig::default()).unwrap();
        let new = |labels: Vec<usize>, most| {
            let names = vec![String::new(); 4];
            let made = TokenDataset::new(tokenizer.clone(), &texts, labels, 2, names, most);
            made.err().map(|error| error.to_string())
        };
        assert!(new(vec![], 5).is_none());
        assert!(new(vec![0, 1, 2, 0], 5).unwrap().contains("label 2"));
        assert!(new(vec![0], 5).unwrap().contains("1 labels"));
        assert!(new(vec![], 0).unwrap().contains("0 tokens"));
    }
}
