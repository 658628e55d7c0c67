//! Transforms against the golden images of torchvision, OpenCV, Pillow, SciPy and NumPy: each
//! replays what its case says was drawn. `fixtures/image.py` makes them and explains the rules.

use std::collections::BTreeSet;

use onggi_augment::image::{Drawn, Image, ImageTransform, Pixels};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    source: String,
    settings: ImageTransform,
    drawn: Drawn,
    rule: String,
    by: String,
}

const FIXTURE: &[u8] = include_bytes!("fixtures/image.safetensors");

fn image(view: &TensorView) -> Image {
    let [h, w, c] = *view.shape() else {
        panic!("a golden image is HWC, got {:?}", view.shape())
    };
    let pixels = match view.dtype() {
        Dtype::U8 => Pixels::U8(view.data().to_vec()),
        _ => {
            let (floats, _) = view.data().as_chunks::<4>();
            Pixels::F32(floats.iter().map(|b| f32::from_le_bytes(*b)).collect())
        }
    };
    Image::new(h, w, c, pixels).unwrap()
}

/// What is wrong with `got`, if anything.
fn complaint(got: &Image, want: &Image, rule: &str) -> Option<String> {
    if got.size() != want.size() || got.channels() != want.channels() {
        return Some(format!("size {:?}, wanted {:?}", got.size(), want.size()));
    }
    let unit = match want.pixels() {
        Pixels::F32(_) => 1.0,
        _ => 255.0,
    };
    let (a, b) = (got.fractions(), want.fractions());
    let off: Vec<f32> = a
        .iter()
        .zip(&b)
        .map(|(a, b)| (a - b).abs() * unit)
        .collect();
    let mean = off.iter().sum::<f32>() / off.len() as f32;
    let most = off.iter().copied().fold(0.0, f32::max);
    let far = off.iter().filter(|d| **d > 1.01).count() as f32 / off.len() as f32;
    let holds = match rule {
        "exact" => most == 0.0,
        "atol1" => most <= 1.01,
        "warp" => far < 0.07 && mean < 3.0,
        "mae2" => mean < 2.0,
        "f32" => most <= 1e-5,
        _ => false,
    };
    let found = format!("{rule}: most {most}, mean {mean}, share above 1 {far}");
    (!holds).then_some(found)
}

#[test]
fn every_case_holds_its_rule() {
    let (_, header) = SafeTensors::read_metadata(FIXTURE).unwrap();
    let cases = &header.metadata().as_ref().unwrap()["cases"];
    let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
    let tensors = SafeTensors::deserialize(FIXTURE).unwrap();
    let open = |name: &str| image(&tensors.tensor(name).unwrap());
    let mut complaints = Vec::new();
    let mut transforms = BTreeSet::new();
    for case in &cases {
        transforms.insert(case.settings.name());
        let got = case
            .settings
            .replay(&case.drawn, open(&case.source).into())
            .unwrap();
        if let Some(words) = complaint(&got.image, &open(&case.name), &case.rule) {
            complaints.push(format!("{} against {}: {words}", case.name, case.by));
        }
    }
    assert!(
        complaints.is_empty(),
        "{} cases fail:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
    assert!(
        transforms.len() >= 60,
        "{} transforms have golden images",
        transforms.len()
    );
}
