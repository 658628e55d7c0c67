//! Multi-head attention.

use super::Masks;
use crate::error::{check_positive, check_range};
use crate::linear::{Linear, LinearConfig};
use crate::{Mode, NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::attention::{
    AttentionOptions, attention_weights, multi_head_attention, multi_head_self_attention,
};
use onggi_ops::linear::linear;
use rand_chacha::ChaCha8Rng;

const NAME: &str = "MultiheadAttention";

/// Configuration of [`MultiheadAttention`].
#[derive(Clone, Debug)]
pub struct MultiheadAttentionConfig {
    /// Width of the queries and of the result.
    pub embed_dim: usize,
    /// Heads, which divide `embed_dim`.
    pub num_heads: usize,
    /// Probability that an attention weight is dropped in training. Default: 0.
    pub dropout: f64,
    /// Whether the projections have biases. Default: yes.
    pub bias: bool,
    /// Width of the keys. Default: `embed_dim`.
    pub kdim: Option<usize>,
    /// Width of the values. Default: `embed_dim`.
    pub vdim: Option<usize>,
    /// Whether tensors are `(N, L, E)` instead of `(L, N, E)`. Default: no.
    pub batch_first: bool,
}

impl MultiheadAttentionConfig {
    /// PyTorch's defaults.
    pub fn new(embed_dim: usize, num_heads: usize) -> Self {
        Self {
            embed_dim,
            num_heads,
            dropout: 0.0,
            bias: true,
            kdim: None,
            vdim: None,
            batch_first: false,
        }
    }

    /// Sets the order of the first two axes.
    #[must_use]
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// Sets the dropout of the attention weights.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// The layer, initialised as PyTorch does: Xavier's uniform values for the projections of the
    /// inputs, the linear layer's default for that of the result, biases 0.
    ///
    /// # Errors
    /// A size of 0, heads that do not divide `embed_dim`, a dropout outside of `[0, 1]`.
    pub fn init(
        &self,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<MultiheadAttention, NnError> {
        let (width, heads) = (self.embed_dim, self.num_heads);
        let (kdim, vdim) = (self.kdim.unwrap_or(width), self.vdim.unwrap_or(width));
        for (argument, size) in [
            ("embed_dim", width),
            ("num_heads", heads),
            ("kdim", kdim),
            ("vdim", vdim),
        ] {
            check_positive(NAME, argument, size)?;
        }
        check_range(NAME, "dropout", self.dropout, 0.0..=1.0)?;
        if !width.is_multiple_of(heads) {
            let expected = format!("a divisor of embed_dim, {width}");
            return Err(NnError::config(NAME, "num_heads", expected, heads));
        }
        let mut xavier = |outputs: usize, inputs: usize| {
            init::xavier_uniform([outputs, inputs], 1.0, rng, device).map(init::parameter)
        };
        let joint = kdim == width && vdim == width;
        let in_proj_weight = joint.then(|| xavier(3 * width, width)).transpose()?;
        let mut separate = |inputs| (!joint).then(|| xavier(width, inputs)).transpose();
        let (q_proj_weight, k_proj_weight, v_proj_weight) =
            (separate(width)?, separate(kdim)?, separate(vdim)?);
        let zeros = |size: usize| init::parameter(Tensor::<1>::zeros([size], device));
        let out_proj = LinearConfig {
            bias: self.bias,
            ..LinearConfig::new(width, width)
        };
        let mut out_proj = out_proj.init(rng, device)?;
        out_proj.bias = self.bias.then(|| zeros(width));
        Ok(MultiheadAttention {
            in_proj_weight,
            q_proj_weight,
            k_proj_weight,
            v_proj_weight,
            in_proj_bias: self.bias.then(|| zeros(3 * width)),
            out_proj,
            num_heads: heads,
            dropout: self.dropout,
            batch_first: self.batch_first,
        })
    }
}

/// Attention with several heads, each over its own part of a projection:
///
/// ```text
/// y = concat(head₁, head₂, …) · W_oᵀ + b_o
/// headᵢ = softmax(qᵢ · kᵢᵀ / √(E / heads) + mask) · vᵢ      q = query · W_qᵀ + b_q, k and v alike
/// ```
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::attention::{Masks, MultiheadAttentionConfig};
/// use onggi_nn::{Mode, init};
///
/// let device = Device::flex();
/// let config = MultiheadAttentionConfig::new(8, 2).with_batch_first(true);
/// let layer = config.init(&mut init::generator(1), &device)?;
/// let x = Tensor::<3>::ones([4, 10, 8], &device);
/// let y = layer.forward(x.clone(), x.clone(), x, &Masks::causal(), &Mode::Eval)?;
/// assert_eq!(y.dims(), [4, 10, 8]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Vaswani et al., *Attention is all you need*, 2017.
///
/// # Differences from PyTorch
/// The weights are returned on demand only ([`forward_with_weights`](Self::forward_with_weights)).
/// `is_causal` needs no mask beside it. A query that may see no key gets zeros from the attention
/// in every case, where PyTorch gives NaN if weights are asked for. A batch axis is needed; no
/// `add_bias_kv` and no `add_zero_attn`.
#[derive(Module, Debug)]
pub struct MultiheadAttention {
    /// `[3 · embed_dim, embed_dim]`: the projections of queries, keys and values, if all have the
    /// same width.
    pub in_proj_weight: Option<Param<Tensor<2>>>,
    /// `[embed_dim, embed_dim]`, if the widths differ.
    pub q_proj_weight: Option<Param<Tensor<2>>>,
    /// `[embed_dim, kdim]`, if the widths differ.
    pub k_proj_weight: Option<Param<Tensor<2>>>,
    /// `[embed_dim, vdim]`, if the widths differ.
    pub v_proj_weight: Option<Param<Tensor<2>>>,
    /// `[3 · embed_dim]`.
    pub in_proj_bias: Option<Param<Tensor<1>>>,
    /// The projection of the heads' results.
    pub out_proj: Linear,
    #[module(skip)]
    num_heads: usize,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    batch_first: bool,
}

impl MultiheadAttention {
    /// Attends from `query` to `key` and `value`.
    ///
    /// # Shapes
    /// `query: (N, L, embed_dim)`, `key: (N, S, kdim)`, `value: (N, S, vdim)` →
    /// `(N, L, embed_dim)`; without `batch_first` the first two axes change places.
    ///
    /// # Errors
    /// Sizes that do not fit the layer, each other or the masks.
    pub fn forward(
        &self,
        query: Tensor<3>,
        key: Tensor<3>,
        value: Tensor<3>,
        masks: &Masks,
        mode: &Mode,
    ) -> Result<Tensor<3>, NnError> {
        let [q, k, v] = self.project(query, key, value)?;
        let options = self.options(&q, masks, mode)?;
        let y = multi_head_attention(q, k, v, self.num_heads, self.batch_first, options)?;
        self.out_proj.forward(y)
    }

    /// [`forward`](Self::forward) of a sequence to itself: one projection instead of three.
    ///
    /// # Shapes
    /// `x: (N, L, embed_dim)` → the same; without `batch_first`, `(L, N, embed_dim)`.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn forward_self(
        &self,
        x: Tensor<3>,
        masks: &Masks,
        mode: &Mode,
    ) -> Result<Tensor<3>, NnError> {
        let Some(weight) = &self.in_proj_weight else {
            return self.forward(x.clone(), x.clone(), x, masks, mode);
        };
        let options = self.options(&x, masks, mode)?;
        let qkv = linear(x, weight.val(), self.in_proj_bias.as_ref().map(Param::val))?;
        let y = multi_head_self_attention(qkv, self.num_heads, self.batch_first, options)?;
        self.out_proj.forward(y)
    }

    /// [`forward`](Self::forward), and the attention's weights after dropout: the mean over the
    /// heads (`average_attn_weights`), or those of each head.
    ///
    /// # Shapes
    /// As [`forward`](Self::forward); the weights are `(N, 1, L, S)` or `(N, num_heads, L, S)`.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(
        &self,
        query: Tensor<3>,
        key: Tensor<3>,
        value: Tensor<3>,
        masks: &Masks,
        average_attn_weights: bool,
        mode: &Mode,
    ) -> Result<(Tensor<3>, Tensor<4>), NnError> {
        let [q, k, v] = self.project(query, key, value)?;
        let options = self.options(&q, masks, mode)?;
        let [_, _, width] = q.dims();
        let ([a, b, _], [c, d, _]) = (k.dims(), v.dims());
        if [a, b] != [c, d] {
            return Err(NnError::Input {
                layer: NAME,
                expected: format!("a value for each of the keys [{a}, {b}]"),
                got: v.dims().to_vec(),
            });
        }
        let heads = |x: Tensor<3>| {
            let [a, b, _] = x.dims();
            let x = x.reshape([a, b, self.num_heads, width / self.num_heads]);
            x.permute(self.order())
        };
        let weights = attention_weights(heads(q), heads(k), options)?;
        let y = weights.clone().matmul(heads(v));
        let y = if self.batch_first {
            y.permute([0, 2, 1, 3])
        } else {
            y.permute([2, 0, 1, 3])
        };
        let [a, b, ..] = y.dims();
        let y = self.out_proj.forward(y.reshape([a, b, width]))?;
        let weights = if average_attn_weights {
            weights.mean_dim(1)
        } else {
            weights
        };
        Ok((y, weights))
    }

    /// `(N, heads, L, width)` of `(N, L, heads, width)` or `(L, N, heads, width)`.
    fn order(&self) -> [isize; 4] {
        if self.batch_first {
            [0, 2, 1, 3]
        } else {
            [1, 2, 0, 3]
        }
    }

    fn options(
        &self,
        query: &Tensor<3>,
        masks: &Masks,
        mode: &Mode,
    ) -> Result<AttentionOptions, NnError> {
        let batch = query.dims()[usize::from(!self.batch_first)];
        let mut options = masks.options(NAME, [batch, self.num_heads], query)?;
        if let Mode::Train(draws) = mode
            && self.dropout > 0.0
        {
            options.dropout = Some((self.dropout, draws.key()));
        }
        Ok(options)
    }

    fn project(
        &self,
        query: Tensor<3>,
        key: Tensor<3>,
        value: Tensor<3>,
    ) -> Result<[Tensor<3>; 3], NnError> {
        let [_, width] = self.out_proj.weight.dims();
        let third = |part: usize| part * width..(part + 1) * width;
        let weight = |part: usize, own: &Option<Param<Tensor<2>>>| match (own, &self.in_proj_weight)
        {
            (Some(own), _) => Ok(own.val()),
            (None, Some(all)) => Ok(all.val().slice([third(part), 0..width])),
            (None, None) => Err(NnError::config(
                NAME,
                "in_proj_weight",
                "present, or those of queries, keys and values",
                "missing",
            )),
        };
        let bias = |part: usize| {
            let bias = self.in_proj_bias.as_ref()?;
            Some(bias.val().slice([third(part)]))
        };
        Ok([
            linear(query, weight(0, &self.q_proj_weight)?, bias(0))?,
            linear(key, weight(1, &self.k_proj_weight)?, bias(1))?,
            linear(value, weight(2, &self.v_proj_weight)?, bias(2))?,
        ])
    }
}
