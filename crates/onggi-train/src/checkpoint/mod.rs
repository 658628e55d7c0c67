//! Checkpoints: what a training needs to go on as if it had never stopped.
//!
//! `RUN/checkpoint/` holds the newest two sets of files ([`set`]), each a folder named by a
//! number that counts up. A set that is torn or was edited is refused by name, and the one before it
//! is used.

pub(crate) mod exact;
mod set;
mod snapshot;
mod tensors;

pub use set::fingerprint;
pub(crate) use snapshot::{Counters, Snapshot};

use crate::TrainError;
use set::{Files, WriteFile};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Sets that are kept.
const KEPT: usize = 2;

/// Digits of a set's name.
const DIGITS: usize = 12;

/// The file that says, by its lock, that a process trains this run.
const LOCK: &str = ".lock";

/// Beginning of the names of sets that are being made or removed.
const TEMPORARY: &str = ".tmp-";

/// The folder of a run's checkpoints, held by this process alone.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    /// Locked until it is dropped or the process ends, however it ends.
    _lock: File,
}

/// The newest set that can be used.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) files: Option<Files>,
    /// Sets that were refused, with the reason: one sentence each.
    pub(crate) refused: Vec<String>,
}

impl Checkpoints {
    /// Makes the folder, if it is not there, and takes it for this process.
    ///
    /// # Errors
    /// A folder that another process holds, or that cannot be made.
    pub fn open(folder: &Path) -> Result<Self, TrainError> {
        fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
        let path = folder.join(LOCK);
        let lock = File::create(&path).map_err(TrainError::io(&path))?;
        // A file system without locks is no reason not to train.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(TrainError::File {
                path: folder.into(),
                reason: "another process is training this run; wait for it, or end it".into(),
            });
        }
        Ok(Self {
            folder: folder.into(),
            _lock: lock,
        })
    }

    /// Adds a set, and removes all but the newest two.
    ///
    /// # Errors
    /// A set that could not be written, as on a full disk. Those before are then untouched.
    pub(crate) fn save(&self, files: &Files) -> Result<(), TrainError> {
        self.save_by(files, &set::write_file)
    }

    fn save_by(&self, files: &Files, write_file: WriteFile<'_>) -> Result<(), TrainError> {
        let failed = |source| TrainError::Checkpoint {
            path: self.folder.clone(),
            source,
        };
        self.sweep().map_err(failed)?;
        let sets = self.sets().map_err(failed)?;
        let number = sets.last().map_or(1, |newest| newest + 1);
        let temporary = self.folder.join(format!("{TEMPORARY}{number}"));
        set::write(&self.path(number), &temporary, files, write_file).map_err(failed)?;
        // The new one included; what cannot be removed only takes room.
        for &old in sets.iter().rev().skip(KEPT - 1) {
            let aside = self.folder.join(format!("{TEMPORARY}old-{old}"));
            let _ = fs::rename(self.path(old), &aside).and_then(|()| fs::remove_dir_all(aside));
        }
        Ok(())
    }

    /// The newest set that can be used; none where there are no sets.
    ///
    /// # Errors
    /// Sets of which none can be used.
    pub(crate) fn load(&self) -> Result<Found, TrainError> {
        let sets = self.sets().map_err(TrainError::io(&self.folder))?;
        let mut found = Found::default();
        for &number in sets.iter().rev() {
            let path = self.path(number);
            match set::read(&path) {
                Ok(files) => {
                    found.files = Some(files);
                    return Ok(found);
                }
                Err(reason) => found
                    .refused
                    .push(format!("checkpoint {} refused: {reason}", path.display())),
            }
        }
        match found.refused.first() {
            None => Ok(found),
            Some(first) => Err(TrainError::File {
                path: self.folder.clone(),
                reason: format!(
                    "no checkpoint in it can be used ({first}); restore the folder, or remove it to \
                     train from the beginning"
                ),
            }),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:0DIGITS$}"))
    }

    /// The numbers of the sets, ascending.
    fn sets(&self) -> io::Result<Vec<u64>> {
        let mut sets = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if name.len() == DIGITS && name.bytes().all(|byte| byte.is_ascii_digit()) {
                sets.extend(name.parse::<u64>());
            }
        }
        sets.sort_unstable();
        Ok(sets)
    }

    /// Removes what a process that was ended left half made or half removed.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn files(content: &str) -> Files {
        let file = |name: &str| (name.to_string(), content.as_bytes().to_vec());
        Files::from([file("a"), file("b")])
    }

    fn open() -> (tempfile::TempDir, Checkpoints) {
        let dir = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(&dir.path().join("checkpoint")).unwrap();
        (dir, checkpoints)
    }

    #[test]
    fn the_newest_two_are_kept_and_the_newest_is_loaded() {
        let (_dir, checkpoints) = open();
        assert!(checkpoints.load().unwrap().files.is_none());
        for content in ["one", "two", "three"] {
            checkpoints.save(&files(content)).unwrap();
            assert_eq!(checkpoints.load().unwrap().files, Some(files(content)));
        }
        assert_eq!(checkpoints.sets().unwrap(), [2, 3]);
    }

    #[test]
    fn a_damaged_set_is_refused_by_name_and_the_one_before_it_used() {
        let (_dir, checkpoints) = open();
        checkpoints.save(&files("one")).unwrap();
        checkpoints.save(&files("two")).unwrap();
        fs::write(checkpoints.path(2).join("a"), "tow").unwrap();
        let found = checkpoints.load().unwrap();
        assert_eq!(found.files, Some(files("one")));
        let refused = &found.refused[..];
        assert!(
            refused.len() == 1 && refused[0].contains("000000000002 refused: `a` is not what"),
            "{refused:?}"
        );
        // The next is counted on from the refused one.
        checkpoints.save(&files("three")).unwrap();
        assert_eq!(checkpoints.sets().unwrap(), [2, 3]);

        for number in [2, 3] {
            fs::remove_file(checkpoints.path(number).join("b")).unwrap();
        }
        let error = checkpoints.load().unwrap_err().to_string();
        assert!(error.contains("no checkpoint in it can be used"), "{error}");
    }

    /// A disk with room for `n` bytes more, for every `n` that a set needs.
    #[test]
    fn a_full_disk_leaves_the_last_good_set() {
        let (_dir, checkpoints) = open();
        checkpoints.save(&files("good")).unwrap();
        let needed = Cell::new(0);
        let count = |path: &Path, bytes: &[u8]| {
            needed.set(needed.get() + bytes.len());
            set::write_file(path, bytes)
        };
        checkpoints.save_by(&files("full"), &count).unwrap();
        for room in 0..needed.get() {
            let left = Cell::new(room);
            let fill = |path: &Path, bytes: &[u8]| {
                let fits = bytes.len().min(left.get());
                left.set(left.get() - fits);
                set::write_file(path, &bytes[..fits])?;
                if fits < bytes.len() {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Ok(())
            };
            let error = checkpoints.save_by(&files("more"), &fill).unwrap_err();
            assert!(
                error.to_string().contains("the one before is intact"),
                "{error}"
            );
            assert_eq!(checkpoints.load().unwrap().files, Some(files("full")));
            assert_eq!(checkpoints.sets().unwrap(), [1, 2]);
        }
    }

    #[test]
    fn what_a_killed_process_left_is_swept() {
        let (_dir, checkpoints) = open();
        let torn = checkpoints.folder.join(".tmp-7");
        fs::create_dir(&torn).unwrap();
        fs::write(torn.join("a"), "half").unwrap();
        assert!(checkpoints.load().unwrap().files.is_none());
        checkpoints.save(&files("one")).unwrap();
        assert!(!torn.exists());
    }

    #[test]
    fn one_process_at_a_time() {
        let (dir, checkpoints) = open();
        let again = || Checkpoints::open(&dir.path().join("checkpoint"));
        let error = again().unwrap_err().to_string();
        assert!(error.contains("another process"), "{error}");
        drop(checkpoints);
        again().unwrap();
    }
}
