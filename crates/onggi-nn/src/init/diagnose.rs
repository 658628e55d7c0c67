//! What one batch shows of a model's layers: whether signals and gradients get through.

use super::lsuv::check_layers;
use super::{Activity, Probe, shapes};
use crate::NnError;
use crate::optim::Gradients;
use burn::module::Module;
use burn::tensor::Tensor;
use std::fmt;

/// Times by which a layer's spread or gradient may differ from the reference layer's.
const RANGE: f64 = 1e3;
/// Share of dead units, or of saturated outputs, from which a layer is called so.
const HALF: f64 = 0.5;

/// How a layer does.
///
/// The spread of outputs is compared with the first reported layer's, the gradient (root mean square
/// over the layer's parameters) with that of the last reported layer that has one. What is wrong with
/// the outputs goes before what is wrong with the gradient: it is the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Spread or gradient is above 1000 times the reference, or not finite.
    Exploding,
    /// All units put out the same and get the same gradient, within 1e-6 of the largest value: they
    /// will stay equal, as one unit.
    Symmetric,
    /// At least half of the units are 0 for every sample.
    Dead,
    /// Spread or gradient is below 1/1000 of the reference, or 0.
    Vanishing,
    /// At least half of the outputs are in the flat parts of the non-linearity.
    Saturated,
    /// None of the others.
    Healthy,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Exploding => "exploding",
            Self::Symmetric => "symmetric",
            Self::Dead => "dead",
            Self::Vanishing => "vanishing",
            Self::Saturated => "saturated",
            Self::Healthy => "healthy",
        })
    }
}

impl Verdict {
    /// What it means and what helps, in at most 80 columns.
    fn advice(self) -> &'static str {
        match self {
            Self::Exploding => "spread or gradient over 1000 times the reference: a smaller gain",
            Self::Symmetric => "all units are equal and stay so: draw the weights at random",
            Self::Dead => "half of the units are 0 for all samples: a leaky ReLU or a lower rate",
            Self::Vanishing => "spread or gradient under 1/1000 of the reference: a larger gain",
            Self::Saturated => "half of the outputs are in the flat parts: a smaller gain",
            Self::Healthy => "",
        }
    }
}

/// What one batch shows of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerDiagnosis {
    /// Its outputs.
    pub activity: Activity,
    /// L2 norm of the gradient of all its parameters; `None` if the loss does not depend on them.
    pub gradient_norm: Option<f64>,
    /// In a word.
    pub verdict: Verdict,
}

/// What one batch shows of a model; prints as a table of 80 columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The reported layers, in the order of the forward pass.
    pub layers: Vec<LayerDiagnosis>,
}

/// Runs one batch forward and backward and judges each layer that the model reports.
///
/// `forward` returns the batch's loss and reports layers to the [`Probe`].
///
/// # Errors
/// No report; a report by a name that is no module with parameters; a loss that does not depend on
/// parameters that require gradients; those of `forward`.
///
/// # Example
/// See [`Probe`].
pub fn diagnose<M: Module>(
    model: &M,
    forward: impl FnOnce(&M, &mut Probe) -> Result<Tensor<1>, NnError>,
) -> Result<Diagnosis, NnError> {
    let mut probe = Probe::new();
    let loss = forward(model, &mut probe)?;
    check_layers("diagnose", model, &probe)?;
    if probe.seen().is_empty() {
        let expected = "one that reports layers to the probe";
        return Err(NnError::config(
            "diagnose",
            "forward",
            expected,
            "one that reports none",
        ));
    }
    let gradients = Gradients::of(model, &loss)?;
    let shapes = shapes(model);
    let found = probe.seen().iter().map(|activity| {
        let rows = shapes.get(&format!("{}.weight", activity.layer));
        let by_unit = rows.is_some_and(|shape| shape[0] == activity.units);
        Gradient::of(
            &activity.layer,
            &gradients,
            by_unit.then_some(activity.units),
        )
    });
    let found: Vec<Option<Gradient>> = found.collect();
    let reference = Reference {
        std: probe.seen()[0].std,
        gradient: found
            .iter()
            .flatten()
            .map(|g| g.root_mean_square)
            .rfind(|&g| g > 0.0),
    };
    let layers = probe
        .seen()
        .iter()
        .zip(found)
        .map(|(activity, gradient)| LayerDiagnosis {
            activity: activity.clone(),
            gradient_norm: gradient.as_ref().map(|gradient| gradient.norm),
            verdict: reference.judge(activity, gradient.as_ref()),
        });
    Ok(Diagnosis {
        layers: layers.collect(),
    })
}

