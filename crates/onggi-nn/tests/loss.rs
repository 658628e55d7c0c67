//! Losses against the values that PyTorch gives (`fixtures/loss.py`).

use burn::tensor::{Device, Int, Tensor, TensorData};
use onggi_nn::NnError;
use onggi_nn::loss::{
    BceLoss, BceWithLogitsLoss, CosineEmbeddingLoss, CrossEntropy, CtcLoss, FocalLoss,
    HingeEmbeddingLoss, HuberLoss, KlDivLoss, L1Loss, MseLoss, MultiMarginLoss, NllLoss, Reduction,
    SmoothL1Loss, SoftmaxFocalLoss, TripletMarginLoss,
};
use onggi_ops::testing::{Golden, assert_close, values};

const REDUCTIONS: [(&str, Reduction); 3] = [
    ("mean", Reduction::Mean),
    ("sum", Reduction::Sum),
    ("none", Reduction::None),
];

fn open() -> Golden {
    Golden::open(&format!(
        "{}/tests/fixtures/loss.safetensors",
        env!("CARGO_MANIFEST_DIR")
    ))
}

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

type Outcome = Result<Tensor<1>, NnError>;

/// A case of the fixtures: its losses and gradients under each reduction. The leaves come in the
/// order of `names`, as tensors of `D` axes.
fn case<const D: usize, const N: usize>(
    case: &str,
    names: [&str; N],
    loss: impl Fn([Tensor<D>; N], Reduction) -> Outcome,
) {
    let (golden, device) = (open(), device());
    for (name, reduction) in REDUCTIONS {
        let leaves = names.map(|leaf| {
            let leaf = golden.tensor::<D>(&format!("{case}.{leaf}"), &device);
            leaf.require_grad()
        });
        let losses = loss(leaves.clone(), reduction).unwrap();
        let expected = golden.values(&format!("{case}.{name}"));
        assert_close(&format!("{case}.{name}"), &values(&losses), &expected, 2e-6);
        let total = match reduction {
            Reduction::None => (losses * golden.tensor(&format!("{case}.dy"), &device)).sum(),
            _ => losses,
        };
        let gradients = total.backward();
        for (leaf, tensor) in names.iter().zip(&leaves) {
            let name = format!("{case}.d{leaf}.{name}");
            if golden.has(&name) {
                let gradient = tensor.grad(&gradients).expect("a gradient");
                assert_close(&name, &values(&gradient), &golden.values(&name), 3e-6);
            }
        }
    }
}

fn ints(name: &str) -> Vec<i64> {
    open().values(name).iter().map(|&v| v as i64).collect()
}

fn classes(name: &str) -> Vec<usize> {
    open().values(name).iter().map(|&v| v as usize).collect()
}

fn weight(name: &str) -> Option<Vec<f32>> {
    Some(open().values(name))
}

#[test]
fn cross_entropy() {
    let loss = |smoothing, weight| CrossEntropy::new(smoothing, weight).unwrap();
    let rows = |name: &str, loss: CrossEntropy| {
        let index = ints(&format!("{name}.classes"));
        let index = || {
            let data = TensorData::new(index.clone(), [index.len()]);
            Tensor::<1, Int>::from_data(data, &device())
        };
        case(name, ["x"], |[x]: [Tensor<2>; 1], reduction| {
            loss.clone()
                .with_reduction(reduction)
                .forward_indices(x, index())
        });
    };
    rows("ce", loss(0.0, None));
    rows("ce_smooth", loss(0.1, None));
    rows("ce_ignore", loss(0.0, None).with_ignore_index(1));
    rows(
        "ce_weight_smooth",
        loss(0.2, weight("ce_weight_smooth.weight")),
    );
    let pixels = loss(0.1, weight("ce_image.weight")).with_ignore_index(2);
    case("ce_image", ["x"], |[x]: [Tensor<4>; 1], reduction| {
        let pixels = pixels.clone().with_reduction(reduction);
        pixels.forward(x, &classes("ce_image.classes"))
    });
}

