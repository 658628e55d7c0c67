//! The arithmetic of the cells, a row at a time: plain loops over the units.

// Loops over the index of several slices are what the compiler vectorises.
#![allow(clippy::needless_range_loop)]

use super::super::simd::{Isa, Register, dispatch};
use super::{Cell, Gates};
use crate::kernels::math;

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
fn sigmoid<V: Register>(x: f32) -> f32 {
    if V::FUSED {
        math::sigmoids::<true>(x).0
    } else {
        math::sigmoids::<false>(x).0
    }
}

#[inline(always)]
fn tanh<V: Register>(x: f32) -> f32 {
    if V::FUSED {
        math::tanh::<true>(x)
    } else {
        math::tanh::<false>(x)
    }
}

/// Cuts the first `at` elements off.
fn cut<'a>(rest: &mut &'a mut [f32], at: usize) -> &'a mut [f32] {
    let (first, others) = std::mem::take(rest).split_at_mut(at);
    *rest = others;
    first
}

/// Long short-term memory, with the gates `i, f, g, o`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lstm;

impl Cell for Lstm {
    const INPUTS: usize = 4;
    const WIDTH: usize = 4;
    const GATES: &'static [Gates] = &[Gates {
        at: 0,
        count: 4,
        ih: Some(0),
        hh: Some(0),
    }];
    const MEMORY: bool = true;

    fn forward(
        self,
        isa: Isa,
        mut gates: &mut [f32],
        [_, c_before]: [&[f32]; 2],
        h: &mut [f32],
        c: &mut [f32],
    ) {
        let n = h.len();
        let [i, f, g, o] = std::array::from_fn(|_| cut(&mut gates, n));
        // SAFETY: `Isa::detect` has found the instructions; the body has no other condition.
        unsafe {
            dispatch!(
                isa,
                lstm_forward(
                    i: &mut [f32],
                    f: &mut [f32],
                    g: &mut [f32],
                    o: &mut [f32],
                    c_before: &[f32],
                    c: &mut [f32],
                    h: &mut [f32],
                )
            );
        }
    }

    fn backward(
        self,
        isa: Isa,
        mut gates: &mut [f32],
        [_, c_before]: [&[f32]; 2],
        [_, c]: [&[f32]; 2],
        dh: &mut [f32],
        dc: &mut [f32],
    ) {
        let n = dh.len();
        let [i, f, g, o] = std::array::from_fn(|_| cut(&mut gates, n));
        // SAFETY: as in `forward`.
        unsafe {
            dispatch!(
                isa,
                lstm_backward(
                    i: &mut [f32],
                    f: &mut [f32],
                    g: &mut [f32],
                    o: &mut [f32],
                    c_before: &[f32],
                    c: &[f32],
                    dh: &mut [f32],
                    dc: &mut [f32],
                )
            );
        }
    }
}

