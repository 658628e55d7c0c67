//! The parts that a run was trained and measured on, read again, and their duplicates.

use crate::failure::Failure;
use crate::text_run::TextRun;
use anyhow::anyhow;
use onggi_augment::image::Compose;
use onggi_data::duplicates::{self, Duplicates, ImagePrint, TextOptions};
use onggi_data::image::{CACHE_BYTES, ImageDataset, ImageFolder, ImagePreprocess, ImageStore};
use onggi_data::table::{Missing, Table, TableDataset, TablePreprocess};
use onggi_data::text::Texts;
use onggi_data::{Dataset, Split, SplitMap};
use onggi_train::run::files;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run's samples by name, and their duplicates.
pub(super) struct Samples {
    pub(super) data: PathBuf,
    /// Names of all samples: train, then validation, then test.
    pub(super) ids: Vec<String>,
    /// Their parts.
    pub(super) splits: Vec<Split>,
    pub(super) duplicates: Duplicates,
}

impl Samples {
    /// `names` by part.
    fn new(data: &Path, names: [Vec<String>; 3], duplicates: Duplicates) -> Result<Self, Failure> {
        if names[0].is_empty() || names[1].is_empty() {
            return Err(anyhow!(
                "{}: the run has no training or no validation samples",
                data.display()
            )
            .into());
        }
        let parts = names.iter().zip(SPLITS);
        Ok(Self {
            data: data.to_path_buf(),
            splits: parts
                .flat_map(|(names, split)| std::iter::repeat_n(split, names.len()))
                .collect(),
            ids: names.concat(),
            duplicates,
        })
    }
}

const SPLITS: [Split; 3] = [Split::Train, Split::Val, Split::Test];

/// The names of the samples of each part.
fn names(parts: &Three) -> [Vec<String>; 3] {
    parts
        .each_ref()
        .map(|part| (0..part.len()).map(|i| part.source(i)).collect())
}

/// Train, validation and test data, in this order.
pub(super) type Three = [Arc<dyn Dataset>; 3];

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
) -> Result<(Three, Samples), Failure> {
    let (parts, paths) = image_parts(data, run, classes, preprocess)?;
    let prints = ImagePrint::read(&paths, threads, &|_| {})?;
    let samples = Samples::new(data, names(&parts), duplicates::images(&prints))?;
    Ok((parts, samples))
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
) -> Result<(Three, Samples), Failure> {
    let (parts, values) = table_parts(data, run, classes, preprocess, target)?;
    let found = duplicates::rows(&values, preprocess.columns().len())?;
    let samples = Samples::new(data, names(&parts), found)?;
    Ok((parts, samples))
}

/// A run's texts, and where those of each part lie in them.
pub(super) fn text_parts(
    data: &Path,
    run: &Path,
    of: &TextRun,
) -> Result<(Texts, [Vec<usize>; 3]), Failure> {
    let map = SplitMap::load(&run.join(files::SPLIT))?;
    let texts = of.read(data)?;
    same_classes(data, texts.classes(), &of.classes)?;
    let [train, val, test] = SPLITS.map(|split| map.indices(split, texts.ids()));
    Ok((texts, [train?, val?, test?]))
}

/// The names of a run's texts, and their duplicates.
pub(super) fn texts(data: &Path, all: &Texts, parts: &[Vec<usize>; 3]) -> Result<Samples, Failure> {
    let (some, _) = all.select(&parts.concat())?;
    let found = duplicates::texts(&some, &TextOptions::default())?;
    let names = parts.each_ref().map(|part| {
        let name = |&i: &usize| all.ids()[i].clone();
        part.iter().map(name).collect()
    });
    Samples::new(data, names, found)
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
