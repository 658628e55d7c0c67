//! Features of images.

use super::{Embed, Found};
use crate::commands::train::Start;
use crate::failure::{Failure, usage};
use crate::output::warn;
use crate::zoo::{Features, ImageModel, ModelOptions};
use burn::tensor::Device;
use onggi_augment::image::Compose;
use onggi_data::image::{
    CACHE_BYTES, Channels, ImageDataset, ImageFolder, ImagePreprocess, ImageShape, ImageStore,
    verify,
};
use onggi_data::{Dataset, View};
use onggi_nn::init;
use onggi_train::linear::DenseRows;
use onggi_train::rows;
use std::sync::Arc;

impl Embed {
    pub(super) fn images(&self) -> Result<Found, Failure> {
        let row = ImageModel::row(&self.model).or_else(|e| usage(format!("--model: {e}")))?;
        if self.target.is_some() || self.data.is_file() {
            return usage(format!(
                "--model: {} is a model of images, which are in class folders; for texts name one of texts, \
                 see `onggi models list`",
                row.name
            ));
        }
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
        let class = |label: usize| folder.classes[label].clone();
        Ok(Found {
            what: "images",
            features: DenseRows::new(found, width)?,
            key: "path",
            ids: items.iter().map(|item| item.id.clone()).collect(),
            class: "class".into(),
            classes: Some(items.iter().map(|item| class(item.label)).collect()),
        })
    }
}
