//! Times and sizes as people write them.

use crate::failure::{Failure, usage};
use std::time::Duration;

/// Longest time that is taken: a year.
const MOST_SECONDS: f64 = 366.0 * 86_400.0;

/// `90s`, `10m`, `1h30m`, `2d`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, Failure> {
    let wrong = || {
        usage(format!(
            "--time must be a time above 0 such as 90s, 10m or 1h30m, but is `{text}`"
        ))
    };
    let (mut seconds, mut rest) = (0.0, text.trim());
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
        let Ok(number) = number.parse::<f64>() else {
            return wrong();
        };
        let (unit, left) = match after.chars().next() {
            None | Some('s') => (1.0, 1),
            Some('m') => (60.0, 1),
            Some('h') => (3_600.0, 1),
            Some('d') => (86_400.0, 1),
            Some(_) => return wrong(),
        };
        seconds += unit * number;
        rest = after.get(left..).unwrap_or_default();
    }
    if seconds > 0.0 && seconds <= MOST_SECONDS {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        wrong()
    }
}

/// Bytes: `800M`, `2G`, `1.5GB`; powers of 1,000, or of 1,024 with `i` (`GiB`).
pub(super) fn bytes(text: &str) -> Result<u64, Failure> {
    let plain = text.trim();
    let end = plain.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = plain.split_at(end.unwrap_or(plain.len()));
    let factor = match unit
        .trim_end_matches(['B', 'b'])
        .to_ascii_lowercase()
        .as_str()
    {
        "" => Some(1.0),
        "k" => Some(1e3),
        "m" => Some(1e6),
        "g" => Some(1e9),
        "t" => Some(1e12),
        "ki" => Some(1_024.0),
        "mi" => Some(1_048_576.0),
        "gi" => Some(1_073_741_824.0),
        _ => None,
    };
    let bytes = number
        .parse()
        .ok()
        .zip(factor)
        .map(|(n, f): (f64, f64)| n * f);
    match bytes {
        Some(bytes) if (1.0..1e18).contains(&bytes) => Ok(bytes as u64),
        _ => usage(format!(
            "--max-memory must be a size such as 800M or 2G, but is `{text}`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [
            ("90", 90.0),
            ("90s", 90.0),
            ("10m", 600.0),
            ("1h30m", 5400.0),
            ("0.5d", 43_200.0),
            (" 2m1s ", 121.0),
        ] {
            assert_eq!(duration(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in ["", "0", "-1m", "m", "1x", "1m..s", "1e9d", "9999d", "10 m"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("2G", 2_000_000_000),
            ("1.5GB", 1_500_000_000),
            ("800M", 800_000_000),
            ("1GiB", 1_073_741_824),
            ("4096", 4096),
        ] {
            assert_eq!(bytes(text).unwrap(), expected, "{text}");
        }
        for text in ["", "G", "-1G", "2X", "1.2.3M", "0", "inf"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
