//! Strided tensors over a storage: a view's values, row-major.

use super::WeightsError;
use super::dtype::Dtype;
use onggi_nn::state::StateTensor;

/// Most axes of a tensor: a weight has five at most.
const MAX_DIMS: usize = 16;

/// A tensor as a window on a storage.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// First value, counted in values.
    pub(super) offset: u64,
    /// Sizes of the axes.
    pub(super) shape: Vec<u64>,
    /// Values from one index of an axis to the next.
    pub(super) stride: Vec<u64>,
}

impl View {
    /// Number of values.
    ///
    /// # Errors
    /// More than can be counted.
    pub(super) fn len(&self) -> Result<u64, WeightsError> {
        if self.shape.contains(&0) {
            return Ok(0);
        }
        let product = self
            .shape
            .iter()
            .try_fold(1u64, |n, &size| n.checked_mul(size));
        product.ok_or_else(|| self.outside("more values than can be counted"))
    }

    /// The view's values out of the storage's bytes. The caller has checked [`View::len`] against what
    /// it is ready to allocate.
    ///
    /// # Errors
    /// A view that reaches past the storage.
    pub(super) fn read(&self, dtype: Dtype, storage: &[u8]) -> Result<StateTensor, WeightsError> {
        if self.shape.len() != self.stride.len() || self.shape.len() > MAX_DIMS {
            return Err(self.outside("as many strides as sizes, and at most 16"));
        }
        let shape = (self.shape.iter().map(|&size| usize::try_from(size)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| self.outside("sizes of this machine"))?;
        if self.len()? == 0 {
            let values = Vec::new();
            return Ok(StateTensor { shape, values });
        }
        let size = dtype.size();
        let past = || self.outside(&format!("inside {} values", storage.len() / size));
        let last = self
            .shape
            .iter()
            .zip(&self.stride)
            .try_fold(self.offset, |at, (&n, &step)| {
                at.checked_add((n - 1).checked_mul(step)?)
            });
        if last.ok_or_else(past)? >= (storage.len() / size) as u64 {
            return Err(past());
        }
        // Every index and every product of an index and a stride is under the storage's length now,
        // save the stride of an axis of one, which is not used.
        let (start, len) = (self.offset as usize, self.len()? as usize);
        let values = if self.is_contiguous() {
            dtype.decode(&storage[start * size..(start + len) * size])
        } else {
            dtype.decode(&self.gather(size, len, storage))
        };
        Ok(StateTensor { shape, values })
    }

    fn is_contiguous(&self) -> bool {
        let mut step = 1;
        self.shape
            .iter()
            .zip(&self.stride)
            .rev()
            .all(|(&n, &stride)| {
                let fits = n == 1 || stride == step;
                step *= n;
                fits
            })
    }

    /// The values' bytes one after the other, by counting up an index with a digit an axis.
    fn gather(&self, size: usize, len: usize, storage: &[u8]) -> Vec<u8> {
        let axes: Vec<(u64, u64)> = (self.shape.iter().copied())
            .zip(self.stride.iter().copied())
            .filter(|&(n, _)| n > 1)
            .collect();
        let mut index = vec![0; axes.len()];
        let mut at = self.offset;
        let mut out = Vec::with_capacity(len * size);
        for _ in 0..len {
            out.extend_from_slice(&storage[at as usize * size..][..size]);
            for (digit, (n, stride)) in index.iter_mut().zip(&axes).rev() {
                *digit += 1;
                if *digit < *n {
                    at += stride;
                    break;
                }
                at -= stride * (n - 1);
                *digit = 0;
            }
        }
        out
    }

    fn outside(&self, expected: &str) -> WeightsError {
        let Self {
            offset,
            shape,
            stride,
        } = self;
        let few = |sizes: &[u64]| sizes.iter().copied().take(8).collect::<Vec<_>>();
        WeightsError::damaged(format!(
            "a tensor must be {expected}; received sizes {:?}, strides {:?}, offset {offset}",
            few(shape),
            few(stride)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: u64, shape: &[u64], stride: &[u64]) -> Result<Vec<f32>, WeightsError> {
        let storage: Vec<u8> = (0..12).collect();
        let view = View {
            offset,
            shape: shape.to_vec(),
            stride: stride.to_vec(),
        };
        Ok(view.read(Dtype::U8, &storage)?.values)
    }

    #[test]
    fn views() {
        assert_eq!(view(2, &[2, 2], &[2, 1]).unwrap(), [2.0, 3.0, 4.0, 5.0]);
        // Transposed, with a step, repeated; an axis of one has any stride.
        assert_eq!(
            view(0, &[2, 3], &[1, 2]).unwrap(),
            [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]
        );
        assert_eq!(view(1, &[3, 1], &[4, u64::MAX]).unwrap(), [1.0, 5.0, 9.0]);
        assert_eq!(view(3, &[2, 2], &[0, 0]).unwrap(), [3.0; 4]);
        assert_eq!(view(11, &[], &[]).unwrap(), [11.0]);
        assert_eq!(view(99, &[4, 0], &[1, 1]).unwrap(), [0.0; 0]);
    }

    #[test]
    fn a_view_past_its_storage_is_refused() {
        for (offset, shape, stride) in [
            (12, &[][..], &[][..]),
            (0, &[13], &[1]),
            (1, &[3, 4], &[4, 1]),
            (0, &[2], &[u64::MAX]),
            (u64::MAX, &[2], &[1]),
            (0, &[u64::MAX, u64::MAX], &[0, 0]),
            (0, &[2], &[]),
        ] {
            let error = view(offset, shape, stride).unwrap_err();
            assert!(matches!(error, WeightsError::Damaged { .. }), "{error}");
        }
    }
}
