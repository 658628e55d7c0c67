//! Keyboard layouts: which keys lie next to which, worked out from where the keys are.
//!
//! A row starts a fraction of a key further right than the row above it: 0, ½, ¾ and 1¼ keys for
//! the digits, the upper, the home and the lower row. Keys whose centres are less than 1.3 key
//! widths apart are neighbours, which gives every letter the six around it.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// A keyboard layout, by its language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Layout {
    /// United States.
    #[default]
    En,
    /// Germany.
    De,
    /// France.
    Fr,
    /// Spain.
    Es,
    /// Italy.
    It,
    /// Netherlands (US keys).
    Nl,
    /// Poland, programmer's.
    Pl,
    /// Portugal.
    Pt,
    /// Turkey, Q.
    Tr,
    /// Ukraine.
    Uk,
    /// Russia.
    Ru,
    /// Israel.
    He,
    /// Thailand, Kedmanee.
    Th,
    /// Korea, two-set (dubeolsik); acts on the letters inside syllables.
    Ko,
}

/// The keys of a layout: four rows without shift, the digit row with it, and letters typed with
/// another modifier on the key of a letter.
struct Keys {
    rows: [&'static str; 4],
    shifted_digits: &'static str,
    modified: &'static str,
}

/// Left edge of each row, in key widths.
const OFFSETS: [f64; 4] = [0.0, 0.5, 0.75, 1.25];
const REACH: f64 = 1.3;

/// Where a layout has a key left of the lower row's first letter, the row starts one key earlier.
const EXTRA_KEY: char = '<';

/// The neighbours of each character of a layout.
pub(crate) struct Neighbours {
    ascii: [Near; 128],
    other: HashMap<char, Near>,
    pool: Vec<char>,
}

/// The neighbours of a character, as a range of the pool, and of which kind each is.
#[derive(Clone, Copy, Default)]
struct Near {
    from: u16,
    to: u16,
    kinds: Kinds,
}

/// Which of some characters are of a kind, as bits.
#[derive(Clone, Copy, Default)]
pub(crate) struct Kinds {
    pub(crate) letters: u32,
    pub(crate) numbers: u32,
    pub(crate) marks: u32,
}

impl Kinds {
    /// The kinds of at most 32 characters.
    fn new(chars: &[char]) -> Self {
        let mut kinds = Self::default();
        for (place, c) in chars.iter().enumerate() {
            let kind = match c {
                c if c.is_alphabetic() => &mut kinds.letters,
                c if c.is_numeric() => &mut kinds.numbers,
                _ => &mut kinds.marks,
            };
            *kind |= 1 << place;
        }
        kinds
    }
}

impl Neighbours {
    /// The characters of the keys around that of `c` (lower case), then those of its own key.
    pub(crate) fn of(&self, c: char) -> &[char] {
        self.with_kinds(c).0
    }

    /// Whether there is a key for `c` (lower case).
    pub(crate) fn has(&self, c: char) -> bool {
        let near = self.near(c);
        near.from < near.to
    }

    fn near(&self, c: char) -> Near {
        match self.ascii.get(c as usize) {
            Some(&near) => near,
            None => self.other.get(&c).copied().unwrap_or_default(),
        }
    }

    /// [`of`](Self::of), and of which kind each is.
    pub(crate) fn with_kinds(&self, c: char) -> (&[char], Kinds) {
        let near = self.near(c);
        let chars = &self.pool[usize::from(near.from)..usize::from(near.to)];
        (chars, near.kinds)
    }
}

impl Layout {
    /// The neighbours, worked out at the first call.
    pub(crate) fn neighbours(self) -> &'static Neighbours {
        static ALL: [OnceLock<Neighbours>; 14] = [const { OnceLock::new() }; 14];
        ALL[self as usize].get_or_init(|| neighbours(&self.keys()))
    }

