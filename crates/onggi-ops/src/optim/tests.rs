use super::*;
use crate::testing::{assert_close, on_cpu, random, skipped, skipped_without_double, values};
use burn::tensor::DType;

/// Lengths that reach single elements, remainders, and more than one chunk.
const LENGTHS: [usize; 5] = [1, 7, 1000, 16 * 1024, 50_001];

const SGD: SgdRule = SgdRule {
    momentum: 0.9,
    dampening: 0.0,
    nesterov: false,
};
const ADAMW: AdamRule = AdamRule {
    betas: [0.9, 0.999],
    eps: 1e-8,
    decoupled: true,
};
/// With an `eps` that keeps `g / (√v + eps)` from magnifying the rounding of a `g` near 0, which is the
/// difference of gradient and decay.
const RMSPROP: RmsPropRule = RmsPropRule {
    alpha: 0.99,
    eps: 0.1,
    momentum: 0.0,
    centered: false,
};

fn slots() -> Vec<Slot> {
    let slot = |(i, len)| Slot {
        gradient_scale: 0.5,
        weight_decay: if i % 2 == 0 { 0.1 } else { 0.0 },
        ..Slot::new(random([len], i as u64), random([len], 100 + i as u64), 0.01)
    };
    LENGTHS.into_iter().enumerate().map(slot).collect()
}

type Step = Box<dyn Fn(Vec<Slot>) -> Result<Vec<Slot>, OpError> + Sync>;

/// Every rule, in each of its variants.
fn rules() -> Vec<(String, Step)> {
    let mut rules: Vec<(String, Step)> = Vec::new();
    for (momentum, dampening, nesterov) in [
        (0.0, 0.0, false),
        (0.9, 0.0, false),
        (0.9, 0.3, false),
        (0.9, 0.0, true),
    ] {
        let rule = SgdRule {
            momentum,
            dampening,
            nesterov,
        };
        let step = move |slots| sgd_step(slots, &rule);
        rules.push((format!("{rule:?}"), Box::new(step)));
    }
    for decoupled in [false, true] {
        let adam = AdamRule { decoupled, ..ADAMW };
        let step = move |slots| adam_step(slots, &adam);
        rules.push((format!("{adam:?}"), Box::new(step)));
        let nadam = NAdamRule {
            adam,
            momentum_decay: 4e-3,
        };
        let step = move |slots| nadam_step(slots, &nadam);
        rules.push((format!("{nadam:?}"), Box::new(step)));
    }
    for (centered, momentum) in [(false, 0.0), (true, 0.0), (false, 0.9), (true, 0.9)] {
        let rule = RmsPropRule {
            centered,
            momentum,
            ..RMSPROP
        };
        let step = move |slots| rmsprop_step(slots, &rule);
        rules.push((format!("{rule:?}"), Box::new(step)));
    }
    let adagrad = AdagradRule {
        lr_decay: 0.1,
        initial_accumulator_value: 0.5,
        eps: 1e-10,
    };
    rules.push((
        format!("{adagrad:?}"),
        Box::new(move |slots| adagrad_step(slots, &adagrad)),
    ));
    let lion = LionRule { betas: [0.9, 0.99] };
    rules.push((
        format!("{lion:?}"),
        Box::new(move |slots| lion_step(slots, &lion)),
    ));
    let lamb = LambRule {
        betas: [0.9, 0.999],
        eps: 1e-6,
    };
    rules.push((
        format!("{lamb:?}"),
        Box::new(move |slots| lamb_step(slots, &lamb)),
    ));
    rules
}

/// All of a slot that a step writes.
fn written(slot: &Slot) -> Vec<Vec<f32>> {
    let tensors = std::iter::once(&slot.parameter).chain(&slot.memory.tensors);
    let values = |x: &Tensor<1>| values(&x.clone().cast(DType::F32));
    tensors.map(values).collect()
}

/// The slot in f64, for which there are no kernels.
fn composed(slot: Slot) -> Slot {
    Slot {
        parameter: slot.parameter.cast(DType::F64),
        gradient: slot.gradient.cast(DType::F64),
        ..slot
    }
}

#[test]
fn kernels_equal_the_composed_form() {
    for (name, step) in rules() {
        let mut got = slots();
        let mut expected: Vec<_> = on_cpu(slots).into_iter().map(composed).collect();
        for taken in 1..=3 {
            got = step(got).unwrap();
            expected = step(expected).unwrap();
            for (got, expected) in got.iter().zip(&expected) {
                assert_eq!((got.memory.steps, expected.memory.steps), (taken, taken));
                let (got, expected) = (written(got), written(expected));
                assert_eq!(got.len(), expected.len());
                for (got, expected) in got.iter().zip(&expected) {
                    assert_close(&format!("{name}, step {taken}"), got, expected, 1e-6);
                }
            }
        }
    }
}

#[test]
fn thread_count_does_not_change_a_bit() {
    if skipped("threads of the kernels") {
        return;
    }
    let run = |threads, step: &Step| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let slots = step(slots()).unwrap();
            let gradients: Vec<_> = slots.iter().map(|slot| &slot.gradient).collect();
            let norms = [NormType::L2, NormType::Max]
                .map(|norm_type| global_norm(&gradients, norm_type).to_bits());
            (slots.iter().map(written).collect::<Vec<_>>(), norms)
        })
    };
    for (name, step) in rules() {
        assert_eq!(run(1, &step), run(3, &step), "{name}");
    }
}

