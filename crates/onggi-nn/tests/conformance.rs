//! What every layer must hold to, whatever it computes. A layer joins by a row of [`conform!`].
//!
//! - Finite gradients that are not all zero reach every parameter and the input.
//! - A state dict saved from one layer and loaded into another gives the same outputs.
//! - Evaluation repeats itself, and so does training by the same seed and step. To the bit, this and
//!   the former, on the CPU.
//! - An input that does not fit is an error.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::activation::{GELU, PReLUConfig, ReLU};
use onggi_nn::attention::{Masks, TransformerLayerConfig};
use onggi_nn::conv::{
    Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvTranspose1dConfig, ConvTranspose2dConfig,
};
use onggi_nn::dropout::{
    AlphaDropout, DropBlock2d, DropPath, Dropout, Dropout1d, Dropout2d, Dropout3d,
    FeatureAlphaDropout, GaussianNoise,
};
use onggi_nn::flatten::Flatten;
use onggi_nn::linear::LinearConfig;
use onggi_nn::norm::{
    BatchNorm1d, BatchNorm2d, BatchNorm3d, BatchNormConfig, GroupNormConfig, InstanceNorm2d,
    InstanceNormConfig, LayerNormConfig, LocalResponseNorm, RmsNormConfig,
};
use onggi_nn::optim::Gradients;
use onggi_nn::pool::{AdaptiveAvgPool2d, AvgPool2d, AvgPoolOptions, MaxPool2d, MaxPoolOptions};
use onggi_nn::recurrent::{Gru, Lstm, RecurrentConfig, Rnn};
use onggi_nn::sequential::Sequential;
use onggi_nn::{Mode, NnError, init, state};
use onggi_ops::testing::{assert_repeats, random, values};
use rand_chacha::ChaCha8Rng;

/// One row a layer: `name: constructor, input, [inputs that are errors…], forward;` with
/// `constructor: |rng, device| Result<layer>`, `forward: |layer, x, mode| Result<output>`.
macro_rules! conform {
    ($($name:ident: $init:expr, $shape:expr, $bad:expr, $forward:expr;)*) => {$(
        #[test]
        fn $name() {
            conform($init, $shape, &$bad, $forward);
        }
    )*};
}

