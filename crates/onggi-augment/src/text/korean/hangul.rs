//! Syllable arithmetic, and the two-set keyboard: syllables to keys and back.
//!
//! A syllable is `0xAC00 + (initial · 21 + medial) · 28 + final`, final 0 being none.

/// Initial consonants in the order of the code points.
const INITIALS: [char; 19] = [
    'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ',
    'ㅌ', 'ㅍ', 'ㅎ',
];
const MEDIALS: [char; 21] = [
    'ㅏ', 'ㅐ', 'ㅑ', 'ㅒ', 'ㅓ', 'ㅔ', 'ㅕ', 'ㅖ', 'ㅗ', 'ㅘ', 'ㅙ', 'ㅚ', 'ㅛ', 'ㅜ', 'ㅝ', 'ㅞ',
    'ㅟ', 'ㅠ', 'ㅡ', 'ㅢ', 'ㅣ',
];
/// Final consonants; a blank for none.
const FINALS: [char; 28] = [
    ' ', 'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ',
    'ㅁ', 'ㅂ', 'ㅄ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
];
/// Letters typed with two keys.
const COMPOUNDS: [(char, char, char); 18] = [
    ('ㅗ', 'ㅏ', 'ㅘ'),
    ('ㅗ', 'ㅐ', 'ㅙ'),
    ('ㅗ', 'ㅣ', 'ㅚ'),
    ('ㅜ', 'ㅓ', 'ㅝ'),
    ('ㅜ', 'ㅔ', 'ㅞ'),
    ('ㅜ', 'ㅣ', 'ㅟ'),
    ('ㅡ', 'ㅣ', 'ㅢ'),
    ('ㄱ', 'ㅅ', 'ㄳ'),
    ('ㄴ', 'ㅈ', 'ㄵ'),
    ('ㄴ', 'ㅎ', 'ㄶ'),
    ('ㄹ', 'ㄱ', 'ㄺ'),
    ('ㄹ', 'ㅁ', 'ㄻ'),
    ('ㄹ', 'ㅂ', 'ㄼ'),
    ('ㄹ', 'ㅅ', 'ㄽ'),
    ('ㄹ', 'ㅌ', 'ㄾ'),
    ('ㄹ', 'ㅍ', 'ㄿ'),
    ('ㄹ', 'ㅎ', 'ㅀ'),
    ('ㅂ', 'ㅅ', 'ㅄ'),
];
/// The Latin letter on the key of each letter; upper case with shift.
const LATIN: [(char, char); 33] = [
    ('ㅂ', 'q'),
    ('ㅈ', 'w'),
    ('ㄷ', 'e'),
    ('ㄱ', 'r'),
    ('ㅅ', 't'),
    ('ㅛ', 'y'),
    ('ㅕ', 'u'),
    ('ㅑ', 'i'),
    ('ㅐ', 'o'),
    ('ㅔ', 'p'),
    ('ㅁ', 'a'),
    ('ㄴ', 's'),
    ('ㅇ', 'd'),
    ('ㄹ', 'f'),
    ('ㅎ', 'g'),
    ('ㅗ', 'h'),
    ('ㅓ', 'j'),
    ('ㅏ', 'k'),
    ('ㅣ', 'l'),
    ('ㅋ', 'z'),
    ('ㅌ', 'x'),
    ('ㅊ', 'c'),
    ('ㅍ', 'v'),
    ('ㅠ', 'b'),
    ('ㅜ', 'n'),
    ('ㅡ', 'm'),
    ('ㅃ', 'Q'),
    ('ㅉ', 'W'),
    ('ㄸ', 'E'),
    ('ㄲ', 'R'),
    ('ㅆ', 'T'),
    ('ㅒ', 'O'),
    ('ㅖ', 'P'),
];

/// A syllable by its letters; `last` is a blank where there is no final consonant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syllable {
    pub(crate) first: char,
    pub(crate) vowel: char,
    pub(crate) last: char,
}

