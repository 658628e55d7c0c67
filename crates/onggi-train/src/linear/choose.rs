//! The strength of the penalty, by what is held out.

use onggi_data::text::SparseRows;
use serde::{Deserialize, Serialize};

use super::{LinearClassifier, LinearConfig};
use crate::TrainError;
use crate::metrics::{accuracy, argmax, log_loss, refuse};

/// The inverse strengths that are tried, the strongest penalty first.
const CS: [f64; 7] = [0.25, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0];

/// Parts of the training samples of which each is held out once.
pub(super) const FOLDS: usize = 5;

/// Training samples up to which the parts are used even where validation samples are given, as those are
/// few too.
pub(super) const FEW: usize = 2_000;

/// What an inverse strength of the penalty reached on samples held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The inverse strength.
    pub c: f64,
    /// Cross-entropy, nats a sample.
    pub log_loss: f64,
    /// Accuracy.
    pub accuracy: f64,
}

/// How the strength of a penalty was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// The inverse strength with the lowest cross-entropy.
    pub c: f64,
    /// Parts of the training samples that were held out in turn; 0 where the validation samples were.
    pub folds: usize,
    /// All that were tried, the strongest penalty first.
    pub trials: Vec<Trial>,
}

impl LinearClassifier {
    /// Fits with the inverse strength of the penalty, of 0.25 to 1,024 by factors of 4, that has the lowest
    /// cross-entropy on samples held out.
    ///
    /// Held out are five parts of the training samples in turn, the i-th sample of each class in part `i
    /// mod 5`; with more than 2,000 training samples `validation`, where it is given.
    ///
    /// # Errors
    /// As [`LinearClassifier::fit`], and where the validation samples do not fit.
    pub fn choose(
        x: &SparseRows,
        labels: &[usize],
        classes: usize,
        config: &LinearConfig,
        validation: Option<(&SparseRows, &[usize])>,
    ) -> Result<(Self, Chosen), TrainError> {
        Self::check(x, labels, classes)?;
        let path = |x: &SparseRows, labels: &[usize]| Self::path(x, labels, classes, config, &CS);
        let given = validation.filter(|(_, labels)| x.rows() > FEW && !labels.is_empty());
        if let Some((val, val_labels)) = given {
            let mut models = path(x, labels)?;
            let mut trials = Vec::with_capacity(CS.len());
            for (model, c) in models.iter().zip(CS) {
                trials.push(trial(c, &model.probabilities(val)?, val_labels, classes)?);
            }
            let best = best(&trials);
            let chosen = Chosen {
                c: CS[best],
                folds: 0,
                trials,
            };
            return Ok((models.swap_remove(best), chosen));
        }
        // Of samples too few to be held out nothing is known.
        let even = 1.0 / classes as f64;
        let mut of_rows = vec![vec![even; labels.len() * classes]; CS.len()];
        for (held, rest) in folds(labels, classes)? {
            let pick = |rows: &[usize]| rows.iter().map(|&i| labels[i]).collect::<Vec<_>>();
            let models = path(&x.select(&rest)?, &pick(&rest))?;
            let held_rows = x.select(&held)?;
            for (model, out) in models.iter().zip(&mut of_rows) {
                let p = model.probabilities(&held_rows)?;
                for (p, &i) in p.chunks_exact(classes).zip(&held) {
                    out[i * classes..(i + 1) * classes].copy_from_slice(p);
                }
            }
        }
        let mut trials = Vec::with_capacity(CS.len());
        for (p, c) in of_rows.iter().zip(CS) {
            trials.push(trial(c, p, labels, classes)?);
        }
        let c = CS[best(&trials)];
        let model = Self::fit(x, labels, classes, &LinearConfig { c, ..*config })?;
        let folds = FOLDS;
        Ok((model, Chosen { c, folds, trials }))
    }
}

/// The samples held out and the rest.
pub(super) type Fold = (Vec<usize>, Vec<usize>);

/// The parts, one after the other held out: the i-th sample of each class in part `i mod 5`. Parts
/// without samples are left out.
pub(super) fn folds(labels: &[usize], classes: usize) -> Result<Vec<Fold>, TrainError> {
    let mut ranks = vec![0; classes];
    let mut fold = Vec::with_capacity(labels.len());
    for &label in labels {
        let Some(rank) = ranks.get_mut(label) else {
            return refuse("folds", format!("labels below {classes}"), label);
        };
        fold.push(*rank % FOLDS);
        *rank += 1;
    }
    let parts = (0..FOLDS).map(|part| (0..labels.len()).partition(|&i| fold[i] == part));
    let whole = |(held, rest): &Fold| !held.is_empty() && !rest.is_empty();
    Ok(parts.filter(whole).collect())
}

pub(super) fn trial(
    c: f64,
    p: &[f64],
    labels: &[usize],
    classes: usize,
) -> Result<Trial, TrainError> {
    let predicted: Vec<usize> = p.chunks_exact(classes).map(argmax).collect();
    Ok(Trial {
        c,
        log_loss: log_loss(labels, p, classes)?,
        accuracy: accuracy(labels, &predicted)?,
    })
}

/// Place of the lowest cross-entropy; of equals the strongest penalty.
pub(super) fn best(trials: &[Trial]) -> usize {
    let mut best = 0;
    for (i, trial) in trials.iter().enumerate() {
        if trial.log_loss < trials[best].log_loss {
            best = i;
        }
    }
    best
}
