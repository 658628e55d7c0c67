//! Images as a [`Dataset`].

use std::sync::Arc;

use onggi_augment::Draw;
use onggi_augment::image::{Compose, Image, Pixels};

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
        let image = self.augmentation.apply(image, rng)?.image;
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

#[cfg(test)]
mod tests {
    use onggi_augment::image::{HorizontalFlip, ImageTransform, Normalize, RandomCrop, Transform};

    use super::*;
    use crate::image::folder::tests::{Folder, item};
    use crate::image::{CACHE_BYTES, Channels, ImageShape};
    use crate::{Batch, Loader, LoaderConfig};

    const TRAIN: View = View::Train { seed: 3, epoch: 1 };

    struct Fixture {
        _folder: Folder,
        items: Vec<ImageItem>,
        store: Arc<ImageStore>,
        preprocess: ImagePreprocess,
    }

    fn fixture(cache_bytes: usize) -> Fixture {
        let folder = Folder::new();
        let items =
            (0..10).map(|i| item(&folder.rgb(&format!("{i}.png"), 20 + i, 30), i as usize % 2));
        let items = items.collect();
        let shape = ImageShape::new(8, 12, Channels::Rgb).unwrap();
        let preprocess = ImagePreprocess::new(shape, vec![0.1; 3], vec![0.2; 3]).unwrap();
        let store = Arc::new(ImageStore::new(shape, cache_bytes));
        Fixture {
            _folder: folder,
            items,
            store,
            preprocess,
        }
    }

    fn crop(size: [usize; 2], padding: usize) -> ImageTransform {
        let crop = RandomCrop {
            size,
            padding,
            ..Default::default()
        };
        crop.build().unwrap()
    }

    fn augmentation() -> Compose {
        let flip = HorizontalFlip::default().build().unwrap();
        Compose::new(vec![crop([8, 12], 2), flip])
    }

    fn dataset(f: &Fixture, augmentation: Compose) -> Result<ImageDataset, DataError> {
        ImageDataset::new(
            Arc::clone(&f.store),
            f.items.clone(),
            2,
            &f.preprocess,
            augmentation,
        )
    }

    fn load(dataset: &ImageDataset, index: usize, view: View) -> Vec<f32> {
        let mut out = vec![0.0; 3 * 8 * 12];
        dataset.load(index, view, &mut out).unwrap();
        out
    }

    #[test]
    fn evaluation_equals_the_preprocessing_of_the_file() {
        let f = fixture(CACHE_BYTES);
        let dataset = dataset(&f, augmentation()).unwrap();
        assert_eq!(dataset.sample_shape(), [3, 8, 12]);
        for (i, item) in f.items.iter().enumerate() {
            let mut want = vec![0.0; 3 * 8 * 12];
            let image = f.preprocess.image(&item.path).unwrap();
            f.preprocess.write(&image, &mut want).unwrap();
            assert_eq!(load(&dataset, i, View::Eval), want);
            assert_eq!(dataset.source(i), item.path.display().to_string());
        }
    }

    #[test]
    fn training_views_are_functions_of_seed_epoch_and_index() {
        let f = fixture(CACHE_BYTES);
        let cached = dataset(&f, augmentation()).unwrap();
        let other = fixture(0);
        let uncached = dataset(&other, augmentation()).unwrap();
        let mut changed = 0;
        for i in 0..f.items.len() {
            assert_eq!(load(&cached, i, TRAIN), load(&uncached, i, TRAIN));
            changed += usize::from(load(&cached, i, TRAIN) != load(&cached, i, View::Eval));
        }
        assert!(changed >= 8, "{changed}");
        let next = View::Train { seed: 3, epoch: 2 };
        assert!((0..10).any(|i| load(&cached, i, TRAIN) != load(&cached, i, next)));
        let plain = dataset(&f, Compose::default()).unwrap();
        assert_eq!(load(&plain, 0, TRAIN), load(&plain, 0, View::Eval));
    }

    #[test]
    fn batches_do_not_depend_on_workers() {
        let batches = |workers, cache_bytes| -> Vec<Batch> {
            let f = fixture(cache_bytes);
            let dataset = Arc::new(dataset(&f, augmentation()).unwrap());
            let config = LoaderConfig {
                batch_size: 3,
                shuffle: Some(5),
                drop_last: false,
                workers,
                prefetch: 2,
            };
            let loader = Loader::new(dataset, config).unwrap();
            loader.epoch(1, TRAIN).map(Result::unwrap).collect()
        };
        let one = batches(1, CACHE_BYTES);
        assert_eq!(
            one.iter().map(|b| b.labels.len()).collect::<Vec<_>>(),
            [3, 3, 4]
        );
        assert_eq!(one, batches(3, CACHE_BYTES));
        assert_eq!(one, batches(4, 3 * 8 * 12 * 4));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut f = fixture(CACHE_BYTES);
        let small = Compose::new(vec![crop([4, 4], 0)]);
        assert!(matches!(
            dataset(&f, small),
            Err(DataError::AugmentedShape { .. })
        ));
        let large = Compose::new(vec![crop([99, 4], 0)]);
        assert!(matches!(dataset(&f, large), Err(DataError::Augment(_))));
        let twice = Normalize::new(vec![0.5; 3], vec![0.5; 3]).unwrap();
        let twice = Compose::new(vec![twice.build().unwrap()]);
        assert!(matches!(
            dataset(&f, twice),
            Err(DataError::NormalizedTwice)
        ));
        let ok = dataset(&f, Compose::default()).unwrap();
        assert!(matches!(
            ok.image(10, TRAIN),
            Err(DataError::Index { index: 10, len: 10 })
        ));
        assert!(matches!(
            ok.load(0, TRAIN, &mut [0.0; 5]),
            Err(DataError::Augment(_))
        ));
        f.items[3].label = 2;
        let refusal = dataset(&f, Compose::default());
        assert!(matches!(
            refusal,
            Err(DataError::Label {
                label: 2,
                classes: 2,
                ..
            })
        ));
        let other = ImageShape::new(9, 12, Channels::Rgb).unwrap();
        f.store = Arc::new(ImageStore::new(other, 0));
        assert!(matches!(
            dataset(&f, Compose::default()),
            Err(DataError::StoreShape { .. })
        ));
    }
}
