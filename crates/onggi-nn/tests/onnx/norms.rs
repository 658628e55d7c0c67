//! Normalisation and dropout.

use crate::case::{Array, Case, Outcome, by_rank, device, load, one, require};
use onggi_nn::Mode;
use onggi_nn::dropout::Dropout;
use onggi_nn::norm::{
    BatchNormConfig, GroupNormConfig, InstanceNorm2d, InstanceNormConfig, LayerNormConfig,
    LocalResponseNorm, RmsNormConfig,
};
use onggi_nn::state;

pub(crate) fn batch_norm(case: &Case) -> Outcome {
    let (x, weight) = (case.input("X"), case.input("scale"));
    let config = BatchNormConfig {
        eps: case.number("epsilon"),
        momentum: Some(1.0 - case.number("momentum")),
        ..BatchNormConfig::new(weight.shape[0])
    };
    let batches = Array {
        shape: vec![1],
        values: vec![0.0],
        boolean: false,
    };
    let parts = [
        ("weight", Some(weight)),
        ("bias", case.get("B")),
        ("running_mean", case.get("input_mean")),
        ("running_var", case.get("input_var")),
        ("num_batches_tracked", Some(&batches)),
    ];
    by_rank!(x.rank(), D in [3 4 5] => {
        let layer = load(config.init::<{ D - 2 }>(&device())?, &parts)?;
        if !case.is("training_mode") {
            return one(layer.forward(x.tensor::<D>(), &Mode::Eval)?);
        }
        let mut outputs = one(layer.forward(x.tensor::<D>(), &Mode::train(1, 1))?)?;
        let mean = state::collect(&layer).remove("running_mean").unwrap();
        let values = mean.values.into_iter().map(f64::from).collect();
        outputs.push(Some(Array { shape: mean.shape, values, boolean: false }));
        outputs.push(None);
        Ok(outputs)
    })
}

pub(crate) fn layer_norm(case: &Case) -> Outcome {
    let x = case.input("X");
    by_rank!(x.rank(), D in [2 3 4] => {
        by_rank!(D - case.size("axis"), R in [1 2 3 4] => {
            let shape = std::array::from_fn(|axis| x.shape[x.rank() - R + axis]);
            let mut config = LayerNormConfig::<R>::new(shape);
            config.eps = case.number("epsilon");
            config.bias = case.get("B").is_some();
            let parts = [("weight", case.get("Scale")), ("bias", case.get("B"))];
            let layer = load(config.init(&device())?, &parts)?;
            let mut outputs = one(layer.forward(x.tensor::<D>())?)?;
            outputs.extend([None, None]);
            Ok(outputs)
        })
    })
}

pub(crate) fn rms_norm(case: &Case) -> Outcome {
    let x = case.input("X");
    by_rank!(x.rank(), D in [2 3 4] => {
        by_rank!(D - case.size("axis"), R in [1 2 3 4] => {
            let shape = std::array::from_fn(|axis| x.shape[x.rank() - R + axis]);
            let mut config = RmsNormConfig::<R>::new(shape);
            config.eps = Some(case.number("epsilon"));
            let layer = load(config.init(&device())?, &[("weight", case.get("scale"))])?;
            one(layer.forward(x.tensor::<D>())?)
        })
    })
}

pub(crate) fn instance_norm(case: &Case) -> Outcome {
    let (x, weight) = (case.input("input"), case.input("scale"));
    let config = InstanceNormConfig {
        eps: case.number("epsilon"),
        affine: true,
        ..InstanceNormConfig::new(weight.shape[0])
    };
    let layer: InstanceNorm2d = config.init(&device())?;
    let layer = load(layer, &[("weight", Some(weight)), ("bias", case.get("B"))])?;
    one(layer.forward(x.tensor::<4>(), &Mode::Eval)?)
}

pub(crate) fn group_norm(case: &Case) -> Outcome {
    let x = case.input("X");
    let config = GroupNormConfig {
        eps: case.number("epsilon"),
        ..GroupNormConfig::new(case.size("num_groups"), x.shape[1])
    };
    let parts = [("weight", case.get("scale")), ("bias", case.get("bias"))];
    let layer = load(config.init(&device())?, &parts)?;
    one(layer.forward(x.tensor::<4>())?)
}

pub(crate) fn local_response_norm(case: &Case) -> Outcome {
    let [alpha, beta, k] = ["alpha", "beta", "bias"].map(|name| case.number(name));
    let layer = LocalResponseNorm::new(case.size("size"))?.with_constants(alpha, beta, k)?;
    one(layer.forward(case.input("X").tensor::<4>())?)
}

pub(crate) fn dropout(case: &Case) -> Outcome {
    let (training, ratio) = (case.is("training_mode"), case.number("ratio"));
    let drawn = training && ratio > 0.0;
    require(!drawn, "another generator draws the mask")?;
    let mode = if training {
        Mode::train(1, 1)
    } else {
        Mode::Eval
    };
    let x = case.input("data");
    let y = Dropout::new(ratio)?.forward(x.reshaped(&[x.values.len()]).tensor::<1>(), &mode)?;
    Ok(vec![Some(Array::of(y).reshaped(&x.shape)), None])
}
