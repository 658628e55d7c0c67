//! The rows of `../../ops.py` and `../../models.py` with their default shapes.

use anyhow::{Context, Result};

/// A convolution without bias; its gradients are those of the weight and, unless it is a stem, x.
pub(crate) struct Conv {
    name: &'static str,
    shape: [usize; 4],
    pub(crate) out: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) groups: usize,
    pub(crate) input_gradient: bool,
}

const fn conv(
    name: &'static str,
    shape: [usize; 4],
    out: usize,
    kernel: usize,
    stride: usize,
) -> Conv {
    Conv {
        name,
        shape,
        out,
        kernel,
        stride,
        padding: kernel / 2,
        groups: 1,
        input_gradient: true,
    }
}

const fn depthwise(name: &'static str, stride: usize) -> Conv {
    Conv {
        groups: 144,
        ..conv(name, [16, 144, 56, 56], 144, 3, stride)
    }
}

const CONVS: [Conv; 12] = [
    conv("conv2d_3x3_64_56", [16, 64, 56, 56], 64, 3, 1),
    conv("conv2d_3x3_128_28", [16, 128, 28, 28], 128, 3, 1),
    conv("conv2d_3x3_256_14", [16, 256, 14, 14], 256, 3, 1),
    conv("conv2d_3x3_512_7", [16, 512, 7, 7], 512, 3, 1),
    conv("conv2d_3x3_s2_64_128_56", [16, 64, 56, 56], 128, 3, 2),
    conv("conv2d_3x3_s2_128_256_28", [16, 128, 28, 28], 256, 3, 2),
    conv("conv2d_3x3_s2_256_512_14", [16, 256, 14, 14], 512, 3, 2),
    conv("conv2d_1x1_64_256_56", [16, 64, 56, 56], 256, 1, 1),
    conv("conv2d_1x1_s2_64_128_56", [16, 64, 56, 56], 128, 1, 2),
    depthwise("conv2d_depthwise_3x3", 1),
    depthwise("conv2d_depthwise_3x3_s2", 2),
    Conv {
        input_gradient: false,
        ..conv("conv2d_7x7_stem", [16, 3, 224, 224], 64, 7, 2)
    },
];

const SHAPES: [(&str, &[usize]); 31] = [
    ("batch_norm_2d", &[32, 64, 56, 56]),
    ("instance_norm_2d", &[32, 64, 56, 56]),
    ("instance_norm_2d_affine", &[32, 64, 56, 56]),
    ("group_norm", &[32, 64, 56, 56]),
    ("layer_norm", &[4096, 768]),
    ("rms_norm", &[4096, 768]),
    ("linear", &[64, 784]),
    ("linear_1536", &[2048, 384]),
    ("max_pool_2d", &[16, 64, 112, 112]),
    ("avg_pool_2d", &[16, 64, 112, 112]),
    ("gelu", &[2048, 1536]),
    ("silu", &[2048, 1536]),
    ("relu", &[32, 64, 56, 56]),
    ("relu_add", &[32, 64, 56, 56]),
    ("softmax", &[4096, 1000]),
    ("dropout", &[32, 64, 56, 56]),
    ("attention", &[16, 6, 128, 64]),
    ("cross_entropy", &[128, 1000]),
    ("lstm", &[32, 64, 128]),
    ("gru", &[32, 64, 128]),
    ("sgd_step", &[11_689_512]),
    ("adamw_step", &[11_689_512]),
    ("resnet18_train", &[16, 3, 224, 224]),
    ("mobilenet_v2_train", &[16, 3, 224, 224]),
    ("cnn4_train", &[64, 3, 32, 32]),
    ("mlp_train", &[64, 784]),
    ("encoder_train", &[16, 128, 384]),
    ("resnet18_infer", &[16, 3, 224, 224]),
    ("resnet18_infer_1", &[1, 3, 224, 224]),
    ("resnet18_infer_folded", &[16, 3, 224, 224]),
    ("resnet18_infer_1_folded", &[1, 3, 224, 224]),
];

/// The convolution of a row, if it is one.
pub(crate) fn convolution(name: &str) -> Option<&'static Conv> {
    CONVS.iter().find(|conv| conv.name == name)
}

/// A row's default shape; none for a row that is not known.
pub(crate) fn shape(name: &str) -> Option<&'static [usize]> {
    let other = SHAPES.iter().find(|(row, _)| *row == name);
    other
        .map(|(_, shape)| *shape)
        .or_else(|| convolution(name).map(|conv| conv.shape.as_slice()))
}

/// A shape of `D` sizes.
pub(crate) fn sizes<const D: usize>(shape: &[usize]) -> Result<[usize; D]> {
    let sizes = shape.try_into();
    sizes.with_context(|| format!("{shape:?} does not have {D} sizes"))
}
