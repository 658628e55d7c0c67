//! English inflection both ways: the forms of a lemma, and the lemmas a word may be a form of.
//!
//! A reading is accepted where writing it again gives the word: `hoping` is `hope`, as `hop` would
//! give `hopping`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::irregular::{ADJECTIVES, DOUBLED, NOUNS, VERBS};
use super::wordnet::{Entry, Part, wordnet};

/// A form of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Base,
    Plural,
    /// `runs`.
    Third,
    Past,
    /// `run` in `has run`; where it is written like the past, readings say `Past`.
    Participle,
    Gerund,
    Comparative,
    Superlative,
}

/// What a word may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) lemma: String,
    pub(crate) part: Part,
    pub(crate) form: Form,
    pub(crate) entry: Entry,
}

fn vowel(b: u8) -> bool {
    matches!(b, b'a' | b'e' | b'i' | b'o' | b'u')
}

/// Number of vowel groups, `qu` counting as a consonant and a last `e` as nothing.
fn syllables(word: &str) -> usize {
    let bytes = word.as_bytes();
    let sounds = |i: usize| {
        (vowel(bytes[i]) || (bytes[i] == b'y' && i > 0))
            && !(bytes[i] == b'u' && i > 0 && bytes[i - 1] == b'q')
    };
    let groups = (0..bytes.len())
        .filter(|&i| sounds(i) && (i == 0 || !sounds(i - 1)))
        .count();
    let silent = bytes.len() > 2
        && word.ends_with('e')
        && !vowel(bytes[bytes.len() - 2])
        && !word.ends_with("le");
    groups
        .saturating_sub(usize::from(silent && groups > 1))
        .max(1)
}

/// Whether the last consonant is doubled before `-ed`, `-ing`, `-er`.
fn doubles(word: &str) -> bool {
    let bytes = word.as_bytes();
    let &[.., a, b, c] = bytes else {
        return DOUBLED.binary_search(&word).is_ok();
    };
    let closed = !vowel(c) && !matches!(c, b'w' | b'x' | b'y') && vowel(b);
    let short = !vowel(a) || (a == b'u' && bytes.len() > 3 && bytes[bytes.len() - 4] == b'q');
    closed && short && (syllables(word) == 1 || DOUBLED.binary_search(&word).is_ok())
}

fn ends(word: &str, list: &[&str]) -> bool {
    list.iter().any(|end| word.ends_with(end))
}

/// Whether the word ends in a consonant and `y`.
fn consonant_y(word: &str) -> bool {
    matches!(word.as_bytes(), [.., b, b'y'] if !vowel(*b))
}

fn with_s(word: &str) -> String {
    if ends(word, &["s", "x", "z", "ch", "sh"]) {
        format!("{word}es")
    } else if consonant_y(word) {
        format!("{}ies", &word[..word.len() - 1])
    } else {
        format!("{word}s")
    }
}

/// The stem with `e`, doubling and `y` seen to, and the ending; `ending` starts with a vowel.
fn join(word: &str, ending: &str) -> String {
    if let Some(stem) = word.strip_suffix('e') {
        format!("{stem}{ending}")
    } else if consonant_y(word) {
        format!("{}i{ending}", &word[..word.len() - 1])
    } else if doubles(word) {
        format!("{word}{}{ending}", &word[word.len() - 1..])
    } else if word.ends_with("ic") && ending == "ed" {
        format!("{word}k{ending}")
    } else {
        format!("{word}{ending}")
    }
}

fn gerund(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ie") {
        format!("{stem}ying")
    } else if ends(word, &["ee", "oe", "ye"])
        || word.len() <= 2
        || matches!(word, "singe" | "tinge")
    {
        format!("{word}ing")
    } else if let Some(stem) = word.strip_suffix('e') {
        format!("{stem}ing")
    } else if word.ends_with("ic") {
        format!("{word}king")
    } else if doubles(word) {
        format!("{word}{}ing", &word[word.len() - 1..])
    } else {
        format!("{word}ing")
    }
}

fn plural(word: &str) -> String {
    if let Ok(i) = NOUNS.binary_search_by(|row| row[0].cmp(word)) {
        return NOUNS[i][1].to_owned();
    }
    if let Some(stem) = word
        .strip_suffix("man")
        .filter(|stem| stem.len() > 2 && *stem != "hu" && *stem != "ger")
    {
        return format!("{stem}men");
    }
    match word.strip_suffix("sis").filter(|stem| stem.len() > 1) {
        Some(stem) => format!("{stem}ses"),
        None => with_s(word),
    }
}

