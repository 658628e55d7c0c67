//! CPU kernels: functions on slices, written as plain loops and compiled once per instruction set.
//! This folder holds the engine's only `unsafe`.
//!
//! A kernel returns its result in a fresh `Vec` that it fills itself ([`output`]): zeroing a large
//! buffer first costs as much as many of these kernels.

pub(crate) mod attention;
pub(crate) mod batch_norm;
pub(crate) mod conv2d;
pub(crate) mod drop_block;
pub(crate) mod dropout;
pub(crate) mod elementwise;
pub(crate) mod embedding;
pub(crate) mod group_norm;
pub(crate) mod groups;
pub(crate) mod layer_norm;
pub(crate) mod linear;
mod math;
mod matmul;
#[cfg(feature = "mimalloc")]
pub(crate) mod memory;
pub(crate) mod moments;
pub(crate) mod normal;
pub(crate) mod optim;
pub(crate) mod philox;
pub(crate) mod pool;
pub(crate) mod prelu;
pub(crate) mod recurrent;
pub(crate) mod resample;
mod simd;
pub(crate) mod softmax;

use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// Elements below which a kernel stays on one thread: waking another costs some 5 µs, in which one
/// core moves about this many.
const PARALLEL_FROM: usize = 16 * 1024;

/// A buffer of `len` elements that `fill` writes, every element, through the [`Shared`] it gets.
///
/// # Safety
/// `fill` must write each of the `len` elements before it returns.
unsafe fn output<T: Copy>(len: usize, fill: impl FnOnce(Shared<'_, T>)) -> Vec<T> {
    let mut values = Vec::with_capacity(len);
    fill(Shared::new(values.spare_capacity_mut()));
    // SAFETY: the capacity is `len` and the caller's `fill` has written every element.
    unsafe { values.set_len(len) };
    values
}

/// A slice whose disjoint parts are written from several threads.
#[derive(Clone, Copy)]
struct Shared<'a, T> {
    start: *mut MaybeUninit<T>,
    len: usize,
    lives: PhantomData<&'a mut [MaybeUninit<T>]>,
}

// SAFETY: a `Shared` only hands out parts through `part`, whose callers promise disjointness, and
// `T: Send` values may be written from any thread.
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: as for `Sync`.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<'a, T: Copy> Shared<'a, T> {
    fn new(slice: &'a mut [MaybeUninit<T>]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            lives: PhantomData,
        }
    }

    /// Over a slice that has its values already.
    fn over(values: &'a mut [T]) -> Self {
        Self {
            start: values.as_mut_ptr().cast(),
            len: values.len(),
            lives: PhantomData,
        }
    }

    /// The `len` elements from `offset`.
    ///
    /// # Safety
    /// No two parts that live at the same time may overlap, and an element must be written before
    /// it is read.
    #[allow(clippy::mut_from_ref)] // the disjointness is the callers' promise
    unsafe fn part(&self, offset: usize, len: usize) -> &'a mut [T] {
        assert!(offset + len <= self.len, "a part inside the buffer");
        // SAFETY: inside the allocation by the assertion; exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset).cast::<T>(), len) }
    }

    /// Where `count` rows of `len` elements start, `apart` from each other, all inside.
    fn rows(&self, start: usize, [count, apart, len]: [usize; 3]) -> *mut T {
        assert!(count * len == 0 || start + (count - 1) * apart + len <= self.len);
        self.start.wrapping_add(start).cast()
    }
}
