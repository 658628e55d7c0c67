//! Where words go: results to stdout, everything else to stderr.

use serde::Serialize;
use std::io::{self, Write};

/// Writes a line to stdout. Whoever reads it may have left (`onggi … | head`): that is no failure.
pub(crate) fn say(line: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{}", line.as_ref())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

/// Writes a JSON object to stdout, on one line.
pub(crate) fn say_json(value: &impl Serialize) -> Result<(), serde_json::Error> {
    say(serde_json::to_string(value)?);
    Ok(())
}

/// Writes a warning to stderr.
pub(crate) fn warn(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "warning: {}", line.as_ref());
}

/// A fraction as a percentage with one decimal.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

/// A whole number with separators: `12,345`.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(percent(0.8549), "85.5 %");
    }
}
