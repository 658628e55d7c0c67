//! Products with a matrix that is packed once for many of them.
//!
//! The inner loop holds a tile of sums in registers, 6 × 16 with AVX2, and takes one line of the
//! packed matrix and one value of each row of the other a step: 12 fused multiplications and
//! additions on 8 loads. A sum runs over its terms in order, whatever its place in the matrix.

// Kernels index several arrays by one lane: loops over the index are what the compiler vectorises.
#![allow(clippy::needless_range_loop)]

use super::super::simd::{Isa, Register, dispatch};

/// Terms of a sum taken at a time: with AVX2 so many lines of a panel are 16 KB, half of L1.
const BLOCK: usize = 256;

/// Rows of a tile where fewer than a tile's are left: eight sums, what keeps AVX2 busy.
const FEW: usize = 4;

/// Rows of a weight gradient that one task computes: a multiple of every tile's rows.
pub(super) const UNITS: usize = 96;

/// Columns of a product's tile: two registers.
fn columns(isa: Isa) -> usize {
    2 * isa.lanes()
}

/// A matrix `B (depth, width)` by panels of [`columns`] columns, the last filled up with
/// zeros: `(panels, depth, columns)`.
pub(super) struct Packed {
    values: Vec<f32>,
    depth: usize,
    width: usize,
    isa: Isa,
}

impl Packed {
    /// Of `B` row by row, `width` values each.
    pub(super) fn of_rows(isa: Isa, b: &[f32], width: usize) -> Self {
        let depth = b.len() / width;
        Self::new(isa, depth, width, |panel, first, count| {
            for (line, b) in panel.chunks_exact_mut(columns(isa)).zip(b.chunks(width)) {
                line[..count].copy_from_slice(&b[first..][..count]);
            }
        })
    }

    /// Of `B` column by column, `depth` values each.
    pub(super) fn of_columns(isa: Isa, b: &[f32], depth: usize) -> Self {
        /// A cache line of a column.
        const LINE: usize = 16;
        let columns = self::columns(isa);
        Self::new(isa, depth, b.len() / depth, |panel, first, count| {
            for start in (0..depth).step_by(LINE) {
                let len = LINE.min(depth - start);
                for column in 0..count {
                    let from = &b[(first + column) * depth + start..][..len];
                    for (k, v) in from.iter().enumerate() {
                        panel[(start + k) * columns + column] = *v;
                    }
                }
            }
        })
    }

    /// `fill` writes the first `count` columns of a panel from the column `first`.
    fn new(isa: Isa, depth: usize, width: usize, fill: impl Fn(&mut [f32], usize, usize)) -> Self {
        let columns = self::columns(isa);
        let mut values = vec![0.0; width.div_ceil(columns) * depth * columns];
        for (panel, first) in values
            .chunks_mut((depth * columns).max(1))
            .zip((0..width).step_by(columns))
        {
            fill(panel, first, columns.min(width - first));
        }
        Self {
            values,
            depth,
            width,
            isa,
        }
    }
}

/// Rows of a matrix inside a larger one: `blocks` blocks, `block` elements apart, of rows that are
/// `row` elements apart.
#[derive(Clone, Copy)]
pub(super) struct Rows<P> {
    pub(super) start: P,
    pub(super) block: usize,
    pub(super) row: usize,
}

/// What the sums start from.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// What `C` holds.
    Add,
    /// The same values in each row of `C`.
    Row(&'a [f32]),
}

/// `C = start + A · B` for `blocks` blocks of `rows` rows.
///
/// # Safety
/// The rows of `a` and `c` must lie inside their allocations; nobody else may use those of `c` now,
/// and they must hold values where `start` reads them.
pub(super) unsafe fn multiply(
    [blocks, rows]: [usize; 2],
    a: Rows<*const f32>,
    b: &Packed,
    c: Rows<*mut f32>,
    start: Start<'_>,
) {
    if let Start::Row(row) = start {
        assert_eq!(row.len(), b.width);
    }
    // SAFETY: the caller's promise; `Isa::detect` has found the instructions.
    unsafe {
        dispatch!(
            b.isa,
            multiply_body::<8, 6>(
                blocks: usize,
                rows: usize,
                a: Rows<*const f32>,
                b: &Packed,
                c: Rows<*mut f32>,
                start: Start<'_>,
            )
        );
    }
}

