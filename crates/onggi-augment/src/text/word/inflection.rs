//! Another form of the same word: number, tense, degree.

use super::{Part, put, reading};
use crate::text::draw::one;
use crate::text::english::in_case_of;
use crate::text::english::inflection::{Form, inflect};
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces English words by other forms of their lemma: `jar` by `jars`, `ran` by `running`.
    ///
    /// # Reference
    /// Tan et al., "It's Morphin' Time! Combating linguistic discrimination with inflectional
    /// perturbations", ACL 2020.
    words(min_char = 2) Inflection = "inflection" {
        /// The parts of speech that are changed; nouns and verbs.
        parts: Vec<Part> = vec![Part::Noun, Part::Verb],
    }
}

impl TextAugmenter for Inflection {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.words().each(doc, rng, |place, rng| {
            let Some(reading) = reading(doc, place, &self.parts) else {
                return false;
            };
            let word = doc.slice(&doc.tokens()[place]);
            let forms: &[Form] = match reading.part {
                Part::Noun => &[Form::Base, Form::Plural],
                Part::Verb => &[
                    Form::Base,
                    Form::Third,
                    Form::Past,
                    Form::Participle,
                    Form::Gerund,
                ],
                Part::Adjective | Part::Adverb => {
                    &[Form::Base, Form::Comparative, Form::Superlative]
                }
            };
            let mut others: Vec<String> = forms
                .iter()
                .filter_map(|&form| inflect(&reading.lemma, reading.part, form))
                .collect();
            others.retain(|form| !form.eq_ignore_ascii_case(word));
            others.dedup();
            let new = one(rng, &others);
            if let Some(new) = new {
                let new = in_case_of(word, new);
                put(doc, place, doc.tokens()[place].span(), &new, edits);
            }
            new.is_some()
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    #[test]
    fn forms_of_the_lemma() {
        for (_, to) in changed(&Inflection::default(), "the Jar", 20) {
            assert_eq!(to, "the Jars");
        }
        for (_, to) in changed(&Inflection::default(), "she ran", 30) {
            assert!(
                ["she run", "she runs", "she running"].contains(&to.as_str()),
                "{to}"
            );
        }
        assert!(changed(&Inflection::default(), "the of", 5).is_empty());
    }
}
