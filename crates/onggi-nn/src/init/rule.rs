//! One rule for a whole model, by the kind of each layer.

use super::{
    FanMode, Nonlinearity, constant, kaiming_normal, kaiming_uniform, normal_with_mean, orthogonal,
    random::check_normal, redraw, shapes, trunc_normal, uniform, xavier_normal, xavier_uniform,
};
use crate::NnError;
use crate::state::Path;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A rule for the weights of linear layers and convolutions: this module's functions, as data.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)] // The fields are the arguments of the functions.
pub enum Rule {
    /// [`constant`].
    Constant { value: f64 },
    /// [`uniform`].
    Uniform { low: f64, high: f64 },
    /// [`normal_with_mean`].
    Normal { mean: f64, std: f64 },
    /// [`trunc_normal`].
    TruncNormal { mean: f64, std: f64, a: f64, b: f64 },
    /// [`xavier_uniform`].
    XavierUniform { gain: f64 },
    /// [`xavier_normal`].
    XavierNormal { gain: f64 },
    /// [`kaiming_uniform`].
    KaimingUniform {
        mode: FanMode,
        nonlinearity: Nonlinearity,
    },
    /// [`kaiming_normal`].
    KaimingNormal {
        mode: FanMode,
        nonlinearity: Nonlinearity,
    },
    /// [`orthogonal`].
    Orthogonal { gain: f64 },
}

impl Rule {
    /// A weight by this rule.
    ///
    /// # Errors
    /// Those of the rule's function; for `Uniform` a `low` above `high` or not finite, for `Normal`
    /// a negative or non-finite `std`.
    pub fn draw<const D: usize>(
        &self,
        shape: [usize; D],
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Tensor<D>, NnError> {
        match *self {
            Self::Constant { value } => Ok(constant(shape, value, device)),
            Self::Uniform { low, high } => {
                if !(low <= high && (high - low).is_finite()) {
                    let expected = format!("at most high = {high}, both finite");
                    return Err(NnError::config("uniform", "low", expected, low));
                }
                Ok(uniform(shape, low, high, rng, device))
            }
            Self::Normal { mean, std } => {
                check_normal("normal", mean, std)?;
                Ok(normal_with_mean(shape, mean, std, rng, device))
            }
            Self::TruncNormal { mean, std, a, b } => {
                trunc_normal(shape, mean, std, a, b, rng, device)
            }
            Self::XavierUniform { gain } => xavier_uniform(shape, gain, rng, device),
            Self::XavierNormal { gain } => xavier_normal(shape, gain, rng, device),
            Self::KaimingUniform { mode, nonlinearity } => {
                kaiming_uniform(shape, mode, nonlinearity, rng, device)
            }
            Self::KaimingNormal { mode, nonlinearity } => {
                kaiming_normal(shape, mode, nonlinearity, rng, device)
            }
            Self::Orthogonal { gain } => orthogonal(shape, gain, rng, device),
        }
    }
}

/// What [`apply`] does with each kind of layer. The default is nothing; a [`Rule`] turned into a
/// scheme is that rule for linear layers and convolutions, with norms and recurrent layers reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheme {
    /// Rule for weights with two axes (linear layers, projections of attention); their biases
    /// become 0.
    pub linear: Option<Rule>,
    /// Rule for weights with more axes (convolutions); their biases become 0.
    pub conv: Option<Rule>,
    /// Whether the weights of norms become 1 and their biases 0.
    pub norm: bool,
    /// Whether recurrent layers get orthogonal hidden weights and Xavier's uniform input weights,
    /// each gate a matrix of its own, and biases 0.
    pub recurrent: bool,
    /// With `recurrent`: the bias of an LSTM's forget gate. At 1 an untrained LSTM remembers
    /// (Jozefowicz et al., *An empirical exploration of recurrent network architectures*, 2015).
    pub forget_gate_bias: f64,
}

impl From<Rule> for Scheme {
    fn from(rule: Rule) -> Self {
        Self {
            linear: Some(rule),
            conv: Some(rule),
            norm: true,
            recurrent: true,
            forget_gate_bias: 0.0,
        }
    }
}

