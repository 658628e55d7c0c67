//! What settings are made of: counts, probabilities, and the macro that writes a settings struct with the
//! fields every augmenter of its kind has.

use super::document::Document;
use super::draw::Picker;
use super::lists::{Patterns, Stopwords};
use crate::{AugmentError, Draw};

/// How many of `n` are changed: `⌈p·n⌉`, at least `min`, at most `max` (0: no bound), at most `n`.
pub(crate) fn count(n: usize, p: f64, min: usize, max: usize) -> usize {
    // 0.07 · 100 is 7.000000000000001 and means 7. A NaN gives 0.
    let exact = p * n as f64 - 1e-9;
    // Not `ceil`, which is a call where the instruction set cannot round.
    let whole = exact as usize;
    let wanted = whole.saturating_add(usize::from(exact > whole as f64));
    let most = if max == 0 { n } else { max.min(n) };
    wanted.max(min).min(most)
}

/// Refuses a probability outside `[0, 1]`.
pub(crate) fn check_p(
    transform: &'static str,
    setting: &'static str,
    p: f64,
) -> Result<(), AugmentError> {
    if (0.0..=1.0).contains(&p) {
        Ok(())
    } else {
        Err(AugmentError::Setting {
            transform,
            setting,
            rule: "is a probability in [0, 1]",
            got: p.to_string(),
        })
    }
}

/// Which words of a text are changed, and how many.
pub(crate) struct Words<'a> {
    pub(crate) p: f64,
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) min_char: usize,
    pub(crate) stopwords: &'a Stopwords,
    pub(crate) stopwords_regex: &'a Patterns,
}

impl Words<'_> {
    /// The words that may be changed, as places in `doc.tokens`, and the number to change.
    ///
    /// The number is worked out on all words; it is never more than there are to choose from.
    pub(crate) fn choose(&self, doc: &Document<'_>) -> (Picker, usize) {
        let mut all = 0;
        let mut chosen = Vec::with_capacity(doc.tokens().len());
        // Mostly the number of bytes alone decides.
        let bytes_decide = self.stopwords.is_empty()
            && self.stopwords_regex.is_empty()
            && (doc.is_ascii() || self.min_char < 2);
        for (i, token) in doc.tokens().iter().enumerate() {
            if token.is_word() {
                all += 1;
                let long = token.span().len() >= self.min_char;
                if long && (bytes_decide || self.allow(doc.slice(token))) {
                    chosen.push(i);
                }
            }
        }
        let wanted = count(all, self.p, self.min, self.max).min(chosen.len());
        (Picker::new(chosen), wanted)
    }

    fn allow(&self, word: &str) -> bool {
        (self.min_char < 2 || word.chars().count() >= self.min_char)
            && !self.stopwords.contains(word)
            && !self.stopwords_regex.is_match(word)
    }

    /// Draws words until as many as are wanted are changed; `change` gets a word's place in `doc.tokens`
    /// and says whether it changed it.
    pub(crate) fn each(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        mut change: impl FnMut(usize, &mut Draw) -> bool,
    ) {
        let (mut picker, wanted) = self.choose(doc);
        let mut done = 0;
        while done < wanted {
            let Some(place) = picker.next(rng) else {
                return;
            };
            done += usize::from(change(place, rng));
        }
    }
}

/// Which characters of which words are changed, and how many.
pub(crate) struct Chars<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) p: f64,
    pub(crate) min: usize,
    pub(crate) max: usize,
}

/// An augmenter's name and the names of its settings, for the registry.
pub(crate) trait Settings: Sized + Default {
    const NAME: &'static str;
    const FIELDS: &'static [&'static str];
    /// Refuses settings out of range; those every augmenter of the kind has are checked before.
    fn check(&self) -> Result<(), AugmentError>;
}

