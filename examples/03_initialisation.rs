//! What initial values decide: symmetry, depth, and time.
//!
//! `cargo run --release --example 03_initialisation`

use onggi::burn::module::Module;
use onggi::burn::tensor::{Device, Tensor, activation::relu};
use onggi::nn::NnError;
use onggi::nn::init::{self, FanMode, Nonlinearity, Probe, Rule, Verdict};
use onggi::nn::linear::{Linear, LinearConfig};
use onggi::nn::loss::CrossEntropy;
use onggi::nn::optim::{AdamW, Gradients, Optimizer};

const KAIMING: Rule = Rule::KaimingNormal {
    mode: FanMode::FanIn,
    nonlinearity: Nonlinearity::Relu,
};

/// Linear layers with a non-linearity between them.
#[derive(Module, Debug)]
struct Mlp {
    fc: Vec<Linear>,
}

impl Mlp {
    fn new(sizes: &[usize], rule: Rule, device: &Device) -> Result<Self, NnError> {
        let rng = &mut init::generator(1);
        let layers = sizes
            .windows(2)
            .map(|size| LinearConfig::new(size[0], size[1]).init(rng, device));
        let model = Self {
            fc: layers.collect::<Result<_, _>>()?,
        };
        init::apply(model, rule, rng)
    }

