//! The WordNet index embedded in the program: synonyms and antonyms by part of speech.
//!
//! `data/make_wordnet.py` builds it from WordNet 3.1 and describes its bytes.

use std::sync::LazyLock;

/// A part of speech.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Noun.
    Noun,
    /// Verb.
    Verb,
    /// Adjective.
    Adjective,
    /// Adverb.
    Adverb,
}

const PACKED: &[u8] = include_bytes!("../../../data/wordnet.bin");
/// Twice what it unpacks to.
const MOST: usize = 2 << 20;

/// Lemmas with their senses.
#[derive(Debug, Default)]
pub(crate) struct WordNet {
    letters: String,
    /// Where lemma `i` starts in `letters`; one more than there are lemmas.
    starts: Vec<u32>,
    members: Vec<u32>,
    synsets: Vec<u32>,
    /// Where the entries of lemma `i` start; one more than there are lemmas.
    firsts: Vec<u32>,
    entries: Vec<Entry>,
    /// Senses and antonyms of all entries.
    pool: Vec<u32>,
}

/// A lemma as one part of speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) part: Part,
    /// How often SemCor tags the lemma so, at most 255.
    pub(crate) tags: u8,
    senses: (u32, u32),
    antonyms: (u32, u32),
}

/// The index, unpacked at the first call (about 10 ms).
pub(crate) fn wordnet() -> &'static WordNet {
    static INDEX: LazyLock<WordNet> = LazyLock::new(|| {
        let bytes = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(PACKED, MOST);
        bytes
            .ok()
            .and_then(|bytes| parse(&bytes))
            .unwrap_or_default()
    });
    &INDEX
}

impl WordNet {
    /// The number of a lemma, in lower case.
    pub(crate) fn find(&self, lemma: &str) -> Option<u32> {
        let n = self.starts.len().saturating_sub(1);
        let (mut low, mut high) = (0, n);
        while low < high {
            let middle = low.midpoint(high);
            match self.lemma(middle as u32).cmp(lemma) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle as u32),
            }
        }
        None
    }

    /// The lemma of a number; empty for one that there is not.
    pub(crate) fn lemma(&self, number: u32) -> &str {
        slice(&self.starts, number)
            .and_then(|(from, to)| self.letters.get(from..to))
            .unwrap_or_default()
    }

    /// The parts of speech of a lemma.
    pub(crate) fn entries(&self, number: u32) -> &[Entry] {
        slice(&self.firsts, number)
            .and_then(|(from, to)| self.entries.get(from..to))
            .unwrap_or_default()
    }

    /// The entry of a lemma as one part of speech.
    pub(crate) fn entry(&self, lemma: &str, part: Part) -> Option<&Entry> {
        let entries = self.entries(self.find(lemma)?);
        entries.iter().find(|entry| entry.part == part)
    }

    /// The other lemmas of the first `senses` senses, each once, commonest sense first.
    pub(crate) fn synonyms(&self, lemma: &str, entry: &Entry, senses: usize) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let list = self.pool(entry.senses);
        for &sense in list.iter().take(senses).filter(|&&sense| sense > 0) {
            let members = slice(&self.synsets, sense - 1)
                .and_then(|(from, to)| self.members.get(from..to))
                .unwrap_or_default();
            for &member in members {
                let other = self.lemma(member);
                if other != lemma && !found.contains(&other) {
                    found.push(other);
                }
            }
        }
        found
    }

    /// The lemmas that mean the opposite.
    pub(crate) fn antonyms(&self, entry: &Entry) -> impl Iterator<Item = &str> {
        self.pool(entry.antonyms)
            .iter()
            .map(|&number| self.lemma(number))
    }

    fn pool(&self, (from, to): (u32, u32)) -> &[u32] {
        self.pool
            .get(from as usize..to as usize)
            .unwrap_or_default()
    }
}

fn slice(starts: &[u32], i: u32) -> Option<(usize, usize)> {
    let (from, to) = (starts.get(i as usize)?, starts.get(i as usize + 1)?);
    Some((*from as usize, *to as usize))
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(n)?;
        self.bytes = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn varint(&mut self) -> Option<u32> {
        let mut n = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            n |= u32::from(byte & 127) << shift;
            if byte < 128 {
                return Some(n);
            }
        }
        None
    }

    fn list(&mut self, out: &mut Vec<u32>) -> Option<(u32, u32)> {
        let from = out.len() as u32;
        for _ in 0..self.varint()? {
            out.push(self.varint()?);
        }
        Some((from, out.len() as u32))
    }
}

fn parse(bytes: &[u8]) -> Option<WordNet> {
    let mut reader = Reader { bytes };
    if reader.take(4)? != b"OWN1" {
        return None;
    }
    let mut index = WordNet::default();
    let lemmas = reader.u32()?;
    let mut last: Vec<u8> = Vec::new();
    index.starts.push(0);
    for _ in 0..lemmas {
        let (shared, more) = (reader.byte()?, reader.byte()?);
        last.truncate(usize::from(shared));
        last.extend_from_slice(reader.take(usize::from(more))?);
        index.letters.push_str(std::str::from_utf8(&last).ok()?);
        index.starts.push(index.letters.len() as u32);
    }
    index.synsets.push(0);
    for _ in 0..reader.u32()? {
        let (_, to) = reader.list(&mut index.members)?;
        index.synsets.push(to);
    }
    index.firsts.push(0);
    for _ in 0..lemmas {
        for _ in 0..reader.varint()? {
            let part = match reader.byte()? {
                0 => Part::Noun,
                1 => Part::Verb,
                2 => Part::Adjective,
                _ => Part::Adverb,
            };
            index.entries.push(Entry {
                part,
                tags: reader.byte()?,
                senses: reader.list(&mut index.pool)?,
                antonyms: reader.list(&mut index.pool)?,
            });
        }
        index.firsts.push(index.entries.len() as u32);
    }
    reader.bytes.is_empty().then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_whole() {
        let index = wordnet();
        // The figures the generator prints.
        assert_eq!(index.starts.len() - 1, 63_736);
        assert_eq!(index.synsets.len() - 1, 23_831);
        assert!(PACKED.len() <= 3 << 20);
        for lemma in ["quick", "run", "zymotic", "aardvark"] {
            assert_eq!(index.lemma(index.find(lemma).unwrap()), lemma);
        }
        assert_eq!(index.find("qqq"), None);
        assert_eq!(
            (index.lemma(u32::MAX), index.entries(u32::MAX)),
            ("", &[][..])
        );
    }

    #[test]
    fn synonyms_and_antonyms() {
        let index = wordnet();
        let entry = index.entry("car", Part::Noun).unwrap();
        let synonyms = index.synonyms("car", entry, 1);
        assert_eq!(synonyms, ["auto", "automobile", "machine", "motorcar"]);
        let good = index.entry("good", Part::Adjective).unwrap();
        assert_eq!(index.antonyms(good).next(), Some("bad"));
        let quickly = index.entry("quickly", Part::Adverb).unwrap();
        assert!(index.synonyms("quickly", quickly, 1).contains(&"rapidly"));
        assert!(index.entry("quickly", Part::Noun).is_none());
    }

    #[test]
    fn damaged_bytes_are_refused() {
        assert!(parse(b"OWN1").is_none());
        assert!(parse(b"OWN1\xff\xff\xff\xff").is_none());
        assert!(parse(b"nope\0\0\0\0").is_none());
    }
}
