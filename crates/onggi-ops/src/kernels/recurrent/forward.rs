//! All steps forward.

use super::super::simd::Isa;
use super::product::{Packed, Rows, Start, multiply};
use super::{Cell, Parameters, Sequences};
use crate::kernels::{Shared, output};

/// What [`forward`] returns.
pub(crate) struct Run {
    /// States `(steps + 1, batch, hidden)` in the order of the times, and with a memory its last
    /// value `(batch, hidden)`.
    pub(crate) output: Vec<f32>,
    /// Activated gates `(steps, batch, WIDTH · hidden)`; those of a resting sequence mean nothing.
    /// Empty for a cell whose gate is its state.
    pub(crate) gates: Vec<f32>,
    /// Memories, as the states.
    pub(crate) memories: Vec<f32>,
}

/// All steps from the state `h0` and the memory `c0`, empty for a cell without one.
pub(crate) fn forward<C: Cell>(
    cell: C,
    s: &Sequences,
    x: &[f32],
    [h0, c0]: [&[f32]; 2],
    parameters: Parameters<'_>,
) -> Run {
    let (isa, hidden, state) = (Isa::detect(), s.hidden, s.state());
    assert_eq!(x.len(), s.steps * s.batch * s.input);
    assert_eq!(parameters.w_ih.len(), C::INPUTS * hidden * s.input);
    assert_eq!(parameters.w_hh.len(), C::INPUTS * hidden * hidden);
    let width = C::WIDTH * hidden;
    // What each row of sums starts from.
    let mut bias = vec![0.0; width];
    if let Some([b_ih, b_hh]) = parameters.bias {
        for gates in C::GATES {
            let to = &mut bias[gates.of(gates.at, hidden)];
            for (first, from) in [(gates.ih, b_ih), (gates.hh, b_hh)] {
                let from = first.map_or(&[][..], |first| &from[gates.of(first, hidden)]);
                to.iter_mut().zip(from).for_each(|(to, b)| *to += b);
            }
        }
    }
    let w_ih = Packed::of_columns(isa, parameters.w_ih, s.input);
    let w_hh = C::GATES.iter().filter_map(|gates| {
        let rows = &parameters.w_hh[gates.in_w_hh(hidden)?];
        Some((gates, Packed::of_columns(isa, rows, hidden)))
    });
    let w_hh: Vec<_> = w_hh.collect();
    let in_state = C::WIDTH == 1;
    let gates_len = if in_state {
        0
    } else {
        s.steps * s.batch * width
    };
    let (memories_len, last_len) = if C::MEMORY {
        (s.states(), state)
    } else {
        (0, 0)
    };

    let run = |states: Shared<'_, f32>, gates: Shared<'_, f32>, memories: Shared<'_, f32>| {
        s.parts(width, |first, rows| {
            // Rows of the part at a place of the states or at a time of the gates.
            let len = rows * hidden;
            let at = |place: usize| place * state + first * hidden;
            // Where the rows of sums of `times` times lie, from the time `t` on.
            let apart = if in_state { state } else { s.batch * width };
            let sums_at = |t: usize, times: usize| {
                let (buffer, start) = if in_state {
                    (&states, at(s.places(t)[1]))
                } else {
                    (&gates, (t * s.batch + first) * width)
                };
                buffer.rows(start, [times, apart, rows * width])
            };
            let [initial, last] = s.ends();
            // SAFETY: here and below: rows of this part alone, at one place or time, none of which
            // lives on when the same are taken again.
            unsafe {
                states
                    .part(at(initial), len)
                    .copy_from_slice(&h0[first * hidden..][..len]);
                if C::MEMORY {
                    let memory = memories.part(at(initial), len);
                    memory.copy_from_slice(&c0[first * hidden..][..len]);
                }
            }
            let mut blocks = s.blocks(rows);
            if s.reverse {
                blocks.reverse();
            }
            for block in blocks {
                let c = Rows {
                    start: sums_at(block.start, block.len()),
                    block: apart,
                    row: width,
                };
                let a = Rows {
                    start: x[(block.start * s.batch + first) * s.input..].as_ptr(),
                    block: s.batch * s.input,
                    row: s.input,
                };
                let start = Start::Row(&bias[..C::INPUTS * hidden]);
                // SAFETY: `rows` rows of each time of the block.
                unsafe { multiply([block.len(), rows], a, &w_ih, c, start) };
                let mut step = |t: usize| {
                    let [before, after] = s.places(t);
                    let sums = sums_at(t, 1);
                    // SAFETY: as said: the state before, the state after and the gates do not
                    // overlap, but for a gate in the state, which `sums` writes before the state
                    // is taken.
                    unsafe {
                        let h_before = &*states.part(at(before), len);
                        for (gates, w_hh) in &w_hh {
                            let a = Rows {
                                start: h_before.as_ptr(),
                                block: 0,
                                row: hidden,
                            };
                            let c = Rows {
                                start: sums.add(gates.at * hidden),
                                block: 0,
                                row: width,
                            };
                            let start = match gates.ih {
                                Some(_) => Start::Add,
                                None => Start::Row(&bias[gates.of(gates.at, hidden)]),
                            };
                            multiply([1, rows], a, w_hh, c, start);
                        }
                        for row in 0..rows {
                            let offset = |place: usize| at(place) + row * hidden;
                            let h_before = &*states.part(offset(before), hidden);
                            let h = states.part(offset(after), hidden);
                            let (c_before, c): (&[f32], &mut [f32]) = if C::MEMORY {
                                let before = memories.part(offset(before), hidden);
                                (before, memories.part(offset(after), hidden))
                            } else {
                                (&[], &mut [])
                            };
                            if !s.runs(t, first + row) {
                                h.copy_from_slice(h_before);
                                c.copy_from_slice(c_before);
                                continue;
                            }
                            let gates: &mut [f32] = if in_state {
                                &mut []
                            } else {
                                gates.part((t * s.batch + first + row) * width, width)
                            };
                            cell.forward(isa, gates, [h_before, c_before], h, c);
                        }
                    }
                };
                if s.reverse {
                    block.rev().for_each(&mut step);
                } else {
                    block.for_each(&mut step);
                }
            }
            if C::MEMORY {
                // SAFETY: as said.
                unsafe {
                    let to = states.part(s.states() + first * hidden, len);
                    to.copy_from_slice(memories.part(at(last), len));
                }
            }
        });
    };
    let (mut gates, mut memories) = (Vec::new(), Vec::new());
    // SAFETY: the parts cover the batch, and write all places and times of theirs.
    let output = unsafe {
        output(s.states() + last_len, |states| {
            gates = output(gates_len, |gates| {
                memories = output(memories_len, |memories| run(states, gates, memories));
            });
        })
    };
    Run {
        output,
        gates,
        memories,
    }
}
