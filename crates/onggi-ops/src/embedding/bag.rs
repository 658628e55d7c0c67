//! Bags of rows: the sum, the mean or the maximum of the rows that a bag's indices name.
//!
//! ```text
//! sum:  y[b] = Σ s[i] · weight[indices[i]]    mean: s[i] = 1 / (indices in the bag)
//! dweight[r] = Σ s[i] · dy[b(i)] over the i whose index is r      ds[i] = weight[indices[i]] · dy[b(i)]
//! max:  each dy goes to the row that was the largest, the first of several
//! ```

use super::{check_padding, host};
use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::embedding::{self as kernel, Entry};
use burn::tensor::{Int, Tensor, TensorData};
use burn_flex::FlexTensor;
use std::ops::Range;

/// What becomes of a bag's rows.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // an argument, which nobody keeps many of
pub enum Bag {
    /// Their sum, each times its own weight if there are any: one for each index.
    Sum {
        /// `per_sample_weights`.
        weights: Option<Tensor<1>>,
    },
    /// Their mean.
    Mean,
    /// The largest of them in each column.
    Max,
}

/// The bags' indices, those of the padding left out.
#[derive(Clone, Debug)]
struct Bags {
    entries: Vec<Entry>,
    /// Where each entry stands among the indices.
    places: Vec<usize>,
    /// The entries of each bag.
    bags: Vec<Range<usize>>,
    /// How many indices there are, with the padding's.
    indices: usize,
    /// Rows and width of the table.
    table: [usize; 2],
}

impl Bags {
    fn new(
        indices: &[u32],
        offsets: &[usize],
        mean: bool,
        padding_idx: Option<usize>,
        table: [usize; 2],
    ) -> Self {
        let (mut entries, mut places, mut bags) = (Vec::new(), Vec::new(), Vec::new());
        for (bag, range) in ranges(offsets, indices.len()).into_iter().enumerate() {
            let first = entries.len();
            for at in range.filter(|&at| Some(indices[at] as usize) != padding_idx) {
                entries.push(Entry {
                    row: indices[at],
                    from: bag as u32,
                    factor: 1.0,
                });
                places.push(at);
            }
            if mean {
                let count = entries.len() - first;
                entries[first..]
                    .iter_mut()
                    .for_each(|e| e.factor = 1.0 / count as f32);
            }
            bags.push(first..entries.len());
        }
        Self {
            entries,
            places,
            bags,
            indices: indices.len(),
            table,
        }
    }

    fn sum(&self, weight: &FlexTensor, entries: &[Entry]) -> FlexTensor {
        let y = kernel::sum_bags(slice(weight), self.table[1], entries, &self.bags);
        tensor(y, [self.bags.len(), self.table[1]])
    }

    fn scatter(&self, dy: &FlexTensor, entries: Vec<Entry>) -> FlexTensor {
        let [rows, width] = self.table;
        tensor(kernel::scatter(slice(dy), rows, width, entries), self.table)
    }

    /// The entries with the factors that `weights` holds for their places.
    fn weighted(&self, weights: &FlexTensor) -> Vec<Entry> {
        let weights = slice(weights);
        let entries = self.entries.iter().zip(&self.places);
        let weighted = entries.map(|(&entry, &place)| Entry {
            factor: weights[place],
            ..entry
        });
        weighted.collect()
    }
}

/// Sums or means, of `weight`.
#[derive(Clone, Debug)]
struct Sum(Bags);

impl Operation<1> for Sum {
    type Saved = ();

    fn forward(&self, [weight]: [FlexTensor; 1]) -> (FlexTensor, ()) {
        (self.0.sum(&weight, &self.0.entries), ())
    }

    fn backward(&self, (): (), dy: FlexTensor, _wanted: [bool; 1]) -> [Option<FlexTensor>; 1] {
        [Some(self.0.scatter(&dy, self.0.entries.clone()))]
    }
}

/// Of `weight` and the weights of the indices.
impl Operation<2> for Sum {
    type Saved = [FlexTensor; 2];

    fn forward(&self, [weight, weights]: [FlexTensor; 2]) -> (FlexTensor, [FlexTensor; 2]) {
        let y = self.0.sum(&weight, &self.0.weighted(&weights));
        (y, [weight, weights])
    }

    fn backward(
        &self,
        [weight, weights]: [FlexTensor; 2],
        dy: FlexTensor,
        wanted: [bool; 2],
    ) -> [Option<FlexTensor>; 2] {
        let Bags {
            entries,
            places,
            indices,
            table,
            ..
        } = &self.0;
        let dweight = wanted[0].then(|| self.0.scatter(&dy, self.0.weighted(&weights)));
        let dweights = wanted[1].then(|| {
            let of_entries = kernel::factor_gradient(slice(&weight), slice(&dy), table[1], entries);
            let mut dweights = vec![0.0; *indices];
            for (&place, v) in places.iter().zip(of_entries) {
                dweights[place] = v;
            }
            tensor(dweights, [*indices])
        });
        [dweight, dweights]
    }
}

/// Maxima, of `weight`.
#[derive(Clone, Debug)]
struct Max(Bags);

impl Operation<1> for Max {
    /// The row that was the largest, a bag and column.
    type Saved = Vec<u32>;

    fn forward(&self, [weight]: [FlexTensor; 1]) -> (FlexTensor, Vec<u32>) {
        let Bags {
            entries,
            bags,
            table,
            ..
        } = &self.0;
        let (y, best) = kernel::max_bags(slice(&weight), table[1], entries, bags);
        (tensor(y, [bags.len(), table[1]]), best)
    }

