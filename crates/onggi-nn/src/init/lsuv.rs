//! Layer-sequential unit variance: orthogonal weights, scaled by what the data makes of them.

use super::{Probe, Rule, Scheme, apply, shapes};
use crate::NnError;
use crate::error::{check_positive, check_range};
use crate::state::Path;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

/// When [`lsuv()`] is content with a layer.
#[derive(Clone, Debug)]
pub struct LsuvConfig {
    /// How far the variance of a layer's output may be from 1. Default: 0.1.
    pub tolerance: f64,
    /// Most scalings of one layer. Default: 10.
    pub max_iterations: usize,
}

impl Default for LsuvConfig {
    fn default() -> Self {
        Self {
            tolerance: 0.1,
            max_iterations: 10,
        }
    }
}

/// A model that [`lsuv()`] initialised, and what it did.
#[derive(Clone, Debug)]
pub struct Lsuv<M> {
    /// The model.
    pub model: M,
    /// The layers in the order of the forward pass.
    pub layers: Vec<LsuvLayer>,
}

/// What [`lsuv()`] did to a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LsuvLayer {
    /// The layer's path in the state dict.
    pub layer: String,
    /// Variance of its output before the layer was scaled, those in front of it being done.
    pub variance_before: f64,
    /// Variance after. Outside of the tolerance if the iterations did not suffice.
    pub variance: f64,
    /// Scalings.
    pub iterations: usize,
}

/// Draws the weights of all linear layers and convolutions orthogonal, with biases 0, and then,
/// layer by layer in the order of the forward pass, divides the weight by the standard deviation of
/// the layer's output until its variance over the batch is 1.
///
/// `forward` runs the model on one batch, the same each time, and reports each layer to the
/// [`Probe`]; what it returns is not used. A layer is scaled if its path leads to a `weight` of two
/// axes or more, by its first report in a pass. Outputs are to be reported before any norm: what
/// follows one does not depend on the weight's scale.
///
/// # Errors
/// A tolerance or a number of iterations that is not above 0; a report by a name that is no module
/// with parameters, or no report of a layer with a weight; an output whose variance is 0 or not
/// finite; those of `forward`.
///
/// # Example
/// See [`Probe`].
///
/// # Reference
/// Mishkin and Matas, *All you need is a good init*, 2016.
pub fn lsuv<M: Module, T>(
    model: M,
    config: &LsuvConfig,
    rng: &mut ChaCha8Rng,
    forward: impl Fn(&M, &mut Probe) -> Result<T, NnError>,
) -> Result<Lsuv<M>, NnError> {
    check_range(
        "lsuv",
        "tolerance",
        config.tolerance,
        f64::MIN_POSITIVE..=f64::MAX,
    )?;
    check_positive("lsuv", "max_iterations", config.max_iterations)?;
    let orthogonal = Some(Rule::Orthogonal { gain: 1.0 });
    let scheme = Scheme {
        linear: orthogonal,
        conv: orthogonal,
        ..Scheme::default()
    };
    let mut model = apply(model, scheme, rng)?;
    let run = |model: &M| -> Result<Probe, NnError> {
        let mut probe = Probe::new();
        forward(model, &mut probe)?;
        Ok(probe)
    };
    let mut layers = Vec::new();
    for layer in weighted_layers(&model, &run(&model)?)? {
        let measure = |model: &M| -> Result<f64, NnError> {
            let probe = run(model)?;
            let seen = probe.seen().iter().find(|activity| activity.layer == layer);
            let variance = seen.map_or(f64::NAN, |activity| activity.std.powi(2));
            if variance > 0.0 && variance.is_finite() {
                return Ok(variance);
            }
            let argument = "forward";
            let expected = format!("one that gives `{layer}` an output of finite variance above 0");
            Err(NnError::config(
                "lsuv",
                argument,
                expected,
                format!("one of variance {variance}"),
            ))
        };
        let variance_before = measure(&model)?;
        let (mut variance, mut iterations) = (variance_before, 0);
        while (variance - 1.0).abs() > config.tolerance && iterations < config.max_iterations {
            model = scale(model, &format!("{layer}.weight"), 1.0 / variance.sqrt());
            variance = measure(&model)?;
            iterations += 1;
        }
        layers.push(LsuvLayer {
            layer,
            variance_before,
            variance,
            iterations,
        });
    }
    Ok(Lsuv { model, layers })
}

/// The reported layers that have a weight to scale, each once.
fn weighted_layers<M: Module>(model: &M, probe: &Probe) -> Result<Vec<String>, NnError> {
    check_layers("lsuv", model, probe)?;
    let shapes = shapes(model);
    let mut layers: Vec<String> = Vec::new();
    for activity in probe.seen() {
        let weight = shapes.get(&format!("{}.weight", activity.layer));
        if weight.is_some_and(|shape| shape.len() >= 2) && !layers.contains(&activity.layer) {
            layers.push(activity.layer.clone());
        }
    }
    if layers.is_empty() {
        let expected = "one that reports a layer with a weight to the probe";
        return Err(NnError::config(
            "lsuv",
            "forward",
            expected,
            "one that reports none",
        ));
    }
    Ok(layers)
}

/// An error unless each report names a module with parameters.
pub(super) fn check_layers<M: Module>(
    name: &'static str,
    model: &M,
    probe: &Probe,
) -> Result<(), NnError> {
    let shapes = shapes(model);
    for activity in probe.seen() {
        let inside = format!("{}.", activity.layer);
        if !shapes
            .keys()
            .any(|parameter| parameter.starts_with(&inside))
        {
            let expected = "the path of a module with parameters";
            let got = format!("`{}`", activity.layer);
            return Err(NnError::config(name, "layer", expected, got));
        }
    }
    Ok(())
}

/// The model with one parameter multiplied by `factor`.
fn scale<M: Module>(model: M, parameter: &str, factor: f64) -> M {
    struct Scale<'a> {
        path: Path,
        parameter: &'a str,
        factor: f64,
    }
    impl ModuleMapper for Scale<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if self.path.name() != self.parameter {
                return param;
            }
            param.map(|old| {
                let (autodiff, trained) = (old.is_autodiff(), old.is_require_grad());
                let new = old.inner() * self.factor;
                let new = if autodiff { new.autodiff() } else { new };
                new.set_require_grad(trained)
            })
        }
    }
    model.map(&mut Scale {
        path: Path::default(),
        parameter,
        factor,
    })
}
