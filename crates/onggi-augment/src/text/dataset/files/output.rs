//! A file that appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::fail;
use crate::AugmentError;

/// A file that is written under another name beside its own.
pub(super) struct Output {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Output {
    pub(super) fn create(path: &Path) -> Result<Self, AugmentError> {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(&temporary);
        let file = file.map_err(|error| fail(&temporary, error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
            file: Some(BufWriter::with_capacity(1 << 18, file)),
        })
    }

    /// Writes parts one after the other.
    pub(super) fn put(&mut self, parts: &[&[u8]]) -> Result<(), AugmentError> {
        let written = parts.iter().try_for_each(|part| self.write_all(part));
        written.map_err(|error| fail(&self.path, error.to_string()))
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self) -> Result<(), AugmentError> {
        let whole = self.file.take().map_or(Ok(()), |file| {
            let file = file.into_inner().map_err(|error| error.into_error())?;
            file.sync_all()?;
            fs::rename(&self.temporary, &self.path)
        });
        if whole.is_err() {
            let _ = fs::remove_file(&self.temporary);
        }
        whole.map_err(|error| fail(&self.path, error.to_string()))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        fs::write(&path, "old").unwrap();
        let mut dropped = Output::create(&path).unwrap();
        dropped.put(&[b"half"]).unwrap();
        drop(dropped);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let mut output = Output::create(&path).unwrap();
        output.put(&[b"ne", b"w"]).unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(Output::create(&folder.path().join("no/out.csv")).is_err());
    }
}
