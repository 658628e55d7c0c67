//! Transforms written to TOML and JSON and read back: unknown names and keys are refused.

use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::registry::Transform;
use crate::AugmentError;
use crate::image::{ImageTransform, Kind};
use crate::nearest::nearest;

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

#[cfg(test)]
mod tests {
    use crate::image::ImageTransform;

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
}
