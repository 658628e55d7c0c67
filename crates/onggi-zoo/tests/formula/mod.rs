//! Numbers that a name stands for: `fixtures/formula.py` makes the same ones, so that no weights need be stored.

use serde_json::Value;

/// The numbers of a fixture's list.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The hash of a text.
pub(crate) fn fnv1a(text: &str) -> u64 {
    let step = |state: u64, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    text.bytes().fold(0xCBF2_9CE4_8422_2325, step)
}

/// Numbers in `[−1, 1)`: SplitMix64 from the hash of the name.
pub(crate) fn uniform(name: &str, count: usize) -> Vec<f64> {
    let mut state = fnv1a(name);
    let next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-52) - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}
