//! The ONNX node tests of `fixtures/onnx.json` (`generate_onnx.py` says which and how they are
//! described) by Onggi's layers and operations, against `fixtures/onnx_expectations.toml`, which
//! says of each case whether it passes, without which outputs, or why there is nothing to run.
//!
//! Every case is run. It passes if each output `y` is within `1e-5 · (1 + |expected|)` of what ONNX
//! expects, everywhere. The expectation has to be exact: a case marked as not applicable has to be
//! refused for that very reason, an output passed over has to be one that Onggi does not give, and
//! a tolerance of its own has to be needed.

mod activations;
mod attention;
mod case;
mod images;
mod losses;
mod matrices;
mod norms;
mod recurrent;
mod windows;

use case::{Array, Case, NotApplicable, Outcome};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Relative to `1 + |expected|`: about 80 roundings of `f32`, for sums in another order than ONNX's.
const TOLERANCE: f64 = 1e-5;

/// Passing cases that are asked for.
const LEAST: usize = 180;

/// Operators whose cases say little: no arithmetic of Onggi's own, or a plain product.
const WEAK: [&str; 5] = ["Dropout", "Flatten", "Gemm", "Identity", "MatMul"];

/// What the expectations say of a case.
enum Expectation {
    Pass {
        without: Vec<String>,
        within: Option<f64>,
    },
    NotApplicable {
        reason: String,
    },
}

impl Expectation {
    fn parse(text: &str) -> Option<Self> {
        let pass = |without, within| Some(Self::Pass { without, within });
        if text == "pass" {
            return pass(Vec::new(), None);
        }
        let (what, reason) = text.split_once(": ").filter(|(_, why)| !why.is_empty())?;
        if what == "not applicable" {
            let reason = reason.to_string();
            return Some(Self::NotApplicable { reason });
        }
        if let Some(names) = what.strip_prefix("pass without ") {
            return pass(names.split(", ").map(String::from).collect(), None);
        }
        pass(
            Vec::new(),
            Some(what.strip_prefix("pass within ")?.parse().ok()?),
        )
    }

    /// What speaks against it.
    fn contradiction(&self, case: &Case, outcome: Outcome) -> Option<String> {
        let (without, within) = match (self, &outcome) {
            (Self::NotApplicable { reason }, Err(NotApplicable(got))) => {
                return (reason != got).then(|| format!("refused for another reason: {got}"));
            }
            (Self::NotApplicable { .. }, Ok(_)) => {
                return Some("marked as not applicable, but it runs".to_string());
            }
            (Self::Pass { .. }, Err(NotApplicable(got))) => return Some(format!("refused: {got}")),
            (Self::Pass { without, within }, Ok(_)) => (without, within),
        };
        let mut outputs = outcome.ok()?.into_iter();
        let (mut worst, mut passed_over) = (0f64, Vec::new());
        for (name, expected) in &case.outputs {
            match (expected, outputs.next().flatten()) {
                (None, _) => {}
                (Some(_), None) => passed_over.push(name.clone()),
                (Some(expected), Some(got)) if got.shape == expected.shape => {
                    worst = worst.max(error(&got, expected));
                }
                (Some(expected), Some(got)) => {
                    let (got, expected) = (got.shape, &expected.shape);
                    return Some(format!("{name} has shape {got:?}, not {expected:?}"));
                }
            }
        }
        if passed_over != *without {
            return Some(format!("does not give {passed_over:?}"));
        }
        if worst > within.unwrap_or(TOLERANCE) {
            return Some(format!("off by {worst:.1e}"));
        }
        (within.is_some() && worst <= TOLERANCE)
            .then(|| "needs no tolerance of its own".to_string())
    }
}

/// The largest error relative to `1 + |expected|`. Equal infinities have none, NaN has an infinite
/// one.
fn error(got: &Array, expected: &Array) -> f64 {
    let pairs = got.values.iter().zip(&expected.values);
    let errors = pairs.map(|(got, expected)| match got == expected {
        true => 0.0,
        false => (got - expected).abs() / (1.0 + expected.abs()),
    });
    errors.fold(0.0, |worst, error| match error.is_nan() {
        true => f64::INFINITY,
        false => worst.max(error),
    })
}

fn run(case: &Case) -> Outcome {
    match case.op.as_str() {
        "Conv" => windows::conv(case),
        "ConvTranspose" => windows::conv_transpose(case),
        "MaxPool" => windows::max_pool(case),
        "AveragePool" => windows::average_pool(case),
        "LpPool" => windows::lp_pool(case),
        "GlobalAveragePool" => windows::global_average_pool(case),
        "GlobalMaxPool" => windows::global_max_pool(case),
        "BatchNormalization" => norms::batch_norm(case),
        "LayerNormalization" => norms::layer_norm(case),
        "RMSNormalization" => norms::rms_norm(case),
        "InstanceNormalization" => norms::instance_norm(case),
        "GroupNormalization" => norms::group_norm(case),
        "LRN" => norms::local_response_norm(case),
        "Dropout" => norms::dropout(case),
        "Gemm" => matrices::gemm(case),
        "MatMul" => matrices::matmul(case),
        "Gather" => matrices::gather(case),
        "Flatten" => matrices::flatten(case),
        "Identity" => matrices::identity(case),
        "Attention" => attention::attention(case),
        "LSTM" => recurrent::lstm(case),
        "GRU" => recurrent::gru(case),
        "RNN" => recurrent::rnn(case),
        "Relu" | "LeakyRelu" | "Elu" | "Swish" | "Mish" | "HardSwish" | "Sigmoid" | "Tanh"
        | "Softplus" => activations::activation(case),
        "Gelu" => activations::gelu(case),
        "Selu" => activations::selu(case),
        "HardSigmoid" => activations::hard_sigmoid(case),
        "PRelu" => activations::prelu(case),
        "Softmax" | "LogSoftmax" => activations::softmax(case),
        "SoftmaxCrossEntropyLoss" => losses::cross_entropy(case),
        "NegativeLogLikelihoodLoss" => losses::nll_loss(case),
        "Resize" | "Upsample" => images::resize(case),
        "Pad" => images::pad(case),
        other => Err(NotApplicable(format!("Onggi has no {other}"))),
    }
}

