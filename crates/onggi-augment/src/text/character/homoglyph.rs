//! Homoglyphs: characters of other scripts that look the same, as spammers write them.

use super::put;
use crate::text::draw::below;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces Latin letters by Cyrillic, Greek and full-width ones of the same look.
    chars(min_char = 1) Homoglyph = "homoglyph" {
        /// Whether full-width forms (`ａ`) are among them; false.
        full_width: bool = false,
    }
}

/// Letters and their doubles: Cyrillic, Greek and Armenian.
const DOUBLES: [(char, &str); 38] = [
    ('A', "АΑ"),
    ('B', "ВΒ"),
    ('C', "С"),
    ('E', "ЕΕ"),
    ('H', "НΗ"),
    ('I', "ІΙ"),
    ('J', "Ј"),
    ('K', "КΚ"),
    ('M', "МΜ"),
    ('N', "Ν"),
    ('O', "ОΟ"),
    ('P', "РΡ"),
    ('S', "Ѕ"),
    ('T', "ТΤ"),
    ('X', "ХΧ"),
    ('Y', "ҮΥ"),
    ('Z', "Ζ"),
    ('a', "а"),
    ('c', "с"),
    ('d', "ԁ"),
    ('e', "е"),
    ('g', "ց"),
    ('h', "һ"),
    ('i', "і"),
    ('j', "ј"),
    ('k', "к"),
    ('l', "ӏ"),
    ('n', "ո"),
    ('o', "оο"),
    ('p', "рρ"),
    ('q', "ԛ"),
    ('s', "ѕ"),
    ('u', "υ"),
    ('v', "ν"),
    ('w', "ԝ"),
    ('x', "х"),
    ('y', "у"),
    ('z', "ᴢ"),
];

fn doubles(c: char) -> &'static str {
    let row = DOUBLES.binary_search_by_key(&c, |row| row.0);
    row.map_or("", |i| DOUBLES[i].1)
}

impl TextAugmenter for Homoglyph {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let wide = |c: char| self.full_width && c.is_ascii_alphanumeric();
        self.chars().each(
            doc,
            rng,
            |word, i| {
                word.single(i)
                    .is_some_and(|c| wide(c) || !doubles(c).is_empty())
            },
            |word, i, rng| {
                let Some(c) = word.single(i) else {
                    return;
                };
                let list = doubles(c);
                let n = list.chars().count();
                let drawn = below(rng, n + usize::from(wide(c)));
                let full = || char::from_u32(c as u32 + 0xFEE0);
                if let Some(double) = list.chars().nth(drawn).or_else(full) {
                    put(edits, word.span(i), double);
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::changed;

    #[test]
    fn table_is_sorted_and_not_latin() {
        assert!(DOUBLES.is_sorted_by_key(|row| row.0));
        assert!(
            DOUBLES
                .iter()
                .all(|row| row.1.chars().all(|c| !c.is_ascii()))
        );
    }

    #[test]
    fn looks_the_same_and_is_not() {
        let seen = changed(&Homoglyph::default(), "coax", 30);
        assert!(!seen.is_empty());
        for (_, to) in seen {
            assert_eq!(to.chars().count(), 4);
        }
        let wide = Homoglyph {
            full_width: true,
            ..Homoglyph::default()
        };
        assert!(
            changed(&wide, "mmm", 30)
                .iter()
                .all(|(_, to)| to.contains('ｍ'))
        );
    }
}
