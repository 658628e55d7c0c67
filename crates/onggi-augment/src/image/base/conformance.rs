//! What holds for every transform of the registry, tested for every one.

use super::raster::{Image, Pixels};
use super::registry::Transform;
use super::sample::{Keypoint, Label, Sample};
use crate::Draw;
use crate::image::{BoundingBox, BoxFormat, Drawn, ImageTransform};

/// Height, width and channels of a camera's photograph.
const LARGE: [usize; 3] = [3000, 4000, 3];

/// Pixels that differ from each other but for smooth stretches, as photographs have.
pub(crate) fn picture(height: usize, width: usize, channels: usize) -> Image {
    let mut pixels = Vec::with_capacity(height * width * channels);
    for i in 0..height {
        for j in 0..width {
            for k in 0..channels {
                let wave = (i * 7 + j * 5 + k * 60) % 256;
                pixels.push(if (i / 4 + j / 6) % 3 == 0 {
                    (i * 37 + j * 101 + k * 59) as u8
                } else {
                    wave as u8
                });
            }
        }
    }
    Image::of(height, width, channels, Pixels::U8(pixels))
}

/// A picture with every kind of target.
pub(crate) fn sample(height: usize, width: usize, channels: usize) -> Sample {
    let (h, w) = (height as f64, width as f64);
    let mask = (0..height * width)
        .map(|i| (i % width * 4 / width) as u8)
        .collect();
    let boxes = [[0.0, 0.0, w, h], [w * 0.2, h * 0.3, w * 0.6, h * 0.7]];
    let points = [(0.5, 0.5), (w / 2.0, h / 2.0), (w - 0.5, h - 0.5)];
    Sample {
        masks: vec![Image::of(height, width, 1, Pixels::U8(mask))],
        boxes: boxes
            .map(|b| BoundingBox::new(b, BoxFormat::Xyxy, 1))
            .into(),
        keypoints: points
            .iter()
            .enumerate()
            .map(|(label, &(x, y))| Keypoint { x, y, label })
            .collect(),
        label: Some(Label::Hard(3)),
        ..picture(height, width, channels).into()
    }
}

/// The sample with its image in all three depths.
fn depths(sample: &Sample) -> [Sample; 3] {
    let f = sample.image.fractions();
    let wide = f.iter().map(|v| (v * 65535.0).round() as u16).collect();
    [
        sample.image.pixels().clone(),
        Pixels::U16(wide),
        Pixels::F32(f),
    ]
    .map(|pixels| Sample {
        image: sample.image.with(pixels),
        ..sample.clone()
    })
}

fn inside(name: &str, s: &Sample) {
    let [h, w] = s.size();
    let [h, w] = [h as f64, w as f64];
    for b in &s.boxes {
        let [l, t, r, bottom] = b.xyxy;
        let holds = 0.0 <= l && l < r && r <= w && 0.0 <= t && t < bottom && bottom <= h;
        assert!(holds, "{name}: {b:?} in {h}×{w}");
    }
    for k in &s.keypoints {
        let holds = (0.0..=w).contains(&k.x) && (0.0..=h).contains(&k.y);
        assert!(holds, "{name}: {k:?} in {h}×{w}");
    }
    s.check().unwrap();
}

/// Everything that holds for one transform on images of one shape.
fn one_shape(transform: &ImageTransform, [h, w, c]: [usize; 3], draws: u64, continuous: bool) {
    let name = transform.name();
    let source = sample(h, w, c);
    for index in 0..draws {
        let views = depths(&source).map(|view| {
            let kept = view.clone();
            let (once, drawn) = transform
                .run(view.clone(), &mut Draw::new(7, 1, index))
                .unwrap();
            let (again, same) = transform
                .run(view.clone(), &mut Draw::new(7, 1, index))
                .unwrap();
            assert!(kept == view, "{name}: input untouched");
            assert!(
                once == again && drawn == same,
                "{name}: same seed, same bytes"
            );
            let saved = serde_json::to_string(&drawn).unwrap();
            let read: Drawn = serde_json::from_str(&saved).unwrap();
            let replayed = transform.replay(&read, view).unwrap();
            assert!(replayed == once, "{name}: replay of {saved}");
            inside(name, &once);
            once
        });
        let [narrow, rest @ ..] = &views;
        for other in rest {
            let shape = |s: &Sample| (s.size(), s.image.channels());
            assert_eq!(shape(narrow), shape(other), "depths agree on the shape");
            assert!(narrow.masks == other.masks, "{name}");
            assert!(narrow.boxes == other.boxes, "{name}");
            assert!(narrow.keypoints == other.keypoints, "{name}");
            let pairs = narrow
                .image
                .fractions()
                .into_iter()
                .zip(other.image.fractions());
            for (i, (a, b)) in pairs.enumerate() {
                let near = (a - b).abs() <= 2.0 / 255.0 || !continuous;
                assert!(near, "{name} {h}×{w}×{c} draw {index} at {i}: {a} {b}");
            }
        }
    }
}

/// What is written reads back the same, and is written the same again.
fn round_trip(saved: &ImageTransform) {
    let json = serde_json::to_string(saved).unwrap();
    let read = serde_json::from_str::<ImageTransform>(&json).unwrap();
    assert_eq!(&read, saved);
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    let text = toml::to_string(saved).unwrap();
    let read = toml::from_str::<ImageTransform>(&text).unwrap();
    assert_eq!(&read, saved);
    assert_eq!(toml::to_string(&read).unwrap(), text);
}

fn refused(name: &str, settings: &str, words: &str) {
    let json = settings.replacen('{', &format!("{{\"transform\": \"{name}\","), 1);
    let json = json.replace(",}", "}");
    let refusal = serde_json::from_str::<ImageTransform>(&json)
        .unwrap_err()
        .to_string();
    assert!(refusal.contains(words), "{json}: {refusal}");
}

/// The tests of one row of the registry.
pub(crate) fn conform<T: Transform>() {
    let example = |[h, w, c]: [usize; 3], p| T::example(h, w, c).p(p).unwrap();
    all(T::NAME, T::CONTINUOUS, &example, T::refusals());
}

fn all(
    name: &str,
    continuous: bool,
    example: &dyn Fn([usize; 3], f64) -> ImageTransform,
    refusals: Vec<(&'static str, &'static str)>,
) {
    for shape in [
        [1, 1, 1],
        [1, 9, 3],
        [9, 1, 1],
        [17, 31, 3],
        [17, 31, 4],
        [8, 8, 5],
    ] {
        one_shape(&example(shape, 1.0), shape, 12, continuous);
        round_trip(&example(shape, 0.25));
        let [h, w, c] = shape;
        let never = example(shape, 0.0);
        let (same, drawn) = never.run(sample(h, w, c), &mut Draw::new(1, 2, 3)).unwrap();
        assert!(same == sample(h, w, c), "{name}: p = 0 changes nothing");
        assert_eq!(drawn, Drawn::Skipped);
    }
    let [h, w, c] = LARGE;
    let (out, _) = example(LARGE, 1.0)
        .run(sample(h, w, c), &mut Draw::new(5, 0, 1))
        .unwrap();
    inside(name, &out);
    refused(name, r#"{"zzz": 1}"#, "has no setting `zzz`");
    for (settings, words) in refusals {
        refused(name, settings, words);
    }
}
