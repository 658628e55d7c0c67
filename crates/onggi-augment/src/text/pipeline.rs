//! A pipeline: steps, what they may not touch, and the record of what they did.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::edits::Ops;
use super::seen::{Seen, hash};
use super::{
    Document, Edit, Edits, Protect, TextAugmenter, TextModel, TextTransform, TfIdfTable,
    refuse_unknown,
};
use crate::{AugmentError, Draw};

/// A pipeline as written in a file.
///
/// # Example
/// ```
/// use onggi_augment::text::PipelineConfig;
///
/// let config: PipelineConfig = toml::from_str(
///     r#"
///     [protect]
///     phrases = ["Onggi"]
///     [[steps]]
///     transform = "keyboard"
///     aug_word_p = 0.1
///     [[steps]]
///     transform = "sometimes"
///     p = 0.5
///     steps = [{ transform = "random_word", action = "swap" }]
///     "#,
/// )?;
/// assert_eq!(config.steps.len(), 2);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PipelineConfig {
    /// Whether augmenters that may turn a text into its opposite ([`Antonym`](super::Antonym),
    /// [`Negation`](super::Negation)) are allowed; false.
    pub allow_label_change: bool,
    /// Folder of the language model behind steps that ask one; none where empty. Whoever reads the file
    /// loads it into [`Resources::model`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// What is kept as it is.
    pub protect: Protect,
    /// The steps, first to last.
    pub steps: Vec<TextTransform>,
}

impl<'de> Deserialize<'de> for PipelineConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        refuse_unknown(
            "a pipeline",
            &map,
            &["allow_label_change", "model", "protect", "steps"],
        )
        .map_err(D::Error::custom)?;
        if let Some(Value::Object(protect)) = map.get("protect") {
            let known = [
                "numbers", "urls", "emails", "mentions", "hashtags", "code", "tokens", "regex",
                "phrases",
            ];
            refuse_unknown("protect", protect, &known).map_err(D::Error::custom)?;
        }
        let mut config = Self::default();
        if let Some(value) = map.remove("allow_label_change") {
            config.allow_label_change = serde_json::from_value(value).map_err(D::Error::custom)?;
        }
        if let Some(value) = map.remove("model") {
            config.model = serde_json::from_value(value).map_err(D::Error::custom)?;
        }
        if let Some(value) = map.remove("protect") {
            config.protect = serde_json::from_value(value).map_err(D::Error::custom)?;
        }
        if let Some(value) = map.remove("steps") {
            config.steps = serde_json::from_value(value).map_err(D::Error::custom)?;
        }
        Ok(config)
    }
}

impl PipelineConfig {
    /// Steps under the default protection.
    pub fn new(steps: Vec<TextTransform>) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }

    /// Whether a step takes its statistics from [`Resources::tf_idf`].
    pub fn wants_tf_idf(&self) -> bool {
        fn wants(step: &TextTransform) -> bool {
            match step {
                TextTransform::TfIdf(step) => step.corpus_path.is_empty(),
                flow => flow.steps().iter().any(wants),
            }
        }
        self.steps.iter().any(wants)
    }
}

/// What the augmenters of a pipeline take from outside.
#[derive(Clone, Default)]
pub struct Resources {
    /// The language models behind [`ContextualWordEmbs`](super::ContextualWordEmbs) and its like.
    pub model: Option<Arc<dyn TextModel>>,
    /// Statistics for [`TfIdf`](super::TfIdf) steps that name no corpus.
    pub tf_idf: Option<Arc<TfIdfTable>>,
}

/// Steps that are checked, with their files read: changes texts.
///
/// # Example
/// ```
/// use onggi_augment::text::{Keyboard, Pipeline, PipelineConfig, Resources};
///
/// let typo = Keyboard { aug_word_p: 0.2, ..Keyboard::default() };
/// let pipeline = Pipeline::new(PipelineConfig::new(vec![typo.into()]), &Resources::default())?;
/// let outputs = pipeline.augment("The potter fired 12 jars at noon", 3, 42, 0)?;
/// assert_eq!(outputs.texts.len(), 3);
/// assert!(outputs.texts.iter().all(|copy| copy.text.contains(" 12 ")));
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    config: PipelineConfig,
}