/// What an augmenter's own file adds to the check of its settings.
macro_rules! augmenter {
    (@write [$($check:ident)*] $(#[$meta:meta])* $name:ident = $tag:literal {
        $($(#[$field_meta:meta])* $field:ident: $kind:ty = $default:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $kind,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::text::settings::Settings for $name {
            const NAME: &'static str = $tag;
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
            fn check(&self) -> Result<(), $crate::AugmentError> {
                $($crate::text::settings::check_p($tag, stringify!($check), self.$check)?;)*
                #[allow(unused_imports, reason = "a flow has a `validate` of its own")]
                use $crate::text::TextAugmenter as _;
                self.validate()
            }
        }
    };
    // An augmenter of characters inside words.
    ($(#[$meta:meta])* chars(min_char = $min_char:literal) $name:ident = $tag:literal {
        $($own:tt)*
    }) => {
        $crate::text::settings::augmenter! { @write [aug_char_p aug_word_p] $(#[$meta])* $name = $tag {
            /// Fraction of the characters of a chosen word that is changed, in `[0, 1]`; 0.3.
            aug_char_p: f64 = 0.3,
            /// Least characters changed in a chosen word; 1.
            aug_char_min: usize = 1,
            /// Most characters changed in a chosen word; 0 for no bound; 10.
            aug_char_max: usize = 10,
            /// Fraction of the words that is changed, in `[0, 1]`; 0.3.
            aug_word_p: f64 = 0.3,
            /// Least words changed; 1.
            aug_word_min: usize = 1,
            /// Most words changed; 0 for no bound; 10.
            aug_word_max: usize = 10,
            /// Words of fewer characters are left alone.
            min_char: usize = $min_char,
            /// Words left alone.
            stopwords: $crate::text::Stopwords = Default::default(),
            /// Words in which one of these is found are left alone.
            stopwords_regex: $crate::text::Patterns = Default::default(),
            $($own)*
        } }

        impl $name {
            fn chars(&self) -> $crate::text::settings::Chars<'_> {
                $crate::text::settings::Chars {
                    words: $crate::text::settings::Words {
                        p: self.aug_word_p,
                        min: self.aug_word_min,
                        max: self.aug_word_max,
                        min_char: self.min_char,
                        stopwords: &self.stopwords,
                        stopwords_regex: &self.stopwords_regex,
                    },
                    p: self.aug_char_p,
                    min: self.aug_char_min,
                    max: self.aug_char_max,
                }
            }
        }
    };
    // An augmenter of whole words.
    ($(#[$meta:meta])* words(min_char = $min_char:literal) $name:ident = $tag:literal {
        $($own:tt)*
    }) => {
        $crate::text::settings::augmenter! { @write [aug_p] $(#[$meta])* $name = $tag {
            /// Fraction of the words that is changed, in `[0, 1]`; 0.3.
            aug_p: f64 = 0.3,
            /// Least words changed; 1.
            aug_min: usize = 1,
            /// Most words changed; 0 for no bound; 10.
            aug_max: usize = 10,
            /// Words of fewer characters are left alone.
            min_char: usize = $min_char,
            /// Words left alone.
            stopwords: $crate::text::Stopwords = Default::default(),
            /// Words in which one of these is found are left alone.
            stopwords_regex: $crate::text::Patterns = Default::default(),
            $($own)*
        } }

        impl $name {
            fn words(&self) -> $crate::text::settings::Words<'_> {
                $crate::text::settings::Words {
                    p: self.aug_p,
                    min: self.aug_min,
                    max: self.aug_max,
                    min_char: self.min_char,
                    stopwords: &self.stopwords,
                    stopwords_regex: &self.stopwords_regex,
                }
            }
        }
    };
    // An augmenter of places between words, sentences or whole texts.
    ($(#[$meta:meta])* places $name:ident = $tag:literal { $($own:tt)* }) => {
        $crate::text::settings::augmenter! { @write [aug_p] $(#[$meta])* $name = $tag {
            /// Fraction of the places that is changed, in `[0, 1]`; 0.3.
            aug_p: f64 = 0.3,
            /// Least places changed; 1.
            aug_min: usize = 1,
            /// Most places changed; 0 for no bound; 10.
            aug_max: usize = 10,
            $($own)*
        } }
    };
    // Settings of its own only.
    ($(#[$meta:meta])* own $name:ident = $tag:literal { $($own:tt)* }) => {
        $crate::text::settings::augmenter! { @write [] $(#[$meta])* $name = $tag { $($own)* } }
    };
}
pub(crate) use augmenter;

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of nlpaug's rule, `⌈p·n⌉` clamped.
    #[test]
    fn counts() {
        for ((n, p, min, max), expected) in [
            ((10, 0.3, 1, 10), 3),
            ((11, 0.3, 1, 10), 4),
            ((100, 0.07, 1, 0), 7),
            ((100, 0.3, 1, 10), 10),
            ((2, 0.1, 1, 10), 1),
            ((2, 0.0, 0, 10), 0),
            ((2, 0.5, 5, 10), 2),
            ((0, 1.0, 5, 10), 0),
            ((9, f64::NAN, 0, 0), 0),
            ((9, f64::INFINITY, 0, 0), 9),
        ] {
            assert_eq!(count(n, p, min, max), expected, "{n} {p} {min} {max}");
        }
    }
}
