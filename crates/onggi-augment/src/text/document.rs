//! A text cut into tokens that know where they stand.
//!
//! Words end where Unicode Standard Annex 29 ends them (`don't` is one word, `well-known` three
//! tokens); a Korean eojeol is one word. ASCII and Hangul syllables go through a table; a text with
//! anything else goes through `unicode-segmentation`. Both give the same cuts.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Mark,
    Protected,
}

/// A word, a mark or a protected span: bytes `start..end` of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    kind: Kind,
}

impl Token {
    /// Whether it holds a letter or digit and may be changed.
    pub fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }

    /// Whether it may not be changed.
    pub fn is_protected(&self) -> bool {
        self.kind == Kind::Protected
    }

    /// Its bytes.
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A text and its tokens; white space lies between them.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    ascii: bool,
}

impl<'a> Document<'a> {
    /// Cuts `text` into tokens; a span of `protected` (sorted, not overlapping) is one token.
    pub fn new(text: &'a str, protected: &[Range<usize>]) -> Self {
        let mut doc = Self {
            text,
            tokens: Vec::with_capacity(text.len() / 4 + 2),
            ascii: text.is_ascii(),
        };
        let mut at = 0;
        for span in protected {
            if span.start < at || text.get(span.clone()).is_none() {
                continue;
            }
            doc.cut(at, span.start);
            doc.tokens.push(Token {
                start: span.start,
                end: span.end,
                kind: Kind::Protected,
            });
            at = span.end;
        }
        doc.cut(at, text.len());
        doc
    }

    /// The whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The tokens, first to last.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The text of a token.
    pub fn slice(&self, token: &Token) -> &'a str {
        &self.text[token.start..token.end]
    }

    pub(crate) fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// The places of the words in [`tokens`](Self::tokens).
    pub(crate) fn words(&self) -> impl Iterator<Item = usize> {
        let tokens = self.tokens.iter().enumerate();
        tokens.filter(|(_, token)| token.is_word()).map(|(i, _)| i)
    }

    /// The borders of the characters (grapheme clusters) of a word, 0 and its length included; `room` is for
    /// those that are not known beforehand.
    pub(crate) fn borders<'r>(&self, word: &Token, room: &'r mut Vec<usize>) -> &'r [usize] {
        let text = self.slice(word);
        // In a word no line feed follows a carriage return: each ASCII character is one of its own.
        let known = ASCII_BORDERS.get(..=text.len());
        match known.filter(|_| self.ascii || text.is_ascii()) {
            Some(known) => known,
            None => {
                room.clear();
                room.extend(text.grapheme_indices(true).map(|(at, _)| at));
                room.push(text.len());
                room
            }
        }
    }

    fn cut(&mut self, from: usize, to: usize) {
        let text = &self.text[from..to];
        let first = self.tokens.len();
        if !self.cut_simple(from, to) {
            self.tokens.truncate(first);
            let pieces = text.split_word_bound_indices();
            self.tokens.extend(pieces.filter_map(|(at, piece)| {
                let kind = if piece.chars().any(char::is_alphanumeric) {
                    Kind::Word
                } else if piece.chars().all(char::is_whitespace) {
                    return None;
                } else {
                    Kind::Mark
                };
                Some(Token {
                    start: from + at,
                    end: from + at + piece.len(),
                    kind,
                })
            }));
        }
    }

    /// The rules of the annex for ASCII and Hangul syllables; false where another character stands.
    fn cut_simple(&mut self, from: usize, to: usize) -> bool {
        let bytes = &self.text.as_bytes()[from..to];
        let class = |at: usize| bytes.get(at).map_or(SPACE, |&b| CLASS[usize::from(b)]);
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            match class(at) {
                SPACE => {
                    at += 1;
                    continue;
                }
                HANGUL | OTHER => {
                    if !hangul(bytes, at) {
                        return false;
                    }
                }
                LETTER | DIGIT | JOIN => {}
                _ => {
                    at += 1;
                    self.tokens.push(Token {
                        start: from + start,
                        end: from + at,
                        kind: Kind::Mark,
                    });
                    continue;
                }
            }
            let mut word = false;
            // The class of the last letter, digit or joiner.
            let mut last = SPACE;
            loop {
                let run = letters(&bytes[at..]);
                if run > 0 {
                    (word, last) = (true, LETTER);
                    at += run;
                }
                match class(at) {
                    kind @ (DIGIT | JOIN) => {
                        word |= kind != JOIN;
                        last = kind;
                        at += 1;
                    }
                    HANGUL | OTHER => {
                        if !hangul(bytes, at) {
                            return false;
                        }
                        (word, last) = (true, LETTER);
                        while hangul(bytes, at) {
                            at += 3;
                        }
                    }
                    kind @ (APOSTROPHE | MID_LETTER | MID_NUMBER) => {
                        let next = match class(at + 1) {
                            HANGUL => LETTER,
                            OTHER => return false,
                            next => next,
                        };
                        let joins = (last == LETTER && next == LETTER && kind != MID_NUMBER)
                            || (last == DIGIT && next == DIGIT && kind != MID_LETTER);
                        if !joins {
                            break;
                        }
                        at += 1;
                    }
                    _ => break,
                }
            }
            self.tokens.push(Token {
                start: from + start,
                end: from + at,
                kind: if word { Kind::Word } else { Kind::Mark },
            });
        }
        true
    }
}

