use super::*;
use crate::testing::{assert_close, random, values};

/// Lengths that reach single elements, remainders, and more than one chunk.
const LENGTHS: [usize; 5] = [1, 7, 1000, 16 * 1024, 50_001];

const SGD: SgdRule = SgdRule {
    lr: 0.1,
    momentum: 0.9,
    dampening: 0.0,
    nesterov: false,
    gradient_scale: 1.0,
};
const ADAM: AdamRule = AdamRule {
    lr: 0.01,
    betas: [0.9, 0.999],
    eps: 1e-8,
    gradient_scale: 1.0,
};

fn slots<S>() -> Vec<Slot<S>> {
    let slot = |(i, len)| Slot {
        parameter: random([len], i as u64),
        gradient: random([len], 100 + i as u64),
        weight_decay: if i % 2 == 0 { 0.1 } else { 0.0 },
        state: None,
    };
    LENGTHS.into_iter().enumerate().map(slot).collect()
}

fn assert_same<S>(got: &[Slot<S>], expected: &[Slot<S>], state: impl Fn(&S) -> Vec<f32>) {
    assert_eq!(got.len(), expected.len());
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let name = format!("parameter {i}");
        let (a, b) = (values(&got.parameter), values(&expected.parameter));
        assert_close(&name, &a, &b, 1e-6);
        assert_eq!(got.state.is_some(), expected.state.is_some());
        if let (Some(a), Some(b)) = (&got.state, &expected.state) {
            assert_close(&format!("state {i}"), &state(a), &state(b), 1e-6);
        }
    }
}

#[test]
fn sgd_kernel_equals_composed() {
    for (momentum, dampening, nesterov, gradient_scale) in [
        (0.0, 0.0, false, 0.5),
        (0.9, 0.0, false, 1.0),
        (0.9, 0.3, false, 0.5),
        (0.9, 0.0, true, 0.5),
    ] {
        let rule = SgdRule {
            momentum,
            dampening,
            nesterov,
            gradient_scale,
            ..SGD
        };
        let (mut got, mut expected) = (slots(), slots());
        for _ in 0..3 {
            got = sgd_step(got, &rule).unwrap();
            expected = (expected.into_iter())
                .map(|slot| composed::sgd(slot, &rule))
                .collect();
            assert_same(&got, &expected, values);
        }
    }
}

#[test]
fn adam_kernel_equals_composed() {
    let state = |moments: &Moments| {
        let mut state = values(&moments.exp_avg);
        state.extend(values(&moments.exp_avg_sq));
        state.push(moments.steps as f32);
        state
    };
    let rule = AdamRule {
        gradient_scale: 0.5,
        ..ADAM
    };
    for (step, decoupled) in [(adam_step as fn(_, &_) -> _, false), (adamw_step, true)] {
        let (mut got, mut expected) = (slots(), slots());
        for _ in 0..3 {
            got = step(got, &rule).unwrap();
            expected = (expected.into_iter())
                .map(|slot| composed::adam(slot, &rule, decoupled))
                .collect();
            assert_same(&got, &expected, state);
        }
    }
}

#[test]
fn thread_count_does_not_change_a_bit() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let sgd = sgd_step(slots(), &SGD).unwrap();
            let adam = adamw_step(slots(), &ADAM).unwrap();
            let gradients: Vec<_> = sgd.iter().map(|slot| &slot.gradient).collect();
            let norm = global_norm(&gradients).to_bits();
            let parameters = |p: &Tensor<1>| values(p);
            let sgd: Vec<_> = sgd.iter().map(|slot| parameters(&slot.parameter)).collect();
            let adam: Vec<_> = adam
                .iter()
                .map(|slot| parameters(&slot.parameter))
                .collect();
            (sgd, adam, norm)
        })
    };
    assert_eq!(run(1), run(3));
}

/// Where a tensor's elements lie.
fn address(x: &Tensor<1>) -> *const f32 {
    slice(&into_flex(x.clone())).as_ptr()
}

#[test]
fn a_step_writes_where_the_tensors_lie() {
    let first = adamw_step(slots(), &ADAM).unwrap();
    let addresses = |slots: &[Slot<Moments>]| -> Vec<_> {
        let all = slots.iter().flat_map(|slot| {
            let moments = slot.state.as_ref().unwrap();
            [&slot.parameter, &moments.exp_avg, &moments.exp_avg_sq].map(address)
        });
        all.collect()
    };
    let before = addresses(&first);
    assert_eq!(addresses(&adamw_step(first, &ADAM).unwrap()), before);
}

#[test]
fn a_shared_tensor_is_left_alone() {
    let slots = slots();
    let shared: Vec<_> = slots.iter().map(|slot| slot.parameter.clone()).collect();
    let before: Vec<_> = shared.iter().map(values).collect();
    let after = sgd_step(slots, &SGD).unwrap();
    assert_eq!(shared.iter().map(values).collect::<Vec<_>>(), before);
    assert_ne!(values(&after[0].parameter), before[0]);
}

#[test]
fn a_view_of_a_larger_tensor_is_stepped_alone() {
    let whole = random([10], 3);
    let slot = |parameter| Slot {
        parameter,
        gradient: Tensor::ones([4], &crate::testing::device()),
        weight_decay: 0.0,
        state: None,
    };
    let view = sgd_step(vec![slot(whole.clone().narrow(0, 3, 4))], &SGD).unwrap();
    let expected: Vec<f32> = values(&whole)[3..7].iter().map(|x| x - 0.1).collect();
    assert_close("view", &values(&view[0].parameter), &expected, 1e-6);
    let flipped = sgd_step(vec![slot(whole.clone().narrow(0, 3, 4).flip([0]))], &SGD).unwrap();
    let expected: Vec<f32> = expected.into_iter().rev().collect();
    assert_close("flipped", &values(&flipped[0].parameter), &expected, 1e-6);
}

#[test]
fn norm_is_exact_where_f32_would_overflow_or_lose() {
    let device = crate::testing::device();
    let large = Tensor::<1>::full([4], 1e30, &device);
    assert!((global_norm(&[&large]) / 2e30 - 1.0).abs() < 1e-6);
    // In f32 the sum would stop at 2²⁴.
    let ones = Tensor::<1>::ones([40_000_000], &device);
    assert_eq!(global_norm(&[&ones]), 40_000_000f64.sqrt());
    let mixed = [random([50_001], 1), random([3], 2)];
    let expected: f64 = (mixed.iter().flat_map(values))
        .map(|x| f64::from(x).powi(2))
        .sum();
    let norm = global_norm(&mixed.each_ref());
    assert!((norm / expected.sqrt() - 1.0).abs() < 1e-12);
    assert_eq!(global_norm(&[]), 0.0);
    let nan = Tensor::<1>::full([20_000], f32::NAN, &device);
    assert!(global_norm(&[&mixed[0], &nan]).is_nan());
}

#[test]
fn refuses_lengths_that_differ() {
    let mut slots: Vec<Slot<Tensor<1>>> = slots();
    slots[1].gradient = random([6], 1);
    assert_eq!(
        sgd_step(slots, &SGD).unwrap_err().to_string(),
        "sgd_step: `gradient` must have the 7 elements of its parameter, but its shape is [6]"
    );
    assert!(sgd_step(Vec::new(), &SGD).unwrap().is_empty());
}
