//! One set of files that belong together: written so that it is there whole or not at all, and read
//! only if every byte is the one that was written.
//!
//! A set is a folder. Writing makes it under a temporary name, flushes each file, then the manifest,
//! then the folder, renames it, and flushes the folder above. Whenever the process or the machine
//! stops, either the set is complete or it does not have its name yet.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// What the files of a set are called, and what they hold.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Version of the manifest.
const FORMAT: &str = "onggi-checkpoint-1";

/// The file that names all others.
pub(super) const MANIFEST: &str = "manifest.json";

/// Largest manifest that is read.
const MAX_MANIFEST: u64 = 1 << 16;

/// Most bytes that are read of one file.
const MAX_FILE: u64 = 16 << 30;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    files: BTreeMap<String, Entry>,
    /// Of `files` as compact JSON.
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    bytes: u64,
    sha256: String,
}

/// How a file is written and flushed; tests put a disk in its place that fills up.
pub(super) type WriteFile<'a> = &'a dyn Fn(&Path, &[u8]) -> io::Result<()>;

/// Writes a file to the disk itself, not only to its cache.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes `files` as the set `path`, through the folder `temporary` beside it. What a failure leaves
/// of `temporary` is removed.
pub(super) fn write(
    path: &Path,
    temporary: &Path,
    files: &Files,
    write_file: WriteFile<'_>,
) -> io::Result<()> {
    let written = write_folder(temporary, files, write_file)
        .and_then(|()| fs::rename(temporary, path))
        .and_then(|()| path.parent().map_or(Ok(()), sync_folder));
    written.inspect_err(|_| {
        let _ = fs::remove_dir_all(temporary);
    })
}

fn write_folder(folder: &Path, files: &Files, write_file: WriteFile<'_>) -> io::Result<()> {
    fs::create_dir(folder)?;
    let mut entries = BTreeMap::new();
    for (name, bytes) in files {
        write_file(&folder.join(name), bytes)?;
        let entry = Entry {
            bytes: bytes.len() as u64,
            sha256: fingerprint(bytes),
        };
        entries.insert(name.clone(), entry);
    }
    let manifest = Manifest {
        format: FORMAT.into(),
        sha256: fingerprint(&serde_json::to_vec(&entries)?),
        files: entries,
    };
    write_file(&folder.join(MANIFEST), &serde_json::to_vec(&manifest)?)?;
    sync_folder(folder)
}

/// Flushes a folder's list of names. Only Unix opens folders; elsewhere a rename is all there is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The files of a set.
///
/// # Errors
/// In words: what is missing, of another length, changed, or not the set's.
pub(super) fn read(folder: &Path) -> Result<Files, String> {
    let manifest = read_file(&folder.join(MANIFEST), MANIFEST, None)?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).map_err(|e| format!("`{MANIFEST}` is damaged: {e}"))?;
    if manifest.format != FORMAT {
        return Err(format!(
            "it is of format {}; {FORMAT} is read here",
            manifest.format
        ));
    }
    let listed = serde_json::to_vec(&manifest.files).map_err(|e| e.to_string())?;
    if fingerprint(&listed) != manifest.sha256 {
        return Err(format!("`{MANIFEST}` is damaged: its hash differs"));
    }
    for entry in fs::read_dir(folder).map_err(|e| e.to_string())? {
        let name = entry.map_err(|e| e.to_string())?.file_name();
        let name = name.to_string_lossy();
        if name != MANIFEST && !manifest.files.contains_key(&*name) {
            return Err(format!("`{name}` is not in `{MANIFEST}`"));
        }
    }
    let mut files = Files::new();
    for (name, entry) in manifest.files {
        // A name is no path: nothing outside of the folder is read.
        if Path::new(&name).file_name() != Some(name.as_ref()) {
            return Err(format!(
                "`{MANIFEST}` names `{name}`, which is no file name"
            ));
        }
        let bytes = read_file(&folder.join(&name), &name, Some(entry.bytes))?;
        if fingerprint(&bytes) != entry.sha256 {
            return Err(format!(
                "`{name}` is not what was written: its SHA-256 differs"
            ));
        }
        files.insert(name, bytes);
    }
    Ok(files)
}

/// Reads a regular file of `expected` bytes, or a manifest.
fn read_file(path: &Path, name: &str, expected: Option<u64>) -> Result<Vec<u8>, String> {
    let problem = |e: io::Error| format!("`{name}`: {e}");
    let found = fs::symlink_metadata(path).map_err(problem)?;
    if !found.is_file() {
        return Err(format!("`{name}` is no regular file"));
    }
    let most = expected.unwrap_or(MAX_MANIFEST).min(MAX_FILE);
    match expected {
        Some(bytes) if found.len() != bytes => {
            return Err(format!(
                "`{name}` has {} bytes of {bytes}: it was cut short or changed",
                found.len()
            ));
        }
        _ if found.len() > most => {
            return Err(format!(
                "`{name}` has {} bytes; at most {most} are read",
                found.len()
            ));
        }
        _ => {}
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(problem)?;
    file.take(most).read_to_end(&mut bytes).map_err(problem)?;
    Ok(bytes)
}

/// SHA-256, in hexadecimal: what a run's identity is made of.
pub fn fingerprint(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let file = |name: &str, bytes: &[u8]| (name.to_string(), bytes.to_vec());
        Files::from([file("a.bin", &[1, 2, 3, 4]), file("b.json", b"{\"x\": 1}")])
    }

    fn written() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set");
        write(&path, &dir.path().join("tmp"), &files(), &write_file).unwrap();
        (dir, path)
    }

    #[test]
    fn hashes_are_those_of_fips_180() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fingerprint(b"abc"), expected);
    }

    #[test]
    fn round_trip() {
        let (dir, path) = written();
        assert_eq!(read(&path).unwrap(), files());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// Each file cut at each length, and each byte changed.
    #[test]
    fn a_torn_or_edited_set_is_refused() {
        let (_dir, path) = written();
        for name in ["a.bin", "b.json", MANIFEST] {
            let file = path.join(name);
            let whole = fs::read(&file).unwrap();
            for len in 0..whole.len() {
                fs::write(&file, &whole[..len]).unwrap();
                assert!(read(&path).unwrap_err().contains(name), "{name} of {len}");
            }
            for at in 0..whole.len() {
                let mut edited = whole.clone();
                edited[at] ^= 1;
                fs::write(&file, &edited).unwrap();
                assert!(read(&path).is_err(), "{name} at {at}");
            }
            fs::remove_file(&file).unwrap();
            assert!(read(&path).unwrap_err().contains(name), "without {name}");
            fs::write(&file, &whole).unwrap();
        }
        fs::write(path.join("more"), "x").unwrap();
        assert!(read(&path).unwrap_err().contains("`more` is not in"));
    }

    #[test]
    fn a_manifest_does_not_lead_out_of_its_folder() {
        let (dir, path) = written();
        fs::write(dir.path().join("secret"), "x").unwrap();
        let entry = Entry {
            bytes: 1,
            sha256: fingerprint(b"x"),
        };
        let files = BTreeMap::from([("../secret".to_string(), entry)]);
        let manifest = Manifest {
            format: FORMAT.into(),
            sha256: fingerprint(&serde_json::to_vec(&files).unwrap()),
            files,
        };
        for name in ["a.bin", "b.json"] {
            fs::remove_file(path.join(name)).unwrap();
        }
        fs::write(path.join(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
        assert!(read(&path).unwrap_err().contains("no file name"));
    }
}
