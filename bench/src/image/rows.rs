//! The rows: transforms by the settings that a pipeline file would give them.

use super::photos::{Photos, pass};
use onggi::augment::Draw;
use onggi::augment::image::{Compose, Image, Normalize};
use onggi::data::image::{Channels, decode_bytes};
use std::any::Any;
use std::sync::Arc;

/// What a row does to each photo.
pub(crate) enum Row {
    /// The file to pixels.
    Decode,
    /// A pipeline as JSON.
    Transform(&'static str),
    /// A pipeline, then normalised to planes of f32 as a model takes them.
    Train(&'static str),
}

/// All rows.
pub(crate) fn all() -> Vec<(&'static str, Row)> {
    use Row::{Decode, Train, Transform};
    vec![
        ("jpeg_decode", Decode),
        (
            "resize_224",
            Transform(r#"[{"transform": "resize", "size": [224, 224]}]"#),
        ),
        (
            "resize_224_plain",
            Transform(r#"[{"transform": "resize", "size": [224, 224], "antialias": false}]"#),
        ),
        (
            "random_resized_crop_224",
            Transform(r#"[{"transform": "random_resized_crop", "size": [224, 224]}]"#),
        ),
        (
            "hflip",
            Transform(r#"[{"transform": "horizontal_flip", "p": 1}]"#),
        ),
        (
            "vflip",
            Transform(r#"[{"transform": "vertical_flip", "p": 1}]"#),
        ),
        (
            "rotate_bilinear_30",
            Transform(r#"[{"transform": "random_rotation", "degrees": [30, 30]}]"#),
        ),
        (
            "affine_bilinear",
            Transform(
                r#"[{"transform": "random_affine", "degrees": [15, 15], "scale": [1.1, 1.1],
                     "shear": [5, 5]}]"#,
            ),
        ),
        (
            "perspective",
            Transform(r#"[{"transform": "random_perspective", "distortion_scale": 0.2, "p": 1}]"#),
        ),
        (
            "color_jitter",
            Transform(
                r#"[{"transform": "color_jitter", "brightness": 0.4, "contrast": 0.4,
                     "saturation": 0.4, "hue": 0.1}]"#,
            ),
        ),
        (
            "brightness_contrast",
            Transform(r#"[{"transform": "random_brightness_contrast", "p": 1}]"#),
        ),
        (
            "hue_saturation",
            Transform(r#"[{"transform": "hue_saturation_value", "p": 1}]"#),
        ),
        ("grayscale", Transform(r#"[{"transform": "grayscale"}]"#)),
        (
            "gaussian_blur_5",
            Transform(r#"[{"transform": "gaussian_blur", "kernel_size": 5, "sigma": [1, 1]}]"#),
        ),
        (
            "gaussian_noise",
            Transform(r#"[{"transform": "gaussian_noise"}]"#),
        ),
        (
            "elastic",
            Transform(r#"[{"transform": "elastic_transform"}]"#),
        ),
        (
            "equalize",
            Transform(r#"[{"transform": "equalize", "p": 1}]"#),
        ),
        (
            "autocontrast",
            Transform(r#"[{"transform": "auto_contrast", "p": 1}]"#),
        ),
        (
            "posterize",
            Transform(r#"[{"transform": "posterize", "p": 1}]"#),
        ),
        (
            "solarize",
            Transform(r#"[{"transform": "solarize", "p": 1}]"#),
        ),
        (
            "sharpen",
            Transform(r#"[{"transform": "sharpen", "p": 1}]"#),
        ),
        (
            "median_blur_5",
            Transform(r#"[{"transform": "median_blur", "blur_limit": [5, 5], "p": 1}]"#),
        ),
        (
            "clahe",
            Transform(r#"[{"transform": "clahe", "clip_limit": [2, 2], "p": 1}]"#),
        ),
        (
            "jpeg_compression_50",
            Transform(r#"[{"transform": "jpeg_compression", "quality": [50, 50]}]"#),
        ),
        (
            "random_erasing",
            Transform(r#"[{"transform": "random_erasing", "p": 1}]"#),
        ),
        (
            "coarse_dropout",
            Transform(r#"[{"transform": "coarse_dropout", "p": 1}]"#),
        ),
        (
            "normalize",
            Transform(
                r#"[{"transform": "normalize", "mean": [0.485, 0.456, 0.406],
                     "std": [0.229, 0.224, 0.225]}]"#,
            ),
        ),
        (
            "randaugment",
            Transform(r#"[{"transform": "rand_augment"}]"#),
        ),
        (
            "trivialaugment",
            Transform(r#"[{"transform": "trivial_augment_wide"}]"#),
        ),
        (
            "train_pipeline_224",
            Train(
                r#"[{"transform": "random_resized_crop", "size": [224, 224]},
                    {"transform": "horizontal_flip"},
                    {"transform": "color_jitter", "brightness": 0.4, "contrast": 0.4,
                     "saturation": 0.4, "hue": 0.1}]"#,
            ),
        ),
    ]
}

impl Row {
    /// A pass over the photos.
    pub(crate) fn step(&self, photos: &Photos) -> Box<dyn FnMut() -> Box<dyn Any>> {
        let (images, threads) = (Arc::clone(&photos.images), photos.threads);
        let mut epoch = 0;
        match *self {
            Self::Decode => {
                let jpegs = Arc::clone(&photos.jpegs);
                Box::new(move || {
                    pass(&jpegs, threads, |_, (path, bytes)| {
                        decode_bytes(bytes, path, Channels::Rgb).expect("decoded before")
                    });
                    Box::new(())
                })
            }
            Self::Transform(settings) => {
                let pipeline = read(settings);
                Box::new(move || {
                    epoch += 1;
                    pass(&images, threads, |i, image: &Image| {
                        let mut rng = Draw::new(0, epoch, i as u64);
                        let done = pipeline.apply(image.clone(), &mut rng);
                        done.expect("fits any photo")
                    });
                    Box::new(())
                })
            }
            Self::Train(settings) => {
                let (pipeline, normalize) = (read(settings), Normalize::default());
                Box::new(move || {
                    epoch += 1;
                    pass(&images, threads, |i, image: &Image| {
                        let mut rng = Draw::new(0, epoch, i as u64);
                        let done = pipeline.apply(image.clone(), &mut rng);
                        let image = done.expect("fits any photo").image;
                        let mut planes = vec![0f32; image.pixels().len()];
                        let written = normalize.write_chw(&image, &mut planes);
                        written.expect("a buffer of the image's length");
                        planes
                    });
                    Box::new(())
                })
            }
        }
    }
}

fn read(settings: &str) -> Compose {
    serde_json::from_str(settings).expect("a pipeline as the registry writes it")
}
