//! Particles (josa): which form follows which noun.
//!
//! A noun that ends in a consonant takes `은 이 을 과 으로`, one that ends in a vowel `는 가 를 와 로`;
//! after `ㄹ` it is `로`.

use super::hangul;

/// (after a consonant, after a vowel) of the particles that come in two forms.
const FORMS: [(&str, &str); 17] = [
    ("은", "는"),
    ("이", "가"),
    ("을", "를"),
    ("과", "와"),
    ("으로", "로"),
    ("이나", "나"),
    ("이랑", "랑"),
    ("이라고", "라고"),
    ("이라는", "라는"),
    ("이라도", "라도"),
    ("이라면", "라면"),
    ("이란", "란"),
    ("이든지", "든지"),
    ("이든", "든"),
    ("이며", "며"),
    ("이야", "야"),
    ("이여", "여"),
];

/// Particles of one form.
const SINGLE: [&str; 20] = [
    "에서", "에게", "한테", "께서", "부터", "까지", "마다", "조차", "마저", "처럼", "보다", "밖에",
    "에", "의", "도", "만", "께", "뿐", "씩", "같이",
];

/// Particles that may follow one of [`FORMS`].
const TAILS: [&str; 12] = [
    "는", "도", "만", "의", "서", "써", "부터", "까지", "서는", "써는", "서의", "요",
];

/// Which form a noun takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Vowel,
    Rieul,
    Consonant,
}

/// The ending of a noun by its last character: a syllable, or a digit as it is read.
fn ending(noun: &str) -> Option<Ending> {
    let c = noun.chars().next_back()?;
    let last = match c {
        '0' | '3' | '6' => 'ㅁ',
        '1' | '7' | '8' => 'ㄹ',
        '2' | '4' | '5' | '9' => ' ',
        _ => hangul::last(c)?,
    };
    Some(match last {
        ' ' => Ending::Vowel,
        'ㄹ' => Ending::Rieul,
        _ => Ending::Consonant,
    })
}

/// The form of a pair that follows `ending`.
fn form(pair: (&'static str, &'static str), ending: Ending) -> &'static str {
    match ending {
        Ending::Consonant => pair.0,
        Ending::Rieul if pair.1 == "로" => pair.1,
        Ending::Rieul => pair.0,
        Ending::Vowel => pair.1,
    }
}

/// The pair whose form opens `rest`, that form, and nothing or a known tail after it.
fn opening(rest: &str) -> Option<((&'static str, &'static str), &'static str)> {
    let mut best: Option<((&'static str, &'static str), &'static str)> = None;
    for pair in FORMS {
        for form in [pair.0, pair.1] {
            let fits = rest
                .strip_prefix(form)
                .is_some_and(|tail| tail.is_empty() || TAILS.contains(&tail));
            if fits && best.is_none_or(|(_, other)| other.len() < form.len()) {
                best = Some((pair, form));
            }
        }
    }
    best
}

/// What must stand in the place of the first bytes of `rest`, now that `noun` stands before it:
/// (number of bytes, form). `None` where nothing need change or the noun cannot be told.
pub(crate) fn repair(noun: &str, rest: &str) -> Option<(usize, &'static str)> {
    let (pair, old) = opening(rest)?;
    let new = form(pair, ending(noun)?);
    (new != old).then_some((old.len(), new))
}

/// The other form of the particle at the end of a word: (byte where it starts, its length, form).
pub(crate) fn other_form(word: &str) -> Option<(usize, usize, &'static str)> {
    let (stem, rest) = split(word)?;
    let (pair, old) = opening(rest)?;
    let new = if old == pair.0 { pair.1 } else { pair.0 };
    Some((stem.len(), old.len(), new))
}

/// A word as noun and particle; `None` where it does not end in a particle in its right form.
///
/// The longest particle wins. Verbs end like nouns with particles now and then (`가는`): no
/// dictionary, no certainty.
pub(crate) fn split(word: &str) -> Option<(&str, &str)> {
    let borders = word.char_indices().map(|(at, _)| at).skip(1);
    for at in borders {
        let (stem, rest) = word.split_at(at);
        if !stem
            .chars()
            .next_back()
            .is_some_and(|c| hangul::is_syllable(c) || c.is_ascii_digit())
        {
            continue;
        }
        let double = opening(rest).is_some_and(|(pair, old)| {
            ending(stem).is_some_and(|ending| form(pair, ending) == old)
        });
        let plain = || {
            SINGLE.iter().any(|single| {
                rest.strip_prefix(single)
                    .is_some_and(|tail| tail.is_empty() || TAILS.contains(&tail))
            })
        };
        if double || plain() {
            return Some((stem, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_follow_the_noun() {
        for (noun, rest, expected) in [
            ("물", "는", Some((3, "은"))),
            ("커피", "은", Some((3, "는"))),
            ("커피", "이", Some((3, "가"))),
            ("물", "가", Some((3, "이"))),
            ("물", "를", Some((3, "을"))),
            ("커피", "과", Some((3, "와"))),
            ("물", "으로", Some((6, "로"))),
            ("집", "로", Some((3, "으로"))),
            ("커피", "으로는", Some((6, "로"))),
            ("서울", "로", None),
            ("물", "은", None),
            ("물", "에서", None),
            ("tea", "은", None),
            ("3", "가", Some((3, "이"))),
            ("2", "이", Some((3, "가"))),
            ("커피", "이라는", Some((9, "라는"))),
            ("물", "나무", None),
        ] {
            assert_eq!(repair(noun, rest), expected, "{noun}{rest}");
        }
    }

    #[test]
    fn words_split_at_their_particle() {
        for (word, expected) in [
            ("아버지가", Some(("아버지", "가"))),
            ("학교에서는", Some(("학교", "에서는"))),
            ("집으로", Some(("집", "으로"))),
            ("서울로", Some(("서울", "로"))),
            ("먹는", None),
            ("물", None),
            ("커피를", Some(("커피", "를"))),
        ] {
            assert_eq!(split(word), expected, "{word}");
        }
        assert_eq!(other_form("커피를"), Some((6, 3, "을")));
        assert_eq!(other_form("학교에서"), None);
    }
}
