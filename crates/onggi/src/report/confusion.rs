//! Which classes are taken for which: the matrix, and the pairs that are confused most.

use maud::{Markup, html};

use super::Evaluation;
use super::format::{count, counted, percent};
use super::input::Run;

/// With more classes the matrix is too large to read; the pairs stand alone.
const MOST_CLASSES: usize = 30;
/// Pairs listed.
const MOST_PAIRS: usize = 10;

pub(super) fn section(run: &Run) -> Markup {
    let summary = &run.summary;
    let evaluation = &summary.evaluation;
    let pairs = most_confused(evaluation);
    html! {
        p.note {
            "Measured on the " (run.evaluated_on()) " split, "
            (counted(evaluation.samples, "sample")) "."
            @if summary.test_accuracy.is_none() {
                " The kept epoch was chosen by the same samples, so expect a little less on new data."
            }
        }
        div.beside {
            div {
                @if summary.classes.len() <= MOST_CLASSES {
                    (matrix(&summary.classes, evaluation))
                } @else {
                    p {
                        "With " (count(summary.classes.len())) " classes the matrix would be too "
                        "large to read (the limit is " (MOST_CLASSES) "); the pairs confused most "
                        "follow instead."
                    }
                }
            }
            div {
                h3 { "Most confused" }
                @if pairs.is_empty() {
                    p { "No sample of this split was taken for another class." }
                } @else {
                    (pair_table(&summary.classes, &pairs))
                }
            }
        }
    }
}

fn matrix(classes: &[String], evaluation: &Evaluation) -> Markup {
    html! {
        p.note {
            "Rows: the truth. Columns: what the model said. A cell counts samples; its shade deepens "
            "with its share of the row, blue for right answers and orange for wrong ones."
        }
        div.scroll tabindex="0" role="region" aria-label="Confusion matrix" {
            table.matrix {
                thead {
                    tr {
                        th.corner scope="col" { "Truth ↓" br; "Said →" }
                        @for class in classes {
                            th.turned scope="col" title=(class) { span { (class) } }
                        }
                    }
                }
                tbody {
                    @for (truth, (class, row)) in classes.iter().zip(&evaluation.confusion).enumerate() {
                        @let total = row.iter().map(|&count| count as f64).sum::<f64>();
                        tr {
                            th scope="row" title=(class) { span { (class) } }
                            @for (said, &cell) in row.iter().enumerate() {
                                (matrix_cell(cell, total, truth == said))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn matrix_cell(cell: usize, total: f64, right: bool) -> Markup {
    let kind = if right { "right" } else { "wrong" };
    if cell == 0 {
        return html! { td class={ "none" @if right { " right" } } { "0" } };
    }
    let share = cell as f64 / total;
    html! {
        td class=(kind) style=(format!("--shade:{:.3}", shade(share))) title=(percent(share)) {
            (count(cell))
        }
    }
}

/// Shade of a share. The square root sets 2 % apart from nothing, which is where mistakes live.
fn shade(share: f64) -> f64 {
    share.clamp(0.0, 1.0).sqrt()
}

/// A kind of mistake: class indices, count, and share of the truth's samples.
#[derive(Debug, PartialEq)]
struct Pair {
    truth: usize,
    said: usize,
    count: usize,
    share: f64,
}

/// The most frequent kinds of mistake; equal counts by the larger share, then by label order.
fn most_confused(evaluation: &Evaluation) -> Vec<Pair> {
    let mut pairs = vec![];
    for (truth, row) in evaluation.confusion.iter().enumerate() {
        let total = row.iter().map(|&count| count as f64).sum::<f64>();
        for (said, &count) in row.iter().enumerate() {
            if count > 0 && said != truth {
                pairs.push(Pair {
                    truth,
                    said,
                    count,
                    share: count as f64 / total,
                });
            }
        }
    }
    // Stable, so that ties stay in label order.
    pairs.sort_by(|a, b| b.count.cmp(&a.count).then(b.share.total_cmp(&a.share)));
    pairs.truncate(MOST_PAIRS);
    pairs
}

fn pair_table(classes: &[String], pairs: &[Pair]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Most confused pairs" {
            table {
                thead {
                    tr {
                        th.text scope="col" { "Truth" }
                        th.text scope="col" { "Taken for" }
                        th scope="col" { "Samples" }
                        th scope="col" { "Of the truth" }
                    }
                }
                tbody {
                    @for pair in pairs {
                        tr {
                            th.text.name scope="row" { (classes[pair.truth]) }
                            td.text.name { (classes[pair.said]) }
                            td { (count(pair.count)) }
                            td { (percent(pair.share)) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn pairs_are_sorted_by_count_then_share_then_order() {
        let evaluation = fixture::evaluation(&[&[5, 2, 3], &[2, 1, 0], &[0, 3, 0]]);
        let found: Vec<_> = most_confused(&evaluation)
            .into_iter()
            .map(|p| (p.truth, p.said, p.count))
            .collect();
        assert_eq!(found, [(2, 1, 3), (0, 2, 3), (1, 0, 2), (0, 1, 2)]);
    }

    #[test]
    fn at_most_ten_pairs() {
        let row: &[usize] = &[1; 6];
        assert_eq!(
            most_confused(&fixture::evaluation(&[row; 6])).len(),
            MOST_PAIRS
        );
    }

    #[test]
    fn many_classes_have_pairs_but_no_matrix() {
        let folder = fixture::folder();
        let (mut summary, log) = (fixture::summary(), fixture::log(3));
        let row = vec![1usize; MOST_CLASSES + 1];
        let rows = vec![row.as_slice(); MOST_CLASSES + 1];
        summary.classes = (0..rows.len()).map(|i| format!("class {i}")).collect();
        summary.evaluation = fixture::evaluation(&rows);
        fixture::put(folder.path(), &summary, &log);
        let page = super::super::render(folder.path()).unwrap();
        assert!(!page.contains("class=\"matrix\""));
        assert!(page.contains("With 31 classes"));
        assert!(page.contains("Most confused"));
    }
}
