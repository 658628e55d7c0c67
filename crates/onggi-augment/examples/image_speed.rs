//! Images a second of every transform on one thread, on a made-up photograph of 500×375 RGB; with
//! a word, of the transforms whose name has it.
//!
//!     cargo run --release -p onggi-augment --example image_speed -- blur

use std::time::{Duration, Instant};

use onggi_augment::Draw;
use onggi_augment::image::{Image, ImageTransform, Pixels, Sample, TRANSFORMS};

/// Settings for transforms that cannot do without.
fn settings(name: &str) -> &'static str {
    match name {
        "random_crop"
        | "center_crop"
        | "resize"
        | "random_resized_crop"
        | "letter_box"
        | "pad_if_needed"
        | "crop_non_empty_mask" => r#", "size": [224, 224]"#,
        "scale_jitter" => r#", "target_size": [224, 224]"#,
        "random_affine" => r#", "degrees": 15, "translate": [0.1, 0.1], "scale": [0.9, 1.1]"#,
        "color_jitter" => r#", "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1"#,
        "gaussian_blur" => r#", "kernel_size": 5"#,
        "median_blur" => r#", "blur_limit": [5, 5]"#,
        "jpeg_compression" => r#", "quality": [50, 50]"#,
        _ => "",
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let word = std::env::args().nth(1).unwrap_or_default();
    let (h, w) = (375, 500);
    let value = |i: usize| {
        let (x, y, k) = (i / 3 % w, i / 3 / w, i % 3);
        let wave = ((x + 40 * k) as f32 / 37.0).sin() * (y as f32 / 23.0).cos();
        (128.0 + 90.0 * wave) as u8 ^ (i.wrapping_mul(2_654_435_761) >> 29) as u8 & 7
    };
    let pixels = Pixels::U8((0..h * w * 3).map(value).collect());
    let image = Image::new(h, w, 3, pixels)?;
    for row in TRANSFORMS.iter().filter(|r| r.name.contains(&word)) {
        let json = format!(
            r#"{{"transform": "{}", "p": 1{}}}"#,
            row.name,
            settings(row.name)
        );
        let Ok(transform) = serde_json::from_str::<ImageTransform>(&json) else {
            continue;
        };
        let mut times: Vec<Duration> = Vec::new();
        let start = Instant::now();
        while times.len() < 5 || start.elapsed() < Duration::from_millis(400) {
            let mut rng = Draw::new(1, 0, times.len() as u64);
            let sample = Sample::from(image.clone());
            let begin = Instant::now();
            std::hint::black_box(transform.apply(sample, &mut rng)?);
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        let median = times[times.len() / 2].as_secs_f64();
        println!("{:28} {:10.0} img/s", row.name, 1.0 / median);
    }
    Ok(())
}