    fn forward(
        &self,
        mut x: Tensor<2>,
        f: Nonlinearity,
        probe: &mut Probe,
    ) -> Result<Tensor<2>, NnError> {
        for (i, layer) in self.fc.iter().enumerate() {
            if i > 0 {
                x = match f {
                    Nonlinearity::Tanh => x.tanh(),
                    _ => relu(x),
                };
            }
            x = layer.forward(x)?;
            probe.record(&format!("fc.{i}"), f, &x);
        }
        Ok(x)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    symmetry()?;
    depth()?;
    time()?;
    Ok(())
}

/// Units that start equal stay equal: 64 of them are as good as one.
fn symmetry() -> Result<(), NnError> {
    println!("A 4 x 4 checkerboard, two hidden layers of 64 units, 300 steps of AdamW:");
    let device = Device::flex().autodiff();
    // Points on a grid of 32 × 32 over the board.
    let points = (0..1024).map(|i| [i % 32, i / 32]);
    let (mut rows, mut classes) = (Vec::new(), Vec::new());
    for [i, j] in points {
        rows.extend([i, j].map(|k| (k as f32 - 15.5) / 10.0));
        classes.push((i / 8 + j / 8) % 2);
    }
    let x = Tensor::<1>::from_data(rows.as_slice(), &device).reshape([1024, 2]);
    let loss = CrossEntropy::new(0.0, None)?;
    let accuracy_from = |rule| -> Result<f64, NnError> {
        let mut model = Mlp::new(&[2, 64, 64, 2], rule, &device)?;
        let loss_of = |model: &Mlp, probe: &mut Probe| {
            loss.forward(
                model.forward(x.clone(), Nonlinearity::Relu, probe)?,
                &classes,
            )
        };
        let diagnosis = init::diagnose(&model, loss_of)?;
        println!("\n{diagnosis}");
        let symmetric = diagnosis.layers[0].verdict == Verdict::Symmetric;
        assert_eq!(symmetric, matches!(rule, Rule::Constant { .. }));

        let mut optimizer = Optimizer::new(AdamW::default())?;
        for _ in 0..300 {
            let gradients = Gradients::of(&model, &loss_of(&model, &mut Probe::off())?)?;
            model = optimizer.step(model, gradients, 0.01)?;
        }
        let logits = model.forward(x.clone(), Nonlinearity::Relu, &mut Probe::off())?;
        let best = logits.argmax(1).into_data();
        let right = best
            .iter::<i64>()
            .zip(&classes)
            .filter(|&(a, &b)| a == b as i64);
        let accuracy = right.count() as f64 / 1024.0;
        println!("accuracy after training: {:.1} %", 100.0 * accuracy);
        Ok(accuracy)
    };
    assert!(accuracy_from(Rule::Constant { value: 0.1 })? < 0.6);
    assert!(accuracy_from(KAIMING)? > 0.95);
    Ok(())
}

/// Each layer multiplies the spread by its own factor: thirty layers raise it to the power of 30.
fn depth() -> Result<(), NnError> {
    println!("\nStandard deviation of the outputs of 30 layers of 128 units, by layer:\n");
    println!("{:42} {:>8} {:>8} {:>8} {:>8}", "", 1, 10, 20, 30);
    let device = Device::flex().autodiff();
    let x = init::normal([256, 128], 1.0, &mut init::generator(2), &device);
    let run = |name: &str, rule: Rule, f: Nonlinearity| -> Result<(f64, Verdict), NnError> {
        let model = Mlp::new(&[128; 31], rule, &device)?;
        let diagnosis = init::diagnose(&model, |model, probe| {
            Ok(model.forward(x.clone(), f, probe)?.powi_scalar(2).mean())
        })?;
        let std = |layer: usize| diagnosis.layers[layer - 1].activity.std;
        let [a, b, c, d] = [1, 10, 20, 30].map(std);
        println!("{name:42} {a:8.1e} {b:8.1e} {c:8.1e} {d:8.1e}");
        Ok((d / a, diagnosis.layers[29].verdict))
    };
    let (tanh, relu) = (Nonlinearity::Tanh, Nonlinearity::Relu);
    let xavier = |gain| Rule::XavierNormal { gain };
    let default = Rule::KaimingUniform {
        mode: FanMode::FanIn,
        nonlinearity: Nonlinearity::LeakyRelu { slope: 5f64.sqrt() },
    };
    let wide = Rule::Normal {
        mean: 0.0,
        std: 0.2,
    };

    for (name, rule, f) in [
        ("ReLU, Kaiming", KAIMING, relu),
        (
            "tanh, Xavier with tanh's gain of 5/3",
            xavier(tanh.gain()),
            tanh,
        ),
    ] {
        let (ratio, verdict) = run(name, rule, f)?;
        assert!((0.2..5.0).contains(&ratio) && verdict == Verdict::Healthy);
    }
    for (name, rule, f) in [
        ("ReLU, Xavier", xavier(1.0), relu),
        ("ReLU, linear layers' default", default, relu),
        ("tanh, linear layers' default", default, tanh),
    ] {
        let (ratio, verdict) = run(name, rule, f)?;
        assert!(ratio < 1e-3 && verdict == Verdict::Vanishing);
    }
    let (ratio, verdict) = run("ReLU, normal with a std of 0.2", wide, relu)?;
    assert!(ratio > 1e3 && verdict == Verdict::Exploding);
    Ok(())
}

/// A recurrent net multiplies its gradient by the same matrix at each step.
fn time() -> Result<(), Box<dyn std::error::Error>> {
    const UNITS: usize = 64;
    println!("\nGradient through 200 steps of a plain recurrent net, h = tanh(W h + x):\n");
    let device = Device::flex().autodiff();
    let ratio_of = |name: &str, rule: Rule| -> Result<f64, Box<dyn std::error::Error>> {
        let rng = &mut init::generator(3);
        let weight = rule.draw([UNITS, UNITS], rng, &device)?;
        let first = init::normal([16, UNITS], 0.01, rng, &device).require_grad();
        let mut h = first.clone();
        for _ in 0..200 {
            let x = init::normal([16, UNITS], 0.01, rng, &device);
            h = (h.matmul(weight.clone().transpose()) + x).tanh();
        }
        let last = init::normal([16, UNITS], 1.0, rng, &device);
        let gradients = (h * last.clone()).sum().backward();
        let dh = first.grad(&gradients).ok_or("a gradient")?;
        let norm = |t: Tensor<2>| -> f64 {
            t.into_data()
                .iter::<f64>()
                .map(|g| g * g)
                .sum::<f64>()
                .sqrt()
        };
        let ratio = norm(dh) / norm(last);
        println!("{name:42} norm at the first / last step: {ratio:8.1e}");
        Ok(ratio)
    };
    let bound = 1.0 / (UNITS as f64).sqrt();
    let uniform = Rule::Uniform {
        low: -bound,
        high: bound,
    };
    let wide = Rule::Normal {
        mean: 0.0,
        std: 3.0 * bound,
    };
    assert!((0.1..=1.0).contains(&ratio_of("orthogonal", Rule::Orthogonal { gain: 1.0 })?));
    // So small that f32 has only 0 for it.
    assert!(ratio_of("uniform in 1/sqrt(units)", uniform)? < 1e-20);
    assert!(ratio_of("normal with a std of 3/sqrt(units)", wide)? > 1e3);
    Ok(())
}
