//! How often a checkpoint is written.

use std::time::{Duration, Instant};

/// When checkpoints are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckpointEvery {
    /// At the end of a step or an epoch, once 50 times as long has passed as the last one took, and
    /// at least a second: writing takes less than 2 % of the time.
    #[default]
    Auto,
    /// Every so many steps, and after each epoch.
    Steps(u64),
}

/// Quotient of the time between two checkpoints and the time that one takes.
const SHARE: u32 = 50;

/// Shortest time between two checkpoints that are written by the clock.
const LEAST: Duration = Duration::from_secs(1);

/// The clock of [`CheckpointEvery`]; it decides when, never what, so a run's result does not depend
/// on it.
#[derive(Debug)]
pub(super) struct Cadence {
    every: CheckpointEvery,
    last: Instant,
    pause: Duration,
}

impl Cadence {
    pub(super) fn new(every: CheckpointEvery) -> Self {
        Self {
            every,
            last: Instant::now(),
            pause: LEAST,
        }
    }

    /// Whether a checkpoint is due after optimiser step `step`.
    pub(super) fn due(&self, step: u64, epoch_ends: bool) -> bool {
        match self.every {
            CheckpointEvery::Auto => self.last.elapsed() >= self.pause,
            CheckpointEvery::Steps(n) => epoch_ends || step.is_multiple_of(n.max(1)),
        }
    }

    /// Takes note of a checkpoint that was begun at `start` and is written now.
    pub(super) fn written(&mut self, start: Instant) {
        self.last = Instant::now();
        self.pause = LEAST.max((self.last - start) * SHARE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_steps_and_at_the_end_of_an_epoch() {
        let cadence = Cadence::new(CheckpointEvery::Steps(3));
        let due: Vec<_> = (1..=6).filter(|&step| cadence.due(step, false)).collect();
        assert_eq!(due, [3, 6]);
        assert!(cadence.due(4, true));
    }

    #[test]
    fn by_the_clock_a_slow_disk_is_written_to_less_often() {
        let mut cadence = Cadence::new(CheckpointEvery::Auto);
        assert!(!cadence.due(1, true), "not within the first second");
        let Some(begun) = Instant::now().checked_sub(Duration::from_secs(3)) else {
            return; // the machine has just been started
        };
        cadence.written(begun);
        assert!(cadence.pause >= Duration::from_secs(150));
        cadence.pause = Duration::ZERO;
        assert!(cadence.due(1, false));
    }
}
