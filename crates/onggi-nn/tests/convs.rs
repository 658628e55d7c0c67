//! Convolutions, pooling, padding and upsampling layers against the values that PyTorch gives
//! (`../onggi-ops/tests/fixtures/pool.py`).

use burn::module::{Param, ParamId};
use burn::tensor::Tensor;
use onggi_nn::conv::{
    Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvConfig, ConvTranspose1dConfig,
    ConvTranspose2dConfig, Padding, PaddingMode,
};
use onggi_nn::init;
use onggi_nn::pad::{Pad1d, Pad2d, Pad3d};
use onggi_nn::pool::{
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d, AdaptiveMaxPool2d,
    AvgPool1d, AvgPool2d, AvgPool3d, AvgPoolOptions, LPPool1d, LPPool2d, LpPoolOptions, MaxPool1d,
    MaxPool2d, MaxPool3d, MaxPoolOptions,
};
use onggi_nn::upsample::{Interpolation, Size, Upsample};
use onggi_ops::testing::{Golden, assert_golden, assert_golden_weighted, values};

fn open(name: &str) -> Golden {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../onggi-ops/tests/fixtures");
    Golden::open(&format!("{fixtures}/{name}.safetensors"))
}

/// A parameter that stays the leaf that it is.
fn leaf<const D: usize>(value: Tensor<D>) -> Param<Tensor<D>> {
    Param::initialized(ParamId::new(), value)
}

/// Puts weight and bias into a layer made from a config, and applies it.
macro_rules! layer {
    ($config:expr) => {
        |x, weight, bias: Option<Tensor<1>>| {
            let config = $config.with_bias(bias.is_some());
            let device = onggi_ops::testing::device().autodiff();
            let mut layer = config.init(&mut init::generator(1), &device).unwrap();
            assert_eq!(layer.weight.dims(), Tensor::dims(&weight));
            layer.weight = leaf(weight);
            layer.bias = bias.map(leaf);
            layer.forward(x).unwrap()
        }
    };
}

#[test]
fn convolutions() {
    let golden = open("convs");
    let one = |case: &str, config: Conv1dConfig| {
        assert_golden_weighted::<3>(&golden, case, layer!(config.clone()), 3e-6);
    };
    let strided = Conv1dConfig::new(4, 6, 3).with_stride(2).with_padding(3);
    one("conv1d", strided.with_dilation(2).with_groups(2));
    one("conv1d_no_bias", ConvConfig::new(1, 3, 4));
    one("conv1d_same", ConvConfig::new(3, 4, 4).with_same_padding());
    let reflect = Conv1dConfig::new(3, 4, 3).with_padding_mode(PaddingMode::Reflect);
    one("conv1d_reflect", reflect.with_padding(2).with_dilation(2));
    let two = |case: &str, config: Conv2dConfig| {
        assert_golden_weighted::<4>(&golden, case, layer!(config.clone()), 5e-6);
    };
    let uneven = Conv2dConfig {
        kernel_size: [3, 2],
        stride: [2, 1],
        padding: Padding::Each([1, 2]),
        dilation: [1, 2],
        ..ConvConfig::new(4, 6, 3)
    };
    two("conv2d", uneven.with_groups(2));
    let depthwise = Conv2dConfig::new(3, 3, 3).with_groups(3);
    two("conv2d_depthwise", depthwise.with_padding(1));
    let same = Conv2dConfig {
        kernel_size: [4, 3],
        dilation: [1, 2],
        ..ConvConfig::new(3, 4, 3)
    };
    two("conv2d_same", same.with_same_padding());
    let replicate = Conv2dConfig {
        padding: Padding::Each([1, 2]),
        ..ConvConfig::new(2, 3, 3).with_padding_mode(PaddingMode::Replicate)
    };
    two("conv2d_replicate", replicate.with_stride(2));
    let circular = Conv2dConfig::new(2, 3, 3).with_padding(1);
    two(
        "conv2d_circular",
        circular.with_padding_mode(PaddingMode::Circular),
    );
    let three = |case: &str, config: Conv3dConfig| {
        assert_golden_weighted::<5>(&golden, case, layer!(config.clone()), 1e-5);
    };
    three("conv3d", ConvConfig::new(2, 4, 3).with_padding(1));
    let groups = Conv3dConfig {
        kernel_size: [2, 3, 2],
        stride: [2, 1, 2],
        padding: Padding::Each([1, 0, 2]),
        dilation: [2, 2, 1],
        ..ConvConfig::new(4, 6, 3)
    };
    three("conv3d_groups", groups.with_groups(2));
    let same = Conv3dConfig {
        kernel_size: [2, 3, 2],
        ..ConvConfig::new(2, 2, 3)
    };
    three("conv3d_same", same.with_same_padding());
}