#[inline(always)]
unsafe fn lstm_forward<V: Register>(
    i: &mut [f32],
    f: &mut [f32],
    g: &mut [f32],
    o: &mut [f32],
    c_before: &[f32],
    c: &mut [f32],
    h: &mut [f32],
) {
    let n = h.len();
    let (i, f, g, o) = (&mut i[..n], &mut f[..n], &mut g[..n], &mut o[..n]);
    let (c_before, c) = (&c_before[..n], &mut c[..n]);
    for u in 0..n {
        i[u] = sigmoid::<V>(i[u]);
        f[u] = sigmoid::<V>(f[u]);
        g[u] = tanh::<V>(g[u]);
        o[u] = sigmoid::<V>(o[u]);
        c[u] = f[u] * c_before[u] + i[u] * g[u];
        h[u] = o[u] * tanh::<V>(c[u]);
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn lstm_backward<V: Register>(
    i: &mut [f32],
    f: &mut [f32],
    g: &mut [f32],
    o: &mut [f32],
    c_before: &[f32],
    c: &[f32],
    dh: &mut [f32],
    dc: &mut [f32],
) {
    let n = dh.len();
    let (i, f, g, o) = (&mut i[..n], &mut f[..n], &mut g[..n], &mut o[..n]);
    let (c_before, c, dc) = (&c_before[..n], &c[..n], &mut dc[..n]);
    for u in 0..n {
        let (gi, gf, gg, go) = (i[u], f[u], g[u], o[u]);
        let tanh_c = tanh::<V>(c[u]);
        let d = dc[u] + dh[u] * go * (1.0 - tanh_c * tanh_c);
        i[u] = d * gg * gi * (1.0 - gi);
        f[u] = d * c_before[u] * gf * (1.0 - gf);
        g[u] = d * gi * (1.0 - gg * gg);
        o[u] = dh[u] * tanh_c * go * (1.0 - go);
        dc[u] = d * gf;
        dh[u] = 0.0;
    }
}

/// Gated recurrent unit. A row holds `r, z, n` and the part of `n` that comes from the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gru;

impl Cell for Gru {
    const INPUTS: usize = 3;
    const WIDTH: usize = 4;
    const GATES: &'static [Gates] = &[
        Gates {
            at: 0,
            count: 2,
            ih: Some(0),
            hh: Some(0),
        },
        Gates {
            at: 2,
            count: 1,
            ih: Some(2),
            hh: None,
        },
        Gates {
            at: 3,
            count: 1,
            ih: None,
            hh: Some(2),
        },
    ];
    const MEMORY: bool = false;

    fn forward(
        self,
        isa: Isa,
        mut gates: &mut [f32],
        [h_before, _]: [&[f32]; 2],
        h: &mut [f32],
        _c: &mut [f32],
    ) {
        let len = h.len();
        let [r, z, n, state] = std::array::from_fn(|_| cut(&mut gates, len));
        let state = &*state;
        // SAFETY: as in `Lstm::forward`.
        unsafe {
            dispatch!(
                isa,
                gru_forward(
                    r: &mut [f32],
                    z: &mut [f32],
                    n: &mut [f32],
                    state: &[f32],
                    h_before: &[f32],
                    h: &mut [f32],
                )
            );
        }
    }

    fn backward(
        self,
        isa: Isa,
        mut gates: &mut [f32],
        [h_before, _]: [&[f32]; 2],
        _after: [&[f32]; 2],
        dh: &mut [f32],
        _dc: &mut [f32],
    ) {
        let len = dh.len();
        let [r, z, n, state] = std::array::from_fn(|_| cut(&mut gates, len));
        // SAFETY: as in `Lstm::forward`.
        unsafe {
            dispatch!(
                isa,
                gru_backward(
                    r: &mut [f32],
                    z: &mut [f32],
                    n: &mut [f32],
                    state: &mut [f32],
                    h_before: &[f32],
                    dh: &mut [f32],
                )
            );
        }
    }
}

#[inline(always)]
unsafe fn gru_forward<V: Register>(
    r: &mut [f32],
    z: &mut [f32],
    n: &mut [f32],
    state: &[f32],
    h_before: &[f32],
    h: &mut [f32],
) {
    let len = h.len();
    let (r, z, n) = (&mut r[..len], &mut z[..len], &mut n[..len]);
    let (state, h_before) = (&state[..len], &h_before[..len]);
    for u in 0..len {
        r[u] = sigmoid::<V>(r[u]);
        z[u] = sigmoid::<V>(z[u]);
        n[u] = tanh::<V>(n[u] + r[u] * state[u]);
        h[u] = n[u] + z[u] * (h_before[u] - n[u]);
    }
}

#[inline(always)]
unsafe fn gru_backward<V: Register>(
    r: &mut [f32],
    z: &mut [f32],
    n: &mut [f32],
    state: &mut [f32],
    h_before: &[f32],
    dh: &mut [f32],
) {
    let len = dh.len();
    let (r, z, n) = (&mut r[..len], &mut z[..len], &mut n[..len]);
    let (state, h_before) = (&mut state[..len], &h_before[..len]);
    for u in 0..len {
        let (gr, gz, gn) = (r[u], z[u], n[u]);
        let d = dh[u] * (1.0 - gz) * (1.0 - gn * gn);
        r[u] = d * state[u] * gr * (1.0 - gr);
        z[u] = dh[u] * (h_before[u] - gn) * gz * (1.0 - gz);
        n[u] = d;
        state[u] = d * gr;
        dh[u] *= gz;
    }
}

/// Elman's cell: `tanh` or ReLU of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rnn {
    /// `tanh`.
    Tanh,
    /// `max(·, 0)`.
    Relu,
}

impl Cell for Rnn {
    const INPUTS: usize = 1;
    const WIDTH: usize = 1;
    const GATES: &'static [Gates] = &[Gates {
        at: 0,
        count: 1,
        ih: Some(0),
        hh: Some(0),
    }];
    const MEMORY: bool = false;

    fn forward(
        self,
        isa: Isa,
        _gates: &mut [f32],
        _before: [&[f32]; 2],
        h: &mut [f32],
        _c: &mut [f32],
    ) {
        let cell = self;
        // SAFETY: as in `Lstm::forward`.
        unsafe { dispatch!(isa, rnn_forward(cell: Rnn, h: &mut [f32])) }
    }

    fn backward(
        self,
        _isa: Isa,
        gates: &mut [f32],
        _before: [&[f32]; 2],
        [h, _]: [&[f32]; 2],
        dh: &mut [f32],
        _dc: &mut [f32],
    ) {
        let slope = |h: f32| match self {
            Self::Tanh => 1.0 - h * h,
            Self::Relu => f32::from(h > 0.0),
        };
        for ((d, dh), h) in gates.iter_mut().zip(dh).zip(h) {
            *d = *dh * slope(*h);
            *dh = 0.0;
        }
    }
}

#[inline(always)]
unsafe fn rnn_forward<V: Register>(cell: Rnn, h: &mut [f32]) {
    match cell {
        Rnn::Tanh => h.iter_mut().for_each(|h| *h = tanh::<V>(*h)),
        // So written that NaN remains.
        Rnn::Relu => h
            .iter_mut()
            .for_each(|h| *h = if *h < 0.0 { 0.0 } else { *h }),
    }
}
