//! Batches, made ahead of time on worker threads.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use onggi_augment::Draw;

use crate::split::shuffle;
use crate::{DataError, Dataset, Mixed, View, affinity};

/// Index of the [`Draw`] that shuffles an epoch: one no sample has.
const ORDER_INDEX: u64 = u64::MAX;

/// Batches whose sequences are sorted by length together. More would leave less to chance: with the
/// whole epoch sorted the same texts meet in every epoch.
const BUCKET: usize = 16;

/// How a [`Loader`] makes its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Samples a batch, at least 1.
    pub batch_size: usize,
    /// Seed of the order, drawn anew every epoch; `None` keeps the data set's order.
    pub shuffle: Option<u64>,
    /// Whether samples that do not fill a batch are left out of the epoch.
    pub drop_last: bool,
    /// Worker threads, at least 1.
    pub workers: usize,
    /// Batches made ahead of the one last taken, at least 1.
    pub prefetch: usize,
}

/// Some samples side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Values of all samples, one after the other.
    pub x: Vec<f32>,
    /// `[N, …sample shape]`; of sequences `[N, L]`, with the longest sequence's `L`.
    pub shape: Vec<usize>,
    /// Labels, `N`.
    pub labels: Vec<usize>,
    /// What a regressor is to answer, `N`; empty where the data set has classes.
    pub targets: Vec<f32>,
    /// Positions in the data set, `N`.
    pub indices: Vec<usize>,
    /// The second labels, where [`Batch::mix`] mixed the samples.
    pub mixed: Option<Mixed>,
}

/// Makes batches of a data set on worker threads.
///
/// Batches come in order, and neither their order nor their content depends on the number of
/// workers. With `drop_last = false` the last batch of an epoch may be smaller. With shuffling on,
/// that is for training, a remainder of one sample is joined to the batch before it, because batch
/// normalisation cannot learn from a batch of one.
///
/// Sequences ([`Dataset::sequence_len`]) are padded to the longest of their batch and no further. With
/// shuffling on, those of like length lie together: of every 16 batches of the shuffled epoch the samples
/// are sorted by length and dealt out again, and all batches are then put in a random order. Samples that
/// do not fill a batch come last and are of any length.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// # use onggi_data::{DataError, Dataset, Loader, LoaderConfig, View};
/// # struct Points;
/// # impl Dataset for Points {
/// #     fn len(&self) -> usize { 10 }
/// #     fn sample_shape(&self) -> Vec<usize> { vec![1] }
/// #     fn label(&self, index: usize) -> usize { index % 2 }
/// #     fn num_classes(&self) -> usize { 2 }
/// #     fn source(&self, index: usize) -> String { format!("row {}", index + 1) }
/// #     fn load(&self, index: usize, _: View, out: &mut [f32]) -> Result<(), DataError> {
/// #         out[0] = index as f32;
/// #         Ok(())
/// #     }
/// # }
/// let config = LoaderConfig {
///     batch_size: 4,
///     shuffle: Some(42),
///     drop_last: false,
///     workers: 2,
///     prefetch: 2,
/// };
/// let loader = Loader::new(Arc::new(Points), config)?;
/// for batch in loader.epoch(0, View::Train { seed: 42, epoch: 0 }) {
///     let batch = batch?;
///     assert_eq!(batch.shape, [batch.labels.len(), 1]);
/// }
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone)]
pub struct Loader {
    dataset: Arc<dyn Dataset>,
    config: LoaderConfig,
}

impl Loader {
    /// Checks the settings and keeps them.
    ///
    /// # Errors
    /// [`DataError::LoaderSetting`] for a zero, [`DataError::EmptyDataset`], and
    /// [`DataError::NoBatch`] where `drop_last` would leave nothing.
    pub fn new(dataset: Arc<dyn Dataset>, config: LoaderConfig) -> Result<Self, DataError> {
        for (setting, value) in [
            ("batch_size", config.batch_size),
            ("workers", config.workers),
            ("prefetch", config.prefetch),
        ] {
            if value == 0 {
                return Err(DataError::LoaderSetting { setting });
            }
        }
        let samples = dataset.len();
        if samples == 0 {
            return Err(DataError::EmptyDataset);
        }
        if config.drop_last && samples < config.batch_size {
            return Err(DataError::NoBatch {
                samples,
                batch_size: config.batch_size,
            });
        }
        Ok(Self { dataset, config })
    }

