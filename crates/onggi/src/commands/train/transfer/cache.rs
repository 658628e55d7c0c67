//! Features of images on disk, by the content of the image: what was computed once is not computed again.
//!
//! A file holds the features of one backbone with one preprocessing: a line of text that says so, then records of
//! a key (SHA-256 of the image's bytes and of the view), the features as little-endian `f32`, and a checksum. A
//! file that is damaged anywhere is not read from there on; losing one costs time and nothing else.

use onggi_train::run::write_whole;
use onggi_train::{TrainError, fingerprint};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Where caches lie, if not in the user's folder; `off` for nowhere.
const PLACE: &str = "ONGGI_CACHE";

/// Largest file that is read or written, in bytes.
const MOST: usize = 1 << 30;

/// Bytes of a key and of a checksum.
const KEY: usize = 64;
const SUM: usize = 8;

/// Features by key.
#[derive(Debug)]
pub(super) struct Cache {
    /// `None` where nothing is kept.
    path: Option<PathBuf>,
    header: String,
    width: usize,
    rows: HashMap<String, Vec<f32>>,
    /// Whether there are rows that the file lacks.
    grown: bool,
}

impl Cache {
    /// The cache of rows of `width` numbers made by what `maker` describes.
    pub(super) fn open(maker: &str, width: usize) -> Self {
        Self::open_in(folder().as_deref(), maker, width)
    }

    fn open_in(folder: Option<&Path>, maker: &str, width: usize) -> Self {
        let name = fingerprint(maker.as_bytes());
        let header = format!("onggi features 1 {width} {name}\n");
        let path =
            folder.map(|folder| folder.join(format!("{}.features", &name[..name.len().min(32)])));
        let mut cache = Self {
            path,
            header,
            width,
            rows: HashMap::new(),
            grown: false,
        };
        cache.read();
        cache
    }

    pub(super) fn get(&self, key: &str) -> Option<&[f32]> {
        self.rows.get(key).map(Vec::as_slice)
    }

    pub(super) fn put(&mut self, key: String, row: Vec<f32>) {
        self.grown = true;
        self.rows.insert(key, row);
    }

    /// Writes the file, if there is something new.
    pub(super) fn save(&self) -> Result<(), TrainError> {
        let record = KEY + 4 * self.width + SUM;
        let bytes = self.header.len() + self.rows.len() * record;
        let Some(path) = self.path.as_ref().filter(|_| self.grown && bytes <= MOST) else {
            return Ok(());
        };
        if let Some(folder) = path.parent() {
            let failed = |source| TrainError::Io {
                path: folder.to_path_buf(),
                source,
            };
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut out = Vec::with_capacity(bytes);
        out.extend_from_slice(self.header.as_bytes());
        let mut keys: Vec<&String> = self.rows.keys().collect();
        keys.sort();
        for key in keys {
            let start = out.len();
            out.extend_from_slice(key.as_bytes());
            self.rows[key]
                .iter()
                .for_each(|v| out.extend(v.to_le_bytes()));
            let sum = checksum(&out[start..]);
            out.extend(sum);
        }
        write_whole(path, &out)
    }

    fn read(&mut self) {
        let Some(path) = &self.path else { return };
        let small = std::fs::metadata(path).is_ok_and(|found| found.len() <= MOST as u64);
        let Ok(bytes) = (if small { std::fs::read(path) } else { return }) else {
            return;
        };
        let Some(records) = bytes.strip_prefix(self.header.as_bytes()) else {
            return;
        };
        for record in records.chunks_exact(KEY + 4 * self.width + SUM) {
            let (body, sum) = record.split_at(record.len() - SUM);
            let (key, values) = body.split_at(KEY);
            let Ok(key) = std::str::from_utf8(key) else {
                return;
            };
            if checksum(body) != sum {
                return;
            }
            let (words, _) = values.as_chunks::<4>();
            let row = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
            self.rows.insert(key.to_owned(), row);
        }
    }
}

/// The key of the image with these `bytes`, looked at as `view` says.
pub(super) fn key(bytes: &[u8], view: &str) -> String {
    let image = fingerprint(bytes);
    let mut key = fingerprint(format!("{image} {view}").as_bytes());
    // As wide as a record has it, whatever the hash.
    key.truncate(KEY);
    format!("{key:0<KEY$}")
}

fn checksum(bytes: &[u8]) -> [u8; SUM] {
    let fold = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold).to_le_bytes()
}

/// The folder for caches: `$ONGGI_CACHE`, or `onggi` in `$XDG_CACHE_HOME` or `~/.cache`.
fn folder() -> Option<PathBuf> {
    let of = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    match of(PLACE) {
        Some(place) if place.as_os_str() == "off" => None,
        Some(place) => Some(place),
        None => {
            let home = || of("HOME").map(|home| home.join(".cache"));
            Some(of("XDG_CACHE_HOME").or_else(home)?.join("onggi"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(dir: &Path) -> Cache {
        let mut cache = Cache::open_in(Some(dir), "a model", 3);
        for i in 0..10u8 {
            cache.put(key(&[i], "eval"), vec![f32::from(i), 0.5, -1.0]);
        }
        cache.save().unwrap();
        cache
    }

    #[test]
    fn rows_come_back() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let cache = Cache::open_in(Some(dir.path()), "a model", 3);
        assert_eq!(cache.get(&key(&[7], "eval")), Some(&[7.0, 0.5, -1.0][..]));
        assert_eq!(cache.get(&key(&[7], "view 1")), None);
        assert!(
            Cache::open_in(Some(dir.path()), "another", 3)
                .rows
                .is_empty()
        );
        assert!(Cache::open_in(None, "a model", 3).rows.is_empty());
    }

    #[test]
    fn a_damaged_file_is_read_up_to_the_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = filled(dir.path()).path.unwrap();
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            std::fs::write(&path, &flipped).unwrap();
            let cache = Cache::open_in(Some(dir.path()), "a model", 3);
            assert!(cache.rows.len() < 10, "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(Cache::open_in(Some(dir.path()), "a model", 3).rows.len() < 10);
        }
    }
}
