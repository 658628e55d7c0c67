//! A line chart as inline SVG: up to a few series over whole-numbered x, direct labels at the line
//! ends, an optional shaded band between the first two, an optional marked x.
//!
//! Hand-made rather than drawn by a plotting crate so that text and lines take the page's CSS: the
//! reader's font, the dark scheme and larger text on a narrow screen. Series differ by dash and
//! marker as well as by colour; the styles of the classes named here are in `report.css`.

use std::fmt::Write;

use maud::{Markup, html};

use super::ticks::{step, ticks};

/// Size of the drawing in SVG units; the page scales it to the width there is.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 320.0;
/// The plot within it. The margins hold the widest labels at the size of the narrow screen (18
/// units): `100 %` on the left, `validation` on the right, the mark's label above, ticks below.
const LEFT: f64 = 62.0;
const RIGHT: f64 = 448.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 272.0;
/// With more values than this the lines are thin, or their zigzag would fill the plot.
const MANY: usize = 100;
/// Least distance of two direct labels: one line at the size of the narrow screen.
const LABEL_GAP: f64 = 20.0;

/// One line of the chart.
pub(crate) struct Series<'a> {
    /// Its name, at the line's end.
    pub(crate) label: &'a str,
    /// CSS class that gives it colour and dash.
    pub(crate) class: &'a str,
    /// One value for each x; what is not finite leaves a hole in the line.
    pub(crate) values: Vec<f64>,
}

/// An x to point out, by a vertical line with a dot on each series.
pub(crate) struct Mark<'a> {
    /// Position in `xs`.
    pub(crate) index: usize,
    /// Words above the plot.
    pub(crate) label: &'a str,
}

/// Everything one chart shows.
pub(crate) struct LineChart<'a> {
    /// Prefix of the ids within the SVG; unique on the page.
    pub(crate) id: &'a str,
    /// What the chart is, for who cannot see it.
    pub(crate) title: &'a str,
    /// What it shows, in a sentence, likewise.
    pub(crate) description: &'a str,
    /// Rising whole numbers.
    pub(crate) xs: Vec<usize>,
    /// Name of the x axis.
    pub(crate) x_label: &'a str,
    /// The lines, in the order of `values` as long as `xs`.
    pub(crate) series: Vec<Series<'a>>,
    /// Limits that the y axis never passes, however round its ends.
    pub(crate) y_limits: (f64, f64),
    /// The least span of the y axis, so that noise does not fill it.
    pub(crate) y_span: f64,
    /// A value the y axis must hold, such as zero.
    pub(crate) y_holds: Option<f64>,
    /// Writes a tick of the y axis, given the distance of the ticks.
    pub(crate) y_tick: fn(f64, f64) -> String,
    /// Shade the band between the first two series.
    pub(crate) band: bool,
    /// An x to point out.
    pub(crate) mark: Option<Mark<'a>>,
}

