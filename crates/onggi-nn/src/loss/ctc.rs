//! Connectionist temporal classification: a sequence of labels without their places in time.

use super::{Reduction, constant, with_reduction};
use crate::NnError;
use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData, module::ctc_loss};

/// The negative logarithm of the probability of a sequence of labels, over all the ways to spread it
/// over time: labels may be held, and blanks stand between them. The mean divides each loss by its
/// number of labels (at least 1) first.
///
/// The recursion is Burn's.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::loss::CtcLoss;
///
/// // Two steps, three equally likely classes: the label 1 is "1-", "-1" or "11".
/// let log_p = Tensor::<3>::full([2, 1, 3], 1.0 / 3.0, &Device::flex()).log();
/// let loss = CtcLoss::default().forward(log_p, &[vec![1]], &[2])?;
/// assert!((loss.into_scalar::<f32>() - 3f32.ln()).abs() < 1e-6);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Graves et al., *Connectionist temporal classification*, 2006.
///
/// # Differences from PyTorch
/// The gradient is that of the log-probabilities themselves; PyTorch's assumes that they come from a
/// log-softmax, through which both are the same. A sequence too short for its labels has an infinite
/// loss as there, but no gradient, where PyTorch's is NaN.
#[derive(Clone, Debug, Default)]
pub struct CtcLoss {
    blank: usize,
    zero_infinity: bool,
    reduction: Reduction,
}
with_reduction!(CtcLoss);

impl CtcLoss {
    /// A mean loss with this class as the blank. Default: 0.
    pub fn new(blank: usize) -> Self {
        Self {
            blank,
            ..Self::default()
        }
    }

    /// Counts sequences that are too short for their labels as 0 instead of infinity.
    pub fn with_zero_infinity(mut self) -> Self {
        self.zero_infinity = true;
        self
    }

    /// The loss of a batch.
    ///
    /// # Shapes
    /// `log_p: (T, N, C)`, `targets`: `N` sequences of labels, `input_lengths`: `N` numbers of steps
    /// up to `T` → `[1]`, or `[N]`.
    ///
    /// # Errors
    /// Another number of targets or lengths than `N`, a length beyond `T`, a label that is the blank
    /// or not below `C`, a blank that is not below `C`, or a mean of no sequences.
    pub fn forward(
        &self,
        log_p: Tensor<3>,
        targets: &[Vec<usize>],
        input_lengths: &[usize],
    ) -> Result<Tensor<1>, NnError> {
        self.check(log_p.dims(), targets, input_lengths)?;
        let [_, n, _] = log_p.dims();
        let device = log_p.device();
        let fits = |i: &usize| steps(&targets[*i]) <= input_lengths[*i];
        let reachable: Vec<usize> = (0..n).filter(fits).collect();
        // Sequences that cannot be reached stay out of the graph: their gradient would be NaN.
        let beyond = if self.zero_infinity {
            0.0
        } else {
            f32::INFINITY
        };
        let start = (0..n).map(|i| if fits(&i) { 0.0 } else { beyond });
        let mut losses = constant(start.collect(), [n], &log_p);
        if !reachable.is_empty() {
            let ints = |values: Vec<i64>| {
                let shape = [values.len()];
                Tensor::<1, Int>::from_data(TensorData::new(values, shape), &device)
            };
            let each =
                |f: &dyn Fn(usize) -> usize| ints(reachable.iter().map(|&i| f(i) as i64).collect());
            let longest = reachable
                .iter()
                .map(|&i| targets[i].len())
                .max()
                .unwrap_or(0);
            let padded = (reachable.iter()).flat_map(|&i| {
                let labels = targets[i].iter().map(|&label| label as i64);
                labels
                    .chain(std::iter::repeat(self.blank as i64))
                    .take(longest)
            });
            let padded = ints(padded.collect()).reshape([reachable.len(), longest]);
            let index = each(&|i| i);
            let lengths = (each(&|i| input_lengths[i]), each(&|i| targets[i].len()));
            let log_p = log_p.select(1, index.clone());
            let reached = ctc_loss(log_p, padded, lengths.0, lengths.1, self.blank);
            losses = losses.select_assign(0, index, reached, IndexingUpdateOp::Add);
        }
        Ok(match self.reduction {
            Reduction::Mean => {
                let scale = |target: &Vec<usize>| 1.0 / target.len().max(1) as f32;
                let scales = targets.iter().map(scale).collect();
                (losses.clone() * constant(scales, [n], &losses)).mean()
            }
            Reduction::Sum => losses.sum(),
            Reduction::None => losses,
        })
    }

    fn check(
        &self,
        [t, n, c]: [usize; 3],
        targets: &[Vec<usize>],
        input_lengths: &[usize],
    ) -> Result<(), NnError> {
        let layer = "CtcLoss";
        if self.blank >= c {
            return Err(NnError::config(
                layer,
                "blank",
                format!("below {c}"),
                self.blank,
            ));
        }
        for (argument, len) in [
            ("targets", targets.len()),
            ("input_lengths", input_lengths.len()),
        ] {
            if len != n {
                let expected = format!("one for each of the {n} sequences");
                return Err(NnError::config(layer, argument, expected, len));
            }
        }
        if n == 0 && self.reduction == Reduction::Mean {
            return Err(NnError::Input {
                layer,
                expected: "of at least one sequence, to have a mean".to_string(),
                got: vec![t, n, c],
            });
        }
        if let Some(length) = input_lengths.iter().find(|&&length| length > t) {
            let expected = format!("at most {t}");
            return Err(NnError::config(layer, "input_lengths", expected, length));
        }
        let wrong = |label: &&usize| **label >= c || **label == self.blank;
        match targets.iter().flatten().find(wrong) {
            Some(label) => {
                let expected = format!("below {c} and not the blank {}", self.blank);
                Err(NnError::config(layer, "targets", expected, label))
            }
            None => Ok(()),
        }
    }
}

/// Steps that labels need: one each, and a blank between equal neighbours.
fn steps(labels: &[usize]) -> usize {
    labels.len() + labels.windows(2).filter(|pair| pair[0] == pair[1]).count()
}