#[test]
fn cross_entropy_with_probabilities() {
    let loss = |smoothing, weight, reduction| {
        CrossEntropy::new(smoothing, weight)
            .unwrap()
            .with_reduction(reduction)
    };
    case("soft", ["x", "t"], |[x, t]: [Tensor<2>; 2], reduction| {
        loss(0.0, None, reduction).forward_soft(x, t)
    });
    case(
        "soft_smooth",
        ["x", "t"],
        |[x, t]: [Tensor<2>; 2], reduction| {
            loss(0.1, weight("soft_smooth.weight"), reduction).forward_soft(x, t)
        },
    );
    case(
        "soft_image",
        ["x", "t"],
        |[x, t]: [Tensor<4>; 2], reduction| loss(0.1, None, reduction).forward_soft(x, t),
    );
}

#[test]
fn nll() {
    case("nll", ["x"], |[x]: [Tensor<2>; 1], reduction| {
        let ignored = usize::MAX;
        let class = |&class: &i64| usize::try_from(class).unwrap_or(ignored);
        let classes: Vec<usize> = ints("nll.classes").iter().map(class).collect();
        let loss = NllLoss::new(weight("nll.weight")).unwrap();
        loss.with_ignore_index(ignored)
            .with_reduction(reduction)
            .forward(x, &classes)
    });
    case("nll_image", ["x"], |[x]: [Tensor<4>; 1], reduction| {
        let loss = NllLoss::new(weight("nll_image.weight")).unwrap();
        let loss = loss.with_ignore_index(2).with_reduction(reduction);
        loss.forward(x, &classes("nll_image.classes"))
    });
    let x = || Tensor::<2>::zeros([2, 3], &device());
    let loss = NllLoss::default();
    assert_eq!(
        loss.forward(x(), &[0, 3]).unwrap_err().to_string(),
        "NllLoss: `classes` must be below 3, but is 3"
    );
    assert!(loss.forward(x(), &[0]).is_err());
    assert!(
        loss.clone()
            .with_ignore_index(1)
            .forward(x(), &[1, 1])
            .is_err()
    );
    assert!(
        loss.forward(Tensor::<1>::zeros([3], &device()), &[0])
            .is_err()
    );
    assert!(NllLoss::new(Some(vec![f32::NAN])).is_err());
}

#[test]
fn binary_cross_entropy() {
    type Pair = [Tensor<2>; 2];
    case("bce", ["x", "t"], |[x, t]: Pair, reduction| {
        let loss = BceLoss::default()
            .with_weight(open().values("bce.weight"))
            .unwrap();
        loss.with_reduction(reduction).forward(x, t)
    });
    case("bce_extreme", ["x", "t"], |[x, t]: Pair, reduction| {
        BceLoss::default().with_reduction(reduction).forward(x, t)
    });
    case("bce_logits", ["x", "t"], |[x, t]: Pair, reduction| {
        BceWithLogitsLoss::default()
            .with_reduction(reduction)
            .forward(x, t)
    });
    case(
        "bce_logits_weight",
        ["x", "t"],
        |[x, t]: Pair, reduction| {
            let loss = BceWithLogitsLoss::default()
                .with_weight(open().values("bce_logits_weight.weight"))?
                .with_pos_weight(open().values("bce_logits_weight.pos_weight"))?;
            loss.with_reduction(reduction).forward(x, t)
        },
    );
    let x = |n| Tensor::<2>::zeros([2, n], &device());
    let loss = BceWithLogitsLoss::default();
    assert_eq!(
        loss.forward(x(3), x(2)).unwrap_err().to_string(),
        "BceWithLogitsLoss: the input must be of the target's shape [2, 2], but its shape is [2, 3]"
    );
    let weighted = loss.with_weight(vec![1.0, 2.0]).unwrap();
    assert_eq!(
        weighted.forward(x(3), x(3)).unwrap_err().to_string(),
        "BceWithLogitsLoss: `weight` must be one value, or one for each of the 3 of the last axis, \
         but is 2 values"
    );
    assert!(BceLoss::default().with_weight(vec![-1.0]).is_err());
}

