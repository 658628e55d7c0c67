//! A file of rows: opened with a bound on its size, gzip undone, and the line a byte lies in.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::DataError;

/// Largest file, in bytes, unpacked.
pub(crate) const MAX_FILE: u64 = 1 << 30;

/// Reads up to [`MAX_FILE`] bytes, and fails at the next: a small file may unpack to any size.
pub(crate) struct Bounded {
    inner: Box<dyn Read>,
    read: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read += n as u64;
        if self.read > MAX_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(n)
    }
}

/// Opens a file; one whose name ends in `.gz` is unpacked.
///
/// # Errors
/// [`DataError::PathMissing`], [`DataError::NotATable`], [`DataError::TableTooLarge`], [`DataError::Io`].
pub(crate) fn open(path: &Path) -> Result<BufReader<Bounded>, DataError> {
    check(path)?;
    Ok(BufReader::new(
        unpacked(path).map_err(|error| fault(path, error))?,
    ))
}

/// An error unless the path is that of a plain file of up to [`MAX_FILE`] bytes.
pub(crate) fn check(path: &Path) -> Result<(), DataError> {
    let metadata = fs::metadata(path).map_err(|error| fault(path, error))?;
    if !metadata.is_file() {
        return Err(DataError::NotATable {
            path: path.to_owned(),
        });
    }
    if metadata.len() > MAX_FILE {
        return Err(too_large(path, metadata.len()));
    }
    Ok(())
}

fn unpacked(path: &Path) -> io::Result<Bounded> {
    let file = File::open(path)?;
    let packed = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    let inner: Box<dyn Read> = if packed {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(file)
    };
    Ok(Bounded { inner, read: 0 })
}

fn too_large(path: &Path, got: u64) -> DataError {
    DataError::TableTooLarge {
        path: path.to_owned(),
        what: "the file's size in bytes",
        got,
        most: MAX_FILE,
    }
}

/// What the operating system, or [`Bounded`], would not read.
pub(crate) fn fault(path: &Path, source: io::Error) -> DataError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => DataError::PathMissing { path },
        io::ErrorKind::FileTooLarge => too_large(&path, MAX_FILE + 1),
        _ => DataError::Io { path, source },
    }
}

/// The extension of a file's name in lower case, that before `.gz` where it ends so; empty for none.
pub(crate) fn extension(path: &Path) -> String {
    let of = |path: &Path| {
        let extension = path.extension().and_then(|e| e.to_str());
        extension.unwrap_or_default().to_lowercase()
    };
    match of(path) {
        gz if gz == "gz" => path
            .file_stem()
            .map_or_else(String::new, |stem| of(Path::new(stem))),
        other => other,
    }
}

/// The line, from 1, of the first record at or after a byte. Counted anew for an error: the reader's
/// own count passes over blank lines and stumbles over CR LF.
pub(crate) fn line_at(path: &Path, offset: u64) -> u64 {
    let Ok(file) = unpacked(path) else { return 1 };
    let (mut line, mut after_cr) = (1, false);
    for (i, byte) in (0u64..).zip(BufReader::new(file).bytes()) {
        match byte {
            // One line end, counted at the CR.
            Ok(b'\n') if after_cr => {}
            Ok(b'\n' | b'\r') => line += 1,
            Ok(_) if i < offset => {}
            _ => break,
        }
        after_cr = matches!(byte, Ok(b'\r'));
    }
    line
}

/// What lies in the buffer before anything is read.
pub(crate) fn start<'f>(
    path: &Path,
    file: &'f mut BufReader<Bounded>,
) -> Result<&'f [u8], DataError> {
    file.fill_buf().map_err(|error| fault(path, error))
}
