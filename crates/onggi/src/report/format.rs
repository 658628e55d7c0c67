//! Figures as the page shows them. A figure that is not finite is a dash.

/// Stands for a figure that there is not.
pub(super) const NONE: &str = "–";

/// A fraction as percent with one decimal. Never rounds to 0 or 100 what is neither: one mistake in
/// 10,000 reads `>99.9 %`.
pub(crate) fn percent(fraction: f64) -> String {
    if !fraction.is_finite() {
        return NONE.to_owned();
    }
    let digits = format!("{:.1}", fraction * 100.0);
    let digits = match digits.as_str() {
        "100.0" if fraction < 1.0 => ">99.9",
        "0.0" if fraction > 0.0 => "<0.1",
        "-0.0" => "0.0",
        other => other,
    };
    format!("{}\u{202f}%", minus(digits))
}

/// A difference of two fractions in percentage points, one decimal, without the word.
pub(crate) fn points(difference: f64) -> String {
    if !difference.is_finite() {
        return NONE.to_owned();
    }
    let digits = format!("{:.1}", difference * 100.0);
    minus(if digits == "-0.0" { "0.0" } else { &digits })
}

/// A whole number with its thousands set apart.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 sample`, `2,000 samples`: a count with its noun.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A figure of any size with four significant digits; very large and very small ones with exponent.
pub(crate) fn figure(x: f64) -> String {
    if !x.is_finite() {
        return NONE.to_owned();
    }
    if x == 0.0 {
        return "0".to_owned();
    }
    let size = x.abs().log10().floor();
    if !(-4.0..6.0).contains(&size) {
        return minus(&format!("{x:.3e}"));
    }
    // In range of the check above, so between 0 and 7.
    let decimals = (3.0 - size).max(0.0) as usize;
    minus(&format!("{x:.decimals$}"))
}

/// A time span: `4.2 s`, `42 s`, `3 min 05 s`, `2 h 05 min`.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NONE.to_owned();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// The typographic minus, as wide as a digit.
fn minus(digits: &str) -> String {
    digits.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_has_one_decimal_and_is_honest_at_both_ends() {
        let cases = [
            (0.0, "0.0 %"),
            (0.0001, "<0.1 %"),
            (0.8754, "87.5 %"),
            (0.99996, ">99.9 %"),
            (1.0, "100.0 %"),
            (-0.012, "−1.2 %"),
            (-0.0001, "0.0 %"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ];
        for (fraction, expected) in cases {
            assert_eq!(
                percent(fraction).replace('\u{202f}', " "),
                expected,
                "{fraction}"
            );
        }
    }

    #[test]
    fn points_keep_the_sign() {
        assert_eq!(points(0.1234), "12.3");
        assert_eq!(points(-0.004), "−0.4");
        assert_eq!(points(-0.00001), "0.0");
        assert_eq!(points(f64::NAN), "–");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(number), expected);
        }
        assert_eq!(counted(1, "sample"), "1 sample");
        assert_eq!(counted(2000, "sample"), "2,000 samples");
    }

    #[test]
    fn figures_have_four_digits() {
        let cases = [
            (0.0, "0"),
            (0.000_975_53, "0.0009755"),
            (0.000_012_345, "1.234e−5"),
            (1.234_56, "1.235"),
            (-31.0, "−31.00"),
            (123_456.7, "123457"),
            (1e9, "1.000e9"),
            (f64::MIN_POSITIVE, "2.225e−308"),
            (f64::NAN, "–"),
        ];
        for (x, expected) in cases {
            assert_eq!(figure(x), expected, "{x}");
        }
    }

    #[test]
    fn durations_grow_by_unit() {
        let cases = [
            (0.04, "0.0 s"),
            (4.21, "4.2 s"),
            (9.97, "10 s"),
            (59.6, "1 min 00 s"),
            (185.0, "3 min 05 s"),
            (7500.0, "2 h 05 min"),
            (-1.0, "–"),
            (f64::NAN, "–"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected, "{seconds}");
        }
    }
}
