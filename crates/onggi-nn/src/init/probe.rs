//! What a model's layers put out, told by the model itself.

use super::Nonlinearity;
use burn::tensor::Tensor;

/// Takes note of the layers' outputs during a forward pass, for [`lsuv()`](super::lsuv()) and
/// [`diagnose()`](super::diagnose()).
///
/// A model reports each layer by the layer's path in the state dict. Its ordinary forward pass is
/// the same function with [`Probe::off`], which looks at nothing.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor, activation::relu};
/// use onggi_nn::init::{self, LsuvConfig, Nonlinearity, Probe, Verdict};
/// use onggi_nn::linear::{Linear, LinearConfig};
/// use onggi_nn::NnError;
///
/// #[derive(Module, Debug)]
/// struct Net {
///     fc1: Linear,
///     fc2: Linear,
/// }
///
/// impl Net {
///     fn forward(&self, x: Tensor<2>, probe: &mut Probe) -> Result<Tensor<2>, NnError> {
///         let z = self.fc1.forward(x)?;
///         probe.record("fc1", Nonlinearity::Relu, &z);
///         let z = self.fc2.forward(relu(z))?;
///         probe.record("fc2", Nonlinearity::Linear, &z);
///         Ok(z)
///     }
/// }
///
/// let (mut rng, device) = (init::generator(1), Device::flex().autodiff());
/// let net = Net {
///     fc1: LinearConfig::new(8, 32).init(&mut rng, &device)?,
///     fc2: LinearConfig::new(32, 2).init(&mut rng, &device)?,
/// };
/// let x = init::normal([64, 8], 1.0, &mut rng, &device);
///
/// let scaled = init::lsuv(net, &LsuvConfig::default(), &mut rng, |net, probe| {
///     net.forward(x.clone(), probe)
/// })?;
/// let diagnosis = init::diagnose(&scaled.model, |net, probe| {
///     Ok(net.forward(x.clone(), probe)?.powi_scalar(2).mean())
/// })?;
/// assert!(diagnosis.layers.iter().all(|layer| layer.verdict == Verdict::Healthy));
/// println!("{diagnosis}");
/// # Ok::<(), NnError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Probe {
    on: bool,
    seen: Vec<Activity>,
}

/// What one layer put out over one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// The layer's path in the state dict.
    pub layer: String,
    /// Units: the size of the output's second axis.
    pub units: usize,
    /// Mean of all outputs, before the non-linearity.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
    /// Share of units that are 0 after the non-linearity at every place of every sample.
    pub dead: f64,
    /// Share of outputs in the flat parts of the non-linearity: `|tanh(z)|` above 0.97, or a sigmoid
    /// outside of `[0.03, 0.97]`. `None` for the others.
    pub saturated: Option<f64>,
    /// Whether there are several units and all put out the same, within 1e-6 of the largest output.
    pub identical: bool,
}

impl Probe {
    /// A probe that takes note.
    pub fn new() -> Self {
        Self {
            on: true,
            seen: Vec::new(),
        }
    }

    /// A probe that does nothing.
    pub fn off() -> Self {
        Self {
            on: false,
            seen: Vec::new(),
        }
    }

    /// Whether it takes note.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Takes note of `z`, the output of `layer` before the non-linearity that follows it.
    ///
    /// # Shapes
    /// `z: (N, C, *)`, where `C` counts units; features in another axis are to be swapped there.
    pub fn record<const D: usize>(
        &mut self,
        layer: &str,
        nonlinearity: Nonlinearity,
        z: &Tensor<D>,
    ) {
        if !self.on {
            return;
        }
        let dims = z.dims();
        let units = dims.get(1).copied().unwrap_or(1);
        let places = dims.iter().skip(2).product();
        let z: Vec<f32> = z.clone().into_data().iter::<f32>().collect();
        self.seen
            .push(Activity::of(layer, nonlinearity, &z, units, places));
    }

