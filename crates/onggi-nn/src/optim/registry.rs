//! The rules, by name.

use super::{Adagrad, Adam, AdamW, Lamb, Lion, NAdam, Optimizer, RmsProp, Sgd};
use crate::NnError;
use serde::{Deserialize, Serialize};

/// Declares [`RuleConfig`]: one row a rule, whose name is the variant's in snake case.
macro_rules! rules {
    ($($name:literal $rule:ident,)*) => {
        /// Any of the rules; in TOML told by `name`, such as `{ name = "sgd", momentum = 0.9 }`.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        pub enum RuleConfig {
            $(
                #[doc = concat!("[`", stringify!($rule), "`].")]
                #[serde(rename = $name)]
                $rule($rule),
            )*
        }

        impl RuleConfig {
            /// Names of all rules.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The rule of a name with its default settings.
            pub fn by_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$rule($rule::default())),)*
                    _ => None,
                }
            }

            /// An optimiser by this rule, without history.
            ///
            /// # Errors
            /// A setting out of its range.
            pub fn init(&self) -> Result<Optimizer, NnError> {
                match *self {
                    $(Self::$rule(rule) => Optimizer::new(rule),)*
                }
            }
        }
    };
}

rules! {
    "sgd" Sgd,
    "adam" Adam,
    "adamw" AdamW,
    "nadam" NAdam,
    "rmsprop" RmsProp,
    "adagrad" Adagrad,
    "lion" Lion,
    "lamb" Lamb,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_rules_own() {
        for name in RuleConfig::NAMES {
            let config = RuleConfig::by_name(name).unwrap();
            assert_eq!(config.init().unwrap().rule().name(), *name);
            let text = toml::to_string(&config).unwrap();
            assert!(text.contains(&format!("name = \"{name}\"")), "{text}");
            assert_eq!(toml::from_str::<RuleConfig>(&text).unwrap(), config);
        }
        assert_eq!(RuleConfig::by_name("sdg"), None);
        assert!(toml::from_str::<RuleConfig>("name = \"sgd\"\nmomentun = 0.9").is_err());
    }
}
