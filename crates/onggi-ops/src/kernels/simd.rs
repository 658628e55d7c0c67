//! Registers of the kernels, and the choice among instruction sets.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Instruction set, found once a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the target has anyway.
    Plain,
}

impl Isa {
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return if is_x86_feature_detected!("avx512f") {
                Self::Avx512
            } else {
                Self::Avx2
            };
        }
        Self::Plain
    }

    /// Values of a register.
    pub(super) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => <__m512 as Register>::LEN,
            _ => <[f32; 8] as Register>::LEN,
        }
    }
}

/// Compiles `$body` for each instruction set and calls the one that `$isa` names, with its register
/// and, for `body::<wide, narrow>`, the first of these constants for AVX-512 and else the second.
///
/// What is summed in registers is written with [`Register`]: of plain loops over rows and lanes the
/// compiler took the rows to vectorise for AVX-512, by gathers, twenty times slower.
macro_rules! dispatch {
    ($isa:expr, $body:ident $(::<$wide:literal, $narrow:literal>)? ($($arg:ident: $type:ty),* $(,)?)) => {{
        use $crate::kernels::simd::Isa;
        /// # Safety
        /// That of the body.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        #[allow(clippy::too_many_arguments, unused_unsafe)]
        unsafe fn avx512($($arg: $type),*) {
            // SAFETY: the caller's promise.
            unsafe { $body::<std::arch::x86_64::__m512 $(, $wide)?>($($arg),*) }
        }
        /// # Safety
        /// That of the body.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        #[allow(clippy::too_many_arguments, unused_unsafe)]
        unsafe fn avx2($($arg: $type),*) {
            // SAFETY: the caller's promise.
            unsafe { $body::<std::arch::x86_64::__m256 $(, $narrow)?>($($arg),*) }
        }
        match $isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512($($arg),*),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2($($arg),*),
            Isa::Plain => $body::<[f32; 8] $(, $narrow)?>($($arg),*),
        }
    }};
}
pub(super) use dispatch;

/// Asks for the part of `values` that row `row` of `rows` stands for to be brought into L2, so that
/// memory works while the processor computes.
#[inline(always)]
pub(super) fn prefetch(values: &[f32], row: usize, rows: usize) {
    /// Floats in a line of the cache.
    const LINE: usize = 16;
    #[cfg(target_arch = "x86_64")]
    {
        let part = values.len().div_ceil(rows).next_multiple_of(LINE);
        let start = (row * part).min(values.len());
        for line in values[start..].chunks(LINE).take(part / LINE) {
            // SAFETY: a hint, which reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, row, rows, LINE);
}

/// A register of floats. Its functions need the instructions of its set, and pointers that are good
/// for [`LEN`](Self::LEN) values.
pub(super) trait Register: Copy {
    /// Values in it.
    const LEN: usize;
    /// Whether a fused multiplication and addition is an instruction.
    const FUSED: bool;
    /// # Safety
    /// See the trait.
    unsafe fn load(from: *const f32) -> Self;
    /// # Safety
    /// See the trait.
    unsafe fn store(self, to: *mut f32);
    /// # Safety
    /// See the trait.
    unsafe fn splat(v: f32) -> Self;
    /// `a · b + self`.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
macro_rules! register {
    ($type:ty, $len:expr, $load:ident, $store:ident, $splat:ident, $fma:ident) => {
        impl Register for $type {
            const LEN: usize = $len;
            const FUSED: bool = true;
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the trait's conditions.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the trait's conditions.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn splat(v: f32) -> Self {
                // SAFETY: the trait's conditions.
                unsafe { $splat(v) }
            }
            #[inline(always)]
            unsafe fn add_product(self, a: Self, b: Self) -> Self {
                // SAFETY: the trait's conditions.
                unsafe { $fma(a, b, self) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
register!(
    __m512,
    16,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps
);
#[cfg(target_arch = "x86_64")]
register!(
    __m256,
    8,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps
);

impl Register for [f32; 8] {
    const LEN: usize = 8;
    const FUSED: bool = cfg!(target_arch = "aarch64");
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's conditions.
        unsafe { *from.cast() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's conditions.
        unsafe { *to.cast() = self }
    }
    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        [v; 8]
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|l| {
            if Self::FUSED {
                a[l].mul_add(b[l], self[l])
            } else {
                a[l] * b[l] + self[l]
            }
        })
    }
}