impl LineChart<'_> {
    pub(crate) fn render(&self) -> Markup {
        let x = Axis::new(self.x_range(), (LEFT, RIGHT));
        let (range, step) = self.y_range();
        let y = Axis::new(range, (BOTTOM, TOP));
        let title_id = format!("{}-title", self.id);
        let description_id = format!("{}-description", self.id);
        html! {
            svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img"
                aria-labelledby=(title_id) aria-describedby=(description_id) {
                title id=(title_id) { (self.title) }
                desc id=(description_id) { (self.description) }
                @for tick in ticks(range.0, range.1, step) {
                    @let at = y.at(tick);
                    line.grid x1=(LEFT) x2=(RIGHT) y1=(at) y2=(at) {}
                    text.tick.y x=(LEFT - 8.0) y=(at) { ((self.y_tick)(tick, step)) }
                }
                @for tick in self.x_ticks() {
                    @let at = x.at(tick as f64);
                    line.axis x1=(at) x2=(at) y1=(BOTTOM) y2=(BOTTOM + 5.0) {}
                    text.tick.x x=(at) y=(BOTTOM + 22.0) { (tick) }
                }
                line.axis x1=(LEFT) x2=(RIGHT) y1=(BOTTOM) y2=(BOTTOM) {}
                text.tick.name x=(RIGHT + 20.0) y=(BOTTOM + 22.0) { (self.x_label) }
                @if self.band && let [a, b, ..] = self.series.as_slice() {
                    path.band d=(band(&self.xs, &a.values, &b.values, x, y)) {}
                }
                @if let Some(mark) = &self.mark { (self.mark(mark, x, y)) }
                @for series in &self.series {
                    path.line.(series.class).many[self.xs.len() > MANY] d=(line(&self.xs, &series.values, x, y)) {}
                }
                @if self.xs.len() == 1 { (self.dots(0, x, y)) }
                @if let Some(mark) = &self.mark { (self.dots(mark.index, x, y)) }
                @for (series, at) in self.labels(y) {
                    text class={ "label " (series.class) } x=(RIGHT + 12.0) y=(at) { (series.label) }
                }
            }
        }
    }

    /// The vertical line and its words, which stand on the side with more room.
    fn mark(&self, mark: &Mark, x: Axis, y: Axis) -> Markup {
        let Some(value) = self.xs.get(mark.index) else {
            return html! {};
        };
        let at = x.at(*value as f64);
        let middle = (LEFT + RIGHT) / 2.0;
        let anchor = if at > middle { "end" } else { "start" };
        let tops: Vec<f64> = self
            .values_at(mark.index)
            .map(|(_, value)| y.at(value))
            .collect();
        let top = tops.iter().copied().fold(BOTTOM, f64::min);
        let bottom = tops.iter().copied().fold(TOP, f64::max);
        html! {
            line.mark x1=(at) x2=(at) y1=(TOP - 6.0) y2=(BOTTOM) {}
            @if self.band && top < bottom { line.span x1=(at) x2=(at) y1=(top) y2=(bottom) {} }
            text.tick.marked text-anchor=(anchor) x=(at) y=(TOP - 14.0) { (mark.label) }
        }
    }

    fn dots(&self, index: usize, x: Axis, y: Axis) -> Markup {
        let Some(value) = self.xs.get(index) else {
            return html! {};
        };
        html! {
            @for (series, at) in self.values_at(index) {
                circle class={ "dot " (series.class) } cx=(x.at(*value as f64)) cy=(y.at(at)) r="4.5" {}
            }
        }
    }

    fn values_at(&self, index: usize) -> impl Iterator<Item = (&Series<'_>, f64)> {
        self.series.iter().filter_map(move |series| {
            let value = series
                .values
                .get(index)
                .copied()
                .filter(|value| value.is_finite())?;
            Some((series, value))
        })
    }

    fn x_range(&self) -> (f64, f64) {
        match (self.xs.first(), self.xs.last()) {
            (Some(&first), Some(&last)) if first < last => (first as f64, last as f64),
            (Some(&only), _) => (only as f64 - 0.5, only as f64 + 0.5),
            _ => (0.0, 1.0),
        }
    }

    /// Whole-numbered ticks: the first x, then the multiples of a round step.
    fn x_ticks(&self) -> Vec<usize> {
        let (Some(&first), Some(&last)) = (self.xs.first(), self.xs.last()) else {
            return vec![];
        };
        let step = step((last - first) as f64, 7).max(1.0);
        let mut all: Vec<usize> = ticks(first as f64, last as f64, step)
            .into_iter()
            .map(|tick| tick as usize)
            .collect();
        // The first x belongs on the axis unless the next tick would touch it.
        if all
            .first()
            .is_none_or(|&tick| (tick - first) as f64 >= 0.5 * step)
        {
            all.insert(0, first);
        }
        all
    }

    /// The ends of the y axis, on ticks unless limited, and the distance of the ticks.
    fn y_range(&self) -> ((f64, f64), f64) {
        let values = self
            .series
            .iter()
            .flat_map(|series| &series.values)
            .copied();
        let mut low = f64::INFINITY;
        let mut high = f64::NEG_INFINITY;
        for value in values.filter(|value| value.is_finite()).chain(self.y_holds) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let missing = self.y_span - (high - low);
        if missing > 0.0 {
            // Half to either side; what one limit cuts off goes to the other side.
            low = (low - missing / 2.0).min(self.y_limits.1 - self.y_span);
            high = (high + missing / 2.0).max(self.y_limits.0 + self.y_span);
        }
        if low >= high {
            // So large that the span is lost in rounding.
            (low, high) = (low - low.abs() / 2.0, low + low.abs() / 2.0);
        }
        let step = step(high - low, 5);
        let low = ((low / step + 1e-9).floor() * step).max(self.y_limits.0);
        let high = ((high / step - 1e-9).ceil() * step).min(self.y_limits.1);
        ((low, high), step)
    }

    /// The series with the height of their labels: at the line's end, pushed apart where they
    /// would touch, inside the plot.
    fn labels(&self, y: Axis) -> Vec<(&Series<'_>, f64)> {
        let mut labels: Vec<(&Series<'_>, f64)> = self
            .series
            .iter()
            .filter_map(|series| {
                let last = series.values.iter().rev().find(|value| value.is_finite())?;
                Some((series, y.at(*last)))
            })
            .collect();
        labels.sort_by(|a, b| a.1.total_cmp(&b.1));
        for i in 1..labels.len() {
            let overlap = labels[i - 1].1 + LABEL_GAP - labels[i].1;
            if overlap > 0.0 {
                // Half up, half down, so that neither leaves its line far behind.
                labels[i - 1].1 -= overlap / 2.0;
                labels[i].1 += overlap / 2.0;
            }
        }
        let below = labels
            .last()
            .map_or(0.0, |label| (label.1 - (BOTTOM - 4.0)).max(0.0));
        for label in &mut labels {
            label.1 = round(label.1 - below);
        }
        labels
    }
}

/// A linear map from values to SVG units.
#[derive(Clone, Copy)]
struct Axis {
    from: (f64, f64),
    to: (f64, f64),
}

