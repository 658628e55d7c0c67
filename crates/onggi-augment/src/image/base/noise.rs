//! A random number for every pixel, by hashing (seed, stream, place): vector code, and the same
//! whatever the order.

use std::sync::LazyLock;

use multiversion::multiversion;

/// The key of a stream.
fn key(seed: u64, stream: u64) -> [u32; 2] {
    // The finaliser of splitmix64.
    let mut z = seed.wrapping_add((stream + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    [z as u32, (z >> 32) as u32]
}

/// 32 random bits for place `i`: two rounds of a multiply-xorshift hash (Wellons' lowbias32), a key
/// before each.
#[inline(always)]
fn hash(i: u32, [a, b]: [u32; 2]) -> u32 {
    let mut x = i ^ a;
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^= x >> 16;
    x = x.wrapping_add(b);
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn fill(key: [u32; 2], out: &mut [u32]) {
    for (i, o) in out.iter_mut().enumerate() {
        *o = hash(i as u32, key);
    }
}

/// `n` values of 32 random bits.
pub(crate) fn bits(seed: u64, stream: u64, n: usize) -> Vec<u32> {
    let mut out = vec![0; n];
    fill(key(seed, stream), &mut out);
    out
}

/// `n` values uniform in `[0, 1)`.
pub(crate) fn uniforms(seed: u64, stream: u64, n: usize) -> Vec<f32> {
    let unit = 1.0 / (1u32 << 24) as f32;
    bits(seed, stream, n)
        .iter()
        .map(|b| (b >> 8) as f32 * unit)
        .collect()
}

/// `n` values uniform in `[−most, most)`.
pub(crate) fn uniform_plane(seed: u64, stream: u64, n: usize, most: f32) -> Vec<f32> {
    let unit = 1.0 / (1u32 << 23) as f32;
    let scaled = |b: &u32| ((b >> 8) as f32 * unit - 1.0) * most;
    bits(seed, stream, n).iter().map(scaled).collect()
}

/// Steps of the table of N(0, 1): its tails end at ±3.7.
const QUANTILES: usize = 4096;

/// The middle quantile of each 4096th of N(0, 1), scaled to variance 1.
static NORMAL: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let middle = |i: usize| quantile((i as f64 + 0.5) / QUANTILES as f64);
    let all: Vec<f64> = (0..QUANTILES).map(middle).collect();
    let spread = (all.iter().map(|v| v * v).sum::<f64>() / QUANTILES as f64).sqrt();
    all.iter().map(|v| (v / spread) as f32).collect()
});

/// `n` values of N(0, 1), in 4096 steps.
pub(crate) fn normals(seed: u64, stream: u64, n: usize) -> Vec<f32> {
    let table: &[f32; QUANTILES] = match NORMAL[..].try_into() {
        Ok(table) => table,
        Err(_) => return vec![0.0; n],
    };
    bits(seed, stream, n)
        .iter()
        .map(|b| table[(b >> 20) as usize])
        .collect()
}

/// The quantile of N(0, 1), by Newton's method on the distribution function, from a start in the
/// tail.
fn quantile(p: f64) -> f64 {
    let (q, sign) = if p < 0.5 { (p, -1.0) } else { (1.0 - p, 1.0) };
    let mut x = (-2.0 * q.ln()).sqrt() * 0.8;
    for _ in 0..60 {
        let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        let step = (upper_tail(x) - q) / density;
        x += step.clamp(-0.5, 0.5);
    }
    sign * x
}

/// P(N(0, 1) > x) for x ≥ 0, by the series of the distribution function: x/1 + x³/3 + x⁵/15 + …
fn upper_tail(x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (x, x, 1.0);
    while term.abs() > 1e-17 && k < 200.0 {
        k += 2.0;
        term *= x * x / k;
        sum += term;
    }
    0.5 - sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, want) in [
            (0.5, 0.0),
            (0.975, 1.959_964),
            (0.001, -3.090_232),
            (0.84, 0.994_458),
        ] {
            assert!((quantile(p) - want).abs() < 1e-5, "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn moments_and_neighbours() {
        let n = 200_000;
        let x = normals(5, 1, n);
        let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64;
        let var = x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n as f64;
        let next = x.windows(2).map(|w| f64::from(w[0] * w[1])).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.01 && (var - 1.0).abs() < 0.01 && next.abs() < 0.01);
        let u = uniforms(5, 1, n);
        let mean = u.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 0.005 && u.iter().all(|v| (0.0..1.0).contains(v)));
        assert_ne!(bits(5, 1, 4), bits(5, 2, 4));
        assert_ne!(bits(5, 1, 4), bits(6, 1, 4));
        assert_eq!(bits(5, 1, 9)[..4], bits(5, 1, 4));
    }
}
