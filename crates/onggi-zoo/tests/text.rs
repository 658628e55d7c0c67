//! The networks for texts against the values that PyTorch gives (`fixtures/text/make.py`).

use burn::tensor::{Int, Tensor, TensorData};
use onggi_nn::loss::CrossEntropy;
use onggi_nn::optim::Gradients;
use onggi_nn::state::{self, StateDict, StateTensor};
use onggi_nn::{Mode, Network, init};
use onggi_ops::testing::{Golden, assert_close, values};
use onggi_zoo::{ModelOptions, TEXT_MODELS, TextModel};

const TOLERANCE: f32 = 2e-6;

#[test]
fn logits_and_gradients_are_pytorchs() {
    let golden = Golden::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/text/text.safetensors"
    ));
    let device = onggi_ops::testing::device().autodiff();
    let options = ModelOptions {
        width: 0.0625,
        ..ModelOptions::new(3)
    };
    let (shape, ids) = golden.raw("ids");
    let ids: Vec<i64> = ids.into_iter().map(|id| id as i64).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &device);
    for row in TEXT_MODELS {
        let full = |kind: &str, name: &str| format!("{}.{kind}.{name}", row.name);
        let rng = &mut init::generator(1);
        let model = TextModel::build(row.name, 20, &options, rng, &device).unwrap();
        let parameters: Vec<String> = state::collect(&model).into_keys().collect();
        let tensor = |name: &String| {
            let (shape, values) = golden.raw(&full("state", name));
            (name.clone(), StateTensor { shape, values })
        };
        let golden_state: StateDict = parameters.iter().map(tensor).collect();
        let model = state::load(model, golden_state).unwrap();
        let logits = model.outputs(ids.clone(), &Mode::train(1, 0)).unwrap();
        let expected = golden.values(&format!("{}.logits", row.name));
        assert_close(row.name, &values(&logits), &expected, TOLERANCE);
        let loss = CrossEntropy::new(0.0, None).unwrap();
        let loss = loss.forward(logits, &[0, 1, 2, 0, 1]).unwrap();
        let gradients = Gradients::of(&model, &loss).unwrap();
        for name in &parameters {
            let got = gradients.get(name).unwrap().clone();
            let got = got.into_data().try_to_vec::<f32>().unwrap();
            let expected = golden.values(&full("gradient", name));
            assert_close(&full("gradient", name), &got, &expected, TOLERANCE);
        }
    }
}