/// The gradient of a layer's parameters.
struct Gradient {
    norm: f64,
    root_mean_square: f64,
    /// Whether all units' rows of the weight's gradient are the same; true where there are none.
    identical: bool,
}

impl Gradient {
    fn of(layer: &str, gradients: &Gradients, units: Option<usize>) -> Option<Self> {
        let inside = format!("{layer}.");
        let (mut squares, mut count, mut identical) = (0.0, 0, true);
        for name in gradients.names().filter(|name| name.starts_with(&inside)) {
            let values = gradients.get(name)?.clone().into_data();
            let values: Vec<f32> = values.iter::<f32>().collect();
            squares += values.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>();
            count += values.len();
            if let (Some(units), Some("weight")) = (units, name.strip_prefix(&inside)) {
                let largest = values.iter().fold(0f32, |m, g| m.max(g.abs()));
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * largest;
                let rows: Vec<&[f32]> = values.chunks((values.len() / units).max(1)).collect();
                identical = rows.iter().all(|row| row.iter().zip(rows[0]).all(close));
            }
        }
        (count > 0).then(|| Self {
            norm: squares.sqrt(),
            root_mean_square: (squares / count as f64).sqrt(),
            identical,
        })
    }
}

/// What layers are compared with.
struct Reference {
    std: f64,
    gradient: Option<f64>,
}

impl Reference {
    fn judge(&self, activity: &Activity, gradient: Option<&Gradient>) -> Verdict {
        let std = if self.std > 0.0 {
            activity.std / self.std
        } else {
            1.0
        };
        let root_mean_square = gradient.map(|gradient| gradient.root_mean_square);
        // A loss that reaches no layer is as good as none.
        let ratio = root_mean_square.map(|g| self.gradient.map_or(g, |reference| g / reference));
        let finite = activity.std.is_finite() && root_mean_square.is_none_or(f64::is_finite);
        if !finite || std > RANGE {
            Verdict::Exploding
        } else if activity.identical && gradient.is_none_or(|gradient| gradient.identical) {
            Verdict::Symmetric
        } else if activity.dead >= HALF {
            Verdict::Dead
        } else if activity.std == 0.0 || std < 1.0 / RANGE {
            Verdict::Vanishing
        } else if ratio.is_some_and(|ratio| ratio > RANGE) {
            Verdict::Exploding
        } else if ratio.is_some_and(|ratio| ratio < 1.0 / RANGE) {
            Verdict::Vanishing
        } else if activity.saturated.is_some_and(|share| share >= HALF) {
            Verdict::Saturated
        } else {
            Verdict::Healthy
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20} {:>6} {:>9} {:>9} {:>5} {:>6} {:>9} verdict",
            "layer", "units", "mean", "std", "dead", "satur.", "gradient"
        )?;
        let percent = |share: f64| format!("{:.0}%", 100.0 * share);
        for layer in &self.layers {
            let Activity {
                layer: name,
                units,
                mean,
                std,
                dead,
                saturated,
                ..
            } = &layer.activity;
            let saturated = saturated.map_or("-".to_string(), percent);
            let gradient = layer.gradient_norm.map(|norm| format!("{norm:.2e}"));
            writeln!(
                f,
                "{:<20} {units:>6} {mean:>9.1e} {std:>9.2e} {:>5} {saturated:>6} {:>9} {}",
                end_of(name, 20),
                percent(*dead),
                gradient.as_deref().unwrap_or("-"),
                layer.verdict,
            )?;
        }
        let of = |verdict| {
            self.layers
                .iter()
                .filter(move |layer| layer.verdict == verdict)
        };
        let healthy = of(Verdict::Healthy).count();
        write!(f, "{healthy} of {} layers are healthy", self.layers.len())?;
        for verdict in [
            Verdict::Exploding,
            Verdict::Symmetric,
            Verdict::Dead,
            Verdict::Vanishing,
            Verdict::Saturated,
        ] {
            if of(verdict).next().is_some() {
                write!(f, "\n{verdict}: {}", verdict.advice())?;
            }
        }
        Ok(())
    }
}

/// The last `width` characters of a name, with an ellipsis where it was longer.
fn end_of(name: &str, width: usize) -> String {
    let count = name.chars().count();
    if count <= width {
        return name.to_string();
    }
    let end: String = name.chars().skip(count - width + 1).collect();
    format!("…{end}")
}