/// # Safety
/// That of [`multiply`].
#[inline(always)]
unsafe fn multiply_body<V: Register, const M: usize>(
    blocks: usize,
    rows: usize,
    a: Rows<*const f32>,
    b: &Packed,
    c: Rows<*mut f32>,
    start: Start<'_>,
) {
    let columns = 2 * V::LEN;
    for (panel, first) in (0..b.width).step_by(columns).enumerate() {
        let width = columns.min(b.width - first);
        let mut row = match start {
            Start::Add => None,
            Start::Row(values) => Some(&values[first..][..width]),
        };
        for k in (0..b.depth).step_by(BLOCK) {
            let lines = &b.values[(panel * b.depth + k) * columns..];
            let lines = &lines[..BLOCK.min(b.depth - k) * columns];
            for block in 0..blocks {
                // As few tiles as possible, about equally high.
                let (tiles, mut done) = (rows.div_ceil(M), 0);
                for i in 0..tiles {
                    let count = (i + 1) * rows / tiles - done;
                    // SAFETY: the caller's promise for the rows of the block from `done`.
                    unsafe {
                        let from = (a.start.add(block * a.block + done * a.row + k), a.row);
                        let to = (c.start.add(block * c.block + done * c.row + first), c.row);
                        match count {
                            0..=FEW => tile::<V, FEW, 1>(count, from, lines, to, width, row),
                            5 => tile::<V, 5, 1>(count, from, lines, to, width, row),
                            _ => tile::<V, M, 1>(count, from, lines, to, width, row),
                        }
                    }
                    done += count;
                }
            }
            row = None;
        }
    }
}

/// Adds up `C (count, width)` of one tile: `C = start + A · lines`, where element `(i, k)` of `A` is
/// at `i · row + k · S`, and `C` starts from `row`, or from what it holds.
///
/// # Safety
/// `a` and `c` must be good for `count` rows, and those of `c` for nobody else; `C` must hold values
/// where there is no `row`.
#[inline(always)]
unsafe fn tile<V: Register, const M: usize, const S: usize>(
    count: usize,
    (a, a_row): (*const f32, usize),
    lines: &[f32],
    (c, c_row): (*mut f32, usize),
    width: usize,
    row: Option<&[f32]>,
) {
    let columns = 2 * V::LEN;
    // SAFETY: by the caller's promise; the buffer holds two registers of any set, and a line of
    // `lines` is two registers long.
    unsafe {
        // Past the last row the last one is computed again.
        let a: [*const f32; M] = std::array::from_fn(|i| a.add(i.min(count - 1) * a_row));
        let c: [*mut f32; M] = std::array::from_fn(|i| c.add(i.min(count - 1) * c_row));
        let mut buffer = [0f32; 32];
        let mut sums = [[V::splat(0.0); 2]; M];
        if let Some(row) = row {
            buffer[..width].copy_from_slice(row);
        }
        for i in 0..M {
            let mut from = c[i].cast_const();
            if row.is_some() || width < columns {
                if row.is_none() {
                    buffer.as_mut_ptr().copy_from(from, width);
                }
                from = buffer.as_ptr();
            }
            sums[i] = [V::load(from), V::load(from.add(V::LEN))];
        }
        let mut line = lines.as_ptr();
        for k in 0..lines.len() / columns {
            let b = [V::load(line), V::load(line.add(V::LEN))];
            for i in 0..M {
                let v = V::splat(*a[i].add(k * S));
                sums[i] = [
                    sums[i][0].add_product(v, b[0]),
                    sums[i][1].add_product(v, b[1]),
                ];
            }
            line = line.add(columns);
        }
        for i in 0..M {
            if width == columns {
                sums[i][0].store(c[i]);
                sums[i][1].store(c[i].add(V::LEN));
            } else {
                sums[i][0].store(buffer.as_mut_ptr());
                sums[i][1].store(buffer.as_mut_ptr().add(V::LEN));
                c[i].copy_from(buffer.as_ptr(), width);
            }
        }
    }
}

/// `C (units, width) = Aᵀ · B` for each of `products`, of `units` columns of `A` from the first
/// element of `a` on, whose rows are `a_row` apart. Each `C` is contiguous.
pub(super) fn transposed(
    isa: Isa,
    units: usize,
    a: &[f32],
    a_row: usize,
    products: &mut [(&Packed, &mut [f32])],
) {
    for (b, c) in &mut *products {
        assert!(units <= UNITS && c.len() == units * b.width && b.isa == isa);
        assert!(b.depth == 0 || a.len() >= (b.depth - 1) * a_row + units);
    }
    // SAFETY: all rows are inside by the assertions; `Isa::detect` has found the instructions.
    unsafe {
        dispatch!(
            isa,
            transposed_body::<8, 6>(
                units: usize,
                a: &[f32],
                a_row: usize,
                products: &mut [(&Packed, &mut [f32])],
            )
        );
    }
}

