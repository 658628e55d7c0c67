//! Misspellings of English by rule: the slips that lists of misspellings are made of.

use std::sync::LazyLock;

use crate::Draw;
use crate::text::character::Layout;
use crate::text::draw::below;

/// Words that sound alike.
const HOMOPHONES: &[&[&str]] = &[
    &["accept", "except"],
    &["affect", "effect"],
    &["allowed", "aloud"],
    &["altar", "alter"],
    &["bare", "bear"],
    &["board", "bored"],
    &["brake", "break"],
    &["buy", "by", "bye"],
    &["cell", "sell"],
    &["cent", "scent", "sent"],
    &["cereal", "serial"],
    &["cite", "sight", "site"],
    &["coarse", "course"],
    &["complement", "compliment"],
    &["council", "counsel"],
    &["dear", "deer"],
    &["desert", "dessert"],
    &["die", "dye"],
    &["fair", "fare"],
    &["flour", "flower"],
    &["for", "four"],
    &["hear", "here"],
    &["hole", "whole"],
    &["hour", "our"],
    &["its", "it's"],
    &["knew", "new"],
    &["know", "no"],
    &["lead", "led"],
    &["loose", "lose"],
    &["made", "maid"],
    &["mail", "male"],
    &["meat", "meet"],
    &["one", "won"],
    &["pair", "pear"],
    &["passed", "past"],
    &["peace", "piece"],
    &["plain", "plane"],
    &["principal", "principle"],
    &["quiet", "quite"],
    &["right", "write"],
    &["role", "roll"],
    &["sail", "sale"],
    &["scene", "seen"],
    &["sea", "see"],
    &["some", "sum"],
    &["son", "sun"],
    &["stair", "stare"],
    &["stationary", "stationery"],
    &["steal", "steel"],
    &["tail", "tale"],
    &["than", "then"],
    &["their", "there", "they're"],
    &["threw", "through"],
    &["to", "too", "two"],
    &["waist", "waste"],
    &["wait", "weight"],
    &["way", "weigh"],
    &["weak", "week"],
    &["weather", "whether"],
    &["were", "where"],
    &["who's", "whose"],
    &["wood", "would"],
    &["your", "you're"],
];

/// The groups of [`HOMOPHONES`] that have a word with a first letter, by that letter: few words are in one.
static BY_LETTER: LazyLock<[Vec<usize>; 26]> = LazyLock::new(|| {
    std::array::from_fn(|letter| {
        let starts = |word: &&str| word.as_bytes()[0] == b'a' + letter as u8;
        let groups = HOMOPHONES.iter().enumerate();
        let found = groups.filter(|(_, group)| group.iter().any(starts));
        found.map(|(place, _)| place).collect()
    })
});

/// Letters that are written and not heard, and what is left of them.
const SILENT: &[(&str, &str); 16] = &[
    ("kn", "n"),
    ("wr", "r"),
    ("wh", "w"),
    ("ght", "t"),
    ("mb", "m"),
    ("mn", "m"),
    ("sc", "s"),
    ("ps", "s"),
    ("gn", "n"),
    ("rh", "r"),
    ("bt", "t"),
    ("lm", "m"),
    ("stl", "sl"),
    ("que", "k"),
    ("ph", "f"),
    ("ough", "uf"),
];

/// The letters of each first piece of [`SILENT`].
const SILENT_LETTERS: [u32; SILENT.len()] = {
    let mut all = [0; SILENT.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = letters(SILENT[place].0.as_bytes());
        place += 1;
    }
    all
};

/// Endings taken for each other.
const ENDINGS: &[(&str, &str)] = &[
    ("able", "ible"),
    ("ance", "ence"),
    ("ant", "ent"),
    ("ary", "ery"),
    ("tion", "sion"),
    ("ful", "full"),
    ("ly", "ley"),
    ("al", "el"),
    ("or", "er"),
    ("ely", "ly"),
    ("cede", "ceed"),
    ("ize", "ise"),
    ("our", "or"),
    ("ite", "ate"),
    ("ious", "ous"),
    ("ally", "aly"),
    ("ment", "mant"),
];

/// The pairs of [`ENDINGS`], and the pairs turned round, of which the first ends in a letter, by that letter.
static BY_LAST: LazyLock<[Vec<(&str, &str)>; 26]> = LazyLock::new(|| {
    std::array::from_fn(|letter| {
        let both = ENDINGS.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
        let last = |(a, _): &(&str, &str)| a.as_bytes()[a.len() - 1] == b'a' + letter as u8;
        both.filter(last).collect()
    })
});

/// The kinds of slips, those of spelling before those of typing.
const KINDS: usize = 9;

