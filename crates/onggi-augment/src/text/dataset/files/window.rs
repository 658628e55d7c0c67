//! A file as a window of bytes that grows until a row is whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::{MOST_ROW, fail};
use crate::AugmentError;

/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// A file, unpacked where it is packed, of which a part is in memory.
pub(super) struct Window {
    path: PathBuf,
    source: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    /// The first byte not taken.
    start: usize,
    whole: bool,
    /// The line of the first byte not taken, from 1.
    line: u64,
    /// Bytes of the file read, and its size.
    read: Arc<AtomicU64>,
    size: u64,
}

/// Counts the bytes that come from the file itself.
struct Counted(File, Arc<AtomicU64>);

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(bytes)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Window {
    pub(super) fn open(path: &Path, packed: bool) -> Result<Self, AugmentError> {
        let file = File::open(path).map_err(|error| fail(path, error.to_string()))?;
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let read = Arc::<AtomicU64>::default();
        let file = Counted(file, read.clone());
        let source: Box<dyn Read + Send> = match packed {
            true => Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(
                CHUNK, file,
            ))),
            false => Box::new(file),
        };
        Ok(Self {
            path: path.to_owned(),
            source,
            bytes: Vec::new(),
            start: 0,
            whole: false,
            line: 1,
            read,
            size,
        })
    }

    pub(super) fn fraction(&self) -> f64 {
        let read = self.read.load(Ordering::Relaxed);
        (read as f64 / self.size.max(1) as f64).min(1.0)
    }

    pub(super) fn fail(&self, reason: impl AsRef<str>) -> AugmentError {
        fail(
            &self.path,
            format!("line {}: {}", self.line, reason.as_ref()),
        )
    }

    /// The length of the next row as `find` gives it; `None` at the end. `find` is shown what is in
    /// memory and told whether that is all; it gives `None` where it needs more.
    pub(super) fn find(
        &mut self,
        mut find: impl FnMut(&[u8], bool) -> Option<usize>,
    ) -> Result<Option<usize>, AugmentError> {
        loop {
            let bytes = &self.bytes[self.start..];
            if bytes.is_empty() && self.whole {
                return Ok(None);
            }
            let found = find(bytes, self.whole).filter(|_| !bytes.is_empty());
            if found.unwrap_or(bytes.len()) > MOST_ROW {
                return Err(self.fail(format!(
                    "a row of more than {MOST_ROW} bytes: is a quote or a line end missing?"
                )));
            }
            if found.is_some() {
                return Ok(found);
            }
            if self.whole {
                return Err(self.fail("ends inside quotes: one is opened and never closed"));
            }
            self.more()?;
        }
    }

    /// The next `length` bytes.
    pub(super) fn peek(&self, length: usize) -> &[u8] {
        &self.bytes[self.start..self.start + length]
    }

    /// Takes the next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> &[u8] {
        let bytes = self
            .bytes
            .get(self.start..self.start + length)
            .unwrap_or_default();
        let ends = bytes.iter().filter(|&&byte| byte == b'\n').count();
        // Old line ends are a `\r` alone.
        let old = bytes.ends_with(b"\r");
        self.line += ends as u64 + u64::from(old);
        self.start += length;
        bytes
    }

    /// Reads on: at least as much again as is in memory, so that a long row is looked through a few
    /// times only.
    fn more(&mut self) -> Result<(), AugmentError> {
        self.bytes.drain(..self.start);
        self.start = 0;
        let wanted = self.bytes.len().max(CHUNK) as u64;
        let read = (&mut self.source).take(wanted).read_to_end(&mut self.bytes);
        let read = read.map_err(|error| fail(&self.path, error.to_string()))?;
        self.whole = (read as u64) < wanted;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn lines(bytes: &[u8], packed: bool) -> Result<Vec<String>, AugmentError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, bytes).unwrap();
        let mut window = Window::open(&path, packed)?;
        let mut found = Vec::new();
        while let Some(length) = window.find(|bytes, whole| {
            let end = bytes.iter().position(|&byte| byte == b'\n');
            end.map(|end| end + 1).or(whole.then_some(bytes.len()))
        })? {
            found.push(String::from_utf8_lossy(window.take(length)).into_owned());
        }
        assert_eq!(window.fraction(), 1.0);
        Ok(found)
    }

    #[test]
    fn rows_longer_than_a_chunk_and_packed_files() {
        let text = format!("a\n{}\nb", "x".repeat(3 * CHUNK));
        let rows = lines(text.as_bytes(), false).unwrap();
        assert_eq!(rows.concat(), text);
        assert_eq!(rows.len(), 3);
        // Two members, as `cat a.gz b.gz` makes.
        let mut packed = Vec::new();
        for part in ["one\ntw", "o\nthree"] {
            let mut encoder = GzEncoder::new(&mut packed, Compression::fast());
            encoder.write_all(part.as_bytes()).unwrap();
            encoder.finish().unwrap();
        }
        assert_eq!(lines(&packed, true).unwrap(), ["one\n", "two\n", "three"]);
        packed.truncate(packed.len() - 3);
        assert!(lines(&packed, true).is_err());
        assert!(lines(b"no gzip", true).is_err());
    }

    #[test]
    fn a_row_that_never_ends_is_refused() {
        let refusal = lines(&vec![b'x'; MOST_ROW + CHUNK], false).unwrap_err();
        assert!(refusal.to_string().contains("line 1: a row of more than"));
    }
}
