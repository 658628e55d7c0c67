//! Accuracy and loss against epochs, and the figures behind the lines.

use maud::{Markup, html};

use super::EpochRecord;
use super::chart::{LineChart, Mark, Series};
use super::format::{duration, figure, percent, points};
use super::input::Run;

pub(super) fn section(run: &Run) -> Markup {
    let best = run
        .epochs
        .iter()
        .position(|record| record.epoch == run.summary.best_epoch);
    html! {
        p.note {
            "Both lines are measured after each epoch in evaluation mode, without augmentation, so "
            "that they can be compared: training on a fixed part of the training samples (dashed), "
            "validation on samples the model is never trained on (solid)."
            @if best.is_some() { " The weights of the marked epoch were kept." }
        }
        div.charts {
            figure {
                figcaption { b { "Accuracy" } ", percent. The shaded band is the gap." }
                (accuracy(run, best))
            }
            figure {
                figcaption { b { "Loss" } ", mean cross-entropy in nats; lower is better." }
                (loss(run, best))
            }
        }
        details {
            summary { "The figures of every epoch" }
            (table(run))
        }
    }
}

fn accuracy(run: &Run, best: Option<usize>) -> Markup {
    let label = best.and_then(|best| run.epochs.get(best)).map(|record| {
        let gap = points(record.train_accuracy - record.val_accuracy);
        format!("epoch {}: gap {gap} points", record.epoch)
    });
    LineChart {
        id: "accuracy",
        title: "Accuracy by epoch",
        description: &describe(run, "accuracy", percent, |r| {
            (r.train_accuracy, r.val_accuracy)
        }),
        xs: run.epochs.iter().map(|record| record.epoch).collect(),
        x_label: "epoch",
        series: series(run, |record| (record.train_accuracy, record.val_accuracy)),
        y_limits: (0.0, 1.0),
        y_span: 0.1,
        y_holds: None,
        y_tick: |value, step| {
            let decimals = decimals(step * 100.0);
            format!("{:.decimals$}\u{202f}%", value * 100.0)
        },
        band: true,
        mark: best
            .zip(label.as_deref())
            .map(|(index, label)| Mark { index, label }),
    }
    .render()
}

fn loss(run: &Run, best: Option<usize>) -> Markup {
    let label = format!("epoch {}", run.summary.best_epoch);
    LineChart {
        id: "loss",
        title: "Loss by epoch",
        description: &describe(run, "loss", figure, |r| (r.train_loss, r.val_loss)),
        xs: run.epochs.iter().map(|record| record.epoch).collect(),
        x_label: "epoch",
        series: series(run, |record| (record.train_loss, record.val_loss)),
        y_limits: (f64::NEG_INFINITY, f64::INFINITY),
        y_span: 0.01,
        y_holds: Some(0.0),
        y_tick: |value, step| {
            let decimals = decimals(step);
            if value.abs() < 1e5 {
                format!("{value:.decimals$}")
            } else {
                format!("{value:.0e}")
            }
        },
        band: false,
        mark: best.map(|index| Mark {
            index,
            label: &label,
        }),
    }
    .render()
}

fn series(run: &Run, of: fn(&EpochRecord) -> (f64, f64)) -> Vec<Series<'static>> {
    let values = |pick: fn((f64, f64)) -> f64| run.epochs.iter().map(|r| pick(of(r))).collect();
    vec![
        Series {
            label: "training",
            class: "train",
            values: values(|pair| pair.0),
        },
        Series {
            label: "validation",
            class: "validation",
            values: values(|pair| pair.1),
        },
    ]
}

/// What a chart shows, for who cannot see it: where both lines begin, stand at best, and end.
fn describe(
    run: &Run,
    what: &str,
    write: fn(f64) -> String,
    of: fn(&EpochRecord) -> (f64, f64),
) -> String {
    let mut told: Vec<&EpochRecord> = vec![];
    for record in run
        .epochs
        .first()
        .into_iter()
        .chain(run.best())
        .chain(run.epochs.last())
    {
        if told.iter().all(|other| other.epoch != record.epoch) {
            told.push(record);
        }
    }
    let parts: Vec<String> = told
        .into_iter()
        .map(|record| {
            let (train, validation) = of(record);
            let kept = if record.epoch == run.summary.best_epoch {
                " (kept)"
            } else {
                ""
            };
            let (train, validation) = (write(train), write(validation));
            format!(
                "epoch {}{kept}: training {train}, validation {validation}",
                record.epoch
            )
        })
        .collect();
    format!("Training and validation {what}. {}.", parts.join("; "))
}

/// Decimals that tell ticks `step` apart.
fn decimals(step: f64) -> usize {
    (-(step + step * 1e-9).log10().floor()).clamp(0.0, 9.0) as usize
}

fn table(run: &Run) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="The figures of every epoch" {
            table {
                thead {
                    tr {
                        th scope="col" { "Epoch" }
                        th scope="col" { "Training accuracy" }
                        th scope="col" { "Validation accuracy" }
                        th scope="col" { "Gap, points" }
                        th scope="col" { "Training loss" }
                        th scope="col" { "Validation loss" }
                        th scope="col" { "Learning rate" }
                        th scope="col" { "Gradient norm" }
                        th scope="col" { "Time" }
                    }
                }
                tbody {
                    @for record in &run.epochs {
                        tr.best[record.epoch == run.summary.best_epoch] {
                            th scope="row" {
                                (record.epoch)
                                @if record.epoch == run.summary.best_epoch { " kept" }
                            }
                            td { (percent(record.train_accuracy)) }
                            td { (percent(record.val_accuracy)) }
                            td { (points(record.train_accuracy - record.val_accuracy)) }
                            td { (figure(record.train_loss)) }
                            td { (figure(record.val_loss)) }
                            td { (figure(record.lr)) }
                            td { (figure(record.grad_norm)) }
                            td { (duration(record.seconds)) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decimals;

    #[test]
    fn ticks_get_the_decimals_they_need() {
        for (step, expected) in [
            (20.0, 0),
            (1.0, 0),
            (0.5, 1),
            (0.1, 1),
            (0.25, 1),
            (0.02, 2),
            (1e-12, 9),
        ] {
            assert_eq!(decimals(step), expected, "{step}");
        }
    }
}
