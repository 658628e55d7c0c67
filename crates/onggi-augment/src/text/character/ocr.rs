//! Errors of optical character recognition: shapes that scan alike.

use std::collections::BTreeMap;

use super::Word;
use crate::text::draw::one;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces characters by ones that scan alike: `0` and `O`, `1` and `l`, `rn` and `m`.
    ///
    /// # Differences from nlpaug
    /// Pairs of characters (`rn`, `cl`, `vv`) are known as well as single ones.
    chars(min_char = 1) Ocr = "ocr" {
        /// Characters and what may take their place, before those known.
        confusions: BTreeMap<String, Vec<String>> = BTreeMap::new(),
    }
}

/// What each ASCII character is taken for.
const SINGLE: [&[&str]; 128] = {
    let mut table: [&[&str]; 128] = [&[]; 128];
    table[b'0' as usize] = &["O", "o", "D", "Q"];
    table[b'1' as usize] = &["l", "I", "i", "!"];
    table[b'2' as usize] = &["Z", "z"];
    table[b'3' as usize] = &["E", "8", "B"];
    table[b'4' as usize] = &["A", "9"];
    table[b'5' as usize] = &["S", "s", "6"];
    table[b'6' as usize] = &["b", "G", "8"];
    table[b'7' as usize] = &["1", "T", "?"];
    table[b'8' as usize] = &["B", "3", "&"];
    table[b'9' as usize] = &["g", "q", "4"];
    table[b'A' as usize] = &["4", "R"];
    table[b'B' as usize] = &["8", "R", "E"];
    table[b'C' as usize] = &["G", "O", "("];
    table[b'D' as usize] = &["O", "0"];
    table[b'E' as usize] = &["F", "B"];
    table[b'F' as usize] = &["P", "E"];
    table[b'G' as usize] = &["6", "C", "O"];
    table[b'H' as usize] = &["N", "#"];
    table[b'I' as usize] = &["l", "1", "|"];
    table[b'J' as usize] = &["I", ")"];
    table[b'K' as usize] = &["X", "R"];
    table[b'L' as usize] = &["I", "1"];
    table[b'M' as usize] = &["N", "IVI"];
    table[b'N' as usize] = &["M", "H"];
    table[b'O' as usize] = &["0", "Q", "D"];
    table[b'P' as usize] = &["F", "R"];
    table[b'Q' as usize] = &["O", "0"];
    table[b'R' as usize] = &["K", "P"];
    table[b'S' as usize] = &["5", "8"];
    table[b'T' as usize] = &["7", "I"];
    table[b'U' as usize] = &["V", "O"];
    table[b'V' as usize] = &["U", "Y"];
    table[b'W' as usize] = &["VV", "M"];
    table[b'X' as usize] = &["K", "Y"];
    table[b'Y' as usize] = &["V", "X"];
    table[b'Z' as usize] = &["2", "7"];
    table[b'a' as usize] = &["o", "e"];
    table[b'b' as usize] = &["6", "h"];
    table[b'c' as usize] = &["e", "o"];
    table[b'd' as usize] = &["cl", "o"];
    table[b'e' as usize] = &["c", "o"];
    table[b'f' as usize] = &["t", "r"];
    table[b'g' as usize] = &["9", "q"];
    table[b'h' as usize] = &["b", "n", "li"];
    table[b'i' as usize] = &["1", "l", "j"];
    table[b'j' as usize] = &["i", ";"];
    table[b'k' as usize] = &["lc", "h"];
    table[b'l' as usize] = &["1", "I", "i"];
    table[b'm' as usize] = &["rn", "nn"];
    table[b'n' as usize] = &["r", "u", "h"];
    table[b'o' as usize] = &["0", "c", "e"];
    table[b'p' as usize] = &["n", "q"];
    table[b'q' as usize] = &["g", "9"];
    table[b'r' as usize] = &["n", "t"];
    table[b's' as usize] = &["5", "8"];
    table[b't' as usize] = &["f", "l"];
    table[b'u' as usize] = &["n", "v", "ii"];
    table[b'v' as usize] = &["u", "y"];
    table[b'w' as usize] = &["vv", "u"];
    table[b'x' as usize] = &["k", "y"];
    table[b'y' as usize] = &["v", "g"];
    table[b'z' as usize] = &["2", "s"];
    table
};

