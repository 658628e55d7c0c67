//! Which processor a thread runs on.
//!
//! A kernel's threads work for fractions of a millisecond and sleep in between. Linux often wakes a
//! thread on the processor of the one that woke it, and needs some milliseconds to see that
//! another is idle: until then two threads take turns on one processor. Measured 2026-11-23 on two
//! cores, 3 Mi elements in two passes: one thread 4.9 ms, two 4.9 ms, two that are [`pin`]ned
//! 2.5 ms. A new thread inherits the place of the one that made it; [`release`] gives it the choice
//! of all again. Elsewhere than on Linux both do nothing.

/// Leaves this thread on the `index`-th of the processors that the program may use, where `threads`
/// threads use all of them; does nothing otherwise, since two programs with one thread each would
/// then share the first processor.
pub fn pin(index: usize, threads: usize) {
    linux::pin(index, threads);
}

/// Lets this thread run on any processor that the program could use at its first [`pin`].
pub fn release() {
    linux::release();
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    use std::sync::OnceLock;

    /// The processors at the first [`pin`].
    static ALL: OnceLock<CpuSet> = OnceLock::new();

    // A system that refuses leaves the thread where it is: slower, not wrong.

    pub(super) fn pin(index: usize, threads: usize) {
        let Ok(current) = sched_getaffinity(None) else {
            return;
        };
        let all = ALL.get_or_init(|| current);
        let mut processors = (0..CpuSet::MAX_CPU).filter(|&cpu| all.is_set(cpu));
        if all.count() as usize != threads {
            return;
        }
        if let Some(cpu) = processors.nth(index) {
            let mut one = CpuSet::new();
            one.set(cpu);
            let _ = sched_setaffinity(None, &one);
        }
    }

    pub(super) fn release() {
        if let Some(all) = ALL.get() {
            let _ = sched_setaffinity(None, all);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod linux {
    pub(super) fn pin(_index: usize, _threads: usize) {}
    pub(super) fn release() {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::thread::sched_getaffinity;
    use std::thread;

    fn processors() -> u32 {
        sched_getaffinity(None).unwrap().count()
    }

    /// On threads of its own: the place of a thread is nobody else's.
    #[test]
    fn a_pinned_thread_has_one_processor_and_its_children_all_of_them_again() {
        let seen = thread::spawn(|| {
            let all = processors();
            pin(0, all as usize + 1);
            let others = processors();
            pin(all as usize - 1, all as usize);
            let pinned = processors();
            let child = thread::spawn(|| {
                let inherited = processors();
                release();
                (inherited, processors())
            });
            (all, others, pinned, child.join().unwrap())
        });
        let (all, others, pinned, child) = seen.join().unwrap();
        assert_eq!((others, pinned, child), (all, 1, (1, all)));
    }
}
