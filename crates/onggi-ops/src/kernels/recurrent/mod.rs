//! Recurrent layers over whole sequences: one layer in one direction.
//!
//! The batch is cut into parts of at most [`PART`] sequences, by the size of the batch alone. A part
//! goes through all steps by itself, so threads do not wait for each other at each step; a step is
//! one product with the packed `w_hh`, which is packed once, and the cell's arithmetic on what the
//! product left in the cache. The input's product goes before it, a few steps at a time. Gradients
//! of weights are one product over all steps of all parts, cut by rows of the weight. Every sum has
//! a fixed order: the result is the same to the bit at any number of threads.
//!
//! Limited by the products: 32 sequences of 64 steps, 128 inputs and 256 units reach 94 GFLOP/s as
//! LSTM and 95 as GRU, of the 100 that a product alone does (one core of Zen 4, 2026-11-24).
//!
//! Sequences of different lengths run side by side: a sequence that is over, or in reverse has not
//! begun, keeps its state.

mod backward;
mod cells;
mod forward;
mod product;

pub(crate) use backward::{Wanted, backward};
pub(crate) use cells::{Gru, Lstm, Rnn};
pub(crate) use forward::forward;

use super::simd::Isa;
use rayon::prelude::*;
use std::fmt::Debug;

/// Sequences of a part: enough to do some 8 multiplications for each byte of `w_hh` that a step
/// reads.
const PART: usize = 16;

/// Rows (sequences times steps) whose product with `w_ih` is taken at once.
const ROWS: usize = 96;

/// Multiplications below which a pass stays on one thread: what one core does while another wakes.
const PARALLEL_WORK: usize = 256 * 1024;

/// Sizes of a layer and of its input.
#[derive(Clone, Debug)]
pub(crate) struct Sequences {
    /// Steps.
    pub(crate) steps: usize,
    /// Sequences of the batch.
    pub(crate) batch: usize,
    /// Values of an input.
    pub(crate) input: usize,
    /// Values of a state.
    pub(crate) hidden: usize,
    /// Whether the last step comes first.
    pub(crate) reverse: bool,
    /// Steps of each sequence, if they differ.
    pub(crate) lengths: Option<Vec<usize>>,
}

impl Sequences {
    /// Values of the states of one step.
    fn state(&self) -> usize {
        self.batch * self.hidden
    }

    /// Values of all states, the initial one among them.
    pub(crate) fn states(&self) -> usize {
        (self.steps + 1) * self.state()
    }

    /// The places among the `steps + 1` states before and after the step of time `t`.
    fn places(&self, t: usize) -> [usize; 2] {
        if self.reverse { [t + 1, t] } else { [t, t + 1] }
    }

    /// The places of the initial and of the final state.
    pub(crate) fn ends(&self) -> [usize; 2] {
        if self.reverse {
            [self.steps, 0]
        } else {
            [0, self.steps]
        }
    }

    fn runs(&self, t: usize, sequence: usize) -> bool {
        (self.lengths.as_ref()).is_none_or(|lengths| t < lengths[sequence])
    }

    /// Calls `task` with the first sequence and the size of each part.
    fn parts(&self, gates: usize, task: impl Fn(usize, usize) + Sync + Send) {
        let size = self.batch.div_ceil(self.batch.div_ceil(PART).max(1)).max(1);
        let parts = self.batch.div_ceil(size);
        let task = |part: usize| task(part * size, size.min(self.batch - part * size));
        let work = self.steps * self.batch * gates * (self.input + self.hidden);
        if parts < 2 || work < PARALLEL_WORK {
            (0..parts).for_each(task);
        } else {
            (0..parts).into_par_iter().with_max_len(1).for_each(task);
        }
    }

    /// Blocks of steps, in the order of the times, which a part of `rows` sequences takes at once.
    fn blocks(&self, rows: usize) -> Vec<std::ops::Range<usize>> {
        let size = (ROWS / rows.max(1)).max(1);
        let block = |first: usize| first..(first + size).min(self.steps);
        (0..self.steps).step_by(size).map(block).collect()
    }
}

/// Gates that follow each other in a row of gates as in the weights they are sums of.
#[derive(Clone, Copy)]
pub(crate) struct Gates {
    /// The first one's place in the row.
    at: usize,
    /// How many.
    count: usize,
    /// The first one's place in `w_ih`, if they are sums over the input.
    ih: Option<usize>,
    /// The first one's place in `w_hh`, if they are sums over the state.
    hh: Option<usize>,
}

impl Gates {
    /// Their values in a row, or their biases, from the gate `first` on.
    fn of(&self, first: usize, hidden: usize) -> std::ops::Range<usize> {
        first * hidden..(first + self.count) * hidden
    }

    /// Their rows in `w_hh (gates · hidden, hidden)`.
    fn in_w_hh(&self, hidden: usize) -> Option<std::ops::Range<usize>> {
        let of = self.of(self.hh?, hidden);
        Some(of.start * hidden..of.end * hidden)
    }
}

/// The arithmetic of a cell. A row of gates has [`WIDTH`](Self::WIDTH) · `hidden` values; the first
/// [`INPUTS`](Self::INPUTS) · `hidden` of them are sums over the input.
pub(crate) trait Cell: Copy + Debug + Send + Sync + 'static {
    /// Gates of the weights.
    const INPUTS: usize;
    /// Gates of a row. A cell with one keeps it in the state.
    const WIDTH: usize;
    /// What a row consists of.
    const GATES: &'static [Gates];
    /// Whether there is a memory beside the state.
    const MEMORY: bool;

    /// Makes a row of sums to activated gates, and writes the memory `c` and the state `h` after the
    /// step. For a cell with one gate `h` holds the sums.
    fn forward(
        self,
        isa: Isa,
        gates: &mut [f32],
        before: [&[f32]; 2],
        h: &mut [f32],
        c: &mut [f32],
    );

    /// Makes a row of activated gates to the gradients of the sums, from the gradients `dh` and `dc`
    /// of the state and the memory; leaves in them what passes to the step before without a product.
    fn backward(
        self,
        isa: Isa,
        gates: &mut [f32],
        before: [&[f32]; 2],
        after: [&[f32]; 2],
        dh: &mut [f32],
        dc: &mut [f32],
    );
}

/// Parameters of a layer.
#[derive(Clone, Copy)]
pub(crate) struct Parameters<'a> {
    /// `(INPUTS · hidden, input)`.
    pub(crate) w_ih: &'a [f32],
    /// `(INPUTS · hidden, hidden)`.
    pub(crate) w_hh: &'a [f32],
    /// `b_ih` and `b_hh`, `(INPUTS · hidden)` each.
    pub(crate) bias: Option<[&'a [f32]; 2]>,
}
