//! Tables of learnable vectors, looked up one by one or by bags.

use crate::error::check_positive;
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use onggi_ops::embedding::{Bag, embedding, embedding_bag};
use rand_chacha::ChaCha8Rng;

/// Configuration of [`Embedding`].
#[derive(Clone, Debug)]
pub struct EmbeddingConfig {
    /// Rows of the table.
    pub num_embeddings: usize,
    /// Size of a row.
    pub embedding_dim: usize,
    /// A row that is zero at first and gets no gradient. Default: none.
    pub padding_idx: Option<usize>,
}

impl EmbeddingConfig {
    /// A table without a padding row.
    pub fn new(num_embeddings: usize, embedding_dim: usize) -> Self {
        Self {
            num_embeddings,
            embedding_dim,
            padding_idx: None,
        }
    }

    /// Sets the padding row.
    #[must_use]
    pub fn with_padding_idx(mut self, padding_idx: usize) -> Self {
        self.padding_idx = Some(padding_idx);
        self
    }

    /// The layer: standard normal values, and zeros in the padding row.
    ///
    /// # Errors
    /// A size of 0, or a padding row that is not the table's.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<Embedding, NnError> {
        let shape = [self.num_embeddings, self.embedding_dim];
        Ok(Embedding {
            weight: table("Embedding", shape, self.padding_idx, rng, device)?,
            padding_idx: self.padding_idx,
        })
    }
}

fn table(
    layer: &'static str,
    shape: [usize; 2],
    padding_idx: Option<usize>,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Param<Tensor<2>>, NnError> {
    let [rows, width] = shape;
    check_positive(layer, "num_embeddings", rows)?;
    check_positive(layer, "embedding_dim", width)?;
    let weight = init::normal(shape, 1.0, rng, device);
    let Some(padding) = padding_idx else {
        return Ok(init::parameter(weight));
    };
    if padding >= rows {
        let expected = format!("below num_embeddings, {rows}");
        return Err(NnError::config(layer, "padding_idx", expected, padding));
    }
    let zeros = Tensor::zeros([1, width], device);
    let weight = weight.slice_assign([padding..padding + 1, 0..width], zeros);
    Ok(init::parameter(weight))
}

/// The rows of a learnable table that indices name, see [`onggi_ops::embedding::embedding`].
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use onggi_nn::{embedding::EmbeddingConfig, init};
///
/// let device = Device::flex();
/// let layer = EmbeddingConfig::new(100, 8).init(&mut init::generator(1), &device)?;
/// let tokens = Tensor::<2, Int>::from_ints([[3, 99, 0]], &device);
/// let y: Tensor<3> = layer.forward(tokens)?;
/// assert_eq!(y.dims(), [1, 3, 8]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Differences from PyTorch
/// No `max_norm`, which changes the table in the forward pass, `scale_grad_by_freq` or `sparse`.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[num_embeddings, embedding_dim]`.
    pub weight: Param<Tensor<2>>,
    #[module(skip)]
    padding_idx: Option<usize>,
}

impl Embedding {
    /// A layer with the rows of `weight`, `[num_embeddings, embedding_dim]`, as they are.
    ///
    /// # Errors
    /// A table without rows or columns, a `padding_idx` that is not below `num_embeddings`.
    pub fn from_pretrained(weight: Tensor<2>, padding_idx: Option<usize>) -> Result<Self, NnError> {
        let [rows, width] = weight.dims();
        check_positive("Embedding", "num_embeddings", rows)?;
        check_positive("Embedding", "embedding_dim", width)?;
        if let Some(padding) = padding_idx.filter(|&padding| padding >= rows) {
            let expected = format!("below num_embeddings, {rows}");
            return Err(NnError::config(
                "Embedding",
                "padding_idx",
                expected,
                padding,
            ));
        }
        Ok(Self {
            weight: init::parameter(weight),
            padding_idx,
        })
    }

    /// Looks the indices up.
    ///
    /// # Shapes
    /// `indices: (*)` → `(*, embedding_dim)`, so `R` is `D + 1`.
    ///
    /// # Errors
    /// An index that is not below `num_embeddings`; another `R` than `D + 1`.
    pub fn forward<const D: usize, const R: usize>(
        &self,
        indices: Tensor<D, Int>,
    ) -> Result<Tensor<R>, NnError> {
        Ok(embedding(self.weight.val(), indices, self.padding_idx)?)
    }
}

