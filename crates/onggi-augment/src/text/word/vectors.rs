//! Word vectors from files of word2vec (text and binary), GloVe and fastText (`.vec`).
//!
//! The file is read once, from front to back, and its first words are kept: such files are sorted by
//! frequency. A memory map would spare the memory; mapping a file another program may cut short is
//! not safe in Rust, and this crate has no unsafe code.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};

use crate::AugmentError;

/// The nearest of a word, by word and number asked for.
type Known = HashMap<(u32, usize), Arc<[u32]>>;

/// Word vectors of length 1.
#[derive(Debug, Default)]
pub struct Vectors {
    words: Vec<String>,
    index: HashMap<String, u32>,
    size: usize,
    values: Vec<f32>,
    /// The nearest of words asked for before.
    known: Mutex<Known>,
}

/// Numbers a vector has at most.
const MOST_VALUES: usize = 4096;
/// Bytes a word has at most.
const MOST_BYTES: usize = 1024;
/// Words whose neighbours are remembered.
const MOST_KNOWN: usize = 65_536;

impl Vectors {
    /// Reads at most `most` words of a file; its kind is told from its first bytes.
    ///
    /// # Errors
    /// [`AugmentError::File`] where it cannot be read or is none of the kinds.
    pub fn read(path: &str, most: usize) -> Result<Self, AugmentError> {
        let fail = |reason: String| AugmentError::File {
            path: path.to_owned(),
            reason,
        };
        let file = File::open(path).map_err(|error| fail(error.to_string()))?;
        Self::parse(BufReader::with_capacity(1 << 20, file), most).map_err(fail)
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(crate) fn word(&self, number: usize) -> Option<&str> {
        self.words.get(number).map(String::as_str)
    }

    fn parse(mut file: impl BufRead, most: usize) -> Result<Self, String> {
        let mut found = Self::default();
        let mut line = Vec::new();
        read_line(&mut file, &mut line)?;
        let first = String::from_utf8_lossy(&line).into_owned();
        let header: Vec<usize> = first
            .split_whitespace()
            .map_while(|f| f.parse().ok())
            .collect();
        let is_header = header.len() == 2 && first.split_whitespace().count() == 2;
        if is_header {
            found.size = header[1];
            check_size(found.size)?;
            if is_binary(file.fill_buf().map_err(|error| error.to_string())?) {
                found.binary(&mut file, header[0].min(most))?;
                return Ok(found);
            }
        } else {
            found.line(&line)?;
        }
        while found.words.len() < most && read_line(&mut file, &mut line)? {
            found.line(&line)?;
        }
        if found.words.is_empty() {
            return Err("holds no word vector".to_owned());
        }
        Ok(found)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if text.is_empty() {
            return Ok(());
        }
        let number = self.words.len() + 1;
        let (word, rest) = text
            .split_once(' ')
            .ok_or(format!("word {number} has no vector"))?;
        let values: Vec<f32> = rest
            .split_ascii_whitespace()
            .map_while(|f| f.parse().ok())
            .collect();
        let fields = rest.split_ascii_whitespace().count();
        if self.size == 0 {
            self.size = values.len();
            check_size(self.size)?;
        }
        if values.len() != self.size || fields != self.size {
            return Err(format!(
                "word {number} (`{word}`) has a vector of {fields} fields, {} of them numbers, and \
                 the others have {}",
                values.len(),
                self.size
            ));
        }
        self.push(word, values);
        Ok(())
    }

    fn binary(&mut self, file: &mut impl BufRead, words: usize) -> Result<(), String> {
        let mut bytes = vec![0; self.size * 4];
        for number in 1..=words {
            let mut word = Vec::new();
            let most = MOST_BYTES as u64;
            file.take(most)
                .read_until(b' ', &mut word)
                .map_err(|error| error.to_string())?;
            if word.pop() != Some(b' ') {
                return Err(format!(
                    "word {number} is cut short or longer than {MOST_BYTES} bytes"
                ));
            }
            file.read_exact(&mut bytes)
                .map_err(|error| format!("vector {number}: {error}"))?;
            let values = bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&b| f32::from_le_bytes(b))
                .collect();
            self.push(
                String::from_utf8_lossy(&word).trim_start_matches('\n'),
                values,
            );
        }
        Ok(())
    }

    fn push(&mut self, word: &str, values: Vec<f32>) {
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        let usable = length.is_finite() && length > 0.0 && !word.is_empty();
        if usable && !self.index.contains_key(word) {
            self.index.insert(word.to_owned(), self.words.len() as u32);
            self.words.push(word.to_owned());
            self.values.extend(values.iter().map(|v| v / length));
        }
    }

    fn vector(&self, number: usize) -> &[f32] {
        self.values
            .get(number * self.size..(number + 1) * self.size)
            .unwrap_or_default()
    }

