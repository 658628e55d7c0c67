//! The parts that a run was trained and measured on, read again, and their duplicates.

use crate::failure::Failure;
use anyhow::anyhow;
use onggi_augment::image::Compose;
use onggi_data::duplicates::{self, Duplicates, ImagePrint};
use onggi_data::image::{CACHE_BYTES, ImageDataset, ImageFolder, ImagePreprocess, ImageStore};
use onggi_data::table::{Missing, Table, TableDataset, TablePreprocess};
use onggi_data::{Dataset, Split, SplitMap};
use onggi_train::run::files;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The parts of a run's data, without augmentation.
pub(super) struct Parts {
    pub(super) data: PathBuf,
    pub(super) train: Arc<dyn Dataset>,
    pub(super) val: Arc<dyn Dataset>,
    pub(super) test: Option<Arc<dyn Dataset>>,
    /// Names of all samples: train, then validation, then test.
    pub(super) ids: Vec<String>,
    /// Their parts.
    pub(super) splits: Vec<Split>,
    pub(super) duplicates: Duplicates,
}

impl Parts {
    fn new(data: &Path, parts: Three, duplicates: Duplicates) -> Result<Self, Failure> {
        let (mut ids, mut splits) = (Vec::new(), Vec::new());
        for (part, split) in parts.iter().zip([Split::Train, Split::Val, Split::Test]) {
            ids.extend((0..part.len()).map(|i| part.source(i)));
            splits.extend(std::iter::repeat_n(split, part.len()));
        }
        let [train, val, test] = parts;
        if train.is_empty() || val.is_empty() {
            return Err(anyhow!(
                "{}: the run has no training or no validation samples",
                data.display()
            )
            .into());
        }
        Ok(Self {
            data: data.to_path_buf(),
            train,
            val,
            test: (!test.is_empty()).then_some(test),
            ids,
            splits,
            duplicates,
        })
    }
}

const SPLITS: [Split; 3] = [Split::Train, Split::Val, Split::Test];

/// Train, validation and test data, in this order.
type Three = [Arc<dyn Dataset>; 3];

/// The parts of a run's images without augmentation, and the files in the order of the parts.
pub(crate) fn image_parts(
    data: &Path,
    run: &Path,
    classes: &[String],
    preprocess: &ImagePreprocess,
) -> Result<(Three, Vec<PathBuf>), Failure> {
    let map = SplitMap::load(&run.join(files::SPLIT))?;
    let folder = ImageFolder::scan(data)?;
    same_classes(data, &folder.classes, classes)?;
    let store = Arc::new(ImageStore::new(preprocess.shape(), CACHE_BYTES));
    let mut paths = Vec::new();
    let parts = SPLITS.map(|split| -> Result<Arc<dyn Dataset>, Failure> {
        let items = folder.select(&map, split)?;
        paths.extend(items.iter().map(|item| item.path.clone()));
        let (store, k) = (store.clone(), classes.len());
        Ok(Arc::new(ImageDataset::new(
            store,
            items,
            k,
            preprocess,
            Compose::default(),
        )?))
    });
    let [train, val, test] = parts;
    Ok(([train?, val?, test?], paths))
}

pub(super) fn images(
    data: &Path,
    run: &Path,
    classes: &[String],
    preprocess: &ImagePreprocess,
    threads: usize,
) -> Result<Parts, Failure> {
    let (parts, paths) = image_parts(data, run, classes, preprocess)?;
    let prints = ImagePrint::read(&paths, threads, &|_| {})?;
    Parts::new(data, parts, duplicates::images(&prints))
}

/// The parts of a run's table, and the values of all rows in the order of the parts.
pub(crate) fn table_parts(
    data: &Path,
    run: &Path,
    classes: &[String],
    preprocess: &TablePreprocess,
    target: &str,
) -> Result<(Three, Vec<f64>), Failure> {
    let map = SplitMap::load(&run.join(files::SPLIT))?;
    let wanted = Some((target, classes));
    let table = Table::read_for(data, preprocess, wanted, Missing::Impute)?;
    let mut values = Vec::new();
    let parts = SPLITS.map(|split| -> Result<Arc<dyn Dataset>, Failure> {
        let rows = map.indices(split, table.ids())?;
        for &row in &rows {
            values.extend_from_slice(table.row(row)?);
        }
        Ok(Arc::new(TableDataset::new(&table, &rows, preprocess)?))
    });
    let [train, val, test] = parts;
    Ok(([train?, val?, test?], values))
}

pub(super) fn table(
    data: &Path,
    run: &Path,
    classes: &[String],
    preprocess: &TablePreprocess,
    target: &str,
) -> Result<Parts, Failure> {
    let (parts, values) = table_parts(data, run, classes, preprocess, target)?;
    let found = duplicates::rows(&values, preprocess.columns().len())?;
    Parts::new(data, parts, found)
}

fn same_classes(data: &Path, found: &[String], expected: &[String]) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(anyhow!(
        "{}: its classes are {}, but the run was trained on {}; give the run's own data with --data",
        data.display(),
        found.join(", "),
        expected.join(", ")
    )
    .into())
}
