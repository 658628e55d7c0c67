//! The rows.
//!
//! Of torchvision's weights those called `IMAGENET1K_V1`, with the accuracy that its documentation
//! states: what the later recipes with strong regularisation gain on ImageNet, they tend to lose as
//! features for other tasks (Kornblith et al., *Why do better loss functions lead to less transferable
//! features?*, 2021). Where timm's hub repository has the same tensors by the same names, it is named.

use super::{Build, ImageModel, ImageRow, Pretrained, Source};
use crate::{
    ConvNext, DenseNet, EfficientNet, EfficientNetLite, MobileNetV2, MobileNetV3, MobileNetV3Size,
    ResNet, SmallResNet, SqueezeNet, SqueezeNetVersion, Vgg, Vit, VitSize,
};

const fn row(
    name: &'static str,
    summary: &'static str,
    pretrained: Option<Pretrained>,
    build: Build,
) -> ImageRow {
    ImageRow {
        name,
        summary,
        pretrained,
        build,
    }
}

/// Of EfficientNet-Lite, which timm took over from TensorFlow: `(v − 127) / 128` of bytes.
const fn lite(size: usize, top1: f64, source: Source) -> Option<Pretrained> {
    Some(Pretrained {
        size,
        mean: [127.0 / 255.0; 3],
        std: [128.0 / 255.0; 3],
        top1,
        source,
        licence: "Apache-2.0",
    })
}

/// By ImageNet's mean and standard deviation.
const fn imagenet(
    size: usize,
    top1: f64,
    source: Source,
    licence: &'static str,
) -> Option<Pretrained> {
    Some(Pretrained {
        size,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        top1,
        source,
        licence,
    })
}

const fn torchvision(size: usize, top1: f64, source: Source) -> Option<Pretrained> {
    imagenet(size, top1, source, "BSD-3-Clause")
}

/// Of DeiT, with the accuracy that its authors state.
const fn deit(top1: f64, source: Source) -> Option<Pretrained> {
    imagenet(224, top1, source, "Apache-2.0")
}

const fn timm(repo: &'static str) -> Source {
    Source::Hub {
        repo,
        file: "model.safetensors",
    }
}

const fn pytorch(file: &'static str) -> Source {
    Source::Torchvision { file }
}

