//! A model in two parts: features of images, and a linear head.

use crate::pass::{Eager, Pass};
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_nn::init::Probe;
use onggi_nn::{Mode, NnError};
use std::collections::BTreeMap;

/// A network that makes one vector of each image, and logits of that.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::{Mode, init};
/// use onggi_zoo::{Backbone, EfficientNetLite, ModelOptions};
///
/// let (device, mut rng) = (Device::flex(), init::generator(1));
/// let model = EfficientNetLite::new(0, 3, &ModelOptions::new(10), &mut rng, &device)?;
/// let x = Tensor::<4>::zeros([1, 3, 64, 64], &device);
/// assert_eq!(model.pooled(x.clone(), &Mode::Eval)?.dims(), [1, 1280]);
/// let maps = model.maps(x, &Mode::Eval, &["blocks.2", "blocks.4"])?;
/// assert_eq!(maps["blocks.4"].dims(), [1, 112, 4, 4]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
pub trait Backbone: Module {
    /// Path of the last layer in the state dict: linear, in SqueezeNet a 1×1 convolution.
    fn classifier(&self) -> &'static str;

    /// The state dict's name of a tensor that other files of the same model call `name`; `None` if they
    /// call it the same.
    fn renamed(&self, _name: &str) -> Option<String> {
        None
    }

    /// What goes into the head: one vector an image.
    ///
    /// # Errors
    /// Images that do not fit the model.
    fn features<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Rows, NnError>;

    /// Logits of features.
    ///
    /// # Errors
    /// Features of another length.
    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError>;

    /// The features of images.
    ///
    /// # Shapes
    /// `x: (N, C, H, W)` → `(N, F)`.
    ///
    /// # Errors
    /// Images that do not fit the model.
    fn pooled(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        self.features(&mut Eager::new(mode, &mut Probe::off()), x)
    }

    /// What the named parts put out, such as `layer2` for maps of several scales.
    ///
    /// # Errors
    /// Images that do not fit the model; a part that it does not have.
    fn maps(
        &self,
        x: Tensor<4>,
        mode: &Mode,
        parts: &[&str],
    ) -> Result<BTreeMap<String, Tensor<4>>, NnError> {
        let mut probe = Probe::off();
        let mut pass = Eager::new(mode, &mut probe).keeping(parts);
        self.features(&mut pass, x)?;
        let maps = pass.into_maps();
        match parts.iter().find(|part| !maps.contains_key(**part)) {
            None => Ok(maps),
            Some(missing) => Err(NnError::Config {
                layer: "model",
                argument: "parts",
                expected: "paths of parts that put out maps, such as `layer2` or `blocks.3`".into(),
                got: (*missing).to_owned(),
            }),
        }
    }
}
