//! Augmenters of whole words.

mod antonym;
mod contraction;
mod inflection;
mod misspelling;
mod negation;
mod punctuation;
mod random_word;
mod reserved;
mod spelling;
mod split;
mod synonym;
mod tf_idf;
mod vectors;
mod word_embs;

pub use super::english::wordnet::Part;
pub use antonym::Antonym;
pub use contraction::{Contraction, ContractionAction};
pub use inflection::Inflection;
pub use negation::Negation;
pub use punctuation::Punctuation;
pub use random_word::{RandomWord, WordAction, WordSwap};
pub use reserved::{Groups, Reserved};
pub use spelling::Spelling;
pub use split::Split;
pub use synonym::Synonym;
pub use tf_idf::{TfIdf, TfIdfTable};
pub use vectors::Vectors;
pub use word_embs::WordEmbs;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::english::{self, inflection::Reading, tagger};
use super::korean::particle;
use super::{Document, Edits};
use crate::AugmentError;

/// Whether a word takes the place of another or stands beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceAction {
    /// In the place of the drawn word.
    #[default]
    Substitute,
    /// Before a drawn word.
    Insert,
}

/// What a step has read from a file; no setting, so all are equal.
#[derive(Debug)]
#[doc(hidden)]
pub struct Loaded<T>(pub(crate) Option<Arc<T>>);

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> PartialEq for Loaded<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Puts `new` in the place of a span inside the token at `place`, and keeps what agrees with it:
/// `a` or `an` before, the form of a Korean particle after.
pub(crate) fn put(
    doc: &Document<'_>,
    place: usize,
    span: Range<usize>,
    new: &str,
    edits: &mut Edits,
) {
    let token = doc.tokens()[place];
    if span.start == token.start {
        agree(doc, place, new, edits);
    }
    let rest = doc.text().get(span.end..token.end).unwrap_or_default();
    edits.replace(span.clone(), new);
    if let Some((length, form)) = particle::repair(new, rest) {
        edits.replace(span.end..span.end + length, form);
    }
}

/// Puts the article before the token at `place` right, `next` being what follows it now.
pub(crate) fn agree(doc: &Document<'_>, place: usize, next: &str, edits: &mut Edits) {
    let article = place.checked_sub(1).map(|before| doc.tokens()[before]);
    let Some(article) = article.filter(|token| token.is_word()) else {
        return;
    };
    let gap = doc.text().get(article.end..doc.tokens()[place].start);
    if !next.is_ascii() || gap.is_none_or(|gap| gap.is_empty()) {
        return;
    }
    let old = doc.slice(&article);
    let right = if english::takes_an(next) { "an" } else { "a" };
    let is_article = old.eq_ignore_ascii_case("a") || old.eq_ignore_ascii_case("an");
    if is_article && !old.eq_ignore_ascii_case(right) {
        let upper = old.starts_with('A');
        edits.build(article.span(), |out| {
            out.push(if upper { 'A' } else { 'a' });
            out.push_str(&right[1..]);
        });
    }
}

/// A reading of the word at `place` and other lemmas, in the form and case of that word.
pub(crate) fn reinflected<'a>(
    doc: &Document<'_>,
    place: usize,
    reading: &Reading,
    lemmas: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let word = doc.slice(&doc.tokens()[place]);
    let forms = lemmas
        .into_iter()
        .filter_map(|lemma| english::inflection::inflect(lemma, reading.part, reading.form));
    let other = forms.filter(|form| !form.eq_ignore_ascii_case(word));
    other.map(|form| english::in_case_of(word, &form)).collect()
}

/// The reading of the word at `place`, where its part of speech is among `parts`.
pub(crate) fn reading(doc: &Document<'_>, place: usize, parts: &[Part]) -> Option<Reading> {
    tagger::reading(doc, place).filter(|reading| parts.contains(&reading.part))
}

/// The lines of a file of at most `most` bytes, each given to `each`.
pub(crate) fn lines(
    path: &str,
    most: u64,
    mut each: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), AugmentError> {
    let fail = |reason: String| AugmentError::File {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(|error| fail(error.to_string()))?;
    let size = file
        .metadata()
        .map_err(|error| fail(error.to_string()))?
        .len();
    if size > most {
        return Err(fail(format!("is at most {most} bytes, got {size}")));
    }
    for (i, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| fail(format!("line {}: {error}", i + 1)))?;
        each(&line).map_err(|reason| fail(format!("line {}: {reason}", i + 1)))?;
    }
    Ok(())
}