    /// The data set.
    pub fn dataset(&self) -> &Arc<dyn Dataset> {
        &self.dataset
    }

    /// Batches an epoch, the same in every epoch.
    pub fn num_batches(&self) -> usize {
        self.bounds().len()
    }

    /// The samples in the order of `epoch`: a function of (shuffle seed, epoch), and of the lengths of
    /// sequences.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.dataset.len()).collect();
        if let Some(seed) = self.config.shuffle {
            let draw = &mut Draw::new(seed, epoch, ORDER_INDEX);
            shuffle(&mut order, draw);
            if self.dataset.sequence_len(0).is_some() {
                self.bucket(&mut order, draw);
            }
        }
        order
    }

    /// Brings sequences of like length together, in whole batches.
    fn bucket(&self, order: &mut [usize], draw: &mut Draw) {
        let size = self.config.batch_size;
        let whole = order.len() / size * size;
        for bucket in order[..whole].chunks_mut(size * BUCKET) {
            // Stable: samples of one length stay shuffled.
            bucket.sort_by_key(|&index| self.dataset.sequence_len(index));
        }
        let mut batches: Vec<Vec<usize>> =
            order[..whole].chunks(size).map(<[usize]>::to_vec).collect();
        shuffle(&mut batches, draw);
        order[..whole].copy_from_slice(&batches.concat());
    }

    /// Samples of each batch of an epoch.
    pub fn batch_lens(&self) -> Vec<usize> {
        self.bounds().iter().map(Range::len).collect()
    }

    /// Starts the workers on one epoch; `view` goes to [`Dataset::load`] as it is.
    ///
    /// The first error ends the epoch. Dropping the iterator stops the workers, each after the
    /// sample at hand.
    pub fn epoch(&self, epoch: u64, view: View) -> Epoch {
        self.epoch_from(epoch, view, 0)
    }

    /// As [`epoch`](Self::epoch), from batch `first` on: the same batches that the whole epoch would
    /// go on with, without making those before.
    pub fn epoch_from(&self, epoch: u64, view: View, first: usize) -> Epoch {
        let sample_shape = self.dataset.sample_shape();
        let bounds = self.bounds();
        let first = first.min(bounds.len());
        let work = Arc::new(Work {
            dataset: Arc::clone(&self.dataset),
            order: self.order(epoch),
            bounds,
            sample_len: sample_shape.iter().product(),
            sequences: self.dataset.sequence_len(0).is_some(),
            sample_shape,
            view,
            prefetch: self.config.prefetch,
            stopped: AtomicBool::new(false),
            state: Mutex::new(State {
                next: first,
                delivered: first,
                done: BTreeMap::new(),
            }),
            ready: Condvar::new(),
            room: Condvar::new(),
        });
        let mut workers = Vec::new();
        let left = work.bounds.len() - first;
        for _ in 0..self.config.workers.min(left) {
            let shared = Arc::clone(&work);
            match std::thread::Builder::new().spawn(move || {
                affinity::release();
                shared.run()
            }) {
                Ok(worker) => workers.push(worker),
                Err(source) if workers.is_empty() => {
                    work.lock()
                        .done
                        .insert(first, Err(DataError::Worker { source }));
                    break;
                }
                // Fewer workers than asked for give the same batches.
                Err(_) => break,
            }
        }
        Epoch {
            work,
            workers,
            finished: false,
        }
    }

    /// Where each batch begins and ends in the order.
    fn bounds(&self) -> Vec<Range<usize>> {
        let (n, size) = (self.dataset.len(), self.config.batch_size);
        let rest = n % size;
        let mut bounds: Vec<_> = (0..n / size).map(|i| i * size..(i + 1) * size).collect();
        match bounds.last_mut() {
            Some(last) if rest == 1 && self.config.shuffle.is_some() && !self.config.drop_last => {
                last.end = n;
            }
            _ if rest > 0 && !self.config.drop_last => bounds.push(n - rest..n),
            _ => {}
        }
        bounds
    }
}

