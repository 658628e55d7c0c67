//! Images as a [`Dataset`].

use std::sync::Arc;

use onggi_augment::Draw;
use onggi_augment::image::{Compose, Image, Pixels, Transform};

use super::folder::ImageItem;
use super::preprocess::ImagePreprocess;
use super::store::ImageStore;
use crate::{DataError, Dataset, View};

/// Labelled image files, seen through a store, an augmentation and a normalisation.
///
/// A sample is `[C, H, W]`. In [`View::Eval`] it is the stored image, normalised; in
/// [`View::Train`] the augmentation comes before the normalisation and draws from
/// (seed, epoch, sample index).
pub struct ImageDataset {
    store: Arc<ImageStore>,
    items: Vec<ImageItem>,
    num_classes: usize,
    preprocess: ImagePreprocess,
    augmentation: Compose,
}

impl ImageDataset {
    /// Joins the parts and tries the augmentation on a blank image.
    ///
    /// # Errors
    /// [`DataError::StoreShape`] where the store holds another shape than `preprocess` asks for,
    /// [`DataError::Label`] for a label outside the classes, [`DataError::NormalizedTwice`],
    /// [`DataError::AugmentedShape`] and [`DataError::Augment`] for an augmentation that does not
    /// fit.
    pub fn new(
        store: Arc<ImageStore>,
        items: Vec<ImageItem>,
        num_classes: usize,
        preprocess: &ImagePreprocess,
        augmentation: Compose,
    ) -> Result<Self, DataError> {
        if store.shape() != preprocess.shape() {
            return Err(DataError::StoreShape {
                expected: format!("{:?}", preprocess.shape().chw()),
                got: format!("{:?}", store.shape().chw()),
            });
        }
        if let Some(item) = items.iter().find(|item| item.label >= num_classes) {
            let source_name = item.path.display().to_string();
            return Err(DataError::Label {
                source_name,
                label: item.label,
                classes: num_classes,
            });
        }
        if augmentation
            .transforms()
            .iter()
            .any(|t| t.name() == "normalize")
        {
            return Err(DataError::NormalizedTwice);
        }
        let dataset = Self {
            store,
            items,
            num_classes,
            preprocess: preprocess.clone(),
            augmentation,
        };
        let [channels, height, width] = preprocess.shape().chw();
        let blank = Pixels::U8(vec![0; channels * height * width]);
        let blank = Image::new(height, width, channels, blank)?;
        dataset.augment(blank, &mut Draw::new(0, 0, 0))?;
        Ok(dataset)
    }

    /// The image files, in the order of the samples.
    pub fn items(&self) -> &[ImageItem] {
        &self.items
    }

    /// Sample `index` as it stands before normalisation, for looking at.
    ///
    /// # Errors
    /// [`DataError::Index`] outside of the data set, and those of [`ImageStore::get`].
    pub fn image(&self, index: usize, view: View) -> Result<Arc<Image>, DataError> {
        let len = self.items.len();
        let item = self
            .items
            .get(index)
            .ok_or(DataError::Index { index, len })?;
        let image = self.store.get(&item.path)?;
        match view {
            View::Train { seed, epoch } if !self.augmentation.transforms().is_empty() => {
                let mut rng = Draw::new(seed, epoch, index as u64);
                Ok(Arc::new(self.augment((*image).clone(), &mut rng)?))
            }
            View::Train { .. } | View::Eval => Ok(image),
        }
    }

    /// Applies the augmentation and sees that the shape is kept.
    fn augment(&self, image: Image, rng: &mut Draw) -> Result<Image, DataError> {
        let shape = |i: &Image| (i.height(), i.width(), i.channels());
        let expected = shape(&image);
        let image = self.augmentation.apply(image, rng)?;
        if shape(&image) != expected {
            return Err(DataError::AugmentedShape {
                expected: format!("{expected:?}"),
                got: format!("{:?}", shape(&image)),
            });
        }
        Ok(image)
    }
}

impl Dataset for ImageDataset {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn sample_shape(&self) -> Vec<usize> {
        self.preprocess.shape().chw().to_vec()
    }

    fn label(&self, index: usize) -> usize {
        self.items[index].label
    }

    fn num_classes(&self) -> usize {
        self.num_classes
    }

    fn source(&self, index: usize) -> String {
        self.items[index].path.display().to_string()
    }

    fn load(&self, index: usize, view: View, out: &mut [f32]) -> Result<(), DataError> {
        let image = self.image(index, view)?;
        self.preprocess.write(&image, out)
    }
}
