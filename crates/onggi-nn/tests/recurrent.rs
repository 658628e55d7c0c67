//! Recurrent layers against the values that PyTorch gives (`fixtures/recurrent.py`).

use burn::module::Module;
use burn::tensor::{Device, Gradients, Tensor};
use onggi_nn::recurrent::{
    Gru, GruCell, Lstm, LstmCell, Nonlinearity, RecurrentCellConfig, RecurrentConfig, Rnn, RnnCell,
};
use onggi_nn::state::{self, StateDict, StateTensor};
use onggi_nn::{Mode, init};
use onggi_ops::testing::{Golden, assert_close, values};

const TOLERANCE: f32 = 2e-6;

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

/// A case of the golden file.
struct Case {
    golden: Golden,
    name: String,
}

impl Case {
    fn new(name: &str) -> Self {
        Self {
            golden: Golden::open(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/recurrent.safetensors"
            )),
            name: name.to_string(),
        }
    }

    fn full(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    fn has(&self, name: &str) -> bool {
        self.golden.has(&self.full(name))
    }

    fn get<const D: usize>(&self, name: &str) -> Tensor<D> {
        self.golden.tensor(&self.full(name), &device())
    }

    fn leaf<const D: usize>(&self, name: &str) -> Option<Tensor<D>> {
        self.has(name).then(|| self.get(name).require_grad())
    }

    fn lengths(&self) -> Option<Vec<usize>> {
        let lengths = || self.golden.values(&self.full("lengths"));
        (self.has("lengths")).then(|| lengths().into_iter().map(|len| len as usize).collect())
    }

    /// The layer with the case's parameters, under PyTorch's names.
    fn load<M: Module>(&self, layer: M) -> M {
        let names: Vec<String> = state::collect(&layer).into_keys().collect();
        let tensor = |name: &String| {
            let (shape, values) = self.golden.raw(&self.full(&format!("state.{name}")));
            (name.clone(), StateTensor { shape, values })
        };
        let state: StateDict = names.iter().map(tensor).collect();
        state::load(layer, state).unwrap()
    }

    fn check<const D: usize>(&self, name: &str, got: &Tensor<D>) {
        let name = self.full(name);
        assert_close(&name, &values(got), &self.golden.values(&name), TOLERANCE);
    }

    fn check_gradient<const D: usize>(
        &self,
        name: &str,
        leaf: &Option<Tensor<D>>,
        gradients: &Gradients,
    ) {
        if let Some(leaf) = leaf {
            self.check(name, &leaf.grad(gradients).unwrap());
        }
    }

    fn check_parameters<M: Module>(&self, layer: &M, gradients: &Gradients) {
        use burn::module::{ModuleVisitor, Param};
        struct Visit<'a>(&'a Gradients, Vec<Vec<f32>>);
        impl ModuleVisitor for Visit<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.1.push(values(&param.val().grad(self.0).unwrap()));
            }
        }
        let mut visit = Visit(gradients, Vec::new());
        layer.visit(&mut visit);
        let mut names = self.parameters(layer);
        assert_eq!(visit.1.len(), names.len());
        for got in visit.1 {
            let name = self.full(&format!("grad.{}", names.remove(0)));
            assert_close(&name, &got, &self.golden.values(&name), TOLERANCE);
        }
    }

    /// Names of parameters in the order in which they are visited, found by marking each with its
    /// number.
    fn parameters<M: Module>(&self, layer: &M) -> Vec<String> {
        use burn::module::{ModuleMapper, Param};
        struct Mark(f32);
        impl ModuleMapper for Mark {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                self.0 += 1.0;
                let value = self.0;
                param.map(|old| old.full_like(value))
            }
        }
        let marked = layer.clone().map(&mut Mark(0.0));
        let mut names: Vec<_> = state::collect(&marked)
            .into_iter()
            .map(|(name, tensor)| (tensor.values[0] as usize, name))
            .collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }
}

/// The layer's options, by the name of the case.
fn config(case: &str) -> RecurrentConfig {
    let config = RecurrentConfig::new(5, 4);
    match case.split_once('_').unwrap().1 {
        "one" => config,
        "two" => config.with_num_layers(2),
        "both" => config.with_bidirectional(true).with_batch_first(true),
        "no_bias" => config.with_bias(false).with_batch_first(true),
        "lengths" => config.with_num_layers(2).with_bidirectional(true),
        "relu" => config.with_nonlinearity(Nonlinearity::Relu),
        other => panic!("{other}"),
    }
}

