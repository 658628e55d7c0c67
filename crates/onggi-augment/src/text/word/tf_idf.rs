//! Words that say little about a text give way to words that say little anywhere.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Loaded, PlaceAction, lines, put};
use crate::text::draw::below;
use crate::text::english::in_case_of;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, Resources, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces words of low TF-IDF by common uninformative words, or puts such words in.
    ///
    /// A word is drawn in proportion to `C − tfidf(word)`, `C` being the largest of the text; what
    /// takes its place in proportion to `S − freq · idf`, `S` being the largest of the corpus. In Korean
    /// a whole eojeol is replaced, its particle with it.
    ///
    /// # Reference
    /// Xie et al., "Unsupervised data augmentation for consistency training", NeurIPS 2020, appendix.
    words(min_char = 1) TfIdf = "tf_idf" {
        /// Whether the new word takes a word's place or stands before it; `substitute`.
        action: PlaceAction = PlaceAction::Substitute,
        /// A text file with one document a line, at most 4 GiB; empty for the statistics given to the
        /// pipeline.
        corpus_path: String = String::new(),
        /// Read by the pipeline.
        #[serde(skip)]
        table: Loaded<TfIdfTable> = Loaded::default(),
    }
}

/// How often words occur in a corpus, and in how many of its documents.
///
/// # Example
/// ```
/// use onggi_augment::text::TfIdfTable;
///
/// let table = TfIdfTable::train(["the jar is big", "the jar is small"]);
/// assert!(table.idf("big") > table.idf("jar"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct TfIdfTable {
    documents: u64,
    index: HashMap<String, u32>,
    /// (occurrences, documents) of each word, in the order they were met.
    counts: Vec<(u64, u64)>,
    words: Vec<String>,
    /// Running sums of the weights by which new words are drawn.
    sums: Vec<f64>,
}

/// Words beyond these are not counted: bounded memory.
const MOST_WORDS: usize = 500_000;

impl TfIdfTable {
    /// Counts the words of documents, in lower case.
    pub fn train<T: AsRef<str>>(documents: impl IntoIterator<Item = T>) -> Self {
        let mut table = Self::default();
        for document in documents {
            table.count(document.as_ref());
        }
        table.finish()
    }

    fn count(&mut self, text: &str) {
        self.documents += 1;
        let doc = Document::new(text, &[]);
        let mut seen: Vec<u32> = Vec::new();
        for place in doc.words() {
            let word = doc.slice(&doc.tokens()[place]).to_lowercase();
            let known = self.index.get(&word).copied();
            if known.is_none() && self.words.len() >= MOST_WORDS {
                continue;
            }
            let number = known.unwrap_or_else(|| {
                let number = self.words.len() as u32;
                self.words.push(word.clone());
                self.counts.push((0, 0));
                self.index.insert(word, number);
                number
            });
            self.counts[number as usize].0 += 1;
            seen.push(number);
        }
        seen.sort_unstable();
        seen.dedup();
        for number in seen {
            self.counts[number as usize].1 += 1;
        }
    }

    fn finish(mut self) -> Self {
        let score = |&(occurrences, documents): &(u64, u64)| {
            occurrences as f64 * (self.documents as f64 / documents.max(1) as f64).ln()
        };
        let scores: Vec<f64> = self.counts.iter().map(score).collect();
        let most = scores.iter().copied().fold(0.0, f64::max);
        let mut sum = 0.0;
        self.sums = scores
            .iter()
            .map(|score| {
                // A little more than nothing, so that a corpus of equal words still draws.
                sum += most - score + 1e-6;
                sum
            })
            .collect();
        self
    }

    /// Inverse document frequency, `ln(N / n)`; that of a word met once for an unknown word.
    pub fn idf(&self, word: &str) -> f64 {
        let number = self
            .index
            .get(word)
            .or_else(|| self.index.get(&word.to_lowercase()));
        let documents = number.map_or(1, |&number| self.counts[number as usize].1.max(1));
        (self.documents.max(1) as f64 / documents as f64).ln()
    }

    fn draw(&self, rng: &mut Draw) -> Option<&str> {
        let total = *self.sums.last()?;
        let at = below(rng, 1 << 31) as f64 / f64::from(1u32 << 31) * total;
        let place = self
            .sums
            .partition_point(|&sum| sum <= at)
            .min(self.words.len() - 1);
        self.words.get(place).map(String::as_str)
    }
}

