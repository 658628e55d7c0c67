//! Checks for combinations that are known to clash.

use crate::sequential::{Layer, Sequential};
use crate::state;
use burn::module::{Module, ModuleVisitor};
use std::fmt;

/// Batch size below which batch statistics are too noisy.
pub const SMALL_BATCH: usize = 8;

/// Values that a weight must have to tell its initial rule by its spread: the standard error is 3 %
/// then.
const ENOUGH: usize = 500;

/// Two standard deviations are called the same within this share.
const SAME: f64 = 0.1;

/// Which of two layers comes first on the path of the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Dropout, then batch normalisation.
    DropoutFirst,
    /// Batch normalisation, then dropout.
    NormFirst,
}

/// A clash in a model; prints as a sentence with its reason and a way out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Dropout and batch normalisation on one path.
    DropoutWithBatchNorm {
        /// The dropout layer's name.
        dropout: String,
        /// The nearest norm's name: after the dropout if there is one, else before.
        norm: String,
        /// Which comes first.
        order: Order,
    },
    /// Batch normalisation with a batch that is too small.
    SmallBatch {
        /// The norm's name.
        norm: String,
        /// Samples a batch.
        batch: usize,
    },
    /// Weight decay or a penalty acts on a norm's parameter.
    DecayOnNorm {
        /// The parameter's name.
        parameter: String,
    },
    /// A weight drawn by Xavier's rule feeds a ReLU.
    XavierBeforeRelu {
        /// The layer's name.
        layer: String,
    },
    /// A weight drawn by Kaiming's rule feeds a tanh.
    KaimingBeforeTanh {
        /// The layer's name.
        layer: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DropoutWithBatchNorm {
                dropout,
                norm,
                order: Order::DropoutFirst,
            } => write!(
                f,
                "dropout `{dropout}` comes before batch normalisation `{norm}`: its running \
                 variance is measured with dropout but used without; put dropout behind the last \
                 norm, or leave one of the two out"
            ),
            Self::DropoutWithBatchNorm { dropout, norm, .. } => write!(
                f,
                "dropout `{dropout}` comes behind batch normalisation `{norm}`, the order that \
                 does less harm; the norm regularises already, so compare with a lower probability"
            ),
            Self::SmallBatch { norm, batch } => write!(
                f,
                "batch normalisation `{norm}` gets batches of {batch}: statistics of fewer than \
                 {SMALL_BATCH} samples are noisy in training and differ from the running ones in \
                 evaluation; use group normalisation, which takes none over the batch"
            ),
            Self::DecayOnNorm { parameter } => write!(
                f,
                "weight decay or a penalty acts on `{parameter}` of a norm: it pulls the layer's \
                 output towards 0 without making the model simpler; leave norms out"
            ),
            Self::XavierBeforeRelu { layer } => write!(
                f,
                "`{layer}` has Xavier's spread but feeds a ReLU, which halves the signal's power \
                 at each layer: use Kaiming's rule"
            ),
            Self::KaimingBeforeTanh { layer } => write!(
                f,
                "`{layer}` has Kaiming's spread for a ReLU but feeds a tanh, which it drives into \
                 its flat parts: use Xavier's rule with gain 5/3"
            ),
        }
    }
}

