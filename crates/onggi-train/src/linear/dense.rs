//! Logistic regression on dense rows, such as a network's features: the linear head of a pretrained model.

use super::choose::{FEW, FOLDS, best, folds, trial};
use super::minimise::{Descent, minimise};
use super::{Chosen, LinearConfig};
use crate::TrainError;
use crate::metrics::{check_lengths, log_sum_exp, refuse};
use burn::tensor::{Device, Tensor, TensorData};

/// The inverse strengths that are tried, the strongest penalty first: for standardised features, of which
/// there are often more than samples.
const CS: [f64; 11] = [
    1e-4, 3.2e-4, 1e-3, 3.2e-3, 1e-2, 3.2e-2, 1e-1, 3.2e-1, 1.0, 3.2, 10.0,
];

const WHAT: &str = "linear head";

/// Most values of the features, and most weights: 2 GB at 4 bytes.
const MOST: usize = 1 << 29;

/// A linear layer whose softmax is fitted to dense features.
///
/// Minimises `1/n Σ −ln p(label) + 1/(2·C·n) ‖W‖²` over the weights of standardised features and the biases,
/// the biases without penalty, by L-BFGS from zero; products in `f32`, sums over samples in `f64`. A feature that
/// does not vary gets no weight.
///
/// # Example
/// ```
/// use onggi_train::linear::{DenseRows, LinearConfig, LinearHead};
///
/// let x = DenseRows::new(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 1)?;
/// let config = LinearConfig { c: 10.0, ..LinearConfig::default() };
/// let head = LinearHead::fit(&x, &[0, 0, 0, 1, 1, 1], 2, &config)?;
/// let p = head.probabilities(&x)?;
/// assert!(p[0] > 0.9 && p[11] > 0.9);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Differences from scikit-learn
/// The same optimum as `StandardScaler` and `LogisticRegression(C=C)`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearHead {
    /// Classes.
    pub classes: usize,
    /// `[classes][features]`, for features as they come.
    pub weight: Vec<f32>,
    /// `[classes]`.
    pub bias: Vec<f32>,
}

/// Rows of equally many numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DenseRows {
    values: Vec<f32>,
    columns: usize,
}

impl DenseRows {
    /// Rows of `columns` numbers, one behind the other.
    ///
    /// # Errors
    /// No columns, a last row that is cut short, values that are not finite, more than 2²⁹ values.
    pub fn new(values: Vec<f32>, columns: usize) -> Result<Self, TrainError> {
        if columns == 0 || !values.len().is_multiple_of(columns) || values.len() > MOST {
            let got = format!("{} values", values.len());
            return refuse(WHAT, format!("rows of {columns} features"), got);
        }
        if values.iter().any(|value| !value.is_finite()) {
            return refuse(WHAT, "finite features".to_owned(), "one that is not");
        }
        Ok(Self { values, columns })
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// Numbers a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `index`.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.columns..(index + 1) * self.columns]
    }

    /// The numbers, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            values: rows.iter().flat_map(|&i| self.row(i)).copied().collect(),
            columns: self.columns,
        }
    }

    fn tensor(&self) -> Tensor<2> {
        let data = TensorData::new(self.values.clone(), [self.rows(), self.columns]);
        Tensor::from_data(data, &Device::flex())
    }
}

impl LinearHead {
    /// Fits with the strength of the penalty that `config` has.
    ///
    /// # Errors
    /// Labels that do not fit the rows or the classes; settings out of range; an L1 penalty.
    pub fn fit(
        x: &DenseRows,
        labels: &[usize],
        classes: usize,
        config: &LinearConfig,
    ) -> Result<Self, TrainError> {
        Ok(Self::path(x, labels, classes, config, &[config.c])?.remove(0))
    }

