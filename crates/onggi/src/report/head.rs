//! The head of the page: what was trained on what, the verdict, and the figures behind it.

use maud::{Markup, html};
use onggi_train::TRAIN_SUBSET;

use super::Fit;
use super::format::{counted, percent, points};
use super::input::Run;
use super::interval::wilson;

pub(super) fn header(run: &Run) -> Markup {
    let summary = &run.summary;
    html! {
        header {
            p.overline {
                span.name { (data_name(&summary.data)) }
                " · " (task(&summary.task)) " · " (summary.model)
            }
            h1 { (verdict(summary.verdict.fit)) }
            p.lead { (lead(&summary.verdict.words)) }
            dl.figures {
                (accuracy(run))
                div {
                    dt { "Gap" }
                    dd.value { (points(summary.gap)) small { " points" } }
                    dd { "training − validation" }
                }
                div {
                    dt { "Training accuracy" }
                    dd.value { (percent(summary.train_accuracy)) }
                    dd { (trained_on(summary.split[0])) }
                }
                @if summary.test_accuracy.is_some() {
                    div {
                        dt { "Validation accuracy" }
                        dd.value { (percent(summary.val_accuracy)) }
                        dd { (counted(summary.split[1], "sample")) }
                    }
                }
                @if let Some(simple) = summary.baseline_accuracy {
                    div {
                        dt { "Linear model" }
                        dd.value { (percent(simple)) }
                        dd { "of the same validation data" }
                    }
                }
            }
        }
    }
}

/// The accuracy to quote: on the test split, or on the validation split where there is none.
fn accuracy(run: &Run) -> Markup {
    let summary = &run.summary;
    let (name, accuracy, samples) = match summary.test_accuracy {
        Some(accuracy) => ("Test accuracy", accuracy, summary.split[2]),
        None => (
            "Validation accuracy",
            summary.val_accuracy,
            summary.split[1],
        ),
    };
    html! {
        div.first {
            dt { (name) }
            dd.value { (percent(accuracy)) }
            dd {
                (counted(samples, "sample"))
                @if let Some((low, high)) = wilson(accuracy, samples) {
                    "; 95\u{202f}% interval " (percent(low)) " to " (percent(high))
                }
                @if summary.test_accuracy.is_none() { "; there is no test split" }
            }
        }
    }
}

fn verdict(fit: Fit) -> &'static str {
    match fit {
        Fit::Overfitting => "The model overfits",
        Fit::Underfitting => "The model underfits",
        Fit::Both => "The model overfits and underfits",
        Fit::Neither => "The model neither overfits nor underfits",
        Fit::Unstable => "The training is unstable",
    }
}

/// The verdict's words without the finding, which the heading has said, and with their figures held
/// together.
fn lead(words: &str) -> String {
    const FINDINGS: [&str; 5] = [
        "Overfitting: ",
        "Underfitting: ",
        "Overfitting and underfitting at once: ",
        "Neither overfitting nor underfitting: ",
        "Unstable: ",
    ];
    let figures = FINDINGS
        .iter()
        .find_map(|finding| words.strip_prefix(finding))
        .unwrap_or(words);
    figures.replace(" %", "\u{202f}%")
}

/// What the training accuracy was measured on.
fn trained_on(samples: usize) -> String {
    if samples > TRAIN_SUBSET {
        format!("{TRAIN_SUBSET} of {}", counted(samples, "sample"))
    } else {
        counted(samples, "sample")
    }
}

fn task(task: &str) -> String {
    format!("{task} classification")
}

/// The last part of the data's path, by which people call a data set.
pub(crate) fn data_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches(['/', '\\']);
    match trimmed.rsplit(['/', '\\']).next() {
        Some(name) if !name.is_empty() => name,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::{data_name, lead, trained_on};

    #[test]
    fn the_last_part_of_a_path_names_the_data() {
        for (path, name) in [
            ("data/fashion", "fashion"),
            ("data/fashion/", "fashion"),
            ("C:\\data\\옹기", "옹기"),
            ("iris.csv", "iris.csv"),
            ("/", "/"),
            ("", ""),
        ] {
            assert_eq!(data_name(path), name);
        }
    }
    #[test]
    fn the_lead_does_not_repeat_the_heading() {
        for (words, expected) in [
            ("Overfitting: 99.0 % right.", "99.0\u{202f}% right."),
            ("Neither overfitting nor underfitting: 9 %.", "9\u{202f}%."),
            ("As it is.", "As it is."),
        ] {
            assert_eq!(lead(words), expected);
        }
    }

    #[test]
    fn the_training_accuracy_says_what_it_was_measured_on() {
        assert_eq!(trained_on(1600), "500 of 1,600 samples");
        assert_eq!(trained_on(397), "397 samples");
    }
}
