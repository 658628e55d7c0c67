//! Texts, and the augmenters of them.
//!
//! An augmenter lists [`Edits`] of a text cut into tokens ([`Document`]); a [`Pipeline`] applies its
//! steps, keeps what is [protected](Protect), and says for every output which bytes were replaced
//! and by which augmenter. An augmenter is one file of this folder and one row of the
//! [registry](TextTransform) below. From the row come its name in TOML and JSON and the conformance
//! tests every augmenter passes.
//!
//! The augmenters bear the names, actions and settings of nlpaug, in snake case and without `Aug`.

mod character;
mod dataset;
mod document;
mod draw;
mod edits;
mod english;
mod flow;
mod korean;
mod lists;
mod model;
mod pipeline;
mod protect;
mod recipe;
mod seen;
mod sentence;
mod settings;
mod word;

pub use character::*;
pub use dataset::{
    Balance, Columns, DatasetConfig, DatasetReport, LabelCount, Passed, RowFormat, Sample,
    TextFile, Watch, header_delimiter,
};
pub use document::{Document, Token};
pub use edits::{Edit, Edits};
pub use flow::{OneOf, Sequential, Sometimes};
pub use korean::*;
pub use lists::{Patterns, Phrases, Stopwords};
pub use model::*;
pub use pipeline::{
    Augmented, Outputs, Pipeline, PipelineConfig, Provenance, Resources, Shortfall,
};
pub use protect::Protect;
pub use recipe::Recipe;
pub use sentence::*;
pub use word::*;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use self::pipeline::Working;
use self::settings::Settings;
use crate::nearest::nearest;
use crate::{AugmentError, Draw};

/// A change to a text, drawn anew for every copy.
pub trait TextAugmenter {
    /// Adds edits of `doc` to `edits`; every random choice comes from `rng`.
    ///
    /// # Errors
    /// Where a model or file that the augmenter needs fails.
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError>;

    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] with the range.
    fn validate(&self) -> Result<(), AugmentError> {
        Ok(())
    }

    /// Reads the files and takes the models the settings name; called once, by [`Pipeline::new`].
    ///
    /// # Errors
    /// Where a file cannot be read or a model is not there.
    fn load(&mut self, resources: &Resources) -> Result<(), AugmentError> {
        let _ = resources;
        Ok(())
    }

    /// Whether the text may mean the opposite afterwards; such augmenters run only where
    /// [`PipelineConfig::allow_label_change`] says so.
    fn changes_label(&self) -> bool {
        false
    }
}

