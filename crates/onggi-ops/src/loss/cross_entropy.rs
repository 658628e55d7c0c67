//! Cross-entropy of the softmax of logits, in one operation: `l = −Σₖ w[k] · t[k] · ln p[k]`.
//!
//! The targets `t` are a class, that is 1 there and 0 elsewhere, or probabilities; label smoothing
//! `s` makes of them `(1 − s)·t + s/K`. With `T = Σₖ w[k]·t[k]` and the upstream gradient `g`:
//!
//! ```text
//! dx[k] = g · (T · p[k] − w[k] · t[k])
//! dt[k] = −g · (1 − s) · w[k] · ln p[k]
//! ```
//!
//! The forward pass keeps two numbers a row, from which the backward pass computes `p` again: no
//! matrix of probabilities is ever stored.

use super::Reduction;
use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::softmax::{self as kernel, Statistics, Targets};
use burn::backend::TensorMetadata;
use burn::tensor::{Int, Tensor, TensorData, activation};
use burn_flex::FlexTensor;
use std::sync::Arc;

/// How [`cross_entropy`] weighs and sums.
#[derive(Clone, Debug)]
pub struct CrossEntropyOptions {
    /// A factor a class. Default: 1.
    pub weight: Option<Vec<f32>>,
    /// The part of each target that is spread over all classes. Default: 0.
    pub label_smoothing: f64,
    /// The class of rows that do not count. Default: −100.
    pub ignore_index: i64,
    /// What becomes of the rows' losses. Default: their mean.
    pub reduction: Reduction,
}

impl Default for CrossEntropyOptions {
    fn default() -> Self {
        Self {
            weight: None,
            label_smoothing: 0.0,
            ignore_index: -100,
            reduction: Reduction::Mean,
        }
    }
}

/// Stands for the class of a row that does not count.
const IGNORED: usize = usize::MAX;

/// Of the logits `[rows, K]` (`N = 1`), or of them and of target probabilities of the same shape.
#[derive(Clone, Debug)]
struct CrossEntropy {
    /// Empty where the targets are probabilities.
    classes: Arc<[usize]>,
    weight: Option<Arc<[f32]>>,
    /// `1 − s`.
    hit: f32,
    /// `s / K`.
    spread: f32,
    reduction: Reduction,
    /// What the sum of the losses is divided by.
    divisor: f64,
}

#[derive(Clone, Debug)]
struct Saved {
    x: FlexTensor,
    target: Option<FlexTensor>,
    rows: Arc<[(f32, Statistics)]>,
}

impl CrossEntropy {
    fn targets<'a>(&'a self, values: Option<&'a FlexTensor>) -> Targets<'a> {
        let (hit, spread) = (self.hit, self.spread);
        match values {
            Some(values) => Targets::Probabilities {
                values: slice(values),
                hit,
                spread,
            },
            None => Targets::Classes {
                classes: &self.classes,
                hit,
                spread,
            },
        }
    }

    fn composed(self, x: Tensor<2>, target: Option<Tensor<2>>) -> Tensor<1> {
        let (device, dtype) = (x.device(), x.dtype());
        let [rows, k] = x.dims();
        if rows == 0 {
            let losses = usize::from(self.reduction != Reduction::None);
            return Tensor::zeros([losses], (&device, dtype));
        }
        let weight = self.weight.as_ref().map(|weight| {
            let weight = TensorData::new(weight.to_vec(), [1, k]);
            Tensor::<2>::from_data(weight, (&device, dtype))
        });
        let weighted = |x: Tensor<2>| match &weight {
            Some(weight) => x * weight.clone(),
            None => x,
        };
        let log_p = activation::log_softmax(x, 1);
        let losses = if let Some(target) = target {
            let target = target * self.hit + self.spread;
            -(weighted(target) * log_p).sum_dim(1)
        } else {
            // Picked by a mask and not by `gather`, whose gradient adds at places: a device that
            // does so with atomics gives other bits each time. A mask also keeps infinite
            // logarithms of other classes out of the sum, as a product with zeros would not.
            let counted = |&class: &usize| class != IGNORED;
            let column = |values: Vec<f32>| {
                let values = TensorData::new(values, [rows, 1]);
                Tensor::<2>::from_data(values, (&device, dtype))
            };
            let index = |class: &usize| if counted(class) { *class as i64 } else { -1 };
            let index: Vec<i64> = self.classes.iter().map(index).collect();
            let index = Tensor::<2, Int>::from_data(TensorData::new(index, [rows, 1]), &device);
            let classes = Tensor::<1, Int>::arange(0..k as i64, &device).reshape([1, k]);
            let others = classes.expand([rows, k]).not_equal(index.expand([rows, k]));
            let factor = |class: &usize| match &self.weight {
                Some(weight) if counted(class) => weight[*class] * self.hit,
                _ => self.hit,
            };
            let factors = column(self.classes.iter().map(factor).collect());
            let mut losses = -log_p.clone().mask_fill(others, 0.0).sum_dim(1) * factors;
            if self.spread != 0.0 {
                losses = losses - weighted(log_p).sum_dim(1) * self.spread;
            }
            let ignored = self.classes.iter().map(|class| f32::from(!counted(class)));
            let ignored = column(ignored.collect()).equal_elem(1.0);
            losses.mask_fill(ignored, 0.0)
        };
        match self.reduction {
            Reduction::None => losses.reshape([rows]),
            _ => losses.sum() / self.divisor,
        }
    }
}

