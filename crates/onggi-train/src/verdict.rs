//! What the figures say about the model's fit.

use crate::run::{EpochRecord, Fit, Verdict};

/// Gap between the train and the validation accuracy from which a model is said to overfit.
const OVERFIT_GAP: f64 = 0.1;

/// Standard errors that a difference must exceed not to be chance.
const CHANCE: f64 = 2.0;

/// Share of the way from guessing the commonest class to perfection below which a model is said
/// to underfit its own training data.
const UNDERFIT_SKILL: f64 = 0.5;

/// Share of steps left out as their loss or gradient was not finite, from which a training is unstable.
const SKIPPED: f64 = 0.01;

/// Epochs below which the course of the loss is not judged.
const LEAST_EPOCHS: usize = 6;

/// Mean rise of the training loss an epoch, as a share of its mean, from which it is restless.
const RISE: f64 = 0.1;

/// Standard deviation of the accuracy between seeds from which a training is unstable.
const SEED_SPREAD: f64 = 0.05;

/// An accuracy, and the number of samples that it was measured on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Share of right answers.
    pub accuracy: f64,
    /// Samples.
    pub samples: usize,
}

impl Measured {
    fn variance(self) -> f64 {
        self.accuracy * (1.0 - self.accuracy) / self.samples.max(1) as f64
    }

    /// Whether it is ahead of `other` by more than chance.
    fn beats(self, other: Self) -> bool {
        self.accuracy - other.accuracy > CHANCE * (self.variance() + other.variance()).sqrt()
    }
}

/// How calmly a training went. What is not known is left at its default, and not judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steadiness {
    /// Whether it ended as the loss was no longer finite.
    pub diverged: bool,
    /// Steps in all.
    pub steps: u64,
    /// Of them, those left out as their loss or gradient was not finite.
    pub skipped_steps: u64,
    /// Training loss after each epoch.
    pub losses: Vec<f64>,
    /// Validation accuracies of the same training with several seeds.
    pub seeds: Vec<Measured>,
}

impl Steadiness {
    /// From a run's log.
    pub fn from_log(records: &[EpochRecord], diverged: bool) -> Self {
        Self {
            diverged,
            steps: records.last().map_or(0, |record| record.step),
            losses: records.iter().map(|record| record.train_loss).collect(),
            ..Self::default()
        }
    }

    /// What is unstable, in words; `None` if nothing is.
    fn complaint(&self) -> Option<String> {
        let skipped = self.skipped_steps as f64 / self.steps.max(1) as f64;
        if self.diverged || self.losses.iter().any(|loss| !loss.is_finite()) {
            return Some("the loss became infinite or NaN and training ended there".into());
        }
        if skipped >= SKIPPED {
            return Some(format!(
                "{} of {} steps were left out, as their loss or gradient was not finite",
                self.skipped_steps, self.steps
            ));
        }
        if let Some(rises) = self.restless() {
            return Some(format!(
                "the training loss rose by {rises:.2} nats in all, more than it fell from the first \
                 epoch to the last"
            ));
        }
        let spread = self.seed_spread()?;
        Some(format!(
            "the validation accuracy differs by {:.1} points (standard deviation) between seeds",
            100.0 * spread
        ))
    }

    /// All rises of the loss together, if they exceed what it fell by in the end and are not small.
    fn restless(&self) -> Option<f64> {
        let (first, last) = (self.losses.first()?, self.losses.last()?);
        let moves = self.losses.windows(2).map(|pair| pair[1] - pair[0]);
        let rises: f64 = moves.filter(|rise| *rise > 0.0).sum();
        let n = self.losses.len() as f64;
        let mean = self.losses.iter().sum::<f64>() / n;
        let restless = rises > first - last && rises / n > RISE * mean;
        (self.losses.len() >= LEAST_EPOCHS && restless).then_some(rises)
    }

    /// The standard deviation between three seeds or more, if it is large and beyond chance.
    fn seed_spread(&self) -> Option<f64> {
        let n = self.seeds.len() as f64;
        let mean = self.seeds.iter().map(|seed| seed.accuracy).sum::<f64>() / n;
        let squares = self.seeds.iter().map(|s| (s.accuracy - mean).powi(2));
        let spread = (squares.sum::<f64>() / (n - 1.0)).sqrt();
        let chance = (self.seeds.iter().map(|seed| seed.variance()).sum::<f64>() / n).sqrt();
        let large = spread >= SEED_SPREAD && spread > CHANCE * chance;
        (self.seeds.len() >= 3 && large).then_some(spread)
    }
}