    fn backward(
        &self,
        best: Vec<u32>,
        dy: FlexTensor,
        _wanted: [bool; 1],
    ) -> [Option<FlexTensor>; 1] {
        let [rows, width] = self.0.table;
        let dweight = kernel::scatter_max(slice(&dy), rows, width, &best);
        [Some(tensor(dweight, self.0.table))]
    }
}

/// On any device, of tensor operations whose gradient Burn knows.
pub(super) fn composed(
    weight: Tensor<2>,
    indices: Tensor<1, Int>,
    offsets: &[usize],
    bag: Bag,
    padding_idx: Option<usize>,
) -> Tensor<2> {
    let (device, [_, width]) = (weight.device(), weight.dims());
    let (count, ranges) = (indices.dims()[0], ranges(offsets, indices.dims()[0]));
    let padding = padding_idx.map(|index| indices.clone().equal_elem(index as i64));
    let rows = weight.select(0, indices);
    if let Bag::Max = bag {
        let rows = match padding {
            Some(padding) => {
                let padding = padding.unsqueeze_dim::<2>(1).expand(rows.dims());
                rows.mask_fill(padding, f32::NEG_INFINITY)
            }
            None => rows,
        };
        let largest = ranges.into_iter().map(|range| {
            if range.is_empty() {
                return Tensor::full([1, width], f32::NEG_INFINITY, (&device, rows.dtype()));
            }
            rows.clone().slice([range, 0..width]).max_dim(0)
        });
        let y = Tensor::cat(largest.collect(), 0);
        return y.clone().mask_fill(y.equal_elem(f32::NEG_INFINITY), 0.0);
    }
    let mut member = vec![0f32; ranges.len() * count];
    let shape = [ranges.len(), count];
    for (bag, range) in ranges.into_iter().enumerate() {
        member[bag * count..][range].fill(1.0);
    }
    let member = TensorData::new(member, shape);
    let mut factors = Tensor::<2>::from_data(member, (&device, rows.dtype()));
    if let Some(padding) = padding {
        factors = factors.mask_fill(padding.unsqueeze_dim::<2>(0).expand(shape), 0.0);
    }
    match bag {
        Bag::Sum {
            weights: Some(weights),
        } => factors = factors * weights.unsqueeze_dim(0),
        Bag::Mean => factors = factors.clone() / factors.sum_dim(1).clamp_min(1.0),
        _ => {}
    }
    factors.matmul(rows)
}

/// The indices of each bag.
fn ranges(offsets: &[usize], indices: usize) -> Vec<Range<usize>> {
    let ends = offsets.iter().skip(1).copied().chain([indices]);
    offsets
        .iter()
        .zip(ends)
        .map(|(&start, end)| start..end)
        .collect()
}

/// The sum, mean or maximum of the rows of `weight` that each bag's indices name. Bag `b` has the
/// indices `offsets[b]..offsets[b + 1]`, the last one the rest. Indices that are `padding_idx` are
/// left out; an empty bag gives zeros.
///
/// # Shapes
/// `weight: [V, E]`, `indices: (N)` of `0..V`, `B` offsets, `N` weights → `(B, E)`.
///
/// # Errors
/// An index, or a `padding_idx`, that is not below `V` (checked on the CPU); offsets that do not
/// begin with 0, fall, or go past the indices; another number of weights than of indices.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use onggi_ops::embedding::{Bag, embedding_bag};
///
/// let device = Device::flex();
/// let weight = Tensor::<2>::from_floats([[0.0, 1.0], [2.0, 3.0]], &device);
/// let indices = Tensor::<1, Int>::from_ints([1, 0, 1], &device);
/// let y = embedding_bag(weight, indices, &[0, 2], Bag::Mean, None)?;
/// let y = y.into_data().try_to_vec::<f32>().expect("f32");
/// assert_eq!(y, [1.0, 2.0, 2.0, 3.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// As [`embedding`](super::embedding); no `include_last_offset`.
pub fn embedding_bag(
    weight: Tensor<2>,
    indices: Tensor<1, Int>,
    offsets: &[usize],
    bag: Bag,
    padding_idx: Option<usize>,
) -> Result<Tensor<2>, OpError> {
    let op = "embedding_bag";
    let (table, count) = (weight.dims(), indices.dims()[0]);
    check_padding(op, padding_idx, table[0])?;
    let rising = offsets.is_sorted() && offsets.last().is_some_and(|&last| last <= count);
    if offsets.first() != Some(&0) || !rising {
        return Err(OpError::Offsets {
            op,
            indices: count,
            got: offsets.to_vec(),
        });
    }
    if let Bag::Sum {
        weights: Some(weights),
    } = &bag
        && weights.dims() != [count]
    {
        return Err(OpError::Shape {
            op,
            argument: "weights",
            expected: format!("one value for each of the {count} indices"),
            got: weights.dims().to_vec(),
        });
    }
    if !has_kernels(&weight) {
        return Ok(composed(weight, indices, offsets, bag, padding_idx));
    }
    let mean = matches!(bag, Bag::Mean);
    let bags = Bags::new(
        &host(op, indices, table[0])?,
        offsets,
        mean,
        padding_idx,
        table,
    );
    let weight = weight.into_dispatch();
    Ok(match bag {
        Bag::Max => fused::apply(Max(bags), [weight]).y(),
        Bag::Sum {
            weights: Some(weights),
        } => fused::apply(Sum(bags), [weight, weights.into_dispatch()]).y(),
        Bag::Sum { weights: None } | Bag::Mean => fused::apply(Sum(bags), [weight]).y(),
    })
}