/// The form of a lemma; `None` where the part of speech has no such form.
pub(crate) fn inflect(lemma: &str, part: Part, form: Form) -> Option<String> {
    if !lemma.is_ascii() || lemma.is_empty() {
        return None;
    }
    let verb = || {
        VERBS
            .binary_search_by(|row| row[0].cmp(lemma))
            .ok()
            .map(|i| &VERBS[i])
    };
    Some(match (part, form) {
        (_, Form::Base) => lemma.to_owned(),
        (Part::Noun, Form::Plural) => plural(lemma),
        (Part::Verb, Form::Third) => match lemma {
            "have" => "has".to_owned(),
            _ if matches!(lemma.as_bytes(), [.., b, b'o'] if !vowel(*b)) => format!("{lemma}es"),
            _ => with_s(lemma),
        },
        (Part::Verb, Form::Past) => {
            verb().map_or_else(|| join(lemma, "ed"), |row| row[1].to_owned())
        }
        (Part::Verb, Form::Participle) => {
            verb().map_or_else(|| join(lemma, "ed"), |row| row[2].to_owned())
        }
        (Part::Verb, Form::Gerund) => gerund(lemma),
        (Part::Adjective | Part::Adverb, Form::Comparative | Form::Superlative) => {
            let superlative = form == Form::Superlative;
            let row = ADJECTIVES.iter().find(|row| row[0] == lemma);
            let short = match syllables(lemma) {
                1 => true,
                2 => ends(lemma, &["y", "ow", "le"]) && !lemma.ends_with("ly"),
                _ => false,
            };
            match row {
                Some(row) => row[1 + usize::from(superlative)].to_owned(),
                None if short && superlative => join(lemma, "est"),
                None if short => join(lemma, "er"),
                None if superlative => format!("most {lemma}"),
                None => format!("more {lemma}"),
            }
        }
        _ => return None,
    })
}

/// An ending, what may have stood before it was put on, and what it may mean.
type Ending = (
    &'static str,
    &'static [&'static str],
    &'static [(Part, Form)],
);

type Irregular = HashMap<&'static str, Vec<(&'static str, Part, Form)>>;

/// The lemmas of irregular forms.
fn irregular() -> &'static Irregular {
    static FORMS: LazyLock<Irregular> = LazyLock::new(|| {
        let verbs = VERBS.iter().flat_map(|row| {
            let forms = [(row[1], Form::Past), (row[2], Form::Participle)];
            forms.map(|(form, kind)| (form, (row[0], Part::Verb, kind)))
        });
        let nouns = NOUNS
            .iter()
            .map(|row| (row[1], (row[0], Part::Noun, Form::Plural)));
        let adjectives = ADJECTIVES.iter().flat_map(|row| {
            let forms = [(row[1], Form::Comparative), (row[2], Form::Superlative)];
            forms.map(|(form, kind)| (form, (row[0], Part::Adjective, kind)))
        });
        let mut found = Irregular::new();
        for (form, reading) in verbs
            .chain(nouns)
            .chain(adjectives)
            .filter(|row| row.0 != row.1.0)
        {
            found.entry(form).or_default().push(reading);
        }
        found
    });
    &FORMS
}

