//! A sequence of layers: names, nesting, and what it says of inputs that do not fit.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::conv::Conv2dConfig;
use onggi_nn::dropout::{Dropout, Dropout2d};
use onggi_nn::linear::LinearConfig;
use onggi_nn::norm::BatchNormConfig;
use onggi_nn::optim::{Gradients, Optimizer, Sgd};
use onggi_nn::sequential::{Layer, Sequential};
use onggi_nn::{Mode, NnError, init, state};
use onggi_ops::testing::{random, values};

fn layers(device: &Device) -> Result<[Layer; 3], NnError> {
    let mut rng = init::generator(1);
    Ok([
        Conv2dConfig::new(3, 4, 3).init(&mut rng, device)?.into(),
        BatchNormConfig::new(4).init::<2>(device)?.into(),
        Dropout2d::new(0.3)?.into(),
    ])
}

fn names(model: &Sequential) -> Vec<String> {
    state::collect(model).into_keys().collect()
}

#[test]
fn names_are_places_or_given_and_nest() {
    let device = onggi_ops::testing::device();
    let plain = Sequential::new(layers(&device).unwrap());
    let expected = [
        "0.bias",
        "0.weight",
        "1.bias",
        "1.num_batches_tracked",
        "1.running_mean",
        "1.running_var",
        "1.weight",
    ];
    assert_eq!(names(&plain), expected);
    let nested = Sequential::named([("features", plain.clone().into())]).unwrap();
    assert_eq!(
        names(&nested),
        expected.map(|name| format!("features.{name}"))
    );
    let places: Vec<_> = plain.layers().map(|(name, _)| name).collect();
    assert_eq!(places, ["0", "1", "2"]);
    assert!(matches!(plain.get("1"), Some(Layer::BatchNorm2d(_))));
    assert!(plain.get("3").is_none());
    assert!(format!("{plain:?}").contains("Conv2d"));
}

#[test]
fn it_computes_what_its_layers_do_one_by_one() {
    let device = onggi_ops::testing::device();
    let [conv, norm, _] = layers(&device).unwrap();
    let x = random([2, 3, 8, 8], 1);
    let model = Sequential::new([conv.clone(), norm.clone()]);
    let y: Tensor<4> = model.forward(x.clone(), &Mode::Eval).unwrap();
    let (Layer::Conv2d(conv), Layer::BatchNorm2d(norm)) = (conv, norm) else {
        unreachable!()
    };
    let expected = norm.forward(conv.forward(x).unwrap(), &Mode::Eval).unwrap();
    assert_eq!(values(&y), values(&expected));
}

#[test]
fn it_trains() {
    let device = onggi_ops::testing::device();
    let mut rng = init::generator(1);
    let mut model = Sequential::new([
        LinearConfig::new(4, 8)
            .init(&mut rng, &device)
            .unwrap()
            .into(),
        Dropout::new(0.1).unwrap().into(),
        LinearConfig::new(8, 1)
            .init(&mut rng, &device)
            .unwrap()
            .into(),
    ])
    .train();
    let x = Tensor::from_inner(random([32, 4], 1));
    let target = x.clone().sum_dim(1);
    let mut sgd = Optimizer::new(Sgd::default()).unwrap();
    let mut losses = Vec::new();
    for step in 0..50 {
        let y: Tensor<2> = model.forward(x.clone(), &Mode::train(1, step)).unwrap();
        let loss = (y - target.clone()).square().mean();
        let gradients = Gradients::of(&model, &loss).unwrap();
        losses.push(loss.into_scalar::<f32>());
        model = sgd.step(model, gradients, 0.05).unwrap();
    }
    assert!(losses[49] < 0.2 * losses[0], "{losses:?}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = onggi_ops::testing::device();
    let model = Sequential::new(layers(&device).unwrap());
    let refused = model.forward::<2, 4>(Tensor::zeros([2, 3], &device), &Mode::Eval);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Conv2d: the input must be a tensor of 4 axes, but its shape is [2, 3]"
    );
    let refused = model.forward::<4, 2>(Tensor::zeros([2, 3, 8, 8], &device), &Mode::Eval);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Sequential: `output` must be a tensor of 2 axes, but is of shape [2, 4, 6, 6]"
    );
    for names in [["a", "a", "b"], ["a.b", "c", "d"], ["", "c", "d"]] {
        let named = names.into_iter().zip(layers(&device).unwrap());
        assert!(Sequential::named(named).is_err(), "{names:?}");
    }
    let x = random([2, 3], 1);
    let same: Tensor<2> = Sequential::new([]).forward(x.clone(), &Mode::Eval).unwrap();
    assert_eq!(values(&same), values(&x));
}