macro_rules! registry {
    (
        flows { $($(#[$flow_doc:meta])* $flow:ident = $flow_name:literal,)* }
        augmenters { $($(#[$doc:meta])* $variant:ident = $name:literal,)* }
    ) => {
        /// Every augmenter and flow there is, as one type: what a TOML or JSON pipeline is read into.
        ///
        /// The key `transform` names it, the other keys are its settings; unknown names and keys are
        /// refused with the nearest known one, settings out of range with their range.
        ///
        /// # Example
        /// ```
        /// use onggi_augment::text::TextTransform;
        ///
        /// let typo: TextTransform = toml::from_str("transform = 'keyboard'\naug_word_p = 0.1")?;
        /// let refusal = toml::from_str::<TextTransform>("transform = 'keybord'").unwrap_err();
        /// assert!(refusal.to_string().contains("did you mean `keyboard`"));
        /// # Ok::<(), toml::de::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "transform")]
        #[non_exhaustive]
        pub enum TextTransform {
            $($(#[$flow_doc])* #[serde(rename = $flow_name)] $flow($flow),)*
            $($(#[$doc])* #[serde(rename = $name)] $variant($variant),)*
        }

        $(impl From<$flow> for TextTransform {
            fn from(flow: $flow) -> Self {
                Self::$flow(flow)
            }
        })*
        $(impl From<$variant> for TextTransform {
            fn from(augmenter: $variant) -> Self {
                Self::$variant(augmenter)
            }
        })*

        impl TextTransform {
            /// The name of every flow and augmenter, in the order of the registry.
            pub const NAMES: &'static [&'static str] = &[$($flow_name,)* $($name,)*];

            /// The name in TOML, JSON and reports.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$flow(_) => $flow_name,)*
                    $(Self::$variant(_) => $name,)*
                }
            }

            /// The augmenter; `None` for a flow.
            pub fn augmenter(&self) -> Option<&dyn TextAugmenter> {
                match self {
                    $(Self::$flow(_) => None,)*
                    $(Self::$variant(augmenter) => Some(augmenter),)*
                }
            }

            fn augmenter_mut(&mut self) -> Option<&mut dyn TextAugmenter> {
                match self {
                    $(Self::$flow(_) => None,)*
                    $(Self::$variant(augmenter) => Some(augmenter),)*
                }
            }

            fn check(&self) -> Result<(), AugmentError> {
                match self {
                    $(Self::$flow(flow) => flow.check(),)*
                    $(Self::$variant(augmenter) => augmenter.check(),)*
                }
            }

            fn run(&self, work: &mut Working<'_>, rng: &mut Draw) -> Result<(), AugmentError> {
                match self {
                    $(Self::$flow(flow) => flow.run(work, rng),)*
                    $(Self::$variant(augmenter) => {
                        const PLACE: u32 = place($name);
                        work.step(PLACE, augmenter, rng)
                    })*
                }
            }

            fn read(name: &str, settings: Map<String, Value>) -> Result<Self, AugmentError> {
                match name {
                    $($flow_name => read::<$flow>(settings).map(Self::$flow),)*
                    $($name => read::<$variant>(settings).map(Self::$variant),)*
                    _ => Err(AugmentError::UnknownName {
                        what: "transform",
                        got: name.to_owned(),
                        nearest: nearest(name, Self::NAMES.iter().copied()).to_owned(),
                    }),
                }
            }
        }

        #[cfg(test)]
        mod conformance {
            $(
                #[test]
                #[allow(non_snake_case)]
                fn $variant() {
                    super::tests::conform::<super::$variant>($name);
                }
            )*
        }
    };
}

/// The place of a name in the registry.
const fn place(name: &str) -> u32 {
    let names = TextTransform::NAMES;
    let mut i = 0;
    while i < names.len() {
        let (a, b) = (names[i].as_bytes(), name.as_bytes());
        let mut same = a.len() == b.len();
        let mut k = 0;
        while same && k < a.len() {
            same = a[k] == b[k];
            k += 1;
        }
        if same {
            return i as u32;
        }
        i += 1;
    }
    panic!("a name that is not in the registry")
}

// Provenance keeps the augmenters of an edit as the bits of a u64.
const _: () = assert!(TextTransform::NAMES.len() <= 64);

registry! {
    flows {
        /// [`Sequential`]: one step after the other.
        Sequential = "sequential",
        /// [`Sometimes`]: each step with a probability.
        Sometimes = "sometimes",
        /// [`OneOf`]: one step, drawn.
        OneOf = "one_of",
    }
    augmenters {
        /// [`Keyboard`]: a neighbouring key.
        Keyboard = "keyboard",
        /// [`Ocr`]: a character that scans alike.
        Ocr = "ocr",
        /// [`RandomChar`]: characters inserted, substituted, swapped or deleted.
        RandomChar = "random_char",
        /// [`Homoglyph`]: a character of another script that looks the same.
        Homoglyph = "homoglyph",
        /// [`ZeroWidth`]: characters that are not seen.
        ZeroWidth = "zero_width",
        /// [`LetterCase`]: upper and lower case.
        LetterCase = "letter_case",
        /// [`Whitespace`]: white space doubled, dropped or exchanged.
        Whitespace = "whitespace",
        /// [`NumberNoise`]: digits changed.
        NumberNoise = "number_noise",
        /// [`RandomWord`]: words deleted, substituted, swapped or cropped.
        RandomWord = "random_word",
        /// [`Spelling`]: misspellings.
        Spelling = "spelling",
        /// [`Split`]: a word in two.
        Split = "split",
        /// [`Synonym`]: a word that means the same.
        Synonym = "synonym",
        /// [`Antonym`]: a word that means the opposite.
        Antonym = "antonym",
        /// [`Negation`]: `not` put in or taken out.
        Negation = "negation",
        /// [`Reserved`]: one phrase of a group for another.
        Reserved = "reserved",
        /// [`TfIdf`]: words that say little, by the statistics of a corpus.
        TfIdf = "tf_idf",
        /// [`WordEmbs`]: the neighbours of a word vector.
        WordEmbs = "word_embs",
        /// [`Contraction`]: `do not` and `don't`.
        Contraction = "contraction",
        /// [`Inflection`]: another form of the same word.
        Inflection = "inflection",
        /// [`Punctuation`]: punctuation between words, as in AEDA.
        Punctuation = "punctuation",
        /// [`RandomSentence`]: sentences swapped or deleted.
        RandomSentence = "random_sentence",
        /// [`ContextualWordEmbs`]: words from a masked language model.
        ContextualWordEmbs = "contextual_word_embs",
        /// [`ContextualSentence`]: a sentence more, from a language model.
        ContextualSentence = "contextual_sentence",
        /// [`AbstSumm`]: a summary in the place of the text.
        AbstSumm = "abst_summ",
        /// [`BackTranslation`]: into another language and back.
        BackTranslation = "back_translation",
        /// [`LayoutSlip`]: a word typed with the keyboard in the other language.
        LayoutSlip = "layout_slip",
        /// [`Jamo`]: letters inside Hangul syllables.
        Jamo = "jamo",
        /// [`YaminJeongeum`]: syllables that look alike.
        YaminJeongeum = "yamin_jeongeum",
        /// [`KoreanPhonetic`]: spelled as it sounds.
        KoreanPhonetic = "korean_phonetic",
        /// [`KoreanSpacing`]: spaces dropped and put in.
        KoreanSpacing = "korean_spacing",
        /// [`Josa`]: a particle in its wrong form.
        Josa = "josa",
        /// [`Coda`]: final consonants added and dropped.
        Coda = "coda",
    }
}

/// Refuses keys that are not `known`, with the nearest that is.
fn refuse_unknown(
    what: &'static str,
    settings: &Map<String, Value>,
    known: &[&'static str],
) -> Result<(), AugmentError> {
    match settings.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(AugmentError::UnknownSetting {
            what,
            nearest: nearest(key, known.iter().copied()).to_owned(),
            got: key.clone(),
        }),
        None => Ok(()),
    }
}

fn read<T: Settings + DeserializeOwned>(settings: Map<String, Value>) -> Result<T, AugmentError> {
    refuse_unknown(T::NAME, &settings, T::FIELDS)?;
    let read: T = serde_json::from_value(Value::Object(settings)).map_err(|error| {
        AugmentError::Unreadable {
            what: T::NAME,
            reason: error.to_string(),
        }
    })?;
    read.check()?;
    Ok(read)
}

impl<'de> Deserialize<'de> for TextTransform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut settings = Map::deserialize(deserializer)?;
        let name = settings.remove("transform");
        let name = name.as_ref().and_then(Value::as_str).ok_or_else(|| {
            D::Error::custom("a step needs the key `transform` with the name of an augmenter")
        })?;
        Self::read(name, settings).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
