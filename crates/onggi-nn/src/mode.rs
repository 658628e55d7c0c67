//! Whether a forward pass trains, and the randomness it may use.

use onggi_ops::Key;
use std::cell::Cell;

/// Bits of a stream number that count the draws of one pass; the others hold the step.
const DRAW_BITS: u32 = 16;

/// Whether a forward pass trains or evaluates.
#[derive(Clone, Debug)]
pub enum Mode {
    /// No randomness; normalisation by running statistics.
    Eval,
    /// Dropout and its kin are on, normalisation uses the batch and updates running statistics.
    Train(Draws),
}

impl Mode {
    /// Training mode of optimiser step `step` in the run of `seed`.
    // Inlined, two modes of one step that were passed by value became one, whose draws went on in
    // the second: rust-lang/rust#155241, seen with 1.95.
    #[inline(never)]
    pub fn train(seed: u64, step: u64) -> Self {
        Self::Train(Draws {
            seed,
            step,
            next: Cell::new(0),
        })
    }
}

/// The streams of random numbers of one training pass: the `k`-th layer that draws gets the stream
/// `(seed, step, k)`, so a pass repeated with the same model draws the same.
#[derive(Clone, Debug)]
pub struct Draws {
    seed: u64,
    step: u64,
    next: Cell<u64>,
}

impl Draws {
    /// The key of the next stream.
    pub fn key(&self) -> Key {
        let draw = self.next.get();
        self.next.set(draw + 1);
        Key {
            seed: self.seed,
            stream: (self.step << DRAW_BITS) | (draw & ((1 << DRAW_BITS) - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_step_and_draw_and_repeat_by_seed() {
        let keys = |step| {
            let Mode::Train(draws) = Mode::train(9, step) else {
                unreachable!()
            };
            [draws.key(), draws.key()]
        };
        let (first, second) = (keys(4), keys(5));
        assert_eq!(first, keys(4));
        let streams: std::collections::HashSet<_> =
            first.iter().chain(&second).map(|key| key.stream).collect();
        assert_eq!(streams.len(), 4);
    }
}
