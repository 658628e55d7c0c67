//! From texts to token ids: byte pair encoding, trained on the texts at hand, in any language.
//!
//! A text is put into Unicode's composed form (NFC) and lower case, cut at white space and around
//! punctuation, and each word, marked by `▁`, is built of the pieces that the training texts have most
//! often. By NFC a Hangul syllable is one character however it was typed, so a piece is made of whole
//! syllables and never of single jamo.
//!
//! The file that [`Tokenizer::to_json`] writes is a `tokenizer.json`, which Hugging Face's `tokenizers`
//! reads in any language.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::normalizers::utils::{Lowercase, Sequence as Normalizers};
use tokenizers::normalizers::{NFC, NormalizerWrapper};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::punctuation::Punctuation;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::{
    AddedToken, NormalizedString, Normalizer, SplitDelimiterBehavior, Tokenizer as Engine,
};

use crate::DataError;

/// Id of the padding behind a text.
pub const PADDING: u32 = 0;

/// Id of a character that the training texts do not have, or have once; and of a text without tokens.
pub const UNKNOWN: u32 = 1;

/// What starts a word.
const WORD: char = '▁';

/// Largest vocabulary: ids pass through `f32` on the way to the model, which holds them exactly.
const MOST: usize = 1 << 24;

/// How a [`Tokenizer`] is trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenizerConfig {
    /// Tokens, at most; 8,000, of which a few thousand texts have use for all and fewer have fewer.
    pub vocabulary: usize,
    /// How often a piece must stand in the training texts to become a token, and a character to be known;
    /// 2, since of what is seen once nothing can be learned that another text confirms.
    pub min_frequency: usize,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self {
            vocabulary: 8_000,
            min_frequency: 2,
        }
    }
}

/// Texts as token ids, by a byte pair encoding.
///
/// # Example
/// ```
/// use onggi_data::text::{Tokenizer, TokenizerConfig};
///
/// let texts = ["a good jar, a good lid", "한글은 좋아요", "한글도 좋아요"];
/// let tokenizer = Tokenizer::train(&texts, &TokenizerConfig::default())?;
/// assert_eq!(tokenizer.tokens("A GOOD jar")?, ["▁a", "▁good", "▁", "[UNK]", "a", "[UNK]"]);
/// assert_eq!(tokenizer.tokens("좋아요")?, ["▁좋아요"]);
/// // As typed on some systems, in single jamo.
/// assert_eq!(tokenizer.ids("\u{110c}\u{1169}\u{11c2}아요", 10)?, tokenizer.ids("좋아요", 10)?);
/// # Ok::<(), onggi_data::DataError>(())
/// ```
///
/// # Reference
/// Sennrich, Haddow and Birch, *Neural machine translation of rare words with subword units*, ACL 2016.
#[derive(Clone)]
pub struct Tokenizer {
    engine: Arc<Engine>,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokenizer({} tokens)", self.len())
    }
}

impl Tokenizer {
    /// Learns the pieces of training texts; the same texts in any order give the same tokenizer.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] for a vocabulary or a frequency out of range, and for texts without a
    /// character that is seen often enough.
    pub fn train<S: AsRef<str> + Sync>(
        texts: &[S],
        config: &TokenizerConfig,
    ) -> Result<Self, DataError> {
        if !(16..=MOST).contains(&config.vocabulary) {
            let got = config.vocabulary;
            return Err(refused(format!(
                "a vocabulary must have from 16 to {MOST} tokens, but has {got}"
            )));
        }
        if config.min_frequency == 0 {
            return Err(refused("min_frequency must be at least 1, but is 0"));
        }
        let alphabet = alphabet(texts, config)?;
        let special = ["[PAD]", "[UNK]"].map(|name| AddedToken::from(name, true));
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(config.vocabulary)
            .min_frequency(config.min_frequency as u64)
            .special_tokens(special.to_vec())
            .limit_alphabet(alphabet.len())
            .initial_alphabet(alphabet)
            .build();
        let model = BPE::builder().unk_token("[UNK]".into()).build();
        let mut engine = Engine::new(model.map_err(refused)?);
        engine
            .with_normalizer(Some(normalizer()))
            .map_err(refused)?
            .with_pre_tokenizer(Some(PreTokenizers::new(vec![
                WhitespaceSplit.into(),
                Punctuation::new(SplitDelimiterBehavior::Contiguous).into(),
                Metaspace::new(WORD, PrependScheme::Always, false).into(),
            ])));
        let texts = texts.iter().map(AsRef::as_ref);
        engine
            .train(&mut TrainerWrapper::from(trainer), texts)
            .map_err(refused)?;
        Self::check(engine)
    }

