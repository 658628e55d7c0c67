//! The kernels of lookups in a table `(rows, width)` and of their gradient, which touches only the
//! rows that were looked up.
//!
//! Limited by memory: rows lie anywhere in the table. A gradient's sums are taken in the order of
//! the entries, whatever the number of threads.

use super::{PARALLEL_FROM, Shared, output};
use multiversion::multiversion;
use rayon::prelude::*;
use std::ops::Range;

/// Elements that a task moves.
const CHUNK: usize = 16 * 1024;

/// One lookup: `source[from]`, times a factor, belongs to `table[row]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Row of the table.
    pub(crate) row: u32,
    /// Row of the result.
    pub(crate) from: u32,
    /// What the looked up row is multiplied by.
    pub(crate) factor: f32,
}

/// How many rows of `width` a task takes.
fn rows_per_task(width: usize) -> usize {
    (CHUNK / width.max(1)).max(1)
}

/// Calls `task` with ranges that cover `0..count`, on all threads if `elements` are worth it.
fn each(
    count: usize,
    step: usize,
    elements: usize,
    task: impl Fn(usize, Range<usize>) + Sync + Send,
) {
    let run = |index: usize| task(index, index * step..((index + 1) * step).min(count));
    let tasks = count.div_ceil(step);
    if tasks < 2 || elements < PARALLEL_FROM {
        (0..tasks).for_each(run);
    } else {
        (0..tasks).into_par_iter().for_each(run);
    }
}

/// The rows of `table` that `indices` name.
pub(crate) fn lookup(table: &[f32], width: usize, indices: &[u32]) -> Vec<f32> {
    let len = indices.len() * width;
    let fill = |y: Shared<'_, f32>| {
        each(indices.len(), rows_per_task(width), len, |_, range| {
            for at in range {
                // SAFETY: one row of the result is one task's.
                let y = unsafe { y.part(at * width, width) };
                y.copy_from_slice(&table[indices[at] as usize * width..][..width]);
            }
        });
    };
    // SAFETY: the ranges cover all indices.
    unsafe { output(len, fill) }
}

/// `y[bag] = Σ factor · table[row]` over the entries of each bag.
pub(crate) fn sum_bags(
    table: &[f32],
    width: usize,
    entries: &[Entry],
    bags: &[Range<usize>],
) -> Vec<f32> {
    let fill = |y: Shared<'_, f32>| {
        let step = rows_per_task(width).div_ceil(8);
        each(bags.len(), step, entries.len() * width, |_, range| {
            for bag in range {
                // SAFETY: one bag is one task's.
                let y = unsafe { y.part(bag * width, width) };
                y.fill(0.0);
                for entry in &entries[bags[bag].clone()] {
                    add_row(
                        y,
                        &table[entry.row as usize * width..][..width],
                        entry.factor,
                    );
                }
            }
        });
    };
    // SAFETY: the ranges cover all bags.
    unsafe { output(bags.len() * width, fill) }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn add_row(sum: &mut [f32], row: &[f32], factor: f32) {
    for (sum, v) in sum.iter_mut().zip(row) {
        *sum += v * factor;
    }
}

/// The gradient of the table `(rows, width)`: zero but for the rows of `entries`, which get
/// `Σ factor · dy[from]`.
pub(crate) fn scatter(dy: &[f32], rows: usize, width: usize, mut entries: Vec<Entry>) -> Vec<f32> {
    // Fresh zeros cost nothing where they stay untouched.
    let mut dtable = vec![0.0; rows * width];
    // Stable: the entries of a row stay in order.
    entries.sort_by_key(|entry| entry.row);
    let groups: Vec<&[Entry]> = entries.chunk_by(|a, b| a.row == b.row).collect();
    let out = Shared::over(&mut dtable);
    let elements = entries.len() * width;
    let step = rows_per_task(width).div_ceil(8);
    each(groups.len(), step, elements, |_, range| {
        for group in &groups[range] {
            // SAFETY: one row is one group, and one group is one task's.
            let sum = unsafe { out.part(group[0].row as usize * width, width) };
            for entry in *group {
                add_row(
                    sum,
                    &dy[entry.from as usize * width..][..width],
                    entry.factor,
                );
            }
        }
    });
    dtable
}

/// `dy[from] · table[row]` of each entry: the gradient of its factor.
pub(crate) fn factor_gradient(
    table: &[f32],
    dy: &[f32],
    width: usize,
    entries: &[Entry],
) -> Vec<f32> {
    let fill = |y: Shared<'_, f32>| {
        each(
            entries.len(),
            rows_per_task(width),
            entries.len() * width,
            |_, range| {
                // SAFETY: ranges are disjoint.
                let y = unsafe { y.part(range.start, range.len()) };
                for (y, entry) in y.iter_mut().zip(&entries[range]) {
                    let row = &table[entry.row as usize * width..][..width];
                    *y = dot(row, &dy[entry.from as usize * width..][..width]);
                }
            },
        );
    };
    // SAFETY: the ranges cover all entries.
    unsafe { output(entries.len(), fill) }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut lanes = [0f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for j in 0..LANES {
            lanes[j] += a[j] * b[j];
        }
    }
    for (j, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        lanes[j] += a * b;
    }
    lanes.iter().sum()
}

/// No entry of the bag holds the largest value: the bag is empty.
pub(crate) const NONE: u32 = u32::MAX;

/// The largest value a bag and column (0 for an empty bag), and the row of the table that holds it,
/// the first of several.
pub(crate) fn max_bags(
    table: &[f32],
    width: usize,
    entries: &[Entry],
    bags: &[Range<usize>],
) -> (Vec<f32>, Vec<u32>) {
    let mut best = vec![NONE; bags.len() * width];
    let best_rows = Shared::over(&mut best);
    let fill = |y: Shared<'_, f32>| {
        let step = rows_per_task(width).div_ceil(8);
        each(bags.len(), step, entries.len() * width, |_, range| {
            for bag in range {
                // SAFETY: one bag is one task's.
                let y = unsafe { y.part(bag * width, width) };
                // SAFETY: as above.
                let best = unsafe { best_rows.part(bag * width, width) };
                y.fill(0.0);
                for entry in &entries[bags[bag].clone()] {
                    let row = &table[entry.row as usize * width..][..width];
                    max_row(y, best, row, entry.row);
                }
            }
        });
    };
    // SAFETY: the ranges cover all bags.
    let y = unsafe { output(bags.len() * width, fill) };
    (y, best)
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn max_row(y: &mut [f32], best: &mut [u32], row: &[f32], index: u32) {
    for ((y, best), v) in y.iter_mut().zip(best).zip(row) {
        let better = *best == NONE || *v > *y;
        *y = if better { *v } else { *y };
        *best = if better { index } else { *best };
    }
}

/// Columns that a task of [`scatter_max`] takes: a cache line, so that tasks share none.
const COLUMNS: usize = 16;

/// The gradient of the table through [`max_bags`]: each `dy` goes to the row that was best.
pub(crate) fn scatter_max(dy: &[f32], rows: usize, width: usize, best: &[u32]) -> Vec<f32> {
    let mut dtable = vec![0.0; rows * width];
    let out = Shared::over(&mut dtable);
    each(width, COLUMNS, dy.len(), |_, columns| {
        for (dy, best) in dy.chunks_exact(width).zip(best.chunks_exact(width)) {
            for column in columns.clone() {
                if best[column] != NONE {
                    // SAFETY: one column is one task's.
                    let sum = unsafe { out.part(best[column] as usize * width + column, 1) };
                    sum[0] += dy[column];
                }
            }
        }
    });
    dtable
}
