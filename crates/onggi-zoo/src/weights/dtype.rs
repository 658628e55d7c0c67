//! Types of a stored tensor's values, and their conversion to `f32`.

use half::{bf16, f16};

/// Type of one value, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Dtype {
    /// Bytes a value.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// The values; bytes past a whole number of them are left out.
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
            Self::F32 => each(bytes, f32::from_le_bytes),
            Self::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Self::Bf16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Self::I64 => each(bytes, |b| i64::from_le_bytes(b) as f32),
            Self::I32 => each(bytes, |b| i32::from_le_bytes(b) as f32),
            Self::I16 => each(bytes, |b| f32::from(i16::from_le_bytes(b))),
            Self::I8 => each(bytes, |b| f32::from(i8::from_le_bytes(b))),
            Self::U8 => each(bytes, |[b]: [u8; 1]| f32::from(b)),
            Self::Bool => each(bytes, |[b]: [u8; 1]| f32::from(b != 0)),
        }
    }
}

fn each<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (values, _) = bytes.as_chunks::<N>();
    values.iter().map(|&value| convert(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats_that_are_exact() {
        let bits =
            |words: &[u16]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
        // 1, −2, the largest, the smallest subnormal, −0.
        let values = Dtype::F16.decode(&bits(&[0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000]));
        assert_eq!(values, [1.0, -2.0, 65504.0, 2f32.powi(-24), 0.0]);
        assert!(values[4].is_sign_negative());
        let values = Dtype::F16.decode(&bits(&[0x7c00, 0x7e00]));
        assert!(values[0] == f32::INFINITY && values[1].is_nan());
        let values = Dtype::Bf16.decode(&bits(&[0x3f80, 0xc000, 0x0001]));
        assert_eq!(values, [1.0, -2.0, 2f32.powi(-133)]);
    }

    #[test]
    fn integers_and_booleans() {
        assert_eq!(Dtype::I64.decode(&(-3i64).to_le_bytes()), [-3.0]);
        assert_eq!(Dtype::I16.decode(&(-3i16).to_le_bytes()), [-3.0]);
        assert_eq!(Dtype::I8.decode(&[0xff, 0x7f]), [-1.0, 127.0]);
        assert_eq!(Dtype::U8.decode(&[0xff]), [255.0]);
        assert_eq!(Dtype::Bool.decode(&[0, 1, 2]), [0.0, 1.0, 1.0]);
    }
}
