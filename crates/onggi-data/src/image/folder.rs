//! Finds the images of a folder and what class each belongs to.

use std::path::{Path, PathBuf};

use crate::folder::{self, Kind};
use crate::{DataError, Split, SplitMap, SplitSample};

/// By their extension. What a file really is, decoding finds out.
const IMAGES: Kind = Kind {
    what: "images",
    extensions: &["bmp", "jfif", "jpeg", "jpg", "png", "tif", "tiff", "webp"],
};

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

impl ImageFolder {
    /// Finds the images of `root` and [checks](ImageFolder::check) that they can be trained on.
    ///
    /// # Errors
    /// One variant a fault: [`DataError::PathMissing`], [`DataError::NotAFolder`],
    /// [`DataError::NoFiles`], [`DataError::LooseFiles`], [`DataError::OneClassFolder`],
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
        let found = folder::find(root, &IMAGES)?;
        let item = |file: folder::ClassFile| ImageItem {
            path: file.path,
            id: file.id,
            label: file.label,
            given: file.given,
        };
        Ok(Self {
            root: root.to_owned(),
            classes: found.classes,
            items: found.items.into_iter().map(item).collect(),
            ignored: found.ignored,
        })
    }

    /// Whether the items can be trained on: to be asked again after items were taken out.
    ///
    /// # Errors
    /// [`DataError::OneClassFolder`] with fewer than two classes; [`DataError::SmallClass`] for a
    /// class with fewer than two images outside of validation and test, or with none where a
    /// validation folder is given.
    pub fn check(&self) -> Result<(), DataError> {
        let items = self.items.iter().map(|item| (item.label, item.given));
        folder::check(&self.root, &IMAGES, &self.classes, items)
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
/// [`DataError::PathMissing`], [`DataError::NotAFolder`], [`DataError::NoFiles`],
/// [`DataError::FolderTooDeep`], [`DataError::NotUtf8`], and [`DataError::Io`] for a folder that cannot
/// be read.
pub fn images_below(root: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    folder::below(root, &IMAGES)
}

#[cfg(test)]
pub(super) mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use std::fs;

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
