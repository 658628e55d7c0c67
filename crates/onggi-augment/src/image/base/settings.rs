//! What the settings of transforms are made of: defaults, ranges, fills, checks, names.

use std::fmt;

use rand::RngExt;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::raster::Value;
use super::registry::Named;
use crate::{AugmentError, Draw};

/// Declares the settings of a transform with their defaults: a struct of public fields, read from
/// TOML and JSON with unknown fields refused.
macro_rules! settings {
    ($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty = $default:expr,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}
pub(crate) use settings;

/// Sees that a setting holds its rule.
pub(crate) fn require<T: Named>(
    holds: bool,
    setting: &'static str,
    rule: &'static str,
    got: impl fmt::Debug,
) -> Result<(), AugmentError> {
    if holds {
        return Ok(());
    }
    Err(AugmentError::Setting {
        transform: T::NAME,
        setting,
        rule,
        got: format!("{got:?}"),
    })
}

/// Sees that a range is ordered and lies within `[low, high]`.
pub(crate) fn require_range<T: Named>(
    [a, b]: [f64; 2],
    [low, high]: [f64; 2],
    setting: &'static str,
    rule: &'static str,
) -> Result<(), AugmentError> {
    require::<T>(low <= a && a <= b && b <= high, setting, rule, [a, b])
}

/// The widest side an image may get: bounds the memory a settings file can ask for.
pub const MAX_SIDE: usize = 1 << 16;

/// Most pixels of a size that a settings file asks for.
const MAX_PIXELS: usize = 1 << 27;

/// Sees that an output size is one.
pub(crate) fn require_size<T: Named>(size: [usize; 2]) -> Result<(), AugmentError> {
    let holds = size.iter().all(|n| (1..=MAX_SIDE).contains(n)) && size[0] * size[1] <= MAX_PIXELS;
    require::<T>(
        holds,
        "size",
        "is [height, width] of 1 to 65536 pixels each, and of up to 2^27 in all",
        size,
    )
}

/// A strength to draw from: one number (how far to go to either side) or `[low, high]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Spread {
    /// To either side of what changes nothing.
    Width(f64),
    /// From low to high.
    Between([f64; 2]),
}

impl From<f64> for Spread {
    fn from(width: f64) -> Self {
        Self::Width(width)
    }
}

impl From<[f64; 2]> for Spread {
    fn from(range: [f64; 2]) -> Self {
        Self::Between(range)
    }
}

impl Spread {
    /// `[low, high]` where no change is `neutral`.
    pub fn around(self, neutral: f64) -> [f64; 2] {
        match self {
            Self::Width(w) => [neutral - w, neutral + w],
            Self::Between(range) => range,
        }
    }

    /// `[low, high]` of a factor: around 1, not below 0.
    pub fn factor(self) -> [f64; 2] {
        let [low, high] = self.around(1.0);
        match self {
            Self::Width(_) => [low.max(0.0), high],
            Self::Between(_) => [low, high],
        }
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Numbers::deserialize(deserializer)? {
            Numbers(one, true) => Ok(Self::Width(one[0])),
            Numbers(many, false) => match many[..] {
                [low, high] => Ok(Self::Between([low, high])),
                _ => Err(de::Error::invalid_length(
                    many.len(),
                    &"a number or [low, high]",
                )),
            },
        }
    }
}

/// The value of pixels that have none: one fraction of the range for all channels, or one a
/// channel (the last is repeated where there are fewer).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Fill {
    /// The same in every channel: 0 black, 1 white.
    All(f64),
    /// One a channel.
    Channels(Vec<f64>),
}

impl Default for Fill {
    fn default() -> Self {
        Self::All(0.0)
    }
}

impl From<f64> for Fill {
    fn from(fill: f64) -> Self {
        Self::All(fill)
    }
}

impl Fill {
    /// Fraction for `channel`.
    pub fn at(&self, channel: usize) -> f64 {
        match self {
            Self::All(f) => *f,
            Self::Channels(f) => f.get(channel).or(f.last()).copied().unwrap_or(0.0),
        }
    }

    /// A pixel of the fill.
    pub(crate) fn pixel<T: Value>(&self, channels: usize) -> Vec<T> {
        (0..channels)
            .map(|k| T::from_fraction(self.at(k) as f32))
            .collect()
    }

    pub(crate) fn check<T: Named>(&self) -> Result<(), AugmentError> {
        let holds = match self {
            Self::All(f) => (0.0..=1.0).contains(f),
            Self::Channels(f) => !f.is_empty() && f.iter().all(|f| (0.0..=1.0).contains(f)),
        };
        let rule = "is a fraction of the value range in [0, 1], or one for each channel";
        require::<T>(holds, "fill", rule, self)
    }
}

impl<'de> Deserialize<'de> for Fill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Numbers::deserialize(deserializer)? {
            Numbers(one, true) => Self::All(one[0]),
            Numbers(many, false) => Self::Channels(many),
        })
    }
}

/// A number (`true`) or a list of numbers.
struct Numbers(Vec<f64>, bool);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Numbers;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number or a list of numbers")
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Numbers, E> {
                Ok(Numbers(vec![v], true))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Numbers, E> {
                self.visit_f64(v as f64)
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Numbers, E> {
                self.visit_f64(v as f64)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Numbers, A::Error> {
                let mut all = Vec::new();
                while let Some(v) = seq.next_element()? {
                    all.push(v);
                }
                Ok(Numbers(all, false))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The draws transforms are made of. None can fail, whatever the settings.
impl Draw {
    /// Uniform in `[low, high]`.
    pub(crate) fn uniform(&mut self, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.random::<f64>()
    }

    /// `true` with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.random::<f64>() < p
    }

    /// Uniform among `0..n`; 0 for `n = 0`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.random_range(0..n.max(1) as u64) as usize
    }

    /// Uniform in `low..=high`, whole numbers; `low` where the range is empty.
    pub(crate) fn between(&mut self, [low, high]: [usize; 2]) -> usize {
        low + self.below((high.max(low) - low).saturating_add(1))
    }

    /// A seed for what needs a number a pixel; small enough for JSON readers that keep 53 bits.
    pub(crate) fn seed(&mut self) -> u64 {
        self.random::<u64>() >> 11
    }

    /// N(0, 1), by Box and Muller: two uniform numbers a value.
    pub(crate) fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.random::<f64>(), self.random::<f64>());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// A random order of `0..n` (Fisher and Yates).
    pub(crate) fn order(&mut self, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            all.swap(i, self.below(i + 1));
        }
        all
    }
}

impl Draw {
    /// Gamma with shape `alpha` and scale 1 (Marsaglia and Tsang); above 0.
    pub(crate) fn gamma(&mut self, alpha: f64) -> f64 {
        // Shapes below 1 come from the next one up.
        if alpha < 1.0 {
            let u = 1.0 - self.random::<f64>();
            return (self.gamma(alpha + 1.0) * u.powf(1.0 / alpha)).max(f64::MIN_POSITIVE);
        }
        let d = alpha - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            let u = 1.0 - self.random::<f64>();
            if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta(alpha, alpha).
    pub(crate) fn beta(&mut self, alpha: f64) -> f64 {
        let (a, b) = (self.gamma(alpha), self.gamma(alpha));
        a / (a + b)
    }
}
