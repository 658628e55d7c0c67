//! Philox4x32-10, sixteen counters at a time.
//!
//! Sixteen lanes fill one AVX-512 or two AVX2 registers; the loops over lanes are what the compiler
//! vectorises. Checked against the known answers of Random123.

use crate::Key;

/// Counters computed together.
pub(crate) const LANES: usize = 16;

/// 32-bit words that one call of [`block`] yields.
pub(crate) const BLOCK: usize = 4 * LANES;

type Word = [u32; LANES];

/// The words of the counters `first .. first + LANES`: element `w * LANES + j` is word `w` of
/// counter `first + j`.
#[inline(always)]
pub(crate) fn block(key: Key, first: u64) -> [u32; BLOCK] {
    let mut counter: [Word; 4] = [[0; LANES]; 4];
    for j in 0..LANES {
        let index = first.wrapping_add(j as u64);
        counter[0][j] = index as u32;
        counter[1][j] = (index >> 32) as u32;
        counter[2][j] = key.stream as u32;
        counter[3][j] = (key.stream >> 32) as u32;
    }
    let words = rounds(counter, [key.seed as u32, (key.seed >> 32) as u32]);
    let mut out = [0; BLOCK];
    for (part, word) in out.chunks_exact_mut(LANES).zip(words) {
        part.copy_from_slice(&word);
    }
    out
}

#[inline(always)]
fn rounds([mut a, mut b, mut c, mut d]: [Word; 4], mut key: [u32; 2]) -> [Word; 4] {
    const M0: u64 = 0xD251_1F53;
    const M1: u64 = 0xCD9E_8D57;
    const W0: u32 = 0x9E37_79B9;
    const W1: u32 = 0xBB67_AE85;
    for _ in 0..10 {
        for j in 0..LANES {
            let p0 = M0 * u64::from(a[j]);
            let p1 = M1 * u64::from(c[j]);
            a[j] = (p1 >> 32) as u32 ^ b[j] ^ key[0];
            b[j] = p1 as u32;
            c[j] = (p0 >> 32) as u32 ^ d[j] ^ key[1];
            d[j] = p0 as u32;
        }
        key = [key[0].wrapping_add(W0), key[1].wrapping_add(W1)];
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
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [u32::MAX; 4],
                [u32::MAX; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            let words = rounds(counter.map(|word| [word; LANES]), key);
            for (word, expected) in words.iter().zip(expected) {
                assert_eq!(*word, [expected; LANES]);
            }
        }
    }

    #[test]
    fn a_block_is_a_window_on_one_sequence() {
        let key = Key { seed: 7, stream: u64::MAX - 3 };
        let (whole, later) = (block(key, 0), block(key, 5));
        for word in 0..4 {
            assert_eq!(whole[word * LANES + 5], later[word * LANES]);
        }
        assert_ne!(block(Key { seed: 8, ..key }, 0), whole);
        assert_ne!(block(Key { stream: 1, ..key }, 0), whole);
    }
}
