//! `onggi-bench models`: whole models, written out as their peers in `peers/models.py` are, and those of
//! the zoo beside torchvision's.
//!
//! A training step is forward pass, loss, backward pass and the optimiser's step; inference is the
//! forward pass in eval mode, outside of a graph.

mod cnn4;
mod conv_norm;
mod encoder;
mod families;
mod mlp;
mod mobilenet;
mod resnet;

use crate::suite::{Bench, Step};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Tensor};
use onggi::nn::linear::{Linear, LinearConfig};
use onggi::nn::loss::CrossEntropy;
use onggi::nn::optim::{AdamW, Gradients, Optimizer, Sgd};
use onggi::nn::{Classifier, Mode, NnError, init};

pub(crate) use resnet::resnet18;

/// The learning rate of the rows with SGD.
const LEARNING_RATE: f64 = 0.01;

/// All rows.
pub(crate) fn benches() -> Vec<Bench> {
    [WRITTEN_OUT.as_slice(), &families::BENCHES].concat()
}

/// Models that both sides write out.
const WRITTEN_OUT: [Bench; 7] = [
    Bench {
        name: "resnet18_train",
        shape: &[16, 3, 224, 224],
        make: resnet::train,
    },
    Bench {
        name: "resnet18_infer",
        shape: &[16, 3, 224, 224],
        make: resnet::infer,
    },
    Bench {
        name: "resnet18_infer_1",
        shape: &[1, 3, 224, 224],
        make: resnet::infer,
    },
    Bench {
        name: "mobilenet_v2_train",
        shape: &[16, 3, 224, 224],
        make: mobilenet::train,
    },
    Bench {
        name: "cnn4_train",
        shape: &[64, 3, 32, 32],
        make: cnn4::train,
    },
    Bench {
        name: "mlp_train",
        shape: &[64, 784],
        make: mlp::train,
    },
    Bench {
        name: "encoder_train",
        shape: &[16, 128, 384],
        make: encoder::train,
    },
];

/// Standard normal values.
fn input<const D: usize>(shape: &[usize], device: &Device) -> Tensor<D> {
    let shape: [usize; D] = shape.try_into().expect("the row's shape has D axes");
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// Class `i % classes` for sample `i`.
fn targets(samples: usize, classes: usize) -> Vec<usize> {
    (0..samples).map(|sample| sample % classes).collect()
}

fn linear(inputs: usize, outputs: usize, device: &Device) -> Linear {
    LinearConfig::new(inputs, outputs)
        .init(&mut init::generator(1), device)
        .expect("valid sizes")
}

pub(crate) fn sgd() -> Optimizer {
    let rule = Sgd {
        momentum: 0.9,
        weight_decay: 5e-4,
        ..Sgd::default()
    };
    Optimizer::new(rule).expect("valid settings")
}

pub(crate) fn adamw() -> Optimizer {
    let rule = AdamW {
        weight_decay: 0.01,
        ..AdamW::default()
    };
    Optimizer::new(rule).expect("valid settings")
}

/// Average over the image, and a linear layer.
fn classify(x: Tensor<4>, fc: &Linear) -> Result<Tensor<2>, NnError> {
    let [n, c, ..] = x.dims();
    fc.forward(x.mean_dim(3).mean_dim(2).reshape([n, c]))
}

/// Trained values of a model; running statistics are none.
fn trained(model: &impl Module) -> usize {
    struct Count(usize);
    impl ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0 += param.shape().num_elements();
            }
        }
    }
    let mut count = Count(0);
    model.visit(&mut count);
    count.0
}

/// Forward passes over one batch.
fn inference<M: Classifier<D>, const D: usize>(model: M, shape: &[usize]) -> Step {
    let x = input::<D>(shape, &Device::flex());
    Box::new(move || {
        let y = model.forward(x.clone(), &Mode::Eval);
        Box::new(y.expect("the model's shape"))
    })
}

/// Steps of a training on one batch, over and over.
fn training<M, const D: usize>(
    model: M,
    parameters: usize,
    mut optimizer: Optimizer,
    lr: f64,
    shape: &[usize],
    classes: usize,
) -> Step
where
    M: Classifier<D>,
{
    assert_eq!(trained(&model), parameters, "the peer's architecture");
    let device = Device::flex().autodiff();
    let (x, targets) = (input::<D>(shape, &device), targets(shape[0], classes));
    let loss = CrossEntropy::new(0.0, None).expect("no smoothing");
    let mut model = Some(model.train());
    let mut step = 0;
    Box::new(move || {
        step += 1;
        let current = model.take().expect("put back after each step");
        let logits = current
            .forward(x.clone(), &Mode::train(1, step))
            .expect("the model's shape");
        let loss = loss.forward(logits, &targets).expect("valid classes");
        let gradients = Gradients::of(&current, &loss).expect("a tracked loss");
        let moved = optimizer.step(current, gradients, lr);
        model = Some(moved.expect("the model's gradients"));
        Box::new(())
    })
}