impl Axis {
    fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        Self { from, to }
    }

    /// The place of a finite `value`, held within the drawing whatever the file says.
    fn at(self, value: f64) -> f64 {
        let share = (value - self.from.0) / (self.from.1 - self.from.0);
        let share = if share.is_finite() {
            share.clamp(-0.02, 1.02)
        } else {
            0.0
        };
        round(self.to.0 + share * (self.to.1 - self.to.0))
    }
}

/// A tenth of a unit is finer than any screen shows, and keeps 500 epochs short.
fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// The path of one line, broken where a value is not finite.
fn line(xs: &[usize], values: &[f64], x: Axis, y: Axis) -> String {
    let mut path = String::new();
    let mut pen = 'M';
    for (&at, &value) in xs.iter().zip(values) {
        if !value.is_finite() {
            pen = 'M';
            continue;
        }
        // Writing to a String cannot fail.
        let _ = write!(path, "{pen}{} {}", x.at(at as f64), y.at(value));
        pen = 'L';
    }
    path
}

/// The closed path between two lines, over the x where both have a value.
fn band(xs: &[usize], a: &[f64], b: &[f64], x: Axis, y: Axis) -> String {
    let both: Vec<(f64, f64, f64)> = xs
        .iter()
        .zip(a.iter().zip(b))
        .filter(|(_, (a, b))| a.is_finite() && b.is_finite())
        .map(|(&at, (&a, &b))| (x.at(at as f64), y.at(a), y.at(b)))
        .collect();
    let there = both.iter().map(|&(x, a, _)| (x, a));
    let back = both.iter().rev().map(|&(x, _, b)| (x, b));
    let mut path = String::new();
    for (i, (x, y)) in there.chain(back).enumerate() {
        let _ = write!(path, "{}{x} {y}", if i == 0 { 'M' } else { 'L' });
    }
    if !path.is_empty() {
        path.push('Z');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chart(train: Vec<f64>, validation: Vec<f64>) -> LineChart<'static> {
        LineChart {
            id: "t",
            title: "title",
            description: "description",
            xs: (1..=train.len()).collect(),
            x_label: "epoch",
            series: vec![
                Series {
                    label: "train",
                    class: "train",
                    values: train,
                },
                Series {
                    label: "validation",
                    class: "validation",
                    values: validation,
                },
            ],
            y_limits: (0.0, 1.0),
            y_span: 0.1,
            y_holds: None,
            y_tick: |value, _| value.to_string(),
            band: true,
            mark: Some(Mark {
                index: 0,
                label: "best",
            }),
        }
    }

    proptest! {
        #[test]
        fn any_values_render(values in prop::collection::vec(prop::num::f64::ANY, 0..40)) {
            let mut chart = chart(values.clone(), values);
            for limits in [(0.0, 1.0), (f64::NEG_INFINITY, f64::INFINITY)] {
                chart.y_limits = limits;
                let svg = chart.render().into_string();
                prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""));
            }
        }
    }

    #[test]
    fn epochs_have_whole_ticks_from_the_first() {
        let ticks = |n: usize| chart(vec![0.5; n], vec![0.5; n]).x_ticks();
        assert_eq!(ticks(1), [1]);
        assert_eq!(ticks(3), [1, 2, 3]);
        assert_eq!(ticks(25), [1, 5, 10, 15, 20, 25]);
        assert_eq!(ticks(500), [1, 100, 200, 300, 400, 500]);
    }

    #[test]
    fn the_y_axis_has_its_least_span_within_its_limits() {
        for (value, low, high) in [(0.5, 0.44, 0.56), (1.0, 0.9, 1.0), (0.0, 0.0, 0.1)] {
            let ((a, b), _) = chart(vec![value], vec![value]).y_range();
            assert!(
                (a - low).abs() < 1e-9 && (b - high).abs() < 1e-9,
                "{value}: {a} to {b}"
            );
        }
    }

    #[test]
    fn one_epoch_is_drawn_as_dots() {
        let mut chart = chart(vec![0.6], vec![0.5]);
        chart.mark = None;
        assert_eq!(chart.render().into_string().matches("<circle").count(), 2);
    }

    #[test]
    fn a_value_that_is_not_finite_breaks_the_line() {
        let axis = Axis::new((0.0, 10.0), (0.0, 100.0));
        let path = line(&[1, 2, 3, 4], &[1.0, 2.0, f64::NAN, 3.0], axis, axis);
        assert_eq!(path, "M10 10L20 20M40 30");
    }

    #[test]
    fn labels_of_lines_that_end_together_do_not_touch() {
        for value in [0.0, 0.5, 1.0] {
            let chart = chart(vec![0.0, 1.0, value], vec![0.0, 1.0, value]);
            let labels = chart.labels(Axis::new((0.0, 1.0), (BOTTOM, TOP)));
            assert!(labels[1].1 - labels[0].1 >= LABEL_GAP - 0.2);
            assert!(labels[1].1 <= BOTTOM);
        }
    }
}
