//! The gradients of one step.

use crate::NnError;
use crate::error::check_range;
use crate::state::Path;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients as Graph, Tensor};
use onggi_ops::optim::{NormType, global_norm};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// One flat gradient a parameter, by the parameter's state-dict name.
#[derive(Clone, Debug)]
pub struct Gradients {
    by_name: BTreeMap<String, Gradient>,
    /// What clipping multiplied all of them by. The optimiser's step applies it on the way, which
    /// saves reading and writing every gradient once more.
    scale: f64,
}

#[derive(Clone, Debug)]
struct Gradient {
    /// Before the scale.
    value: Tensor<1>,
    /// After it, once somebody asked.
    scaled: OnceLock<Tensor<1>>,
}

impl Gradient {
    fn new(value: Tensor<1>) -> Self {
        Self {
            value,
            scaled: OnceLock::new(),
        }
    }
}

/// How [`Gradients::clip_norm`] clips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipNorm {
    /// Largest norm over all gradients together.
    pub max_norm: f64,
    /// Which norm. Default: L2.
    pub norm_type: NormType,
    /// Whether a norm that is not finite is an error. Default: no.
    pub error_if_nonfinite: bool,
}

impl ClipNorm {
    /// By the L2 norm.
    pub fn new(max_norm: f64) -> Self {
        Self {
            max_norm,
            norm_type: NormType::L2,
            error_if_nonfinite: false,
        }
    }
}

