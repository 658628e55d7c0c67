//! `onggi embed DATA --out FILE`: what a pretrained backbone makes of images, as a table.

use crate::commands::train::Start;
use crate::failure::{Failure, usage};
use crate::output::{say, say_json, thousands, warn};
use crate::threads::Threads;
use crate::zoo::{Features, ImageModel, ModelOptions};
use burn::tensor::Device;
use clap::Args;
use onggi_augment::image::Compose;
use onggi_data::image::{
    CACHE_BYTES, Channels, ImageDataset, ImageFolder, ImageItem, ImagePreprocess, ImageShape,
    ImageStore, verify,
};
use onggi_data::{Dataset, View};
use onggi_nn::init;
use onggi_train::linear::{DenseRows, principal_components};
use onggi_train::rows;
use onggi_train::run::write_whole;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi embed photos/ --out features.csv               path, class, f0, f1, … of each image
  onggi embed photos/ --out features.csv --dims 32     the first 32 principal components
  onggi embed photos/ --out features.npy               numbers alone; features.npy.json has paths and classes
  onggi train features.csv --target class --ignore path";

/// Arguments of `onggi embed`.
#[derive(Args, Debug)]
pub(crate) struct Embed {
    /// Folder of class folders
    data: PathBuf,
    /// File to write, .csv or .npy (float32, one row an image); it must be new
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Model, see `onggi models list`
    #[arg(long, value_name = "NAME", default_value = "efficientnet_lite0")]
    model: String,
    /// Weights of the model from a file, a PyTorch state dict
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Principal components to keep in place of all features
    #[arg(long, value_name = "N")]
    dims: Option<usize>,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object: file, images, columns
    #[arg(long)]
    json: bool,
}

impl Embed {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let end = self.out.extension().and_then(|end| end.to_str());
        let Some(format @ ("csv" | "npy")) = end else {
            return usage("--out must end in .csv or .npy");
        };
        if self.out.exists() {
            let shown = self.out.display();
            return Err(anyhow::anyhow!("--out {shown}: it is there already; name another").into());
        }
        let row = ImageModel::row(&self.model).or_else(|e| usage(format!("--model: {e}")))?;
        let Some(pretrained) = &row.pretrained else {
            return usage(format!(
                "--model: {} has no published weights, so its features say nothing",
                row.name
            ));
        };
        let threads = self.threads.start()?;
        let (device, mut rng) = (Device::flex(), init::generator(0));
        let model = ImageModel::build(row.name, 3, &ModelOptions::new(2), &mut rng, &device);
        let start = Start::read(&self.model, self.weights.as_deref(), pretrained)?;
        let model = start.put_into(model.map_err(anyhow::Error::from)?)?;
        let folder = ImageFolder::scan(&self.data)?;
        let shape = ImageShape::new(pretrained.size, pretrained.size, Channels::Rgb)?;
        let store = Arc::new(ImageStore::new(shape, CACHE_BYTES));
        let (items, skipped) = verify(&store, &folder.items, false, threads, &|_, _| {})?;
        for image in &skipped {
            warn(format!(
                "{}: left out: {}",
                image.path.display(),
                image.reason
            ));
        }
        let preprocess =
            ImagePreprocess::new(shape, pretrained.mean.to_vec(), pretrained.std.to_vec())?;
        let classes = folder.classes.len();
        let data = ImageDataset::new(
            store,
            items.clone(),
            classes,
            &preprocess,
            Compose::default(),
        )?;
        let data: Arc<dyn Dataset> = Arc::new(data);
        let found = rows(&Features { model }, &data, threads, View::Eval, |_| {})?;
        let width = found.len() / items.len().max(1);
        let mut features = DenseRows::new(found, width)?;
        if let Some(dims) = self.dims {
            features =
                principal_components(&features, dims).or_else(|e| usage(format!("--dims: {e}")))?;
        }
        match format {
            "csv" => write_whole(
                &self.out,
                csv(&features, &items, &folder.classes).as_bytes(),
            )?,
            _ => {
                let beside = PathBuf::from(format!("{}.json", self.out.display()));
                let classes: Vec<&String> = items
                    .iter()
                    .map(|item| &folder.classes[item.label])
                    .collect();
                let paths: Vec<&String> = items.iter().map(|item| &item.id).collect();
                let about =
                    serde_json::json!({"paths": paths, "classes": classes, "model": self.model});
                onggi_train::run::write_json(&beside, &about)?;
                write_whole(&self.out, &npy(&features))?;
            }
        }
        self.tell(&features)
    }

    fn tell(&self, features: &DenseRows) -> Result<(), Failure> {
        let (images, columns) = (features.rows(), features.columns());
        if self.json {
            let told = serde_json::json!({"out": self.out, "images": images, "columns": columns});
            return Ok(say_json(&told)?);
        }
        let shown = Path::display(&self.out);
        say(format!(
            "{shown}: {} images, {columns} features each",
            thousands(images)
        ));
        Ok(())
    }
}

/// `path,class,f0,f1,…`.
fn csv(features: &DenseRows, items: &[ImageItem], classes: &[String]) -> String {
    let quoted = |text: &str| match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let mut out = String::from("path,class");
    // Writing to a string does not fail.
    for column in 0..features.columns() {
        let _ = write!(out, ",f{column}");
    }
    for (i, item) in items.iter().enumerate() {
        let _ = write!(
            out,
            "\n{},{}",
            quoted(&item.id),
            quoted(&classes[item.label])
        );
        for value in features.row(i) {
            let _ = write!(out, ",{value}");
        }
    }
    out.push('\n');
    out
}

/// NumPy's format 1.0: magic, version, length of the header, the header padded to 64 bytes, the numbers.
fn npy(features: &DenseRows) -> Vec<u8> {
    let (n, f) = (features.rows(), features.columns());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {f}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    features
        .values()
        .iter()
        .for_each(|v| out.extend(v.to_le_bytes()));
    out
}
