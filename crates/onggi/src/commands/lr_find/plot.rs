//! The plot of a range test: loss against the logarithm of the learning rate, as an SVG file that
//! stands alone.

use maud::{Markup, PreEscaped, html};
use onggi_train::RangeTest;
use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
/// The plot within the drawing.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 620.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 310.0;

/// Lines of the grid from the lowest loss to the highest.
const GRID: i32 = 4;

const STYLE: &str = "text{font:13px sans-serif;fill:#444}.grid{stroke:#ddd}.raw{fill:none;\
                     stroke:#9ab}.smoothed{fill:none;stroke:#247;stroke-width:2.5}.mark{stroke:#c40;\
                     stroke-dasharray:5 4}.mark-text{fill:#c40}";

/// The drawing.
pub(super) fn svg(found: &RangeTest) -> Markup {
    let points = &found.points;
    let logs = || points.iter().map(|p| p.lr.log10());
    let (low, high) = bounds(logs());
    // Single batches may lie far off: the axis is that of the smoothed loss.
    let (bottom, top) = bounds(points.iter().map(|p| p.smoothed));
    let x = |lr: f64| LEFT + (lr.log10() - low) / (high - low) * (RIGHT - LEFT);
    let y = |loss: f64| {
        let share = ((loss - bottom) / (top - bottom)).clamp(-0.05, 1.08);
        BOTTOM - share * (BOTTOM - TOP)
    };
    let line = |of: &dyn Fn(usize) -> f64| {
        let mut path = String::new();
        for (i, point) in points.iter().enumerate() {
            let sign = if i == 0 { 'M' } else { 'L' };
            // Writing to a string does not fail.
            let _ = write!(path, "{sign}{:.1} {:.1}", x(point.lr), y(of(i)));
        }
        path
    };
    let decades = low.ceil() as i32..=high.floor() as i32;
    html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            title { "Loss by learning rate" }
            style { (PreEscaped(STYLE)) }
            rect width=(WIDTH) height=(HEIGHT) fill="#fff" {}
            @for i in 0..=GRID {
                @let loss = bottom + (top - bottom) * f64::from(i) / f64::from(GRID);
                line.grid x1=(LEFT) x2=(RIGHT) y1=(y(loss)) y2=(y(loss)) {}
                text x=(LEFT - 8.0) y=(y(loss) + 4.0) text-anchor="end" { (format!("{loss:.2}")) }
            }
            @for decade in decades {
                @let at = x(10_f64.powi(decade));
                line.grid x1=(at) x2=(at) y1=(TOP) y2=(BOTTOM) {}
                text x=(at) y=(BOTTOM + 20.0) text-anchor="middle" { (format!("1e{decade}")) }
            }
            text x=((LEFT + RIGHT) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" { "learning rate" }
            text x=(LEFT) y=(TOP - 12.0) { "training loss: of each batch (thin), smoothed (thick)" }
            path.raw d=(line(&|i| points[i].loss)) {}
            path.smoothed d=(line(&|i| points[i].smoothed)) {}
            @if let Some(lr) = found.suggestion {
                line.mark x1=(x(lr)) x2=(x(lr)) y1=(TOP) y2=(BOTTOM) {}
                text.mark-text x=(x(lr) + 6.0) y=(TOP + 14.0) { (format!("{lr:.1e}")) }
            }
        }
    }
}

/// The least and the greatest value; never the same.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match (low.is_finite() && high.is_finite(), high > low) {
        (true, true) => (low, high),
        (true, false) => (low - 0.5, low + 0.5),
        (false, _) => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onggi_train::RangePoint;

    #[test]
    fn marks_the_suggestion_and_stays_finite() {
        let point = |lr, loss| RangePoint {
            lr,
            loss,
            smoothed: loss,
        };
        let points = vec![point(1e-4, 2.0), point(1e-3, 1.0), point(1e-2, 4.0)];
        let found = RangeTest {
            points,
            suggestion: Some(1e-3),
        };
        let drawn = svg(&found).into_string();
        assert!(
            drawn.contains("1.0e-3") && drawn.contains("1e-4"),
            "{drawn}"
        );
        let nothing = RangeTest {
            points: Vec::new(),
            suggestion: None,
        };
        for found in [
            nothing.clone(),
            RangeTest {
                points: vec![point(1e-3, 1.0)],
                ..nothing
            },
        ] {
            let drawn = svg(&found).into_string();
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
}