/// How many ASCII letters `bytes` begins with, eight bytes at a time.
fn letters(bytes: &[u8]) -> usize {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let mut at = 0;
    while let Some(&eight) = bytes[at..].first_chunk() {
        let eight = u64::from_le_bytes(eight);
        let lower = (eight | each(0x20)) & each(0x7F);
        // The top bit of a byte, by sums that do not reach the next byte.
        let from_a = lower + each(0x80 - b'a');
        let past_z = lower + each(0x7F - b'z');
        let others = (past_z | !from_a | eight) & each(0x80);
        if others != 0 {
            return at + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes[at..].iter();
    at + rest.take_while(|byte| byte.is_ascii_alphabetic()).count()
}

/// Whether a Hangul syllable (U+AC00 to U+D7A3, three bytes) stands at `at`.
fn hangul(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at..at + 3) {
        Some(&[a, b, c]) => {
            let code =
                (u32::from(a & 0x0F) << 12) | (u32::from(b & 0x3F) << 6) | u32::from(c & 0x3F);
            (0xAC00..=0xD7A3).contains(&code) && (0xEA..=0xED).contains(&a)
        }
        _ => false,
    }
}

const SPACE: u8 = 0;
const MARK: u8 = 1;
const LETTER: u8 = 2;
const DIGIT: u8 = 3;
/// `_`, which joins words and numbers.
const JOIN: u8 = 4;
/// `'` and `.`, which stand inside words and numbers.
const APOSTROPHE: u8 = 5;
/// `:`, inside words.
const MID_LETTER: u8 = 6;
/// `,` and `;`, inside numbers.
const MID_NUMBER: u8 = 7;
/// The first byte of what may be a Hangul syllable.
const HANGUL: u8 = 8;
const OTHER: u8 = 9;

const CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut b = 0;
    while b < 128 {
        table[b] = match b as u8 {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C => SPACE,
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b'_' => JOIN,
            b'\'' | b'.' => APOSTROPHE,
            b':' => MID_LETTER,
            b',' | b';' => MID_NUMBER,
            _ => MARK,
        };
        b += 1;
    }
    let mut b = 0xEA;
    while b <= 0xED {
        table[b] = HANGUL;
        b += 1;
    }
    table
};

/// The borders of the characters of an ASCII word that is not very long.
static ASCII_BORDERS: [usize; 64] = {
    let mut borders = [0; 64];
    let mut at = 0;
    while at < borders.len() {
        borders[at] = at;
        at += 1;
    }
    borders
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut<'a>(text: &'a str, protected: &[Range<usize>]) -> Vec<&'a str> {
        let doc = Document::new(text, protected);
        doc.tokens()
            .iter()
            .map(|token| &text[token.span()])
            .collect()
    }

    #[test]
    fn words_marks_and_protected_spans() {
        assert_eq!(
            cut("I don't know: well-known, 3.14!", &[]),
            [
                "I", "don't", "know", ":", "well", "-", "known", ",", "3.14", "!"
            ]
        );
        assert_eq!(
            cut("나는 밥을 먹었다.", &[]),
            ["나는", "밥을", "먹었다", "."]
        );
        assert_eq!(
            cut("a b c@d.e f", std::slice::from_ref(&(4..9))),
            ["a", "b", "c@d.e", "f"]
        );
        assert_eq!(cut("Ünï 👨‍👩‍👧 e\u{301}t", &[]), ["Ünï", "👨‍👩‍👧", "e\u{301}t"]);
        assert!(Document::new("👨‍👩‍👧 !", &[]).words().next().is_none());
    }

    /// The cuts of the annex, from the crate that follows it.
    fn annex(text: &str) -> Vec<&str> {
        text.split_word_bounds()
            .filter(|piece| !piece.chars().all(char::is_whitespace))
            .collect()
    }

    proptest! {
        #[test]
        fn table_agrees_with_the_annex(text in "[a-c1-3가각힣_'.:,;! \n\r\t-]{0,24}") {
            prop_assert_eq!(cut(&text, &[]), annex(&text));
        }

        #[test]
        fn any_text_agrees_with_the_annex(text in any::<String>()) {
            prop_assert_eq!(cut(&text, &[]), annex(&text));
        }

        #[test]
        fn tokens_are_in_order_and_whole(text in "\\PC{0,24}") {
            let doc = Document::new(&text, &[]);
            let mut at = 0;
            for token in doc.tokens() {
                prop_assert!(token.start >= at && token.end > token.start);
                prop_assert!(text[at..token.start].chars().all(char::is_whitespace));
                at = token.end;
            }
            prop_assert!(text[at..].chars().all(char::is_whitespace));
        }
    }
}
