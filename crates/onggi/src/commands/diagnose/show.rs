//! The findings in words.

use super::health::LayerFigures;
use super::more_data::CurveFigures;
use super::trade_off::TradeOff;
use super::{Findings, LeakRow, PartFigures, SuspectRow};
use crate::output::{one_line, percent, say, thousands};

/// Rows of a list that are shown; the rest are counted. `--json` has all.
const SHOWN: usize = 10;

pub(super) fn show(found: &Findings) {
    say(&found.verdict.words);
    parts(found);
    let Findings {
        gap, calibration, ..
    } = found;
    say(format!(
        "\nGap between train and validation: {} points, {:.0} % interval {} to {}",
        points(gap.estimate),
        100.0 * gap.level,
        points(gap.low),
        points(gap.high)
    ));
    say(format!(
        "Calibration on {} {} samples: expected error {} ({}); {} at temperature {:.2}{}",
        thousands(calibration.samples),
        calibration.measured_on,
        percent(calibration.error),
        if calibration.overconfidence > 0.0 {
            "too sure"
        } else {
            "not sure enough"
        },
        percent(calibration.error_after),
        calibration.temperature,
        if calibration.measured_on == "val" {
            ", fitted on the same samples"
        } else {
            ""
        }
    ));
    layers(&found.layers);
    suspects(found);
    duplicates(found);
    if let Some(curve) = &found.learning_curve {
        learning_curve(curve);
    }
    if let Some(trade_off) = &found.bias_variance {
        bias_variance(trade_off);
    }
}

/// Those that are not healthy; `--json` has all.
fn layers(all: &[LayerFigures]) {
    let ill = || all.iter().filter(|layer| layer.verdict != "healthy");
    if all.is_empty() {
        return;
    }
    if ill().count() == 0 {
        return say(format!(
            "Layers: all {} are healthy (outputs and gradients of a batch)",
            all.len()
        ));
    }
    say("\nlayer                     mean       std  dead units  gradient  state");
    for layer in ill().take(SHOWN) {
        let gradient = layer
            .gradient_norm
            .map_or_else(|| "none".into(), |g| format!("{g:.1e}"));
        say(format!(
            "{:<20} {:>9.2e} {:>9.2e}  {:>10}  {gradient:>8}  {}",
            layer.layer,
            layer.mean,
            layer.std,
            percent(layer.dead),
            layer.verdict
        ));
    }
    say(format!(
        "{} of {} layers are not healthy",
        ill().count(),
        all.len()
    ));
}

fn learning_curve(found: &CurveFigures) {
    say(format!(
        "\nLearning curve: error on {} samples, {} trainings of each size",
        found.measured_on, found.repeats
    ));
    say("training samples     error   ± 2 s.e.  fitted");
    for point in &found.curve.points {
        say(format!(
            "{:>16}  {:>8}  {:>9}  {:>6}",
            thousands(point.samples),
            percent(point.error),
            percent(2.0 * point.standard_error),
            percent(found.curve.law.at(point.samples as f64))
        ));
    }
    say(found.words());
}

fn bias_variance(found: &TradeOff) {
    say(format!(
        "\nBias and variance of the cross-entropy on {} samples, {} models of each width",
        found.measured_on, found.models
    ));
    say("width  parameters  accuracy   error =  bias + variance");
    for size in &found.sizes {
        say(format!(
            "{:>5}  {:>10}  {:>8}  {:>6.3}   {:>5.3}   {:>8.3}",
            size.width,
            thousands(size.parameters),
            percent(size.accuracy),
            size.parts.error,
            size.parts.bias,
            size.parts.variance
        ));
    }
    say(found.words());
}

fn points(fraction: f64) -> String {
    format!("{:+.1}", 100.0 * fraction)
}

fn parts(found: &Findings) {
    say("\npart                 samples  accuracy  cross-entropy");
    let row = |name: &str, part: &PartFigures| {
        say(format!(
            "{name:<19}  {:>7}  {:>8}  {:>13.3}",
            thousands(part.samples),
            percent(part.accuracy),
            part.loss
        ));
    };
    row("train", &found.train);
    row("validation", &found.val);
    if let Some(test) = &found.test {
        row("test", test);
    }
    if let Some(simple) = &found.baseline {
        say(format!(
            "{:<19}  {:>7}  {:>8}  {:>13.3}",
            "logistic, validat.",
            thousands(found.val.samples),
            percent(simple.val_accuracy),
            simple.val_loss
        ));
    }
}

fn suspects(found: &Findings) {
    let rows = &found.label_errors;
    if rows.is_empty() {
        return say("Label errors: none suspected in validation and test");
    }
    say(format!(
        "\nLabel errors: {} suspected in validation and test, {} of the labels by estimate; surest \
         first:",
        thousands(rows.len()),
        percent(found.label_noise)
    ));
    let line = |row: &SuspectRow| {
        format!(
            "  {}: labelled {}, looks like {} (probability of its label {})",
            one_line(&row.sample),
            one_line(&row.label),
            one_line(&row.suggested),
            percent(row.self_confidence)
        )
    };
    list(rows, line);
}

fn duplicates(found: &Findings) {
    let duplicates = &found.duplicates;
    if duplicates.groups == 0 {
        return say(format!(
            "Duplicates: none in {} samples",
            thousands(duplicates.samples)
        ));
    }
    say(format!(
        "\nDuplicates: {} of {} samples repeat another, exactly or nearly; {} lie in two parts{}",
        thousands(duplicates.surplus),
        thousands(duplicates.samples),
        thousands(duplicates.leaks.len()),
        if duplicates.truncated {
            " (there may be more)"
        } else {
            ""
        }
    ));
    let line = |row: &LeakRow| {
        format!(
            "  {} ({}) {} {} ({})",
            one_line(&row.sample),
            row.split,
            if row.exact { "is" } else { "is nearly" },
            one_line(&row.of),
            row.of_split
        )
    };
    list(&duplicates.leaks, line);
}

fn list<T>(rows: &[T], line: impl Fn(&T) -> String) {
    rows.iter().take(SHOWN).for_each(|row| say(line(row)));
    if rows.len() > SHOWN {
        say(format!(
            "  and {} more; --json has all",
            thousands(rows.len() - SHOWN)
        ));
    }
}