impl<const N: usize> Operation<N> for CrossEntropy {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Saved) {
        let (x, target) = (inputs[0].clone(), inputs.get(1).cloned());
        let k = x.shape()[1];
        let targets = self.targets(target.as_ref());
        let rows = kernel::losses(slice(&x), k, targets, self.weight.as_deref());
        let y = if self.reduction == Reduction::None {
            tensor(rows.iter().map(|row| row.0).collect(), [rows.len()])
        } else {
            let sum: f64 = rows.iter().map(|row| f64::from(row.0)).sum();
            tensor(vec![(sum / self.divisor) as f32], [1])
        };
        let rows = rows.into();
        (y, Saved { x, target, rows })
    }

    fn backward(&self, saved: Saved, dy: FlexTensor, wanted: [bool; N]) -> [Option<FlexTensor>; N] {
        let Saved { x, target, rows } = saved;
        let (k, weight) = (x.shape()[1], self.weight.as_deref());
        let dy = slice(&dy);
        let upstream = |row: usize| match self.reduction {
            Reduction::None => dy[row],
            _ => (f64::from(dy[0]) / self.divisor) as f32,
        };
        std::array::from_fn(|input| {
            wanted[input].then(|| {
                let gradient = if input == 0 {
                    let targets = self.targets(target.as_ref());
                    kernel::losses_backward(slice(&x), k, &rows, targets, weight, upstream)
                } else {
                    kernel::targets_backward(slice(&x), k, &rows, self.hit, weight, upstream)
                };
                tensor(gradient, x.shape())
            })
        })
    }
}

/// Cross-entropy between logits and classes, in nats. A row with class `y` loses
///
/// `l = (1 − s) · w[y] · (−ln p[y]) + s/K · Σₖ w[k] · (−ln p[k])`
///
/// with the softmax `p` of its logits, label smoothing `s` and class weights `w`. The mean is
/// `Σ l / Σ w[y]` over the rows that are not ignored.
///
/// # Shapes
/// `logits: (N, K, *)` or `[K]`, `classes`: one for each place of `(N, *)` in row-major order →
/// `[1]`, or one loss for each class given if there is no reduction.
///
/// # Errors
/// No classes among the logits, another number of classes than places or of weights than `K`, a
/// class that is neither in `0..K` nor `ignore_index`, smoothing outside of `[0, 1]`, or a mean of
/// rows none of which counts.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::loss::{CrossEntropyOptions, cross_entropy};
///
/// let logits = Tensor::<2>::zeros([3, 4], &Device::flex());
/// let loss = cross_entropy(logits, &[0, 3, -100], &CrossEntropyOptions::default())?;
/// assert!((loss.into_scalar::<f32>() - 4f32.ln()).abs() < 1e-6);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Szegedy et al., *Rethinking the Inception architecture*, 2016 (label smoothing).
///
/// # Differences from PyTorch
/// Losses without a reduction come in one axis. Where every row is ignored, the mean is an error
/// instead of NaN.
pub fn cross_entropy<const D: usize>(
    logits: Tensor<D>,
    classes: &[i64],
    options: &CrossEntropyOptions,
) -> Result<Tensor<1>, OpError> {
    let op = "cross_entropy";
    let k = check(op, &logits, options)?;
    let rows = rows(logits);
    if classes.len() != rows.dims()[0] {
        return Err(OpError::Shape {
            op,
            argument: "logits",
            expected: format!("one row for each of the {} classes given", classes.len()),
            got: rows.dims().to_vec(),
        });
    }
    let class = |&class: &i64| match usize::try_from(class) {
        _ if class == options.ignore_index => Ok(IGNORED),
        Ok(index) if index < k => Ok(index),
        _ => Err(OpError::Class {
            op,
            classes: k,
            got: class,
        }),
    };
    let classes = classes.iter().map(class).collect::<Result<Arc<[_]>, _>>()?;
    let weight = |&class: &usize| match &options.weight {
        _ if class == IGNORED => 0.0,
        Some(weight) => f64::from(weight[class]),
        None => 1.0,
    };
    let divisor = match options.reduction {
        Reduction::Mean => classes.iter().map(weight).sum(),
        _ => 1.0,
    };
    if divisor == 0.0 {
        return Err(OpError::NothingToAverage { op });
    }
    let operation = operation(classes, k, options, divisor);
    Ok(if has_kernels(&rows) {
        fused::apply(operation, [rows.into_dispatch()]).y()
    } else {
        operation.composed(rows, None)
    })
}

