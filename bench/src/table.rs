//! The result: rows for people and for machines.

use serde::Serialize;
use std::collections::BTreeMap;

/// One benchmark: medians in milliseconds.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours_ms: f64,
    pub(crate) peers: BTreeMap<String, f64>,
    /// The fastest peer; none without peers.
    pub(crate) best_peer: Option<String>,
    /// The fastest peer's time over ours: above 1, ours is faster.
    pub(crate) ratio: Option<f64>,
}

impl Row {
    pub(crate) fn new(name: &str, ours_ms: f64, peers: BTreeMap<String, f64>) -> Self {
        let best = peers.iter().min_by(|a, b| a.1.total_cmp(b.1));
        let best_peer = best.map(|(peer, _)| peer.clone());
        let ratio = best.map(|(_, ms)| ms / ours_ms);
        Self {
            name: name.to_string(),
            ours_ms,
            peers,
            best_peer,
            ratio,
        }
    }
}

/// All rows, as `--json` writes them.
#[derive(Serialize)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
}

/// Prints the rows.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "{:<24} {:>9}  {:<24} {:>9} {:>7}",
        "", "ours ms", "best peer", "ms", "ratio"
    );
    for row in rows {
        let best = row.best_peer.as_deref().unwrap_or("–");
        let ms = row.best_peer.as_ref().and_then(|peer| row.peers.get(peer));
        let number = |v: Option<f64>, digits| v.map_or("–".into(), |v| format!("{v:.digits$}"));
        println!(
            "{:<24} {:>9.2}  {best:<24} {:>9} {:>7}",
            row.name,
            row.ours_ms,
            number(ms.copied(), 2),
            number(row.ratio, 2)
        );
    }
}

/// The median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}
