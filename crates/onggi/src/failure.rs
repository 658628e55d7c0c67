//! What a command can end with.

use crate::output::one_line;

/// An end that is not success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong use: exit code 2.
    Usage(String),
    /// Anything else: exit code 1.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// An error and its causes on one line. A cause that the error has quoted is not said twice; of one
/// that takes several lines, as TOML's do, the first is given.
pub(crate) fn words(error: &anyhow::Error) -> String {
    let mut causes = error.chain().map(ToString::to_string);
    let mut words = causes.next().unwrap_or_default();
    for cause in causes {
        let cause = cause.lines().next().unwrap_or_default();
        if !words.ends_with(cause) {
            words = format!("{words}: {cause}");
        }
    }
    one_line(&words)
}

/// Wrong use, in one line.
pub(crate) fn usage<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Usage(message.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};
    use std::io;

    #[test]
    fn one_line_without_repetition() {
        #[derive(Debug, thiserror::Error)]
        #[error("a.csv: {source}")]
        struct Quoting {
            source: io::Error,
        }
        let source = io::Error::from_raw_os_error(2);
        let said = format!("a.csv: {source}");
        assert_eq!(words(&Quoting { source }.into()), said);
        let error = anyhow!("line 1\n  | x=\n  | ^").context("new\nline.toml");
        assert_eq!(words(&error), "new\\nline.toml: line 1");
        let nested = Err::<(), _>(io::Error::other("full"))
            .context("x")
            .unwrap_err();
        assert_eq!(words(&nested), "x: full");
    }
}
