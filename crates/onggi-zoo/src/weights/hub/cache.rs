//! The cache's folders, as `huggingface_hub` lays them out.

use super::{HubFile, WeightsError, is_hash};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The repository's folder.
fn folder(cache: &Path, file: &HubFile) -> PathBuf {
    cache.join(format!("models--{}", file.repo.replace('/', "--")))
}

/// The file of the newest commit known of the revision.
pub(super) fn find(cache: &Path, file: &HubFile) -> Option<PathBuf> {
    let folder = folder(cache, file);
    let mut commit = String::new();
    if is_hash(file.revision, 40) {
        commit.push_str(file.revision);
    } else {
        let reference = File::open(folder.join("refs").join(file.revision)).ok()?;
        reference.take(64).read_to_string(&mut commit).ok()?;
    }
    let commit = commit.trim();
    let path = folder.join("snapshots").join(commit).join(file.file);
    (is_hash(commit, 40) && path.is_file()).then_some(path)
}

/// Of a file's content, in hexadecimal.
pub(super) fn sha256(path: &Path) -> Result<String, WeightsError> {
    let mut file = File::open(path).map_err(WeightsError::io(path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(WeightsError::io(path))? {
            0 => break,
            len => hash.update(&buffer[..len]),
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Where a download goes, for this process alone.
pub(super) struct Place {
    folder: PathBuf,
    etag: String,
    /// The content, by the hub's name for it.
    pub(super) blob: PathBuf,
    /// What is there of it.
    pub(super) partial: PathBuf,
    /// Held while this lives.
    _lock: File,
}

impl Place {
    /// Waits for another process that downloads the same, Python's too.
    pub(super) fn lock(cache: &Path, file: &HubFile, etag: &str) -> Result<Self, WeightsError> {
        let folder = folder(cache, file);
        let blobs = folder.join("blobs");
        let locks = cache
            .join(".locks")
            .join(folder.file_name().unwrap_or_default());
        for folder in [&blobs, &locks] {
            fs::create_dir_all(folder).map_err(WeightsError::io(folder))?;
        }
        let path = locks.join(format!("{etag}.lock"));
        let lock = File::create(&path).map_err(WeightsError::io(&path))?;
        match lock.lock() {
            // Some network folders have no locks.
            Err(error) if error.kind() != ErrorKind::Unsupported => {
                return Err(WeightsError::io(&path)(error));
            }
            _ => {}
        }
        Ok(Self {
            blob: blobs.join(etag),
            partial: blobs.join(format!("{etag}.incomplete")),
            etag: etag.into(),
            folder,
            _lock: lock,
        })
    }

    /// Removes what was downloaded.
    pub(super) fn discard(&self) -> Result<(), WeightsError> {
        fs::remove_file(&self.partial).map_err(WeightsError::io(&self.partial))
    }

    /// Gives the content its names: the blob, the file in the commit's snapshot, the revision's commit.
    pub(super) fn publish(&self, file: &HubFile, commit: &str) -> Result<PathBuf, WeightsError> {
        if self.partial.is_file() {
            fs::rename(&self.partial, &self.blob).map_err(WeightsError::io(&self.blob))?;
        }
        let path = self.folder.join("snapshots").join(commit).join(file.file);
        make_parent(&path)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(WeightsError::io(&path)(error));
            }
            _ => {}
        }
        // Relative, so that the cache can be moved.
        let up = "../".repeat(file.file.split('/').count() + 1);
        let target = PathBuf::from(format!("{up}blobs/{}", self.etag));
        link(&target, &self.blob, &path).map_err(WeightsError::io(&path))?;
        if file.revision != commit {
            let reference = self.folder.join("refs").join(file.revision);
            make_parent(&reference)?;
            fs::write(&reference, commit).map_err(WeightsError::io(&reference))?;
        }
        Ok(path)
    }
}

fn make_parent(path: &Path) -> Result<(), WeightsError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(WeightsError::io(parent))
}

/// Symbolic where there are such links, else hard, else a copy.
fn link(target: &Path, blob: &Path, path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::symlink(target, path).is_ok() {
        return Ok(());
    }
    #[cfg(not(unix))]
    let _ = target;
    fs::hard_link(blob, path).or_else(|_| fs::copy(blob, path).map(drop))
}