/// # Safety
/// The sizes must be those that [`transposed`] asserts.
#[inline(always)]
unsafe fn transposed_body<V: Register, const M: usize>(
    units: usize,
    a: &[f32],
    a_row: usize,
    products: &mut [(&Packed, &mut [f32])],
) {
    /// Rows that memory brings while others are packed: they are too far apart for the processor
    /// to see that they follow each other.
    const AHEAD: usize = 8;
    let columns = 2 * V::LEN;
    let tiles = units.div_ceil(M);
    let depth = products.iter().map(|(b, _)| b.depth).max().unwrap_or(0);
    let mut packed = vec![0.0; tiles * M * BLOCK.min(depth)];
    let zeros = [0.0; 32];
    let mut row = Some(&zeros[..]);
    if depth == 0 {
        products.iter_mut().for_each(|(_, c)| c.fill(0.0));
    }
    for k in (0..depth).step_by(BLOCK) {
        let block = BLOCK.min(depth - k);
        // `(tiles, block, M)`; past the last unit the last one again.
        for (line, from) in a[k * a_row..].chunks(a_row).take(block).enumerate() {
            if let Some(ahead) = a.get((k + line + AHEAD) * a_row..) {
                for v in ahead[..units.min(ahead.len())].chunks(16) {
                    prefetch(v);
                }
            }
            let from = &from[..units];
            for (tile, from) in from.chunks(M).enumerate() {
                let to = &mut packed[(tile * block + line) * M..][..M];
                match from.first_chunk::<M>() {
                    Some(from) => *to.first_chunk_mut::<M>().expect("M values") = *from,
                    None => {
                        to.fill(from[from.len() - 1]);
                        to[..from.len()].copy_from_slice(from);
                    }
                }
            }
        }
        for (b, c) in &mut *products {
            for (panel, first) in (0..b.width).step_by(columns).enumerate() {
                let width = columns.min(b.width - first);
                let lines = &b.values[(panel * depth + k) * columns..][..block * columns];
                for unit in (0..units).step_by(M) {
                    // SAFETY: `packed` holds the tile, `c` its rows.
                    unsafe {
                        tile::<V, M, M>(
                            M.min(units - unit),
                            (packed.as_ptr().add(unit * block), 1),
                            lines,
                            (c.as_mut_ptr().add(unit * b.width + first), b.width),
                            width,
                            row.map(|row| &row[..width]),
                        );
                    }
                }
            }
        }
        row = None;
    }
}

/// Asks for the cache line of the first value.
#[inline(always)]
fn prefetch(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which no address can make fail.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, random, values};

    /// With the instructions of this machine and with none in particular, on sizes that leave
    /// remainders of tiles and panels and fill several blocks of terms.
    #[test]
    fn products_are_the_sums() {
        for isa in [Isa::detect(), Isa::Plain] {
            for [m, n, k] in [
                [1, 1, 1],
                [6, 16, 3],
                [17, 37, 300],
                [96, 5, 520],
                [5, 32, 9],
            ] {
                let of = |len, seed| values(&random([len], seed));
                let (a, b, row) = (of(m * k, 1), of(k * n, 2), of(n, 3));
                let sum = |i: usize, j: usize| -> f64 {
                    let terms = (0..k).map(|t| f64::from(a[i * k + t]) * f64::from(b[t * n + j]));
                    terms.sum()
                };
                let sums =
                    (0..m * n).map(|at| (sum(at / n, at % n) + f64::from(row[at % n])) as f32);
                let sums: Vec<f32> = sums.collect();
                let columns: Vec<f32> = (0..n * k).map(|at| b[at % k * n + at / k]).collect();
                for b in [
                    Packed::of_rows(isa, &b, n),
                    Packed::of_columns(isa, &columns, k),
                ] {
                    let mut c = vec![f32::NAN; m * n];
                    let from = Rows {
                        start: a.as_ptr(),
                        block: 0,
                        row: k,
                    };
                    let to = Rows {
                        start: c.as_mut_ptr(),
                        block: 0,
                        row: n,
                    };
                    // SAFETY: `a` and `c` have `m` rows.
                    unsafe { multiply([1, m], from, &b, to, Start::Row(&row)) };
                    assert_close("multiply", &c, &sums, 1e-4);
                    let transpose: Vec<f32> = (0..k * m).map(|at| a[at % m * k + at / m]).collect();
                    transposed(isa, m, &transpose, m, &mut [(&b, &mut c)]);
                    c.iter_mut()
                        .zip(row.iter().cycle())
                        .for_each(|(c, v)| *c += v);
                    assert_close("transposed", &c, &sums, 1e-4);
                }
            }
        }
    }
}
