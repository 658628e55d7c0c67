//! Where sentences end: the rules of Unicode Standard Annex 29, and what they do not know.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// What a full stop does not end a sentence after, in lower case.
const ABBREVIATIONS: &[&str] = &[
    "approx", "apr", "aug", "ave", "capt", "cf", "co", "col", "corp", "dec", "dept", "dr", "e.g",
    "ed", "eds", "est", "etc", "feb", "fig", "figs", "gen", "gov", "hon", "i.e", "inc", "jan",
    "jr", "lt", "ltd", "maj", "mr", "mrs", "ms", "mt", "no", "nos", "nov", "oct", "p", "pp",
    "prof", "rep", "rev", "sec", "sen", "sep", "sept", "sgt", "sr", "st", "vol", "vs",
];

/// The sentences of a text, without the white space between them.
///
/// # Example
/// ```
/// use onggi_augment::text::sentences;
///
/// let text = "Dr. Kim fired 3.5 kg. It held! 좋다. 그렇다.";
/// let found: Vec<&str> = sentences(text).into_iter().map(|span| &text[span]).collect();
/// assert_eq!(found, ["Dr. Kim fired 3.5 kg.", "It held!", "좋다.", "그렇다."]);
/// ```
///
/// # Reference
/// Unicode Standard Annex 29, sentence boundaries; abbreviations and initials do not end a sentence.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    // Whether the last piece ended in an abbreviation, and the next belongs to it.
    let mut open = false;
    // Whether the last piece ended its line.
    let mut broken = false;
    for (start, piece) in text.split_sentence_bound_indices() {
        let body = piece.trim();
        if body.is_empty() {
            continue;
        }
        let from = start + (piece.len() - piece.trim_start().len());
        let to = from + body.len();
        // `"Yes!" he said.` goes on after the quotation.
        let quoted = found
            .last()
            .is_some_and(|last| text[..last.end].ends_with(['"', '\'', '”', '’', '»']));
        let goes_on = open || (quoted && !broken && body.starts_with(char::is_lowercase));
        match found.last_mut().filter(|_| goes_on) {
            Some(last) => last.end = to,
            None => found.push(from..to),
        }
        let line_end = piece.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        open = !line_end && abbreviated(body);
        broken = line_end;
    }
    found
}

/// Whether a sentence seems to end in an abbreviation or an initial.
fn abbreviated(body: &str) -> bool {
    let Some(body) = body.strip_suffix('.') else {
        return false;
    };
    let word = body
        .rsplit(|c: char| !(c.is_alphanumeric() || c == '.'))
        .next()
        .unwrap_or_default();
    let mut chars = word.chars();
    let initial = chars
        .next()
        .is_some_and(|c| c.is_ascii_uppercase() && c != 'I')
        && chars.next().is_none();
    initial || (!word.is_empty() && ABBREVIATIONS.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text)
            .into_iter()
            .map(|span| &text[span])
            .collect()
    }

    #[test]
    fn abbreviations_initials_and_lines() {
        assert_eq!(
            cut("J. S. Bach lived. He died."),
            ["J. S. Bach lived.", "He died."]
        );
        assert_eq!(cut("It was I. He knew."), ["It was I.", "He knew."]);
        assert_eq!(cut("one\ntwo"), ["one", "two"]);
        assert_eq!(
            cut("See e.g. Kim. \"Yes!\" he said."),
            ["See e.g. Kim.", "\"Yes!\" he said."]
        );
        assert_eq!(cut("나는 갔다. 그는 왔다?"), ["나는 갔다.", "그는 왔다?"]);
        assert!(cut(" \n ").is_empty());
        assert!(ABBREVIATIONS.is_sorted());
    }

    proptest! {
        #[test]
        fn nothing_but_white_space_is_left_out(text in "\\PC{0,40}") {
            let mut at = 0;
            for span in sentences(&text) {
                prop_assert!(text[at..span.start].trim().is_empty());
                prop_assert!(span.end > span.start);
                at = span.end;
            }
            prop_assert!(text[at..].trim().is_empty());
        }
    }
}
