//! Spelled as it sounds: what Koreans write who go by ear.

use serde::{Deserialize, Serialize};

use super::hangul::{self, Syllable};
use crate::text::draw::one;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, TextAugmenter};
use crate::{AugmentError, Draw};

/// A rule of pronunciation across two syllables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneticRule {
    /// 연음: a final consonant moves to a silent initial (`먹어` to `머거`).
    Liaison,
    /// 비음화: a stop before a nasal becomes nasal (`국물` to `궁물`).
    Nasalisation,
    /// 유음화: `ㄴ` beside `ㄹ` becomes `ㄹ` (`신라` to `실라`).
    Liquidisation,
    /// 구개음화: `ㄷ`, `ㅌ` before `이` (`굳이` to `구지`).
    Palatalisation,
    /// 격음화: a stop joins `ㅎ` (`축하` to `추카`).
    Aspiration,
    /// 경음화: a stop hardens the next (`학교` to `학꾜`).
    Tensification,
}

impl PhoneticRule {
    const ALL: [Self; 6] = [
        Self::Liaison,
        Self::Nasalisation,
        Self::Liquidisation,
        Self::Palatalisation,
        Self::Aspiration,
        Self::Tensification,
    ];

    /// Two neighbouring syllables as they sound; `None` where the rule says nothing.
    fn apply(self, a: Syllable, b: Syllable) -> Option<(Syllable, Syllable)> {
        let (last, first) = (a.last, b.first);
        let palatal = first == 'ㅇ' && b.vowel == 'ㅣ' && matches!(last, 'ㄷ' | 'ㅌ' | 'ㄾ');
        let (last, first) = match self {
            Self::Liaison if first == 'ㅇ' && !palatal => match last {
                ' ' | 'ㅇ' => return None,
                'ㅎ' => (' ', 'ㅇ'),
                'ㄶ' => (' ', 'ㄴ'),
                'ㅀ' => (' ', 'ㄹ'),
                _ => match hangul::split(last) {
                    Some((kept, 'ㅅ')) => (kept, 'ㅆ'),
                    Some((kept, moved)) => (kept, moved),
                    None => (' ', last),
                },
            },
            Self::Nasalisation => match (stop(last), first) {
                (Some('ㄱ'), 'ㄴ' | 'ㅁ') => ('ㅇ', first),
                (Some('ㄷ'), 'ㄴ' | 'ㅁ') => ('ㄴ', first),
                (Some('ㅂ'), 'ㄴ' | 'ㅁ') => ('ㅁ', first),
                (_, 'ㄹ') if matches!(last, 'ㅁ' | 'ㅇ') => (last, 'ㄴ'),
                _ => return None,
            },
            Self::Liquidisation => match (last, first) {
                ('ㄴ', 'ㄹ') | ('ㄹ' | 'ㅀ', 'ㄴ') => ('ㄹ', 'ㄹ'),
                _ => return None,
            },
            Self::Palatalisation => match (last, first, b.vowel) {
                ('ㄷ', 'ㅇ', 'ㅣ') => (' ', 'ㅈ'),
                ('ㅌ', 'ㅇ', 'ㅣ') => (' ', 'ㅊ'),
                ('ㄾ', 'ㅇ', 'ㅣ') => ('ㄹ', 'ㅊ'),
                ('ㄷ', 'ㅎ', 'ㅣ') => (' ', 'ㅊ'),
                _ => return None,
            },
            Self::Aspiration => match (last, first) {
                ('ㄷ', 'ㅎ') if b.vowel == 'ㅣ' => return None,
                (_, 'ㅎ') => match last {
                    'ㄱ' => (' ', 'ㅋ'),
                    'ㄷ' => (' ', 'ㅌ'),
                    'ㅂ' => (' ', 'ㅍ'),
                    'ㅈ' => (' ', 'ㅊ'),
                    'ㄺ' => ('ㄹ', 'ㅋ'),
                    'ㄼ' => ('ㄹ', 'ㅍ'),
                    'ㄵ' => ('ㄴ', 'ㅊ'),
                    _ => return None,
                },
                ('ㅎ' | 'ㄶ' | 'ㅀ', 'ㄱ' | 'ㄷ' | 'ㅈ') => {
                    let kept = match last {
                        'ㄶ' => 'ㄴ',
                        'ㅀ' => 'ㄹ',
                        _ => ' ',
                    };
                    let strong = match first {
                        'ㄱ' => 'ㅋ',
                        'ㄷ' => 'ㅌ',
                        _ => 'ㅊ',
                    };
                    (kept, strong)
                }
                _ => return None,
            },
            Self::Tensification => {
                stop(last).filter(|_| last != 'ㅎ')?;
                (
                    last,
                    hangul::shifted(first).filter(|_| "ㄱㄷㅂㅅㅈ".contains(first))?,
                )
            }
            Self::Liaison => return None,
        };
        Some((Syllable { last, ..a }, Syllable { first, ..b }))
    }
}