/// The model with initial values by a [`Scheme`] or one [`Rule`].
///
/// Layers are told by the names of their structs and parameters. In a struct named `…Norm`, `weight`
/// and `bias` are a norm's. Parameters named `weight_ih…`, `weight_hh…`, `weight_hr…`, `bias_ih…` and
/// `bias_hh…` are a recurrent layer's, with four gates in `LSTM…`, three in `GRU…` and one in `RNN…`.
/// Any other `weight` or `…_weight` with two axes or more is a linear layer's or a convolution's, and
/// `bias` or `…_bias` beside it is its bias. All else is left as it is: embeddings, learnable
/// activations, running statistics, parameters of other names. Of a weight that is computed anew in
/// each pass, as by weight normalisation, the stored value is drawn: apply the rule before that.
///
/// # Errors
/// Those of [`Rule::draw`].
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use onggi_nn::init::{self, FanMode, Nonlinearity, Rule, Scheme};
/// use onggi_nn::linear::LinearConfig;
///
/// let (mut rng, device) = (init::generator(1), Device::flex());
/// let model = (
///     LinearConfig::new(8, 16).init(&mut rng, &device)?,
///     LinearConfig::new(16, 2).init(&mut rng, &device)?,
/// );
/// let kaiming = Rule::KaimingNormal {
///     mode: FanMode::FanIn,
///     nonlinearity: Nonlinearity::Relu,
/// };
/// let model = init::apply(model, kaiming, &mut rng)?;
///
/// // Convolutions only:
/// let scheme = Scheme { conv: Some(kaiming), ..Scheme::default() };
/// let model = init::apply(model, scheme, &mut rng)?;
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
pub fn apply<M: Module>(
    model: M,
    scheme: impl Into<Scheme>,
    rng: &mut ChaCha8Rng,
) -> Result<M, NnError> {
    let mut apply = Apply {
        path: Path::default(),
        containers: Vec::new(),
        shapes: shapes(&model),
        scheme: scheme.into(),
        rng,
        error: None,
    };
    let model = model.map(&mut apply);
    apply.error.map_or(Ok(model), Err)
}

/// What a parameter is to its layer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// Of a linear layer or a convolution.
    Weight,
    /// The bias beside a weight of so many axes.
    Bias {
        weight_axes: usize,
    },
    NormWeight,
    NormBias,
    /// Of a recurrent layer, gate below gate.
    InputWeight {
        gates: usize,
    },
    HiddenWeight {
        gates: usize,
    },
    InputBias {
        gates: usize,
    },
    HiddenBias,
    Other,
}

/// Whether a struct of this name normalises its input; weight and spectral normalisation do not.
pub(crate) fn is_norm(layer: &str) -> bool {
    layer.ends_with("Norm") && !layer.ends_with("WeightNorm") && !layer.ends_with("SpectralNorm")
}

/// The role of the parameter `name` in a struct called `layer`.
fn role(name: &str, layer: &str, shapes: &BTreeMap<String, Vec<usize>>) -> Role {
    let leaf = name.rsplit('.').next().unwrap_or(name);
    let axes = |name: &str| shapes.get(name).map_or(0, Vec::len);
    if is_norm(layer) {
        return match leaf {
            "weight" => Role::NormWeight,
            "bias" => Role::NormBias,
            _ => Role::Other,
        };
    }
    if layer.starts_with("Embedding") {
        return Role::Other;
    }
    let gates = || {
        let named = [("LSTM", 4), ("GRU", 3), ("RNN", 1)];
        let upper = layer.to_uppercase();
        let named = named.iter().find(|(kind, _)| upper.starts_with(kind));
        // Hidden weights are `[gates · hidden, hidden]`.
        let hidden = leaf.replace("bias_", "weight_").replace("_ih", "_hh");
        let hidden = format!("{}{hidden}", &name[..name.len() - leaf.len()]);
        match (named, shapes.get(&hidden).map(Vec::as_slice)) {
            (Some((_, gates)), _) => *gates,
            (None, Some(&[rows, columns])) if columns > 0 => rows / columns,
            _ => 1,
        }
    };
    if leaf.starts_with("weight_ih") {
        Role::InputWeight { gates: gates() }
    } else if leaf.starts_with("weight_hh") {
        Role::HiddenWeight { gates: gates() }
    } else if leaf.starts_with("weight_hr") {
        Role::InputWeight { gates: 1 }
    } else if leaf.starts_with("bias_ih") {
        Role::InputBias { gates: gates() }
    } else if leaf.starts_with("bias_hh") {
        Role::HiddenBias
    } else if leaf == "weight" || leaf.ends_with("_weight") {
        if axes(name) >= 2 {
            Role::Weight
        } else {
            Role::Other
        }
    } else if leaf == "bias" || leaf.ends_with("_bias") {
        match axes(&format!("{}weight", &name[..name.len() - "bias".len()])) {
            weight_axes @ 2.. => Role::Bias { weight_axes },
            _ => Role::Other,
        }
    } else {
        Role::Other
    }
}

