//! LSUV and the diagnosis of a small net.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation::relu};
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::init::{self, LsuvConfig, Nonlinearity, Probe, Rule, Verdict, apply, diagnose, lsuv};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::loss::CrossEntropy;
use onggi_nn::optim::Gradients;
use onggi_ops::testing::{assert_close, random, values};

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

/// A convolution and two linear layers.
#[derive(Module, Debug)]
struct Net {
    conv: Conv2d,
    fc1: Linear,
    fc2: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        let rng = &mut init::generator(5);
        Self {
            conv: Conv2dConfig::new(3, 8, 3).init(rng, device).unwrap(),
            fc1: LinearConfig::new(8 * 16, 32).init(rng, device).unwrap(),
            fc2: LinearConfig::new(32, 4).init(rng, device).unwrap(),
        }
    }

    fn forward(&self, x: Tensor<4>, probe: &mut Probe) -> Result<Tensor<2>, NnError> {
        let z = self.conv.forward(x)?;
        probe.record("conv", Nonlinearity::Relu, &z);
        let z = self.fc1.forward(relu(z).flatten(1, 3))?;
        probe.record("fc1", Nonlinearity::Tanh, &z);
        let z = self.fc2.forward(z.tanh())?;
        probe.record("fc2", Nonlinearity::Linear, &z);
        Ok(z)
    }

    fn loss(&self, probe: &mut Probe) -> Result<Tensor<1>, NnError> {
        let logits = self.forward(batch(), probe)?;
        let classes: Vec<usize> = (0..16).map(|i| i % 4).collect();
        CrossEntropy::new(0.0, None)?.forward(logits, &classes)
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let diagnosis = diagnose(self, Self::loss).unwrap();
        diagnosis.layers.iter().map(|layer| layer.verdict).collect()
    }
}

fn batch() -> Tensor<4> {
    Tensor::from_inner(random([16, 3, 6, 6], 1) * 5.0 + 2.0)
}

