//! The allocator's settings.

/// See [`crate::memory::keep_freed_pages`].
pub(crate) fn keep_freed_pages() {
    /// `mi_option_purge_delay` in mimalloc 2 and 3; the binding has no name for it.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    /// Never.
    const NEVER: std::ffi::c_long = -1;
    // SAFETY: sets a number in the allocator's table of options, which it reads at each use.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, NEVER) };
}