/// The expectation of each case, with its operator.
fn expectations(fixtures: &Path) -> BTreeMap<String, (String, String)> {
    let text = std::fs::read_to_string(fixtures.join("onnx_expectations.toml")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let mut all = BTreeMap::new();
    for (op, cases) in &table {
        for (name, expected) in cases.as_table().unwrap() {
            let expected = expected.as_str().unwrap().to_string();
            assert!(
                all.insert(name.clone(), (op.clone(), expected)).is_none(),
                "{name} twice"
            );
        }
    }
    all
}

#[test]
fn onnx_node_tests() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut expectations = expectations(&fixtures);
    let mut counts = BTreeMap::<String, [usize; 2]>::new();
    let mut problems = String::new();
    for case in Case::all(&fixtures) {
        let expectation = expectations
            .remove(&case.name)
            .filter(|(op, _)| *op == case.op)
            .and_then(|(_, text)| Expectation::parse(&text));
        let problem = match &expectation {
            Some(expectation) => expectation.contradiction(&case, run(&case)),
            None => Some("no expectation, or none that can be read".to_string()),
        };
        let passes = matches!(expectation, Some(Expectation::Pass { .. })) && problem.is_none();
        counts.entry(case.op.clone()).or_default()[usize::from(!passes)] += 1;
        if let Some(problem) = problem {
            writeln!(problems, "{} {}: {problem}", case.op, case.name).unwrap();
        }
    }
    // Cases that the fixture leaves out.
    for (name, (op, text)) in expectations {
        match Expectation::parse(&text) {
            Some(Expectation::NotApplicable { .. }) => counts.entry(op).or_default()[1] += 1,
            _ => writeln!(problems, "{op} {name}: not in onnx.json").unwrap(),
        }
    }
    for (op, [passes, rest]) in &counts {
        println!("{op:26} {passes:3} pass, {rest:3} do not apply");
    }
    let total = |ops: &dyn Fn(&str) -> bool| -> [usize; 2] {
        let counted = counts.iter().filter(|(op, _)| ops(op));
        counted.fold([0; 2], |sum, (_, count)| {
            [sum[0] + count[0], sum[1] + count[1]]
        })
    };
    let ([passes, rest], [strong, _]) = (total(&|_| true), total(&|op| !WEAK.contains(&op)));
    println!(
        "{passes} of {} pass, {strong} without {}",
        passes + rest,
        WEAK.join(", ")
    );
    assert!(problems.is_empty(), "\n{problems}");
    assert!(passes >= LEAST, "{passes} cases pass, not {LEAST}");
}

#[test]
fn the_runner_notices() {
    let array = |values: &[f64]| Array {
        shape: vec![values.len()],
        values: values.to_vec(),
        boolean: false,
    };
    let expected = Some(array(&[1.0, f64::INFINITY]));
    let names = ["Y", "Z"].map(|name| (name.to_string(), expected.clone()));
    let case = Case::of_outputs(names.to_vec());
    let given = |y: &[f64]| Ok(vec![Some(array(y)), None]);
    let contradiction = |text: &str, outcome: Outcome| {
        let expectation = Expectation::parse(text).unwrap();
        expectation
            .contradiction(&case, outcome)
            .unwrap_or_default()
    };
    let without = "pass without Z: not returned";
    let close = given(&[1.0 + 1e-6, f64::INFINITY]);
    assert_eq!(contradiction(without, close), "");
    let far = [1.0 + 1e-4, f64::INFINITY];
    assert_eq!(contradiction(without, given(&far)), "off by 5.0e-5");
    let nan = given(&[f64::NAN, f64::INFINITY]);
    assert_eq!(contradiction(without, nan), "off by inf");
    let shape = contradiction(without, given(&[1.0]));
    assert_eq!(shape, "Y has shape [1], not [2]");
    let missing = contradiction("pass", given(&far));
    assert_eq!(missing, "does not give [\"Z\"]");
    let both = || Ok(vec![expected.clone(); 2]);
    assert_eq!(contradiction(without, both()), "does not give []");
    assert_eq!(contradiction("pass", both()), "");
    let wide = contradiction("pass within 1e-4: four decimals", both());
    assert_eq!(wide, "needs no tolerance of its own");
    let runs = contradiction("not applicable: no Y", both());
    assert_eq!(runs, "marked as not applicable, but it runs");
    let refused = || Err(NotApplicable("no X".to_string()));
    assert_eq!(contradiction("pass", refused()), "refused: no X");
    assert_eq!(contradiction("not applicable: no X", refused()), "");
    let other = contradiction("not applicable: no Y", refused());
    assert_eq!(other, "refused for another reason: no X");
    assert!(Expectation::parse("not applicable: ").is_none());
    assert!(Expectation::parse("passes").is_none());
}
