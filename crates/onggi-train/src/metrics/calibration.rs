//! Whether a probability of 80 % is right 80 times of 100.

use super::{argmax, check_probabilities, refuse};
use crate::TrainError;

/// Answers of similar confidence: how sure they are, and how often right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CalibrationBin {
    /// Samples in the bin.
    pub samples: usize,
    /// Mean probability of the predicted class; 0 in an empty bin.
    pub confidence: f64,
    /// Share of right answers; 0 in an empty bin.
    pub accuracy: f64,
}

/// The reliability diagram of a classifier and its expected calibration error.
///
/// Of each sample the most probable class counts (of equal ones, the first). Bin `i` of `m` takes
/// probabilities in `(i/m, (i+1)/m]`, 0 in the first.
///
/// # Example
/// ```
/// use onggi_train::metrics::Calibration;
///
/// let sure = Calibration::new(&[0, 1], &[0.9, 0.1, 0.9, 0.1], 2, 15)?;
/// assert!((sure.error() - 0.4).abs() < 1e-12); // 90 % sure, 50 % right
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017, whose 15
/// bins are the usual number.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    bins: Vec<CalibrationBin>,
}

impl Calibration {
    /// Sorts the answers into `bins` bins of equal width.
    ///
    /// # Shapes
    /// `probabilities`: `labels.len() · classes`, row by row.
    ///
    /// # Errors
    /// [`TrainError::Measure`] as for [`log_loss`](super::log_loss), and for a number of bins outside
    /// of 1 to 1000.
    pub fn new(
        labels: &[usize],
        probabilities: &[f64],
        classes: usize,
        bins: usize,
    ) -> Result<Self, TrainError> {
        const WHAT: &str = "calibration";
        check_probabilities(WHAT, labels, probabilities, classes)?;
        if !(1..=1000).contains(&bins) {
            return refuse(WHAT, "1 to 1000 bins", bins);
        }
        let mut all = vec![CalibrationBin::default(); bins];
        for (row, &label) in probabilities.chunks_exact(classes).zip(labels) {
            let answer = argmax(row);
            let place = (row[answer] * bins as f64).ceil() as usize;
            let bin = &mut all[place.saturating_sub(1).min(bins - 1)];
            bin.samples += 1;
            bin.confidence += row[answer];
            bin.accuracy += f64::from(u8::from(answer == label));
        }
        for bin in all.iter_mut().filter(|bin| bin.samples > 0) {
            bin.confidence /= bin.samples as f64;
            bin.accuracy /= bin.samples as f64;
        }
        Ok(Self { bins: all })
    }

    /// The bins, the least confident first.
    pub fn bins(&self) -> &[CalibrationBin] {
        &self.bins
    }

    /// Expected calibration error: the mean over the samples of `|accuracy − confidence|` of their
    /// bin, a fraction.
    pub fn error(&self) -> f64 {
        let samples: usize = self.bins.iter().map(|bin| bin.samples).sum();
        let gaps = self
            .bins
            .iter()
            .map(|bin| bin.samples as f64 * (bin.accuracy - bin.confidence).abs());
        gaps.sum::<f64>() / samples as f64
    }

    /// Mean confidence less accuracy: above 0 the answers are too sure, below 0 not sure enough.
    pub fn overconfidence(&self) -> f64 {
        let samples: usize = self.bins.iter().map(|bin| bin.samples).sum();
        let gaps = self
            .bins
            .iter()
            .map(|bin| bin.samples as f64 * (bin.confidence - bin.accuracy));
        gaps.sum::<f64>() / samples as f64
    }
}
