//! What is known about English: function words, WordNet, inflection, parts of speech in context.

pub(crate) mod inflection;
mod irregular;
pub(crate) mod tagger;
pub(crate) mod wordnet;

/// Function words, in lower case: articles, pronouns, prepositions, conjunctions, auxiliaries.
pub(crate) const STOPWORDS: [&str; 141] = [
    "a", "about", "above", "after", "again", "against", "ain't", "all", "am", "an", "and", "any",
    "are", "aren't", "as", "at", "be", "because", "been", "before", "being", "below", "between",
    "both", "but", "by", "can", "can't", "cannot", "could", "couldn't", "did", "didn't", "do",
    "does", "doesn't", "doing", "don't", "down", "during", "each", "few", "for", "from", "had",
    "hadn't", "has", "hasn't", "have", "haven't", "having", "he", "her", "here", "hers", "herself",
    "him", "himself", "his", "how", "i", "i'm", "if", "in", "into", "is", "isn't", "it", "it's",
    "its", "itself", "just", "me", "might", "more", "most", "must", "my", "myself", "no", "nor",
    "not", "now", "of", "off", "on", "once", "only", "or", "other", "our", "ours", "out", "over",
    "own", "same", "shall", "she", "should", "so", "some", "such", "than", "that", "the", "their",
    "theirs", "them", "then", "there", "these", "they", "this", "those", "through", "to", "too",
    "under", "until", "up", "us", "very", "was", "we", "were", "what", "when", "where", "which",
    "while", "who", "whom", "whose", "why", "will", "with", "won't", "would", "you", "your",
    "yours",
];

/// Whether a lower-case word is a function word.
pub(crate) fn is_function_word(word: &str) -> bool {
    STOPWORDS.binary_search(&word).is_ok()
}

/// `word` in the case of `model`: all upper, first letter upper, or as it is.
pub(crate) fn in_case_of(model: &str, word: &str) -> String {
    let mut letters = model.chars().filter(|c| c.is_alphabetic());
    let Some(first) = letters.next().filter(|c| c.is_uppercase()) else {
        return word.to_owned();
    };
    let mut more = letters.peekable();
    if more.peek().is_some() && more.all(char::is_uppercase) && !first.is_lowercase() {
        return word.to_uppercase();
    }
    let mut chars = word.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

/// Whether a word takes `an`: by its letters, with the usual exceptions.
pub(crate) fn takes_an(word: &str) -> bool {
    let word = word.to_lowercase();
    let starts = |list: &[&str]| list.iter().any(|start| word.starts_with(start));
    if starts(&["hour", "honest", "honor", "honour", "heir"]) {
        return true;
    }
    if starts(&[
        "uni", "use", "usu", "uti", "eu", "ewe", "one", "once", "ubiq", "ura",
    ]) && !starts(&["unin", "unim"])
    {
        return false;
    }
    word.starts_with(['a', 'e', 'i', 'o', 'u'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_words_are_sorted() {
        assert!(STOPWORDS.is_sorted());
        assert!(is_function_word("the") && !is_function_word("jar"));
    }

    #[test]
    fn case_follows_the_model() {
        for (model, word, expected) in [
            ("Ran", "sprint", "Sprint"),
            ("RAN", "sprint", "SPRINT"),
            ("ran", "sprint", "sprint"),
            ("I", "one", "One"),
            ("iPhone", "phone", "phone"),
            ("", "x", "x"),
        ] {
            assert_eq!(in_case_of(model, word), expected);
        }
    }

    #[test]
    fn articles() {
        for word in ["apple", "hour", "uninteresting", "umbrella", "Elephant"] {
            assert!(takes_an(word), "{word}");
        }
        for word in ["car", "unicorn", "user", "European", "house", "one"] {
            assert!(!takes_an(word), "{word}");
        }
    }
}
