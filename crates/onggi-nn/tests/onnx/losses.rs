//! Losses.

use crate::case::{Array, Case, Outcome, by_rank};
use onggi_nn::activation::LogSoftmax;
use onggi_nn::loss::{CrossEntropy, NllLoss, Reduction};

fn reduction(case: &Case) -> Reduction {
    match case.text("reduction") {
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        _ => Reduction::None,
    }
}

/// A loss of each place comes in one axis here, a loss of all in an axis of 1.
fn shaped(case: &Case, loss: Array) -> Option<Array> {
    Some(loss.reshaped(case.output_shape(0)))
}

pub(crate) fn cross_entropy(case: &Case) -> Outcome {
    let (x, labels) = (case.input("scores"), case.input("labels"));
    let mut loss = CrossEntropy::new(0.0, case.get("weights").map(Array::floats))?
        .with_reduction(reduction(case));
    if let Some(index) = case.optional("ignore_index") {
        loss = loss.with_ignore_index(index as i64);
    }
    by_rank!(x.rank(), D in [2 3 4 5 7] => {
        let y = loss.forward_indices(x.tensor::<D>(), labels.indices::<{ D - 1 }>())?;
        let log_p = LogSoftmax::new(1).forward(x.tensor::<D>())?;
        Ok(vec![shaped(case, Array::of(y)), Some(Array::of(log_p))])
    })
}

pub(crate) fn nll_loss(case: &Case) -> Outcome {
    let x = case.input("input");
    let mut loss =
        NllLoss::new(case.get("weight").map(Array::floats))?.with_reduction(reduction(case));
    // Classes are unsigned; a negative one, which only stands for "ignored", becomes a large one.
    let unsigned = |class: i64| class as usize;
    if let Some(index) = case.optional("ignore_index") {
        loss = loss.with_ignore_index(unsigned(index as i64));
    }
    let classes: Vec<usize> = case
        .input("target")
        .ints()
        .into_iter()
        .map(unsigned)
        .collect();
    by_rank!(x.rank(), D in [2 3 4 5 7] => {
        let y = loss.forward(x.tensor::<D>(), &classes)?;
        Ok(vec![shaped(case, Array::of(y))])
    })
}
