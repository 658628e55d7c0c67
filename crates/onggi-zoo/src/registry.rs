//! The models by name: a row and a variant each.

use crate::pass::Pass;
use crate::{Mlp, NormKind};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::init::Probe;
use onggi_nn::{Classifier, Mode, NnError};
use rand_chacha::ChaCha8Rng;

/// What a model can be asked for.
#[derive(Clone, Debug)]
pub struct ModelOptions {
    /// Classes.
    pub classes: usize,
    /// Dropout before the classifier (and between an MLP's layers): a probability.
    pub dropout: f64,
    /// Stochastic depth: probability that the last residual block is left out for a sample, rising to
    /// it in equal steps from 0 at the first. Models without such blocks take 0 alone.
    pub drop_path: f64,
    /// Factor on the channels or hidden units, which are then rounded to a multiple of 8.
    pub width: f64,
    /// What stands where the model has batch normalisation. Models that have none take the default
    /// and [`NormKind::FrozenBatch`], which change nothing in them.
    pub norm: NormKind,
}

/// Channels are a multiple of this: a vector of the kernels, and groups for group normalisation.
const CHANNEL_STEP: f64 = 8.0;

impl ModelOptions {
    /// For `classes` classes: no dropout, the model's own width, batch normalisation.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            dropout: 0.0,
            drop_path: 0.0,
            width: 1.0,
            norm: NormKind::default(),
        }
    }

    /// `base` channels or units at the width asked for: the nearest multiple of 8, at least 8.
    ///
    /// # Errors
    /// A width outside of 0.05 to 16.
    pub(crate) fn widened(&self, base: usize) -> Result<usize, NnError> {
        if !(0.05..=16.0).contains(&self.width) {
            return Err(NnError::Config {
                layer: "model",
                argument: "width",
                expected: "between 0.05 and 16".into(),
                got: self.width.to_string(),
            });
        }
        let steps = (base as f64 * self.width / CHANNEL_STEP).round().max(1.0);
        Ok((steps * CHANNEL_STEP) as usize)
    }

    /// An error if stochastic depth is asked of a model without residual blocks.
    pub(crate) fn no_drop_path(&self, model: &'static str) -> Result<(), NnError> {
        let expected = "0: it has no residual blocks to leave out";
        refuse(
            self.drop_path > 0.0,
            model,
            "drop_path",
            expected,
            self.drop_path,
        )
    }

    /// An error if another normalisation is asked of a model without batch normalisation.
    pub(crate) fn no_norm(&self, model: &'static str) -> Result<(), NnError> {
        let kept = matches!(self.norm, NormKind::Batch | NormKind::FrozenBatch);
        let expected = "batch: it has no batch normalisation to replace";
        refuse(!kept, model, "norm", expected, format!("{:?}", self.norm))
    }
}

/// An error if `wrong`.
fn refuse(
    wrong: bool,
    layer: &'static str,
    argument: &'static str,
    expected: &str,
    got: impl ToString,
) -> Result<(), NnError> {
    if !wrong {
        return Ok(());
    }
    Err(NnError::Config {
        layer,
        argument,
        expected: expected.into(),
        got: got.to_string(),
    })
}

/// One model of the registry.
#[derive(Clone, Copy, Debug)]
pub struct ModelRow {
    /// Name, as `--model` takes it.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
}

/// Models for tables.
pub const TABLE_MODELS: [ModelRow; 1] = [ModelRow {
    name: "mlp",
    summary: "multilayer perceptron with two hidden layers",
}];

/// A model that cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ZooError {
    /// No model of that name.
    #[error("there is no {task} model `{name}`; there is: {known}")]
    Unknown {
        /// `image`, `table` or `text`.
        task: &'static str,
        /// The name that came.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A layer refused its configuration.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// More than an ONNX file holds.
    #[error(
        "an ONNX file holds at most 2 GiB, but this model takes {bytes} bytes; export it as safetensors"
    )]
    OnnxSize {
        /// Size of the file that it would be.
        bytes: usize,
    },
}

pub(crate) fn unknown<'a>(
    task: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> ZooError {
    let known = known.collect::<Vec<_>>().join(", ");
    ZooError::Unknown {
        task,
        name: name.to_string(),
        known,
    }
}

/// Any model for tables.
#[derive(Module, Debug)]
pub enum TableModel {
    /// `mlp`.
    Mlp(Mlp),
}