/// The batches of one epoch, in order; made by [`Loader::epoch`].
pub struct Epoch {
    work: Arc<Work>,
    workers: Vec<JoinHandle<()>>,
    finished: bool,
}

impl Iterator for Epoch {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut state = self.work.lock();
        if self.finished || state.delivered == self.work.bounds.len() {
            return None;
        }
        loop {
            let wanted = state.delivered;
            if let Some(result) = state.done.remove(&wanted) {
                state.delivered += 1;
                drop(state);
                self.work.room.notify_all();
                self.finished = result.is_err();
                return Some(result);
            }
            state = self
                .work
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.work.bounds.len() - self.work.lock().delivered;
        (if self.finished { 0 } else { left.min(1) }, Some(left))
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        {
            // Under the lock, so that no worker misses it between looking and waiting.
            let _state = self.work.lock();
            self.work.stopped.store(true, Ordering::Relaxed);
        }
        self.work.room.notify_all();
        for worker in self.workers.drain(..) {
            // A worker's panic was caught and delivered as an error.
            let _ = worker.join();
        }
    }
}

/// Cuts the zeros that all rows of `len` values end in, but for one value; says how long rows are then.
fn cut_padding(x: &mut Vec<f32>, len: usize) -> usize {
    let len = len.max(1);
    let used = |row: &[f32]| {
        row.iter()
            .rposition(|&id| id != 0.0)
            .map_or(0, |last| last + 1)
    };
    let width = x.chunks_exact(len).map(used).max().unwrap_or(0).max(1);
    let rows = x.len() / len;
    for row in 1..rows {
        x.copy_within(row * len..row * len + width, row * width);
    }
    x.truncate(rows * width);
    width
}

/// What the workers of one epoch share.
struct Work {
    dataset: Arc<dyn Dataset>,
    order: Vec<usize>,
    bounds: Vec<Range<usize>>,
    sample_shape: Vec<usize>,
    sample_len: usize,
    /// Whether samples are sequences.
    sequences: bool,
    view: View,
    prefetch: usize,
    stopped: AtomicBool,
    state: Mutex<State>,
    /// A batch was finished.
    ready: Condvar,
    /// A batch was taken, or the epoch was dropped.
    room: Condvar,
}

struct State {
    /// The next batch to be claimed by a worker.
    next: usize,
    /// Batches taken by the consumer.
    delivered: usize,
    /// Finished and not taken.
    done: BTreeMap<usize, Result<Batch, DataError>>,
}

impl Work {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker: claims, fills and hands over batches until there are none left.
    fn run(&self) {
        while let Some(batch) = self.claim() {
            let mut index = None;
            let result = catch_unwind(AssertUnwindSafe(|| self.fill(batch, &mut index)))
                .unwrap_or_else(|panic| Err(self.panicked(index, &*panic)));
            self.lock().done.insert(batch, result);
            self.ready.notify_one();
        }
    }