conform! {
    linear: |rng, device| LinearConfig::new(5, 3).init(rng, device),
        [4, 5], [[4, 6]], |layer, x, _| layer.forward(x);
    conv2d: |rng, device| Conv2dConfig::new(3, 4, 3).with_stride(2).init(rng, device),
        [2, 3, 7, 6], [[2, 4, 7, 6], [2, 3, 2, 6]], |layer, x, _| layer.forward(x);
    conv1d: |rng, device| Conv1dConfig::new(3, 4, 3).with_padding(1).init(rng, device),
        [2, 3, 7], [[2, 4, 7]], |layer, x, _| layer.forward(x);
    conv3d: |rng, device| Conv3dConfig::new(2, 4, 2).init(rng, device),
        [2, 2, 4, 3, 5], [[2, 3, 4, 3, 5]], |layer, x, _| layer.forward(x);
    conv_transpose1d: |rng, device| ConvTranspose1dConfig::new(3, 4, 3).init(rng, device),
        [2, 3, 7], [[2, 4, 7]], |layer, x, _| layer.forward(x);
    conv_transpose2d: |rng, device| ConvTranspose2dConfig::new(3, 4, 3).with_stride(2).init(rng, device),
        [2, 3, 5, 4], [[2, 4, 5, 4]], |layer, x, _| layer.forward(x);
    layer_norm: |_, device| LayerNormConfig::new([3, 5]).init(device),
        [4, 3, 5], [[4, 5, 3]], |layer, x, _| layer.forward(x);
    rms_norm: |_, device| RmsNormConfig::new([5]).init(device),
        [4, 5], [[4, 3]], |layer, x, _| layer.forward(x);
    group_norm: |_, device| GroupNormConfig::new(2, 4).init(device),
        [3, 4, 5, 2], [[3, 6, 5, 2]], |layer, x, _| layer.forward(x);
    instance_norm2d: |_, device| -> Result<InstanceNorm2d, _> {
            let config = InstanceNormConfig { affine: true, ..InstanceNormConfig::new(3) };
            config.init(device)
        },
        [4, 3, 5, 2], [[4, 2, 5, 2]], |layer, x, mode| layer.forward(x, mode);
    local_response_norm: |_, _| LocalResponseNorm::new(3), [2, 5, 4], [],
        |layer, x, _| layer.forward(x);
    prelu: |_, device| PReLUConfig::new().with_num_parameters(3).init(device), [2, 3, 4], [[2, 4, 4]],
        |layer, x, _| layer.forward(x);
    relu: |_, _| Ok(ReLU), [4, 5], [], |layer, x, _| Ok(layer.forward(x));
    gelu: |_, _| Ok(GELU::default()), [4, 5], [], |layer, x, _| Ok(layer.forward(x));
    max_pool2d: |_, _| MaxPool2d::new(MaxPoolOptions::new(2)), [2, 3, 5, 4], [[2, 3, 1, 4]],
        |layer, x, _| layer.forward(x);
    avg_pool2d: |_, _| AvgPool2d::new(AvgPoolOptions::new(2)), [2, 3, 5, 4], [[2, 3, 1, 4]],
        |layer, x, _| layer.forward(x);
    adaptive_avg_pool2d: |_, _| AdaptiveAvgPool2d::new([Some(2), Some(3)]), [2, 3, 5, 4], [],
        |layer, x, _| layer.forward(x);
    lstm: |rng, device| -> Result<Lstm, _> { RecurrentConfig::new(3, 4).init(rng, device) },
        [5, 2, 3], [[5, 2, 4]], |layer, x, mode| Ok(layer.forward(x, None, None, mode)?.0.y);
    gru: |rng, device| -> Result<Gru, _> { RecurrentConfig::new(3, 4).init(rng, device) },
        [5, 2, 3], [[5, 2, 4]], |layer, x, mode| Ok(layer.forward(x, None, None, mode)?.y);
    rnn: |rng, device| -> Result<Rnn, _> { RecurrentConfig::new(3, 4).init(rng, device) },
        [5, 2, 3], [[5, 2, 4]], |layer, x, mode| Ok(layer.forward(x, None, None, mode)?.y);
    transformer_encoder_layer: |rng, device| {
            TransformerLayerConfig::new(8, 2).init_encoder_layer(rng, device)
        },
        [5, 3, 8], [[5, 3, 6]], |layer, x, mode| layer.forward(x, &Masks::default(), mode);
    sequential_classifier: |rng, device| {
            let conv = Conv2dConfig::new(3, 4, 3).init(rng, device)?;
            let pool = MaxPool2d::new(MaxPoolOptions::new(2))?;
            let linear = LinearConfig::new(4 * 2 * 2, 3).init(rng, device)?;
            Ok(Sequential::new([
                conv.into(), ReLU.into(), pool.into(), Flatten::default().into(), linear.into(),
            ]))
        },
        [4, 3, 7, 6], [[4, 2, 7, 6]], |layer, x, mode| layer.forward::<4, 2>(x, mode);
    batch_norm1d: |_, device| -> Result<BatchNorm1d, _> { BatchNormConfig::new(3).init(device) },
        [4, 3, 5], [[4, 2, 5]], |layer, x, mode| layer.forward(x, mode);
    batch_norm2d: |_, device| -> Result<BatchNorm2d, _> { BatchNormConfig::new(3).init(device) },
        [4, 3, 5, 2], [[4, 2, 5, 2]], |layer, x, mode| layer.forward(x, mode);
    batch_norm3d: |_, device| -> Result<BatchNorm3d, _> { BatchNormConfig::new(3).init(device) },
        [4, 3, 5, 2, 3], [[4, 2, 5, 2, 3]], |layer, x, mode| layer.forward(x, mode);
    dropout: |_, _| Dropout::new(0.5), [40, 5], [], |layer, x, mode| layer.forward(x, mode);
    dropout1d: |_, _| Dropout1d::new(0.5), [9, 8, 3], [], |layer, x, mode| layer.forward(x, mode);
    dropout2d: |_, _| Dropout2d::new(0.5), [9, 8, 3, 2], [],
        |layer, x, mode| layer.forward(x, mode);
    dropout3d: |_, _| Dropout3d::new(0.5), [9, 8, 3, 2, 2], [],
        |layer, x, mode| layer.forward(x, mode);
    alpha_dropout: |_, _| AlphaDropout::new(0.5), [40, 5], [],
        |layer, x, mode| layer.forward(x, mode);
    feature_alpha_dropout: |_, _| FeatureAlphaDropout::new(0.5), [9, 8, 3], [],
        |layer, x, mode| layer.forward(x, mode);
    drop_path: |_, _| DropPath::new(0.5), [32, 3], [], |layer, x, mode| layer.forward(x, mode);
    drop_block2d: |_, _| DropBlock2d::new(0.2, 3), [4, 3, 9, 8], [],
        |layer, x, mode| layer.forward(x, mode);
    gaussian_noise: |_, _| GaussianNoise::new(0.5), [4, 3], [],
        |layer, x, mode| layer.forward(x, mode);
    sequential: |rng, device| Sequential::named([
            ("conv", Conv2dConfig::new(3, 4, 3).init(rng, device)?.into()),
            ("norm", BatchNormConfig::new(4).init::<2>(device)?.into()),
            ("drop", Dropout2d::new(0.3)?.into()),
        ]),
        [4, 3, 7, 6], [[4, 2, 7, 6]], |layer, x, mode| layer.forward::<4, 4>(x, mode);
}