    /// Fits with the inverse strength of the penalty, of 1e-4 to 10 by factors of √10, that has the lowest
    /// cross-entropy on samples held out: five parts of the training samples in turn, the i-th sample of each
    /// class in part `i mod 5`; with more than 2,000 training samples `validation`.
    ///
    /// Each sample is `views` rows of `x`, one behind the other, and `labels` has one entry a sample; held out
    /// is only the first row of each.
    ///
    /// # Errors
    /// As [`LinearHead::fit`], and where the validation samples do not fit.
    pub fn choose(
        x: &DenseRows,
        labels: &[usize],
        views: usize,
        classes: usize,
        config: &LinearConfig,
        validation: (&DenseRows, &[usize]),
    ) -> Result<(Self, Chosen), TrainError> {
        let samples = labels.len();
        if views == 0 || samples * views != x.rows() {
            let expected = format!("{views} rows for each of {samples} samples");
            return refuse(WHAT, expected, x.rows());
        }
        let rows = |samples: &[usize]| -> Vec<usize> {
            let each = samples.iter().flat_map(|&i| i * views..(i + 1) * views);
            each.collect()
        };
        let labelled = |rows: &[usize]| rows.iter().map(|&row| labels[row / views]).collect();
        let (val, val_labels) = validation;
        if samples > FEW && !val_labels.is_empty() {
            let all: Vec<usize> = (0..x.rows()).collect();
            let labels: Vec<usize> = labelled(&all);
            let mut heads = Self::path(x, &labels, classes, config, &CS)?;
            let mut trials = Vec::with_capacity(CS.len());
            for (head, c) in heads.iter().zip(CS) {
                trials.push(trial(c, &head.probabilities(val)?, val_labels, classes)?);
            }
            let best = best(&trials);
            let c = CS[best];
            let folds = 0;
            return Ok((heads.swap_remove(best), Chosen { c, folds, trials }));
        }
        // Of samples too few to be held out nothing is known.
        let even = 1.0 / classes.max(1) as f64;
        let mut of_samples = vec![vec![even; samples * classes]; CS.len()];
        for (held, rest) in folds(labels, classes)? {
            let rest = rows(&rest);
            let labels: Vec<usize> = labelled(&rest);
            let heads = Self::path(&x.select(&rest), &labels, classes, config, &CS)?;
            let first: Vec<usize> = held.iter().map(|&i| i * views).collect();
            let held_rows = x.select(&first);
            for (head, out) in heads.iter().zip(&mut of_samples) {
                let p = head.probabilities(&held_rows)?;
                for (p, &i) in p.chunks_exact(classes).zip(&held) {
                    out[i * classes..(i + 1) * classes].copy_from_slice(p);
                }
            }
        }
        let mut trials = Vec::with_capacity(CS.len());
        for (p, c) in of_samples.iter().zip(CS) {
            trials.push(trial(c, p, labels, classes)?);
        }
        let place = best(&trials);
        let all: Vec<usize> = (0..x.rows()).collect();
        let labels: Vec<usize> = labelled(&all);
        let mut heads = Self::path(x, &labels, classes, config, &CS[..=place])?;
        let (c, folds) = (CS[place], FOLDS);
        Ok((heads.swap_remove(place), Chosen { c, folds, trials }))
    }

    /// Probabilities, `classes` a row.
    ///
    /// # Errors
    /// Rows of another length.
    pub fn probabilities(&self, x: &DenseRows) -> Result<Vec<f64>, TrainError> {
        let (k, features) = (self.classes, self.weight.len() / self.classes.max(1));
        if x.columns() != features {
            return refuse(WHAT, format!("rows of {features} features"), x.columns());
        }
        let device = Device::flex();
        let weight = TensorData::new(self.weight.clone(), [k, features]);
        let weight: Tensor<2> = Tensor::from_data(weight, &device);
        let logits = x.tensor().matmul(weight.transpose()).into_data();
        let logits: Vec<f32> = logits.iter::<f32>().collect();
        let mut out = Vec::with_capacity(logits.len());
        for row in logits.chunks_exact(k) {
            let z = row
                .iter()
                .zip(&self.bias)
                .map(|(&z, &b)| f64::from(z) + f64::from(b));
            let z: Vec<f64> = z.collect();
            let sum = log_sum_exp(z.iter().copied());
            out.extend(z.iter().map(|z| (z - sum).exp()));
        }
        Ok(out)
    }

