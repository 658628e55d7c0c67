//! ResNet-50 without its head and a feature pyramid on it, with torchvision's names.

use crate::layers::padded;
use crate::pass::Eager;
use crate::resnet::{ResNet, ResidualBlock, trunk};
use crate::{FeaturePyramid, ModelOptions, NormKind};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::conv::Conv2d;
use onggi_nn::init::Probe;
use onggi_nn::state::{StateDict, StateTensor};
use onggi_nn::{Mode, NnError};
use onggi_ops::pool::{MaxPoolOptions, max_pool};
use rand_chacha::ChaCha8Rng;

/// Channels of each map of the pyramid.
pub(super) const CHANNELS: usize = 256;

/// Channels of what the stages put out.
const STAGES: [usize; 4] = [256, 512, 1024, 2048];

/// The stem and the stages of ResNet-50. Its batch normalisations, which are frozen in a detector, are
/// folded into the convolutions, which have biases.
#[derive(Module, Debug)]
pub struct ResNetBody {
    /// Stem, 7×7 with stride 2; a max pooling follows.
    pub conv1: Conv2d,
    /// First stage.
    pub layer1: Vec<ResidualBlock>,
    /// Second stage.
    pub layer2: Vec<ResidualBlock>,
    /// Third stage.
    pub layer3: Vec<ResidualBlock>,
    /// Fourth stage.
    pub layer4: Vec<ResidualBlock>,
}

/// A body and the pyramid on its stages.
#[derive(Module, Debug)]
pub struct PyramidBackbone {
    /// The network that the maps come from.
    pub body: ResNetBody,
    /// The pyramid.
    pub fpn: FeaturePyramid,
}

impl PyramidBackbone {
    /// The backbone, initialised at random.
    ///
    /// # Errors
    /// None.
    pub(super) fn new(rng: &mut ChaCha8Rng, device: &Device) -> Result<Self, NnError> {
        let options = ModelOptions {
            norm: NormKind::None,
            ..ModelOptions::new(1)
        };
        let body = ResNet::new(50, [1, 64], 3, &options, rng, device)?;
        Ok(Self {
            body: ResNetBody {
                conv1: body.conv1,
                layer1: body.layer1,
                layer2: body.layer2,
                layer3: body.layer3,
                layer4: body.layer4,
            },
            fpn: FeaturePyramid::new(&STAGES, CHANNELS, rng, device)?,
        })
    }

    /// The pyramid's maps, the finest first, and every second pixel of the coarsest.
    ///
    /// # Shapes
    /// `x: (N, 3, H, W)` → five of `(N, 256, ·, ·)` with strides 4, 8, 16, 32 and 64.
    ///
    /// # Errors
    /// Images that do not fit.
    pub(super) fn forward(&self, x: Tensor<4>) -> Result<Vec<Tensor<4>>, NnError> {
        let body = &self.body;
        let stages: [(&str, &[ResidualBlock]); 4] = [
            ("layer1", &body.layer1),
            ("layer2", &body.layer2),
            ("layer3", &body.layer3),
            ("layer4", &body.layer4),
        ];
        let (mode, mut probe) = (Mode::Eval, Probe::off());
        let mut pass = Eager::new(&mode, &mut probe).keeping(&stages.map(|(name, _)| name));
        trunk(&mut pass, (&body.conv1, None), stages, x)?;
        // In the order of their names.
        let maps = pass.into_maps().into_values().collect();
        let mut maps = self.fpn.forward(maps)?;
        if let Some(coarsest) = maps.last() {
            let every_second = MaxPoolOptions::<2>::new(1).with_stride(2);
            maps.push(max_pool(coarsest.clone(), &every_second)?);
        }
        Ok(maps)
    }
}

/// Leaves of a batch normalisation.
const LEAVES: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

/// Takes the batch normalisations out of a state dict with torchvision's names: the convolution before
/// each does its work, `weight · s` and `bias = b − mean · s` with `s = w / √(var + eps)`.
///
/// What is missing or of another size is written to `problems`; its convolution gets a bias all the same,
/// so that it is not reported for another.
pub(super) fn fold(state: &mut StateDict, eps: f64, problems: &mut Vec<String>) {
    state.retain(|name, _| !name.ends_with(".num_batches_tracked"));
    for (conv, norm, outputs) in convolutions() {
        let mut take = |leaf: &str| {
            let name = format!("{norm}.{leaf}");
            let found = state.remove(&name);
            match &found {
                None => problems.push(format!("`{name}` is missing")),
                Some(tensor) if tensor.shape != [outputs] => {
                    let shape = &tensor.shape;
                    problems.push(format!("`{name}` has shape {shape:?}, not [{outputs}]"));
                }
                Some(tensor) => return tensor.values.clone(),
            }
            vec![0.0; outputs]
        };
        let [weight, bias, mean, var] = LEAVES.map(&mut take);
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from);
        let scale: Vec<f64> = wide(weight)
            .zip(wide(var))
            .map(|(weight, var)| weight / (var + eps).sqrt())
            .collect();
        let shifts = wide(bias).zip(wide(mean)).zip(&scale);
        let values = shifts.map(|((bias, mean), scale)| (bias - mean * scale) as f32);
        let bias = StateTensor {
            shape: vec![outputs],
            values: values.collect(),
        };
        if let Some(tensor) = state.get_mut(&format!("{conv}.weight")) {
            let each = (tensor.values.len() / outputs).max(1);
            for (row, scale) in tensor.values.chunks_exact_mut(each).zip(&scale) {
                row.iter_mut()
                    .for_each(|w| *w = (f64::from(*w) * scale) as f32);
            }
        }
        state.insert(format!("{conv}.bias"), bias);
    }
}

/// The body's convolutions with a normalisation behind them: names of both, and channels.
fn convolutions() -> Vec<(String, String, usize)> {
    let body = "backbone.body";
    let mut all = vec![(format!("{body}.conv1"), format!("{body}.bn1"), 64)];
    for (i, (outputs, blocks)) in STAGES.into_iter().zip([3, 4, 6, 3]).enumerate() {
        for j in 0..blocks {
            let block = format!("{body}.layer{}.{j}", i + 1);
            for (k, outputs) in [(1, outputs / 4), (2, outputs / 4), (3, outputs)] {
                all.push((
                    format!("{block}.conv{k}"),
                    format!("{block}.bn{k}"),
                    outputs,
                ));
            }
            if j == 0 {
                let shortcut = format!("{block}.downsample");
                all.push((format!("{shortcut}.0"), format!("{shortcut}.1"), outputs));
            }
        }
    }
    all
}

/// `activation(conv(x))` of each, one after the other: parts of torchvision's `Conv2dNormActivation`
/// without a norm.
pub(super) fn convolved(layers: &[Vec<Conv2d>], x: Tensor<4>) -> Result<Tensor<4>, NnError> {
    let mut layers = layers.iter().flatten();
    layers.try_fold(x, |x, layer| {
        Ok(onggi_ops::activation::relu(layer.forward(x)?))
    })
}

/// `count` 3×3 convolutions that [`convolved`] applies, from [`CHANNELS`] to as many.
pub(super) fn convolutions_of(
    count: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Vec<Vec<Conv2d>>, NnError> {
    let layer = |_| Ok(vec![padded(CHANNELS, CHANNELS, 3).init(rng, device)?]);
    (0..count).map(layer).collect()
}