/// One changed text.
#[derive(Clone, Debug, PartialEq)]
pub struct Augmented {
    /// The text after all steps.
    pub text: String,
    /// What was done to the text before, as spans of it.
    pub edits: Edits,
    /// Whether an augmenter that may turn the meaning round had a part in it.
    pub label_changed: bool,
}

/// One edit as written to a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The augmenters behind it, by name; their settings are those of the pipeline.
    pub transforms: Vec<String>,
    /// First byte replaced, and the byte after the last, in the text before.
    pub span: [usize; 2],
    /// What stood there.
    pub original: String,
    /// What stands there now.
    pub replacement: String,
}

/// Copies of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The copies: different from each other and from the text.
    pub texts: Vec<Augmented>,
    /// Set where fewer were found than asked for.
    pub shortfall: Option<Shortfall>,
}

/// How many copies are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    /// Copies asked for.
    pub asked: usize,
    /// Copies found.
    pub found: usize,
    /// Draws made.
    pub draws: usize,
}

impl Pipeline {
    /// Checks the settings, reads the files and takes the models.
    ///
    /// # Errors
    /// Settings out of range, files that cannot be read, a model that is not there,
    /// [`AugmentError::LabelChange`] for an augmenter that is not allowed.
    pub fn new(mut config: PipelineConfig, resources: &Resources) -> Result<Self, AugmentError> {
        for step in &mut config.steps {
            step.prepare(resources, config.allow_label_change, &config.protect)?;
        }
        Ok(Self { config })
    }

    /// The settings.
    pub fn config(&self) -> &PipelineConfig {
        &self.config
    }

    /// Changes `text` once; every random choice comes from `rng`.
    ///
    /// # Errors
    /// Where a model fails.
    pub fn apply(&self, text: &str, rng: &mut Draw) -> Result<Augmented, AugmentError> {
        let mut work = Working {
            text: Cow::Borrowed(text),
            edits: Edits::default(),
            protected: self.config.protect.spans(text),
            label_changed: false,
        };
        for step in &self.config.steps {
            step.run(&mut work, rng)?;
        }
        Ok(Augmented {
            text: work.text.into_owned(),
            edits: work.edits,
            label_changed: work.label_changed,
        })
    }

    /// `n` copies of row `row`, different from each other and from `text`.
    ///
    /// Draw `k` of a row comes from `Draw::new(seed, k, row)`, so that the copies depend on nothing
    /// else. After `8n + 32` draws the search ends and the shortfall is stated.
    ///
    /// # Errors
    /// Where a model fails.
    pub fn augment(
        &self,
        text: &str,
        n: usize,
        seed: u64,
        row: u64,
    ) -> Result<Outputs, AugmentError> {
        let mut search = Search::new(seed, row, n);
        let mut texts = Vec::with_capacity(n.min(1024));
        while texts.len() < n {
            match search.next(self, text, |_| true)? {
                Some((_, copy)) => texts.push(copy),
                None => break,
            }
        }
        let shortfall = (texts.len() < n).then_some(Shortfall {
            asked: n,
            found: texts.len(),
            draws: search.draws as usize,
        });
        Ok(Outputs { texts, shortfall })
    }
}

/// A search for copies of one text, which can be taken up again.
pub(crate) struct Search {
    seed: u64,
    row: u64,
    draws: u64,
    most: u64,
    found: Seen,
    /// Draws that gave a copy there was already, or one that was not new.
    pub(crate) refused: usize,
}

impl Search {
    /// A search for `n` copies of row `row`: it ends after `8n + 32` draws.
    pub(crate) fn new(seed: u64, row: u64, n: usize) -> Self {
        Self {
            seed,
            row,
            draws: 0,
            most: (n as u64).saturating_mul(8).saturating_add(32),
            found: Seen::default(),
            refused: 0,
        }
    }

