//! The same work on many items, over threads, in a fixed order of results.

use crate::affinity;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Maps `items` on up to `threads` threads; the results lie in the order of the items.
///
/// # Errors
/// The error of the first item, in their order, for which `f` fails, whatever the thread count.
pub(crate) fn try_map<T: Sync, R: Send, E: Send>(
    items: &[T],
    threads: usize,
    f: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    // Items are claimed in order, so every item before the first failing one is claimed, and
    // finished, even when later ones are given up.
    let failed = AtomicUsize::new(usize::MAX);
    let work = || {
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= items.len() || i > failed.load(Ordering::Relaxed) {
                return done;
            }
            let result = f(&items[i]);
            if result.is_err() {
                failed.fetch_min(i, Ordering::Relaxed);
            }
            done.push((i, result));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(items.len()))
            .map_while(|_| {
                let run = || {
                    affinity::release();
                    work()
                };
                std::thread::Builder::new().spawn_scoped(scope, run).ok()
            })
            .collect();
        let mut all = work();
        for helper in helpers {
            match helper.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|&(i, _)| i);
    all.into_iter().map(|(_, result)| result).collect()
}

/// [`try_map`] for work that cannot fail.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    f: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let result: Result<_, std::convert::Infallible> = try_map(items, threads, |item| Ok(f(item)));
    match result {
        Ok(all) => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_holds_for_any_thread_count() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 2, 7, 200] {
            let squares = map(&items, threads, |i| i * i);
            assert_eq!(squares, items.iter().map(|i| i * i).collect::<Vec<_>>());
        }
        assert!(map(&[] as &[u8], 3, |&i| i).is_empty());
    }

    #[test]
    fn the_first_error_wins() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [1, 2, 7] {
            for _ in 0..20 {
                let result = try_map(
                    &items,
                    threads,
                    |&i| if i % 10 == 7 { Err(i) } else { Ok(i) },
                );
                assert_eq!(result, Err(7));
            }
        }
    }
}