impl TableModel {
    /// The model called `name` for rows of `columns` numbers.
    ///
    /// # Errors
    /// An unknown name, or options that a layer refuses.
    pub fn build(
        name: &str,
        columns: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, ZooError> {
        match name {
            "mlp" => Ok(Self::Mlp(Mlp::new(columns, options, rng, device)?)),
            _ => Err(unknown(
                "table",
                name,
                TABLE_MODELS.iter().map(|row| row.name),
            )),
        }
    }

    /// Logits of rows, layer by layer.
    ///
    /// # Errors
    /// Rows of another length.
    pub fn apply<P: Pass>(&self, pass: &mut P, x: P::Rows) -> Result<P::Rows, NnError> {
        match self {
            Self::Mlp(model) => model.apply(pass, x),
        }
    }
}

impl Classifier<2> for TableModel {
    fn forward(&self, x: Tensor<2>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        match self {
            Self::Mlp(model) => model.forward(x, mode),
        }
    }

    fn observed(&self, x: Tensor<2>, mode: &Mode, probe: &mut Probe) -> Result<Tensor<2>, NnError> {
        match self {
            Self::Mlp(model) => model.observed(x, mode, probe),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IMAGE_MODELS, ImageModel};
    use onggi_nn::{init, loss::CrossEntropy, optim::Gradients, state};

    const OPTIONS: ModelOptions = ModelOptions {
        classes: 3,
        dropout: 0.1,
        drop_path: 0.0,
        width: 1.0,
        norm: NormKind::Batch,
    };

    /// Other widths and norms.
    fn variants() -> Vec<ModelOptions> {
        let norms = [NormKind::Batch, NormKind::Group, NormKind::None];
        let all = norms.into_iter().zip([1.0, 0.5, 0.3]);
        all.map(|(norm, width)| ModelOptions {
            norm,
            width,
            ..OPTIONS
        })
        .collect()
    }

    /// Every registered model: gradients reach every parameter, evaluation is deterministic, its state
    /// dict round-trips, and it is the same model when its layers are looked at.
    fn conforms<const D: usize, M: Classifier<D>>(build: impl Fn(u64, &Device) -> M, x: Tensor<D>) {
        let device = Device::flex().autodiff();
        let model = build(1, &device);
        let logits = model.forward(x.clone(), &Mode::train(1, 0)).unwrap();
        assert_eq!(logits.dims(), [4, 3]);
        let loss = CrossEntropy::new(0.0, None)
            .unwrap()
            .forward(logits, &[0, 1, 2, 0])
            .unwrap();
        let gradients = Gradients::of(&model, &loss).unwrap();
        let state = state::collect(&model);
        for name in state
            .keys()
            .filter(|name| !name.contains("running_") && !name.ends_with("num_batches_tracked"))
        {
            let gradient = gradients
                .get(name)
                .unwrap_or_else(|| panic!("no gradient at {name}"));
            let values = gradient.clone().into_data().try_to_vec::<f32>().unwrap();
            assert!(values.iter().all(|v| v.is_finite()), "{name}");
            assert!(
                values.iter().any(|&v| v != 0.0),
                "{name}: the gradient is zero"
            );
        }
        let answer = |model: &M| {
            let model = model.valid();
            let x = x.clone().inner();
            model
                .forward(x, &Mode::Eval)
                .unwrap()
                .into_data()
                .try_to_vec::<f32>()
                .unwrap()
        };
        let mut probe = Probe::new();
        let mode = || Mode::train(1, 0);
        let looked_at = model.observed(x.clone(), &mode(), &mut probe).unwrap();
        let plain = model.forward(x.clone(), &mode()).unwrap();
        let values = |t: Tensor<2>| t.into_data().try_to_vec::<f32>().unwrap();
        for (a, b) in values(looked_at).into_iter().zip(values(plain)) {
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} {b}");
        }
        assert!(probe.seen().iter().all(|activity| {
            let inside = format!("{}.", activity.layer);
            state.keys().any(|name| name.starts_with(&inside))
        }));
        let weights = state.keys().filter(|name| name.ends_with(".weight"));
        let matrices = weights.filter(|name| state[*name].shape.len() > 1).count();
        assert_eq!(
            probe.seen().len(),
            matrices,
            "each layer with weights is reported"
        );
        // Those passes have moved the running statistics.
        let state = state::collect(&model);
        let other = build(2, &device);
        assert_ne!(answer(&model), answer(&other));
        let restored = state::load(other, state).unwrap();
        assert_eq!(answer(&model), answer(&restored));
        assert_eq!(answer(&model), answer(&model));
    }

