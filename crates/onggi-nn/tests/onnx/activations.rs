//! Activations.

use crate::case::{Array, Case, Outcome, by_rank, device, load, one, require};
use burn::tensor::Tensor;
use onggi_nn::activation::{
    Approximate, ELU, GELU, Hardsigmoid, Hardswish, LeakyReLU, LogSoftmax, Mish, PReLUConfig, ReLU,
    SELU, SiLU, Sigmoid, Softmax, Softplus, Tanh,
};

/// A function of each value by itself.
fn each(case: &Case, f: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Outcome {
    let x = case.get("X").unwrap_or_else(|| case.input("input"));
    let y = Array::of(f(x.reshaped(&[x.values.len()]).tensor()));
    Ok(vec![Some(y.reshaped(&x.shape))])
}

pub(crate) fn activation(case: &Case) -> Outcome {
    match case.op.as_str() {
        "Relu" => each(case, |x| ReLU.forward(x)),
        "LeakyRelu" => each(case, |x| LeakyReLU::new(case.number("alpha")).forward(x)),
        "Elu" => each(case, |x| ELU::new(case.number("alpha")).forward(x)),
        "Swish" => {
            require(case.number("alpha") == 1.0, "the steepness is fixed at 1")?;
            each(case, |x| SiLU.forward(x))
        }
        "Mish" => each(case, |x| Mish.forward(x)),
        "HardSwish" => each(case, |x| Hardswish.forward(x)),
        "Sigmoid" => each(case, |x| Sigmoid.forward(x)),
        "Tanh" => each(case, |x| Tanh.forward(x)),
        _ => {
            let layer = Softplus::default();
            each(case, |x| layer.forward(x).unwrap())
        }
    }
}

pub(crate) fn gelu(case: &Case) -> Outcome {
    let approximate = match case.text("approximate") {
        "tanh" => Approximate::Tanh,
        _ => Approximate::None,
    };
    each(case, |x| GELU::new(approximate).forward(x))
}

pub(crate) fn selu(case: &Case) -> Outcome {
    let near = |name, value: f64| (case.number(name) - value).abs() < 1e-5;
    let same = near("alpha", 1.6732632) && near("gamma", 1.0507010);
    require(same, "the constants are fixed")?;
    each(case, |x| SELU.forward(x))
}

pub(crate) fn hard_sigmoid(case: &Case) -> Outcome {
    let sixth = (case.number("alpha") - 1.0 / 6.0).abs() < 1e-6 && case.number("beta") == 0.5;
    require(sixth, "the slope is fixed at 1/6")?;
    each(case, |x| Hardsigmoid.forward(x))
}

pub(crate) fn prelu(case: &Case) -> Outcome {
    let (x, slope) = (case.input("X"), case.input("slope"));
    let channels = [slope.values.len()];
    let channelwise = slope.rank() < x.rank()
        && (channels == [1] || channels == [x.shape[1]] && slope.shape[0] == x.shape[1]);
    require(channelwise, "a slope for another axis than the channels")?;
    let config = PReLUConfig::new().with_num_parameters(channels[0]);
    let weight = slope.reshaped(&channels);
    let layer = load(config.init(&device())?, &[("weight", Some(&weight))])?;
    by_rank!(x.rank(), D in [3 4 5] => one(layer.forward(x.tensor::<D>())?))
}

/// Up to opset 12 the axes from `axis` on count as one; in the cases there is only one.
pub(crate) fn softmax(case: &Case) -> Outcome {
    let (x, axis) = (case.input("input"), case.size("axis"));
    by_rank!(x.rank(), D in [2 3 4] => match case.op.as_str() {
        "Softmax" => one(Softmax::new(axis).forward(x.tensor::<D>())?),
        _ => one(LogSoftmax::new(axis).forward(x.tensor::<D>())?),
    })
}
