//! Lists that settings hold: stop words, patterns, phrases.

use std::collections::HashSet;
use std::ops::Range;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::english::STOPWORDS;
use crate::AugmentError;

/// Words that are left alone, whatever their case: a list, or the name of one (`"english"`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StopwordsSetting", into = "StopwordsSetting")]
pub struct Stopwords {
    setting: StopwordsSetting,
    words: HashSet<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum StopwordsSetting {
    Named(String),
    List(Vec<String>),
}

impl Default for StopwordsSetting {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Stopwords {
    /// The words given.
    pub fn new<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        let list: Vec<String> = words.into_iter().map(Into::into).collect();
        Self {
            words: list.iter().map(|word| word.to_lowercase()).collect(),
            setting: StopwordsSetting::List(list),
        }
    }

    /// The function words of English.
    pub fn english() -> Self {
        Self {
            words: STOPWORDS.iter().map(|&word| word.to_owned()).collect(),
            setting: StopwordsSetting::Named("english".to_owned()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(crate) fn contains(&self, word: &str) -> bool {
        !self.words.is_empty()
            && (self.words.contains(word) || self.words.contains(&word.to_lowercase()))
    }
}

impl TryFrom<StopwordsSetting> for Stopwords {
    type Error = AugmentError;
    fn try_from(setting: StopwordsSetting) -> Result<Self, AugmentError> {
        match setting {
            StopwordsSetting::List(list) => Ok(Self::new(list)),
            StopwordsSetting::Named(name) if name == "english" => Ok(Self::english()),
            StopwordsSetting::Named(name) => Err(AugmentError::UnknownName {
                what: "list of stop words",
                nearest: "english".to_owned(),
                got: name,
            }),
        }
    }
}

impl From<Stopwords> for StopwordsSetting {
    fn from(stopwords: Stopwords) -> Self {
        stopwords.setting
    }
}

/// Regular expressions, compiled once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Patterns {
    list: Vec<Regex>,
}

impl Patterns {
    /// Compiles the expressions.
    ///
    /// # Errors
    /// [`AugmentError::Pattern`] for one that does not compile or compiles to more than 1 MiB.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, AugmentError> {
        let list = patterns
            .iter()
            .map(|pattern| compile(pattern.as_ref(), false));
        Ok(Self {
            list: list.collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether any of them is found in `text`.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.list.iter().any(|regex| regex.is_match(text))
    }

    /// Adds every place that is found, the empty ones left out.
    pub(crate) fn find(&self, text: &str, spans: &mut Vec<Range<usize>>) {
        for regex in &self.list {
            let found = regex.find_iter(text).map(|found| found.range());
            spans.extend(found.filter(|span| !span.is_empty()));
        }
    }
}

fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, AugmentError> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| AugmentError::Pattern {
            pattern: pattern.to_owned(),
            reason: error.to_string(),
        })
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        let text = |patterns: &Self| -> Vec<String> { patterns.clone().into() };
        text(self) == text(other)
    }
}

impl TryFrom<Vec<String>> for Patterns {
    type Error = AugmentError;
    fn try_from(patterns: Vec<String>) -> Result<Self, AugmentError> {
        Self::new(&patterns)
    }
}

impl From<Patterns> for Vec<String> {
    fn from(patterns: Patterns) -> Self {
        let list = patterns.list.iter();
        list.map(|regex| regex.as_str().to_owned()).collect()
    }
}

/// Words and phrases, found whatever their case and not inside a longer Latin word; Hangul particles
/// may follow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Phrases {
    list: Vec<String>,
    regex: Option<Regex>,
}

impl Phrases {
    /// Compiles the phrases; empty ones are left out.
    ///
    /// # Errors
    /// [`AugmentError::Pattern`] where they are too many to compile (1 MiB).
    pub fn new(list: Vec<String>) -> Result<Self, AugmentError> {
        let mut bodies: Vec<&str> = list.iter().map(String::as_str).collect();
        bodies.retain(|phrase| !phrase.trim().is_empty());
        // The first alternative wins: the longest goes first.
        bodies.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        let border = |c: Option<char>| match c {
            Some(c) if c.is_ascii_alphanumeric() => r"(?-u:\b)",
            _ => "",
        };
        let bodies: Vec<String> = bodies
            .iter()
            .map(|phrase| {
                let (first, last) = (phrase.chars().next(), phrase.chars().next_back());
                format!("{}{}{}", border(first), regex::escape(phrase), border(last))
            })
            .collect();
        let regex = match bodies.is_empty() {
            true => None,
            false => Some(compile(&bodies.join("|"), true)?),
        };
        Ok(Self { list, regex })
    }

    /// The phrases as given.
    pub fn list(&self) -> &[String] {
        &self.list
    }

    pub(crate) fn find(&self, text: &str, spans: &mut Vec<Range<usize>>) {
        if let Some(regex) = &self.regex {
            spans.extend(regex.find_iter(text).map(|found| found.range()));
        }
    }
}

impl PartialEq for Phrases {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl TryFrom<Vec<String>> for Phrases {
    type Error = AugmentError;
    fn try_from(list: Vec<String>) -> Result<Self, AugmentError> {
        Self::new(list)
    }
}

impl From<Phrases> for Vec<String> {
    fn from(phrases: Phrases) -> Self {
        phrases.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopwords_by_name_and_by_list() {
        let named: Stopwords = serde_json::from_str("\"english\"").unwrap();
        assert!(named.contains("The") && !named.contains("pottery"));
        assert_eq!(serde_json::to_string(&named).unwrap(), "\"english\"");
        let list: Stopwords = serde_json::from_str(r#"["Kim"]"#).unwrap();
        assert!(list.contains("kim") && list.contains("KIM"));
        assert_eq!(serde_json::to_string(&list).unwrap(), r#"["Kim"]"#);
        let refusal = serde_json::from_str::<Stopwords>("\"englsh\"").unwrap_err();
        assert!(refusal.to_string().contains("`english`"), "{refusal}");
    }

    #[test]
    fn bad_pattern_is_refused() {
        let refusal = serde_json::from_str::<Patterns>(r#"["(a"]"#).unwrap_err();
        assert!(refusal.to_string().contains("`(a`"), "{refusal}");
    }
}
