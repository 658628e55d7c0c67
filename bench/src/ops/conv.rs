//! Convolution and pooling.

use super::{axes, forward_backward, leaf, normal};
use crate::suite::{Bench, Step};
use onggi::ops::conv::{Conv2dOptions, conv2d};
use onggi::ops::pool::{AvgPoolOptions, MaxPoolOptions, avg_pool, max_pool};

/// A layer without bias: output channels, kernel, stride, groups; padded by half the kernel.
const fn layer(name: &'static str, shape: &'static [usize], make: fn(&[usize]) -> Step) -> Bench {
    Bench { name, shape, make }
}

pub(super) const BENCHES: [Bench; 14] = [
    layer("conv2d_3x3_64_56", &[16, 64, 56, 56], |s| {
        conv(s, 64, 3, 1, 1)
    }),
    layer("conv2d_3x3_128_28", &[16, 128, 28, 28], |s| {
        conv(s, 128, 3, 1, 1)
    }),
    layer("conv2d_3x3_256_14", &[16, 256, 14, 14], |s| {
        conv(s, 256, 3, 1, 1)
    }),
    layer("conv2d_3x3_512_7", &[16, 512, 7, 7], |s| {
        conv(s, 512, 3, 1, 1)
    }),
    layer("conv2d_3x3_s2_64_128_56", &[16, 64, 56, 56], |s| {
        conv(s, 128, 3, 2, 1)
    }),
    layer("conv2d_3x3_s2_128_256_28", &[16, 128, 28, 28], |s| {
        conv(s, 256, 3, 2, 1)
    }),
    layer("conv2d_3x3_s2_256_512_14", &[16, 256, 14, 14], |s| {
        conv(s, 512, 3, 2, 1)
    }),
    layer("conv2d_1x1_64_256_56", &[16, 64, 56, 56], |s| {
        conv(s, 256, 1, 1, 1)
    }),
    layer("conv2d_1x1_s2_64_128_56", &[16, 64, 56, 56], |s| {
        conv(s, 128, 1, 2, 1)
    }),
    layer("conv2d_depthwise_3x3", &[16, 144, 56, 56], |s| {
        conv(s, 144, 3, 1, 144)
    }),
    layer("conv2d_depthwise_3x3_s2", &[16, 144, 56, 56], |s| {
        conv(s, 144, 3, 2, 144)
    }),
    layer("conv2d_7x7_stem", &[16, 3, 224, 224], stem),
    layer("max_pool_2d", &[16, 64, 112, 112], max_pool_2d),
    layer("avg_pool_2d", &[16, 64, 112, 112], avg_pool_2d),
];

fn options(kernel: usize, stride: usize, groups: usize) -> Conv2dOptions {
    Conv2dOptions {
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        groups,
        ..Default::default()
    }
}

fn conv(shape: &[usize], outputs: usize, kernel: usize, stride: usize, groups: usize) -> Step {
    let x = leaf::<4>(axes(shape));
    let weight = leaf([outputs, shape[1] / groups, kernel, kernel]);
    let options = options(kernel, stride, groups);
    forward_backward(move || {
        conv2d(x.clone(), weight.clone(), None, &options).expect("valid sizes")
    })
}

/// The input takes no gradient, as in a network.
fn stem(shape: &[usize]) -> Step {
    let (x, weight) = (normal::<4>(axes(shape)), leaf([64, shape[1], 7, 7]));
    let options = options(7, 2, 1);
    forward_backward(move || {
        conv2d(x.clone(), weight.clone(), None, &options).expect("valid sizes")
    })
}

fn max_pool_2d(shape: &[usize]) -> Step {
    let x = leaf::<4>(axes(shape));
    let options = MaxPoolOptions::<2>::new(3).with_stride(2).with_padding(1);
    forward_backward(move || max_pool(x.clone(), &options).expect("valid sizes"))
}

fn avg_pool_2d(shape: &[usize]) -> Step {
    let x = leaf::<4>(axes(shape));
    let options = AvgPoolOptions::<2>::new(2);
    forward_backward(move || avg_pool(x.clone(), &options).expect("valid sizes"))
}