    /// From [`to_json`](Self::to_json).
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] for what is no tokenizer, or none of ours.
    pub fn from_json(json: &[u8]) -> Result<Self, DataError> {
        Self::check(Engine::from_bytes(json).map_err(refused)?)
    }

    /// As `tokenizer.json` has it.
    ///
    /// # Errors
    /// None for a tokenizer that was trained or read; [`DataError::Tokenizer`] otherwise.
    pub fn to_json(&self) -> Result<String, DataError> {
        self.engine.to_string(true).map_err(refused)
    }

    fn check(engine: Engine) -> Result<Self, DataError> {
        let own = [("[PAD]", PADDING), ("[UNK]", UNKNOWN)];
        if own
            .iter()
            .any(|(name, id)| engine.token_to_id(name) != Some(*id))
        {
            return Err(refused("[PAD] must be token 0 and [UNK] token 1"));
        }
        let engine = Arc::new(engine);
        Ok(Self { engine })
    }

    /// Tokens in the vocabulary.
    pub fn len(&self) -> usize {
        self.engine.get_vocab_size(true)
    }

    /// Whether there are none, which cannot be.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids of a text, of the first `most + 1` at most, so that a longer text can be told from one of
    /// `most`; at least one, as a text without tokens is [`UNKNOWN`].
    ///
    /// # Errors
    /// [`DataError::Tokenizer`], which no text is known to cause.
    pub fn ids(&self, text: &str, most: usize) -> Result<Vec<u32>, DataError> {
        // Each word has a token or more, and no token reaches over a blank.
        let text = first_words(text, most + 1);
        let encoding = self.engine.encode_fast(text, false).map_err(refused)?;
        let ids = encoding.get_ids();
        // A text that spells out the name of the padding does not become padding.
        let own = |&id: &u32| if id == PADDING { UNKNOWN } else { id };
        let mut ids: Vec<u32> = ids.iter().take(most + 1).map(own).collect();
        if ids.is_empty() {
            ids.push(UNKNOWN);
        }
        Ok(ids)
    }

    /// The tokens of a text as they are written in the vocabulary.
    ///
    /// # Errors
    /// As [`ids`](Self::ids).
    pub fn tokens(&self, text: &str) -> Result<Vec<String>, DataError> {
        // Not `encode_fast`, which leaves them out.
        let encoding = self.engine.encode(text, false).map_err(refused)?;
        Ok(encoding.get_tokens().to_vec())
    }
}

/// NFC, then lower case.
fn normalizer() -> Normalizers {
    Normalizers::new(vec![
        NormalizerWrapper::NFC(NFC),
        NormalizerWrapper::Lowercase(Lowercase),
    ])
}

/// The characters that are seen often enough, the commonest that fit into half of the vocabulary.
fn alphabet<S: AsRef<str> + Sync>(
    texts: &[S],
    config: &TokenizerConfig,
) -> Result<HashSet<char>, DataError> {
    let normalizer = normalizer();
    let normalised: Result<Vec<String>, DataError> = texts
        .par_iter()
        .map(|text| {
            let mut text = NormalizedString::from(text.as_ref());
            normalizer.normalize(&mut text).map_err(refused)?;
            Ok(text.get().to_owned())
        })
        .collect();
    let mut counts = BTreeMap::<char, usize>::new();
    for text in normalised? {
        for c in text.chars().filter(|c| !c.is_whitespace()) {
            *counts.entry(c).or_default() += 1;
        }
    }
    counts.remove(&WORD);
    counts.retain(|_, count| *count >= config.min_frequency);
    if counts.is_empty() {
        return Err(refused(
            "the training texts have no character that stands in them twice",
        ));
    }
    let mut common: Vec<(char, usize)> = counts.into_iter().collect();
    // The sort is stable: of equally common ones the first by code point.
    common.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let known = common.into_iter().take(config.vocabulary / 2 - 3);
    Ok(known.map(|(c, _)| c).chain([WORD]).collect())
}

/// The beginning of a text with `most` words.
fn first_words(text: &str, most: usize) -> &str {
    let mut words = text.split_whitespace();
    let last = words.nth(most.saturating_sub(1));
    match last {
        Some(last) => {
            let end = last.as_ptr() as usize - text.as_ptr() as usize + last.len();
            &text[..end]
        }
        None => text,
    }
}