/// What is known to clash in a model that is to be trained on batches of `batch` samples.
///
/// Initial rules are told by the spread of weights with at least 500 values, in layers that directly
/// feed an activation: ask before training. A dropout layer counts whatever its probability.
///
/// Only a [`Sequential`] says in which order the signal passes its layers. Of any other module a walk
/// shows the fields in the order of their declaration, and layers without parameters, as dropout and
/// activations are, not at all. What needs no order is found in any module: by [`small_batches`], and
/// weight decay on norms by
/// [`Optimizer::decay_on_norms`](crate::optim::Optimizer::decay_on_norms). Whether some dropout
/// precedes a norm can be tried: after one training pass each of two equal models, on the same batch
/// with different draws, the running statistics of the norms behind it differ.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use onggi_nn::check::check;
/// use onggi_nn::dropout::Dropout;
/// use onggi_nn::norm::BatchNormConfig;
/// use onggi_nn::sequential::Sequential;
///
/// let norm = BatchNormConfig::new(4).init::<1>(&Device::flex())?;
/// let model = Sequential::named([("drop", Dropout::new(0.5)?.into()), ("norm", norm.into())])?;
/// let findings = check(&model, 32);
/// assert!(findings[0].to_string().starts_with("dropout `drop` comes before"));
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Li et al., *Understanding the disharmony between dropout and batch normalization by variance
/// shift*, 2019; Wu and He, *Group normalization*, 2018; He et al., *Delving deep into rectifiers*,
/// 2015.
pub fn check(model: &Sequential, batch: usize) -> Vec<Finding> {
    let mut layers = Vec::new();
    flatten(model, "", &mut layers);
    let is_norm = |layer: &Layer| {
        matches!(
            layer,
            Layer::BatchNorm1d(_) | Layer::BatchNorm2d(_) | Layer::BatchNorm3d(_)
        )
    };
    let mut findings = Vec::new();
    for (i, (name, layer)) in layers.iter().enumerate() {
        if is_norm(layer) && batch < SMALL_BATCH {
            findings.push(Finding::SmallBatch {
                norm: name.clone(),
                batch,
            });
        }
        if is_dropout(layer) {
            let after = layers[i..].iter().find(|(_, layer)| is_norm(layer));
            let before = || layers[..i].iter().rfind(|(_, layer)| is_norm(layer));
            let found = (after.map(|norm| (norm, Order::DropoutFirst)))
                .or_else(|| before().map(|norm| (norm, Order::NormFirst)));
            findings.extend(
                found.map(|((norm, _), order)| Finding::DropoutWithBatchNorm {
                    dropout: name.clone(),
                    norm: norm.clone(),
                    order,
                }),
            );
        }
        let next = layers.get(i + 1).map(|(_, next)| *next);
        findings.extend(next.and_then(|next| clash_of_spread(name, layer, next)));
    }
    findings
}

/// The batch normalisations of any model, where batches of `batch` samples are too small for them.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use onggi_nn::check::small_batches;
/// use onggi_nn::norm::BatchNormConfig;
/// use onggi_nn::sequential::Sequential;
///
/// let norm = BatchNormConfig::new(4).init::<1>(&Device::flex())?;
/// let model = Sequential::named([("norm", norm.into())])?;
/// assert!(small_batches(&model, 8).is_empty());
/// assert!(small_batches(&model, 4)[0].to_string().starts_with("batch normalisation `norm`"));
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Wu and He, *Group normalization*, 2018.
pub fn small_batches<M: Module>(model: &M, batch: usize) -> Vec<Finding> {
    struct Norms {
        path: state::Path,
        found: Vec<String>,
    }
    impl ModuleVisitor for Norms {
        fn enter_module(&mut self, name: &str, container: &str) {
            if container == "Struct:BatchNorm" {
                let norm = self.path.name();
                if self.found.last() != Some(&norm) {
                    self.found.push(norm);
                }
            }
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }
    }
    if batch >= SMALL_BATCH {
        return Vec::new();
    }
    let mut norms = Norms {
        path: state::Path::default(),
        found: Vec::new(),
    };
    model.visit(&mut norms);
    let finding = |norm| Finding::SmallBatch { norm, batch };
    norms.found.into_iter().map(finding).collect()
}

/// All layers in the order of the signal, those of inner sequences by their paths.
fn flatten<'a>(model: &'a Sequential, path: &str, layers: &mut Vec<(String, &'a Layer)>) {
    for (name, layer) in model.layers() {
        let name = format!("{path}{name}");
        match layer {
            Layer::Sequential(inner) => flatten(inner, &format!("{name}."), layers),
            layer => layers.push((name, layer)),
        }
    }
}

fn is_dropout(layer: &Layer) -> bool {
    matches!(
        layer,
        Layer::Dropout(_)
            | Layer::Dropout1d(_)
            | Layer::Dropout2d(_)
            | Layer::Dropout3d(_)
            | Layer::AlphaDropout(_)
            | Layer::FeatureAlphaDropout(_)
            | Layer::DropBlock2d(_)
    )
}

