//! Precision, recall and F1 of each class.

use maud::{Markup, html};

use super::ClassMetrics;
use super::format::{NONE, count, percent};
use super::input::Run;

pub(super) fn section(run: &Run) -> Markup {
    let evaluation = &run.summary.evaluation;
    html! {
        p.note {
            "Precision: of the samples said to be of the class, the share that are. Recall: of the "
            "samples of the class, the share that were found. F1: their harmonic mean. Measured on "
            "the " (run.evaluated_on()) " split."
        }
        div.scroll tabindex="0" role="region" aria-label="Figures of each class" {
            table {
                thead {
                    tr {
                        th.text scope="col" { "Class" }
                        th scope="col" { "Precision" }
                        th scope="col" { "Recall" }
                        th scope="col" { "F1" }
                        th scope="col" { "Samples" }
                    }
                }
                tbody {
                    @for class in &evaluation.per_class { (row(class)) }
                }
                tfoot {
                    tr {
                        th.text scope="row" { "All classes" }
                        td colspan="2" { "accuracy " (percent(evaluation.accuracy)) }
                        td { (percent(evaluation.macro_f1)) }
                        td { (count(evaluation.samples)) }
                    }
                }
            }
        }
    }
}

fn row(class: &ClassMetrics) -> Markup {
    // Without samples of the class there is nothing to find, and no recall to speak of.
    let found = |figure: f64| {
        if class.support == 0 {
            NONE.to_owned()
        } else {
            percent(figure)
        }
    };
    html! {
        tr {
            th.text.name scope="row" { (class.class) }
            td { (percent(class.precision)) }
            td { (found(class.recall)) }
            td { (found(class.f1)) }
            td { (count(class.support)) }
        }
    }
}
