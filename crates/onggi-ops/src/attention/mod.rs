//! Scaled dot-product attention: `y = softmax(scale · q · kᵀ + mask) · v`.
//!
//! The softmax is over the keys that a query may see. With `w` the weights and `dw = dy · vᵀ`:
//!
//! ```text
//! dv = wᵀ · dy
//! ds = w · (dw − Σ w · dw)         the scores' gradient, which is the additive mask's too
//! dq = scale · ds · k      dk = scale · dsᵀ · q
//! ```
//!
//! The kernel keeps neither scores nor weights: memory is linear in the length.
//!
//! # Reference
//! Vaswani et al., *Attention is all you need*, 2017; Dao et al., *FlashAttention*, 2022.

mod composed;
mod operation;

use crate::fused::has_kernels;
use crate::kernels::attention::{Dropout, View};
use crate::kernels::dropout::STEPS;
use crate::{Key, OpError};
use burn::tensor::{Bool, Tensor};
use operation::{Attention, Sizes};

/// Which keys take part, for `(batch, heads, queries, keys)`; an axis of 1 stands for all.
#[derive(Clone, Debug)]
pub enum AttentionMask {
    /// Keys that are `true` take part.
    TakesPart(Tensor<4, Bool>),
    /// Added to the scores. It may be learned: its gradient is summed over the axes of 1.
    Additive(Tensor<4>),
}

/// What an attention does besides its products.
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Restricts or weighs the keys. Default: none.
    pub mask: Option<AttentionMask>,
    /// Whether query `i` sees the keys `0..=i` only, besides what the mask says. Default: no.
    pub is_causal: bool,
    /// Factor of the scores. Default: `1/√E`, with `E` the width of a query.
    pub scale: Option<f64>,
    /// Probability that a weight is dropped, and the key of the draws. Default: none.
    pub dropout: Option<(f64, Key)>,
}

/// Options that were checked, with an additive mask.
struct Checked {
    mask: Option<Tensor<4>>,
    is_causal: bool,
    scale: f32,
    dropout: Option<Dropout>,
}

impl AttentionOptions {
    fn check<const D: usize>(
        self,
        op: &'static str,
        sizes: &Sizes,
        q: &Tensor<D>,
    ) -> Result<Checked, OpError> {
        let scale = (self.scale).unwrap_or_else(|| 1.0 / (sizes.width.max(1) as f64).sqrt());
        if !scale.is_finite() {
            return Err(OpError::Range {
                op,
                argument: "scale",
                expected: "finite",
                got: scale,
            });
        }
        let dropout = match self.dropout {
            None => None,
            Some((p, key)) if (0.0..=1.0).contains(&p) => {
                let steps = (p * f64::from(STEPS)).round();
                let kept = 1.0 - steps / f64::from(STEPS);
                (steps > 0.0).then(|| Dropout {
                    threshold: steps as u32,
                    scale: if kept > 0.0 { (1.0 / kept) as f32 } else { 0.0 },
                    key,
                })
            }
            Some((p, _)) => {
                return Err(OpError::Range {
                    op,
                    argument: "dropout",
                    expected: "between 0 and 1",
                    got: p,
                });
            }
        };
        let dims = self.mask.as_ref().map(|mask| match mask {
            AttentionMask::TakesPart(mask) => mask.dims(),
            AttentionMask::Additive(mask) => mask.dims(),
        });
        let full = [sizes.batch, sizes.heads, sizes.queries, sizes.keys];
        if let Some(got) = dims.filter(|dims| !spreads(dims, &full)) {
            return Err(OpError::Shape {
                op,
                argument: "mask",
                expected: format!("the shape {full:?}, or 1 in place of some of its sizes"),
                got: got.to_vec(),
            });
        }
        let mask = self.mask.map(|mask| match mask {
            AttentionMask::Additive(mask) => mask,
            AttentionMask::TakesPart(mask) => {
                let zeros = Tensor::<4>::zeros(mask.dims(), (&q.device(), q.dtype()));
                zeros.mask_fill(mask.bool_not(), f32::NEG_INFINITY)
            }
        });
        Ok(Checked {
            mask,
            is_causal: self.is_causal,
            scale: scale as f32,
            dropout,
        })
    }
}

/// Whether a tensor of this shape can be broadcast to `full`.
fn spreads(shape: &[usize; 4], full: &[usize; 4]) -> bool {
    let axes = shape.iter().zip(full);
    axes.into_iter()
        .all(|(&size, &all)| size == all || size == 1)
}