/// Where a tensor's elements lie.
fn address(x: &Tensor<1>) -> *const f32 {
    slice(&into_flex(x.clone())).as_ptr()
}

#[test]
fn a_step_writes_where_the_tensors_lie() {
    if skipped("memory of the CPU") {
        return;
    }
    let first = adam_step(slots(), &ADAMW).unwrap();
    let addresses = |slots: &[Slot]| -> Vec<_> {
        let all = (slots.iter())
            .flat_map(|slot| std::iter::once(&slot.parameter).chain(&slot.memory.tensors));
        all.map(address).collect()
    };
    let before = addresses(&first);
    assert_eq!(before.len(), 3 * LENGTHS.len());
    assert_eq!(addresses(&adam_step(first, &ADAMW).unwrap()), before);
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
    let slot = |parameter| Slot::new(parameter, Tensor::ones([4], &crate::testing::device()), 0.1);
    let view = sgd_step(vec![slot(whole.clone().narrow(0, 3, 4))], &SGD).unwrap();
    let expected: Vec<f32> = values(&whole)[3..7].iter().map(|x| x - 0.1).collect();
    assert_close("view", &values(&view[0].parameter), &expected, 1e-6);
    let flipped = sgd_step(vec![slot(whole.clone().narrow(0, 3, 4).flip([0]))], &SGD).unwrap();
    let expected: Vec<f32> = expected.into_iter().rev().collect();
    assert_close("flipped", &values(&flipped[0].parameter), &expected, 1e-6);
}

#[test]
fn norm_is_exact_where_f32_would_overflow_or_lose() {
    if skipped("sums in f64, which its composed form does not have") {
        return;
    }
    let device = crate::testing::device();
    let large = Tensor::<1>::full([4], 1e30, &device);
    assert!((global_norm(&[&large], NormType::L2) / 2e30 - 1.0).abs() < 1e-6);
    // In f32 the sum would stop at 2²⁴.
    let ones = Tensor::<1>::ones([40_000_000], &device);
    assert_eq!(global_norm(&[&ones], NormType::L2), 40_000_000f64.sqrt());
    let mixed = [random([50_001], 1), random([3], 2)];
    let expected: f64 = (mixed.iter().flat_map(values))
        .map(|x| f64::from(x).powi(2))
        .sum();
    let norm = global_norm(&mixed.each_ref(), NormType::L2);
    assert!((norm / expected.sqrt() - 1.0).abs() < 1e-12);
    assert_eq!(global_norm(&[], NormType::L2), 0.0);
    let nan = Tensor::<1>::full([20_000], f32::NAN, &device);
    for norm_type in [NormType::L2, NormType::Max] {
        assert!(global_norm(&[&mixed[0], &nan, &mixed[1]], norm_type).is_nan());
    }
}

#[test]
fn refuses_lengths_that_differ() {
    let mut slots = slots();
    slots[1].gradient = random([6], 1);
    assert_eq!(
        sgd_step(slots, &SGD).unwrap_err().to_string(),
        "sgd_step: `gradient` must have the 7 elements of its parameter, but its shape is [6]"
    );
    assert!(sgd_step(Vec::new(), &SGD).unwrap().is_empty());
    let mut slots = slots_after_a_step();
    slots[0].memory.tensors.pop();
    assert_eq!(
        adam_step(slots, &ADAMW).unwrap_err().to_string(),
        "adam_step: `memory` must have 2 tensors, but its shape is [1]"
    );
}

fn slots_after_a_step() -> Vec<Slot> {
    adam_step(slots(), &ADAMW).unwrap()
}

#[test]
fn a_maximum_norm_is_the_largest_element() {
    let x = [random([50_001], 1), random([3], 2)];
    let expected = (x.iter().flat_map(values)).fold(0f32, |most, x| most.max(x.abs()));
    assert_eq!(
        global_norm(&x.each_ref(), NormType::Max),
        f64::from(expected)
    );
    assert_eq!(global_norm(&[], NormType::Max), 0.0);
}

#[test]
fn penalties_by_hand() {
    let device = crate::testing::device();
    let p = Tensor::<1>::from_floats([2.0, -0.5, 0.0, 0.25], &device);
    let g = Tensor::<1>::from_floats([1.0, 1.0, 1.0, 1.0], &device);
    for dtype in [DType::F32, DType::F64] {
        if dtype == DType::F64 && skipped_without_double() {
            continue;
        }
        let [p, g] = [&p, &g].map(|x| x.clone().cast(dtype));
        let mut slots = [Slot {
            gradient_scale: 0.5,
            ..Slot::new(p.clone(), g, 0.1)
        }];
        add_penalty(&mut slots, |_| Some([0.25, 2.0]));
        let gradient = values(&slots[0].gradient.clone().cast(DType::F32));
        assert_eq!(gradient, [4.75, -0.75, 0.5, 1.25]);
        assert_eq!(slots[0].gradient_scale, 1.0);
        let shrunk = soft_threshold(p, 0.25).cast(DType::F32);
        assert_eq!(values(&shrunk), [1.75, -0.25, 0.0, 0.0]);
    }
    // Nobody else's tensors were written.
    assert_eq!(values(&g), [1.0; 4]);
    assert_eq!(values(&p), [2.0, -0.5, 0.0, 0.25]);
    let x = Tensor::<1>::from_floats([3.0, 4.0, 0.3, 0.4, 0.0, 0.0], &device);
    let held = values(&max_norm(x, 3, 2.5));
    assert_close("max_norm", &held, &[1.5, 2.0, 0.3, 0.4, 0.0, 0.0], 1e-6);
}
