//! The transform trait, and the type that holds any one of them with its probability.

use crate::nearest::nearest;
use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

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
                    $($($name => base::registry::read::<$variant>(settings, p),)*)*
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

impl Serialize for ImageTransform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let settings = self.kind.to_json().map_err(serde::ser::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("transform", self.name())?;
        map.serialize_entry("p", &self.p)?;
        // `null` is how an absent setting looks in JSON; TOML has no word for it.
        for (key, value) in settings.as_object().into_iter().flatten() {
            if !value.is_null() {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ImageTransform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let name = match map.remove("transform") {
            Some(Value::String(name)) => name,
            other => {
                let got = other.map_or("none".to_owned(), |v| v.to_string());
                return Err(D::Error::custom(AugmentError::Nameless { got }));
            }
        };
        let p = match map.remove("p") {
            None => None,
            Some(p) => Some(p.as_f64().ok_or_else(|| {
                D::Error::custom(format!("{name}: p is a probability in [0, 1], got {p}"))
            })?),
        };
        Kind::from_json(&name, map, p).map_err(D::Error::custom)
    }
}

/// Reads and checks the settings of one transform.
pub(crate) fn read<T: Transform>(
    settings: Map<String, Value>,
    p: Option<f64>,
) -> Result<ImageTransform, AugmentError> {
    let known = fields::<T>();
    if let Some(setting) = settings.keys().find(|key| !known.contains(&key.as_str())) {
        let all = known.iter().copied().chain(["p"]);
        return Err(AugmentError::UnknownSetting {
            what: T::NAME,
            nearest: nearest(setting, all).to_owned(),
            got: setting.clone(),
        });
    }
    let transform: T =
        serde_json::from_value(Value::Object(settings)).map_err(|e| AugmentError::Unreadable {
            what: T::NAME,
            reason: e.to_string(),
        })?;
    transform.p(p.unwrap_or(T::P))
}

/// The names of a struct's fields, as its `Deserialize` asks for them.
fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Ask<'a>(&'a mut &'static [&'static str]);
    impl<'de> Deserializer<'de> for Ask<'_> {
        type Error = serde::de::value::Error;
        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(Self::Error::custom("only asked for its fields"))
        }
        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            self.deserialize_any(visitor)
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }
    let mut names: &'static [&'static str] = &[];
    let _ = T::deserialize(Ask(&mut names));
    names
}

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
    use crate::image::{HorizontalFlip, ImageTransform, Row, TRANSFORMS, Transform};

    fn refusal(json: &str) -> String {
        serde_json::from_str::<ImageTransform>(json)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(
            refusal(r#"{"transform": "horizontal_flop"}"#),
            "there is no transform `horizontal_flop`: did you mean `horizontal_flip`?"
        );
        assert_eq!(
            refusal(r#"{"transform": "random_crop", "paddin": 3}"#),
            "random_crop has no setting `paddin`: did you mean `padding`?"
        );
        assert!(refusal(r#"{"p": 0.5}"#).starts_with("a transform needs its name"));
        assert!(refusal(r#"{"transform": 3}"#).contains("got 3"));
        assert_eq!(
            refusal(r#"{"transform": "horizontal_flip", "p": "often"}"#),
            "horizontal_flip: p is a probability in [0, 1], got \"often\""
        );
    }

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
