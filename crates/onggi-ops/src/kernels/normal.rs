//! Standard normal numbers from a key, by Box and Muller's transform:
//! `√(−2 ln u) · (cos 2πv, sin 2πv)` of uniform `u` and `v`.
//!
//! Logarithm and sine are polynomials, so that the loop is without branches and calls. Limited by
//! their arithmetic and the generator's.

use super::philox::{BLOCK, LANES, block};
use super::{PARALLEL_FROM, output};
use crate::Key;
use multiversion::multiversion;
use rayon::prelude::*;
use std::f32::consts::{LN_2, SQRT_2, TAU};

/// Numbers a task draws.
const CHUNK: usize = 16 * 1024;

/// `len` draws of `key`, of mean 0 and standard deviation `std`.
pub(crate) fn normal(len: usize, std: f32, key: Key) -> Vec<f32> {
    let chunk = |(index, z): (usize, &mut [f32])| {
        normal_chunk(z, std, key, (index * CHUNK / BLOCK) as u64);
    };
    // SAFETY: the chunks cover the whole output, and `normal_chunk` writes all of its chunk.
    unsafe {
        output(len, |z| {
            let z = z.part(0, len);
            if len < PARALLEL_FROM {
                z.chunks_mut(CHUNK).enumerate().for_each(chunk);
            } else {
                z.par_chunks_mut(CHUNK).enumerate().for_each(chunk);
            }
        })
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn normal_chunk(z: &mut [f32], std: f32, key: Key, first: u64) {
    for (z, index) in z.chunks_mut(BLOCK).zip(first..) {
        let words = block(key, index * LANES as u64);
        let mut draws = [0.0; BLOCK];
        for i in 0..BLOCK / 2 {
            let [a, b] = pair(words[i], words[BLOCK / 2 + i]);
            draws[i] = a * std;
            draws[BLOCK / 2 + i] = b * std;
        }
        if z.len() == BLOCK {
            z.copy_from_slice(&draws);
        } else {
            z.copy_from_slice(&draws[..z.len()]);
        }
    }
}

/// Two independent normal numbers from two words.
#[inline(always)]
fn pair(u: u32, v: u32) -> [f32; 2] {
    // 31 bits, in (0, 1]: a signed number is what the vector units convert.
    let u = ((u >> 1) as i32 as f32 + 1.0) * (1.0 / 2_147_483_648.0);
    // 24 bits, exact, in [−1/2, 1/2).
    let v = (v >> 8) as i32 as f32 * (1.0 / 16_777_216.0) - 0.5;
    let radius = (-2.0 * ln(u)).max(0.0).sqrt();
    // cos 2πv = sin 2π(1/4 − |v|); the sine's argument is a quarter turn on.
    let w = if v >= 0.25 { v - 1.25 } else { v - 0.25 };
    let w = if w < -0.5 { w + 1.0 } else { w };
    [v, w].map(|v| radius * sin_turns(0.25 - v.abs()))
}

/// `ln x` of a positive, normal `x`.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // x = m · 2^e with m in [√½, √2).
    let bits = x.to_bits() as i32;
    let e = (bits - (SQRT_2 / 2.0).to_bits() as i32) >> 23;
    let m = f32::from_bits((bits - (e << 23)) as u32);
    // ln m = 2 artanh s.
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let artanh = s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
    e as f32 * LN_2 + 2.0 * artanh
}

/// `sin 2πt` for `|t| ≤ 1/4`, by Taylor's series.
#[inline(always)]
fn sin_turns(t: f32) -> f32 {
    let x = t * TAU;
    let q = x * x;
    let series = 1.0 / 362_880.0 + q * (-1.0 / 39_916_800.0);
    let series = -1.0 / 5040.0 + q * series;
    x * (1.0 + q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * series)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_sine_are_exact_to_a_few_units() {
        for i in 1..=100_000u32 {
            let x = i as f32 / 100_000.0;
            let (got, expected) = (f64::from(ln(x)), f64::from(x).ln());
            assert!(
                (got - expected).abs() <= 2e-7 * expected.abs().max(0.5),
                "ln {x}: {got}"
            );
            let t = (x - 0.5) / 2.0;
            let (got, expected) = (sin_turns(t), (f64::from(t) * std::f64::consts::TAU).sin());
            assert!((f64::from(got) - expected).abs() < 2.5e-7, "sin {t}: {got}");
        }
        assert!((ln(1.0 / 2_147_483_648.0) + 31.0 * LN_2).abs() < 1e-5);
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn the_extreme_words_give_finite_numbers() {
        let words = [0, 1, 1 << 29, 1 << 30, 1 << 31, 3 << 30, u32::MAX];
        for u in words {
            for v in words {
                assert!(
                    pair(u, v).iter().all(|z| z.abs() < 7.0),
                    "{u} {v}: {:?}",
                    pair(u, v)
                );
            }
        }
    }

    /// Standard errors of the moments of n normal numbers: 1/√n, √(2/n), √(15/n), √(96/n); five of
    /// them, for keys that are fixed.
    #[test]
    fn moments_and_tails_are_a_normal_distributions() {
        let n = 1_000_003;
        let z = normal(n, 1.0, Key { seed: 5, stream: 9 });
        let moment = |k| z.iter().map(|&z| f64::from(z).powi(k)).sum::<f64>() / n as f64;
        let bound = |variance: f64| 5.0 * (variance / n as f64).sqrt();
        for (k, mean, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            assert!(
                (moment(k) - mean).abs() < bound(variance),
                "{k}: {}",
                moment(k)
            );
        }
        for (limit, share) in [(1.0, 0.317_310_5), (2.0, 0.045_500_3), (3.0, 0.002_699_8)] {
            let outside = z.iter().filter(|z| z.abs() > limit).count() as f64 / n as f64;
            assert!(
                (outside - share).abs() < bound(share * (1.0 - share)),
                "{limit}: {outside}"
            );
        }
        for distance in [1, BLOCK / 2, BLOCK] {
            let products = z.iter().zip(&z[distance..]);
            let mean = products.map(|(a, b)| f64::from(a * b)).sum::<f64>() / n as f64;
            assert!(mean.abs() < bound(1.0), "distance {distance}: {mean}");
        }
    }

    #[test]
    fn thread_count_does_not_change_a_bit() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| normal(100_003, 0.5, Key { seed: 1, stream: 2 }))
        };
        assert_eq!(run(1), run(3));
    }
}