fn conform<M: Module, const I: usize, const O: usize>(
    init: impl Fn(&mut ChaCha8Rng, &Device) -> Result<M, NnError>,
    shape: [usize; I],
    bad: &[[usize; I]],
    forward: impl Fn(&M, Tensor<I>, &Mode) -> Result<Tensor<O>, NnError>,
) {
    let device = onggi_ops::testing::device().autodiff();
    let make = |seed| init(&mut init::generator(seed), &device).unwrap();
    let layer = make(1);
    let x = Tensor::from_inner(random(shape, 1)).require_grad();
    let train = || forward(&layer, x.clone(), &Mode::train(1, 1)).unwrap();
    let loss = || {
        let y = train();
        (y.clone() * Tensor::from_inner(random(y.dims(), 2))).sum()
    };

    let dx = x.grad(&loss().backward()).expect("a gradient of the input");
    reaches("the input", &values(&dx));
    let gradients = Gradients::of(&layer, &loss()).unwrap();
    let mut reached = 0;
    for name in gradients.names() {
        let gradient = values(gradients.get(name).unwrap());
        reached += gradient.len();
        reaches(name, &gradient);
    }
    assert_eq!(
        reached,
        state::num_parameters(&layer),
        "values with a gradient"
    );

    // Also after steps that moved running statistics, as the above have.
    let eval = |layer: &M| values(&forward(&layer.valid(), random(shape, 3), &Mode::Eval).unwrap());
    let saved = state::collect(&layer);
    let loaded = state::load(make(2), saved.clone()).unwrap();
    assert_eq!(state::collect(&loaded), saved);
    assert_repeats("after loading", &eval(&loaded), &eval(&layer));
    assert_repeats("evaluation", &eval(&layer), &eval(&layer));
    assert_repeats("training by one seed", &values(&train()), &values(&train()));

    for &bad in bad {
        for mode in [Mode::Eval, Mode::train(1, 1)] {
            let x = Tensor::zeros(bad, &device);
            assert!(forward(&layer, x, &mode).is_err(), "{bad:?} is no error");
        }
    }
}

#[track_caller]
fn reaches(name: &str, gradient: &[f32]) {
    assert!(
        gradient.iter().all(|g| g.is_finite()),
        "{name}: {gradient:?}"
    );
    assert!(gradient.iter().any(|&g| g != 0.0), "{name}: no gradient");
}
