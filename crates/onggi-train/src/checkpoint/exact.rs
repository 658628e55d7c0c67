//! Floats in JSON that come back to the bit.
//!
//! serde_json reads a decimal fraction to within one unit in the last place, which is not enough for
//! a run that must go on as if it had not stopped. So a float is written as a string, the shortest
//! one that Rust reads back as the same number.

use crate::run::EpochRecord;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

pub(crate) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    format!("{value:?}").serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// The records of a log, each of their floats exact.
pub(crate) mod records {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        records: &[EpochRecord],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let mut rows = serde_json::to_value(records).map_err(S::Error::custom)?;
        each(&mut rows, &mut |value| {
            if let Value::Number(number) = value
                && let Some(float) = number.as_f64().filter(|_| number.is_f64())
            {
                *value = Value::String(format!("{float:?}"));
            }
            Ok(())
        })
        .map_err(S::Error::custom)?;
        rows.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<EpochRecord>, D::Error> {
        let mut rows = Value::deserialize(from)?;
        each(&mut rows, &mut |value| {
            if let Value::String(text) = value {
                let float = text.parse::<f64>().map_err(|e| format!("`{text}`: {e}"))?;
                let number = Number::from_f64(float);
                *value = Value::Number(number.ok_or_else(|| format!("`{text}` is not finite"))?);
            }
            Ok(())
        })
        .map_err(D::Error::custom)?;
        serde_json::from_value(rows).map_err(D::Error::custom)
    }

    /// Applies `change` to each field of each record.
    fn each(
        rows: &mut Value,
        change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
    ) -> Result<(), String> {
        let rows = rows.as_array_mut().ok_or("records are a list")?;
        for row in rows {
            let row = row.as_object_mut().ok_or("a record is an object")?;
            row.values_mut().try_for_each(&mut *change)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct One(#[serde(with = "super")] f64);

    #[test]
    fn every_bit_comes_back() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for value in [0.1 + 0.2, f64::INFINITY, -0.0, 5e-324, f64::MAX] {
            let text = serde_json::to_string(&One(value)).unwrap();
            let One(back) = serde_json::from_str(&text).unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{text}");
        }
        for _ in 0..1000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = f64::from_bits(bits);
            let text = serde_json::to_string(&One(value)).unwrap();
            let One(back) = serde_json::from_str(&text).unwrap();
            assert!(
                back.to_bits() == value.to_bits() || value.is_nan(),
                "{text}"
            );
        }
    }
}
