//! The loss of a linear model over sparse rows, with its slope: in parallel, and the same to the bit at any
//! number of threads.

use onggi_data::text::SparseRows;
use rayon::prelude::*;

use crate::metrics::log_sum_exp;

/// Rows or columns that one thread takes at a time: the chunks in which sums are added up.
const CHUNK: usize = 256;

/// What the model is to give for each row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// Classes: of two one output, whose logistic function is the probability of the second; of more as
    /// many outputs as classes.
    Classes(&'a [usize]),
    /// Quantities, one output.
    Quantities(&'a [f64]),
}

/// `1/Σs Σ sᵢ loss(row i) + l2/2 ‖W‖²`, `s` being the rows' weights.
pub(super) struct Objective<'a> {
    pub(super) x: &'a SparseRows,
    /// The rows as columns.
    pub(super) columns: SparseRows,
    pub(super) wanted: Wanted<'a>,
    /// Weight of each row.
    pub(super) shares: Vec<f64>,
    pub(super) outputs: usize,
}

impl<'a> Objective<'a> {
    pub(super) fn new(
        x: &'a SparseRows,
        wanted: Wanted<'a>,
        shares: Vec<f64>,
        outputs: usize,
    ) -> Self {
        let sum: f64 = shares.iter().sum();
        Self {
            x,
            columns: x.transpose(),
            wanted,
            shares: shares.iter().map(|share| share / sum).collect(),
            outputs,
        }
    }

    /// The biases that do best without weights, nearly: where a descent starts.
    pub(super) fn biases(&self) -> Vec<f64> {
        match self.wanted {
            Wanted::Classes(labels) => {
                let mut of_class = vec![1e-6_f64; self.outputs.max(2)];
                for (&label, share) in labels.iter().zip(&self.shares) {
                    of_class[label] += share;
                }
                match of_class[..] {
                    [first, second] => vec![(second / first).ln()],
                    _ => of_class.iter().map(|share| share.ln()).collect(),
                }
            }
            Wanted::Quantities(values) => {
                let each = values.iter().zip(&self.shares);
                vec![each.map(|(value, share)| value * share).sum()]
            }
        }
    }

    /// Number of samples.
    pub(super) fn samples(&self) -> f64 {
        self.x.rows() as f64
    }

    /// Number of weights without the biases, which follow them: `[features][outputs]`, then `[outputs]`.
    pub(super) fn penalised(&self) -> usize {
        self.x.columns() * self.outputs
    }

    /// The value at `at`; the slope is written into `slope`.
    pub(super) fn value(&self, l2: f64, at: &[f64], slope: &mut [f64]) -> f64 {
        let (outputs, n) = (self.outputs, self.x.rows());
        let (weights, bias) = at.split_at(self.penalised());
        // What the loss of each row falls by, an output at a time.
        let mut pulls = vec![0.0; n * outputs];
        let losses: Vec<f64> = pulls
            .par_chunks_mut(CHUNK * outputs)
            .enumerate()
            .map(|(chunk, pulls)| {
                let rows = (chunk * CHUNK..).zip(pulls.chunks_exact_mut(outputs));
                rows.map(|(i, pull)| {
                    forward(self.x, i, weights, bias, pull);
                    self.shares[i] * self.loss(i, pull)
                })
                .sum()
            })
            .collect();
        let (slope, bias_slope) = slope.split_at_mut(self.penalised());
        let squares: Vec<f64> = slope
            .par_chunks_mut(CHUNK * outputs)
            .zip(weights.par_chunks(CHUNK * outputs))
            .enumerate()
            .map(|(chunk, (slope, weights))| {
                let columns = (chunk * CHUNK..).zip(slope.chunks_exact_mut(outputs));
                let mut squares = 0.0;
                for ((column, slope), w) in columns.zip(weights.chunks_exact(outputs)) {
                    for (slope, w) in slope.iter_mut().zip(w) {
                        *slope = l2 * w;
                        squares += w * w;
                    }
                    for (row, value) in self.columns.row(column) {
                        let pull = &pulls[row * outputs..(row + 1) * outputs];
                        for (slope, pull) in slope.iter_mut().zip(pull) {
                            *slope += value * pull;
                        }
                    }
                }
                squares
            })
            .collect();
        bias_slope.fill(0.0);
        for pull in pulls.chunks_exact(outputs) {
            for (slope, pull) in bias_slope.iter_mut().zip(pull) {
                *slope += pull;
            }
        }
        losses.iter().sum::<f64>() + l2 / 2.0 * squares.iter().sum::<f64>()
    }

    /// The loss of row `i`; its outputs are replaced by the loss's slope along them, weighted.
    fn loss(&self, i: usize, outputs: &mut [f64]) -> f64 {
        let share = self.shares[i];
        match self.wanted {
            Wanted::Classes(labels) if outputs.len() == 1 => {
                let z = outputs[0];
                let second = f64::from(u8::from(labels[i] == 1));
                outputs[0] = share * (logistic(z) - second);
                // ln(1 + eᶻ) − z of the second class, without overflow.
                z.max(0.0) + (-z.abs()).exp().ln_1p() - second * z
            }
            Wanted::Classes(labels) => {
                let log_sum = log_sum_exp(outputs.iter().copied());
                let loss = log_sum - outputs[labels[i]];
                for (class, z) in outputs.iter_mut().enumerate() {
                    let own = f64::from(u8::from(class == labels[i]));
                    *z = share * ((*z - log_sum).exp() - own);
                }
                loss
            }
            Wanted::Quantities(values) => {
                let off = outputs[0] - values[i];
                outputs[0] = share * off;
                off * off / 2.0
            }
        }
    }
}

/// The outputs of row `i`.
pub(super) fn forward(
    x: &SparseRows,
    i: usize,
    weights: &[f64],
    bias: &[f64],
    outputs: &mut [f64],
) {
    outputs.copy_from_slice(bias);
    if let [output] = outputs {
        *output += x
            .row(i)
            .map(|(column, value)| value * weights[column])
            .sum::<f64>();
        return;
    }
    for (column, value) in x.row(i) {
        let w = &weights[column * outputs.len()..(column + 1) * outputs.len()];
        for (output, w) in outputs.iter_mut().zip(w) {
            *output += value * w;
        }
    }
}

/// `1 / (1 + e⁻ᶻ)`, without overflow.
pub(super) fn logistic(z: f64) -> f64 {
    let e = (-z.abs()).exp();
    if z >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}