    /// One fit for each strength of the penalty, each started from the one before.
    fn path(
        x: &DenseRows,
        labels: &[usize],
        classes: usize,
        config: &LinearConfig,
        cs: &[f64],
    ) -> Result<Vec<Self>, TrainError> {
        let (n, f) = (x.rows(), x.columns());
        check_lengths(WHAT, labels.len(), n)?;
        if n == 0 || classes < 2 || classes.saturating_mul(f) > MOST {
            let got = format!("{n} rows of {classes} classes");
            return refuse(WHAT, "rows of at least two classes".to_owned(), got);
        }
        if let Some(label) = labels.iter().find(|&&label| label >= classes) {
            return refuse(WHAT, format!("labels below {classes}"), label);
        }
        if config.l1_ratio != 0.0 {
            return Err(TrainError::setting(
                "l1_ratio",
                "0: L2 alone",
                config.l1_ratio,
            ));
        }
        let weights = sample_weights(labels, classes, config.balanced);
        let (standardised, mean, scale) = standardise(x);
        let (x, transposed) = {
            let x = standardised.tensor();
            (x.clone(), x.transpose())
        };
        let device = Device::flex();
        let objective = |l2: f64, at: &[f64], slope: &mut [f64]| {
            let (weight, bias) = at.split_at(f * classes);
            let w: Vec<f32> = weight.iter().map(|&w| w as f32).collect();
            let w: Tensor<2> = Tensor::from_data(TensorData::new(w, [f, classes]), &device);
            let logits = x.clone().matmul(w).into_data();
            let mut logits: Vec<f32> = logits.iter::<f32>().collect();
            let (mut loss, mut of_bias) = (0.0, vec![0.0; classes]);
            let mut z = vec![0.0; classes];
            for ((row, &label), &share) in
                logits.chunks_exact_mut(classes).zip(labels).zip(&weights)
            {
                for ((z, &row), b) in z.iter_mut().zip(row.iter()).zip(bias) {
                    *z = f64::from(row) + b;
                }
                let sum = log_sum_exp(z.iter().copied());
                loss += share * (sum - z[label]);
                for (class, (z, row)) in z.iter().zip(row).enumerate() {
                    let off = share * ((z - sum).exp() - f64::from(u8::from(class == label)));
                    of_bias[class] += off;
                    *row = off as f32;
                }
            }
            let off = TensorData::new(logits, [n, classes]);
            let of_weight = transposed.clone().matmul(Tensor::from_data(off, &device));
            let (in_weight, in_bias) = slope.split_at_mut(f * classes);
            let of_weight = of_weight.into_data();
            for ((slope, of), w) in in_weight
                .iter_mut()
                .zip(of_weight.iter::<f32>())
                .zip(weight)
            {
                *slope = f64::from(of) + l2 * w;
            }
            in_bias.copy_from_slice(&of_bias);
            loss + l2 / 2.0 * weight.iter().map(|w| w * w).sum::<f64>()
        };
        let mut at = vec![0.0; (f + 1) * classes];
        let mut slope = at.clone();
        objective(0.0, &at, &mut slope);
        let steepest = slope.iter().fold(0.0, |most: f64, s| most.max(s.abs()));
        let mut heads = Vec::with_capacity(cs.len());
        for &c in cs {
            LinearConfig { c, ..*config }.check()?;
            let l2 = 1.0 / (c * n as f64);
            let descent = Descent {
                steps: config.max_steps,
                tolerance: config.tolerance * steepest,
                l1: 0.0,
                penalised: 0,
            };
            at = minimise(at, &descent, |at, slope| objective(l2, at, slope));
            heads.push(Self::plain(&at, &mean, &scale, classes));
        }
        Ok(heads)
    }

    /// The layer for features as they come, of weights `[features][classes]` for standardised ones.
    fn plain(at: &[f64], mean: &[f64], scale: &[f64], classes: usize) -> Self {
        let (weight, bias) = at.split_at(mean.len() * classes);
        let mut bias = bias.to_vec();
        let mut out = vec![0.0; weight.len()];
        for (feature, row) in weight.chunks_exact(classes).enumerate() {
            for (class, w) in row.iter().enumerate() {
                let w = w * scale[feature];
                out[class * mean.len() + feature] = w as f32;
                bias[class] -= w * mean[feature];
            }
        }
        Self {
            classes,
            weight: out,
            bias: bias.into_iter().map(|b| b as f32).collect(),
        }
    }
}

/// What each sample weighs: as much as any, or each class as much as any; 1 in all.
fn sample_weights(labels: &[usize], classes: usize, balanced: bool) -> Vec<f64> {
    let n = labels.len() as f64;
    if !balanced {
        return vec![1.0 / n; labels.len()];
    }
    let mut counts = vec![0.0; classes];
    labels.iter().for_each(|&label| counts[label] += 1.0);
    let present = counts.iter().filter(|&&count| count > 0.0).count() as f64;
    let weight = |&label: &usize| 1.0 / (present * counts[label]);
    labels.iter().map(weight).collect()
}