/// Models for images.
pub const IMAGE_MODELS: &[ImageRow] = &[
    row(
        "small_resnet",
        "residual CNN for small images, trained from scratch",
        None,
        |c, o, r, d| SmallResNet::new(c, o, r, d).map(ImageModel::SmallResNet),
    ),
    row(
        "efficientnet_lite0",
        "mobile CNN, 4.7 M parameters; its weights are in the program",
        lite(224, 75.1, Source::Embedded),
        |c, o, r, d| EfficientNetLite::new(0, c, o, r, d).map(ImageModel::EfficientNetLite),
    ),
    row(
        "efficientnet_lite1",
        "mobile CNN, 5.4 M parameters",
        lite(240, 76.7, timm("timm/tf_efficientnet_lite1.in1k")),
        |c, o, r, d| EfficientNetLite::new(1, c, o, r, d).map(ImageModel::EfficientNetLite),
    ),
    row(
        "efficientnet_lite2",
        "mobile CNN, 6.1 M parameters",
        lite(260, 77.6, timm("timm/tf_efficientnet_lite2.in1k")),
        |c, o, r, d| EfficientNetLite::new(2, c, o, r, d).map(ImageModel::EfficientNetLite),
    ),
    row(
        "resnet18",
        "residual CNN, 11.7 M parameters",
        torchvision(224, 69.76, timm("timm/resnet18.tv_in1k")),
        |c, o, r, d| ResNet::new(18, [1, 64], c, o, r, d).map(ImageModel::ResNet),
    ),
    row(
        "resnet34",
        "residual CNN, 21.8 M parameters",
        torchvision(224, 73.31, timm("timm/resnet34.tv_in1k")),
        |c, o, r, d| ResNet::new(34, [1, 64], c, o, r, d).map(ImageModel::ResNet),
    ),
    row(
        "resnet50",
        "residual CNN, 25.6 M parameters",
        torchvision(224, 76.13, timm("timm/resnet50.tv_in1k")),
        |c, o, r, d| ResNet::new(50, [1, 64], c, o, r, d).map(ImageModel::ResNet),
    ),
    row(
        "resnet101",
        "residual CNN, 44.5 M parameters",
        torchvision(224, 77.37, timm("timm/resnet101.tv_in1k")),
        |c, o, r, d| ResNet::new(101, [1, 64], c, o, r, d).map(ImageModel::ResNet),
    ),
    row(
        "resnet152",
        "residual CNN, 60.2 M parameters",
        torchvision(224, 78.31, timm("timm/resnet152.tv_in1k")),
        |c, o, r, d| ResNet::new(152, [1, 64], c, o, r, d).map(ImageModel::ResNet),
    ),
    row(
        "resnext50_32x4d",
        "residual CNN with grouped convolutions, 25.0 M parameters",
        torchvision(224, 77.62, timm("timm/resnext50_32x4d.tv_in1k")),
        |c, o, r, d| ResNet::new(50, [32, 4], c, o, r, d).map(ImageModel::ResNet),
    ),
    row(
        "vgg11",
        "plain CNN, 132.9 M parameters",
        torchvision(224, 69.02, pytorch("vgg11-8a719046.pth")),
        |c, o, r, d| Vgg::new(11, false, c, o, r, d).map(ImageModel::Vgg),
    ),
    row(
        "vgg11_bn",
        "plain CNN with batch normalisation, 132.9 M parameters",
        torchvision(224, 70.37, pytorch("vgg11_bn-6002323d.pth")),
        |c, o, r, d| Vgg::new(11, true, c, o, r, d).map(ImageModel::Vgg),
    ),
    row(
        "vgg13",
        "plain CNN, 133.0 M parameters",
        torchvision(224, 69.93, pytorch("vgg13-19584684.pth")),
        |c, o, r, d| Vgg::new(13, false, c, o, r, d).map(ImageModel::Vgg),
    ),
    row(
        "vgg13_bn",
        "plain CNN with batch normalisation, 133.0 M parameters",
        torchvision(224, 71.59, pytorch("vgg13_bn-abd245e5.pth")),
        |c, o, r, d| Vgg::new(13, true, c, o, r, d).map(ImageModel::Vgg),
    ),
    row(
        "vgg16",
        "plain CNN, 138.4 M parameters",
        torchvision(224, 71.59, pytorch("vgg16-397923af.pth")),
        |c, o, r, d| Vgg::new(16, false, c, o, r, d).map(ImageModel::Vgg),
    ),
    row(
        "vgg16_bn",
        "plain CNN with batch normalisation, 138.4 M parameters",
        torchvision(224, 73.36, pytorch("vgg16_bn-6c64b313.pth")),
        |c, o, r, d| Vgg::new(16, true, c, o, r, d).map(ImageModel::Vgg),
    ),
    row(
        "vgg19",
        "plain CNN, 143.7 M parameters",
        torchvision(224, 72.38, pytorch("vgg19-dcbb9e9d.pth")),
        |c, o, r, d| Vgg::new(19, false, c, o, r, d).map(ImageModel::Vgg),
    ),
    row(
        "vgg19_bn",
        "plain CNN with batch normalisation, 143.7 M parameters",
        torchvision(224, 74.22, pytorch("vgg19_bn-c79401a0.pth")),
        |c, o, r, d| Vgg::new(19, true, c, o, r, d).map(ImageModel::Vgg),
    ),
    row(
        "mobilenet_v2",
        "mobile CNN, 3.5 M parameters",
        torchvision(224, 71.88, pytorch("mobilenet_v2-b0353104.pth")),
        |c, o, r, d| MobileNetV2::new(c, o, r, d).map(ImageModel::MobileNetV2),
    ),
    row(
        "mobilenet_v3_small",
        "mobile CNN, 2.5 M parameters",
        torchvision(224, 67.67, pytorch("mobilenet_v3_small-047dcff4.pth")),
        |c, o, r, d| {
            MobileNetV3::new(MobileNetV3Size::Small, c, o, r, d).map(ImageModel::MobileNetV3)
        },
    ),
    row(
        "mobilenet_v3_large",
        "mobile CNN, 5.5 M parameters",
        torchvision(224, 74.04, pytorch("mobilenet_v3_large-8738ca79.pth")),
        |c, o, r, d| {
            MobileNetV3::new(MobileNetV3Size::Large, c, o, r, d).map(ImageModel::MobileNetV3)
        },
    ),
    row(
        "efficientnet_b0",
        "scaled mobile CNN, 5.3 M parameters",
        torchvision(
            224,
            77.69,
            pytorch("efficientnet_b0_rwightman-7f5810bc.pth"),
        ),
        |c, o, r, d| EfficientNet::new(0, c, o, r, d).map(ImageModel::EfficientNet),
    ),
    row(
        "efficientnet_b1",
        "scaled mobile CNN, 7.8 M parameters",
        torchvision(
            240,
            78.64,
            pytorch("efficientnet_b1_rwightman-bac287d4.pth"),
        ),
        |c, o, r, d| EfficientNet::new(1, c, o, r, d).map(ImageModel::EfficientNet),
    ),
    row(
        "efficientnet_b2",
        "scaled mobile CNN, 9.1 M parameters",
        torchvision(
            288,
            80.61,
            pytorch("efficientnet_b2_rwightman-c35c1473.pth"),
        ),
        |c, o, r, d| EfficientNet::new(2, c, o, r, d).map(ImageModel::EfficientNet),
    ),
    row(
        "efficientnet_b3",
        "scaled mobile CNN, 12.2 M parameters",
        torchvision(
            300,
            82.01,
            pytorch("efficientnet_b3_rwightman-b3899882.pth"),
        ),
        |c, o, r, d| EfficientNet::new(3, c, o, r, d).map(ImageModel::EfficientNet),
    ),
    row(
        "squeezenet1_0",
        "small CNN, 1.2 M parameters",
        torchvision(224, 58.09, pytorch("squeezenet1_0-b66bff10.pth")),
        |c, o, r, d| {
            SqueezeNet::new(SqueezeNetVersion::V1_0, c, o, r, d).map(ImageModel::SqueezeNet)
        },
    ),
    row(
        "squeezenet1_1",
        "small CNN, 1.2 M parameters",
        torchvision(224, 58.18, pytorch("squeezenet1_1-b8a52dc0.pth")),
        |c, o, r, d| {
            SqueezeNet::new(SqueezeNetVersion::V1_1, c, o, r, d).map(ImageModel::SqueezeNet)
        },
    ),
    row(
        "densenet121",
        "densely connected CNN, 8.0 M parameters",
        torchvision(224, 74.43, timm("timm/densenet121.tv_in1k")),
        |c, o, r, d| DenseNet::new(c, o, r, d).map(ImageModel::DenseNet),
    ),
    row(
        "convnext_tiny",
        "modern CNN, 28.6 M parameters",
        torchvision(224, 82.52, pytorch("convnext_tiny-983f1562.pth")),
        |c, o, r, d| ConvNext::new(c, o, r, d).map(ImageModel::ConvNext),
    ),
    row(
        "vit_tiny",
        "vision transformer, 5.7 M parameters",
        deit(72.2, timm("timm/deit_tiny_patch16_224.fb_in1k")),
        |c, o, r, d| Vit::new(VitSize::Tiny, c, o, r, d).map(ImageModel::Vit),
    ),
    row(
        "vit_small",
        "vision transformer, 22.1 M parameters",
        deit(79.9, timm("timm/deit_small_patch16_224.fb_in1k")),
        |c, o, r, d| Vit::new(VitSize::Small, c, o, r, d).map(ImageModel::Vit),
    ),
    row(
        "vit_base",
        "vision transformer, 86.6 M parameters",
        deit(81.8, timm("timm/deit_base_patch16_224.fb_in1k")),
        |c, o, r, d| Vit::new(VitSize::Base, c, o, r, d).map(ImageModel::Vit),
    ),
];
