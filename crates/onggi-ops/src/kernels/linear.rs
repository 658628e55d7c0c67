//! The linear layer's kernels: `y (rows, outputs) = x (rows, inputs) · weightᵀ + bias`.
//!
//! Each result is cut into tiles by its size alone, a product each; no tile needs another's sums.
//! Limited by computation, except for a few rows, where reading the weight is the limit. On one core
//! of an AMD EPYC (Zen 3, AVX2, peak 102 GFLOP/s, 2026-11-23) the products of 64 rows of 784 with
//! 256 outputs and of 2048 rows of 384 with 1536 reach 0.73–0.87 of the peak.

use super::matmul::{Matrix, multiply_at};
use super::{PARALLEL_FROM, Shared, output};
use multiversion::multiversion;
use rayon::prelude::*;

/// Multiplications of a tile: with fewer, starting the product and waking a thread are felt.
const LEAST_WORK: usize = 4 << 20;
/// With more, threads would wait for the last tile.
const MOST_WORK: usize = 64 << 20;
/// Tiles to cut a product into, work permitting.
const TASKS: usize = 16;

/// Sizes of the layer and of its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    pub(crate) rows: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// `y (rows, outputs)`.
pub(crate) fn forward(x: &[f32], weight: &[f32], bias: Option<&[f32]>, d: Dims) -> Vec<f32> {
    let (x, weight) = (
        Matrix::new(x, d.inputs, 1),
        Matrix::new(weight, 1, d.inputs),
    );
    product([d.rows, d.outputs, d.inputs], x, weight, bias)
}

/// `dx (rows, inputs) = dy · weight`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], d: Dims) -> Vec<f32> {
    let (dy, weight) = (
        Matrix::new(dy, d.outputs, 1),
        Matrix::new(weight, d.inputs, 1),
    );
    product([d.rows, d.inputs, d.outputs], dy, weight, None)
}

/// `dweight (outputs, inputs) = dyᵀ · x`.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], d: Dims) -> Vec<f32> {
    let (x, dy) = (Matrix::new(x, d.inputs, 1), Matrix::new(dy, 1, d.outputs));
    product([d.outputs, d.inputs, d.rows], dy, x, None)
}

/// `a (m, k) · b (k, n)`, to which `bias (n)` is added in each row.
fn product([m, n, k]: [usize; 3], a: Matrix<'_>, b: Matrix<'_>, bias: Option<&[f32]>) -> Vec<f32> {
    let [height, width] = tile([m, n, k]);
    let across = n.div_ceil(width.max(1));
    let fill = |y: Shared<'_, f32>| {
        let task = |index: usize| {
            let (row, column) = (index / across * height, index % across * width);
            let (rows, columns) = (height.min(m - row), width.min(n - column));
            if let Some(bias) = bias {
                for row in row..row + rows {
                    // SAFETY: tiles are disjoint, and so are their rows.
                    let y = unsafe { y.part(row * n + column, columns) };
                    y.copy_from_slice(&bias[column..][..columns]);
                }
            }
            let y = y.rows(row * n + column, [rows, n, columns]);
            let (a, b) = (a.from(row, 0), b.from(0, column));
            // SAFETY: `rows` has checked the tile; the bias, if any, is written.
            unsafe { multiply_at([rows, columns, k], (y, n), bias.is_some(), a, b) };
        };
        let tasks = m.div_ceil(height.max(1)) * across;
        if tasks < 2 {
            (0..tasks).for_each(task);
        } else {
            (0..tasks).into_par_iter().with_max_len(1).for_each(task);
        }
    };
    // SAFETY: the tiles cover the result, and a product writes all of its tile.
    unsafe { output(m * n, fill) }
}

/// Height and width of the tiles: near squares, which pack the least per multiplication.
fn tile([m, n, k]: [usize; 3]) -> [usize; 2] {
    let (mut height, mut width) = (m, n);
    loop {
        let tasks = m.div_ceil(height.max(1)) * n.div_ceil(width.max(1));
        let work = height * width * k;
        let enough = tasks >= TASKS && work <= MOST_WORK;
        // Both factors are packed once a tile: with four tiles, more have to be worth it.
        let least_side = if tasks < 4 { 64 } else { 512 };
        if enough || work / 2 < LEAST_WORK || height.max(width) < least_side {
            return [height, width];
        }
        // Whole registers and cache lines.
        if height > width {
            height = (height / 2).next_multiple_of(16);
        } else {
            width = (width / 2).next_multiple_of(16);
        }
    }
}

/// Columns that a task sums.
const COLUMNS: usize = 128;
/// Rows whose sum is taken in `f32`.
const FLUSH: usize = 128;

/// `dbias (outputs)`: the sum of the rows of `dy`.
pub(crate) fn bias_gradient(dy: &[f32], d: Dims) -> Vec<f32> {
    let mut dbias = vec![0.0; d.outputs];
    let task = |(index, sum): (usize, &mut [f32])| column_sums(dy, d, index * COLUMNS, sum);
    if dy.len() < PARALLEL_FROM {
        dbias.chunks_mut(COLUMNS).enumerate().for_each(task);
    } else {
        dbias.par_chunks_mut(COLUMNS).enumerate().for_each(task);
    }
    dbias
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn column_sums(dy: &[f32], d: Dims, first: usize, sum: &mut [f32]) {
    let mut total = [0f64; COLUMNS];
    for rows in dy.chunks(FLUSH * d.outputs.max(1)) {
        let mut block = [0f32; COLUMNS];
        for row in rows.chunks_exact(d.outputs) {
            for (block, v) in block.iter_mut().zip(&row[first..][..sum.len()]) {
                *block += v;
            }
        }
        for (total, block) in total.iter_mut().zip(&block) {
            *total += f64::from(*block);
        }
    }
    for (sum, total) in sum.iter_mut().zip(&total) {
        *sum = *total as f32;
    }
}