#[test]
fn transposed_convolutions() {
    let golden = open("convs");
    let one = ConvTranspose1dConfig::new(4, 6, 3)
        .with_stride(2)
        .with_padding(1)
        .with_output_padding(1)
        .with_groups(2)
        .with_dilation(2);
    assert_golden_weighted::<3>(&golden, "transpose1d", layer!(one.clone()), 3e-6);
    let two = |case: &str, config: ConvTranspose2dConfig| {
        assert_golden_weighted::<4>(&golden, case, layer!(config.clone()), 3e-6);
    };
    let strided = ConvTranspose2dConfig::new(3, 4, 3).with_stride(2);
    two(
        "transpose2d",
        strided.with_padding(1).with_output_padding(1),
    );
    two(
        "transpose2d_no_bias",
        ConvTranspose2dConfig::new(2, 1, 2).with_stride(2),
    );
    let groups = ConvTranspose2dConfig {
        kernel_size: [3, 2],
        stride: [3, 1],
        padding: [1, 0],
        output_padding: [2, 0],
        dilation: [1, 2],
        ..ConvTranspose2dConfig::new(4, 6, 3)
    };
    two("transpose2d_groups", groups.with_groups(2));
}

/// The bound is `1/√fan_in`, the fan being that of the weight as it lies.
#[test]
fn initial_values_fill_pytorchs_bounds() {
    let device = onggi_ops::testing::device();
    let rng = &mut init::generator(1);
    let largest = |v: Vec<f32>| v.into_iter().fold(0f32, |m, v| m.max(v.abs()));
    let check = |v: Vec<f32>, fan: f32| {
        let bound = 1.0 / fan.sqrt();
        let largest = largest(v);
        assert!(
            largest <= bound && largest > 0.8 * bound,
            "{largest} {bound}"
        );
    };
    let conv = Conv2dConfig::new(16, 32, 3)
        .with_groups(4)
        .init(rng, &device)
        .unwrap();
    check(values(&conv.weight.val()), 4.0 * 9.0);
    check(values(&conv.bias.unwrap().val()), 4.0 * 9.0);
    let transposed = ConvTranspose2dConfig::new(16, 32, 3)
        .with_groups(4)
        .init(rng, &device)
        .unwrap();
    check(values(&transposed.weight.val()), 8.0 * 9.0);
    check(values(&transposed.bias.unwrap().val()), 8.0 * 9.0);
}

#[test]
fn pooling() {
    let golden = open("pool");
    let max = MaxPool2d::new(MaxPoolOptions::new(3).with_stride(2).with_padding(1)).unwrap();
    assert_golden::<4>(&golden, "max_3_2_1", |x| max.forward(x).unwrap(), 1e-6);
    let options = MaxPoolOptions::new(3).with_stride(2).with_padding(1);
    let max = MaxPool1d::new(options.with_ceil_mode(true)).unwrap();
    assert_golden::<3>(&golden, "max_1d", |x| max.forward(x).unwrap(), 1e-6);
    let options = MaxPoolOptions::new(2).with_stride(1).with_padding(1);
    let max = MaxPool3d::new(options.with_dilation(2)).unwrap();
    assert_golden::<5>(&golden, "max_3d_dilated", |x| max.forward(x).unwrap(), 1e-6);
    let options = AvgPoolOptions::new(3)
        .with_stride(2)
        .with_padding(1)
        .with_ceil_mode(true);
    let avg = AvgPool2d::new(options.with_count_include_pad(false)).unwrap();
    assert_golden::<4>(&golden, "avg_excluded", |x| avg.forward(x).unwrap(), 1e-6);
    let options = AvgPoolOptions::new(4)
        .with_stride(3)
        .with_padding(2)
        .with_ceil_mode(true);
    let avg = AvgPool1d::new(options.with_count_include_pad(false)).unwrap();
    assert_golden::<3>(&golden, "avg_1d", |x| avg.forward(x).unwrap(), 1e-6);
    let options = AvgPoolOptions::new(3)
        .with_stride(2)
        .with_padding(1)
        .with_ceil_mode(true);
    let avg = AvgPool3d::new(options.with_count_include_pad(false)).unwrap();
    assert_golden::<5>(
        &golden,
        "avg_3d_excluded",
        |x| avg.forward(x).unwrap(),
        1e-6,
    );
    let lp = LPPool2d::new(
        LpPoolOptions::new(2.0, 3)
            .with_stride(2)
            .with_ceil_mode(true),
    )
    .unwrap();
    assert_golden::<4>(&golden, "lp_2", |x| lp.forward(x).unwrap(), 2e-6);
    let lp = LPPool1d::new(LpPoolOptions::new(1.0, 3).with_stride(2)).unwrap();
    assert_golden::<3>(&golden, "lp_1", |x| lp.forward(x).unwrap(), 2e-6);
    let two = AdaptiveAvgPool2d::new([Some(5), None]).unwrap();
    assert_golden::<4>(
        &golden,
        "adaptive_avg_more",
        |x| two.forward(x).unwrap(),
        1e-6,
    );
    let one = AdaptiveAvgPool1d::new([Some(4)]).unwrap();
    assert_golden::<3>(
        &golden,
        "adaptive_avg_1d",
        |x| one.forward(x).unwrap(),
        1e-6,
    );
    let three = AdaptiveAvgPool3d::new([Some(2), Some(4), Some(3)]).unwrap();
    assert_golden::<5>(
        &golden,
        "adaptive_avg_3d",
        |x| three.forward(x).unwrap(),
        1e-6,
    );
    let two = AdaptiveMaxPool2d::new([Some(3), Some(4)]).unwrap();
    assert_golden::<4>(&golden, "adaptive_max", |x| two.forward(x).unwrap(), 1e-6);
    let one = AdaptiveMaxPool1d::new([Some(4)]).unwrap();
    assert_golden::<3>(
        &golden,
        "adaptive_max_1d",
        |x| one.forward(x).unwrap(),
        1e-6,
    );
}