/// Attends with each head: `y = softmax(scale · q · kᵀ + mask) · v`.
///
/// # Shapes
/// `q: (B, H, L, E)`, `k: (B, H, S, E)`, `v: (B, H, S, F)` → `(B, H, L, F)`.
///
/// # Errors
/// Sizes that do not fit each other or the mask, a non-finite scale, a dropout outside of `[0, 1]`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::attention::{AttentionOptions, scaled_dot_product_attention};
///
/// let device = Device::flex();
/// let q = Tensor::<4>::zeros([1, 1, 2, 4], &device);
/// let v = Tensor::<4>::from_floats([[[[1.0], [3.0]]]], &device);
/// let causal = AttentionOptions {
///     is_causal: true,
///     ..AttentionOptions::default()
/// };
/// let y = scaled_dot_product_attention(q.clone(), q, v, causal)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().expect("f32"), [1.0, 2.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Vaswani et al., *Attention is all you need*, 2017.
///
/// # Differences from PyTorch
/// A mask and `is_causal` may be given together. The mask has four axes; heads of keys are not
/// shared by groups of queries (`enable_gqa`). A query that no key is open to gets zeros, as there.
pub fn scaled_dot_product_attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    options: AttentionOptions,
) -> Result<Tensor<4>, OpError> {
    let op = "scaled_dot_product_attention";
    let [batch, heads, queries, width] = q.dims();
    let [_, _, keys, value_width] = v.dims();
    let sizes = Sizes {
        batch,
        heads,
        queries,
        keys,
        width,
        value_width,
    };
    check_shape(op, "k", k.dims(), [batch, heads, keys, width])?;
    check_shape(op, "v", v.dims(), [batch, heads, keys, value_width])?;
    let options = options.check(op, &sizes, &q)?;
    if !(has_kernels(&q) && has_kernels(&k) && has_kernels(&v)) {
        return Ok(composed::attend(q, k, v, &sizes, options));
    }
    let view = |rows: usize, width: usize| View {
        start: 0,
        batch: heads * rows * width,
        head: rows * width,
        row: width,
    };
    let views = [
        view(queries, width),
        view(keys, width),
        view(keys, value_width),
        view(queries, value_width),
    ];
    let shape = vec![batch, heads, queries, value_width];
    let attention = Attention::new(&sizes, views, shape, &options);
    let inputs = [q.into_dispatch(), k.into_dispatch(), v.into_dispatch()];
    Ok(attention.apply(inputs, options.mask))
}

/// Attends with heads that are slices of the last axis: head `h` of a query is its elements
/// `h · E / heads .. (h + 1) · E / heads`.
///
/// The same as [`scaled_dot_product_attention`] between a permutation and its inverse, neither of
/// which is carried out.
///
/// # Shapes
/// `q: (B, L, E)`, `k: (B, S, E)`, `v: (B, S, F)` → `(B, L, F)`; without `batch_first`, the first
/// two axes change places. The mask is for `(B, heads, L, S)`.
///
/// # Errors
/// As [`scaled_dot_product_attention`]; and widths that `heads` does not divide.
pub fn multi_head_attention(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    heads: usize,
    batch_first: bool,
    options: AttentionOptions,
) -> Result<Tensor<3>, OpError> {
    let op = "multi_head_attention";
    let rows = |[a, b, width]: [usize; 3]| {
        if batch_first {
            [a, b, width]
        } else {
            [b, a, width]
        }
    };
    let [batch, queries, width] = rows(q.dims());
    let [_, keys, value_width] = rows(v.dims());
    check_heads(op, "q", &q, width, heads)?;
    check_heads(op, "v", &v, value_width, heads)?;
    check_shape(op, "k", k.dims(), rows([batch, keys, width]))?;
    check_shape(op, "v", v.dims(), rows([batch, keys, value_width]))?;
    let sizes = Sizes {
        batch,
        heads,
        queries,
        keys,
        width: width / heads,
        value_width: value_width / heads,
    };
    let options = options.check(op, &sizes, &q)?;
    if !(has_kernels(&q) && has_kernels(&k) && has_kernels(&v)) {
        let [q, k, v] = [q, k, v].map(|x| composed::split(x, heads, batch_first));
        let y = composed::attend(q, k, v, &sizes, options);
        return Ok(composed::join(y, batch_first));
    }
    let view = |rows: usize, width: usize| strided(0, [batch, rows, heads], width, batch_first);
    let views = [
        view(queries, width),
        view(keys, width),
        view(keys, value_width),
        view(queries, value_width),
    ];
    let shape = rows([batch, queries, value_width]).to_vec();
    let attention = Attention::new(&sizes, views, shape, &options);
    let inputs = [q.into_dispatch(), k.into_dispatch(), v.into_dispatch()];
    Ok(attention.apply(inputs, options.mask))
}

