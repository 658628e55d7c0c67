//! Against a plain `f64` oracle, with errors relative to the sum of the terms' magnitudes.

use super::*;
use proptest::prelude::*;

/// Values in −1..1 from a small generator.
fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Calls `term(x, weight, y)` with the offsets of each product of the convolution.
fn each_term(g: &Geometry, mut term: impl FnMut(usize, usize, usize)) {
    let (oh, ow, cg, og) = (g.oh(), g.ow(), g.c / g.groups, g.o / g.groups);
    for n in 0..g.n {
        for o in 0..g.o {
            for (oy, ox) in (0..oh).flat_map(|oy| (0..ow).map(move |ox| (oy, ox))) {
                for ci in 0..cg {
                    for (ky, kx) in (0..g.kh).flat_map(|ky| (0..g.kw).map(move |kx| (ky, kx))) {
                        let iy = (oy * g.stride[0] + ky * g.dilation[0]).wrapping_sub(g.padding[0]);
                        let ix = (ox * g.stride[1] + kx * g.dilation[1]).wrapping_sub(g.padding[1]);
                        if iy < g.h && ix < g.w {
                            let c = o / og * cg + ci;
                            term(
                                ((n * g.c + c) * g.h + iy) * g.w + ix,
                                ((o * cg + ci) * g.kh + ky) * g.kw + kx,
                                ((n * g.o + o) * oh + oy) * ow + ox,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Sums and sums of magnitudes.
struct Oracle(Vec<[f64; 2]>);

impl Oracle {
    fn new(len: usize) -> Self {
        Self(vec![[0.0; 2]; len])
    }

    fn add(&mut self, at: usize, a: f32, b: f32) {
        let v = f64::from(a) * f64::from(b);
        self.0[at][0] += v;
        self.0[at][1] += v.abs();
    }

    fn check(&self, got: &[f32], what: &str, g: &Geometry) {
        assert_eq!(got.len(), self.0.len(), "{what}: {g:?}");
        for (i, (got, [want, scale])) in got.iter().zip(&self.0).enumerate() {
            let error = (f64::from(*got) - want).abs();
            assert!(
                error <= 1e-5 * scale,
                "{what}[{i}] = {got}, want {want} ± {scale}e-5: {g:?}"
            );
        }
    }
}

/// All four passes against the oracle.
fn check(g: Geometry) {
    let x = values(g.x_len(), 1);
    let weight = values(g.weight_len(), 2);
    let bias = values(g.o, 3);
    let dy = values(g.y_len(), 4);
    let [mut y, mut dx, mut dweight, mut dbias] =
        [g.y_len(), g.x_len(), g.weight_len(), g.o].map(Oracle::new);
    each_term(&g, |at_x, at_weight, at_y| {
        y.add(at_y, x[at_x], weight[at_weight]);
        dx.add(at_x, dy[at_y], weight[at_weight]);
        dweight.add(at_weight, x[at_x], dy[at_y]);
    });
    y.check(&forward(&x, &weight, None, g), "y without bias", &g);
    dx.check(&input_gradient(&dy, &weight, g), "dx", &g);
    dweight.check(&weight_gradient(&x, &dy, g), "dweight", &g);
    for (at, dy) in dy.iter().enumerate() {
        let channel = at / (g.oh() * g.ow()) % g.o;
        y.add(at, bias[channel], 1.0);
        dbias.add(channel, *dy, 1.0);
    }
    y.check(&forward(&x, &weight, Some(&bias), g), "y", &g);
    dbias.check(&bias_gradient(&dy, g), "dbias", &g);
}

/// A square kernel over square steps.
fn square(sizes: [usize; 5], [k, stride, padding, dilation, groups]: [usize; 5]) -> Geometry {
    let [n, c, h, w, o] = sizes;
    let (stride, padding, dilation) = ([stride; 2], [padding; 2], [dilation; 2]);
    Geometry {
        n,
        c,
        h,
        w,
        o,
        kh: k,
        kw: k,
        stride,
        padding,
        dilation,
        groups,
    }
}

/// Whether the kernel fits into the padded input.
fn fits(g: &Geometry) -> bool {
    g.h + 2 * g.padding[0] > g.dilation[0] * (g.kh - 1)
        && g.w + 2 * g.padding[1] > g.dilation[1] * (g.kw - 1)
}

#[test]
fn grid_equals_the_oracle() {
    for k in [1, 2, 3, 5, 7] {
        for (stride, padding, dilation) in
            (1..4).flat_map(|s| (0..4).flat_map(move |p| (1..3).map(move |d| (s, p, d))))
        {
            for (groups, c, o) in [(1, 5, 7), (2, 6, 4), (6, 6, 6), (3, 3, 6)] {
                for (n, h, w) in [(2, 8, 11), (17, 5, 4)] {
                    let g = square([n, c, h, w, o], [k, stride, padding, dilation, groups]);
                    if fits(&g) {
                        check(g);
                    }
                }
            }
        }
    }
}

#[test]
fn edges_equal_the_oracle() {
    check(square([3, 4, 1, 1, 5], [1, 1, 0, 1, 1]));
    check(square([3, 4, 1, 1, 5], [3, 1, 1, 1, 1]));
    check(square([33, 3, 1, 1, 5], [3, 2, 3, 1, 1]));
    check(square([0, 4, 6, 6, 5], [3, 1, 1, 1, 1]));
    check(square([16, 1, 28, 28, 8], [3, 2, 1, 1, 1]));
    check(square([1, 1, 300, 7, 1], [7, 1, 3, 1, 1]));
    // Padding past every pixel, uneven everything.
    check(Geometry {
        kw: 2,
        padding: [4, 3],
        ..square([20, 3, 4, 6, 5], [3, 1, 0, 1, 1])
    });
    check(Geometry {
        kh: 1,
        stride: [2, 1],
        ..square([18, 3, 9, 6, 5], [5, 1, 2, 1, 1])
    });
    check(Geometry {
        dilation: [1, 3],
        ..square([19, 2, 9, 13, 3], [3, 1, 3, 1, 1])
    });
}

/// Shapes past every block size.
fn large() -> [Geometry; 9] {
    [
        square([32, 40, 14, 14, 33], [3, 1, 1, 1, 1]),
        square([35, 40, 14, 14, 33], [3, 2, 1, 1, 1]),
        square([18, 70, 7, 7, 130], [3, 1, 1, 1, 1]),
        square([16, 70, 7, 7, 67], [1, 2, 0, 1, 1]),
        square([17, 130, 4, 4, 70], [3, 1, 1, 1, 1]),
        square([2, 70, 30, 33, 20], [3, 1, 1, 1, 1]),
        square([5, 66, 20, 21, 72], [1, 1, 0, 1, 2]),
        square([16, 3, 60, 61, 18], [7, 2, 3, 1, 1]),
        square([3, 20, 60, 61, 20], [3, 1, 1, 1, 20]),
    ]
}

#[test]
fn large_shapes_equal_the_oracle() {
    large().into_iter().for_each(check);
}

#[test]
fn threads_do_not_change_a_bit() {
    for g in large() {
        let x = values(g.x_len(), 5);
        let weight = values(g.weight_len(), 6);
        let dy = values(g.y_len(), 7);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let passes = [
                    forward(&x, &weight, Some(&x[..g.o]), g),
                    input_gradient(&dy, &weight, g),
                    weight_gradient(&x, &dy, g),
                    bias_gradient(&dy, g),
                ];
                passes.map(|values| values.into_iter().map(f32::to_bits).collect::<Vec<_>>())
            })
        };
        let one = run(1);
        for threads in [2, 3, 5] {
            assert!(run(threads) == one, "{threads} threads: {g:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_geometry_equals_the_oracle(
        n in 0usize..40,
        (groups, cg, og) in (1usize..4, 1usize..9, 1usize..9),
        (h, w) in (1usize..12, 1usize..12),
        (kh, kw) in (1usize..6, 1usize..6),
        (sh, sw) in (1usize..4, 1usize..4),
        (ph, pw) in (0usize..5, 0usize..5),
        (dh, dw) in (1usize..3, 1usize..3),
    ) {
        let g = Geometry {
            n, c: groups * cg, h, w, o: groups * og, kh, kw,
            stride: [sh, sw], padding: [ph, pw], dilation: [dh, dw], groups,
        };
        prop_assume!(fits(&g));
        check(g);
    }
}

/// Few images of shapes that Winograd takes sixteen tiles at a time: alone, and beside a full block.
#[test]
fn few_images_equal_the_oracle_and_their_result_in_a_batch() {
    for (n, h, w, padding) in [(1, 33, 30, 1), (3, 17, 9, 0), (19, 14, 13, 2)] {
        check(square([n, 16, h, w, 17], [3, 1, padding, 1, 1]));
    }
    let batch = square([19, 16, 14, 13, 17], [3, 1, 1, 1, 1]);
    let (x, weight) = (values(batch.x_len(), 1), values(batch.weight_len(), 2));
    let all = forward(&x, &weight, None, batch);
    let alone = Geometry { n: 1, ..batch };
    for image in [0, 7, 18] {
        let x = &x[image * alone.x_len()..][..alone.x_len()];
        let y = forward(x, &weight, None, alone);
        assert_eq!(
            y,
            all[image * alone.y_len()..][..alone.y_len()],
            "image {image}"
        );
    }
}

/// Of loops over rows and lanes the compiler once vectorised the rows for AVX-512, by gathers: the products took
/// twenty times as long as without it.
#[test]
fn an_instruction_set_is_no_slower_than_none() {
    use super::super::simd::Isa;
    use super::product::{Columns, Packed, Term, product};
    use std::time::{Duration, Instant};

    const DEPTH: usize = 64;
    const PIXELS: usize = 49;
    const OUTS: usize = 48;
    let (weights, lines) = (values(OUTS * DEPTH, 1), values(PIXELS * DEPTH * LANES, 2));
    let term = |pixel| Term {
        tap: 0,
        line: (pixel * DEPTH) as u32,
    };
    let columns = Columns {
        terms: (0..PIXELS).map(term).collect(),
        ends: (1..=PIXELS as u32).collect(),
    };
    let packed = Packed {
        values: &weights,
        taps: 1,
        depth: DEPTH,
    };
    let mut y = vec![0.0; PIXELS * OUTS * LANES];
    let mut time = |isa| {
        let mut pass = || {
            let start = Instant::now();
            product(isa, packed, &columns, &lines, &mut y);
            start.elapsed()
        };
        (0..20).map(|_| pass()).min().unwrap_or(Duration::ZERO)
    };
    let (found, plain) = (time(Isa::detect()), time(Isa::Plain));
    assert!(found <= 2 * plain, "{found:?}, {plain:?} without");
}
