//! Digits changed: for labels that do not depend on a number.

use crate::text::draw::below;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces the digits of numbers by others; length and separators stay, and so does the first
    /// digit's not being 0.
    ///
    /// Numbers are protected by default: a pipeline with this step needs `protect.numbers = false`.
    chars(min_char = 1) NumberNoise = "number_noise" {}
}

impl TextAugmenter for NumberNoise {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.chars().each(
            doc,
            rng,
            |word, i| matches!(word.char(i).as_bytes(), [b'0'..=b'9']),
            |word, i, rng| {
                let old = word.char(i).as_bytes()[0] - b'0';
                let mut new = below(rng, 9) as u8;
                new += u8::from(new >= old);
                let leads = i == 0 && word.len() > 1 && old != 0;
                if leads && new == 0 {
                    // 9 unless that is what stands there.
                    new = if old == 9 { 8 } else { 9 };
                }
                edits.build(word.span(i), |out| out.push(char::from(b'0' + new)));
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;
    use crate::text::{Pipeline, PipelineConfig, Resources};

    #[test]
    fn digits_become_other_digits() {
        let seen = changed(&NumberNoise::default(), "in 1905, 42 jars", 40);
        assert_eq!(seen.len(), 40);
        for (from, to) in seen {
            assert_eq!(from.len(), to.len());
            let letters = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "#");
            assert_eq!(letters(&from), letters(&to));
            assert!(!to.contains("in 0"));
        }
    }

    #[test]
    fn a_pipeline_that_protects_numbers_refuses_it() {
        let config = PipelineConfig::new(vec![NumberNoise::default().into()]);
        let refusal = Pipeline::new(config, &Resources::default()).unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("protect.numbers must be false"),
            "{refusal}"
        );
    }
}
