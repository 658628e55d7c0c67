//! The comparison in words: a table of 80 columns and what follows from it.

use super::figures::{Comparison, Row, points};
use crate::output::{percent, say, thousands};

pub(super) fn show(found: &Comparison) {
    for line in lines(found) {
        say(line);
    }
}

fn lines(found: &Comparison) -> Vec<String> {
    let mut lines = vec![
        format!(
            "Means over {} seeds, {} epochs; {} validation samples",
            found.seeds.len(),
            found.epochs,
            thousands(found.split[1])
        ),
        String::new(),
        "remedy          validat.  loss   train   gap  difference, 95 %            time".into(),
    ];
    lines.extend(found.rows.iter().map(row));
    lines.push(String::new());
    lines.push(found.recommendation.clone());
    if found.rows.len() > 3 {
        let compared = found.rows.len() - 1;
        lines.push(format!(
            "Of {compared} remedies that do nothing, about one in {} such comparisons would find one \
             better by chance.",
            (1.0 / (1.0 - 0.975_f64.powi(compared as i32))).round()
        ));
    }
    if let Some(test) = &found.test {
        lines.push(format!(
            "Test accuracy, looked at once, after the choice ({} samples): {}, baseline {}",
            thousands(test.samples),
            percent(test.recommended),
            percent(test.baseline)
        ));
    }
    if let Some(command) = &found.command {
        lines.push(format!("Train with it: {command}"));
    }
    lines
}

fn row(row: &Row) -> String {
    let difference = row.difference.map_or_else(String::new, |d| {
        let mark = if d.low > 0.0 { " *" } else { "" };
        format!(
            "{} ({} to {}){mark}",
            points(d.estimate),
            points(d.low),
            points(d.high)
        )
    });
    let line = format!(
        "{:<15} {:>8} {:>5.3} {:>7} {:>5.1}  {difference:<24} {:>5.1} s",
        row.name,
        percent(row.val_accuracy),
        row.val_loss,
        percent(row.train_accuracy),
        100.0 * row.gap,
        row.seconds
    );
    line.trim_end().to_string()
}