const CASES: [&str; 5] = ["one", "two", "both", "no_bias", "lengths"];

#[test]
fn lstm() {
    for case in CASES {
        let case = Case::new(&format!("lstm_{case}"));
        let mut rng = init::generator(1);
        let layer: Lstm = config(&case.name).init(&mut rng, &device()).unwrap();
        let layer = case.load(layer);
        let (x, h0, c0) = (case.leaf("x"), case.leaf("h0"), case.leaf("c0"));
        let states = h0.clone().zip(c0.clone());
        let lengths = case.lengths();
        let (out, c) = layer
            .forward(x.clone().unwrap(), states, lengths.as_deref(), &Mode::Eval)
            .unwrap();
        case.check("y", &out.y);
        case.check("h", &out.h);
        case.check("c", &c);
        let loss = (out.y * case.get("dy")).sum()
            + (out.h * case.get("dh")).sum()
            + (c * case.get("dc")).sum();
        let gradients = loss.backward();
        case.check_gradient("dx", &x, &gradients);
        case.check_gradient("dh0", &h0, &gradients);
        case.check_gradient("dc0", &c0, &gradients);
        case.check_parameters(&layer, &gradients);
    }
}

/// A layer whose only state is `h`.
macro_rules! one_state {
    ($layer:ty, $prefix:literal, $cases:expr) => {
        for case in $cases {
            let case = Case::new(&format!(concat!($prefix, "_{}"), case));
            let mut rng = init::generator(1);
            let layer: $layer = config(&case.name).init(&mut rng, &device()).unwrap();
            let layer = case.load(layer);
            let (x, h0) = (case.leaf("x"), case.leaf("h0"));
            let lengths = case.lengths();
            let (start, lengths) = (h0.clone(), lengths.as_deref());
            let out = layer.forward(x.clone().unwrap(), start, lengths, &Mode::Eval);
            let out = out.unwrap();
            case.check("y", &out.y);
            case.check("h", &out.h);
            let loss = (out.y * case.get("dy")).sum() + (out.h * case.get("dh")).sum();
            let gradients = loss.backward();
            case.check_gradient("dx", &x, &gradients);
            case.check_gradient("dh0", &h0, &gradients);
            case.check_parameters(&layer, &gradients);
        }
    };
}

#[test]
fn gru() {
    one_state!(Gru, "gru", CASES);
}

#[test]
fn rnn() {
    one_state!(Rnn, "rnn", CASES.into_iter().chain(["relu"]));
}

#[test]
fn cells() {
    let (config, mut rng) = (RecurrentCellConfig::new(5, 4), init::generator(1));
    let case = Case::new("lstm_cell");
    let cell: LstmCell = case.load(config.init(&mut rng, &device()).unwrap());
    let [x, h0, c0] = ["x", "h0", "c0"].map(|name| case.leaf::<2>(name));
    let (h, c) = cell
        .forward(x.clone().unwrap(), h0.clone().unwrap(), c0.clone().unwrap())
        .unwrap();
    case.check("y", &h);
    case.check("c", &c);
    let gradients = ((h * case.get("dy")).sum() + (c * case.get("dc")).sum()).backward();
    case.check_gradient("dx", &x, &gradients);
    case.check_gradient("dh0", &h0, &gradients);
    case.check_gradient("dc0", &c0, &gradients);
    case.check_parameters(&cell, &gradients);

    macro_rules! one_state {
        ($cell:ty, $name:literal) => {
            let case = Case::new($name);
            let cell: $cell = case.load(config.init(&mut rng, &device()).unwrap());
            let [x, h0] = ["x", "h0"].map(|name| case.leaf::<2>(name));
            let h = cell
                .forward(x.clone().unwrap(), h0.clone().unwrap())
                .unwrap();
            case.check("y", &h);
            let gradients = (h * case.get("dy")).sum().backward();
            case.check_gradient("dx", &x, &gradients);
            case.check_gradient("dh0", &h0, &gradients);
            case.check_parameters(&cell, &gradients);
        };
    }
    one_state!(GruCell, "gru_cell");
    one_state!(RnnCell, "rnn_cell");
}

