//! The gap in words: what the two accuracies mean, how sure they are, and what to try next.

use maud::{Markup, html};

use super::Fit;
use super::format::{counted, percent, points};
use super::input::Run;
use super::interval::wilson;

pub(super) fn section(run: &Run) -> Markup {
    let summary = &run.summary;
    html! {
        (bars(run))
        p {
            "Training accuracy is measured on samples the model was trained on, validation accuracy "
            "on samples it was not. What it learnt about the matter itself helps with both; what it "
            "learnt about the training samples alone helps only with the first. The gap of "
            b { (points(summary.gap)) " points" } " measures that second part. "
            (certainty(run))
        }
        p { (meaning(summary.verdict.fit)) }
        p { (advice_heading(summary.verdict.fit)) }
        ul {
            @for advice in advice(run) { li { (advice) } }
        }
        p.note {
            "Change one thing at a time and compare the validation accuracies. "
            @if summary.test_accuracy.is_some() {
                "Keep the test split for the end: what is chosen by it is no longer measured by it."
            } @else {
                "When the choice is made, measure it on data that took no part in it."
            }
        }
    }
}

/// The accuracies as bars on one scale, the gap hatched.
fn bars(run: &Run) -> Markup {
    let summary = &run.summary;
    html! {
        table.bars {
            caption { "Accuracies on one scale, 0 to 100\u{202f}%; the gap hatched" }
            tbody {
                (bar("Training", summary.train_accuracy, "train", None))
                (bar("Validation", summary.val_accuracy, "validation", Some(summary.gap)))
                @if let Some(test) = summary.test_accuracy { (bar("Test", test, "test", None)) }
                @if let Some(share) = commonest(run) {
                    (bar("Guessing the commonest class", share, "floor", None))
                }
            }
        }
    }
}

fn bar(name: &str, share: f64, class: &str, gap: Option<f64>) -> Markup {
    let width = |share: f64| format!("{:.1}%", 100.0 * share.clamp(0.0, 1.0));
    html! {
        tr {
            th scope="row" { (name) }
            td.number { (percent(share)) }
            td.track aria-hidden="true" {
                div {
                    @if share.is_finite() {
                        span class=(class) style={ "width:" (width(share)) } {}
                    }
                    @if let Some(gap) = gap.filter(|gap| share.is_finite() && *gap > 0.0) {
                        span.gap style={
                            "left:" (width(share)) ";width:" (width(gap.min(1.0 - share)))
                        } {}
                    }
                }
            }
        }
    }
}

/// The accuracy of a model that always gives the commonest class of the evaluated split.
fn commonest(run: &Run) -> Option<f64> {
    let rows = run
        .summary
        .evaluation
        .confusion
        .iter()
        .map(|row| total(row));
    let (most, all) = rows.fold((0, 0), |(most, all): (usize, usize), row| {
        (most.max(row), all.saturating_add(row))
    });
    (all > 0).then(|| most as f64 / all as f64)
}

/// A sum that a damaged file cannot make overflow.
fn total(row: &[usize]) -> usize {
    row.iter().fold(0, |sum, &count| sum.saturating_add(count))
}

/// How far the validation accuracy can be trusted, and whether the gap stands out from that.
fn certainty(run: &Run) -> Markup {
    let summary = &run.summary;
    let Some((low, high)) = wilson(summary.val_accuracy, summary.split[1]) else {
        return html! {};
    };
    html! {
        "With " (counted(summary.split[1], "validation sample")) ", that accuracy is only known to "
        "lie between " (percent(low)) " and " (percent(high)) " (95\u{202f}% interval)"
        @if summary.gap.abs() <= (high - low) / 2.0 {
            ": the gap is no larger than chance alone may make it."
        } @else {
            "."
        }
    }
}

fn meaning(fit: Fit) -> &'static str {
    match fit {
        Fit::Overfitting => {
            "Overfitting: the model does far better on what it was trained on than on what it has \
             not seen. It has room to learn the training samples by heart, and used it."
        }
        Fit::Underfitting => {
            "Underfitting: the model is poor even on what it was trained on. Before anything can \
             carry over to new data, there must be more to carry."
        }
        Fit::Both => {
            "Both: the model is poor even on what it was trained on, and the little it has learned \
             holds mostly for those very samples."
        }
        Fit::Unstable => {
            "Unstable: the training did not run calmly, so that its outcome is partly luck; what is \
             said of over- and underfitting can wait until it does."
        }
        Fit::Neither => {
            "Neither: the model has learnt what it was shown, and most of it holds on data it has \
             not seen."
        }
    }
}