    /// The `k` words nearest to one by cosine, nearest first, itself in any case left out; none of a
    /// word that is not known as written or in lower case.
    pub fn nearest(&self, word: &str, k: usize) -> Vec<&str> {
        let number = self
            .index
            .get(word)
            .or_else(|| self.index.get(&word.to_lowercase()));
        let Some(&number) = number else {
            return Vec::new();
        };
        let known = self
            .known
            .lock()
            .ok()
            .and_then(|known| known.get(&(number, k)).cloned());
        let nearest = known.unwrap_or_else(|| {
            let nearest = self.search(number as usize, k);
            if let Ok(mut known) = self.known.lock()
                && known.len() < MOST_KNOWN
            {
                known.insert((number, k), nearest.clone());
            }
            nearest
        });
        nearest
            .iter()
            .map(|&other| self.words[other as usize].as_str())
            .collect()
    }

    fn search(&self, number: usize, k: usize) -> Arc<[u32]> {
        let query = self.vector(number);
        let own = self.words[number].to_lowercase();
        let mut scored: Vec<(f32, u32)> = (0..self.words.len())
            .map(|other| {
                let dot = self
                    .vector(other)
                    .iter()
                    .zip(query)
                    .map(|(a, b)| a * b)
                    .sum();
                (dot, other as u32)
            })
            .collect();
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        // A word has few spellings that differ in case alone.
        let kept = (k + 8).min(scored.len());
        if kept < scored.len() {
            scored.select_nth_unstable_by(kept, order);
            scored.truncate(kept);
        }
        scored.sort_unstable_by(order);
        let others = scored.into_iter().map(|(_, other)| other);
        others
            .filter(|&other| self.words[other as usize].to_lowercase() != own)
            .take(k)
            .collect()
    }
}

fn check_size(size: usize) -> Result<(), String> {
    match size {
        1..=MOST_VALUES => Ok(()),
        _ => Err(format!(
            "a vector has 1 to {MOST_VALUES} numbers, got {size}"
        )),
    }
}

/// Reads a line of at most 64 KiB; false at the end of the file.
fn read_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, String> {
    const MOST: u64 = 64 << 10;
    line.clear();
    let n = file
        .take(MOST)
        .read_until(b'\n', line)
        .map_err(|error| error.to_string())?;
    if n as u64 == MOST && line.last() != Some(&b'\n') {
        return Err("a line is longer than 64 KiB: is this a file of word vectors?".to_owned());
    }
    Ok(n > 0)
}

/// Whether what follows the first word is anything but a decimal number.
fn is_binary(start: &[u8]) -> bool {
    let Some(space) = start.iter().position(|&b| b == b' ') else {
        return true;
    };
    let rest = &start[space + 1..start.len().min(space + 33)];
    let end = rest
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(rest.len());
    let number = std::str::from_utf8(&rest[..end])
        .ok()
        .and_then(|field| field.parse::<f32>().ok());
    number.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOVE: &str = "jar 1 0 0\npot 0.9 0.1 0\nJar 1 0 0\ndog 0 1 0\ncat 0 0.9 0.2\n";

    fn check(vectors: &Vectors) {
        assert_eq!(vectors.len(), 5);
        assert_eq!(vectors.nearest("jar", 1), ["pot"]);
        assert_eq!(vectors.nearest("DOG", 2), ["cat", "pot"]);
        assert!(vectors.nearest("unknown", 2).is_empty());
    }

    #[test]
    fn every_kind_of_file() {
        check(&Vectors::parse(GLOVE.as_bytes(), 100).unwrap());
        check(&Vectors::parse(format!("5 3\n{GLOVE}").as_bytes(), 100).unwrap());
        for end in ["", "\n"] {
            let mut binary = b"5 3\n".to_vec();
            for line in GLOVE.lines() {
                let mut fields = line.split(' ');
                binary.extend(fields.next().unwrap().bytes());
                binary.push(b' ');
                for field in fields {
                    binary.extend(field.parse::<f32>().unwrap().to_le_bytes());
                }
                binary.extend(end.bytes());
            }
            check(&Vectors::parse(binary.as_slice(), 100).unwrap());
            let refusal = Vectors::parse(&binary[..binary.len() - 6], 100).unwrap_err();
            assert!(refusal.contains("vector 5"), "{refusal}");
        }
        assert_eq!(Vectors::parse(GLOVE.as_bytes(), 2).unwrap().len(), 2);
    }

    #[test]
    fn other_files_are_refused() {
        for (text, words) in [
            ("", "no word vector"),
            ("jar\n", "no vector"),
            ("jar 1 2\npot 1\n", "word 2"),
            ("jar 1 2\npot 1 x\n", "1 of them numbers"),
            ("2 0\n", "got 0"),
            ("2 99999999\n", "got 99999999"),
        ] {
            let refusal = Vectors::parse(text.as_bytes(), 9).unwrap_err();
            assert!(refusal.contains(words), "{text}: {refusal}");
        }
        assert!(Vectors::parse(vec![b'x'; 100_000].as_slice(), 9).is_err());
    }
}
