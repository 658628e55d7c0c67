//! Planes resampled along their rows and columns: `y = V · x · Hᵀ` with sparse matrices `V` and `H`.
//!
//! The gradient is the same product with both transposed. A task is some whole planes; the pass
//! over the columns runs along whole rows, and comes last where it adds rows and first where it
//! takes rows away. Enlarging is limited by memory.

use super::{PARALLEL_FROM, Shared, output};
use multiversion::multiversion;
use rayon::prelude::*;

/// A sparse matrix by rows: what each output takes of which inputs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sparse {
    /// Columns.
    pub(crate) inputs: usize,
    /// Where each row's terms start, and the last one's end.
    starts: Vec<usize>,
    terms: Vec<(u32, f32)>,
    /// Terms of each row, where all have the same number.
    even: Option<usize>,
}

impl Sparse {
    /// Of the terms `(input, weight)` of each output.
    pub(crate) fn new(inputs: usize, rows: &[Vec<(usize, f32)>]) -> Self {
        let mut starts = vec![0];
        let mut terms = Vec::new();
        for row in rows {
            assert!(row.iter().all(|&(input, _)| input < inputs));
            terms.extend(row.iter().map(|&(input, weight)| (input as u32, weight)));
            starts.push(terms.len());
        }
        let first = rows.first().map_or(0, Vec::len);
        let even = rows.iter().all(|row| row.len() == first).then_some(first);
        Self {
            inputs,
            starts,
            terms,
            even,
        }
    }

    pub(crate) fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// The terms of output `out`, as `(input, weight)`.
    pub(crate) fn row(&self, out: usize) -> &[(u32, f32)] {
        &self.terms[self.starts[out]..self.starts[out + 1]]
    }

    pub(crate) fn transposed(&self) -> Self {
        let mut rows = vec![Vec::new(); self.inputs];
        for out in 0..self.outputs() {
            for &(input, weight) in self.row(out) {
                rows[input as usize].push((out, weight));
            }
        }
        Self::new(self.outputs(), &rows)
    }

    fn is_identity(&self) -> bool {
        self.inputs == self.outputs()
            && self.even == Some(1)
            && (0..self.inputs).all(|i| self.terms[i] == (i as u32, 1.0))
    }
}

/// `planes` planes `(vertical.inputs, horizontal.inputs)`, resampled.
pub(crate) fn resample(x: &[f32], planes: usize, [vertical, horizontal]: [&Sparse; 2]) -> Vec<f32> {
    let (h, w) = (vertical.inputs, horizontal.inputs);
    let (oh, ow) = (vertical.outputs(), horizontal.outputs());
    let (input, out) = (h * w, oh * ow);
    assert_eq!(x.len(), planes * input);
    let (keep_rows, keep_columns) = (vertical.is_identity(), horizontal.is_identity());
    let columns_first = oh < h;
    let between = match (keep_rows || keep_columns, columns_first) {
        (true, _) => 0,
        (false, true) => oh * w,
        (false, false) => h * ow,
    };
    let fill = |y: Shared<'_, f32>| {
        let chunk = (PARALLEL_FROM / input.max(out).max(1)).max(1);
        let task = |index: usize| {
            let mut between = vec![0.0; between];
            for plane in index * chunk..((index + 1) * chunk).min(planes) {
                let x = &x[plane * input..][..input];
                // SAFETY: each plane is visited once.
                let y = unsafe { y.part(plane * out, out) };
                if keep_columns {
                    along_columns(x, vertical, w, y);
                } else if keep_rows {
                    along_rows(x, horizontal, y);
                } else if columns_first {
                    along_columns(x, vertical, w, &mut between);
                    along_rows(&between, horizontal, y);
                } else {
                    along_rows(x, horizontal, &mut between);
                    along_columns(&between, vertical, ow, y);
                }
            }
        };
        let tasks = planes.div_ceil(chunk);
        if tasks < 2 {
            (0..tasks).for_each(task);
        } else {
            (0..tasks).into_par_iter().for_each(task);
        }
    };
    // SAFETY: each plane is written, all of it.
    unsafe { output(planes * out, fill) }
}

/// Every row of `x` by the matrix.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn along_rows(x: &[f32], matrix: &Sparse, y: &mut [f32]) {
    if y.is_empty() {
        return;
    }
    let rows = x.chunks_exact(matrix.inputs);
    for (x, y) in rows.zip(y.chunks_exact_mut(matrix.outputs())) {
        match matrix.even {
            Some(1) => even_row::<1>(x, matrix, y),
            Some(2) => even_row::<2>(x, matrix, y),
            Some(4) => even_row::<4>(x, matrix, y),
            _ => {
                for (out, y) in y.iter_mut().enumerate() {
                    let mut sum = 0.0;
                    for &(input, weight) in matrix.row(out) {
                        sum += x[input as usize] * weight;
                    }
                    *y = sum;
                }
            }
        }
    }
}

#[inline(always)]
fn even_row<const TERMS: usize>(x: &[f32], matrix: &Sparse, y: &mut [f32]) {
    let (terms, _) = matrix.terms.as_chunks::<TERMS>();
    for (y, terms) in y.iter_mut().zip(terms) {
        let mut sum = 0.0;
        for &(input, weight) in terms {
            sum += x[input as usize] * weight;
        }
        *y = sum;
    }
}

/// The matrix by `x`, whose rows have `width` values.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn along_columns(x: &[f32], matrix: &Sparse, width: usize, y: &mut [f32]) {
    for (out, y) in y.chunks_exact_mut(width.max(1)).enumerate() {
        match *matrix.row(out) {
            [] => y.fill(0.0),
            [(a, wa)] => {
                let a = &x[a as usize * width..][..width];
                for (y, a) in y.iter_mut().zip(a) {
                    *y = a * wa;
                }
            }
            [(a, wa), (b, wb), ref rest @ ..] => {
                let [a, b] = [a, b].map(|at| &x[at as usize * width..][..width]);
                for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                    *y = a * wa + b * wb;
                }
                for &(c, wc) in rest {
                    for (y, c) in y.iter_mut().zip(&x[c as usize * width..][..width]) {
                        *y += c * wc;
                    }
                }
            }
        }
    }
}
