//! Misspellings: from a list of the user's, or by rule.

use std::collections::HashMap;
use std::sync::Arc;

use super::misspelling::misspell;
use super::{Loaded, agree, lines};
use crate::text::draw::one;
use crate::text::english::in_case_of;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, Resources, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces words by misspellings of them.
    ///
    /// Without a file the misspellings are made by rule, for English: words that sound alike, `ie` and
    /// `ei`, single and double letters, silent letters, endings, letters in the wrong order, letters
    /// left out, neighbouring keys.
    ///
    /// # Differences from nlpaug
    /// No list is shipped; one can be given.
    words(min_char = 1) Spelling = "spelling" {
        /// A list of misspellings: lines of nlpaug (`right wrong wrong`) or of codespell
        /// (`wrong->right, right`), at most 64 MiB; empty for the rules.
        dict_path: String = String::new(),
        /// Read by the pipeline.
        #[serde(skip)]
        dict: Loaded<HashMap<String, Vec<String>>> = Loaded::default(),
    }
}

const MOST: u64 = 64 << 20;

fn read(path: &str) -> Result<HashMap<String, Vec<String>>, AugmentError> {
    let mut dict: HashMap<String, Vec<String>> = HashMap::new();
    lines(path, MOST, |line| {
        let line = line.trim();
        if let Some((wrong, right)) = line.split_once("->") {
            for right in right
                .split(',')
                .map(str::trim)
                .filter(|right| !right.is_empty())
            {
                dict.entry(right.to_lowercase())
                    .or_default()
                    .push(wrong.trim().to_owned());
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            let mut words = line.split_whitespace();
            let right = words.next().unwrap_or_default();
            let wrong: Vec<String> = words.map(str::to_owned).collect();
            if wrong.is_empty() {
                return Err("a line is `right wrong …` or `wrong->right`, got one word".to_owned());
            }
            dict.entry(right.to_lowercase()).or_default().extend(wrong);
        }
        Ok(())
    })?;
    Ok(dict)
}

impl TextAugmenter for Spelling {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let mut wrong = String::new();
        self.words().each(doc, rng, |place, rng| {
            let token = doc.tokens()[place];
            let word = doc.slice(&token);
            let lowered;
            let small = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
            let lower = if word.bytes().all(small) {
                word
            } else {
                lowered = word.to_lowercase();
                &lowered
            };
            wrong.clear();
            let found = match &self.dict.0 {
                Some(dict) => {
                    let list = dict.get(lower).map(Vec::as_slice).unwrap_or_default();
                    wrong.extend(one(rng, list).map(String::as_str));
                    !wrong.is_empty() && wrong != lower
                }
                None => misspell(lower, rng, &mut wrong),
            };
            if !found {
                return false;
            }
            if self.dict.0.is_some() {
                agree(doc, place, &wrong, edits);
            }
            if word == lower {
                edits.replace(token.span(), &wrong);
            } else {
                edits.replace(token.span(), &in_case_of(word, &wrong));
            }
            true
        });
        Ok(())
    }

    fn load(&mut self, _: &Resources) -> Result<(), AugmentError> {
        if !self.dict_path.is_empty() {
            self.dict = Loaded(Some(Arc::new(read(&self.dict_path)?)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{changed, step};

    #[test]
    fn rules_keep_the_case() {
        for (_, to) in changed(&Spelling::default(), "Receive", 50) {
            assert!(to.starts_with(char::is_uppercase), "{to}");
        }
        assert!(changed(&Spelling::default(), "옹기", 10).is_empty());
    }

    #[test]
    fn both_kinds_of_lists_are_read() {
        let folder = std::env::temp_dir().join(format!("onggi-spelling-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("list.txt").to_str().unwrap().to_owned();
        std::fs::write(
            &path,
            "# list\nreceive recieve receeve\nwich->which, witch\n",
        )
        .unwrap();
        let mut spelling = Spelling {
            dict_path: path.clone(),
            ..Spelling::default()
        };
        spelling.load(&Resources::default()).unwrap();
        assert_eq!(step(&spelling, "Which", 0), "Wich");
        assert!(["recieve", "receeve"].contains(&step(&spelling, "receive", 0).as_str()));
        assert_eq!(step(&spelling, "pottery", 0), "pottery");
        std::fs::write(&path, "alone\n").unwrap();
        let refusal = spelling
            .load(&Resources::default())
            .unwrap_err()
            .to_string();
        assert!(refusal.contains("line 1"), "{refusal}");
        std::fs::remove_dir_all(folder).unwrap();
        assert!(spelling.load(&Resources::default()).is_err());
    }
}
