//! A part of a data set.

use onggi_data::{DataError, Dataset, View};
use std::sync::Arc;

/// Some samples of a data set.
pub struct Subset {
    all: Arc<dyn Dataset>,
    indices: Vec<usize>,
}

impl Subset {
    /// The samples of `all` at `indices`; of those that it has.
    pub fn of(all: Arc<dyn Dataset>, mut indices: Vec<usize>) -> Self {
        indices.retain(|&index| index < all.len());
        Self { all, indices }
    }

    /// `len` samples of `all`, or all of them if there are fewer, evenly spaced over it: where samples are
    /// sorted by class, as an image folder's are, each class keeps its share.
    pub fn evenly(all: Arc<dyn Dataset>, len: usize) -> Self {
        let (total, len) = (all.len(), len.min(all.len()));
        let indices = (0..len).map(|i| i * total / len).collect();
        Self { all, indices }
    }
}

impl Dataset for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn sample_shape(&self) -> Vec<usize> {
        self.all.sample_shape()
    }

    fn label(&self, index: usize) -> usize {
        self.all.label(self.indices[index])
    }

    fn num_classes(&self) -> usize {
        self.all.num_classes()
    }

    fn source(&self, index: usize) -> String {
        self.all.source(self.indices[index])
    }

    fn sequence_len(&self, index: usize) -> Option<usize> {
        self.all.sequence_len(self.indices[index])
    }

    fn load(&self, index: usize, view: View, out: &mut [f32]) -> Result<(), DataError> {
        self.all.load(self.indices[index], view, out)
    }
}