impl TextAugmenter for TfIdf {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let Some(table) = &self.table.0 else {
            return Err(missing());
        };
        let (mut picker, wanted) = self.words().choose(doc);
        let mut places: Vec<usize> = Vec::with_capacity(picker.len());
        while let Some(place) = picker.next(rng) {
            places.push(place);
        }
        places.sort_unstable();
        let lower: Vec<String> = places
            .iter()
            .map(|&place| doc.slice(&doc.tokens()[place]).to_lowercase())
            .collect();
        let mut frequency: HashMap<&str, f64> = HashMap::new();
        for word in &lower {
            *frequency.entry(word).or_default() += 1.0;
        }
        let scores: Vec<f64> = lower
            .iter()
            .map(|word| frequency[word.as_str()] * table.idf(word))
            .collect();
        let most = scores.iter().copied().fold(0.0, f64::max);
        let mut weights: Vec<f64> = scores.iter().map(|score| most - score + 1e-6).collect();
        for _ in 0..wanted {
            let total: f64 = weights.iter().sum();
            let mut left = below(rng, 1 << 31) as f64 / f64::from(1u32 << 31) * total;
            let drawn = weights.iter().position(|&weight| {
                left -= weight;
                weight > 0.0 && left < 0.0
            });
            let Some(i) = drawn else { break };
            weights[i] = 0.0;
            let Some(new) = table.draw(rng) else { break };
            let token = doc.tokens()[places[i]];
            match self.action {
                PlaceAction::Substitute if new != lower[i] => {
                    let new = in_case_of(doc.slice(&token), new);
                    put(doc, places[i], token.span(), &new, edits);
                }
                PlaceAction::Substitute => {}
                PlaceAction::Insert => {
                    edits.build(token.start..token.start, |out| out.extend([new, " "]));
                }
            }
        }
        Ok(())
    }

    fn load(&mut self, resources: &Resources) -> Result<(), AugmentError> {
        self.table = if self.corpus_path.is_empty() {
            Loaded(Some(resources.tf_idf.clone().ok_or_else(missing)?))
        } else {
            let mut table = TfIdfTable::default();
            lines(&self.corpus_path, 4 << 30, |line| {
                table.count(line);
                Ok(())
            })?;
            Loaded(Some(Arc::new(table.finish())))
        };
        Ok(())
    }
}

fn missing() -> AugmentError {
    AugmentError::Model {
        transform: "tf_idf",
        reason: "needs statistics: set corpus_path, or give the pipeline Resources::tf_idf"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    fn trained() -> TfIdf {
        let corpus: Vec<String> = (0..50)
            .map(|i| format!("the jar of clay number{i} is the best"))
            .collect();
        TfIdf {
            table: Loaded(Some(Arc::new(TfIdfTable::train(&corpus)))),
            ..TfIdf::default()
        }
    }

    #[test]
    fn telling_words_stay() {
        let tf_idf = TfIdf {
            aug_max: 1,
            ..trained()
        };
        let seen = changed(&tf_idf, "the jar number7 is", 200);
        let kept = seen.iter().filter(|(_, to)| to.contains("number7")).count();
        assert!(kept * 100 >= seen.len() * 98, "{kept} of {}", seen.len());
    }

    #[test]
    fn inserts_and_refuses_without_statistics() {
        let insert = TfIdf {
            action: PlaceAction::Insert,
            ..trained()
        };
        for (from, to) in changed(&insert, "the jar", 20) {
            assert_eq!(to.split(' ').count(), from.split(' ').count() + 1);
        }
        let refusal = TfIdf::default().load(&Resources::default()).unwrap_err();
        assert!(refusal.to_string().contains("corpus_path"), "{refusal}");
    }

    #[test]
    fn idf_is_the_logarithm() {
        let table = TfIdfTable::train(["a b", "a c", "A", "a d"]);
        assert_eq!(table.idf("a"), 0.0);
        assert_eq!(table.idf("b"), 4f64.ln());
        assert_eq!(table.idf("unknown"), 4f64.ln());
        assert!(
            TfIdfTable::train::<&str>([])
                .draw(&mut Draw::new(0, 0, 0))
                .is_none()
        );
    }
}
