//! Groups of parameters, by the pattern of their names.

use crate::NnError;
use crate::error::check_range;
use crate::regularize::Penalty;
use serde::{Deserialize, Serialize};

/// Settings of the parameters whose names match a pattern; a parameter belongs to the first group
/// that it matches.
///
/// Weight decay and penalties leave out biases and the parameters of norms, that is parameters with
/// one axis and those of a layer named `…Norm`, unless the group says otherwise: pulling them to 0
/// makes a layer ignore its input, but not simpler.
///
/// # Errors
/// An empty pattern, a factor or a weight decay that is negative or not finite, a penalty out of its
/// range.
///
/// # Example
/// ```
/// use onggi_nn::optim::{Group, Optimizer, Sgd};
///
/// // A pretrained model: its stem stays, its first layers move at a tenth of the rate.
/// let groups = vec![
///     Group { frozen: true, ..Group::new("stem.*") },
///     Group { lr_factor: 0.1, ..Group::new("layer1.*") },
/// ];
/// let optimizer = Optimizer::new(Sgd::default())?.with_groups(groups)?;
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// State-dict names, where `*` stands for any characters, dots too, and `?` for one.
    pub pattern: String,
    /// Factor on the learning rate. Default: 1.
    #[serde(default = "one")]
    pub lr_factor: f64,
    /// Weight decay instead of the rule's. Default: the rule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Penalties instead of the optimiser's. Default: the optimiser's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalties: Option<Vec<Penalty>>,
    /// Whether weight decay and penalties act on biases and the parameters of norms, too. Default:
    /// no.
    #[serde(default)]
    pub bias_and_norm: bool,
    /// Whether the parameters stay as they are. Default: no.
    #[serde(default)]
    pub frozen: bool,
}

fn one() -> f64 {
    1.0
}

impl Group {
    /// The parameters that match `pattern`, with the optimiser's own settings.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self {
            pattern: pattern.into(),
            lr_factor: 1.0,
            weight_decay: None,
            penalties: None,
            bias_and_norm: false,
            frozen: false,
        }
    }

    /// Whether a parameter's name matches the pattern.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.pattern.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where to go on if what follows the last `*` does not fit: one character later.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p + 1, n));
                    p += 1;
                }
                Some(&c) if c == b'?' || c == name[n] => (p, n) = (p + 1, n + 1),
                _ => match &mut star {
                    Some((after, from)) => {
                        *from += 1;
                        (p, n) = (*after, *from);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|&c| c == b'*')
    }

    pub(super) fn check(&self) -> Result<(), NnError> {
        if self.pattern.is_empty() {
            let expected = "a pattern of names such as `layer1.*`";
            return Err(NnError::config("Group", "pattern", expected, "empty"));
        }
        check_range("Group", "lr_factor", self.lr_factor, 0.0..=f64::MAX)?;
        let weight_decay = self.weight_decay.unwrap_or(0.0);
        check_range("Group", "weight_decay", weight_decay, 0.0..=f64::MAX)?;
        (self.penalties.iter().flatten()).try_for_each(Penalty::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("layer1.*", "layer1.0.conv1.weight", true),
            ("layer1.*", "layer10.0.conv1.weight", false),
            ("layer?.*", "layer2.weight", true),
            ("*.bias", "fc.bias", true),
            ("*.bias", "bias", false),
            ("*bias", "bias", true),
            ("*", "", true),
            ("a*b*c", "axxbxxbxc", true),
            ("a*b*c", "axxbxxbx", false),
            ("fc.weight", "fc.weight", true),
            ("fc.weight", "fc.weight_g", false),
            ("fc?weight", "fc.weight", true),
            ("**w", "w", true),
        ] {
            assert_eq!(
                Group::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
        // No pattern takes long.
        let name = "a".repeat(2000);
        assert!(!Group::new(format!("{}b", "a*".repeat(500))).matches(&name));
    }
}
