//! Yamin-jeongeum: syllables written by others that look alike, a fashion of Korean forums.

use super::hangul::Syllable;
use crate::text::character::put;
use crate::text::draw::one;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces syllables by ones that look alike: `멍멍이` to `댕댕이`, `명작` to `띵작`.
    chars(min_char = 1) YaminJeongeum = "yamin_jeongeum" {}
}

/// Initial and vowel pairs that look alike, the final consonant staying. Both ways.
const ALIKE: [([char; 2], [char; 2]); 8] = [
    (['ㄷ', 'ㅐ'], ['ㅁ', 'ㅓ']),
    (['ㅁ', 'ㅕ'], ['ㄸ', 'ㅣ']),
    (['ㄱ', 'ㅟ'], ['ㅋ', 'ㅓ']),
    (['ㅂ', 'ㅣ'], ['ㄴ', 'ㅔ']),
    (['ㅍ', 'ㅏ'], ['ㄱ', 'ㅘ']),
    (['ㅍ', 'ㅣ'], ['ㄲ', 'ㅢ']),
    (['ㅅ', 'ㅔ'], ['ㅈ', 'ㅣ']),
    (['ㄱ', 'ㅡ'], ['ㅋ', 'ㅡ']),
];

/// Whole syllables.
const WHOLE: [(char, char); 4] = [('유', '윾'), ('왕', '앟'), ('왱', '앻'), ('우', '윽')];

fn alike(c: char) -> Vec<char> {
    let Some(syllable) = Syllable::of(c) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let whole = WHOLE.iter().filter_map(|&(a, b)| match c {
        _ if c == a => Some(b),
        _ if c == b => Some(a),
        _ => None,
    });
    found.extend(whole);
    let pair = [syllable.first, syllable.vowel];
    for (a, b) in ALIKE {
        let other = match pair {
            _ if pair == a => b,
            _ if pair == b => a,
            _ => continue,
        };
        let [first, vowel] = other;
        found.extend(
            Syllable {
                first,
                vowel,
                ..syllable
            }
            .char(),
        );
    }
    found
}

impl TextAugmenter for YaminJeongeum {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        self.chars().each(
            doc,
            rng,
            |word, i| word.single(i).is_some_and(|c| !alike(c).is_empty()),
            |word, i, rng| {
                let list = word.single(i).map(alike).unwrap_or_default();
                if let Some(&other) = one(rng, &list) {
                    put(edits, word.span(i), other);
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::step;

    #[test]
    fn known_words() {
        let all = YaminJeongeum {
            aug_char_p: 1.0,
            ..Default::default()
        };
        for (word, expected) in [
            ("멍멍이", "댕댕이"),
            ("명작", "띵작"),
            ("귀엽다", "커엽다"),
            ("팔도", "괄도"),
            ("비빔면", "네넴띤"),
            ("대왕", "머앟"),
        ] {
            assert_eq!(step(&all, word, 0), expected);
        }
        assert_eq!(step(&all, "옹기", 0), "옹기");
    }
}
