//! Sharpness-aware minimisation.

use super::Gradients;
use super::walk;
use crate::NnError;
use crate::error::check_range;
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::optim::{NormType, global_norm};
use serde::{Deserialize, Serialize};

/// Sharpness-aware minimisation: the gradient of a step is taken at the worst point nearby, so that
/// minima whose surroundings are low, too, are preferred:
///
/// ```text
/// ε = ρ · g / ‖g‖                  (adaptive: ρ · w² g / ‖|w| g‖)
/// w ← w − step(∇L(w + ε))
/// ```
///
/// The norm is over all parameters. It wraps any rule in two forward and backward passes a step:
/// [`perturb`](Self::perturb) moves the model to `w + ε`; with the gradients from there,
/// [`Perturbation::restore`] brings back `w`, to the bit, and the [`Optimizer`](super::Optimizer)
/// steps.
///
/// The second pass updates the running statistics of batch normalisation once more, at `w + ε`.
/// Frozen parameters without gradients stay; freeze by
/// [`Optimizer::freeze`](super::Optimizer::freeze), or they take part in `ε`.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::linear::LinearConfig;
/// use onggi_nn::optim::{Gradients, Optimizer, Sam, Sgd};
/// use onggi_nn::init;
///
/// let device = Device::flex().autodiff();
/// let mut model = LinearConfig::new(3, 1).init(&mut init::generator(1), &device)?.train();
/// let x = Tensor::<2>::ones([8, 3], &device);
/// let (sam, mut optimizer) = (Sam::new(0.05, false)?, Optimizer::new(Sgd::default())?);
///
/// let first = Gradients::of(&model, &model.forward(x.clone())?.square().mean())?;
/// let (nearby, perturbation) = sam.perturb(model, &first)?;
/// let second = Gradients::of(&nearby, &nearby.forward(x)?.square().mean())?;
/// model = perturbation.restore(nearby);
/// model = optimizer.step(model, second, 0.1)?;
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Foret et al., *Sharpness-aware minimization for efficiently improving generalization*, 2021; Kwon
/// et al., *ASAM*, 2021 (adaptive).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sam {
    rho: f64,
    #[serde(default)]
    adaptive: bool,
}

/// What brings a model back from where [`Sam::perturb`] moved it.
#[derive(Debug)]
#[must_use = "the model stays perturbed until it is restored"]
pub struct Perturbation {
    places: Vec<(walk::Place, Tensor<1>)>,
}

impl Sam {
    /// With radius `rho`; the papers use 0.05, and 0.5 for the adaptive form.
    ///
    /// # Errors
    /// A `rho` that is negative or not finite.
    pub fn new(rho: f64, adaptive: bool) -> Result<Self, NnError> {
        check_range("Sam", "rho", rho, 0.0..=f64::MAX)?;
        Ok(Self { rho, adaptive })
    }

    /// Moves the model to the worst point nearby, by the gradients there. Where they are all 0 or
    /// not finite it stays.
    ///
    /// # Errors
    /// Gradients of another model; the model is dropped with the error.
    pub fn perturb<M: Module>(
        &self,
        model: M,
        gradients: &Gradients,
    ) -> Result<(M, Perturbation), NnError> {
        check_range("Sam", "rho", self.rho, 0.0..=f64::MAX)?;
        walk::check_gradients(&walk::survey(&model), gradients)?;
        let (model, places, slots) = walk::take(
            model,
            gradients.clone(),
            |_| Some(walk::Terms::default()),
            &mut Default::default(),
        );
        let directions: Vec<_> = (slots.iter())
            .map(|slot| match self.adaptive {
                false => slot.gradient.clone(),
                true => slot.gradient.clone() * slot.parameter.clone().abs(),
            })
            .collect();
        // The scale of clipped gradients divides out.
        let norm = global_norm(&directions.iter().collect::<Vec<_>>(), NormType::L2);
        let by = if norm > 0.0 && norm.is_finite() {
            self.rho / norm
        } else {
            0.0
        };
        let mut moved = Vec::with_capacity(slots.len());
        let mut kept = Vec::with_capacity(slots.len());
        for ((place, slot), direction) in places.into_iter().zip(slots).zip(directions) {
            let w = slot.parameter;
            let value = if by == 0.0 {
                w.clone()
            } else if self.adaptive {
                w.clone() + direction * w.clone().abs() * by
            } else {
                w.clone() + direction * by
            };
            moved.push((place.clone(), value));
            kept.push((place, w));
        }
        let model = walk::put(model, moved.into_iter());
        Ok((model, Perturbation { places: kept }))
    }
}

impl Perturbation {
    /// The model with its parameters as before the perturbation, to the bit.
    pub fn restore<M: Module>(self, model: M) -> M {
        walk::put(model, self.places.into_iter())
    }
}
