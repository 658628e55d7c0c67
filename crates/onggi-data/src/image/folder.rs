//! Finds the images of a folder and what class each belongs to.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{DataError, Split, SplitMap, SplitSample};

/// Extensions taken for images, in lower case. What a file really is, decoding finds out.
const EXTENSIONS: [&str; 8] = ["bmp", "jfif", "jpeg", "jpg", "png", "tif", "tiff", "webp"];
/// Deepest level of folders inside a folder of the root.
const MAX_DEPTH: usize = 16;

/// One image of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageItem {
    /// The file.
    pub path: PathBuf,
    /// Its path below the data set's folder, with `/` on every system: unique, for `split.json`.
    pub id: String,
    /// Its class: a position in [`ImageFolder::classes`].
    pub label: usize,
    /// The split folder it lies in; [`Split::Train`] where there are none.
    pub given: Split,
}

/// The images of a folder of class folders.
///
/// Two layouts are read: `<class>/<image>` and `<split>/<class>/<image>`, the split folders being
/// `train`, `val` (or `valid`, `validation`) and `test`, in any case. Folders inside a class folder
/// belong to the class, symbolic links are followed once. A `train` folder that holds images
/// directly, beside folders of other names, is a class of that name.
///
/// Files that are hidden or no images by their extension (bmp, jfif, jpeg, jpg, png, tif, tiff,
/// webp), and images beside class folders, are counted and otherwise ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFolder {
    /// The folder scanned.
    pub root: PathBuf,
    /// Class names, sorted: the label is the position.
    pub classes: Vec<String>,
    /// The images, sorted by [`ImageItem::id`].
    pub items: Vec<ImageItem>,
    /// Files that were ignored.
    pub ignored: usize,
}

/// A folder directly in the root that holds images at some depth.
struct Top {
    name: String,
    /// The images: path below this folder with `/`, and full path.
    images: Vec<(String, PathBuf)>,
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
        self.images.iter().any(|(name, _)| name.contains('/'))
    }
}

impl ImageFolder {
    /// Finds the images of `root` and [checks](ImageFolder::check) that they can be trained on.
    ///
    /// # Errors
    /// One variant a fault: [`DataError::PathMissing`], [`DataError::NotAFolder`],
    /// [`DataError::NoImages`], [`DataError::LooseImages`], [`DataError::OneClassFolder`],
    /// [`DataError::SmallClass`], [`DataError::NoTrainFolder`], [`DataError::MixedFolders`],
    /// [`DataError::TwoSplitFolders`], [`DataError::ClassNotInTrain`], [`DataError::FolderTooDeep`],
    /// [`DataError::NotUtf8`], and [`DataError::Io`] for a folder that cannot be read.
    pub fn scan(root: &Path) -> Result<Self, DataError> {
        let folder = Self::find(root)?;
        folder.check()?;
        Ok(folder)
    }

    /// Finds the images of `root`, whether or not they can be trained on: for measuring a model on
    /// images that need not hold all of its classes.
    ///
    /// # Errors
    /// Those of [`ImageFolder::scan`] that say the folder cannot be understood.
    pub fn find(root: &Path) -> Result<Self, DataError> {
        check_folder(root)?;
        let listing = list(root)?;
        let mut ignored = listing.ignored;
        let mut tops = Vec::new();
        for (name, path) in listing.folders {
            let images = walk(&path, &mut ignored)?;
            if !images.is_empty() {
                tops.push(Top { name, images });
            }
        }
        if tops.is_empty() {
            return Err(no_folders(root, &listing.images, ignored));
        }
        ignored += listing.images.len();

        let (named, others): (Vec<&Top>, Vec<&Top>) =
            tops.iter().partition(|top| top.split().is_some());
        let split_layout = match (named.is_empty(), others.first()) {
            (false, None) => true,
            (false, Some(other)) if named.iter().any(|top| top.has_folders()) => {
                let other = other.name.clone();
                return Err(DataError::MixedFolders {
                    path: root.to_owned(),
                    other,
                });
            }
            _ => false,
        };
        let (classes, mut items) = if split_layout {
            split_folders(root, &named, &mut ignored)?
        } else {
            class_folders(&tops)
        };
        items.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(Self {
            root: root.to_owned(),
            classes,
            items,
            ignored,
        })
    }