/// The stop a final consonant is pronounced as.
fn stop(last: char) -> Option<char> {
    match last {
        'ㄱ' | 'ㄲ' | 'ㅋ' | 'ㄳ' | 'ㄺ' => Some('ㄱ'),
        'ㄷ' | 'ㅅ' | 'ㅆ' | 'ㅈ' | 'ㅊ' | 'ㅌ' | 'ㅎ' => Some('ㄷ'),
        'ㅂ' | 'ㅍ' | 'ㅄ' | 'ㄿ' => Some('ㅂ'),
        _ => None,
    }
}

augmenter! {
    /// Spells words as they sound, at one place of each drawn word.
    ///
    /// # Reference
    /// National Institute of Korean Language, Standard Pronunciation, articles 12 to 20 and 23.
    words(min_char = 2) KoreanPhonetic = "korean_phonetic" {
        /// The rules used; all.
        rules: Vec<PhoneticRule> = PhoneticRule::ALL.to_vec(),
    }
}

impl TextAugmenter for KoreanPhonetic {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let mut found: Vec<(usize, char, char)> = Vec::new();
        self.words().each(doc, rng, |place, rng| {
            let token = &doc.tokens()[place];
            found.clear();
            let mut before: Option<(usize, Syllable)> = None;
            for (at, c) in doc.slice(token).char_indices() {
                let syllable = Syllable::of(c);
                if let (Some((place, a)), Some(b)) = (before, syllable) {
                    let sounds = self.rules.iter().filter_map(|rule| rule.apply(a, b));
                    found.extend(sounds.filter_map(|(a, b)| Some((place, a.char()?, b.char()?))));
                }
                before = syllable.map(|syllable| (at, syllable));
            }
            if let Some(&(place, a, b)) = one(rng, &found) {
                let start = token.start + place;
                // A syllable is three bytes of UTF-8.
                edits.build(start..start + 6, |out| out.extend([a, b]));
            }
            !found.is_empty()
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::step;

    #[test]
    fn every_rule() {
        for (rule, word, expected) in [
            (PhoneticRule::Liaison, "먹어", "머거"),
            (PhoneticRule::Liaison, "값이", "갑씨"),
            (PhoneticRule::Liaison, "많아", "마나"),
            (PhoneticRule::Liaison, "있어", "이써"),
            (PhoneticRule::Liaison, "좋아", "조아"),
            (PhoneticRule::Liaison, "굳이", "굳이"),
            (PhoneticRule::Liaison, "강아", "강아"),
            (PhoneticRule::Nasalisation, "국물", "궁물"),
            (PhoneticRule::Nasalisation, "십만", "심만"),
            (PhoneticRule::Nasalisation, "꽃눈", "꼰눈"),
            (PhoneticRule::Nasalisation, "종로", "종노"),
            (PhoneticRule::Liquidisation, "신라", "실라"),
            (PhoneticRule::Liquidisation, "칼날", "칼랄"),
            (PhoneticRule::Palatalisation, "굳이", "구지"),
            (PhoneticRule::Palatalisation, "같이", "가치"),
            (PhoneticRule::Palatalisation, "닫혀", "닫혀"),
            (PhoneticRule::Palatalisation, "닫히", "다치"),
            (PhoneticRule::Aspiration, "축하", "추카"),
            (PhoneticRule::Aspiration, "좋다", "조타"),
            (PhoneticRule::Aspiration, "많다", "만타"),
            (PhoneticRule::Tensification, "학교", "학꾜"),
            (PhoneticRule::Tensification, "산길", "산길"),
        ] {
            let phonetic = KoreanPhonetic {
                rules: vec![rule],
                ..Default::default()
            };
            assert_eq!(step(&phonetic, word, 0), expected, "{rule:?}");
        }
    }
}
