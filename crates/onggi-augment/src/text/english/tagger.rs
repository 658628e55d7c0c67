//! Which part of speech a word is where it stands: its own frequencies, and the word before.
//!
//! Not a tagger of research: where the two do not agree clearly, the word is left alone.

use super::inflection::{Form, Reading, readings};
use super::wordnet::Part;
use crate::text::Document;

/// Words after which a noun (or its adjective) comes.
const BEFORE_NOUN: &[&str] = &[
    "a", "an", "any", "each", "every", "her", "his", "its", "my", "no", "our", "some", "that",
    "the", "their", "these", "this", "those", "your",
];
/// Words after which a verb comes in its base form.
const BEFORE_BASE: &[&str] = &[
    "can",
    "can't",
    "cannot",
    "could",
    "couldn't",
    "did",
    "didn't",
    "do",
    "does",
    "doesn't",
    "don't",
    "let's",
    "may",
    "might",
    "must",
    "never",
    "please",
    "shall",
    "should",
    "shouldn't",
    "to",
    "will",
    "won't",
    "would",
    "wouldn't",
];
/// Words after which a verb comes in a finite form.
const BEFORE_FINITE: &[&str] = &["he", "i", "it", "she", "they", "we", "who", "you"];
const BE: &[&str] = &[
    "am", "are", "be", "been", "being", "he's", "i'm", "is", "it's", "she's", "they're", "was",
    "we're", "were", "you're",
];
const HAVE: &[&str] = &[
    "had", "has", "have", "having", "i've", "they've", "we've", "you've",
];
/// Words after which an adjective or adverb comes.
const DEGREE: &[&str] = &[
    "as", "less", "more", "most", "quite", "rather", "so", "too", "very",
];
/// Verbs that say little by themselves; what stands in WordNet for them is seldom what is meant.
const LIGHT: &[&str] = &[
    "be", "come", "do", "get", "give", "go", "have", "keep", "let", "make", "put", "take",
];
/// Prepositions that take a noun or a gerund.
const BEFORE_OBJECT: &[&str] = &[
    "about", "at", "by", "for", "from", "in", "into", "of", "on", "over", "through", "under",
    "with", "without",
];

