//! The transform trait, and the type that holds any one of them with its probability.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::sample::Sample;
use crate::image::{Drawn, ImageTransform, Kind};
use crate::{AugmentError, Draw};

/// What the registry row of a transform says.
pub trait Named {
    /// The name in TOML, JSON and reports: snake case.
    const NAME: &'static str;
    /// What it does, in a line.
    const ABOUT: &'static str;
    /// The family it belongs to.
    const GROUP: &'static str;
}

/// A change to a sample, drawn anew for every sample: what is drawn and what is done with it are
/// two steps, so that a draw can be saved and done again.
///
/// Whether it is done at all (`p`) is not its own business but that of [`ImageTransform`].
pub trait Transform: Named + Clone + Default + Serialize + DeserializeOwned + Into<Kind> {
    /// What is drawn for one sample.
    type Params: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned;

    /// The probability where a file does not give it.
    const P: f64 = 1.0;

    /// Sees that the settings hold their rules.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] for the first that does not.
    fn check(&self) -> Result<(), AugmentError> {
        Ok(())
    }

    /// Draws for `sample`; it is not changed.
    ///
    /// # Errors
    /// [`AugmentError::Unfit`] where the sample does not fit: too small, wrong channel count.
    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError>;

    /// Does what was drawn.
    ///
    /// # Errors
    /// As [`Transform::draw`].
    fn apply(&self, params: &Self::Params, sample: Sample) -> Result<Sample, AugmentError>;

    /// Draws and applies. Containers write this instead of [`Transform::draw`]: what a step draws
    /// depends on the sample that the one before it left.
    ///
    /// # Errors
    /// As [`Transform::draw`].
    fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Self::Params), AugmentError> {
        let params = self.draw(&sample, rng)?;
        Ok((self.apply(&params, sample)?, params))
    }

    /// The transform done with probability [`Transform::P`].
    ///
    /// # Errors
    /// Those of [`Transform::check`].
    fn build(self) -> Result<ImageTransform, AugmentError> {
        self.p(Self::P)
    }

    /// The transform done with probability `p`.
    ///
    /// # Errors
    /// Those of [`Transform::check`], and [`AugmentError::Setting`] for `p` outside `[0, 1]`.
    fn p(self, p: f64) -> Result<ImageTransform, AugmentError> {
        super::settings::require::<Self>(
            (0.0..=1.0).contains(&p),
            "p",
            "is a probability in [0, 1]",
            p,
        )?;
        self.check()?;
        Ok(ImageTransform {
            p,
            kind: self.into(),
        })
    }

    /// Settings for the conformance tests, valid for an image of this shape.
    #[cfg(test)]
    fn example(_height: usize, _width: usize, _channels: usize) -> Self {
        Self::default()
    }

    /// Whether small differences stay small, so that 8 bits and floating point agree. Not so where
    /// a threshold follows on a step that rounds.
    #[cfg(test)]
    const CONTINUOUS: bool = true;

    /// Bad settings as JSON, and words of the refusal.
    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

/// One row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Name in TOML and JSON.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its family.
    pub group: &'static str,
}