#[test]
fn focal() {
    case("focal", ["x", "t"], |[x, t]: [Tensor<2>; 2], reduction| {
        FocalLoss::default().with_reduction(reduction).forward(x, t)
    });
    case(
        "focal_plain",
        ["x", "t"],
        |[x, t]: [Tensor<2>; 2], reduction| {
            FocalLoss::new(None, 1.5)?
                .with_reduction(reduction)
                .forward(x, t)
        },
    );
    case("softmax_focal", ["x"], |[x]: [Tensor<2>; 1], reduction| {
        let loss = SoftmaxFocalLoss::new(2.0, weight("softmax_focal.weight"))?;
        loss.with_reduction(reduction)
            .forward(x, &classes("softmax_focal.classes"))
    });
    // Without focus it is cross-entropy.
    let x = open().tensor::<2>("softmax_focal.x", &device());
    let index = classes("softmax_focal.classes");
    let got = SoftmaxFocalLoss::new(0.0, None)
        .unwrap()
        .forward(x.clone(), &index)
        .unwrap();
    let expected = CrossEntropy::new(0.0, None)
        .unwrap()
        .forward(x, &index)
        .unwrap();
    assert_close("gamma 0", &values(&got), &values(&expected), 1e-6);
    assert!(FocalLoss::new(Some(1.5), 2.0).is_err() && FocalLoss::new(None, -1.0).is_err());
    assert!(SoftmaxFocalLoss::new(f64::NAN, None).is_err());
}

#[test]
fn regression() {
    fn pair(name: &str, loss: impl Fn(Tensor<2>, Tensor<2>, Reduction) -> Outcome) {
        case(name, ["x", "t"], |[x, t], reduction| loss(x, t, reduction));
    }
    pair("mse", |x, t, r| {
        MseLoss::default().with_reduction(r).forward(x, t)
    });
    pair("l1", |x, t, r| {
        L1Loss::default().with_reduction(r).forward(x, t)
    });
    pair("smooth_l1", |x, t, r| {
        SmoothL1Loss::default().with_reduction(r).forward(x, t)
    });
    pair("smooth_l1_0.3", |x, t, r| {
        SmoothL1Loss::new(0.3)?.with_reduction(r).forward(x, t)
    });
    pair("smooth_l1_0", |x, t, r| {
        SmoothL1Loss::new(0.0)?.with_reduction(r).forward(x, t)
    });
    pair("huber", |x, t, r| {
        HuberLoss::default().with_reduction(r).forward(x, t)
    });
    pair("huber_2", |x, t, r| {
        HuberLoss::new(2.0)?.with_reduction(r).forward(x, t)
    });
    assert_eq!(
        HuberLoss::new(0.0).unwrap_err().to_string(),
        "HuberLoss: `delta` must be above 0 and finite, but is 0"
    );
    assert!(SmoothL1Loss::new(-1.0).is_err());
    let x = |n| Tensor::<1>::zeros([n], &device());
    assert!(MseLoss::default().forward(x(1), x(2)).is_err());
    let nothing = MseLoss::default().forward(x(0), x(0)).unwrap();
    assert!(nothing.into_scalar::<f32>().is_nan());
}

#[test]
fn divergence() {
    fn pair(name: &str, loss: KlDivLoss) {
        case(name, ["x", "t"], |[x, t]: [Tensor<2>; 2], reduction| {
            loss.clone().with_reduction(reduction).forward(x, t)
        });
    }
    pair("kl", KlDivLoss::default());
    pair("kl_batchmean", KlDivLoss::default().with_batch_mean());
    pair("kl_log", KlDivLoss::default().with_log_target());
}

