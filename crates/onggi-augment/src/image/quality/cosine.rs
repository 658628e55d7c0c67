//! The two-dimensional cosine transform of 8×8 values, of eight blocks at once: JPEG's.

use multiversion::multiversion;

use crate::image::base::raster::Value;

/// The same value of eight blocks side by side.
type Lanes = [f32; 8];

/// Width of eight blocks.
pub(super) const WIDTH: usize = 64;

/// cos(kπ/16) / 2.
const COSINE: [f32; 8] = [
    0.5,
    0.490_392_64,
    0.461_939_77,
    0.415_734_8,
    0.353_553_4,
    0.277_785_12,
    0.191_341_72,
    0.097_545_16,
];

#[inline(always)]
fn plus(mut a: Lanes, b: Lanes) -> Lanes {
    for i in 0..8 {
        a[i] += b[i];
    }
    a
}

#[inline(always)]
fn minus(mut a: Lanes, b: Lanes) -> Lanes {
    for i in 0..8 {
        a[i] -= b[i];
    }
    a
}

/// Σ wₖ · xₖ.
#[inline(always)]
fn sum<const N: usize>(x: [Lanes; N], w: [f32; N]) -> Lanes {
    let mut out = [0.0; 8];
    for (x, w) in x.iter().zip(w) {
        for i in 0..8 {
            out[i] += w * x[i];
        }
    }
    out
}

/// The cosine transform of eight values: even ones of their sums, odd ones of their differences.
#[inline(always)]
fn forward(x: [Lanes; 8]) -> [Lanes; 8] {
    let [_, a1, a2, a3, a4, a5, a6, a7] = COSINE;
    let s = [
        plus(x[0], x[7]),
        plus(x[1], x[6]),
        plus(x[2], x[5]),
        plus(x[3], x[4]),
    ];
    let d = [
        minus(x[0], x[7]),
        minus(x[1], x[6]),
        minus(x[2], x[5]),
        minus(x[3], x[4]),
    ];
    let t = [plus(s[0], s[3]), plus(s[1], s[2])];
    let u = [minus(s[0], s[3]), minus(s[1], s[2])];
    [
        sum(t, [a4, a4]),
        sum(d, [a1, a3, a5, a7]),
        sum(u, [a2, a6]),
        sum(d, [a3, -a7, -a1, -a5]),
        sum(t, [a4, -a4]),
        sum(d, [a5, -a1, a7, a3]),
        sum(u, [a6, -a2]),
        sum(d, [a7, -a5, a3, -a1]),
    ]
}

/// Undoes [`forward`].
#[inline(always)]
fn back(x: [Lanes; 8]) -> [Lanes; 8] {
    let [_, a1, a2, a3, a4, a5, a6, a7] = COSINE;
    let (p, q) = ([x[0], x[4]], [x[2], x[6]]);
    let p = [sum(p, [a4, a4]), sum(p, [a4, -a4])];
    let q = [sum(q, [a2, a6]), sum(q, [a6, -a2])];
    let even = [
        plus(p[0], q[0]),
        plus(p[1], q[1]),
        minus(p[1], q[1]),
        minus(p[0], q[0]),
    ];
    let x = [x[1], x[3], x[5], x[7]];
    let odd = [
        sum(x, [a1, a3, a5, a7]),
        sum(x, [a3, -a7, -a1, -a5]),
        sum(x, [a5, -a1, a7, a3]),
        sum(x, [a7, -a5, a3, -a1]),
    ];
    let mut out = [[0.0; 8]; 8];
    for i in 0..4 {
        out[i] = plus(even[i], odd[i]);
        out[7 - i] = minus(even[i], odd[i]);
    }
    out
}

/// Eight blocks of 8×8 bytes side by side, about 128, through the transform, rounded to multiples of
/// `table`, and back; `inverse` has one over each of the table's.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
pub(super) fn there_and_back(rows: &mut [[u8; WIDTH]; 8], table: &[f32; 64], inverse: &[f32; 64]) {
    /// Added and taken away again it rounds to whole numbers.
    const WHOLE: f32 = 12_582_912.0;
    let mut x = [[[0f32; 8]; 8]; 8];
    for i in 0..8 {
        let row = exchanged(rows[i]);
        for (x, v) in x[i].as_flattened_mut().iter_mut().zip(row) {
            *x = v.to_f32() - 128.0;
        }
        x[i] = forward(x[i]);
    }
    for j in 0..8 {
        let mut y = [
            x[0][j], x[1][j], x[2][j], x[3][j], x[4][j], x[5][j], x[6][j], x[7][j],
        ];
        y = forward(y);
        for i in 0..8 {
            let (by, q) = (inverse[8 * i + j], table[8 * i + j]);
            for value in &mut y[i] {
                *value = ((*value * by + WHOLE) - WHOLE) * q;
            }
        }
        y = back(y);
        for i in 0..8 {
            x[i][j] = y[i];
        }
    }
    for i in 0..8 {
        x[i] = back(x[i]);
        let mut row = [0; WIDTH];
        for (v, x) in row.iter_mut().zip(x[i].as_flattened()) {
            *v = u8::from_f32(x + 128.0);
        }
        rows[i] = exchanged(row);
    }
}

/// 8×8 values with rows and columns exchanged: each of three riffles of the two halves moves the
/// six bits of a value's place by one.
#[inline(always)]
fn exchanged(mut row: [u8; WIDTH]) -> [u8; WIDTH] {
    for _ in 0..3 {
        let mut out = [0; WIDTH];
        for k in 0..WIDTH / 2 {
            out[2 * k] = row[k];
            out[2 * k + 1] = row[WIDTH / 2 + k];
        }
        row = out;
    }
    row
}
