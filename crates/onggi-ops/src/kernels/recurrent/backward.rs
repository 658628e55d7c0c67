//! All steps backward, and the gradients of the weights after them.

use super::super::simd::Isa;
use super::product::{Packed, Rows, Start, UNITS, multiply, transposed};
use super::{Cell, PARALLEL_WORK, Parameters, Sequences};
use crate::kernels::{PARALLEL_FROM, Shared, output};
use rayon::prelude::*;

/// What [`backward`] returns; what nobody wanted is empty.
pub(crate) struct Gradients {
    pub(crate) dx: Vec<f32>,
    pub(crate) dh0: Vec<f32>,
    pub(crate) dc0: Vec<f32>,
    pub(crate) dw_ih: Vec<f32>,
    pub(crate) dw_hh: Vec<f32>,
    pub(crate) db_ih: Vec<f32>,
    pub(crate) db_hh: Vec<f32>,
}

/// Which gradients are wanted beside those of the states.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) x: bool,
    pub(crate) w_ih: bool,
    pub(crate) w_hh: bool,
}

/// Gradients through `dy`, which lies as `Run::output`, from the states,
/// gates and memories of the run. The gates are overwritten.
pub(crate) fn backward<C: Cell>(
    cell: C,
    s: &Sequences,
    x: &[f32],
    parameters: Parameters<'_>,
    (states, gates, memories): (&[f32], Vec<f32>, &[f32]),
    dy: &[f32],
    wanted: Wanted,
) -> Gradients {
    let (isa, hidden, state) = (Isa::detect(), s.hidden, s.state());
    let width = C::WIDTH * hidden;
    let w_ih = (wanted.x).then(|| Packed::of_rows(isa, parameters.w_ih, s.input));
    let w_hh = C::GATES.iter().filter_map(|gates| {
        let rows = &parameters.w_hh[gates.in_w_hh(hidden)?];
        Some((gates, Packed::of_rows(isa, rows, hidden)))
    });
    let w_hh: Vec<_> = w_hh.collect();
    let w_ih = w_ih.as_ref();
    let zeros = vec![0.0; s.input];
    let [initial, _] = s.ends();

    let pass = |dx: Shared<'_, f32>,
                dh0: Shared<'_, f32>,
                dc0: Shared<'_, f32>,
                dgates: Shared<'_, f32>| {
        s.parts(width, |first, rows| {
            let len = rows * hidden;
            let at = |place: usize| place * state + first * hidden;
            let mut dh = vec![0.0; len];
            let mut dc = if C::MEMORY {
                dy[s.states() + first * hidden..][..len].to_vec()
            } else {
                Vec::new()
            };
            let mut blocks = s.blocks(rows);
            if !s.reverse {
                blocks.reverse();
            }
            for block in blocks {
                let mut step = |t: usize| {
                    let [before, after] = s.places(t);
                    for row in 0..rows {
                        let of = |values, place: usize| -> &[f32] {
                            &(values as &[f32])[at(place) + row * hidden..][..hidden]
                        };
                        let dh = &mut dh[row * hidden..][..hidden];
                        for (dh, dy) in dh.iter_mut().zip(of(dy, after)) {
                            *dh += dy;
                        }
                        let line = t * s.batch + first + row;
                        // SAFETY: a row of this part, at one time.
                        let dgates = unsafe { dgates.part(line * width, width) };
                        if !s.runs(t, first + row) {
                            dgates.fill(0.0);
                            continue;
                        }
                        let (dc, memory): (&mut [f32], [&[f32]; 2]) = if C::MEMORY {
                            (
                                &mut dc[row * hidden..][..hidden],
                                [of(memories, before), of(memories, after)],
                            )
                        } else {
                            (&mut [], [&[], &[]])
                        };
                        let before = [of(states, before), memory[0]];
                        let after = [of(states, after), memory[1]];
                        cell.backward(isa, dgates, before, after, dh, dc);
                    }
                    // SAFETY: the rows that the loop above wrote; `dh` is this part's own.
                    unsafe {
                        let sums = dgates.part((t * s.batch + first) * width, rows * width);
                        for (gates, w_hh) in &w_hh {
                            let a = Rows {
                                start: sums.as_ptr().add(gates.at * hidden),
                                block: 0,
                                row: width,
                            };
                            let c = Rows {
                                start: dh.as_mut_ptr(),
                                block: 0,
                                row: hidden,
                            };
                            multiply([1, rows], a, w_hh, c, Start::Add);
                        }
                    }
                };
                if s.reverse {
                    block.clone().for_each(&mut step);
                } else {
                    block.clone().rev().for_each(&mut step);
                }
                if let Some(w_ih) = w_ih {
                    let line = block.start * s.batch + first;
                    let at = |buffer: &Shared<'_, f32>, row: usize| Rows {
                        start: buffer.rows(line * row, [block.len(), s.batch * row, rows * row]),
                        block: s.batch * row,
                        row,
                    };
                    let (a, c) = (at(&dgates, width), at(&dx, s.input));
                    let a = Rows {
                        start: a.start.cast_const(),
                        block: a.block,
                        row: a.row,
                    };
                    // SAFETY: rows of this part, at the times of the block, which no one else has.
                    unsafe { multiply([block.len(), rows], a, w_ih, c, Start::Row(&zeros)) };
                }
            }
            for (dh, dy) in dh.iter_mut().zip(&dy[at(initial)..]) {
                *dh += dy;
            }
            // SAFETY: rows of this part.
            unsafe {
                dh0.part(first * hidden, len).copy_from_slice(&dh);
                if C::MEMORY {
                    dc0.part(first * hidden, len).copy_from_slice(&dc);
                }
            }
        });
    };
    let dx_len = if wanted.x { x.len() } else { 0 };
    let dc_len = if C::MEMORY { state } else { 0 };
    let (mut dh0, mut dc0) = (Vec::new(), Vec::new());
    let dx;
    let mut dgates = if C::WIDTH == 1 {
        vec![0.0; s.steps * state]
    } else {
        gates
    };
    let len = dgates.len();
    assert_eq!(len, s.steps * s.batch * width);
    // Its values stay where they are, to be taken in parts.
    dgates.clear();
    let in_place = Shared::new(&mut dgates.spare_capacity_mut()[..len]);
    // SAFETY: the parts cover the batch, and write all times of theirs.
    unsafe {
        dx = output(dx_len, |dx| {
            dh0 = output(state, |dh0| {
                dc0 = output(dc_len, |dc0| pass(dx, dh0, dc0, in_place));
            });
        });
        dgates.set_len(len);
    }
    let [dw_ih, dw_hh] = weight_gradients::<C>(isa, &dgates, s, x, states, wanted);
    let [db_ih, db_hh] = match parameters.bias {
        Some(_) => bias_gradients::<C>(&dgates, hidden),
        None => [Vec::new(), Vec::new()],
    };
    Gradients {
        dx,
        dh0,
        dc0,
        dw_ih,
        dw_hh,
        db_ih,
        db_hh,
    }
}