/// What a lower-case word may be, by WordNet's lemmas; bases first.
pub(crate) fn readings(word: &str) -> Vec<Reading> {
    let index = wordnet();
    let mut found: Vec<Reading> = Vec::new();
    if let Some(number) = index.find(word) {
        found.extend(index.entries(number).iter().map(|&entry| Reading {
            lemma: word.to_owned(),
            part: entry.part,
            form: Form::Base,
            entry,
        }));
    }
    let mut consider = |lemma: &str, part: Part, form: Form| {
        let known = found.iter().any(|r| r.lemma == lemma && r.part == part);
        if lemma.len() < 2 || known {
            return;
        }
        let Some(&entry) = index.entry(lemma, part) else {
            return;
        };
        if inflect(lemma, part, form).as_deref() == Some(word) {
            found.push(Reading {
                lemma: lemma.to_owned(),
                part,
                form,
                entry,
            });
        }
    };
    for &(lemma, part, form) in irregular().get(word).map(Vec::as_slice).unwrap_or_default() {
        consider(lemma, part, form);
    }
    let endings: [Ending; 7] = [
        (
            "s",
            &["", "e"],
            &[(Part::Noun, Form::Plural), (Part::Verb, Form::Third)],
        ),
        (
            "es",
            &["", "is"],
            &[(Part::Noun, Form::Plural), (Part::Verb, Form::Third)],
        ),
        ("men", &["man"], &[(Part::Noun, Form::Plural)]),
        ("ed", &["", "e"], &[(Part::Verb, Form::Past)]),
        ("ing", &["", "e"], &[(Part::Verb, Form::Gerund)]),
        (
            "er",
            &["", "e"],
            &[
                (Part::Adjective, Form::Comparative),
                (Part::Adverb, Form::Comparative),
            ],
        ),
        (
            "est",
            &["", "e"],
            &[
                (Part::Adjective, Form::Superlative),
                (Part::Adverb, Form::Superlative),
            ],
        ),
    ];
    for (ending, restored, kinds) in endings {
        let Some(stem) = word
            .strip_suffix(ending)
            .filter(|stem| stem.len() > 1 && stem.is_ascii())
        else {
            continue;
        };
        let mut lemmas: Vec<String> = restored
            .iter()
            .map(|more| format!("{stem}{more}"))
            .collect();
        if let Some(short) = stem.strip_suffix('i') {
            lemmas.push(format!("{short}y"));
        }
        if let Some(short) = stem.strip_suffix('y').filter(|_| ending == "ing") {
            lemmas.push(format!("{short}ie"));
        }
        if let [.., a, b] = stem.as_bytes()
            && (a == b || (*a, *b) == (b'c', b'k'))
        {
            lemmas.push(stem[..stem.len() - 1].to_owned());
        }
        for lemma in &lemmas {
            for &(part, form) in kinds {
                consider(lemma, part, form);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (lemma, part, form, expected) in [
            ("city", Part::Noun, Form::Plural, "cities"),
            ("box", Part::Noun, Form::Plural, "boxes"),
            ("analysis", Part::Noun, Form::Plural, "analyses"),
            ("fireman", Part::Noun, Form::Plural, "firemen"),
            ("human", Part::Noun, Form::Plural, "humans"),
            ("photo", Part::Noun, Form::Plural, "photos"),
            ("child", Part::Noun, Form::Plural, "children"),
            ("go", Part::Verb, Form::Third, "goes"),
            ("try", Part::Verb, Form::Third, "tries"),
            ("run", Part::Verb, Form::Past, "ran"),
            ("run", Part::Verb, Form::Participle, "run"),
            ("run", Part::Verb, Form::Gerund, "running"),
            ("visit", Part::Verb, Form::Past, "visited"),
            ("refer", Part::Verb, Form::Past, "referred"),
            ("need", Part::Verb, Form::Past, "needed"),
            ("quit", Part::Verb, Form::Gerund, "quitting"),
            ("die", Part::Verb, Form::Gerund, "dying"),
            ("see", Part::Verb, Form::Gerund, "seeing"),
            ("panic", Part::Verb, Form::Past, "panicked"),
            ("fix", Part::Verb, Form::Gerund, "fixing"),
            ("play", Part::Verb, Form::Past, "played"),
            ("big", Part::Adjective, Form::Comparative, "bigger"),
            ("happy", Part::Adjective, Form::Superlative, "happiest"),
            (
                "careful",
                Part::Adjective,
                Form::Comparative,
                "more careful",
            ),
            ("large", Part::Adjective, Form::Superlative, "largest"),
            ("quickly", Part::Adverb, Form::Comparative, "more quickly"),
        ] {
            assert_eq!(
                inflect(lemma, part, form).as_deref(),
                Some(expected),
                "{lemma} {form:?}"
            );
        }
        assert_eq!(inflect("city", Part::Noun, Form::Past), None);
        assert_eq!(inflect("도시", Part::Noun, Form::Plural), None);
    }

    #[test]
    fn readings_are_written_again() {
        let read = |word: &str| -> Vec<(String, Part, Form)> {
            readings(word)
                .into_iter()
                .map(|r| (r.lemma, r.part, r.form))
                .collect()
        };
        let has = |word: &str, lemma: &str, part, form| {
            assert!(
                read(word).contains(&(lemma.to_owned(), part, form)),
                "{word}: {:?}",
                read(word)
            );
        };
        has("ran", "run", Part::Verb, Form::Past);
        has("hoping", "hope", Part::Verb, Form::Gerund);
        has("dying", "die", Part::Verb, Form::Gerund);
        has("cities", "city", Part::Noun, Form::Plural);
        has("analyses", "analysis", Part::Noun, Form::Plural);
        has("children", "child", Part::Noun, Form::Plural);
        has("biggest", "big", Part::Adjective, Form::Superlative);
        has("stopped", "stop", Part::Verb, Form::Past);
        has("tried", "try", Part::Verb, Form::Past);
        has("panicked", "panic", Part::Verb, Form::Past);
        assert!(!read("hoping").iter().any(|r| r.0 == "hop"));
        assert!(read("xyzzy").is_empty() && read("").is_empty() && read("é").is_empty());
    }

    /// The irregular tables are read back, every row.
    #[test]
    fn irregular_rows_are_sorted_and_in_wordnet() {
        assert!(VERBS.is_sorted() && NOUNS.is_sorted() && DOUBLED.is_sorted());
        for row in VERBS {
            assert!(wordnet().entry(row[0], Part::Verb).is_some(), "{row:?}");
        }
        for row in NOUNS {
            assert!(wordnet().entry(row[0], Part::Noun).is_some(), "{row:?}");
        }
    }
}