    /// All models, narrow, on small images.
    fn image_models_conform(norm: NormKind) {
        let device = Device::flex().autodiff();
        let options = ModelOptions {
            norm,
            width: 0.25,
            ..OPTIONS
        };
        for row in IMAGE_MODELS {
            let build = |seed, device: &Device| {
                let rng = &mut init::generator(seed);
                ImageModel::build(row.name, 2, &options, rng, device)
            };
            match build(1, &device) {
                Ok(_) => {
                    let x = init::normal([4, 2, 37, 41], 1.0, &mut init::generator(5), &device);
                    conforms(|seed, device| build(seed, device).unwrap(), x);
                }
                Err(error) => {
                    let refused = error.to_string();
                    assert!(norm != NormKind::Batch, "{}: {refused}", row.name);
                    let reason = "it has no batch normalisation to replace";
                    assert!(refused.contains(reason), "{}: {refused}", row.name);
                }
            }
        }
    }

    #[test]
    fn every_image_model_conforms() {
        image_models_conform(NormKind::Batch);
    }

    #[test]
    fn every_image_model_conforms_with_group_norms() {
        image_models_conform(NormKind::Group);
    }

    #[test]
    fn every_image_model_conforms_without_norms() {
        image_models_conform(NormKind::None);
    }

    #[test]
    fn what_a_model_does_not_have_is_refused() {
        let build = |name, options: &ModelOptions| {
            ImageModel::build(name, 3, options, &mut init::generator(1), &Device::flex())
        };
        let dropping = ModelOptions {
            drop_path: 0.1,
            width: 0.25,
            ..OPTIONS
        };
        assert!(build("resnet18", &dropping).is_ok() && build("vit_tiny", &dropping).is_ok());
        assert_eq!(
            build("vgg11_bn", &dropping).unwrap_err().to_string(),
            "VGG: `drop_path` must be 0: it has no residual blocks to leave out, but is 0.1"
        );
        assert!(build("squeezenet1_1", &dropping).is_err());
        assert!(build("densenet121", &dropping).is_err());
        let grouped = ModelOptions {
            norm: NormKind::Group,
            ..OPTIONS
        };
        assert_eq!(
            build("convnext_tiny", &grouped).unwrap_err().to_string(),
            "ConvNeXt: `norm` must be batch: it has no batch normalisation to replace, but is Group"
        );
    }

    #[test]
    fn an_image_that_is_too_small_is_an_error() {
        let device = Device::flex();
        let options = ModelOptions {
            width: 0.25,
            ..OPTIONS
        };
        let mut refused = 0;
        for row in IMAGE_MODELS {
            let rng = &mut init::generator(1);
            let model = ImageModel::build(row.name, 3, &options, rng, &device).unwrap();
            for [height, width] in [[1, 1], [2, 40], [15, 15], [20, 3], [28, 28]] {
                match model.forward(Tensor::ones([1, 3, height, width], &device), &Mode::Eval) {
                    Ok(logits) => {
                        let logits = logits.into_data().try_to_vec::<f32>().unwrap();
                        let name = row.name;
                        assert!(logits.iter().all(|v| v.is_finite()), "{name}: {logits:?}");
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 0);
    }

    #[test]
    fn names_are_unique_and_shares_are_percent() {
        for (i, row) in IMAGE_MODELS.iter().enumerate() {
            assert!(IMAGE_MODELS[..i].iter().all(|other| other.name != row.name));
            let top1 = row.pretrained.map_or(75.0, |weights| weights.top1);
            assert!((50.0..90.0).contains(&top1), "{}", row.name);
        }
    }

    #[test]
    fn every_table_model_conforms() {
        let device = Device::flex().autodiff();
        for (row, options) in TABLE_MODELS
            .iter()
            .flat_map(|row| variants().into_iter().map(move |options| (row, options)))
        {
            let build = |seed, device: &Device| {
                let rng = &mut init::generator(seed);
                TableModel::build(row.name, 7, &options, rng, device).unwrap()
            };
            conforms(
                build,
                init::normal([4, 7], 1.0, &mut init::generator(5), &device),
            );
        }
    }

    #[test]
    fn width_scales_channels_to_multiples_of_8() {
        let at = |width| ModelOptions { width, ..OPTIONS }.widened(32);
        assert_eq!(at(1.0).unwrap(), 32);
        assert_eq!(at(2.0).unwrap(), 64);
        assert_eq!(at(0.6).unwrap(), 16);
        assert_eq!(at(0.05).unwrap(), 8);
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 17.0] {
            assert!(at(width).is_err(), "{width}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let device = Device::flex();
        let error = ImageModel::build("alexnet", 3, &OPTIONS, &mut init::generator(1), &device)
            .unwrap_err();
        let expected = "there is no image model `alexnet`; there is: small_resnet, ";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
