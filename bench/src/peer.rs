//! A peer: a process that times what it is asked to, over JSON lines (see `peers/protocol.py`).

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running peer.
pub(crate) struct Peer {
    /// Its name and version, e.g. `pytorch 2.15.0`.
    pub(crate) version: String,
    name: String,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Ready {
    peer: String,
    version: String,
    threads: usize,
}

#[derive(Deserialize)]
struct Times {
    all: BTreeMap<String, Vec<f64>>,
}

impl Peer {
    /// Starts `peers/<script>` with `args` under the Python at `python`.
    pub(crate) fn python(
        python: &Path,
        script: &str,
        args: &[&OsStr],
        threads: usize,
    ) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("peers")
            .join(script);
        Self::start(Command::new(python).arg(script).args(args), threads)
    }

    /// Starts the binary that `peers/rust` makes, as the peer of that `name`.
    pub(crate) fn rust(binary: &Path, name: &str, threads: usize) -> Result<Self> {
        Self::start(Command::new(binary).arg(name), threads)
    }

    fn start(command: &mut Command, threads: usize) -> Result<Self> {
        let mut child = command
            .arg("--threads")
            .arg(threads.to_string())
            // As ours: a thread stays on its processor. PyTorch gains up to three times by it.
            .env("OMP_PROC_BIND", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{:?} could not be started", command.get_program()))?;
        let requests = child.stdin.take().context("the peer has no stdin")?;
        let mut answers = BufReader::new(child.stdout.take().context("the peer has no stdout")?);
        let ready: Ready = read(&mut answers)?;
        ensure!(
            ready.threads == threads,
            "{} runs {} threads instead of {threads}",
            ready.peer,
            ready.threads
        );
        let version = format!("{} {}", ready.peer, ready.version);
        Ok(Self {
            version,
            name: ready.peer,
            child,
            requests,
            answers,
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Makes the tensors of an operation and runs it a few times; false if the peer has no such row.
    pub(crate) fn warm_up(&mut self, op: &str, shape: &[usize]) -> Result<bool> {
        let answer = self.ask(json!({ "op": op, "shape": shape, "warmup": true }))?;
        Ok(answer.get("unknown").is_none())
    }

    /// Milliseconds of `runs` runs in a row, by memory layout.
    pub(crate) fn time(
        &mut self,
        op: &str,
        shape: &[usize],
        runs: usize,
    ) -> Result<BTreeMap<String, Vec<f64>>> {
        let times = self.ask(json!({ "op": op, "shape": shape, "iters": runs }))?;
        let times: Times = serde_json::from_value(times)?;
        for ms in times.all.values() {
            ensure!(
                ms.len() == runs,
                "{} timed {} runs of {runs}",
                self.name,
                ms.len()
            );
        }
        Ok(times.all)
    }

    fn ask(&mut self, request: Value) -> Result<Value> {
        writeln!(self.requests, "{request}")?;
        self.requests.flush()?;
        let answer: Value = read(&mut self.answers)?;
        match answer.get("error") {
            Some(error) => bail!("{}: {error}", self.name),
            None => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read<T: serde::de::DeserializeOwned>(answers: &mut impl BufRead) -> Result<T> {
    let mut line = String::new();
    let read = answers.read_line(&mut line)?;
    ensure!(read > 0, "the peer ended; its own words are above");
    serde_json::from_str(&line).with_context(|| format!("the peer said: {}", line.trim_end()))
}
