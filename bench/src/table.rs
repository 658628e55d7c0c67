//! The result: rows for people and for machines.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

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

/// Prints the rows: a column for each peer, then the ratio of the fastest. Three peers make 78
/// characters.
pub(crate) fn print(rows: &[Row]) {
    let peers: BTreeSet<_> = rows.iter().flat_map(|row| row.peers.keys()).collect();
    let columns = |cells: Vec<String>| -> String {
        let cells = cells.iter().map(|cell| format!(" {cell:>10}"));
        cells.collect()
    };
    let names = peers.iter().map(|peer| peer.to_string()).collect();
    println!(
        "{:<24} {:>10}{} {:>9}",
        "ms",
        "ours",
        columns(names),
        "ratio"
    );
    for row in rows {
        let number = |v: Option<f64>| v.map_or("–".into(), |v| format!("{v:.2}"));
        let times = peers.iter().map(|peer| row.peers.get(*peer).copied());
        println!(
            "{:<24} {:>10.2}{} {:>9}",
            row.name,
            row.ours_ms,
            columns(times.map(number).collect()),
            number(row.ratio)
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