/// Whether a layer's weight has the spread of the rule for the other activation.
fn clash_of_spread(name: &str, layer: &Layer, next: &Layer) -> Option<Finding> {
    let state = match layer {
        Layer::Linear(layer) => state::collect(layer),
        Layer::Conv1d(layer) => state::collect(layer),
        Layer::Conv2d(layer) => state::collect(layer),
        Layer::Conv3d(layer) => state::collect(layer),
        _ => return None,
    };
    let weight = state.get("weight").filter(|w| w.values.len() >= ENOUGH)?;
    let [rows, rest @ ..] = weight.shape.as_slice() else {
        return None;
    };
    let window: usize = rest.iter().skip(1).product();
    let (fan_in, fan_out) = (rest.iter().product::<usize>(), rows * window);
    let squares = weight.values.iter().map(|&w| f64::from(w).powi(2));
    let std = (squares.sum::<f64>() / weight.values.len() as f64).sqrt();
    let is = |of: f64| (std / of - 1.0).abs() < SAME;
    let xavier = (2.0 / (fan_in + fan_out) as f64).sqrt();
    let kaiming = [fan_in, fan_out].map(|fan| (2.0 / fan as f64).sqrt());
    let by_kaiming = kaiming.into_iter().any(is);
    let layer = name.to_string();
    match next {
        Layer::ReLU(_) if is(xavier) && !by_kaiming => Some(Finding::XavierBeforeRelu { layer }),
        Layer::Tanh(_) if is(kaiming[0]) && !is(xavier) && !is(xavier * 5.0 / 3.0) => {
            Some(Finding::KaimingBeforeTanh { layer })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::{ReLU, Tanh};
    use crate::dropout::Dropout;
    use crate::init::{self, FanMode, Nonlinearity, Rule};
    use crate::linear::LinearConfig;
    use crate::norm::{BatchNormConfig, GroupNormConfig};

    fn norm_layer() -> Layer {
        let norm = BatchNormConfig::new(4).init::<1>(&onggi_ops::testing::device());
        norm.unwrap().into()
    }

    fn dropout() -> Layer {
        Dropout::new(0.5).unwrap().into()
    }

    #[test]
    fn dropout_and_norms_on_one_path() {
        let found = |layers: Vec<Layer>| check(&Sequential::new(layers), 8);
        let clash = |dropout: &str, norm: &str, order| Finding::DropoutWithBatchNorm {
            dropout: dropout.into(),
            norm: norm.into(),
            order,
        };
        let first = clash("0", "1", Order::DropoutFirst);
        assert_eq!(found(vec![dropout(), norm_layer()]), [first]);
        let behind = clash("1", "0", Order::NormFirst);
        assert!(behind.to_string().contains("does less harm"));
        assert_eq!(found(vec![norm_layer(), dropout()]), [behind]);
        let inner = Sequential::new([dropout()]).into();
        let between = clash("1.0", "2", Order::DropoutFirst);
        assert_eq!(found(vec![norm_layer(), inner, norm_layer()]), [between]);
        let group = GroupNormConfig::new(2, 4)
            .init(&onggi_ops::testing::device())
            .unwrap();
        assert_eq!(found(vec![dropout(), group.into()]), []);
    }

    #[test]
    fn batches_that_are_too_small() {
        let model = Sequential::new([norm_layer()]);
        assert_eq!(check(&model, 8), []);
        let found = check(&model, 7);
        let norm = "0".to_string();
        assert_eq!(found, [Finding::SmallBatch { norm, batch: 7 }]);
        assert!(found[0].to_string().contains("use group normalisation"));
        assert_eq!(small_batches(&model, 8), []);
        assert_eq!(small_batches(&model, 7), found);
        let inner = Sequential::new([norm_layer()]);
        let outer = Sequential::new([norm_layer(), inner.into()]);
        let names: Vec<_> = small_batches(&outer, 2)
            .into_iter()
            .map(|finding| match finding {
                Finding::SmallBatch { norm, .. } => norm,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(names, ["0", "1.0"]);
    }

    #[test]
    fn initial_rules_that_do_not_fit_the_activation() {
        let mut rng = init::generator(1);
        let device = onggi_ops::testing::device();
        let kaiming = Rule::KaimingNormal {
            mode: FanMode::FanIn,
            nonlinearity: Nonlinearity::Relu,
        };
        let mut found = |rule: Option<Rule>, activation: Layer| {
            let linear = LinearConfig::new(64, 64).init(&mut rng, &device).unwrap();
            let model = Sequential::new([linear.into(), activation]);
            check(
                &match rule {
                    Some(rule) => init::apply(model, rule, &mut rng).unwrap(),
                    None => model,
                },
                8,
            )
        };
        let layer = || "0".to_string();
        let xavier = |gain| Some(Rule::XavierUniform { gain });
        assert_eq!(
            found(xavier(1.0), ReLU.into()),
            [Finding::XavierBeforeRelu { layer: layer() }]
        );
        assert_eq!(
            found(Some(kaiming), Tanh.into()),
            [Finding::KaimingBeforeTanh { layer: layer() }]
        );
        for (rule, activation) in [
            (Some(kaiming), ReLU.into()),
            (xavier(1.0), Tanh.into()),
            (xavier(5.0 / 3.0), Tanh.into()),
            (None, ReLU.into()),
        ] {
            assert_eq!(found(rule, activation), [], "{rule:?}");
        }
    }
}