fn with<const D: usize>(
    param: Param<Tensor<D>>,
    f: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Param<Tensor<D>> {
    init::redraw(param.clone(), |_, _| f(param.val().inner()).autodiff())
}

#[test]
fn lsuv_gives_every_layer_unit_variance() {
    let config = LsuvConfig {
        tolerance: 0.01,
        ..LsuvConfig::default()
    };
    let scaled = lsuv(
        Net::new(&device()),
        &config,
        &mut init::generator(6),
        |net, probe| net.forward(batch(), probe),
    )
    .unwrap();
    let names: Vec<_> = scaled
        .layers
        .iter()
        .map(|layer| layer.layer.as_str())
        .collect();
    assert_eq!(names, ["conv", "fc1", "fc2"]);
    let mut probe = Probe::new();
    scaled.model.forward(batch(), &mut probe).unwrap();
    for (layer, activity) in scaled.layers.iter().zip(probe.seen()) {
        assert!((layer.variance - 1.0).abs() <= 0.01, "{layer:?}");
        assert!(
            (activity.std.powi(2) - layer.variance).abs() < 1e-6,
            "{activity:?}"
        );
        assert_eq!(
            layer.iterations, 1,
            "without a bias one division is enough: {layer:?}"
        );
    }
    assert!(scaled.layers[0].variance_before > 5.0);
    // Weights stay orthogonal up to one factor, and trained.
    let w = scaled.model.fc2.weight.val().inner();
    let product = values(&w.clone().matmul(w.transpose()));
    let unit: Vec<f32> = product.iter().map(|v| v / product[0]).collect();
    assert_close(
        "rows",
        &unit,
        &values(&init::eye([4, 4], &onggi_ops::testing::device())),
        1e-5,
    );
    let loss = scaled.model.loss(&mut Probe::off()).unwrap();
    assert_eq!(
        Gradients::of(&scaled.model, &loss).unwrap().names().count(),
        6
    );
}

#[test]
fn lsuv_says_what_it_cannot_scale() {
    let run = |forward: &dyn Fn(&Net, &mut Probe) -> Result<(), NnError>| {
        let rng = &mut init::generator(6);
        lsuv(
            Net::new(&onggi_ops::testing::device()),
            &LsuvConfig::default(),
            rng,
            forward,
        )
        .unwrap_err()
        .to_string()
    };
    let z = || Tensor::<2>::zeros([4, 3], &onggi_ops::testing::device());
    assert_eq!(
        run(&|_, probe| {
            probe.record("fc9", Nonlinearity::Relu, &z());
            Ok(())
        }),
        "lsuv: `layer` must be the path of a module with parameters, but is `fc9`"
    );
    assert_eq!(
        run(&|_, probe| {
            probe.record("fc1", Nonlinearity::Relu, &z());
            Ok(())
        }),
        "lsuv: `forward` must be one that gives `fc1` an output of finite variance above 0, but is one \
         of variance 0"
    );
    assert!(run(&|_, _| Ok(())).contains("reports a layer with a weight"));
    let config = LsuvConfig {
        tolerance: 0.0,
        max_iterations: 10,
    };
    let net = Net::new(&onggi_ops::testing::device());
    assert!(lsuv(net, &config, &mut init::generator(6), |_, _| Ok(())).is_err());
}

#[test]
fn lsuv_stops_after_its_iterations() {
    // An output that does not depend on the weight cannot be scaled.
    let config = LsuvConfig {
        tolerance: 0.1,
        max_iterations: 3,
    };
    let net = Net::new(&onggi_ops::testing::device());
    let scaled = lsuv(net, &config, &mut init::generator(6), |_, probe| {
        probe.record("fc1", Nonlinearity::Relu, &(random::<2>([8, 8], 1) * 2.0));
        Ok(())
    });
    let layer = scaled.unwrap().layers.remove(0);
    assert_eq!(layer.iterations, 3);
    assert!(layer.variance > 3.0);
}

#[test]
fn diagnosis_of_a_healthy_net() {
    let net = apply(
        Net::new(&device()),
        Rule::XavierNormal { gain: 0.5 },
        &mut init::generator(1),
    )
    .unwrap();
    let diagnosis = diagnose(&net, Net::loss).unwrap();
    assert_eq!(net.verdicts(), [Verdict::Healthy; 3]);
    let loss = net.loss(&mut Probe::off()).unwrap();
    let gradients = Gradients::of(&net, &loss).unwrap();
    let norm =
        |name: &str| f64::from(values(&gradients.get(name).unwrap().clone().square().sum())[0]);
    for layer in &diagnosis.layers {
        let name = &layer.activity.layer;
        let expected = (norm(&format!("{name}.weight")) + norm(&format!("{name}.bias"))).sqrt();
        assert!((layer.gradient_norm.unwrap() / expected - 1.0).abs() < 1e-5);
    }
}

#[test]
fn diagnosis_of_each_illness() {
    use Verdict::{Dead, Exploding, Healthy, Saturated, Symmetric, Vanishing};
    let net = || {
        apply(
            Net::new(&device()),
            Rule::XavierNormal { gain: 0.5 },
            &mut init::generator(1),
        )
        .unwrap()
    };

    // Equal weights: equal hidden units; the last layer's are told apart by their targets.
    let same = apply(
        net(),
        Rule::Constant { value: 0.01 },
        &mut init::generator(1),
    )
    .unwrap();
    assert_eq!(same.verdicts(), [Symmetric, Symmetric, Healthy]);

    let mut dead = net();
    dead.conv.bias = dead.conv.bias.map(|bias| with(bias, |b| b - 1000.0));
    assert_eq!(dead.verdicts()[0], Dead);

    let mut saturated = net();
    saturated.fc1.weight = with(saturated.fc1.weight, |w| w * 20.0);
    assert_eq!(saturated.verdicts()[1], Saturated);

    let mut exploding = net();
    exploding.fc2.weight = with(exploding.fc2.weight, |w| w * 1e5);
    assert_eq!(exploding.verdicts(), [Exploding; 3]);

    let mut vanishing = net();
    vanishing.fc1.weight = with(vanishing.fc1.weight, |w| w * 1e-5);
    assert_eq!(vanishing.verdicts()[1], Vanishing);
    // The first two put out what they did, but no gradient comes through the third.
    let mut vanishing = net();
    vanishing.fc2.weight = with(vanishing.fc2.weight, |w| w * 1e-6);
    assert_eq!(vanishing.verdicts(), [Vanishing; 3]);

    let mut broken = net();
    broken.fc1.weight = with(broken.fc1.weight, |w| w * f32::NAN);
    assert_eq!(broken.verdicts()[1], Exploding);
}

#[test]
fn diagnosis_prints_as_a_table_of_80_columns() {
    let same = apply(
        Net::new(&device()),
        Rule::Constant { value: 0.01 },
        &mut init::generator(1),
    )
    .unwrap();
    let mut diagnosis = diagnose(&same, Net::loss).unwrap();
    diagnosis.layers[0].activity.layer = "encoder.layers.11.attention".into();
    diagnosis.layers[0].activity.mean = -1e-10;
    let table = diagnosis.to_string();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0],
        "layer                 units      mean       std  dead satur.  gradient verdict"
    );
    assert!(
        lines[1].starts_with("…layers.11.attention      8  -1.0e-10"),
        "{table}"
    );
    assert!(lines[1].ends_with(" symmetric"), "{table}");
    assert_eq!(lines[4], "1 of 3 layers are healthy");
    assert_eq!(
        lines[5],
        "symmetric: all units are equal and stay so: draw the weights at random"
    );
    assert!(
        lines.iter().all(|line| line.chars().count() <= 80),
        "{table}"
    );
}

#[test]
fn diagnosis_refuses_what_it_cannot_judge() {
    let net = Net::new(&device());
    let silent = diagnose(&net, |net, _| net.loss(&mut Probe::off())).unwrap_err();
    assert_eq!(
        silent.to_string(),
        "diagnose: `forward` must be one that reports layers to the probe, but is one that reports none"
    );
    let constant = diagnose(&net, |net, probe| {
        net.loss(probe)?;
        Ok(Tensor::<1>::zeros([1], &device()))
    });
    assert!(constant.is_err());
    let unknown = diagnose(&net, |net, probe| {
        probe.record(
            "fc",
            Nonlinearity::Relu,
            &Tensor::<2>::zeros([1, 1], &device()),
        );
        net.loss(probe)
    });
    assert!(unknown.unwrap_err().to_string().contains("`fc`"));
}