/// The rows with mean 0 and deviation 1 in each column, and what was subtracted and multiplied by.
fn standardise(x: &DenseRows) -> (DenseRows, Vec<f64>, Vec<f64>) {
    let (n, f) = (x.rows() as f64, x.columns());
    let mut mean = vec![0.0; f];
    for row in x.values.chunks_exact(f) {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, &v)| *m += f64::from(v) / n);
    }
    let mut scale = vec![0.0; f];
    for row in x.values.chunks_exact(f) {
        for ((s, &v), m) in scale.iter_mut().zip(row).zip(&mean) {
            *s += (f64::from(v) - m).powi(2) / n;
        }
    }
    for (s, m) in scale.iter_mut().zip(&mean) {
        // What only rounding moves does not vary.
        let varies = s.sqrt() > 1e-6 * m.abs().max(1e-6);
        *s = if varies { 1.0 / s.sqrt() } else { 0.0 };
    }
    let each = x.values.chunks_exact(f).flat_map(|row| {
        let standard = row.iter().zip(mean.iter().zip(&scale));
        standard.map(|(&v, (m, s))| ((f64::from(v) - m) * s) as f32)
    });
    let values = each.collect();
    (DenseRows { values, columns: f }, mean, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes along one feature, a second that says nothing, a third that does not vary.
    fn rows(n: usize) -> (DenseRows, Vec<usize>) {
        let labels: Vec<usize> = (0..n).map(|i| i % 2).collect();
        let noise = |i: usize| ((i * 7919 + 13) % 101) as f32 / 101.0 - 0.5;
        let values = labels
            .iter()
            .enumerate()
            .flat_map(|(i, &label)| [label as f32 * 2.0 + noise(i), 100.0 * noise(i * 3 + 1), 5.0]);
        (DenseRows::new(values.collect(), 3).unwrap(), labels)
    }

    /// At the optimum, moving any weight either way raises the loss, penalty included.
    #[test]
    fn the_fit_is_an_optimum() {
        let (x, labels) = rows(40);
        let config = LinearConfig {
            c: 0.5,
            tolerance: 1e-6,
            ..LinearConfig::default()
        };
        let head = LinearHead::fit(&x, &labels, 2, &config).unwrap();
        let (_, mean, scale) = standardise(&x);
        let loss = |head: &LinearHead| {
            let p = head.probabilities(&x).unwrap();
            let loss: f64 = labels
                .iter()
                .enumerate()
                .map(|(i, &l)| -p[2 * i + l].ln())
                .sum();
            let norm: f64 = head
                .weight
                .iter()
                .enumerate()
                .map(|(i, &w)| {
                    let s = scale[i % 3];
                    if s == 0.0 {
                        0.0
                    } else {
                        (f64::from(w) / s).powi(2)
                    }
                })
                .sum();
            loss / 40.0 + norm / (2.0 * 0.5 * 40.0)
        };
        let least = loss(&head);
        for i in [0, 1, 3, 4] {
            for by in [-0.05, 0.05] {
                let mut moved = head.clone();
                let step = by * scale[i % 3];
                moved.weight[i] += step as f32;
                moved.bias[i / 3] -= (step * mean[i % 3]) as f32;
                assert!(loss(&moved) > least, "weight {i} by {by}");
            }
        }
        assert_eq!(
            (head.weight[2], head.weight[5]),
            (0.0, 0.0),
            "does not vary"
        );
    }

    /// Views of one sample never stand on both sides of a fold: with labels that mean nothing and each sample
    /// twice, the held-out accuracy is that of guessing.
    #[test]
    fn views_stay_together() {
        let n = 60;
        let columns = 80;
        let noise = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.5;
        let mut values = Vec::new();
        for i in 0..n {
            let row: Vec<f32> = (0..columns)
                .map(|j| noise(i * 131 + j * 17 + i * j))
                .collect();
            values.extend(row.iter().chain(&row));
        }
        let x = DenseRows::new(values, columns).unwrap();
        let labels: Vec<usize> = (0..n).map(|i| (i * 7 / 3) % 2).collect();
        let none = (&DenseRows::default(), &[][..]);
        let config = LinearConfig::default();
        let (_, chosen) = LinearHead::choose(&x, &labels, 2, 2, &config, none).unwrap();
        for trial in chosen.trials {
            assert!(trial.accuracy < 0.75, "{}", trial.accuracy);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (x, labels) = rows(10);
        let config = LinearConfig::default();
        assert!(LinearHead::fit(&x, &labels[1..], 2, &config).is_err());
        assert!(LinearHead::fit(&x, &labels, 1, &config).is_err());
        let l1 = LinearConfig {
            l1_ratio: 0.5,
            ..config
        };
        assert!(LinearHead::fit(&x, &labels, 2, &l1).is_err());
        assert!(DenseRows::new(vec![1.0; 5], 2).is_err());
        assert!(DenseRows::new(vec![f32::NAN; 4], 2).is_err());
        let head = LinearHead::fit(&x, &labels, 2, &config).unwrap();
        assert!(
            head.probabilities(&DenseRows::new(vec![0.0; 4], 2).unwrap())
                .is_err()
        );
    }
}
