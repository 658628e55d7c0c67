//! A step of low-rank adaptation against a layer written by hand in PyTorch (`fixtures/lora.py`).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_nn::linear::Linear;
use onggi_nn::lora::{LoraConfig, LoraLinear};
use onggi_nn::optim::{Gradients, Optimizer, Sgd};
use onggi_nn::{Mode, init, state};
use onggi_ops::testing::{Golden, assert_close, values};

#[test]
fn a_step_is_that_of_pytorch() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/lora.safetensors"
    );
    let golden = Golden::open(file);
    let device: Device = onggi_ops::testing::device().autodiff();
    let base = Linear {
        weight: Param::from_tensor(golden.tensor("weight", &device)),
        bias: Some(Param::from_tensor(golden.tensor("bias", &device))),
    };
    let config = LoraConfig {
        r: 2,
        alpha: 3.0,
        dropout: 0.0,
    };
    let mut layer = config.init(base, &mut init::generator(1)).unwrap();
    layer.lora_a = Param::from_tensor(golden.tensor("a0", &device));
    layer.lora_b = Param::from_tensor(golden.tensor("b0", &device));
    let x: Tensor<2> = golden.tensor::<2>("x", &device).require_grad();
    let check = |name: &str, got: &[f32]| assert_close(name, got, &golden.values(name), 2e-6);
    let y = layer.forward(x.clone(), &Mode::Eval).unwrap();
    check("y", &values(&y));
    let loss = |y: Tensor<2>| (y * golden.tensor("dy", &device)).sum();
    let gradient = x.grad(&loss(y).backward()).unwrap();
    check("dx", &values(&gradient));
    // A graph is gone through once.
    let y = layer.forward(x.clone(), &Mode::Eval).unwrap();
    let gradients = Gradients::of(&layer, &loss(y)).unwrap();
    for (name, parameter) in [("da", "lora_a"), ("db", "lora_b")] {
        let gradient = gradients.get(parameter).unwrap().clone().into_data();
        check(name, &gradient.try_to_vec::<f32>().unwrap());
    }
    let before = state::collect(&layer);
    let mut optimizer = Optimizer::new(Sgd::default()).unwrap();
    let layer: LoraLinear = optimizer.step(layer.train(), gradients, 0.1).unwrap();
    check("a1", &values(&layer.lora_a.val()));
    check("b1", &values(&layer.lora_b.val()));
    let after = state::collect(&layer);
    for name in ["weight", "bias"] {
        assert_eq!(before[name], after[name], "{name} is frozen");
    }
    let x = x.detach();
    check(
        "y1",
        &values(&layer.forward(x.clone(), &Mode::Eval).unwrap()),
    );
    let merged = layer.merge();
    check("merged", &values(&merged.weight.val()));
    check("y1", &values(&merged.forward(x).unwrap()));
}
