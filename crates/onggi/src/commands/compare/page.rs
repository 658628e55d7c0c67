//! The comparison as one self-contained HTML page: the recommendation, the differences with their
//! intervals as a drawing, and the table.

use super::figures::{Comparison, LEVEL, Row};
use crate::report::document;
use crate::report::format::{count, counted, duration, figure, percent, points};
use crate::report::head::data_name;
use crate::report::ticks::{step, ticks};
use maud::{Markup, html};

/// The drawing in SVG units: names on the left, one row a remedy, the axis below.
const WIDTH: f64 = 640.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 620.0;
const TOP: f64 = 12.0;
const ROW: f64 = 28.0;
const BELOW: f64 = 52.0;

/// The page.
pub(super) fn page(found: &Comparison) -> Markup {
    let name = data_name(&found.data);
    let body = html! {
        header {
            p.overline {
                span.name { (name) } " · " (found.task) " classification · "
                (counted(found.seeds.len(), "seed")) " · " (counted(found.epochs, "epoch"))
            }
            h1 {
                @match found.recommended {
                    Some(remedy) => { "What helps most: " (remedy) }
                    None => { "Nothing clearly beats the baseline" }
                }
            }
            p.lead { (found.recommendation) }
            @if let Some(test) = &found.test {
                p {
                    "Test accuracy, looked at once, after the choice (" (counted(test.samples, "sample"))
                    "): " (percent(test.recommended)) ", baseline " (percent(test.baseline)) "."
                }
            }
            @if let Some(command) = &found.command { p { code { (command) } } }
        }
        main {
            section id="differences" {
                h2 { "Differences" }
                p.note {
                    "Validation accuracy less the baseline's, in points, with its "
                    (format!("{:.0}", 100.0 * LEVEL)) "\u{202f}% interval over seeds and "
                    (counted(found.split[1], "validation sample")) "."
                }
                (forest(&found.rows, found.recommended))
            }
            section id="figures" { h2 { "Figures" } (table(found)) }
            section id="remedies" { h2 { "Remedies" } (remedies(found)) }
        }
        footer { p { "Made by " code { "onggi compare" } " in " code { (found.out) } "." } }
    };
    document(&format!("{name} – Onggi comparison"), &body)
}

/// One row a remedy: its interval as a line, its estimate as a dot, 0 as the axis.
fn forest(rows: &[Row], best: Option<&str>) -> Markup {
    let shown: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row.name, row.difference?)))
        .collect();
    let ends = || shown.iter().flat_map(|(_, d)| [d.low, d.high]);
    let low = ends().fold(0.0_f64, f64::min);
    let high = ends().fold(0.0_f64, f64::max);
    let apart = step((high - low).max(1e-3), 6);
    let (low, high) = ((low / apart).floor() * apart, (high / apart).ceil() * apart);
    let x = |value: f64| LEFT + (value - low) / (high - low).max(1e-9) * (RIGHT - LEFT);
    let bottom = TOP + ROW * shown.len() as f64;
    let y = |row: usize| TOP + ROW * (row as f64 + 0.5);
    let class = |name: &str| if Some(name) == best { "best" } else { "" };
    html! {
        svg.chart.forest viewBox=(format!("0 0 {WIDTH} {}", bottom + BELOW)) role="img"
            aria-labelledby="forest-title" {
            title id="forest-title" { "Each remedy's difference to the baseline, with its interval" }
            @for tick in ticks(low, high, apart) {
                @let at = x(tick);
                line.grid x1=(at) x2=(at) y1=(TOP) y2=(bottom) {}
                text.tick.x x=(at) y=(bottom + 20.0) { (points(tick)) }
            }
            line.axis x1=(x(0.0)) x2=(x(0.0)) y1=(TOP) y2=(bottom) {}
            text.tick.x x=((LEFT + RIGHT) / 2.0) y=(bottom + 42.0) { "points of validation accuracy" }
            @for (i, (name, d)) in shown.iter().enumerate() {
                text class={ "row " (class(name)) } x=(LEFT - 12.0) y=(y(i)) { (name) }
                line class={ "interval " (class(name)) } x1=(x(d.low)) x2=(x(d.high)) y1=(y(i)) y2=(y(i)) {}
                circle class={ "estimate " (class(name)) } cx=(x(d.estimate)) cy=(y(i)) r="5" {}
            }
        }
    }
}

fn table(found: &Comparison) -> Markup {
    html! {
        div.scroll {
            table {
                caption { "Means over the seeds. Test figures play no part in the choice." }
                thead {
                    tr {
                        th.text scope="col" { "Remedy" }
                        @for name in ["Validation", "Loss", "Train", "Gap", "Difference", "From", "To", "Parameters", "Time"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody {
                    @for row in &found.rows {
                        tr.best[found.recommended == Some(row.name)] {
                            th.text scope="row" { (row.name) }
                            td { (percent(row.val_accuracy)) }
                            td { (figure(row.val_loss)) }
                            td { (percent(row.train_accuracy)) }
                            td { (points(row.gap)) }
                            @match &row.difference {
                                Some(d) => { td { (points(d.estimate)) } td { (points(d.low)) } td { (points(d.high)) } }
                                None => { td {} td {} td {} }
                            }
                            td { (count(row.parameters)) }
                            td { (duration(row.seconds)) }
                        }
                    }
                }
            }
        }
    }
}

fn remedies(found: &Comparison) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { th.text scope="col" { "Remedy" } th.text scope="col" { "What it does" } th.text scope="col" { "Flags" } } }
                tbody {
                    @for row in &found.rows {
                        tr {
                            th.text scope="row" { (row.name) }
                            td.text { (row.words) }
                            td.text { code { (row.flags.join(" ")) } }
                        }
                    }
                }
            }
        }
    }
}
