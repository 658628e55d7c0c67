//! How much of a pretrained model is trained: `--tune`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much of a pretrained model is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Tune {
    /// By the number of training images.
    #[default]
    Auto,
    /// The classifier alone, fitted to the backbone's features.
    Head,
    /// The classifier and the last so many parts of the backbone.
    Last(usize),
    /// The classifier, and low-rank matrices beside the weights of an encoder of texts.
    Lora,
    /// Everything.
    All,
}

impl FromStr for Tune {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let last = || text.strip_prefix("last-")?.parse().ok().filter(|&n| n > 0);
        match text {
            "auto" => Ok(Self::Auto),
            "head" => Ok(Self::Head),
            "lora" => Ok(Self::Lora),
            "all" => Ok(Self::All),
            _ => last().map(Self::Last).ok_or_else(|| {
                format!("must be auto, head, last-N such as last-2, lora, or all, but is `{text}`")
            }),
        }
    }
}

impl TryFrom<String> for Tune {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Tune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => write!(f, "auto"),
            Self::Head => write!(f, "head"),
            Self::Last(n) => write!(f, "last-{n}"),
            Self::Lora => write!(f, "lora"),
            Self::All => write!(f, "all"),
        }
    }
}

impl From<Tune> for String {
    fn from(tune: Tune) -> Self {
        tune.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_back() {
        for word in ["auto", "head", "last-3", "lora", "all"] {
            assert_eq!(word.parse::<Tune>().unwrap().to_string(), word);
        }
        for word in ["last", "last-0", "last--1", "last-x", "none", ""] {
            assert!(word.parse::<Tune>().is_err(), "{word}");
        }
    }
}