impl Syllable {
    pub(crate) fn of(c: char) -> Option<Self> {
        let code = (c as u32)
            .checked_sub(0xAC00)
            .filter(|&code| code < 11172)? as usize;
        Some(Self {
            first: INITIALS[code / 588],
            vowel: MEDIALS[code / 28 % 21],
            last: FINALS[code % 28],
        })
    }

    /// The syllable as one `char`; `None` for letters that cannot stand where they do.
    pub(crate) fn char(self) -> Option<char> {
        let place = |list: &[char], c| list.iter().position(|&other| other == c);
        let code = (place(&INITIALS, self.first)? * 21 + place(&MEDIALS, self.vowel)?) * 28
            + place(&FINALS, self.last)?;
        char::from_u32(0xAC00 + code as u32)
    }
}

pub(crate) fn is_syllable(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

/// A letter of the compatibility block that the keyboard knows.
pub(crate) fn is_jamo(c: char) -> bool {
    ('ㄱ'..='ㅣ').contains(&c)
}

fn is_vowel(c: char) -> bool {
    ('ㅏ'..='ㅣ').contains(&c)
}

/// The final consonant of a syllable, a blank for none; `None` for other characters.
pub(crate) fn last(c: char) -> Option<char> {
    Syllable::of(c).map(|syllable| syllable.last)
}

/// The two letters a compound one is typed with.
pub(crate) fn split(c: char) -> Option<(char, char)> {
    let row = COMPOUNDS.iter().find(|row| row.2 == c);
    row.map(|row| (row.0, row.1))
}

fn join(a: char, b: char) -> Option<char> {
    COMPOUNDS
        .iter()
        .find(|row| row.0 == a && row.1 == b)
        .map(|row| row.2)
}

/// The keys that type a syllable or letter, in order; other characters are their own key.
pub(crate) fn keys(c: char) -> Vec<char> {
    let mut keys = Vec::with_capacity(5);
    let mut push = |c: char| match split(c) {
        Some((a, b)) => keys.extend([a, b]),
        None => keys.push(c),
    };
    match Syllable::of(c) {
        Some(syllable) => {
            push(syllable.first);
            push(syllable.vowel);
            if syllable.last != ' ' {
                push(syllable.last);
            }
        }
        None => push(c),
    }
    keys
}

/// What the keys give on a Korean keyboard: the automaton of an input method.
pub(crate) fn compose(keys: &[char], out: &mut String) {
    // The syllable being typed; blanks for what is not there yet.
    let mut now = Syllable {
        first: ' ',
        vowel: ' ',
        last: ' ',
    };
    for &key in keys {
        if !is_jamo(key) {
            flush(&mut now, out);
            out.push(key);
        } else if is_vowel(key) {
            if now.last != ' ' {
                // The final consonant (of two, the second) becomes the initial of a new syllable.
                let (kept, moved) = split(now.last).unwrap_or((' ', now.last));
                now.last = kept;
                flush(&mut now, out);
                now.first = moved;
                now.vowel = key;
            } else if now.vowel == ' ' {
                now.vowel = key;
            } else if let Some(joined) = join(now.vowel, key) {
                now.vowel = joined;
            } else {
                flush(&mut now, out);
                now.vowel = key;
            }
        } else if now.first != ' ' && now.vowel != ' ' {
            let grown = if now.last == ' ' {
                Some(key)
            } else {
                join(now.last, key)
            };
            match grown.filter(|c| FINALS.contains(c)) {
                Some(last) => now.last = last,
                None => {
                    flush(&mut now, out);
                    now.first = key;
                }
            }
        } else {
            flush(&mut now, out);
            now.first = key;
        }
    }
    flush(&mut now, out);
}

fn flush(now: &mut Syllable, out: &mut String) {
    match now.char() {
        Some(c) => out.push(c),
        None => out.extend(
            [now.first, now.vowel, now.last]
                .iter()
                .filter(|&&c| c != ' '),
        ),
    }
    *now = Syllable {
        first: ' ',
        vowel: ' ',
        last: ' ',
    };
}

/// The Latin letters on the keys of a Korean text.
pub(crate) fn to_latin(text: &str, out: &mut String) {
    for c in text.chars() {
        for key in keys(c) {
            let row = LATIN.iter().find(|row| row.0 == key);
            out.push(row.map_or(key, |row| row.1));
        }
    }
}

/// What Latin letters give with the keyboard in Korean.
pub(crate) fn from_latin(text: &str, out: &mut String) {
    let typed = text.chars().map(|c| {
        let exact = LATIN.iter().find(|row| row.1 == c);
        // Shift on a key without a second letter gives the first.
        let row = exact.or_else(|| LATIN.iter().find(|row| row.1 == c.to_ascii_lowercase()));
        row.map_or(c, |row| row.0)
    });
    compose(&typed.collect::<Vec<char>>(), out);
}

/// The letter of the same key with or without shift.
pub(crate) fn shifted(c: char) -> Option<char> {
    const PAIRS: [(char, char); 7] = [
        ('ㅂ', 'ㅃ'),
        ('ㅈ', 'ㅉ'),
        ('ㄷ', 'ㄸ'),
        ('ㄱ', 'ㄲ'),
        ('ㅅ', 'ㅆ'),
        ('ㅐ', 'ㅒ'),
        ('ㅔ', 'ㅖ'),
    ];
    PAIRS.iter().find_map(|&(a, b)| match c {
        _ if c == a => Some(b),
        _ if c == b => Some(a),
        _ => None,
    })
}

/// All letters that have a key, shift included.
pub(crate) fn keyboard() -> impl ExactSizeIterator<Item = char> {
    LATIN.iter().map(|row| row.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(text: &str) -> String {
        let mut out = String::new();
        from_latin(text, &mut out);
        out
    }

    fn slipped(text: &str) -> String {
        let mut out = String::new();
        to_latin(text, &mut out);
        out
    }

    #[test]
    fn arithmetic() {
        let syllable = Syllable::of('한').unwrap();
        assert_eq!(
            (syllable.first, syllable.vowel, syllable.last),
            ('ㅎ', 'ㅏ', 'ㄴ')
        );
        assert_eq!(Syllable::of('a'), None);
        assert_eq!(Syllable::of('ㄱ'), None);
        assert_eq!(
            Syllable {
                last: 'ㄸ',
                ..syllable
            }
            .char(),
            None
        );
        for c in '가'..='힣' {
            assert_eq!(Syllable::of(c).and_then(Syllable::char), Some(c));
            let mut again = String::new();
            compose(&keys(c), &mut again);
            assert_eq!(again, c.to_string());
        }
    }

    #[test]
    fn layouts() {
        for (korean, latin) in [
            ("안녕", "dkssud"),
            ("안녕하세요", "dkssudgktpdy"),
            ("값이", "rkqtdl"),
            ("읽었다", "dlfrdjTek"),
            ("의원", "dmldnjs"),
            ("ㅋㅋ", "zz"),
            ("까닭", "Rkekfr"),
        ] {
            assert_eq!(slipped(korean), latin);
            assert_eq!(typed(latin), korean);
        }
        assert_eq!(typed("hello"), "ㅗ디ㅣㅐ");
        assert_eq!(typed("A 1"), "ㅁ 1");
    }

    proptest! {
        #[test]
        fn typing_gives_the_word_back(word in "[가-힣]{1,6}") {
            prop_assert_eq!(typed(&slipped(&word)), word);
        }

        #[test]
        fn any_keys_compose(text in "[a-zA-Zㄱ-ㅣ가-힣 ]{0,12}") {
            let before = slipped(&text);
            prop_assert_eq!(slipped(&typed(&before)).to_lowercase(), before.to_lowercase());
        }
    }
}
