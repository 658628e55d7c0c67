//! Augmenters of the characters inside words.
//!
//! A character is a grapheme cluster: an accent stays on its letter, an emoji stays whole.

mod homoglyph;
mod keyboard;
mod layout;
mod letter_case;
mod number_noise;
mod ocr;
mod random_char;
mod whitespace;
mod zero_width;

pub use homoglyph::Homoglyph;
pub use keyboard::Keyboard;
pub use layout::Layout;
pub use letter_case::{CaseAction, LetterCase};
pub use number_noise::NumberNoise;
pub use ocr::Ocr;
pub use random_char::{CharAction, RandomChar, SwapMode};
pub use whitespace::{Whitespace, WhitespaceAction};
pub use zero_width::ZeroWidth;

use super::draw::Picker;
use super::settings::{Chars, count};
use super::{Document, Edits};
use crate::Draw;

/// A chosen word: its text, its first byte in the document, the borders of its characters.
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
    pub(crate) borders: &'a [usize],
}

impl Word<'_> {
    /// Number of characters.
    pub(crate) fn len(&self) -> usize {
        self.borders.len() - 1
    }

    pub(crate) fn char(&self, i: usize) -> &str {
        &self.text[self.borders[i]..self.borders[i + 1]]
    }

    /// The first `char` of character `i`.
    #[inline]
    pub(crate) fn first(&self, i: usize) -> Option<char> {
        match self.ascii() {
            Some(bytes) => Some(char::from(bytes[i])),
            None => self.char(i).chars().next(),
        }
    }

    /// The only `char` of character `i`, where it is one.
    #[inline]
    pub(crate) fn single(&self, i: usize) -> Option<char> {
        match self.ascii() {
            Some(bytes) => Some(char::from(bytes[i])),
            None => single(self.char(i)),
        }
    }

    /// The characters, where each is one byte.
    fn ascii(&self) -> Option<&[u8]> {
        let bytes = self.text.as_bytes();
        (bytes.len() == self.len()).then_some(bytes)
    }

    /// The span of character `i` in the document.
    pub(crate) fn span(&self, i: usize) -> std::ops::Range<usize> {
        self.start + self.borders[i]..self.start + self.borders[i + 1]
    }
}

impl Chars<'_> {
    /// Draws words, and in each of them characters for which `fits`, and has each changed.
    ///
    /// A word without a fitting character does not count; another is drawn.
    pub(crate) fn each(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        mut fits: impl FnMut(&Word<'_>, usize) -> bool,
        mut change: impl FnMut(&Word<'_>, usize, &mut Draw),
    ) {
        let (mut picker, wanted) = self.words.choose(doc);
        let mut room = Vec::new();
        let mut places = Picker::new(Vec::with_capacity(32));
        let mut done = 0;
        while done < wanted {
            let Some(token) = picker.next(rng).map(|i| &doc.tokens()[i]) else {
                return;
            };
            let word = Word {
                text: doc.slice(token),
                start: token.start,
                borders: doc.borders(token, &mut room),
            };
            places.refill((0..word.len()).filter(|&i| fits(&word, i)));
            let chosen = count(word.len(), self.p, self.min, self.max).min(places.len());
            for _ in 0..chosen {
                if let Some(i) = places.next(rng) {
                    change(&word, i, rng);
                }
            }
            done += usize::from(chosen > 0);
            if self.p == 0.0 && self.min == 0 {
                return;
            }
        }
    }
}

/// The only `char` of a character, where it is one.
pub(crate) fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// `c` in lower case, the first `char` where that is several.
pub(crate) fn lower(c: char) -> char {
    if c.is_ascii() {
        c.to_ascii_lowercase()
    } else {
        c.to_lowercase().next().unwrap_or(c)
    }
}

/// `to` in upper case where `from` is upper case.
pub(crate) fn like(from: char, to: char) -> char {
    if from.is_uppercase() {
        if to.is_ascii() {
            return to.to_ascii_uppercase();
        }
        let mut upper = to.to_uppercase();
        upper
            .next()
            .filter(|_| upper.next().is_none())
            .unwrap_or(to)
    } else {
        to
    }
}

/// Replaces the span by one `char`.
pub(crate) fn put(edits: &mut Edits, span: std::ops::Range<usize>, c: char) {
    edits.build(span, |text| text.push(c));
}
