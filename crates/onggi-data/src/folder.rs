//! Finds the files of a data set that lies in class folders, and what class each belongs to.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{DataError, Split};

/// Deepest level of folders inside a folder of the root.
const MAX_DEPTH: usize = 16;

/// What files are looked for.
pub(crate) struct Kind {
    /// What errors call them.
    pub(crate) what: &'static str,
    /// Extensions taken, in lower case.
    pub(crate) extensions: &'static [&'static str],
}

impl Kind {
    fn takes(&self, path: &Path) -> bool {
        path.extension().is_some_and(|e| {
            self.extensions
                .iter()
                .any(|taken| e.eq_ignore_ascii_case(taken))
        })
    }
}

/// One file of a data set.
pub(crate) struct ClassFile {
    pub(crate) path: PathBuf,
    /// Its path below the data set's folder, with `/` on every system.
    pub(crate) id: String,
    pub(crate) label: usize,
    pub(crate) given: Split,
}

/// The files of a data set.
pub(crate) struct Found {
    /// Class names, sorted: the label is the position.
    pub(crate) classes: Vec<String>,
    /// The files, sorted by id.
    pub(crate) items: Vec<ClassFile>,
    /// Files that were ignored.
    pub(crate) ignored: usize,
}

/// A folder directly in the root that holds images at some depth.
struct Top {
    name: String,
    /// The files: path below this folder with `/`, and full path.
    files: Vec<(String, PathBuf)>,
}

impl Top {
    fn split(&self) -> Option<Split> {
        match self.name.to_lowercase().as_str() {
            "train" => Some(Split::Train),
            "val" | "valid" | "validation" => Some(Split::Val),
            "test" => Some(Split::Test),
            _ => None,
        }
    }

    fn has_folders(&self) -> bool {
        self.files.iter().any(|(name, _)| name.contains('/'))
    }
}

/// Finds the files of a kind: `<class>/<file>` or `<split>/<class>/<file>`.
pub(crate) fn find(root: &Path, kind: &Kind) -> Result<Found, DataError> {
    check_root(root, kind)?;
    let listing = list(root, kind)?;
    let mut ignored = listing.ignored;
    let mut tops = Vec::new();
    for (name, path) in listing.folders {
        let files = walk(&path, kind, &mut ignored)?;
        if !files.is_empty() {
            tops.push(Top { name, files });
        }
    }
    if tops.is_empty() {
        return Err(no_folders(root, kind, &listing.files, ignored));
    }
    ignored += listing.files.len();

    let (named, others): (Vec<&Top>, Vec<&Top>) =
        tops.iter().partition(|top| top.split().is_some());
    let split_layout = match (named.is_empty(), others.first()) {
        (false, None) => true,
        (false, Some(other)) if named.iter().any(|top| top.has_folders()) => {
            let other = other.name.clone();
            return Err(DataError::MixedFolders {
                path: root.to_owned(),
                what: kind.what,
                other,
            });
        }
        _ => false,
    };
    let (classes, mut items) = if split_layout {
        split_folders(root, kind, &named, &mut ignored)?
    } else {
        class_folders(&tops)
    };
    items.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(Found {
        classes,
        items,
        ignored,
    })
}

/// The files of a kind at any depth below `root`, sorted: path below it with `/`, and full path.
pub(crate) fn below(root: &Path, kind: &Kind) -> Result<Vec<(String, PathBuf)>, DataError> {
    check_root(root, kind)?;
    let mut ignored = 0;
    let files = walk(root, kind, &mut ignored)?;
    if files.is_empty() {
        return Err(no_folders(root, kind, &[], ignored));
    }
    Ok(files)
}

/// Sees that `root` is a folder.
fn check_root(root: &Path, kind: &Kind) -> Result<(), DataError> {
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(DataError::NotAFolder {
            path: root.to_owned(),
            what: kind.what,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DataError::PathMissing {
            path: root.to_owned(),
        }),
        Err(source) => Err(DataError::Io {
            path: root.to_owned(),
            source,
        }),
    }
}

/// Whether files can be trained on, given the class and part of each.
pub(crate) fn check(
    root: &Path,
    kind: &Kind,
    classes: &[String],
    items: impl ExactSizeIterator<Item = (usize, Split)>,
) -> Result<(), DataError> {
    if let [class] = classes {
        return Err(DataError::OneClassFolder {
            path: root.to_owned(),
            class: class.clone(),
            what: kind.what,
            count: items.len(),
        });
    }
    let mut counts = vec![0; classes.len()];
    let mut validation_given = false;
    for (label, given) in items {
        match given {
            Split::Train => counts[label] += 1,
            Split::Val => validation_given = true,
            Split::Test => {}
        }
    }
    let least = if validation_given { 1 } else { 2 };
    match counts.iter().position(|&count| count < least) {
        Some(label) => Err(DataError::SmallClass {
            path: root.to_owned(),
            class: classes[label].clone(),
            count: counts[label],
            least,
        }),
        None => Ok(()),
    }
}