impl Gradients {
    /// The gradients of `loss` for the parameters of `model` that it depends on.
    ///
    /// # Errors
    /// A loss that no parameter of the graph leads to.
    pub fn of<M: Module>(model: &M, loss: &Tensor<1>) -> Result<Self, NnError> {
        struct Collect {
            path: Path,
            graph: Graph,
            by_name: BTreeMap<String, Gradient>,
        }
        impl ModuleVisitor for Collect {
            fn enter_module(&mut self, name: &str, container: &str) {
                self.path.enter(name, container);
            }

            fn exit_module(&mut self, _name: &str, container: &str) {
                self.path.exit(container);
            }

            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let value = param.val();
                if !value.is_require_grad() {
                    return;
                }
                if let Some(gradient) = value.grad_remove(&mut self.graph) {
                    let gradient = Gradient::new(gradient.reshape([-1]));
                    self.by_name.insert(self.path.name(), gradient);
                }
            }
        }
        if !loss.is_tracked() {
            let expected = "computed from parameters that require gradients (model.train())";
            return Err(NnError::config("Gradients", "loss", expected, "a constant"));
        }
        let mut collect = Collect {
            path: Path::default(),
            graph: loss.backward(),
            by_name: BTreeMap::new(),
        };
        model.visit(&mut collect);
        Ok(Self {
            by_name: collect.by_name,
            scale: 1.0,
        })
    }

    /// The L2 norm of all gradients together, `√ΣΣ g²`; not finite if any of them is not.
    pub fn norm(&self) -> f64 {
        self.norm_of(NormType::L2)
    }

    fn norm_of(&self, norm_type: NormType) -> f64 {
        let values: Vec<_> = self.by_name.values().map(|g| &g.value).collect();
        global_norm(&values, norm_type) * self.scale.abs()
    }

    /// Whether every gradient is finite.
    pub fn is_finite(&self) -> bool {
        self.norm_of(NormType::Max).is_finite()
    }

    /// Adds the gradients of another batch, for a step over several of them. A parameter that has a
    /// gradient in one of the two only keeps that.
    ///
    /// # Errors
    /// A gradient of another size than this one's for the same parameter; nothing is added then.
    pub fn accumulate(&mut self, other: Self) -> Result<(), NnError> {
        let problems: Vec<_> = (other.values())
            .filter_map(|(name, value)| {
                let ([own], [len]) = (self.by_name.get(name)?.value.dims(), value.dims());
                (own != len).then(|| format!("`{name}` has gradients of {own} and of {len} values"))
            })
            .collect();
        if !problems.is_empty() {
            return Err(NnError::Optimizer { problems });
        }
        self.apply_scale();
        for (name, gradient) in other.by_name {
            let mut value = gradient.value;
            if other.scale != 1.0 {
                value = value * other.scale;
            }
            if let Some(own) = self.by_name.remove(&name) {
                value = own.value + value;
            }
            self.by_name.insert(name, Gradient::new(value));
        }
        Ok(())
    }

    /// Multiplies every gradient by `factor`: by `1 / n` after `n` batches of one size were
    /// [accumulated](Self::accumulate), for the gradient of their mean loss.
    pub fn scale(&mut self, factor: f64) {
        self.scale *= factor;
        for gradient in self.by_name.values_mut() {
            gradient.scaled = OnceLock::new();
        }
    }

    /// Scales all gradients by `max_norm / norm` if the norm over all of them is above `max_norm`.
    /// Returns the norm before.
    ///
    /// # Errors
    /// A `max_norm` that is negative or NaN; with `error_if_nonfinite`, gradients whose norm is not
    /// finite.
    ///
    /// # Reference
    /// Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013.
    ///
    /// # Differences from PyTorch
    /// `clip_grad_norm_` adds 1e-6 to the norm; so does this, and to the same effect. Gradients that
    /// are not finite stay as they are, where PyTorch makes all of them NaN or 0.
    pub fn clip_norm(&mut self, clip: &ClipNorm) -> Result<f64, NnError> {
        check_range("ClipNorm", "max_norm", clip.max_norm, 0.0..=f64::INFINITY)?;
        let norm = self.norm_of(clip.norm_type);
        if clip.error_if_nonfinite && !norm.is_finite() {
            let expected = "finite";
            return Err(NnError::config(
                "ClipNorm",
                "the gradients' norm",
                expected,
                norm,
            ));
        }
        let scale = clip.max_norm / (norm + 1e-6);
        if norm.is_finite() && scale < 1.0 {
            self.scale(scale);
        }
        Ok(norm)
    }

    /// Holds every element of every gradient within `[-max_value, max_value]`; NaN stays.
    ///
    /// # Errors
    /// A `max_value` that is negative or NaN.
    pub fn clip_value(&mut self, max_value: f64) -> Result<(), NnError> {
        check_range("clip_value", "max_value", max_value, 0.0..=f64::INFINITY)?;
        self.apply_scale();
        for gradient in self.by_name.values_mut() {
            *gradient = Gradient::new(gradient.value.clone().clamp(-max_value, max_value));
        }
        Ok(())
    }

    /// Moves the common factor into the gradients.
    fn apply_scale(&mut self) {
        if self.scale != 1.0 {
            for gradient in self.by_name.values_mut() {
                *gradient = Gradient::new(gradient.value.clone() * self.scale);
            }
            self.scale = 1.0;
        }
    }

    /// Names of the parameters that have a gradient.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Each gradient by name, still to be multiplied by the scale.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &Tensor<1>)> {
        (self.by_name.iter()).map(|(name, gradient)| (name.as_str(), &gradient.value))
    }

    /// The flat gradient of a parameter.
    pub fn get(&self, name: &str) -> Option<&Tensor<1>> {
        let Gradient { value, scaled } = self.by_name.get(name)?;
        Some(if self.scale == 1.0 {
            value
        } else {
            scaled.get_or_init(|| value.clone() * self.scale)
        })
    }

    /// The factor that [`take`](Self::take) leaves out.
    pub(super) fn common_scale(&self) -> f64 {
        self.scale
    }

    /// A parameter's gradient, still to be multiplied by the scale.
    pub(super) fn take(&mut self, name: &str) -> Option<Tensor<1>> {
        self.by_name.remove(name).map(|gradient| gradient.value)
    }
}