/// Cross-entropy between logits and target probabilities, in nats: a row loses
///
/// `l = −Σₖ w[k] · ((1 − s) · t[k] + s/K) · ln p[k]`.
///
/// The mean is over rows, whatever their weights. The targets have a gradient too.
///
/// # Shapes
/// `logits, targets: (N, K, *)` or `[K]` → `[1]`, or one loss for each place of `(N, *)` in one axis
/// if there is no reduction.
///
/// # Errors
/// As [`cross_entropy`], without what is said of classes; targets of another shape.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::loss::{CrossEntropyOptions, cross_entropy_soft};
///
/// let logits = Tensor::<2>::zeros([3, 4], &Device::flex());
/// let targets = Tensor::<2>::full([3, 4], 0.25, &Device::flex());
/// let loss = cross_entropy_soft(logits, targets, &CrossEntropyOptions::default())?;
/// assert!((loss.into_scalar::<f32>() - 4f32.ln()).abs() < 1e-6);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
pub fn cross_entropy_soft<const D: usize>(
    logits: Tensor<D>,
    targets: Tensor<D>,
    options: &CrossEntropyOptions,
) -> Result<Tensor<1>, OpError> {
    let op = "cross_entropy_soft";
    let k = check(op, &logits, options)?;
    if logits.dims() != targets.dims() {
        return Err(OpError::Shape {
            op,
            argument: "targets",
            expected: format!("the shape {:?} of the logits", logits.dims()),
            got: targets.dims().to_vec(),
        });
    }
    let (x, targets) = (rows(logits), rows(targets));
    let divisor = match options.reduction {
        Reduction::Mean => x.dims()[0] as f64,
        _ => 1.0,
    };
    if divisor == 0.0 {
        return Err(OpError::NothingToAverage { op });
    }
    let operation = operation(Arc::default(), k, options, divisor);
    Ok(if has_kernels(&x) && has_kernels(&targets) {
        fused::apply(operation, [x.into_dispatch(), targets.into_dispatch()]).y()
    } else {
        operation.composed(x, Some(targets))
    })
}

fn operation(
    classes: Arc<[usize]>,
    k: usize,
    options: &CrossEntropyOptions,
    divisor: f64,
) -> CrossEntropy {
    CrossEntropy {
        classes,
        weight: options.weight.as_deref().map(Arc::from),
        hit: (1.0 - options.label_smoothing) as f32,
        spread: (options.label_smoothing / k as f64) as f32,
        reduction: options.reduction,
        divisor,
    }
}

/// The number of classes.
fn check<const D: usize>(
    op: &'static str,
    logits: &Tensor<D>,
    options: &CrossEntropyOptions,
) -> Result<usize, OpError> {
    let shape = logits.dims();
    let k = shape[usize::from(D > 1)];
    if k == 0 {
        return Err(OpError::Shape {
            op,
            argument: "logits",
            expected: "at least one class, (N, K, …)".to_string(),
            got: shape.to_vec(),
        });
    }
    if !(0.0..=1.0).contains(&options.label_smoothing) {
        return Err(OpError::Range {
            op,
            argument: "label_smoothing",
            expected: "between 0 and 1",
            got: options.label_smoothing,
        });
    }
    match &options.weight {
        Some(weight) if weight.len() != k => Err(OpError::Shape {
            op,
            argument: "weight",
            expected: format!("one value for each of the {k} classes"),
            got: vec![weight.len()],
        }),
        _ => Ok(k),
    }
}

/// `(N, K, *)` or `[K]` as rows of `K`.
fn rows<const D: usize>(x: Tensor<D>) -> Tensor<2> {
    let k = x.dims()[usize::from(D > 1)];
    let places = x.dims().iter().product::<usize>() / k;
    let x = if D > 2 { x.movedim(1, D - 1) } else { x };
    x.reshape([places, k])
}

#[cfg(test)]
mod tests;