/// `Σ dgates · x` and `Σ dgates · h`, with `h` the state before the step.
fn weight_gradients<C: Cell>(
    isa: Isa,
    dgates: &[f32],
    s: &Sequences,
    x: &[f32],
    states: &[f32],
    wanted: Wanted,
) -> [Vec<f32>; 2] {
    let (hidden, width) = (s.hidden, C::WIDTH * s.hidden);
    let first = if s.reverse { s.state() } else { 0 };
    let before = &states[first..][..s.steps * s.state()];
    let sides = [(wanted.w_ih, x, s.input), (wanted.w_hh, before, hidden)];
    let packed = sides.map(|(wanted, b, columns)| wanted.then(|| Packed::of_rows(isa, b, columns)));
    let tasks = C::GATES.iter().flat_map(|gates| {
        let len = gates.count * hidden;
        (0..len).step_by(UNITS).map(move |unit| {
            let place = |gate: usize| gate * hidden + unit;
            let rows = [gates.ih.map(place), gates.hh.map(place)];
            (place(gates.at), rows, UNITS.min(len - unit))
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let run = |dw: [Shared<'_, f32>; 2]| {
        let task = |&(at, rows, units): &(usize, [Option<usize>; 2], usize)| {
            let mut products = Vec::new();
            for side in 0..2 {
                if let (Some(row), Some(b)) = (rows[side], &packed[side]) {
                    let columns = sides[side].2;
                    // SAFETY: each row is in one task.
                    let dw = unsafe { dw[side].part(row * columns, units * columns) };
                    products.push((b, dw));
                }
            }
            transposed(
                isa,
                units,
                dgates.get(at..).unwrap_or(&[]),
                width,
                &mut products,
            );
        };
        if dgates.len() * (s.input + hidden) < PARALLEL_WORK {
            tasks.iter().for_each(task);
        } else {
            tasks.par_iter().with_max_len(1).for_each(task);
        }
    };
    let lens = sides.map(|(wanted, _, columns)| usize::from(wanted) * C::INPUTS * hidden * columns);
    let mut dw_hh = Vec::new();
    // SAFETY: the tasks cover all rows of both.
    let dw_ih = unsafe {
        output(lens[0], |dw_ih| {
            dw_hh = output(lens[1], |dw_hh| run([dw_ih, dw_hh]));
        })
    };
    [dw_ih, dw_hh]
}

/// Sums of `dgates` over all rows.
fn bias_gradients<C: Cell>(dgates: &[f32], hidden: usize) -> [Vec<f32>; 2] {
    /// Rows summed up by themselves, which keeps rounding errors small.
    const BLOCK: usize = 64;
    let width = C::WIDTH * hidden;
    let block = |rows: &[f32]| {
        let mut sums = vec![0.0; width];
        for row in rows.chunks_exact(width) {
            sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
        }
        sums
    };
    let blocks: Vec<_> = if dgates.len() < PARALLEL_FROM {
        dgates.chunks(BLOCK * width).map(block).collect()
    } else {
        dgates.par_chunks(BLOCK * width).map(block).collect()
    };
    let mut sums = vec![0.0f32; width];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, v)| *sum += v);
    }
    let mut db = [0, 1].map(|_| vec![0.0; C::INPUTS * hidden]);
    for gates in C::GATES {
        for (db, first) in db.iter_mut().zip([gates.ih, gates.hh]) {
            if let Some(first) = first {
                db[gates.of(first, hidden)].copy_from_slice(&sums[gates.of(gates.at, hidden)]);
            }
        }
    }
    db
}