/// [`multi_head_attention`] of a sequence to itself: queries, keys and values are the thirds of the
/// last axis, as one linear layer yields them.
///
/// # Shapes
/// `qkv: (B, L, 3 · E)` → `(B, L, E)`; without `batch_first`, the first two axes change places.
///
/// # Errors
/// As [`multi_head_attention`]; and a last axis that three times `heads` does not divide.
pub fn multi_head_self_attention(
    qkv: Tensor<3>,
    heads: usize,
    batch_first: bool,
    options: AttentionOptions,
) -> Result<Tensor<3>, OpError> {
    let op = "multi_head_self_attention";
    let [a, b, all] = qkv.dims();
    let [batch, length] = if batch_first { [a, b] } else { [b, a] };
    check_heads(op, "qkv", &qkv, all, 3 * heads)?;
    let width = all / 3;
    let sizes = Sizes {
        batch,
        heads,
        queries: length,
        keys: length,
        width: width / heads,
        value_width: width / heads,
    };
    let options = options.check(op, &sizes, &qkv)?;
    if !has_kernels(&qkv) {
        let [q, k, v] = [0, 1, 2].map(|part| {
            let third = qkv
                .clone()
                .slice([0..a, 0..b, part * width..(part + 1) * width]);
            composed::split(third, heads, batch_first)
        });
        let y = composed::attend(q, k, v, &sizes, options);
        return Ok(composed::join(y, batch_first));
    }
    let third = |part: usize| View {
        head: width / heads,
        ..strided(part * width, [batch, length, heads], all, batch_first)
    };
    let views = [
        third(0),
        third(1),
        third(2),
        strided(0, [batch, length, heads], width, batch_first),
    ];
    let attention = Attention::new(&sizes, views, vec![a, b, width], &options);
    Ok(attention.apply([qkv.into_dispatch()], options.mask))
}

/// The weights of [`scaled_dot_product_attention`], after dropout: `softmax(scale · q · kᵀ + mask)`,
/// composed of tensor operations.
///
/// # Shapes
/// `q: (B, H, L, E)`, `k: (B, H, S, E)` → `(B, H, L, S)`.
///
/// # Errors
/// As [`scaled_dot_product_attention`].
pub fn attention_weights(
    q: Tensor<4>,
    k: Tensor<4>,
    options: AttentionOptions,
) -> Result<Tensor<4>, OpError> {
    let op = "attention_weights";
    let [batch, heads, queries, width] = q.dims();
    let keys = k.dims()[2];
    check_shape(op, "k", k.dims(), [batch, heads, keys, width])?;
    let sizes = Sizes {
        batch,
        heads,
        queries,
        keys,
        width,
        value_width: width,
    };
    let options = options.check(op, &sizes, &q)?;
    Ok(composed::weights(q, k, &sizes, options))
}

/// Heads as slices of rows of `width`.
fn strided(
    start: usize,
    [batch, rows, heads]: [usize; 3],
    width: usize,
    batch_first: bool,
) -> View {
    let [batch, row] = if batch_first {
        [rows * width, width]
    } else {
        [width, batch * width]
    };
    View {
        start,
        batch,
        head: width / heads,
        row,
    }
}

fn check_shape<const D: usize>(
    op: &'static str,
    argument: &'static str,
    got: [usize; D],
    expected: [usize; D],
) -> Result<(), OpError> {
    if got == expected {
        return Ok(());
    }
    Err(OpError::Shape {
        op,
        argument,
        expected: format!("the shape {expected:?}, to fit the queries and values"),
        got: got.to_vec(),
    })
}

fn check_heads(
    op: &'static str,
    argument: &'static str,
    x: &Tensor<3>,
    width: usize,
    parts: usize,
) -> Result<(), OpError> {
    if parts > 0 && width > 0 && width.is_multiple_of(parts) {
        return Ok(());
    }
    Err(OpError::Shape {
        op,
        argument,
        expected: format!("a last axis that {parts} divides"),
        got: x.dims().to_vec(),
    })
}

#[cfg(test)]
mod tests;
