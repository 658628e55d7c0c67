//! Texts in class folders, one a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::read::Texts;
use crate::DataError;
use crate::folder::{self, Kind};
use crate::table::source::{MAX_FILE, fault};

const TEXTS: Kind = Kind {
    what: "texts",
    extensions: &["txt"],
};

/// Longest text of one file, in bytes.
const MOST: u64 = 16 << 20;

/// Whether a folder holds texts: `.txt` files in class folders, and no images there.
pub fn are_texts(root: &Path) -> bool {
    folder::below(root, &TEXTS).is_ok() && crate::image::images_below(root).is_err()
}

/// Reads the files of a folder; `train` refuses what cannot be trained on.
pub(super) fn read(root: &Path, train: bool) -> Result<Texts, DataError> {
    let found = folder::find(root, &TEXTS)?;
    if train {
        let items = found.items.iter().map(|file| (file.label, file.given));
        folder::check(root, &TEXTS, &found.classes, items)?;
    }
    let mut texts = Texts {
        classes: found.classes,
        ..Texts::default()
    };
    let mut left = MAX_FILE;
    for file in found.items {
        let text = text(&file.path, MOST.min(left))?;
        left -= text.len() as u64;
        texts.texts.push(text);
        texts.labels.push(file.label);
        texts.ids.push(file.id);
        texts.given.push(file.given);
    }
    Ok(texts)
}

/// Reads a file as one text of up to 16 MiB.
///
/// # Errors
/// [`DataError::PathMissing`], [`DataError::Io`], [`DataError::TableTooLarge`],
/// [`DataError::TableNotUtf8`].
pub fn one_text(path: &Path) -> Result<String, DataError> {
    text(path, MOST)
}

fn text(path: &Path, most: u64) -> Result<String, DataError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| fault(path, error))?;
    let read = file.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| fault(path, error))?;
    if bytes.len() as u64 > most {
        return Err(DataError::TableTooLarge {
            path: path.to_owned(),
            what: "the text's size in bytes, or that of all texts so far,",
            got: bytes.len() as u64,
            most,
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        DataError::TableNotUtf8 {
            path: path.to_owned(),
            line: 1 + good.iter().filter(|&&byte| byte == b'\n').count() as u64,
        }
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
