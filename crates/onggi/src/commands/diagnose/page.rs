//! The curves of a diagnosis as one self-contained page.

use super::Findings;
use super::more_data::CurveFigures;
use super::trade_off::TradeOff;
use crate::failure::Failure;
use crate::report::chart::{LineChart, Series};
use crate::report::document;
use crate::report::format::{count, figure, percent};
use crate::report::head::data_name;
use maud::{Markup, html};
use onggi_train::run::write_whole;
use std::path::{Path, PathBuf};

const FILE: &str = "diagnose.html";

/// Writes the page into the run's folder, if there is a curve to show.
pub(super) fn write(run: &Path, found: &Findings) -> Result<Option<PathBuf>, Failure> {
    if found.learning_curve.is_none() && found.bias_variance.is_none() {
        return Ok(None);
    }
    let name = data_name(&found.data);
    let body = html! {
        header {
            p.overline { span.name { (name) } " · diagnosis" }
            h1 { "What would help" }
            p.lead { (found.verdict.words) }
        }
        main {
            @if let Some(curve) = &found.learning_curve { (learning_curve(curve)) }
            @if let Some(trade_off) = &found.bias_variance { (bias_variance(trade_off)) }
        }
        footer { p { "Made by " code { "onggi diagnose" } " of " code { (found.run) } "." } }
    };
    let path = run.join(FILE);
    let page = document(&format!("{name} – Onggi diagnosis"), &body);
    write_whole(&path, page.into_string().as_bytes())?;
    Ok(Some(path))
}

fn learning_curve(found: &CurveFigures) -> Markup {
    let points = &found.curve.points;
    let fitted = |n: usize| found.curve.law.at(n as f64);
    let chart = LineChart {
        id: "learning-curve",
        title: "Error by training samples",
        description: &found.words(),
        xs: points.iter().map(|point| point.samples).collect(),
        x_label: "training samples",
        series: vec![
            Series {
                label: "fitted",
                class: "train",
                values: points.iter().map(|point| fitted(point.samples)).collect(),
            },
            Series {
                label: "measured",
                class: "validation",
                values: points.iter().map(|point| point.error).collect(),
            },
        ],
        y_limits: (0.0, 1.0),
        y_span: 0.05,
        y_holds: Some(0.0),
        y_tick: |value, _| format!("{:.0}\u{202f}%", 100.0 * value),
        band: false,
        mark: None,
    };
    html! {
        section id="learning-curve" {
            h2 { "More data" }
            p { (found.words()) "." }
            div.charts.one {
                figure {
                    figcaption { b { "Error" } ", percent of the " (found.measured_on) " samples." }
                    (chart.render())
                }
            }
            div.scroll {
                table {
                    thead { tr {
                        th scope="col" { "Training samples" } th scope="col" { "Error" }
                        th scope="col" { "Standard error" } th scope="col" { "Fitted" }
                    } }
                    tbody {
                        @for point in points {
                            tr {
                                td { (count(point.samples)) } td { (percent(point.error)) }
                                td { (percent(point.standard_error)) }
                                td { (percent(fitted(point.samples))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn bias_variance(found: &TradeOff) -> Markup {
    let sizes = &found.sizes;
    let values = |of: fn(&onggi_train::diagnose::BiasVariance) -> f64| {
        sizes.iter().map(|size| of(&size.parts)).collect()
    };
    let chart = LineChart {
        id: "bias-variance",
        title: "Bias and variance by the model's size",
        description: &found.words(),
        xs: sizes.iter().map(|size| size.parameters).collect(),
        x_label: "parameters",
        series: vec![
            Series {
                label: "variance",
                class: "train",
                values: values(|parts| parts.variance),
            },
            Series {
                label: "bias",
                class: "validation",
                values: values(|parts| parts.bias),
            },
        ],
        y_limits: (0.0, f64::INFINITY),
        y_span: 0.05,
        y_holds: Some(0.0),
        y_tick: |value, _| format!("{value:.2}"),
        band: false,
        mark: None,
    };
    html! {
        section id="bias-variance" {
            h2 { "Bias and variance" }
            p { (found.words()) "." }
            div.charts.one {
                figure {
                    figcaption {
                        b { "Cross-entropy" } ", nats, on the " (found.measured_on)
                        " samples; the error is the sum of both."
                    }
                    (chart.render())
                }
            }
            div.scroll {
                table {
                    thead { tr {
                        @for name in ["Width", "Parameters", "Accuracy", "Error", "Bias", "Variance"] {
                            th scope="col" { (name) }
                        }
                    } }
                    tbody {
                        @for size in sizes {
                            tr {
                                td { (size.width) } td { (count(size.parameters)) }
                                td { (percent(size.accuracy)) } td { (figure(size.parts.error)) }
                                td { (figure(size.parts.bias)) } td { (figure(size.parts.variance)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
