//! The JSON lines of `../../protocol.py`, whose docstring is the reference.

use crate::rows;
use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Runs of each layout at warm-up.
const WARM_UP: usize = 3;

/// Runs the work once and returns its milliseconds.
pub(crate) type Step = Box<dyn FnMut() -> Result<f64>>;

/// The steps of a row by layout: what a peer offers in more than one way. The best counts.
pub(crate) type Steps = Vec<(&'static str, Step)>;

/// A row's steps on a shape; none for a row that the peer does not have.
pub(crate) type Make = fn(&str, &[usize]) -> Result<Option<Steps>>;

/// The one way of a row without layouts.
pub(crate) fn only(step: Step) -> Steps {
    vec![("default", step)]
}

/// What `work` returns and how long it takes, in milliseconds.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64() * 1e3)
}

#[derive(Deserialize)]
struct Request {
    op: String,
    shape: Option<Vec<usize>>,
    iters: Option<usize>,
    #[serde(default)]
    warmup: bool,
    #[serde(default)]
    peak_memory: bool,
}

/// The row that was asked for last. Only that one is kept: a network with its batch is large.
struct Warm {
    row: (String, Vec<usize>),
    steps: Steps,
}

/// Answers requests until the input ends; `package` is the one whose version counts.
pub(crate) fn serve(peer: &str, package: &str, make: Make) -> Result<()> {
    let threads = rayon::current_num_threads();
    let version = version(package)?;
    say(&json!({ "ready": true, "peer": peer, "version": version, "threads": threads }))?;
    let mut warm = None;
    for line in std::io::stdin().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        // Burn panics at what it does not like; the bench shall read it rather than wait.
        let outcome = catch_unwind(AssertUnwindSafe(|| answer(&line, &mut warm, make)));
        let outcome = outcome.unwrap_or_else(|_| Err(anyhow!("a panic; its own words are above")));
        say(&outcome.unwrap_or_else(|error| json!({ "error": format!("{error:#}") })))?;
    }
    Ok(())
}

fn answer(line: &str, warm: &mut Option<Warm>, make: Make) -> Result<Value> {
    let request: Request = serde_json::from_str(line)?;
    let unknown = json!({ "unknown": request.op });
    let shape = request.shape.as_deref().or(rows::shape(&request.op));
    let Some(shape) = shape.filter(|_| !request.peak_memory) else {
        return Ok(unknown);
    };
    let row = (request.op.clone(), shape.to_vec());
    if warm.as_ref().is_none_or(|warm| warm.row != row) {
        *warm = None;
        let Some(mut steps) = make(&request.op, shape)? else {
            return Ok(unknown);
        };
        for (_, step) in &mut steps {
            for _ in 0..WARM_UP {
                step()?;
            }
        }
        *warm = Some(Warm { row, steps });
    }
    let steps = &mut warm.as_mut().context("a warm row")?.steps;
    if request.warmup {
        let layouts: Vec<_> = steps.iter().map(|(layout, _)| layout).collect();
        return Ok(json!({ "warm": true, "layouts": layouts }));
    }
    let iters = request.iters.unwrap_or(1);
    ensure!(iters > 0, "iters must be at least 1");
    let mut all = Map::new();
    let mut best: Option<(&str, Vec<f64>)> = None;
    for (layout, step) in steps {
        let ms = (0..iters).map(|_| step()).collect::<Result<Vec<_>>>()?;
        all.insert(layout.to_string(), json!(ms));
        if best
            .as_ref()
            .is_none_or(|(_, least)| median(&ms) < median(least))
        {
            best = Some((layout, ms));
        }
    }
    let (layout, ms) = best.context("a row without steps")?;
    Ok(json!({ "ms": ms, "layout": layout, "all": all }))
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

fn say(message: &Value) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{message}")?;
    Ok(stdout.flush()?)
}

/// The version of a package that this was built with.
fn version(package: &str) -> Result<&'static str> {
    let name = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = include_str!("../Cargo.lock")
        .split_once(&name)
        .with_context(|| format!("Cargo.lock has no {package}"))?;
    Ok(rest.split('"').next().unwrap_or(rest))
}