/// Turns the rows into [`ImageTransform`], [`Drawn`] and the table of names.
macro_rules! registry {
    ($($group:literal { $($variant:ident = $name:literal, $about:literal;)* })*) => {
        /// The settings of any one transform.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum Kind {
            $($($variant($variant),)*)*
        }

        /// What one call of an [`ImageTransform`] drew: enough to do the same again.
        ///
        /// # Example
        /// ```
        /// use onggi_augment::Draw;
        /// use onggi_augment::image::{Drawn, GaussianBlur, Image, Pixels, Transform};
        ///
        /// let blur = GaussianBlur::default().build()?;
        /// let image = Image::new(4, 4, 1, Pixels::U8((0..16).collect()))?;
        /// let (first, drawn) = blur.run(image.clone().into(), &mut Draw::new(42, 0, 0))?;
        /// let saved = serde_json::to_string(&drawn)?;
        /// let drawn: Drawn = serde_json::from_str(&saved)?;
        /// assert_eq!(blur.replay(&drawn, image.into())?, first);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Drawn {
            /// The lot fell on leaving the sample as it is.
            #[serde(rename = "skipped")]
            Skipped,
            $($(#[serde(rename = $name)] $variant(<$variant as Transform>::Params),)*)*
        }

        $($(
            impl Named for $variant {
                const NAME: &'static str = $name;
                const ABOUT: &'static str = $about;
                const GROUP: &'static str = $group;
            }

            impl From<$variant> for Kind {
                fn from(transform: $variant) -> Self {
                    Self::$variant(transform)
                }
            }
        )*)*

        /// Every transform there is, by family.
        pub const TRANSFORMS: &[Row] = &[
            $($(Row { name: $name, about: $about, group: $group },)*)*
        ];

        impl Kind {
            fn name(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => $name,)*)*
                }
            }

            fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Drawn), AugmentError> {
                match self {
                    $($(Self::$variant(t) => {
                        let (sample, params) = t.run(sample, rng)?;
                        Ok((sample, Drawn::$variant(params)))
                    })*)*
                }
            }

            fn replay(&self, drawn: &Drawn, sample: Sample) -> Result<Sample, AugmentError> {
                match (self, drawn) {
                    $($((Self::$variant(t), Drawn::$variant(params)) => t.apply(params, sample),)*)*
                    _ => Err(AugmentError::Replay { transform: self.name() }),
                }
            }

            pub(crate) fn to_json(&self) -> serde_json::Result<serde_json::Value> {
                match self {
                    $($(Self::$variant(t) => serde_json::to_value(t),)*)*
                }
            }

            pub(crate) fn from_json(
                name: &str,
                settings: serde_json::Map<String, serde_json::Value>,
                p: Option<f64>,
            ) -> Result<ImageTransform, AugmentError> {
                match name {
                    $($($name => base::read::read::<$variant>(settings, p),)*)*
                    _ => Err(AugmentError::UnknownName {
                        what: "transform",
                        nearest: $crate::nearest::nearest(name, TRANSFORMS.iter().map(|r| r.name)).to_owned(),
                        got: name.to_owned(),
                    }),
                }
            }
        }

        #[cfg(test)]
        mod conformance {
            $($(
                #[test]
                #[allow(non_snake_case)]
                fn $variant() {
                    super::base::conformance::conform::<super::$variant>();
                }
            )*)*
        }
    };
}
pub(crate) use registry;

impl ImageTransform {
    /// The probability of being done.
    pub fn probability(&self) -> f64 {
        self.p
    }

    /// The name in TOML, JSON and reports.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// The settings.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Draws, and changes the sample. One number is drawn for `p`, whatever `p` is; then those of
    /// the transform.
    ///
    /// # Errors
    /// [`AugmentError::MaskSize`], and [`AugmentError::Unfit`] where the sample does not fit.
    pub fn run(&self, sample: Sample, rng: &mut Draw) -> Result<(Sample, Drawn), AugmentError> {
        sample.check()?;
        if !rng.chance(self.p) {
            return Ok((sample, Drawn::Skipped));
        }
        self.kind.run(sample, rng)
    }

    /// [`ImageTransform::run`] without the record.
    ///
    /// # Errors
    /// As [`ImageTransform::run`].
    pub fn apply(&self, sample: impl Into<Sample>, rng: &mut Draw) -> Result<Sample, AugmentError> {
        Ok(self.run(sample.into(), rng)?.0)
    }

    /// Does again what [`ImageTransform::run`] drew, on this sample or another.
    ///
    /// # Errors
    /// As [`ImageTransform::run`], and [`AugmentError::Replay`] for the record of another transform.
    pub fn replay(&self, drawn: &Drawn, sample: Sample) -> Result<Sample, AugmentError> {
        sample.check()?;
        match drawn {
            Drawn::Skipped => Ok(sample),
            drawn => self.kind.replay(drawn, sample),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::{HorizontalFlip, Row, TRANSFORMS, Transform};

    #[test]
    fn names_are_unique_and_described() {
        let mut names: Vec<_> = TRANSFORMS.iter().map(|r| r.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TRANSFORMS.len());
        assert!(TRANSFORMS.iter().all(|r| r.about.len() > 8));
    }

    #[test]
    fn the_table_in_the_docs_is_the_registry() {
        let docs = include_str!("../../../../../docs/image-transforms.md");
        let row = |r: &Row| format!("| {} | `{}` | {} |", r.group, r.name, r.about);
        let want: Vec<String> = TRANSFORMS.iter().map(row).collect();
        let got: Vec<&str> = docs
            .lines()
            .filter(|l| l.contains('`') && l.starts_with("| "))
            .collect();
        assert_eq!(got, want);
    }

    #[test]
    fn p_is_checked() {
        for p in [-0.1, 1.5, f64::NAN] {
            let words = HorizontalFlip::default().p(p).unwrap_err().to_string();
            assert!(words.contains("p is a probability in [0, 1]"), "{words}");
        }
    }
}