    fn keys(self) -> Keys {
        let us = "!@#$%^&*()_+";
        let (rows, shifted_digits, modified) = match self {
            Self::En | Self::Nl => (
                ["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"],
                us,
                "",
            ),
            Self::De => (
                [
                    "1234567890ß´",
                    "qwertzuiopü+",
                    "asdfghjklöä#",
                    "<yxcvbnm,.-",
                ],
                "!\"§$%&/()=?`",
                "e€q@",
            ),
            Self::Fr => (
                [
                    "&é\"'(-è_çà)=",
                    "azertyuiop^$",
                    "qsdfghjklmù*",
                    "<wxcvbn,;:!",
                ],
                "1234567890°+",
                "e€",
            ),
            Self::Es => (
                [
                    "1234567890'¡",
                    "qwertyuiop`+",
                    "asdfghjklñ´ç",
                    "<zxcvbnm,.-",
                ],
                "!\"·$%&/()=?¿",
                "e€",
            ),
            Self::It => (
                [
                    "1234567890'ì",
                    "qwertyuiopè+",
                    "asdfghjklòàù",
                    "<zxcvbnm,.-",
                ],
                "!\"£$%&/()=?^",
                "e€",
            ),
            Self::Pl => (
                ["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"],
                us,
                "aącćeęlłnńoósśzżxź",
            ),
            Self::Pt => (
                [
                    "1234567890'«",
                    "qwertyuiop+´",
                    "asdfghjklçº~",
                    "<zxcvbnm,.-",
                ],
                "!\"#$%&/()=?»",
                "e€",
            ),
            Self::Tr => (
                [
                    "1234567890*-",
                    "qwertyuıopğü",
                    "asdfghjklşi,",
                    "<zxcvbnmöç.",
                ],
                "!'^+%&/()=?_",
                "e€",
            ),
            Self::Uk => (
                ["1234567890-=", "йцукенгшщзхї", "фівапролджє", "ячсмитьбю."],
                "!\"№;%:?*()_+",
                "гґ",
            ),
            Self::Ru => (
                ["1234567890-=", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю."],
                "!\"№;%:?*()_+",
                "её",
            ),
            Self::He => (
                ["1234567890-=", "/'קראטוןםפ][", "שדגכעיחלךף,", "זסבהנמצתץ."],
                us,
                "",
            ),
            Self::Th => (
                ["ๅ/-ภถุึคตจขช", "ๆไำพะัีรนยบล", "ฟหกดเ้่าสวง", "ผปแอิืทมใฝ"],
                "+๑๒๓๔ู฿๕๖๗๘๙",
                "",
            ),
            Self::Ko => (
                [
                    "1234567890-=",
                    "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ[]",
                    "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ;'",
                    "ㅋㅌㅊㅍㅠㅜㅡ,./",
                ],
                us,
                "ㅂㅃㅈㅉㄷㄸㄱㄲㅅㅆㅐㅒㅔㅖ",
            ),
        };
        Keys {
            rows,
            shifted_digits,
            modified,
        }
    }
}

fn neighbours(keys: &Keys) -> Neighbours {
    let mut places: Vec<(char, f64, f64)> = Vec::new();
    for (row, chars) in keys.rows.iter().enumerate() {
        let earlier = f64::from(u8::from(row == 3 && chars.starts_with(EXTRA_KEY)));
        for (column, c) in chars.chars().enumerate() {
            places.push((c, column as f64 + OFFSETS[row] - earlier, row as f64));
        }
    }
    // A second character of a key lies where the key lies.
    let digits = keys.rows[0].chars().zip(keys.shifted_digits.chars());
    let letters: Vec<char> = keys.modified.chars().collect();
    let pairs: Vec<(char, char)> = digits
        .chain(letters.as_chunks::<2>().0.iter().map(|&[a, b]| (a, b)))
        .collect();
    let all = places.clone();
    for (base, second) in pairs {
        if let Some(&(_, x, y)) = all.iter().find(|place| place.0 == base) {
            places.push((second, x, y));
        }
    }
    let mut found = Neighbours {
        ascii: [Near::default(); 128],
        other: HashMap::new(),
        pool: Vec::new(),
    };
    for &(c, x, y) in &places {
        let from = found.pool.len();
        let mut near: Vec<(f64, char)> = places
            .iter()
            .filter(|place| place.0 != c)
            .map(|&(other, a, b)| (((a - x).powi(2) + (b - y).powi(2)).sqrt(), other))
            .filter(|&(distance, _)| distance < REACH)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.dedup_by_key(|place| place.1);
        found.pool.extend(near.into_iter().map(|place| place.1));
        let near = Near {
            from: from as u16,
            to: found.pool.len() as u16,
            kinds: Kinds::new(&found.pool[from..]),
        };
        match found.ascii.get_mut(c as usize) {
            Some(slot) => *slot = near,
            None => _ = found.other.insert(c, near),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(layout: Layout, c: char) -> String {
        let mut near: Vec<char> = layout.neighbours().of(c).to_vec();
        near.retain(|c| c.is_alphabetic());
        near.sort_unstable();
        near.into_iter().collect()
    }

    fn sorted(letters: &str) -> String {
        let mut letters: Vec<char> = letters.chars().collect();
        letters.sort_unstable();
        letters.into_iter().collect()
    }

    #[test]
    fn a_letter_has_those_around_it() {
        assert_eq!(near(Layout::En, 's'), "adewxz");
        assert_eq!(near(Layout::En, 'q'), "aw");
        assert_eq!(near(Layout::En, 'g'), "bfhtvy");
        assert_eq!(near(Layout::De, 'z'), "ghtu");
        assert_eq!(near(Layout::De, 'y'), "asx");
        assert_eq!(near(Layout::Fr, 'a'), "qzé");
        assert_eq!(near(Layout::Pl, 'l'), "kopół");
        assert_eq!(near(Layout::Ru, 'п'), sorted("аеёимнр"));
        assert_eq!(near(Layout::Ko, 'ㅇ'), sorted("ㄱㄲㄴㄷㄸㄹㅊㅌ"));
        assert_eq!(near(Layout::Tr, 'ı'), sorted("jkou"));
        assert!(Layout::En.neighbours().of('1').contains(&'!'));
        assert!(Layout::He.neighbours().of('ש').contains(&'ד'));
        assert!(Layout::Th.neighbours().of('ก').contains(&'ด'));
        assert!(Layout::En.neighbours().of('한').is_empty());
    }

    #[test]
    fn neighbours_are_mutual() {
        for layout in [
            Layout::En,
            Layout::De,
            Layout::Fr,
            Layout::Es,
            Layout::It,
            Layout::Nl,
            Layout::Pl,
            Layout::Pt,
            Layout::Tr,
            Layout::Uk,
            Layout::Ru,
            Layout::He,
            Layout::Th,
            Layout::Ko,
        ] {
            let keys = layout.keys();
            for c in keys.rows.iter().flat_map(|row| row.chars()) {
                let near = layout.neighbours().of(c);
                assert!(near.len() >= 2, "{layout:?} {c}");
                for &other in near {
                    assert!(
                        layout.neighbours().of(other).contains(&c),
                        "{layout:?} {c} {other}"
                    );
                }
            }
        }
    }
}
