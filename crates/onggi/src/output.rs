//! Where words go: results to stdout, everything else to stderr.

use serde::Serialize;
use std::io::{self, Write};
use std::sync::OnceLock;

/// The first failure to write to stdout.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Writes a line to stdout. Whoever reads it may have left (`onggi … | head`): that is no failure,
/// and a training goes on. Any other failure is kept for [`lost`].
pub(crate) fn say(line: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", line.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => drop(LOST.set(error)),
        _ => {}
    }
}

/// Why something said did not arrive, e.g. as the disk is full.
pub(crate) fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// A text on one line: a control character, which a file's name may hold, is written as `\n` or
/// `\u{1b}`.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_debug());
        } else {
            line.push(c);
        }
    }
    line
}

/// Writes a JSON object to stdout, on one line.
pub(crate) fn say_json(value: &impl Serialize) -> Result<(), serde_json::Error> {
    say(serde_json::to_string(value)?);
    Ok(())
}

/// Writes a warning to stderr.
pub(crate) fn warn(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "warning: {}", one_line(line.as_ref()));
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

    #[test]
    fn names_stay_on_one_line() {
        assert_eq!(
            one_line("한글 a\nb\u{1b}[31m.png"),
            "한글 a\\nb\\u{1b}[31m.png"
        );
    }
}
