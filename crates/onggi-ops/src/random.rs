//! The key of a counter-based draw.

/// Names one stream of random numbers: draw `i` of a stream is a function of `(seed, stream, i)`
/// alone, so it depends neither on the thread that computes it nor on what was drawn before.
///
/// The generator is Philox4x32-7: `seed` is its key, `stream` the upper half of its counter.
///
/// # Reference
/// Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Seed of the run.
    pub seed: u64,
    /// Number of the stream inside the run.
    pub stream: u64,
}