#[test]
fn padding_and_upsampling() {
    let golden = open("resample");
    let zeros = Pad1d::zero([[2, 1]]);
    assert_golden::<3>(&golden, "zeros_1d", |x| zeros.forward(x).unwrap(), 1e-6);
    for (case, layer) in [
        ("constant_2d", Pad2d::constant([[1, 3], [2, 0]], -1.5)),
        ("reflect_2d", Pad2d::reflection([[1, 3], [2, 4]])),
        ("replicate_2d", Pad2d::replication([[6, 0], [2, 3]])),
        ("circular_2d", Pad2d::circular([[4, 3], [2, 4]])),
    ] {
        assert_golden::<4>(&golden, case, |x| layer.forward(x).unwrap(), 1e-6);
    }
    let volume = Pad3d::reflection([[0, 2], [2, 3], [1, 1]]);
    assert_golden::<5>(&golden, "reflect_3d", |x| volume.forward(x).unwrap(), 1e-6);
    let nearest = Upsample::new(Size::Scale([1.05, 2.3]), Interpolation::Nearest).unwrap();
    assert_golden::<4>(
        &golden,
        "nearest_scale",
        |x| nearest.forward(x).unwrap(),
        1e-6,
    );
    let corners = Interpolation::Linear {
        align_corners: true,
    };
    let linear = Upsample::new(Size::To([3, 12]), corners).unwrap();
    assert_golden::<4>(
        &golden,
        "linear_corners_2d",
        |x| linear.forward(x).unwrap(),
        1e-6,
    );
}

#[test]
fn mistakes_are_errors() {
    let (device, rng) = (onggi_ops::testing::device(), &mut init::generator(1));
    let groups = Conv2dConfig::new(4, 6, 3).with_groups(4).init(rng, &device);
    assert_eq!(
        groups.unwrap_err().to_string(),
        "Conv2d: `out_channels` must be a multiple of the 4 groups, but is 6"
    );
    let same = Conv1dConfig::new(4, 6, 3)
        .with_same_padding()
        .with_stride(2);
    assert_eq!(
        same.init(rng, &device).unwrap_err().to_string(),
        "Conv1d: `stride` must be 1 where the padding keeps the input's size, but is [2]"
    );
    assert!(Conv3dConfig::new(4, 6, 0).init(rng, &device).is_err());
    assert!(Conv2dConfig::new(0, 6, 3).init(rng, &device).is_err());
    assert!(
        Conv2dConfig::new(4, 6, 3)
            .with_dilation(0)
            .init(rng, &device)
            .is_err()
    );
    let output = ConvTranspose2dConfig::new(4, 6, 3).with_output_padding(1);
    assert!(output.init(rng, &device).is_err());
    let reflect = Conv1dConfig::new(1, 1, 7)
        .with_padding(3)
        .with_padding_mode(PaddingMode::Reflect);
    let x = Tensor::<3>::zeros([1, 1, 3], &device);
    assert!(
        reflect
            .init(rng, &device)
            .unwrap()
            .forward(x.clone())
            .is_err()
    );
    assert!(MaxPool2d::new(MaxPoolOptions::new(3).with_padding(2)).is_err());
    assert!(AvgPool2d::new(AvgPoolOptions::new(0)).is_err());
    assert!(LPPool1d::new(LpPoolOptions::new(f64::INFINITY, 2)).is_err());
    assert!(AdaptiveAvgPool2d::new([Some(0), None]).is_err());
    assert!(
        AdaptiveMaxPool1d::new([Some(2)])
            .unwrap()
            .forward(Tensor::<4>::zeros([1, 1, 3, 3], &device))
            .is_err()
    );
    assert!(Upsample::new(Size::Scale([-1.0]), Interpolation::Nearest).is_err());
    assert!(Upsample::new(Size::To([0]), Interpolation::Nearest).is_err());
    assert!(Pad1d::reflection([[3, 0]]).forward(x).is_err());
}