/// What an [`EmbeddingBag`] makes of a bag's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BagMode {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest in each column.
    Max,
}

/// Configuration of [`EmbeddingBag`].
#[derive(Clone, Debug)]
pub struct EmbeddingBagConfig {
    /// Rows of the table.
    pub num_embeddings: usize,
    /// Size of a row.
    pub embedding_dim: usize,
    /// What becomes of a bag's rows. Default: their mean.
    pub mode: BagMode,
    /// A row that is zero at first and left out of the bags. Default: none.
    pub padding_idx: Option<usize>,
}

impl EmbeddingBagConfig {
    /// Means, without a padding row.
    pub fn new(num_embeddings: usize, embedding_dim: usize) -> Self {
        Self {
            num_embeddings,
            embedding_dim,
            mode: BagMode::Mean,
            padding_idx: None,
        }
    }

    /// Sets what becomes of a bag's rows.
    #[must_use]
    pub fn with_mode(mut self, mode: BagMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the padding row.
    #[must_use]
    pub fn with_padding_idx(mut self, padding_idx: usize) -> Self {
        self.padding_idx = Some(padding_idx);
        self
    }

    /// The layer: standard normal values, and zeros in the padding row.
    ///
    /// # Errors
    /// A size of 0, or a padding row that is not the table's.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<EmbeddingBag, NnError> {
        let shape = [self.num_embeddings, self.embedding_dim];
        Ok(EmbeddingBag {
            weight: table("EmbeddingBag", shape, self.padding_idx, rng, device)?,
            mode: self.mode,
            padding_idx: self.padding_idx,
        })
    }
}

/// Sums, means or maxima of the rows that bags of indices name, see
/// [`onggi_ops::embedding::embedding_bag`].
///
/// # Differences from PyTorch
/// As [`Embedding`]; no `include_last_offset`.
#[derive(Module, Debug)]
pub struct EmbeddingBag {
    /// `[num_embeddings, embedding_dim]`.
    pub weight: Param<Tensor<2>>,
    #[module(skip)]
    mode: BagMode,
    #[module(skip)]
    padding_idx: Option<usize>,
}

impl EmbeddingBag {
    /// Bags of one size: the rows of `indices`, each index with a weight if there are any.
    ///
    /// # Shapes
    /// `indices, per_sample_weights: (B, N)` → `(B, embedding_dim)`.
    ///
    /// # Errors
    /// As [`forward_offsets`](Self::forward_offsets).
    pub fn forward(
        &self,
        indices: Tensor<2, Int>,
        per_sample_weights: Option<Tensor<2>>,
    ) -> Result<Tensor<2>, NnError> {
        let [bags, size] = indices.dims();
        if bags == 0 {
            let [_, width] = self.weight.dims();
            return Ok(Tensor::zeros([0, width], &self.weight.val().device()));
        }
        let offsets: Vec<_> = (0..bags).map(|bag| bag * size).collect();
        let weights = per_sample_weights.map(|weights| {
            let count = weights.dims().iter().product::<usize>();
            weights.reshape([count])
        });
        self.forward_offsets(indices.reshape([bags * size]), &offsets, weights)
    }

    /// Bags of any size: bag `b` has the indices `offsets[b]..offsets[b + 1]`, the last the rest.
    ///
    /// # Shapes
    /// `indices, per_sample_weights: (N)`, `B` offsets → `(B, embedding_dim)`.
    ///
    /// # Errors
    /// An index that is not below `num_embeddings`; offsets that do not begin with 0, fall, or go
    /// past the indices; weights in another mode than `Sum`, or another number of them.
    pub fn forward_offsets(
        &self,
        indices: Tensor<1, Int>,
        offsets: &[usize],
        per_sample_weights: Option<Tensor<1>>,
    ) -> Result<Tensor<2>, NnError> {
        if per_sample_weights.is_some() && self.mode != BagMode::Sum {
            let expected = "absent unless the mode is Sum";
            let got = format!("given in mode {:?}", self.mode);
            return Err(NnError::config(
                "EmbeddingBag",
                "per_sample_weights",
                expected,
                got,
            ));
        }
        let bag = match self.mode {
            BagMode::Sum => Bag::Sum {
                weights: per_sample_weights,
            },
            BagMode::Mean => Bag::Mean,
            BagMode::Max => Bag::Max,
        };
        let weight = self.weight.val();
        Ok(embedding_bag(
            weight,
            indices,
            offsets,
            bag,
            self.padding_idx,
        )?)
    }
}