#[test]
fn margins() {
    let index = || classes("multi_margin.classes");
    case("multi_margin", ["x"], |[x]: [Tensor<2>; 1], reduction| {
        MultiMarginLoss::default()
            .with_reduction(reduction)
            .forward(x, &index())
    });
    case("multi_margin_2", ["x"], |[x]: [Tensor<2>; 1], reduction| {
        let loss = MultiMarginLoss::new(2, 0.5, weight("multi_margin_2.weight"))?;
        loss.with_reduction(reduction).forward(x, &index())
    });
    case(
        "hinge_embedding",
        ["x", "t"],
        |[x, t]: [Tensor<1>; 2], reduction| {
            HingeEmbeddingLoss::new(1.5)?
                .with_reduction(reduction)
                .forward(x, t)
        },
    );
    case(
        "cosine_embedding",
        ["x", "x2"],
        |[x, y]: [Tensor<2>; 2], reduction| {
            let target = open().tensor::<1>("cosine_embedding.t", &device());
            CosineEmbeddingLoss::new(0.2)?
                .with_reduction(reduction)
                .forward(x, y, target)
        },
    );
    let triplet = |name: &str, loss: TripletMarginLoss| {
        case(
            name,
            ["x", "x2", "x3"],
            |[a, p, n]: [Tensor<2>; 3], reduction| {
                loss.clone().with_reduction(reduction).forward(a, p, n)
            },
        );
    };
    triplet("triplet", TripletMarginLoss::default());
    triplet(
        "triplet_swap",
        TripletMarginLoss::new(2.0).unwrap().with_swap(),
    );
    triplet(
        "triplet_1",
        TripletMarginLoss::default().with_p(1.0).unwrap(),
    );
    triplet(
        "triplet_3",
        TripletMarginLoss::default().with_p(3.0).unwrap(),
    );
    assert!(MultiMarginLoss::new(3, 1.0, None).is_err());
    assert!(TripletMarginLoss::new(0.0).is_err());
    assert!(TripletMarginLoss::default().with_p(0.5).is_err());
    assert!(HingeEmbeddingLoss::new(f64::NAN).is_err());
}

#[test]
fn ctc() {
    let (golden, device) = (open(), device());
    let targets = [vec![1, 2, 2, 3], vec![4], vec![], vec![3; 5]];
    for (case, lengths, loss) in [
        ("ctc", [9, 5, 7, 9], CtcLoss::default()),
        (
            "ctc_zero",
            [9, 5, 7, 8],
            CtcLoss::new(0).with_zero_infinity(),
        ),
    ] {
        for (name, reduction) in REDUCTIONS {
            let x = golden.tensor::<3>("ctc.x", &device).require_grad();
            let log_p = onggi_ops::activation::log_softmax(x.clone(), 2).unwrap();
            let loss = loss.clone().with_reduction(reduction);
            let losses = loss.forward(log_p, &targets, &lengths).unwrap();
            let what = format!("{case}.{name}");
            assert_close(&what, &values(&losses), &golden.values(&what), 3e-6);
            let gradients = losses.sum().backward();
            let what = format!("{case}.dx.{name}");
            let dx = values(&x.grad(&gradients).unwrap());
            assert_close(&what, &dx, &golden.values(&what), 3e-6);
        }
    }
    let log_p = || Tensor::<3>::zeros([3, 1, 4], &device);
    let short = CtcLoss::default()
        .forward(log_p(), &[vec![1, 1]], &[2])
        .unwrap();
    assert_eq!(short.into_scalar::<f32>(), f32::INFINITY);
    let error = |targets: &[Vec<usize>], lengths: &[usize]| {
        CtcLoss::default()
            .forward(log_p(), targets, lengths)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[vec![0]], &[3]),
        "CtcLoss: `targets` must be below 4 and not the blank 0, but is 0"
    );
    assert_eq!(
        error(&[vec![1]], &[4]),
        "CtcLoss: `input_lengths` must be at most 3, but is 4"
    );
    assert!(!error(&[], &[3]).is_empty() && !error(&[vec![4]], &[3]).is_empty());
    assert!(CtcLoss::new(4).forward(log_p(), &[vec![1]], &[3]).is_err());
}

#[test]
fn indices_must_fit_their_places() {
    let logits = Tensor::<3>::zeros([2, 3, 4], &device());
    let index = Tensor::<2, Int>::zeros([2, 3], &device());
    let error = CrossEntropy::new(0.0, None)
        .unwrap()
        .forward_indices(logits, index);
    assert_eq!(
        error.unwrap_err().to_string(),
        "CrossEntropy: the input must be (N, K, *) for classes (N, *) = [2, 3], but its shape is \
         [2, 3, 4]"
    );
}