    /// Whether the items can be trained on: to be asked again after items were taken out.
    ///
    /// # Errors
    /// [`DataError::OneClassFolder`] with fewer than two classes; [`DataError::SmallClass`] for a
    /// class with fewer than two images outside of validation and test, or with none where a
    /// validation folder is given.
    pub fn check(&self) -> Result<(), DataError> {
        if let [class] = self.classes.as_slice() {
            return Err(DataError::OneClassFolder {
                path: self.root.clone(),
                class: class.clone(),
                count: self.items.len(),
            });
        }
        let mut counts = vec![0; self.classes.len()];
        let mut validation_given = false;
        for item in &self.items {
            match item.given {
                Split::Train => counts[item.label] += 1,
                Split::Val => validation_given = true,
                Split::Test => {}
            }
        }
        let least = if validation_given { 1 } else { 2 };
        match counts.iter().position(|&count| count < least) {
            Some(label) => Err(DataError::SmallClass {
                path: self.root.clone(),
                class: self.classes[label].clone(),
                count: counts[label],
                least,
            }),
            None => Ok(()),
        }
    }

    /// The items as [`SplitMap::cut`] takes them.
    pub fn split_samples(&self) -> Vec<SplitSample<'_>> {
        self.items
            .iter()
            .map(|item| SplitSample {
                id: &item.id,
                label: item.label,
                given: item.given,
            })
            .collect()
    }

    /// The items of one part, in their order.
    ///
    /// # Errors
    /// [`DataError::SplitUnknown`] where the map names an image that is not there.
    pub fn select(&self, map: &SplitMap, split: Split) -> Result<Vec<ImageItem>, DataError> {
        let ids: Vec<&str> = self.items.iter().map(|item| item.id.as_str()).collect();
        let indices = map.indices(split, &ids)?;
        Ok(indices.into_iter().map(|i| self.items[i].clone()).collect())
    }
}

/// The images at any depth below `root`, sorted: path below it with `/`, and full path.
///
/// # Errors
/// [`DataError::PathMissing`], [`DataError::NotAFolder`], [`DataError::NoImages`],
/// [`DataError::FolderTooDeep`], [`DataError::NotUtf8`], and [`DataError::Io`] for a folder that cannot
/// be read.
pub fn images_below(root: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    check_folder(root)?;
    let mut ignored = 0;
    let images = walk(root, &mut ignored)?;
    if images.is_empty() {
        return Err(no_folders(root, &[], ignored));
    }
    Ok(images)
}

/// Sees that `root` is a folder.
fn check_folder(root: &Path) -> Result<(), DataError> {
    let path = || root.to_owned();
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(DataError::NotAFolder { path: path() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(DataError::PathMissing { path: path() })
        }
        Err(source) => Err(DataError::Io {
            path: path(),
            source,
        }),
    }
}

/// The error for a root without folders that hold images.
fn no_folders(root: &Path, loose: &[(String, PathBuf)], ignored: usize) -> DataError {
    match loose.first() {
        Some((first, _)) => DataError::LooseImages {
            path: root.to_owned(),
            count: loose.len(),
            first: first.clone(),
        },
        None => DataError::NoImages {
            path: root.to_owned(),
            ignored,
            kinds: EXTENSIONS.join(", "),
        },
    }
}

/// `<class>/<image>`.
fn class_folders(tops: &[Top]) -> (Vec<String>, Vec<ImageItem>) {
    let classes = tops.iter().map(|top| top.name.clone()).collect();
    let items = tops.iter().enumerate().flat_map(|(label, top)| {
        top.images.iter().map(move |(name, path)| ImageItem {
            path: path.clone(),
            id: format!("{}/{name}", top.name),
            label,
            given: Split::Train,
        })
    });
    (classes, items.collect())
}

/// `<split>/<class>/<image>`.
fn split_folders(
    root: &Path,
    tops: &[&Top],
    ignored: &mut usize,
) -> Result<(Vec<String>, Vec<ImageItem>), DataError> {
    let mut parts: Vec<(Split, &Top)> = Vec::new();
    for top in tops {
        let Some(split) = top.split() else { continue };
        if !top.has_folders() {
            return Err(no_folders(&root.join(&top.name), &top.images, 0));
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
            found: names.join(", "),
        });
    };
    let class_of = |name: &str| name.split_once('/').map(|(class, _)| class.to_owned());
    let classes: BTreeSet<String> = train
        .images
        .iter()
        .filter_map(|(name, _)| class_of(name))
        .collect();
    let classes: Vec<String> = classes.into_iter().collect();
    let mut items = Vec::new();
    for (split, top) in parts {
        for (name, path) in &top.images {
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
            items.push(ImageItem {
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
    images: Vec<(String, PathBuf)>,
    ignored: usize,
}

fn list(folder: &Path) -> Result<Listing, DataError> {
    let fail = |source| DataError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut listing = Listing {
        folders: Vec::new(),
        images: Vec::new(),
        ignored: 0,
    };
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().unwrap_or_default();
        // Follows links; a broken one counts as a file, so that decoding names it.
        let is_folder = fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        if name.as_encoded_bytes().starts_with(b".") || !(is_folder || is_image(&path)) {
            listing.ignored += 1;
            continue;
        }
        let Some(name) = name.to_str().map(str::to_owned) else {
            return Err(DataError::NotUtf8 { path });
        };
        if is_folder {
            listing.folders.push((name, path));
        } else {
            listing.images.push((name, path));
        }
    }
    listing.folders.sort_unstable();
    listing.images.sort_unstable();
    Ok(listing)
}

fn is_image(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| EXTENSIONS.iter().any(|taken| e.eq_ignore_ascii_case(taken)))
}

/// All images below a folder. Every real folder is entered once, which ends loops of links.
fn walk(folder: &Path, ignored: &mut usize) -> Result<Vec<(String, PathBuf)>, DataError> {
    let mut seen = HashSet::new();
    let mut images = Vec::new();
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
                most: MAX_DEPTH,
            });
        }
        let listing = list(&path)?;
        *ignored += listing.ignored;
        images.extend(
            listing
                .images
                .into_iter()
                .map(|(name, path)| (prefix.clone() + &name, path)),
        );
        // Last in, first out: reversed, so that of two links to one folder the first counts.
        for (name, path) in listing.folders.into_iter().rev() {
            queue.push((format!("{prefix}{name}/"), path, depth + 1));
        }
    }
    Ok(images)
}