fn advice_heading(fit: Fit) -> &'static str {
    match fit {
        Fit::Overfitting | Fit::Underfitting | Fit::Both | Fit::Unstable => {
            "What to try next, the likeliest to help first:"
        }
        Fit::Neither => "Where more accuracy may come from:",
    }
}

/// Gap from which a model that does not overfit may still gain by closing it.
const WIDE: f64 = 0.05;

/// For the linear model of texts, which has no epochs.
fn of_texts(fit: Fit) -> Vec<&'static str> {
    match fit {
        Fit::Overfitting | Fit::Both => vec![
            "More texts, above all of the classes that are most confused (below).",
            "Changed copies of those there are (--augment-text).",
            "A stronger penalty (--l2), or one that leaves n-grams out (--l1, --elastic-net).",
        ],
        Fit::Underfitting | Fit::Unstable | Fit::Neither => vec![
            "More texts, above all of the classes that are most confused (below).",
            "A look at the mistakes: wrong labels and classes that overlap set a ceiling.",
        ],
    }
}

/// For a head on a frozen backbone, which has no epochs either.
fn of_heads(fit: Fit) -> Vec<&'static str> {
    const MORE: &str = "More images, above all of the classes that are most confused (below).";
    match fit {
        Fit::Overfitting | Fit::Both => vec![
            MORE,
            "Augmented views of those there are (--views 4).",
            "A stronger penalty (--l2) than the one that cross-validation chose.",
            "The backbone's last parts too (--pretrained --tune last-2), if there are some hundreds of images a class.",
        ],
        Fit::Underfitting | Fit::Unstable | Fit::Neither => vec![
            MORE,
            "The backbone's last parts too (--pretrained --tune last-2), or a larger one (onggi models list).",
            "A look at the mistakes: wrong labels and classes that overlap set a ceiling.",
        ],
    }
}

/// Only what Onggi can do, by the name of its flag.
fn advice(run: &Run) -> Vec<&'static str> {
    const MORE_DATA: &str = "More data, above all of the classes that are most confused (below).";
    let pictures = run.summary.task == "image";
    let augmented = run.config.get("augment").and_then(toml::Value::as_str) == Some("light");
    let varied = run.config.contains_key("augment_text");
    const VARIED: &str =
        "Augmentation (--augment-text eda): the same texts, put otherwise each epoch.";
    const SIMPLER: &str = "The simplest model (--model linear), which few texts are enough for.";
    let texts = run.summary.task == "text";
    if texts && run.fitted() {
        return of_texts(run.summary.verdict.fit);
    }
    if run.fitted() {
        return of_heads(run.summary.verdict.fit);
    }
    let mut all = vec![];
    match run.summary.verdict.fit {
        Fit::Overfitting => {
            if pictures && !augmented {
                all.push("Augmentation (--augment light): the same samples, seen anew.");
            }
            if texts && !varied {
                all.push(VARIED);
            }
            all.push("More dropout (--dropout) or weight decay (--weight-decay).");
            if texts {
                all.push(SIMPLER);
            }
            all.push("Fewer epochs (--epochs): less time to learn the samples by heart.");
            all.push(MORE_DATA);
        }
        Fit::Underfitting => {
            all.push("More epochs (--epochs), if the training curve still climbs at its end.");
            all.push("Another learning rate (--lr): ten times higher, ten times lower.");
            if pictures {
                all.push("Larger pictures (--size), if they were shrunk much.");
            }
            all.push("Less of what holds it back (--weight-decay, --dropout, --augment).");
            all.push("A look at the data: wrong labels and classes that overlap set a ceiling.");
        }
        Fit::Both => {
            all.push("Another learning rate (--lr): ten times higher, ten times lower.");
            all.push(
                "A look at the data: wrong labels are learned by heart and hold nowhere else.",
            );
            if pictures && !augmented {
                all.push("Augmentation (--augment light): the same samples, seen anew.");
            }
            all.push(MORE_DATA);
        }
        Fit::Unstable => {
            all.push("A lower learning rate (--lr): three times lower, then ten times.");
            all.push("Clipped gradients (--clip-norm 1).");
            all.push("Larger batches (--batch), whose gradients scatter less.");
            all.push("A look at the data: extreme values in a column make single steps large.");
        }
        Fit::Neither => {
            if !run.samples.mistakes.is_empty() {
                all.push("The worst mistakes below: wrong labels among them are worth mending.");
            }
            if run.summary.gap >= WIDE {
                all.push(
                    "More dropout (--dropout) or weight decay (--weight-decay): the gap is short of \
                     overfitting, but not small.",
                );
            } else {
                all.push(
                    "More epochs (--epochs), if the validation curve still climbs at its end.",
                );
            }
            if pictures {
                all.push("Larger pictures (--size), if they were shrunk much.");
            }
            all.push(MORE_DATA);
        }
    }
    all
}