fn refused(reason: impl ToString) -> DataError {
    DataError::Tokenizer {
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXTS: [&str; 6] = [
        "The soup was good, really good!",
        "the soup was bad, really bad...",
        "국물이 정말 좋아요",
        "국물이 별로예요",
        "스프가 정말 좋았어요 👨‍👩‍👧",
        "good good soup, 정말 국물",
    ];

    fn tokenizer() -> Tokenizer {
        Tokenizer::train(&TEXTS, &TokenizerConfig::default()).unwrap()
    }

    #[test]
    fn words_and_punctuation() {
        let tokens = tokenizer().tokens("Good SOUP, really!").unwrap();
        assert_eq!(tokens[..3], ["▁good", "▁soup", "▁,"]);
        assert_eq!(tokens[3], "▁really");
        let other = tokenizer().tokens("good soup , really").unwrap();
        assert_eq!(tokens[..4], other[..4]);
    }

    #[test]
    fn hangul_syllables_stay_whole_however_they_are_typed() {
        let tokenizer = tokenizer();
        let composed = "정말 국물이 좋아요";
        let mut jamo = NormalizedString::from(composed);
        jamo.nfd();
        assert_ne!(jamo.get(), composed);
        let tokens = tokenizer.tokens(composed).unwrap();
        assert_eq!(tokens, tokenizer.tokens(jamo.get()).unwrap());
        assert_eq!(tokens[..2], ["▁정말", "▁국물이"]);
        let vocabulary = tokenizer.engine.get_vocab(true);
        let is_jamo = |c: char| ('\u{1100}'..='\u{11ff}').contains(&c);
        assert!(!vocabulary.keys().any(|token| token.contains(is_jamo)));
    }

    #[test]
    fn what_is_seen_once_is_unknown() {
        let tokenizer = tokenizer();
        assert_eq!(tokenizer.tokens("예").unwrap(), ["▁", "[UNK]"]);
        assert_eq!(tokenizer.ids("", 5).unwrap(), [UNKNOWN]);
        assert_eq!(tokenizer.ids(" \n\t", 5).unwrap(), [UNKNOWN]);
        assert!(!tokenizer.ids("[PAD] good", 9).unwrap().contains(&PADDING));
    }

    #[test]
    fn a_long_text_gives_one_id_more() {
        let tokenizer = tokenizer();
        let long = "good ".repeat(100_000);
        let ids = tokenizer.ids(&long, 7).unwrap();
        assert_eq!(ids.len(), 8);
        assert_eq!(
            ids,
            tokenizer
                .ids("good good good good good good good good bad", 7)
                .unwrap()
        );
        assert_eq!(tokenizer.ids("good good", 2).unwrap().len(), 2);
    }

    #[test]
    fn the_same_texts_give_the_same_file() {
        let texts: Vec<String> = (0..300)
            .map(|i| format!("{} {} no. {}", TEXTS[i % 6], TEXTS[i * 7 % 5], i % 41))
            .collect();
        let train = |texts: &[String]| {
            let tokenizer = Tokenizer::train(texts, &TokenizerConfig::default()).unwrap();
            tokenizer.to_json().unwrap()
        };
        let first = train(&texts);
        let mut backwards = texts.clone();
        backwards.reverse();
        for _ in 0..5 {
            assert_eq!(first, train(&texts));
            assert_eq!(first, train(&backwards));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        assert_eq!(first, pool.unwrap().install(|| train(&texts)));
        let read = Tokenizer::from_json(first.as_bytes()).unwrap();
        assert_eq!(read.to_json().unwrap(), first);
        assert_eq!(
            read.tokens(&texts[7]).unwrap(),
            tokenizer_of(&texts).tokens(&texts[7]).unwrap()
        );
    }

    fn tokenizer_of(texts: &[String]) -> Tokenizer {
        Tokenizer::train(texts, &TokenizerConfig::default()).unwrap()
    }

    #[test]
    fn the_vocabulary_is_bounded() {
        let small = TokenizerConfig {
            vocabulary: 40,
            ..TokenizerConfig::default()
        };
        let tokenizer = Tokenizer::train(&TEXTS, &small).unwrap();
        assert!(tokenizer.len() <= 40, "{tokenizer:?}");
    }

    #[test]
    fn mistakes_are_told() {
        let train = |texts: &[&str], config: &TokenizerConfig| {
            Tokenizer::train(texts, config).unwrap_err().to_string()
        };
        let config = TokenizerConfig::default();
        assert!(train(&["", "abc"], &config).contains("no character"));
        let tiny = TokenizerConfig {
            vocabulary: 3,
            ..config.clone()
        };
        assert!(train(&["aa bb"], &tiny).contains("16 to"));
        let never = TokenizerConfig {
            min_frequency: 0,
            ..config
        };
        assert!(train(&["aa bb"], &never).contains("min_frequency"));
        assert!(Tokenizer::from_json(b"{").is_err());
        let other = Engine::new(BPE::default()).to_string(false).unwrap();
        let error = Tokenizer::from_json(other.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("[PAD]"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_becomes_ids(text in "\\PC{0,60}", most in 1..20usize) {
            let tokenizer = tokenizer();
            let ids = tokenizer.ids(&text, most).unwrap();
            prop_assert!((1..=most + 1).contains(&ids.len()));
            prop_assert!(ids.iter().all(|&id| id != PADDING && (id as usize) < tokenizer.len()));
            // Cutting the text beforehand changes nothing.
            let whole = tokenizer.ids(&text, 10_000).unwrap();
            prop_assert_eq!(&ids[..], &whole[..whole.len().min(most + 1)]);
        }
    }
}
