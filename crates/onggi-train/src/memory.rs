//! How much memory the process takes, and how many samples may be held at once.

use crate::TrainError;
use std::fs;
use std::io;

/// Fewest samples of a pass: batch normalisation cannot learn from one.
const LEAST: usize = 2;

/// Starts a new measurement of the peak. Where the system refuses, the peak is the one since the
/// process began, and estimates are too high rather than too low.
pub(crate) fn reset_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Most bytes that the process has held in memory since [`reset_peak`].
pub(crate) fn peak() -> Result<u64, TrainError> {
    let figures = || -> io::Result<u64> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kib.map(|kib| kib << 10)
            .ok_or_else(|| io::Error::other("it has no line VmHWM"))
    };
    figures().map_err(|source| TrainError::NoMemoryFigures { source })
}

/// What a training step was measured to take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimate {
    /// Samples of the larger trial.
    pub(crate) samples: usize,
    /// Bytes of the process in the larger trial, with what is yet to be allocated.
    pub(crate) bytes: u64,
    /// Bytes a sample.
    pub(crate) sample: u64,
}

impl Estimate {
    /// Bytes of the process in a pass over `samples`: a line through the two trials.
    fn of(&self, samples: usize) -> u64 {
        let bytes = i128::from(self.bytes)
            + (samples as i128 - self.samples as i128) * i128::from(self.sample);
        bytes.max(0) as u64
    }

    /// Into how many passes a batch is to be cut, by halving, so that each stays below `limit` bytes.
    pub(crate) fn chunks(&self, batch: usize, limit: u64) -> Result<usize, TrainError> {
        let mut chunks = 1;
        loop {
            let samples = batch.div_ceil(chunks);
            let needed = self.of(samples);
            if needed <= limit {
                return Ok(chunks);
            }
            if batch / (2 * chunks) < LEAST {
                let mb = |bytes: u64| bytes.div_ceil(1_000_000);
                return Err(TrainError::Memory {
                    batch: samples,
                    needed: mb(needed),
                    limit: mb(limit),
                });
            }
            chunks *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_until_it_fits() {
        let estimate = Estimate {
            samples: 16,
            bytes: 1_160,
            sample: 10,
        };
        // 1,000 bytes and 10 a sample.
        for (limit, chunks) in [(1_320, 1), (1_319, 2), (1_160, 2), (1_159, 4), (1_020, 16)] {
            assert_eq!(estimate.chunks(32, limit).unwrap(), chunks, "{limit}");
        }
        let error = estimate.chunks(32, 1_019).unwrap_err().to_string();
        assert!(error.contains("a step of 2 samples"), "{error}");
        // An odd batch is cut so that no pass has a single sample.
        assert_eq!(estimate.chunks(33, 1_050).unwrap(), 8);
        assert!(estimate.chunks(5, 1_020).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_sees_an_allocation() {
        reset_peak();
        let before = peak().unwrap();
        let held = vec![1_u8; 64 << 20];
        let after = peak().unwrap();
        assert!(after >= before + (50 << 20), "{before} {after}");
        drop(held);
    }
}