    /// Lets the search look for `n` copies more.
    pub(crate) fn allow(&mut self, n: u64) {
        self.most = self.most.saturating_add(n.saturating_mul(8));
    }

    /// The next copy for whose hash `new` holds, different from `text` and from the copies before, and its
    /// hash; `None` at the end of the search. A draw whose copy was found before is not made again.
    pub(crate) fn next(
        &mut self,
        pipeline: &Pipeline,
        text: &str,
        new: impl Fn(u64) -> bool,
    ) -> Result<Option<(u64, Augmented)>, AugmentError> {
        while self.draws < self.most {
            let copy = pipeline.apply(text, &mut Draw::new(self.seed, self.draws, self.row))?;
            self.draws += 1;
            if copy.text == text {
                continue;
            }
            let hash = hash(&copy.text);
            if new(hash) && self.found.insert(hash) {
                return Ok(Some((hash, copy)));
            }
            self.refused += 1;
        }
        Ok(None)
    }
}

impl Augmented {
    /// The edits for a report; `source` is the text before.
    pub fn provenance(&self, source: &str) -> Vec<Provenance> {
        let edits = self.edits.iter();
        let record = |edit: Edit<'_>| Provenance {
            transforms: edit.transforms().map(str::to_owned).collect(),
            span: [edit.start, edit.end],
            original: source
                .get(edit.start..edit.end)
                .unwrap_or_default()
                .to_owned(),
            replacement: edit.replacement.to_owned(),
        };
        edits.map(record).collect()
    }
}

impl Edit<'_> {
    /// The names of the augmenters behind the edit.
    pub fn transforms(&self) -> impl Iterator<Item = &'static str> + use<> {
        let bits = self.ops.0;
        let names = TextTransform::NAMES.iter().enumerate();
        names
            .filter(move |(i, _)| bits >> i & 1 == 1)
            .map(|(_, &name)| name)
    }
}

impl TextTransform {
    fn prepare(
        &mut self,
        resources: &Resources,
        allow_label_change: bool,
        protect: &Protect,
    ) -> Result<(), AugmentError> {
        self.check()?;
        let name = self.name();
        if let Self::NumberNoise(_) = self
            && protect.numbers
        {
            return Err(AugmentError::Setting {
                transform: name,
                setting: "protect.numbers",
                rule: "must be false, or there is no number it may change",
                got: "true".to_owned(),
            });
        }
        if let Some(augmenter) = self.augmenter_mut() {
            if augmenter.changes_label() && !allow_label_change {
                return Err(AugmentError::LabelChange { transform: name });
            }
            return augmenter.load(resources);
        }
        for step in self.steps_mut() {
            step.prepare(resources, allow_label_change, protect)?;
        }
        Ok(())
    }
}

/// A text on its way through the steps.
pub(crate) struct Working<'a> {
    text: Cow<'a, str>,
    edits: Edits,
    protected: Vec<Range<usize>>,
    label_changed: bool,
}

impl Working<'_> {
    /// Lets one augmenter, at `place` in the registry, edit the text.
    pub(crate) fn step(
        &mut self,
        place: u32,
        augmenter: &dyn TextAugmenter,
        rng: &mut Draw,
    ) -> Result<(), AugmentError> {
        let mut edits = Edits::default();
        let doc = Document::new(&self.text, &self.protected);
        augmenter.edits(&doc, rng, &mut edits)?;
        edits.seal(&self.text, Ops(1 << place));
        edits.spare(&self.protected);
        if edits.is_empty() {
            return Ok(());
        }
        let after = edits.splice(&self.text);
        edits.shift(&mut self.protected);
        self.label_changed |= augmenter.changes_label();
        self.edits = std::mem::take(&mut self.edits).compose(edits, &self.text);
        self.text = Cow::Owned(after);
        Ok(())
    }
}
