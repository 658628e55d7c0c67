//! Lookups in a table of vectors: each index becomes its row, or each bag of indices the sum, mean
//! or maximum of its rows.
//!
//! `y[i] = weight[indices[i]]`, so `dweight[r] = Σ dy[i]` over the `i` whose index is `r`: the
//! gradient is a dense tensor of which only the rows that were looked up are touched.

mod bag;

pub use bag::{Bag, embedding_bag};

use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::embedding::{self as kernel, Entry};
use burn::tensor::{Int, Tensor};
use burn_flex::FlexTensor;

/// Of `weight`.
#[derive(Clone, Debug)]
struct Embedding {
    indices: Vec<u32>,
    padding_idx: Option<usize>,
    rows: usize,
    /// Of the result.
    shape: Vec<usize>,
}

impl Embedding {
    fn width(&self) -> usize {
        self.shape[self.shape.len() - 1]
    }
}

impl Operation<1> for Embedding {
    type Saved = ();

    fn forward(&self, [weight]: [FlexTensor; 1]) -> (FlexTensor, ()) {
        let y = kernel::lookup(slice(&weight), self.width(), &self.indices);
        (tensor(y, self.shape.clone()), ())
    }

    fn backward(&self, (): (), dy: FlexTensor, _wanted: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let entries = self.indices.iter().enumerate();
        let entries = entries.filter(|&(_, &row)| Some(row as usize) != self.padding_idx);
        let entries = entries.map(|(from, &row)| Entry {
            row,
            from: from as u32,
            factor: 1.0,
        });
        let (width, entries) = (self.width(), entries.collect());
        let dweight = kernel::scatter(slice(&dy), self.rows, width, entries);
        [Some(tensor(dweight, [self.rows, width]))]
    }
}

/// On any device, of tensor operations whose gradient Burn knows.
fn composed(weight: Tensor<2>, indices: Tensor<1, Int>, padding_idx: Option<usize>) -> Tensor<2> {
    let y = weight.select(0, indices.clone());
    let Some(padding) = padding_idx else { return y };
    let mask = indices.equal_elem(padding as i64).unsqueeze_dim::<2>(1);
    let mask = mask.repeat_dim(1, y.dims()[1]);
    y.clone().mask_where(mask, y.detach())
}

/// The rows of `weight` that `indices` name. The row `padding_idx` gets no gradient.
///
/// The gradient's sums are taken in the order of the indices, at any number of threads.
///
/// # Shapes
/// `weight: [V, E]`, `indices: (*)` of `0..V` → `(*, E)`, so `R` is `D + 1`.
///
/// # Errors
/// An index, or a `padding_idx`, that is not below `V`; another `R` than `D + 1`. On devices other
/// than the CPU the indices are not read, and so not checked.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use onggi_ops::embedding::embedding;
///
/// let device = Device::flex();
/// let weight = Tensor::<2>::from_floats([[0.0, 1.0], [2.0, 3.0]], &device);
/// let indices = Tensor::<1, Int>::from_ints([1, 0, 1], &device);
/// let y: Tensor<2> = embedding(weight, indices, None)?;
/// let y = y.into_data().try_to_vec::<f32>().expect("f32");
/// assert_eq!(y, [2.0, 3.0, 0.0, 1.0, 2.0, 3.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// No `max_norm`, `scale_grad_by_freq` or `sparse`; `padding_idx` is not counted from the end.
pub fn embedding<const D: usize, const R: usize>(
    weight: Tensor<2>,
    indices: Tensor<D, Int>,
    padding_idx: Option<usize>,
) -> Result<Tensor<R>, OpError> {
    let op = "embedding";
    let ([rows, width], dims) = (weight.dims(), indices.dims());
    if R != D + 1 {
        return Err(OpError::Shape {
            op,
            argument: "indices",
            expected: format!("{} axes for a result of {R}", R.saturating_sub(1)),
            got: dims.to_vec(),
        });
    }
    check_padding(op, padding_idx, rows)?;
    let shape: [usize; R] = std::array::from_fn(|axis| *dims.get(axis).unwrap_or(&width));
    let indices = indices.flatten::<1>(0, D - 1);
    if !has_kernels(&weight) {
        if shape.contains(&0) {
            return Ok(Tensor::zeros(shape, (&weight.device(), weight.dtype())));
        }
        return Ok(composed(weight, indices, padding_idx).reshape(shape));
    }
    let embedding = Embedding {
        indices: host(op, indices, rows)?,
        padding_idx,
        rows,
        shape: shape.to_vec(),
    };
    Ok(fused::apply(embedding, [weight.into_dispatch()]).y())
}

fn check_padding(op: &'static str, padding: Option<usize>, rows: usize) -> Result<(), OpError> {
    match padding {
        Some(index) if index >= rows => Err(OpError::Range {
            op,
            argument: "padding_idx",
            expected: "a row of the table",
            got: index as f64,
        }),
        _ => Ok(()),
    }
}

/// The indices, all of which name one of the table's rows.
fn host(op: &'static str, indices: Tensor<1, Int>, rows: usize) -> Result<Vec<u32>, OpError> {
    let indices = indices.into_data();
    let checked = indices.iter::<i64>().enumerate().map(|(at, index)| {
        let row = u32::try_from(index).ok();
        row.filter(|&row| (row as usize) < rows)
            .ok_or(OpError::Index {
                op,
                index,
                at,
                rows,
            })
    });
    checked.collect()
}

#[cfg(test)]
mod tests;