/// The figures that a verdict is drawn from.
///
/// # Example
/// ```
/// use onggi_train::run::Fit;
/// use onggi_train::{Evidence, Measured, Steadiness};
///
/// let verdict = Evidence {
///     train: Measured { accuracy: 0.99, samples: 500 },
///     val: Measured { accuracy: 0.81, samples: 200 },
///     commonest: 0.1,
///     baseline: None,
///     steadiness: Steadiness::default(),
/// }
/// .verdict();
/// assert_eq!(verdict.fit, Fit::Overfitting);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// On the training data, in eval mode and without augmentation.
    pub train: Measured,
    /// On validation data, in the same way.
    pub val: Measured,
    /// Share of the commonest class.
    pub commonest: f64,
    /// What a simple model ([`diagnose::baseline`](crate::diagnose::baseline)) reaches on the
    /// validation data.
    pub baseline: Option<Measured>,
    /// How the training went.
    pub steadiness: Steadiness,
}

impl Evidence {
    /// Judges the model. The first finding that holds is given:
    ///
    /// - **Unstable**: the loss became infinite or NaN; or 1 % of the steps had to be left out; or, over
    ///   six epochs or more, the training loss rose in all by more than it fell from first to last, and
    ///   by more than a tenth of its mean an epoch; or the accuracies of three seeds or more have a
    ///   standard deviation of at least 5 points and twice what chance gives. Such a model is not judged
    ///   further: another run would give another.
    /// - **Overfitting**: the train accuracy is ahead by at least 10 points and by more than two
    ///   standard errors of the difference.
    /// - **Underfitting**: even on the training data the model is less than halfway from always saying
    ///   the commonest class to being always right; or it does worse there than the simple model does
    ///   on data it has not seen, by more than two standard errors.
    /// - **Both** of these, or **neither**.
    pub fn verdict(&self) -> Verdict {
        let figures = format!(
            "{} right on the training data, {} on validation data it has not seen",
            percent(self.train.accuracy),
            percent(self.val.accuracy)
        );
        if let Some(complaint) = self.steadiness.complaint() {
            let words = format!(
                "Unstable: {complaint}. {figures}; another run may give other figures. Lower the \
                 learning rate or clip the gradients before judging the rest."
            );
            let fit = Fit::Unstable;
            return Verdict { fit, words };
        }
        let gap = self.train.accuracy - self.val.accuracy;
        let points = format!("a gap of {:.1} points", 100.0 * gap);
        let overfits = gap >= OVERFIT_GAP && self.train.beats(self.val);
        let (fit, words) = match (overfits, self.underfits()) {
            (true, None) => (
                Fit::Overfitting,
                format!(
                    "Overfitting: {figures}, {points}. The model has learned its samples better than \
                     what they have in common."
                ),
            ),
            (false, Some(why)) => (
                Fit::Underfitting,
                format!("Underfitting: {figures}. Even where it may remember the answers {why}."),
            ),
            (true, Some(why)) => (
                Fit::Both,
                format!(
                    "Overfitting and underfitting at once: {figures}, {points}; and even where it may \
                     remember the answers {why}. What it has learned is little, and mostly of its own \
                     samples."
                ),
            ),
            (false, None) => (
                Fit::Neither,
                format!("Neither overfitting nor underfitting: {figures}, {points}."),
            ),
        };
        Verdict { fit, words }
    }

    /// Why the model underfits, in words; `None` if it does not.
    fn underfits(&self) -> Option<String> {
        let skill = if self.commonest < 1.0 {
            (self.train.accuracy - self.commonest) / (1.0 - self.commonest)
        } else {
            1.0
        };
        let baseline = self.baseline.filter(|baseline| baseline.beats(self.train));
        if let Some(baseline) = baseline {
            return Some(format!(
                "the model does worse than a logistic regression on samples it has not seen ({})",
                percent(baseline.accuracy)
            ));
        }
        (skill < UNDERFIT_SKILL).then(|| {
            format!(
                "the model is nearer to always saying the commonest class ({}) than to being right",
                percent(self.commonest)
            )
        })
    }
}

fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(train: (f64, usize), val: (f64, usize), commonest: f64) -> Evidence {
        let measured = |(accuracy, samples)| Measured { accuracy, samples };
        Evidence {
            train: measured(train),
            val: measured(val),
            commonest,
            baseline: None,
            steadiness: Steadiness::default(),
        }
    }

    fn fit(train: (f64, usize), val: (f64, usize), commonest: f64) -> Fit {
        evidence(train, val, commonest).verdict().fit
    }

    #[test]
    fn a_wide_gap_is_overfitting() {
        let v = evidence((1.0, 500), (0.8, 200), 0.1).verdict();
        assert_eq!(v.fit, Fit::Overfitting);
        for figure in ["100.0 %", "80.0 %", "20.0 points"] {
            assert!(v.words.contains(figure), "{}", v.words);
        }
    }

    #[test]
    fn a_gap_that_may_be_chance_is_not() {
        assert_eq!(fit((1.0, 40), (0.8, 10), 0.1), Fit::Neither);
        assert_eq!(fit((1.0, 4000), (0.8, 1000), 0.1), Fit::Overfitting);
    }

    #[test]
    fn little_better_than_the_commonest_class_is_underfitting() {
        assert_eq!(fit((0.65, 500), (0.64, 200), 0.5), Fit::Underfitting);
        assert_eq!(fit((0.92, 500), (0.91, 200), 0.9), Fit::Underfitting);
        assert_eq!(fit((0.65, 500), (0.64, 200), 0.1), Fit::Neither);
    }

    #[test]
    fn one_class_alone_cannot_be_underfit() {
        assert_eq!(fit((1.0, 10), (1.0, 10), 1.0), Fit::Neither);
    }

    #[test]
    fn worse_than_a_simple_model_is_underfitting() {
        let mut e = evidence((0.7, 500), (0.69, 200), 0.1);
        let samples = 200;
        e.baseline = Some(Measured {
            accuracy: 0.72,
            samples,
        });
        assert_eq!(e.verdict().fit, Fit::Neither, "within chance");
        e.baseline = Some(Measured {
            accuracy: 0.85,
            samples,
        });
        let v = e.verdict();
        assert_eq!(v.fit, Fit::Underfitting);
        assert!(v.words.contains("logistic regression") && v.words.contains("85.0 %"));
    }

    #[test]
    fn both_at_once() {
        let v = evidence((0.5, 500), (0.25, 200), 0.1).verdict();
        assert_eq!(v.fit, Fit::Both);
        assert!(v.words.contains("25.0 points") && v.words.contains("commonest class"));
    }

    #[test]
    fn a_restless_loss_is_unstable() {
        let with = |losses: &[f64]| {
            let mut e = evidence((0.9, 500), (0.89, 200), 0.1);
            e.steadiness.losses = losses.to_vec();
            e.verdict().fit
        };
        assert_eq!(with(&[2.0, 0.9, 2.1, 0.8, 1.9, 0.7, 1.8]), Fit::Unstable);
        assert_eq!(
            with(&[2.0, 0.9, 2.1, 0.8, 1.9]),
            Fit::Neither,
            "too few epochs"
        );
        assert_eq!(with(&[2.0, 1.2, 0.8, 0.82, 0.5, 0.52, 0.3]), Fit::Neither);
        // A plateau's jitter is not instability, even where it adds up to more than the fall.
        assert_eq!(
            with(&[0.30, 0.31, 0.30, 0.31, 0.30, 0.31, 0.30]),
            Fit::Neither
        );
        assert_eq!(with(&[1.0, f64::NAN]), Fit::Unstable);
    }

    #[test]
    fn steps_left_out_and_divergence_are_unstable() {
        let mut e = evidence((1.0, 500), (0.5, 200), 0.1);
        (e.steadiness.steps, e.steadiness.skipped_steps) = (1000, 9);
        assert_eq!(e.verdict().fit, Fit::Overfitting);
        e.steadiness.skipped_steps = 10;
        let v = e.verdict();
        assert_eq!(v.fit, Fit::Unstable);
        assert!(v.words.contains("10 of 1000 steps"), "{}", v.words);
        e.steadiness = Steadiness::from_log(&[], true);
        assert_eq!(e.verdict().fit, Fit::Unstable);
    }

    #[test]
    fn seeds_that_disagree_are_unstable() {
        let with = |accuracies: &[f64], samples| {
            let mut e = evidence((0.9, 500), (0.85, 200), 0.1);
            let seed = |&accuracy: &f64| Measured { accuracy, samples };
            e.steadiness.seeds = accuracies.iter().map(seed).collect();
            e.verdict().fit
        };
        assert_eq!(with(&[0.9, 0.6, 0.75], 500), Fit::Unstable);
        assert_eq!(with(&[0.9, 0.6], 500), Fit::Neither, "two seeds say little");
        assert_eq!(with(&[0.9, 0.8, 0.85], 20), Fit::Neither, "chance");
        assert_eq!(with(&[0.86, 0.85, 0.84], 500), Fit::Neither);
    }
}
