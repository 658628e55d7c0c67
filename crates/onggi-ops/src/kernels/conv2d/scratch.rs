//! Buffers that a thread keeps from one task to the next.

use std::cell::Cell;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Floats a cache line.
pub(super) const LINE: usize = 16;

thread_local! {
    static LINES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Calls `run` with buffers of `lens` elements, aligned to cache lines. What they hold is whatever
/// the thread's last task left there.
pub(in crate::kernels) fn scratch<const N: usize, R>(
    lens: [usize; N],
    run: impl FnOnce([&mut [f32]; N]) -> R,
) -> R {
    let lines = lens.map(|len| len.div_ceil(LINE));
    let total = lines.iter().sum();
    let mut buffer = LINES.take();
    if buffer.len() < total {
        // Emptied first, so that nothing is copied into the larger buffer.
        buffer.clear();
        buffer.resize(total, Line([0.0; LINE]));
    }
    let mut rest = &mut buffer[..];
    let mut index = 0;
    let parts = lines.map(|count| {
        let (part, tail) = std::mem::take(&mut rest).split_at_mut(count);
        rest = tail;
        // SAFETY: a `Line` is `LINE` floats without padding, and the borrow is exclusive.
        let part =
            unsafe { std::slice::from_raw_parts_mut(part.as_mut_ptr().cast(), count * LINE) };
        index += 1;
        let part: &mut [f32] = part;
        &mut part[..lens[index - 1]]
    });
    let result = run(parts);
    LINES.set(buffer);
    result
}
