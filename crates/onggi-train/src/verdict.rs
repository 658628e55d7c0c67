//! What the accuracies say about the model's fit.

use crate::run::{Fit, Verdict};

/// Gap between the train and the validation accuracy from which a model is said to overfit.
const OVERFIT_GAP: f64 = 0.1;

/// Standard errors that a gap must exceed not to be chance.
const CHANCE: f64 = 2.0;

/// Share of the way from guessing the commonest class to perfection below which a model is said
/// to underfit its own training data.
const UNDERFIT_SKILL: f64 = 0.5;

/// Judges a model by its accuracy on the training data (eval mode, no augmentation) and on
/// validation data, each measured on a number of samples.
///
/// - **Overfitting**: the train accuracy is ahead by at least 10 points and by more than two
///   standard errors of the difference.
/// - **Underfitting**: even on the training data the model is less than halfway from always saying
///   the commonest class (`base`, its share) to being always right.
/// - **Neither** otherwise.
pub fn verdict(train: (f64, usize), val: (f64, usize), base: f64) -> Verdict {
    let gap = train.0 - val.0;
    let variance = |(accuracy, n): (f64, usize)| accuracy * (1.0 - accuracy) / n.max(1) as f64;
    let error = (variance(train) + variance(val)).sqrt();
    let skill = if base < 1.0 {
        (train.0 - base) / (1.0 - base)
    } else {
        1.0
    };
    let percent = |fraction: f64| format!("{:.1} %", 100.0 * fraction);
    let figures = format!(
        "{} right on the training data, {} on validation data it has not seen",
        percent(train.0),
        percent(val.0)
    );
    let points = format!("a gap of {:.1} points", 100.0 * gap);
    if gap >= OVERFIT_GAP && gap > CHANCE * error {
        let words = format!(
            "Overfitting: {figures}, {points}. The model has learned its samples better than what \
             they have in common."
        );
        Verdict {
            fit: Fit::Overfitting,
            words,
        }
    } else if skill < UNDERFIT_SKILL {
        let words = format!(
            "Underfitting: {figures}. Even where it may remember the answers the model is nearer to \
             always saying the commonest class ({}) than to being right.",
            percent(base)
        );
        Verdict {
            fit: Fit::Underfitting,
            words,
        }
    } else {
        let words = format!("Neither overfitting nor underfitting: {figures}, {points}.");
        Verdict {
            fit: Fit::Neither,
            words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_gap_is_overfitting() {
        let v = verdict((1.0, 500), (0.8, 200), 0.1);
        assert_eq!(v.fit, Fit::Overfitting);
        assert!(
            v.words.contains("100.0 %") && v.words.contains("80.0 %"),
            "{}",
            v.words
        );
        assert!(v.words.contains("20.0 points"), "{}", v.words);
    }

    #[test]
    fn a_gap_that_may_be_chance_is_not() {
        assert_eq!(verdict((1.0, 40), (0.8, 10), 0.1).fit, Fit::Neither);
        assert_eq!(verdict((1.0, 4000), (0.8, 1000), 0.1).fit, Fit::Overfitting);
    }

    #[test]
    fn little_better_than_the_commonest_class_is_underfitting() {
        assert_eq!(
            verdict((0.65, 500), (0.64, 200), 0.5).fit,
            Fit::Underfitting
        );
        assert_eq!(
            verdict((0.92, 500), (0.91, 200), 0.9).fit,
            Fit::Underfitting
        );
        assert_eq!(verdict((0.65, 500), (0.64, 200), 0.1).fit, Fit::Neither);
    }

    #[test]
    fn one_class_alone_cannot_be_underfit() {
        assert_eq!(verdict((1.0, 10), (1.0, 10), 1.0).fit, Fit::Neither);
    }
}