/// Two characters that scan as one.
const PAIRS: [(&[u8; 2], &str); 8] = [
    (b"rn", "m"),
    (b"nn", "m"),
    (b"cl", "d"),
    (b"vv", "w"),
    (b"VV", "W"),
    (b"li", "h"),
    (b"ii", "u"),
    (b"lc", "k"),
];

/// Characters outside ASCII that lose or gain a mark on the way.
const OTHER: [(char, &[&str]); 20] = [
    ('é', &["e", "è"]),
    ('è', &["e", "é"]),
    ('ê', &["e", "é"]),
    ('à', &["a", "á"]),
    ('á', &["a", "à"]),
    ('ä', &["a", "å"]),
    ('å', &["a", "ä"]),
    ('ö', &["o", "ó"]),
    ('ó', &["o", "ö"]),
    ('ü', &["u", "ii"]),
    ('ú', &["u", "ü"]),
    ('ñ', &["n", "fi"]),
    ('ç', &["c", "g"]),
    ('ß', &["B", "8"]),
    ('ø', &["o", "0"]),
    ('í', &["i", "1"]),
    ('и', &["н", "п"]),
    ('н', &["и", "п"]),
    ('ш', &["щ", "п"]),
    ('щ', &["ш"]),
];

fn known(c: char) -> &'static [&'static str] {
    match SINGLE.get(c as usize) {
        Some(list) => list,
        None => OTHER.iter().find(|row| row.0 == c).map_or(&[], |row| row.1),
    }
}

impl TextAugmenter for Ocr {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let own = |word: &Word<'_>, i| {
            if self.confusions.is_empty() {
                return None;
            }
            let own = self.confusions.get(word.char(i));
            own.filter(|list| !list.is_empty())
        };
        self.chars().each(
            doc,
            rng,
            |word, i| {
                let known = word.single(i).is_some_and(|c| !known(c).is_empty());
                known || own(word, i).is_some()
            },
            |word, i, rng| {
                if let Some(choice) = own(word, i).and_then(|list| one(rng, list)) {
                    return edits.replace(word.span(i), choice);
                }
                let two = word.text.as_bytes()[word.borders[i]..].first_chunk();
                if let Some((pair, one)) = PAIRS.iter().find(|(pair, _)| two == Some(*pair)) {
                    let start = word.start + word.borders[i];
                    return edits.replace(start..start + pair.len(), one);
                }
                if let Some(choice) = word.single(i).and_then(|c| one(rng, known(c))) {
                    edits.replace(word.span(i), choice);
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{changed, step};

    #[test]
    fn shapes_that_scan_alike() {
        for (_, to) in changed(&Ocr::default(), "O", 20) {
            assert!(["0", "Q", "D"].contains(&to.as_str()), "{to}");
        }
        let every = Ocr {
            aug_char_p: 1.0,
            ..Ocr::default()
        };
        assert!(
            changed(&every, "corn", 20)
                .iter()
                .any(|(_, to)| to.ends_with('m'))
        );
    }

    #[test]
    fn a_confusion_never_gives_the_character_back() {
        for c in (0u8..128)
            .map(char::from)
            .chain(OTHER.iter().map(|row| row.0))
        {
            assert!(!known(c).contains(&c.to_string().as_str()), "{c}");
        }
    }

    #[test]
    fn own_confusions_come_first() {
        let own = Ocr {
            confusions: [("ㅇ".to_owned(), vec!["0".to_owned()])].into(),
            ..Ocr::default()
        };
        assert_eq!(step(&own, "ㅇ", 0), "0");
    }
}