#[cfg(test)]
pub(super) mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    /// A folder of test images that goes with the test.
    pub(in crate::image) struct Folder(tempfile::TempDir);

    impl Folder {
        pub(in crate::image) fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        pub(in crate::image) fn path(&self) -> &Path {
            self.0.path()
        }

        fn place(&self, name: &str) -> PathBuf {
            let path = self.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        }

        pub(in crate::image) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.place(name);
            fs::write(&path, bytes).unwrap();
            path
        }

        pub(in crate::image) fn grey(&self, name: &str, height: u32, width: u32) -> PathBuf {
            let path = self.place(name);
            let pixel = |x, y| Luma([(x * 7 + y * 13) as u8]);
            GrayImage::from_fn(width, height, pixel)
                .save(&path)
                .unwrap();
            path
        }

        pub(in crate::image) fn rgb(&self, name: &str, height: u32, width: u32) -> PathBuf {
            let path = self.place(name);
            let pixel = |x, y| Rgb([x as u8, y as u8, (x + y) as u8]);
            RgbImage::from_fn(width, height, pixel).save(&path).unwrap();
            path
        }

        /// Empty files: scanning looks at names only.
        fn touch(&self, names: &[&str]) {
            for name in names {
                self.file(name, b"");
            }
        }
    }

    pub(in crate::image) fn item(path: &Path, label: usize) -> ImageItem {
        let id = path.display().to_string();
        ImageItem {
            path: path.to_owned(),
            id,
            label,
            given: Split::Train,
        }
    }

    fn scan(names: &[&str]) -> Result<ImageFolder, String> {
        let folder = Folder::new();
        folder.touch(names);
        let root = folder.path().display().to_string();
        ImageFolder::scan(folder.path()).map_err(|e| e.to_string().replace(&root, "ROOT"))
    }

    fn ids(folder: &ImageFolder) -> Vec<(&str, usize, Split)> {
        folder
            .items
            .iter()
            .map(|i| (i.id.as_str(), i.label, i.given))
            .collect()
    }

    #[test]
    fn class_folders_sorted_and_recursive() {
        let found = scan(&[
            "dog/b.PNG",
            "dog/a.jpeg",
            "cat/deep/er/x.webp",
            "cat/y.tiff",
            "readme.txt",
            "cat/.hidden.png",
            ".git/z.png",
            "cat/notes.csv",
            "empty/notes.txt",
            "preview.png",
        ])
        .unwrap();
        assert_eq!(found.classes, ["cat", "dog"]);
        let train = Split::Train;
        assert_eq!(
            ids(&found),
            [
                ("cat/deep/er/x.webp", 0, train),
                ("cat/y.tiff", 0, train),
                ("dog/a.jpeg", 1, train),
                ("dog/b.PNG", 1, train),
            ]
        );
        assert_eq!(found.ignored, 6);
    }

    #[test]
    fn split_folders_in_every_spelling() {
        for val in ["val", "valid", "Validation"] {
            let in_val = format!("{val}/b/3.png");
            let found = scan(&[
                "train/a/1.png",
                "train/loose.txt",
                "train/b/2.png",
                &in_val,
                "test/a/4.png",
            ])
            .unwrap();
            assert_eq!(found.classes, ["a", "b"]);
            let got: Vec<_> = found.items.iter().map(|i| (i.label, i.given)).collect();
            assert!(got.contains(&(0, Split::Train)) && got.contains(&(1, Split::Train)));
            assert!(got.contains(&(1, Split::Val)) && got.contains(&(0, Split::Test)));
        }
    }

    #[test]
    fn a_class_may_be_called_train() {
        let found = scan(&["bus/1.png", "bus/2.png", "train/1.png", "train/2.png"]).unwrap();
        assert_eq!(found.classes, ["bus", "train"]);
    }

    #[test]
    fn every_fault_is_one_clear_line() {
        let two = ["a/1.png", "a/2.png", "b/1.png", "b/2.png"];
        assert!(scan(&two).is_ok());
        let cases: [(&[&str], &str); 12] = [
            (
                &[],
                "ROOT: no images found (0 other files); expected one folder a class with bmp, \
                   jfif, jpeg, jpg, png, tif, tiff, webp files",
            ),
            (
                &["a/x.txt", "y.gif"],
                "ROOT: no images found (2 other files); expected",
            ),
            (
                &["1.png", "2.jpg"],
                "ROOT: 2 images lie outside of class folders (first: 1.png)",
            ),
            (
                &["a/1.png", "a/2.png", "a/3.png"],
                "ROOT: found one class only, `a` (3 images); a classifier needs at least 2",
            ),
            (
                &["a/1.png", "b/1.png", "b/2.png"],
                "ROOT: class `a` has 1 of at least 2 training samples; add samples",
            ),
            (
                &[
                    "train/a/1.png",
                    "train/b/1.png",
                    "train/b/2.png",
                    "test/a/2.png",
                ],
                "ROOT: class `a` has 1 of at least 2 training samples; add samples",
            ),
            (
                &["train/a/1.png", "train/b/1.png", "val/c/1.png"],
                "ROOT: class `c` is in val but not in train",
            ),
            (
                &["train/1.png", "test/a/1.png"],
                "ROOT/train: 1 images lie outside of class folders (first: 1.png)",
            ),
            (
                &["test/a/1.png", "val/a/1.png"],
                "ROOT: found test/, val/ but no train/",
            ),
            (
                &["train/a/1.png", "train/b/1.png", "more/a/1.png"],
                "ROOT: train/, val/ or test/ lie beside other folders with images (more)",
            ),
            (
                &["train/a/1.png", "val/a/1.png", "valid/a/1.png"],
                "ROOT: val/ and valid/ both name the val split",
            ),
            (
                &[
                    "a/1.png",
                    "b/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/1.png",
                ],
                "more than 16 folders deep",
            ),
        ];
        for (names, words) in cases {
            let refusal = scan(names).unwrap_err();
            assert!(refusal.contains(words), "{names:?}: {refusal}");
            assert!(!refusal.contains('\n'), "{refusal}");
        }
        let folder = Folder::new();
        let file = folder.file("x.png", b"");
        assert!(matches!(
            ImageFolder::scan(&file),
            Err(DataError::NotAFolder { .. })
        ));
        let missing = ImageFolder::scan(&folder.path().join("no"))
            .unwrap_err()
            .to_string();
        assert!(
            missing.ends_with("no: no such file or folder; check the path"),
            "{missing}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_end_and_links_are_followed() {
        use std::os::unix::fs::symlink;
        let folder = Folder::new();
        folder.touch(&[
            "a/1.png", "a/2.png", "b/1.png", "b/2.png", "c/3.png", "c/4.png",
        ]);
        symlink(folder.path().join("a"), folder.path().join("a/again")).unwrap();
        symlink(folder.path(), folder.path().join("a/up")).unwrap();
        symlink("self", folder.path().join("b/self")).unwrap();
        symlink("nowhere.png", folder.path().join("b/broken.png")).unwrap();
        let found = ImageFolder::scan(folder.path()).unwrap();
        assert_eq!(found.classes, ["a", "b", "c"]);
        assert!(
            found.items.iter().any(|i| i.id == "b/broken.png"),
            "decoding will name it"
        );
    }

    #[test]
    fn selects_by_split_map() {
        let names: Vec<String> = (0..20).map(|i| format!("{}/{i:02}.png", i % 2)).collect();
        let folder = Folder::new();
        folder.touch(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let found = ImageFolder::scan(folder.path()).unwrap();
        let map = SplitMap::cut(&found.split_samples(), 3);
        let sizes = [Split::Train, Split::Val, Split::Test]
            .map(|split| found.select(&map, split).unwrap().len());
        assert_eq!((sizes, map.counts()), ([12, 4, 4], [12, 4, 4]));
        let mut fewer = found.clone();
        let gone = map.ids(Split::Test)[0].clone();
        fewer.items.retain(|item| item.id != gone);
        assert!(matches!(
            fewer.select(&map, Split::Test),
            Err(DataError::SplitUnknown { split: Split::Test, id }) if id == gone
        ));
    }
}