struct Apply<'a> {
    path: Path,
    containers: Vec<String>,
    shapes: BTreeMap<String, Vec<usize>>,
    scheme: Scheme,
    rng: &'a mut ChaCha8Rng,
    error: Option<NnError>,
}

impl Apply<'_> {
    /// The new value of a parameter; `None` leaves it.
    fn value<const D: usize>(
        &mut self,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Option<Tensor<D>>, NnError> {
        let container = self.containers.last().map_or("", String::as_str);
        let layer = container.strip_prefix("Struct:").unwrap_or("");
        let role = role(&self.path.name(), layer, &self.shapes);
        let rule = |axes| {
            if axes == 2 {
                self.scheme.linear
            } else {
                self.scheme.conv
            }
        };
        let filled = |value| Ok(Some(constant(shape, value, device)));
        match role {
            Role::Weight => rule(D)
                .map(|rule| rule.draw(shape, self.rng, device))
                .transpose(),
            Role::Bias { weight_axes } if rule(weight_axes).is_some() => filled(0.0),
            Role::NormWeight if self.scheme.norm => filled(1.0),
            Role::NormBias if self.scheme.norm => filled(0.0),
            Role::InputWeight { gates } if self.scheme.recurrent => {
                let rule = Rule::XavierUniform { gain: 1.0 };
                self.by_gate(rule, gates, shape, device).map(Some)
            }
            Role::HiddenWeight { gates } if self.scheme.recurrent => {
                let rule = Rule::Orthogonal { gain: 1.0 };
                self.by_gate(rule, gates, shape, device).map(Some)
            }
            Role::InputBias { gates: 4 } if self.scheme.recurrent => {
                // Gates lie in the order input, forget, cell, output.
                let len: usize = shape.iter().product();
                let mut values = vec![0f32; len];
                values[len / 4..len / 2].fill(self.scheme.forget_gate_bias as f32);
                Ok(Some(Tensor::from_data(
                    TensorData::new(values, shape),
                    device,
                )))
            }
            Role::InputBias { .. } | Role::HiddenBias if self.scheme.recurrent => filled(0.0),
            _ => Ok(None),
        }
    }

    /// Matrices below each other, each by the rule.
    fn by_gate<const D: usize>(
        &mut self,
        rule: Rule,
        gates: usize,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>, NnError> {
        if D != 2 || !shape[0].is_multiple_of(gates) {
            return rule.draw(shape, self.rng, device);
        }
        let gate = [shape[0] / gates, shape[1]];
        let matrices = (0..gates).map(|_| rule.draw(gate, self.rng, device));
        let matrices = matrices.collect::<Result<Vec<Tensor<2>>, _>>()?;
        Ok(Tensor::cat(matrices, 0).reshape(shape))
    }
}

impl ModuleMapper for Apply<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
        self.containers.push(container.to_string());
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
        self.containers.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let old = param.val();
        match self.value(old.dims(), &old.device()) {
            Ok(Some(value)) => redraw(param, |_, _| value),
            Ok(None) => param,
            Err(error) => {
                self.error.get_or_insert(error);
                param
            }
        }
    }
}