/// The error for a root without folders that hold files.
fn no_folders(root: &Path, kind: &Kind, loose: &[(String, PathBuf)], ignored: usize) -> DataError {
    match loose.first() {
        Some((first, _)) => DataError::LooseFiles {
            path: root.to_owned(),
            what: kind.what,
            count: loose.len(),
            first: first.clone(),
        },
        None => DataError::NoFiles {
            path: root.to_owned(),
            what: kind.what,
            ignored,
            kinds: kind.extensions.join(", "),
        },
    }
}

/// `<class>/<file>`.
fn class_folders(tops: &[Top]) -> (Vec<String>, Vec<ClassFile>) {
    let classes = tops.iter().map(|top| top.name.clone()).collect();
    let items = tops.iter().enumerate().flat_map(|(label, top)| {
        top.files.iter().map(move |(name, path)| ClassFile {
            path: path.clone(),
            id: format!("{}/{name}", top.name),
            label,
            given: Split::Train,
        })
    });
    (classes, items.collect())
}

/// `<split>/<class>/<file>`.
fn split_folders(
    root: &Path,
    kind: &Kind,
    tops: &[&Top],
    ignored: &mut usize,
) -> Result<(Vec<String>, Vec<ClassFile>), DataError> {
    let mut parts: Vec<(Split, &Top)> = Vec::new();
    for top in tops {
        let Some(split) = top.split() else { continue };
        if !top.has_folders() {
            return Err(no_folders(&root.join(&top.name), kind, &top.files, 0));
        }
        if let Some((_, other)) = parts.iter().find(|(s, _)| *s == split) {
            let (first, second) = (other.name.clone(), top.name.clone());
            return Err(DataError::TwoSplitFolders {
                path: root.to_owned(),
                first,
                second,
                split,
            });
        }
        parts.push((split, top));
    }
    let Some((_, train)) = parts.iter().find(|(split, _)| *split == Split::Train) else {
        let names: Vec<_> = tops.iter().map(|top| format!("{}/", top.name)).collect();
        return Err(DataError::NoTrainFolder {
            path: root.to_owned(),
            what: kind.what,
            found: names.join(", "),
        });
    };
    let class_of = |name: &str| name.split_once('/').map(|(class, _)| class.to_owned());
    let classes: BTreeSet<String> = train
        .files
        .iter()
        .filter_map(|(name, _)| class_of(name))
        .collect();
    let classes: Vec<String> = classes.into_iter().collect();
    let mut items = Vec::new();
    for (split, top) in parts {
        for (name, path) in &top.files {
            let Some(class) = class_of(name) else {
                *ignored += 1;
                continue;
            };
            let Ok(label) = classes.binary_search(&class) else {
                return Err(DataError::ClassNotInTrain {
                    path: root.to_owned(),
                    class,
                    split,
                });
            };
            let id = format!("{}/{name}", top.name);
            items.push(ClassFile {
                path: path.clone(),
                id,
                label,
                given: split,
            });
        }
    }
    Ok((classes, items))
}

/// What lies directly in a folder, sorted by name.
struct Listing {
    folders: Vec<(String, PathBuf)>,
    files: Vec<(String, PathBuf)>,
    ignored: usize,
}

fn list(folder: &Path, kind: &Kind) -> Result<Listing, DataError> {
    let fail = |source| DataError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut listing = Listing {
        folders: Vec::new(),
        files: Vec::new(),
        ignored: 0,
    };
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().unwrap_or_default();
        // Follows links; a broken one counts as a file, so that decoding names it.
        let is_folder = fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        if name.as_encoded_bytes().starts_with(b".") || !(is_folder || kind.takes(&path)) {
            listing.ignored += 1;
            continue;
        }
        let Some(name) = name.to_str().map(str::to_owned) else {
            return Err(DataError::NotUtf8 { path });
        };
        if is_folder {
            listing.folders.push((name, path));
        } else {
            listing.files.push((name, path));
        }
    }
    listing.folders.sort_unstable();
    listing.files.sort_unstable();
    Ok(listing)
}

/// All files of a kind below a folder. Every real folder is entered once, which ends loops of links.
fn walk(
    folder: &Path,
    kind: &Kind,
    ignored: &mut usize,
) -> Result<Vec<(String, PathBuf)>, DataError> {
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    let mut queue = vec![(String::new(), folder.to_owned(), 0)];
    while let Some((prefix, path, depth)) = queue.pop() {
        let real = fs::canonicalize(&path).map_err(|source| DataError::Io {
            path: path.clone(),
            source,
        })?;
        if !seen.insert(real) {
            continue;
        }
        if depth > MAX_DEPTH {
            return Err(DataError::FolderTooDeep {
                path,
                what: kind.what,
                most: MAX_DEPTH,
            });
        }
        let listing = list(&path, kind)?;
        *ignored += listing.ignored;
        files.extend(
            listing
                .files
                .into_iter()
                .map(|(name, path)| (prefix.clone() + &name, path)),
        );
        // Last in, first out: reversed, so that of two links to one folder the first counts.
        for (name, path) in listing.folders.into_iter().rev() {
            queue.push((format!("{prefix}{name}/"), path, depth + 1));
        }
    }
    Ok(files)
}