#[test]
fn parameters_bear_pytorchs_names() {
    let config = RecurrentConfig::new(3, 2)
        .with_num_layers(2)
        .with_bidirectional(true);
    let layer: Gru = config.init(&mut init::generator(1), &device()).unwrap();
    let state = state::collect(&layer);
    let mut expected = Vec::new();
    for place in ["l0", "l0_reverse", "l1", "l1_reverse"] {
        for tensor in ["bias_hh", "bias_ih", "weight_hh", "weight_ih"] {
            expected.push(format!("{tensor}_{place}"));
        }
    }
    expected.sort();
    assert_eq!(state.keys().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(state["weight_ih_l1_reverse"].shape, [6, 4]);
    assert_eq!(
        state::collect(&state::load(layer, state.clone()).unwrap()),
        state
    );
}

#[test]
fn starts_as_pytorch_does_and_remembers_if_told() {
    let config = RecurrentConfig::new(3, 16).with_forget_bias(true);
    let layer: Lstm = config.init(&mut init::generator(1), &device()).unwrap();
    let state = state::collect(&layer);
    let weight = &state["weight_ih_l0"].values;
    assert!(weight.iter().all(|v| v.abs() <= 0.25) && weight.iter().any(|v| v.abs() > 0.24));
    let bias = |name: &str| state[name].values.clone();
    assert_eq!(bias("bias_ih_l0")[16..32], [1.0; 16]);
    assert_eq!(bias("bias_hh_l0")[16..32], [0.0; 16]);
    assert!(bias("bias_ih_l0")[..16].iter().all(|v| v.abs() <= 0.25));
}

#[test]
fn drops_between_layers_in_training() {
    let config = RecurrentConfig::new(3, 8)
        .with_num_layers(2)
        .with_dropout(0.5);
    let layer: Gru = config.init(&mut init::generator(1), &device()).unwrap();
    let x = Tensor::ones([4, 2, 3], &device());
    let y = |mode: &Mode| values(&layer.forward(x.clone(), None, None, mode).unwrap().y);
    assert_eq!(y(&Mode::Eval), y(&Mode::Eval));
    assert_eq!(y(&Mode::train(1, 1)), y(&Mode::train(1, 1)));
    assert_ne!(y(&Mode::train(1, 1)), y(&Mode::train(1, 2)));
    assert_ne!(y(&Mode::train(1, 1)), y(&Mode::Eval));
}

#[test]
fn mistakes_are_errors() {
    let (device, mut rng) = (device(), init::generator(1));
    let config = RecurrentConfig::new(3, 2).with_batch_first(true);
    let layer: Gru = config.init(&mut rng, &device).unwrap();
    let message = |x: [usize; 3], h0: Option<[usize; 3]>, lengths: Option<&[usize]>| {
        let h0 = h0.map(|shape| Tensor::zeros(shape, &device));
        let out = layer.forward(Tensor::zeros(x, &device), h0, lengths, &Mode::Eval);
        out.unwrap_err().to_string()
    };
    assert_eq!(
        message([4, 5, 2], None, None),
        "Gru: the input must be (N, L, 3), but its shape is [4, 5, 2]"
    );
    assert!(message([4, 5, 3], Some([2, 4, 2]), None).contains("[1, 4, 2]"));
    assert!(message([4, 5, 3], None, Some(&[5, 5, 5])).contains("lengths"));
    assert!(message([4, 0, 3], None, None).contains("at least one step"));
    let refused = |config: RecurrentConfig| {
        let mut rng = init::generator(1);
        config.init::<3>(&mut rng, &device).unwrap_err().to_string()
    };
    assert_eq!(
        refused(RecurrentConfig::new(3, 0)),
        "Gru: `hidden_size` must be at least 1, but is 0"
    );
    refused(RecurrentConfig::new(3, 2).with_dropout(1.5));
    refused(RecurrentConfig::new(3, 2).with_forget_bias(true));
    refused(RecurrentConfig::new(3, 2).with_nonlinearity(Nonlinearity::Relu));
    refused(RecurrentConfig::new(3, 2).with_num_layers(0));
}