fn among(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

/// The reading of the word at `place` of `doc.tokens()`; `None` where it is not clear.
pub(crate) fn reading(doc: &Document<'_>, place: usize) -> Option<Reading> {
    let token = doc.tokens().get(place)?;
    let word = doc.slice(token);
    if word.len() < 2 || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let word = word.to_ascii_lowercase();
    if super::is_function_word(&word) {
        return None;
    }
    let beside = |token: Option<&crate::text::Token>| {
        let token = token.filter(|token| token.is_word())?;
        Some(doc.slice(token).to_ascii_lowercase())
    };
    let before = place
        .checked_sub(1)
        .and_then(|i| beside(doc.tokens().get(i)));
    let after = beside(doc.tokens().get(place + 1));
    choose(
        readings(&word),
        before.as_deref().unwrap_or(""),
        after.as_deref().unwrap_or(""),
    )
}

/// How much clearer the best reading must be than the next of another part of speech: a factor
/// of 1.5 in frequency.
const MARGIN: f64 = 0.4;

fn choose(mut readings: Vec<Reading>, before: &str, after: &str) -> Option<Reading> {
    for reading in &mut readings {
        // `been broken`: written like the past, it is the participle.
        let participle = among(HAVE, before) || among(BE, before);
        if reading.form == Form::Past && participle {
            reading.form = Form::Participle;
        }
    }
    let content_after = !after.is_empty() && !super::is_function_word(after);
    let score = |r: &Reading| {
        let mut score = (1.0 + f64::from(r.entry.tags)).ln();
        let (noun, verb) = (r.part == Part::Noun, r.part == Part::Verb);
        let adjective = r.part == Part::Adjective;
        let base = r.form == Form::Base;
        if among(BEFORE_NOUN, before) {
            score += match r.part {
                Part::Noun => 4.0,
                Part::Adjective if content_after => 4.0,
                Part::Adjective => 1.0,
                Part::Verb if matches!(r.form, Form::Gerund | Form::Past | Form::Participle) => 0.0,
                _ => -4.0,
            };
        } else if among(BEFORE_BASE, before) {
            score += match r.part {
                Part::Verb if base => 4.0,
                Part::Adverb => 0.0,
                _ => -3.0,
            };
        } else if among(BEFORE_FINITE, before) {
            score += if verb && r.form != Form::Gerund {
                4.0
            } else {
                -2.0
            };
        } else if among(BE, before) {
            score += match r.part {
                Part::Verb if matches!(r.form, Form::Gerund | Form::Participle) => 3.0,
                Part::Adjective => 3.0,
                Part::Adverb => 1.0,
                Part::Noun => 0.0,
                Part::Verb => -4.0,
            };
        } else if among(HAVE, before) {
            score += if r.form == Form::Participle {
                4.0
            } else {
                -1.0
            };
        } else if among(DEGREE, before) {
            score += match r.part {
                Part::Adjective | Part::Adverb if base => 4.0,
                _ => -3.0,
            };
        } else if among(BEFORE_OBJECT, before) {
            score += match r.part {
                Part::Noun => 3.0,
                Part::Adjective if content_after => 2.0,
                Part::Verb if r.form == Form::Gerund => 1.0,
                Part::Verb => -3.0,
                _ => 0.0,
            };
        } else if !before.is_empty() && before.ends_with("ly") && (verb || adjective) {
            score += 1.0;
        }
        if among(BEFORE_NOUN, after) || matches!(after, "him" | "me" | "them" | "us" | "it") {
            // An object follows.
            score += if verb {
                2.0
            } else if noun {
                -1.0
            } else {
                0.0
            };
        }
        score
    };
    let mut scored: Vec<(f64, usize)> = readings.iter().map(score).zip(0..).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let &(best, place) = scored.first()?;
    let part = readings[place].part;
    let rival = scored.iter().find(|&&(_, i)| readings[i].part != part);
    if rival.is_some_and(|&(score, _)| best - score < MARGIN) {
        return None;
    }
    let light = part == Part::Verb && among(LIGHT, &readings[place].lemma);
    (!light).then(|| readings.swap_remove(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, word: &str) -> Option<(String, Part, Form)> {
        let doc = Document::new(text, &[]);
        let place = doc
            .tokens()
            .iter()
            .position(|token| doc.slice(token) == word)
            .unwrap();
        reading(&doc, place).map(|r| (r.lemma, r.part, r.form))
    }

    #[test]
    fn lists_are_sorted() {
        for list in [
            BEFORE_NOUN,
            BEFORE_BASE,
            BEFORE_FINITE,
            BE,
            HAVE,
            DEGREE,
            LIGHT,
            BEFORE_OBJECT,
        ] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }

    #[test]
    fn parts_in_context() {
        for (text, word, lemma, part, form) in [
            ("she ran quickly", "ran", "run", Part::Verb, Form::Past),
            (
                "she ran quickly",
                "quickly",
                "quickly",
                Part::Adverb,
                Form::Base,
            ),
            ("the run was long", "run", "run", Part::Noun, Form::Base),
            ("they want to run", "run", "run", Part::Verb, Form::Base),
            (
                "he has broken it",
                "broken",
                "break",
                Part::Verb,
                Form::Participle,
            ),
            (
                "the cities grew",
                "cities",
                "city",
                Part::Noun,
                Form::Plural,
            ),
            ("a very big jar", "big", "big", Part::Adjective, Form::Base),
            (
                "we will book a room",
                "book",
                "book",
                Part::Verb,
                Form::Base,
            ),
            ("we read the book", "book", "book", Part::Noun, Form::Base),
        ] {
            let expected = (lemma.to_owned(), part, form);
            assert_eq!(read(text, word), Some(expected), "{word} in {text}");
        }
        // An adjective or an adverb.
        assert_eq!(read("it was very fast", "fast"), None);
        assert_eq!(read("they are going to", "going"), None);
        assert_eq!(read("the jar", "the"), None);
        assert_eq!(read("xyzzy jar", "xyzzy"), None);
    }
}