    /// Waits until a batch may be made; `None` when all are, or when the epoch was dropped.
    fn claim(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if self.stopped.load(Ordering::Relaxed) || state.next == self.bounds.len() {
                return None;
            }
            if state.next < state.delivered + self.prefetch {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Loads the samples of a batch; `current` holds the one at hand.
    fn fill(&self, batch: usize, current: &mut Option<usize>) -> Result<Batch, DataError> {
        let indices = self.order[self.bounds[batch].clone()].to_vec();
        let mut x = vec![0.0; indices.len() * self.sample_len];
        let mut labels = Vec::with_capacity(indices.len());
        let mut targets = Vec::new();
        for (i, &index) in indices.iter().enumerate() {
            // A dropped epoch: nobody will look at this batch.
            if self.stopped.load(Ordering::Relaxed) {
                break;
            }
            *current = Some(index);
            let out = &mut x[i * self.sample_len..(i + 1) * self.sample_len];
            self.dataset.load(index, self.view, out)?;
            labels.push(self.dataset.label(index));
            targets.extend(self.dataset.target(index));
        }
        let mut shape = Vec::with_capacity(self.sample_shape.len() + 1);
        shape.push(indices.len());
        if self.sequences {
            let width = cut_padding(&mut x, self.sample_len);
            shape.push(width);
        } else {
            shape.extend_from_slice(&self.sample_shape);
        }
        Ok(Batch {
            x,
            shape,
            labels,
            targets,
            indices,
            mixed: None,
        })
    }

    fn panicked(&self, index: Option<usize>, panic: &(dyn Any + Send)) -> DataError {
        let message = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        DataError::WorkerPanic { index, message }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use onggi_augment::Draw;
    use proptest::prelude::*;
    use rand::RngExt;

    use super::*;

    /// Samples `[index, noise]`; fails or panics at chosen ones.
    #[derive(Default)]
    struct Numbers {
        n: usize,
        fails_at: Option<usize>,
        panics_at: Option<usize>,
        sleep: Duration,
    }

    impl Dataset for Numbers {
        fn len(&self) -> usize {
            self.n
        }
        fn sample_shape(&self) -> Vec<usize> {
            vec![2]
        }
        fn label(&self, index: usize) -> usize {
            index % 3
        }
        fn num_classes(&self) -> usize {
            3
        }
        fn source(&self, index: usize) -> String {
            format!("row {index}")
        }
        fn load(&self, index: usize, view: View, out: &mut [f32]) -> Result<(), DataError> {
            if self.fails_at == Some(index) {
                return Err(DataError::EmptyDataset);
            }
            assert_ne!(self.panics_at, Some(index), "boom");
            std::thread::sleep(self.sleep);
            out[0] = index as f32;
            out[1] = match view {
                View::Eval => 0.0,
                View::Train { seed, epoch } => Draw::new(seed, epoch, index as u64).random(),
            };
            Ok(())
        }
    }

    fn config(batch_size: usize, workers: usize) -> LoaderConfig {
        LoaderConfig {
            batch_size,
            shuffle: Some(7),
            drop_last: false,
            workers,
            prefetch: 3,
        }
    }

    fn loader(numbers: Numbers, config: LoaderConfig) -> Loader {
        Loader::new(Arc::new(numbers), config).unwrap()
    }

    fn numbers(n: usize) -> Numbers {
        Numbers {
            n,
            ..Numbers::default()
        }
    }

    const TRAIN: View = View::Train { seed: 1, epoch: 2 };

    #[test]
    fn an_epoch_goes_on_where_it_was_left() {
        let loader = loader(numbers(23), config(4, 2));
        let whole: Vec<_> = loader.epoch(2, TRAIN).map(Result::unwrap).collect();
        for first in 0..=whole.len() + 1 {
            let rest: Vec<_> = loader
                .epoch_from(2, TRAIN, first)
                .map(Result::unwrap)
                .collect();
            assert_eq!(rest, whole[first.min(whole.len())..], "from {first}");
        }
        assert_eq!(loader.batch_lens(), [4, 4, 4, 4, 4, 3]);
    }

    /// A change here changes every run of every user.
    #[test]
    fn order_is_golden() {
        assert_eq!(
            loader(numbers(8), config(4, 1)).order(0),
            [1, 3, 6, 5, 0, 7, 4, 2]
        );
    }

    #[test]
    fn epochs_differ_and_no_shuffle_keeps_the_order() {
        let shuffled = loader(numbers(100), config(10, 1));
        assert_ne!(shuffled.order(0), shuffled.order(1));
        let plain = loader(
            numbers(5),
            LoaderConfig {
                shuffle: None,
                ..config(2, 1)
            },
        );
        assert_eq!(plain.order(3), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_remainder_of_one_is_joined_in_training_only() {
        let sizes = |n, config| -> Vec<usize> {
            let loader = loader(numbers(n), config);
            let sizes: Vec<_> = loader
                .epoch(0, View::Eval)
                .map(|b| b.unwrap().labels.len())
                .collect();
            assert_eq!(sizes.len(), loader.num_batches());
            sizes
        };
        assert_eq!(sizes(9, config(4, 2)), [4, 5]);
        assert_eq!(sizes(10, config(4, 2)), [4, 4, 2]);
        assert_eq!(sizes(8, config(4, 2)), [4, 4]);
        assert_eq!(sizes(1, config(4, 2)), [1]);
        assert_eq!(sizes(3, config(1, 2)), [1, 1, 1]);
        assert_eq!(
            sizes(
                9,
                LoaderConfig {
                    shuffle: None,
                    ..config(4, 2)
                }
            ),
            [4, 4, 1]
        );
        assert_eq!(
            sizes(
                9,
                LoaderConfig {
                    drop_last: true,
                    ..config(4, 2)
                }
            ),
            [4, 4]
        );
    }

    #[test]
    fn bad_settings_are_refused() {
        let refusal = |n, config| Loader::new(Arc::new(numbers(n)), config).err().unwrap();
        assert!(matches!(
            refusal(3, config(0, 1)),
            DataError::LoaderSetting {
                setting: "batch_size"
            }
        ));
        assert!(matches!(
            refusal(3, config(1, 0)),
            DataError::LoaderSetting { setting: "workers" }
        ));
        let no_prefetch = LoaderConfig {
            prefetch: 0,
            ..config(1, 1)
        };
        assert!(matches!(
            refusal(3, no_prefetch),
            DataError::LoaderSetting {
                setting: "prefetch"
            }
        ));
        assert!(matches!(refusal(0, config(1, 1)), DataError::EmptyDataset));
        let dropping = LoaderConfig {
            drop_last: true,
            ..config(4, 1)
        };
        assert!(matches!(
            refusal(3, dropping),
            DataError::NoBatch {
                samples: 3,
                batch_size: 4
            }
        ));
    }

    #[test]
    fn an_error_comes_in_its_place_and_ends_the_epoch() {
        let plain = LoaderConfig {
            shuffle: None,
            ..config(2, 4)
        };
        let failing = Numbers {
            fails_at: Some(5),
            ..numbers(20)
        };
        let got: Vec<_> = loader(failing, plain).epoch(0, TRAIN).collect();
        assert_eq!(got.len(), 3);
        assert!(got[0].is_ok() && got[1].is_ok());
        assert!(matches!(got[2], Err(DataError::EmptyDataset)));
    }

    #[test]
    fn a_panic_is_an_error() {
        let plain = LoaderConfig {
            shuffle: None,
            ..config(2, 2)
        };
        let failing = Numbers {
            panics_at: Some(3),
            ..numbers(20)
        };
        let got: Vec<_> = loader(failing, plain).epoch(0, TRAIN).collect();
        assert_eq!(got.len(), 2);
        let Err(DataError::WorkerPanic {
            index: Some(3),
            message,
        }) = &got[1]
        else {
            panic!("{:?}", got[1]);
        };
        assert!(message.contains("boom"), "{message}");
    }

    #[test]
    fn dropping_stops_the_workers() {
        let slow = Numbers {
            sleep: Duration::from_millis(2),
            ..numbers(100_000)
        };
        let loader = loader(
            slow,
            LoaderConfig {
                prefetch: 50,
                ..config(1000, 4)
            },
        );
        let begin = std::time::Instant::now();
        drop(loader.epoch(0, TRAIN));
        let mut epoch = loader.epoch(0, TRAIN);
        epoch.next().unwrap().unwrap();
        drop(epoch);
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "{:?}",
            begin.elapsed()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn workers_and_prefetch_change_nothing(
            n in 1usize..60, size in 1usize..9, workers in 1usize..6, prefetch in 1usize..5,
            drop_last: bool, shuffle: Option<u64>, epoch in 0u64..5,
        ) {
            prop_assume!(!drop_last || n >= size);
            let one = LoaderConfig { batch_size: size, shuffle, drop_last, workers: 1, prefetch: 1 };
            let many = LoaderConfig { workers, prefetch, ..one };
            let all = |config| -> Vec<Batch> {
                loader(numbers(n), config).epoch(epoch, TRAIN).map(Result::unwrap).collect()
            };
            let batches = all(one);
            prop_assert_eq!(&batches, &all(many));
            let mut seen: Vec<_> = batches.iter().flat_map(|b| b.indices.clone()).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), if drop_last { n / size * size } else { n });
            for b in &batches {
                prop_assert_eq!(&b.shape, &vec![b.indices.len(), 2]);
                prop_assert_eq!(b.x.len(), b.indices.len() * 2);
                for (i, &index) in b.indices.iter().enumerate() {
                    prop_assert_eq!(b.x[i * 2], index as f32);
                    prop_assert_eq!(b.labels[i], index % 3);
                }
            }
        }
    }
}
