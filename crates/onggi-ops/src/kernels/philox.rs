//! Philox4x32-10, sixteen counters at a time.
//!
//! A word is kept in the lower half of a 64-bit number: its product with a 32-bit constant is then
//! one vector multiplication, and the halves of the product come by a shift and a mask. The rounds
//! are unrolled inside the loop over counters, which is the form that the compiler vectorises.
//! Checked against the known answers of Random123.

use crate::Key;

/// Counters computed together.
pub(crate) const LANES: usize = 16;

/// 32-bit words that one call of [`block`] yields.
pub(crate) const BLOCK: usize = 4 * LANES;

/// The words of the counters `first .. first + LANES`: element `w * LANES + j` is word `w` of
/// counter `first + j`.
#[inline(always)]
pub(crate) fn block(key: Key, first: u64) -> [u32; BLOCK] {
    let mut out = [0; BLOCK];
    let (stream, seed) = (halves(key.stream), halves(key.seed));
    for j in 0..LANES {
        let index = halves(first.wrapping_add(j as u64));
        let words = rounds([index[0], index[1], stream[0], stream[1]], seed);
        out[j] = words[0] as u32;
        out[LANES + j] = words[1] as u32;
        out[2 * LANES + j] = words[2] as u32;
        out[3 * LANES + j] = words[3] as u32;
    }
    out
}

#[inline(always)]
fn low(word: u64) -> u64 {
    word & 0xFFFF_FFFF
}

#[inline(always)]
fn halves(word: u64) -> [u64; 2] {
    [low(word), word >> 32]
}

#[inline(always)]
fn rounds([mut a, mut b, mut c, mut d]: [u64; 4], mut key: [u64; 2]) -> [u64; 4] {
    const M: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const W: [u64; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..10 {
        let [p0, p1] = [M[0] * low(a), M[1] * low(c)];
        a = (p1 >> 32) ^ b ^ key[0];
        b = low(p1);
        c = (p0 >> 32) ^ d ^ key[1];
        d = low(p0);
        key = [low(key[0] + W[0]), low(key[1] + W[1])];
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random123's `kat_vectors`, rows `philox4x32 10`.
    #[test]
    fn known_answers() {
        for (counter, key, expected) in [
            (
                [0; 4],
                [0; 2],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [0xFFFF_FFFF; 4],
                [0xFFFF_FFFF; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(rounds(counter, key), expected);
        }
    }

    #[test]
    fn a_block_is_a_window_on_one_sequence() {
        let key = Key {
            seed: 7,
            stream: u64::MAX - 3,
        };
        let (whole, later) = (block(key, 0), block(key, 5));
        for word in 0..4 {
            assert_eq!(whole[word * LANES + 5], later[word * LANES]);
        }
        assert_ne!(block(Key { seed: 8, ..key }, 0), whole);
        assert_ne!(block(Key { stream: 1, ..key }, 0), whole);
    }
}