    /// All records, in the order of the forward pass.
    pub fn seen(&self) -> &[Activity] {
        &self.seen
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

impl Activity {
    /// Of outputs `(N, units, places)`.
    fn of(layer: &str, f: Nonlinearity, z: &[f32], units: usize, places: usize) -> Self {
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let n = z.len() as f64;
        let mean = z.iter().map(|&z| f64::from(z)).sum::<f64>() / n;
        let squares = z.iter().map(|&z| (f64::from(z) - mean).powi(2));
        let std = (squares.sum::<f64>() / n).sqrt();

        let silent = |z: f32| match f {
            Nonlinearity::Relu => z <= 0.0,
            _ => z == 0.0,
        };
        let largest = z.iter().fold(0f32, |m, z| m.max(z.abs()));
        let (mut alive, mut identical) = (vec![false; units], units > 1);
        for sample in z.chunks((units * places).max(1)) {
            let first = &sample[..places.min(sample.len())];
            for (unit, z) in sample.chunks(places.max(1)).enumerate() {
                alive[unit] |= !z.iter().all(|&z| silent(z));
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * largest;
                identical &= z.iter().zip(first).all(close);
            }
        }
        let flat: Option<fn(f32) -> bool> = match f {
            Nonlinearity::Tanh => Some(|z| z.tanh().abs() > 0.97),
            Nonlinearity::Sigmoid => Some(|z| !(0.03..=0.97).contains(&(1.0 / (1.0 + (-z).exp())))),
            _ => None,
        };
        Self {
            layer: layer.to_string(),
            units,
            mean,
            std,
            dead: share(alive.iter().filter(|&&alive| !alive).count(), units),
            saturated: flat.map(|flat| share(z.iter().filter(|&&z| flat(z)).count(), z.len())),
            identical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    fn activity<const D: usize>(z: Vec<f32>, shape: [usize; D], f: Nonlinearity) -> Activity {
        let mut probe = Probe::new();
        let z = Tensor::<D>::from_data(TensorData::new(z, shape), &onggi_ops::testing::device());
        probe.record("layer", f, &z);
        probe.seen[0].clone()
    }

    #[test]
    fn a_dead_unit_is_off_everywhere_in_the_batch() {
        // Two samples of three channels at two places: the second channel is never positive.
        let z = vec![1., -1., -2., 0., -3., -1., -1., -1., -1., -5., -1., 2.];
        let relu = activity(z.clone(), [2, 3, 2], Nonlinearity::Relu);
        assert_eq!((relu.units, relu.dead), (3, 1.0 / 3.0));
        assert_eq!((relu.saturated, relu.identical), (None, false));
        assert!((relu.mean + 13.0 / 12.0).abs() < 1e-12);
        let linear = activity(z, [2, 3, 2], Nonlinearity::Linear);
        assert_eq!(linear.dead, 0.0);
    }

    #[test]
    fn saturation_is_the_share_of_flat_outputs() {
        // atanh(0.97) = 2.09, logit(0.97) = 3.48.
        let z = vec![-2.0, 2.0, 2.2, -3.0, -3.4, 3.4, 3.6, -4.0];
        let of = |f| activity(z.clone(), [4, 2], f).saturated;
        assert_eq!(of(Nonlinearity::Tanh), Some(6.0 / 8.0));
        assert_eq!(of(Nonlinearity::Sigmoid), Some(2.0 / 8.0));
        assert_eq!(of(Nonlinearity::Relu), None);
    }

    #[test]
    fn identical_units_are_told_from_close_ones() {
        let linear = Nonlinearity::Linear;
        assert!(activity(vec![1., 1., -2., -2.], [2, 2], linear).identical);
        assert!(activity(vec![1., 1. + 5e-7, -2., -2.], [2, 2], linear).identical);
        assert!(!activity(vec![1., 1.001, -2., -2.], [2, 2], linear).identical);
        assert!(!activity(vec![1., -2.], [2, 1], linear).identical);
        assert!(activity(vec![0.; 4], [2, 2], linear).identical);
        assert!(activity(vec![1., 2., 1., 2.], [1, 2, 2], linear).identical);
        assert!(!activity(vec![1., 1., 2., 2.], [1, 2, 2], linear).identical);
    }

    #[test]
    fn what_is_off_or_empty_does_no_harm() {
        let mut probe = Probe::off();
        let device = onggi_ops::testing::device();
        probe.record(
            "layer",
            Nonlinearity::Relu,
            &Tensor::<2>::zeros([2, 3], &device),
        );
        assert!(probe.seen().is_empty());
        assert!(activity(vec![], [0, 3], Nonlinearity::Tanh).mean.is_nan());
        assert_eq!(activity(vec![], [2, 0], Nonlinearity::Tanh).units, 0);
        assert_eq!(activity(vec![1.0, 2.0], [2], Nonlinearity::Relu).units, 1);
    }
}