/// Writes a misspelling of a lower-case word into `out`; false where none was found. A kind is drawn,
/// then a place; where the kind has none, the next kind is tried.
pub(super) fn misspell(word: &str, rng: &mut Draw, out: &mut String) -> bool {
    let bytes = word.as_bytes();
    let n = bytes.len();
    let ascii = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'\'');
    let start = below(rng, KINDS);
    (0..KINDS).any(|more| {
        out.clear();
        match (start + more) % KINDS {
            0 => {
                let letter = bytes.first().map(|b| usize::from(b.wrapping_sub(b'a')));
                let groups = letter.and_then(|letter| BY_LETTER.get(letter));
                let group = groups.into_iter().flatten();
                let mut group = group.map(|&place| HOMOPHONES[place]);
                let same = |w: &&str| **w == *word;
                let group = group.find(|group| group.iter().any(same));
                let others = group.into_iter().flat_map(|group| group.iter());
                let other = draw_one(rng, others.filter(|w| !same(w)));
                out.extend(other.copied());
                other.is_some()
            }
            _ if !ascii || n < 3 => false,
            // `ie` and `ei`.
            1 => {
                let places = (0..n - 1).filter(|&i| matches!(&bytes[i..i + 2], b"ie" | b"ei"));
                draw_one(rng, places).is_some_and(|i| swapped(word, i, out))
            }
            // A letter heard once and written twice, or the other way round.
            2 => {
                let places = (1..n).filter(|&i| bytes[i] == bytes[i - 1]);
                draw_one(rng, places).is_some_and(|i| spliced(word, i..i + 1, "", out))
            }
            3 => {
                let doubled = |i: usize| b"bcdfglmnprst".contains(&bytes[i]);
                let places = (1..n).filter(|&i| {
                    doubled(i) && bytes[i] != bytes[i - 1] && bytes.get(i + 1) != Some(&bytes[i])
                });
                draw_one(rng, places).is_some_and(|i| spliced(word, i..i, &word[i..=i], out))
            }
            // Silent letters and endings.
            4 => {
                let own = letters(bytes);
                let pieces = SILENT.iter().zip(SILENT_LETTERS);
                let found = pieces.filter(|(_, all)| all & !own == 0);
                let found =
                    found.filter_map(|(&(a, b), _)| Some((find(bytes, a.as_bytes())?, a, b)));
                draw_one(rng, found)
                    .is_some_and(|(at, a, b)| spliced(word, at..at + a.len(), b, out))
            }
            5 => {
                let endings = BY_LAST.get(usize::from(bytes[n - 1].wrapping_sub(b'a')));
                let found = endings.into_iter().flatten();
                let found = found.filter(|(a, _)| n > a.len() + 2 && word.ends_with(a));
                draw_one(rng, found).is_some_and(|&(a, b)| spliced(word, n - a.len()..n, b, out))
            }
            // Two letters in the wrong order, the first staying.
            6 => {
                let places = (1..n - 1).filter(|&i| bytes[i] != bytes[i + 1]);
                draw_one(rng, places).is_some_and(|i| swapped(word, i, out))
            }
            7 => {
                let i = 1 + below(rng, n - 1);
                n > 3 && spliced(word, i..i + 1, "", out)
            }
            // A neighbouring key.
            _ => {
                let i = below(rng, n);
                let near = Layout::En.neighbours().of(char::from(bytes[i])).iter();
                let mut buffer = [0; 4];
                draw_one(rng, near.filter(|c| c.is_ascii_lowercase()))
                    .is_some_and(|c| spliced(word, i..i + 1, c.encode_utf8(&mut buffer), out))
            }
        }
    })
}

/// One of the items; none, and no draw, where there are none. They are gone through twice: a list of them
/// would take longer to make.
fn draw_one<I: Iterator + Clone>(rng: &mut Draw, mut items: I) -> Option<I::Item> {
    match items.clone().count() {
        0 => None,
        n => items.nth(below(rng, n)),
    }
}

/// The letters of a word as bits: a word with a piece has all of the piece's.
const fn letters(word: &[u8]) -> u32 {
    let (mut bits, mut place) = (0, 0);
    while place < word.len() {
        bits |= 1 << (word[place] & 31);
        place += 1;
    }
    bits
}

/// Where `piece` first stands. A few bytes in a word: a searcher would take longer to set up.
fn find(word: &[u8], piece: &[u8]) -> Option<usize> {
    word.windows(piece.len()).position(|window| window == piece)
}

/// `word` with the bytes of `span` replaced; always true.
fn spliced(word: &str, span: std::ops::Range<usize>, new: &str, out: &mut String) -> bool {
    out.push_str(&word[..span.start]);
    match new.as_bytes() {
        // Mostly no letter or one, which a call would take longer to copy.
        [] => {}
        &[letter] => out.push(char::from(letter)),
        _ => out.push_str(new),
    }
    out.push_str(&word[span.end..]);
    true
}

/// `word` with its letters `i` and `i + 1` swapped; always true.
fn swapped(word: &str, i: usize, out: &mut String) -> bool {
    out.push_str(&word[..i]);
    out.push(char::from(word.as_bytes()[i + 1]));
    out.push(char::from(word.as_bytes()[i]));
    out.push_str(&word[i + 2..]);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(word: &str) -> std::collections::BTreeSet<String> {
        let mut out = String::new();
        let mut all = std::collections::BTreeSet::new();
        for index in 0..400 {
            if misspell(word, &mut Draw::new(1, 0, index), &mut out) {
                all.insert(out.clone());
            }
        }
        all
    }

    #[test]
    fn known_slips_are_among_them() {
        for (word, slip) in [
            ("receive", "recieve"),
            ("occurred", "occured"),
            ("until", "untill"),
            ("their", "there"),
            ("knife", "nife"),
            ("definite", "definate"),
            ("important", "importent"),
            ("necessary", "necesary"),
        ] {
            assert!(all(word).contains(slip), "{word}: {:?}", all(word));
        }
    }

    proptest! {
        #[test]
        fn a_slip_differs(word in "[a-z']{1,12}", index in 0u64..50) {
            let mut out = String::new();
            if misspell(&word, &mut Draw::new(0, 0, index), &mut out) {
                prop_assert_ne!(out, word);
            }
        }
    }
}
