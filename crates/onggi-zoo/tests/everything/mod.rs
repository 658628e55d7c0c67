//! A backbone for tests.

use burn::module::Module;
use burn::tensor::Device;
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::{NnError, init};
use onggi_ops::pool::{AvgPoolOptions, MaxPoolOptions};
use onggi_zoo::pass::{Activation, Pass};
use onggi_zoo::{Backbone, Norm, NormKind};

/// A backbone of every operation that a pass knows, with pooling that leaves a last window, on odd maps.
#[derive(Module, Debug)]
pub(crate) struct Everything {
    first: Conv2d,
    norms: Vec<Norm<2>>,
    gate: Conv2d,
    second: Conv2d,
    fc: Linear,
}

/// The norms of [`Everything`], by the state dict's names.
const NORM_NAMES: [&str; 3] = ["norms.0", "norms.1", "norms.2"];

impl Everything {
    pub(crate) fn new() -> Self {
        let (device, rng) = (Device::flex(), &mut init::generator(3));
        let conv = |config: Conv2dConfig, rng: &mut _| config.init(rng, &device).unwrap();
        let norm = |kind: NormKind, channels| kind.init(channels, &device).unwrap().unwrap();
        let kinds = [NormKind::Batch, NormKind::Group, NormKind::FrozenBatch];
        let first = Conv2dConfig::new(2, 8, 3)
            .with_dilation(2)
            .with_groups(2)
            .with_same_padding();
        let mut second = Conv2dConfig::new(24, 6, 2).with_same_padding();
        second.kernel_size = [2, 3];
        Self {
            first: conv(first, rng),
            norms: kinds.map(|kind| norm(kind, 8)).into(),
            gate: conv(Conv2dConfig::new(8, 8, 1), rng),
            second: conv(second, rng),
            fc: LinearConfig::new(96, 5).init(rng, &device).unwrap(),
        }
    }
}

impl Backbone for Everything {
    fn classifier(&self) -> &'static str {
        "fc"
    }

    fn features<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Rows, NnError> {
        use Activation::{Gelu, Hardsigmoid, Hardswish, Identity, Relu, Relu6, Sigmoid, Silu};
        let mut maps = Vec::new();
        let x = pass.conv_norm(
            ("first", &self.first),
            (NORM_NAMES[0], Some(&self.norms[0])),
            Hardswish,
            x,
        )?;
        for (i, activation) in [Silu, Gelu, Relu6].into_iter().enumerate() {
            let x = pass.norm(NORM_NAMES[i], &self.norms[i], activation, x.clone())?;
            let squeezed = pass.adaptive_avg_pool(1, x.clone())?;
            let kind = [Hardsigmoid, Sigmoid, Relu][i];
            // The same layer each time, once with a norm to be folded into it.
            let norm = (NORM_NAMES[i], Some(&self.norms[i]).filter(|_| i == 2));
            let gate = pass.conv_norm(("gate", &self.gate), norm, kind, squeezed)?;
            maps.push(pass.gate(x, gate)?);
        }
        let mut max = MaxPoolOptions::new(3).with_stride(2).with_ceil_mode(true);
        max.padding = [1, 0];
        let mut avg = AvgPoolOptions::new(3).with_stride(2).with_ceil_mode(true);
        avg.padding = max.padding;
        let third = maps.pop().unwrap();
        let second = maps.pop().unwrap();
        let first = maps.pop().unwrap();
        let a = pass.max_pool(&max, first.clone())?;
        let b = pass.avg_pool(&avg, second)?;
        let c = pass.avg_pool(&avg.with_count_include_pad(false), third)?;
        let c = pass.add(c, a.clone(), Identity)?;
        let x = pass.concat(vec![a, b, c])?;
        let x = pass.part("inner", |pass| pass.pad_same(3, 2, x))?;
        let x = pass.conv("second", &self.second, Identity, x)?;
        let x = pass.activation(Activation::Sigmoid, x)?;
        let x = pass.adaptive_avg_pool(3, x)?;
        let x = pass.flatten(x)?;
        // What is flattened, then mapped: 9 positions in a row.
        let x = pass.unflatten(6, x)?;
        let x = pass.adaptive_avg_pool(4, x)?;
        pass.flatten(x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        pass.linear("fc", &self.fc, Activation::Silu, features)
    }
}
