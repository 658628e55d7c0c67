//! Penalties on the size of parameters, around an optimiser's step.

use super::{Flat, Slot};
use crate::flex::slice_mut;
use crate::fused::{from_flex, has_kernels, into_flex};
use crate::kernels::optim as kernel;
use burn::tensor::Tensor;

/// Gradients of penalties, before a step:
///
/// ```text
/// g ← scale · g + l1 · sign(p) + l2 · p      sign(0) = 0
/// ```
///
/// of the slots for which `penalty` has `[l1, l2]`, whose scale is 1 then.
///
/// # Shapes
/// A slot's gradient has its parameter's length.
pub fn add_penalty(slots: &mut [Slot], penalty: impl Fn(usize) -> Option<[f64; 2]>) {
    for (i, slot) in slots.iter_mut().enumerate() {
        let Some([l1, l2]) = penalty(i) else {
            continue;
        };
        let factors = kernel::Penalty {
            scale: slot.gradient_scale as f32,
            l1: l1 as f32,
            l2: l2 as f32,
        };
        slot.gradient_scale = 1.0;
        let (p, g) = (slot.parameter.clone(), take(&mut slot.gradient));
        slot.gradient = if has_kernels(&p) && has_kernels(&g) && p.dims() == g.dims() {
            let mut flat = Flat {
                p: into_flex(g),
                g: into_flex(p),
                state: [],
                factors,
            };
            kernel::penalty(vec![flat.part()]);
            from_flex(flat.p)
        } else {
            g * factors.scale + p.clone() * factors.l2 + p.sign() * factors.l1
        };
    }
}

/// The proximal step of an L1 penalty: `x ← sign(x) · max(|x| − by, 0)`, zeros being exact.
///
/// # Shapes
/// Any length.
///
/// # Reference
/// Daubechies et al., *An iterative thresholding algorithm for linear inverse problems*, 2004.
pub fn soft_threshold(x: Tensor<1>, by: f64) -> Tensor<1> {
    if has_kernels(&x) {
        let mut x = into_flex(x);
        kernel::soft_threshold(slice_mut(&mut x), by as f32);
        return from_flex(x);
    }
    x.clone().sign() * (x.abs() - by as f32).clamp_min(0.0)
}

/// Scales the rows of `x` whose L2 norm is above `max_norm` down to it.
///
/// # Shapes
/// `x` holds `rows` rows of one length.
///
/// # Reference
/// Srebro and Shraibman, *Rank, trace-norm and max-norm*, 2005; with dropout: Srivastava et al.,
/// *Dropout*, 2014.
pub fn max_norm(x: Tensor<1>, rows: usize, max_norm: f64) -> Tensor<1> {
    let [len] = x.dims();
    if rows == 0 || len == 0 {
        return x;
    }
    let by_row = x.reshape([rows, len / rows]);
    let norms = by_row.clone().square().sum_dim(1).sqrt();
    // Exactly 1 for a row that is not above.
    let above = norms.clone().greater_elem(max_norm as f32);
    let factors = norms
        .ones_like()
        .mask_where(above, norms.recip() * max_norm as f32);
    (by_row * factors).reshape([len])
}

/// The tensor, leaving an empty one in its place.
fn take(x: &mut Tensor<1>) -> Tensor<1> {
    let nothing = Tensor::zeros([1], &x.device());
    std::mem::replace(x, nothing)
}
