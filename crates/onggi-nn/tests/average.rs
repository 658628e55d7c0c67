//! Averages of weights, and running statistics measured anew.

use burn::module::Module;
use burn::tensor::Tensor;
use onggi_nn::average::{Ema, Swa, recompute_running_stats};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::norm::{BatchNorm1d, BatchNormConfig};
use onggi_nn::state::{self, StateTensor};
use onggi_nn::{Mode, NnError, init};
use onggi_ops::testing::{assert_close, random, values};

/// A linear layer whose weight is all `value`.
fn linear(value: f32) -> Linear {
    let layer = LinearConfig::new(2, 1)
        .init(&mut init::generator(1), &onggi_ops::testing::device())
        .unwrap();
    let mut state = state::collect(&layer);
    for tensor in state.values_mut() {
        tensor.values.fill(value);
    }
    state::load(layer, state).unwrap()
}

fn weight(model: &Linear) -> f32 {
    state::collect(model)["weight"].values[0]
}

#[test]
fn ema_by_hand_with_and_without_warm_up() {
    // With warm-up d = 2/11 for the second model and 3/12 for the third.
    let second = 9.0 / 11.0;
    for (warm_up, expected) in [
        (false, [0.0, 0.1, 0.29]),
        (true, [0.0, second, 0.25 * second + 0.75 * 2.0]),
    ] {
        let mut ema = Ema::new(0.9, warm_up).unwrap();
        assert!(ema.apply(linear(0.0)).is_err());
        for (step, expected) in expected.into_iter().enumerate() {
            ema.update(&linear(step as f32)).unwrap();
            let got = f64::from(weight(&ema.apply(linear(7.0)).unwrap()));
            assert!((got - expected).abs() < 1e-6, "{step}: {got}, {expected}");
        }
        let mut resumed = Ema::new(0.9, warm_up).unwrap();
        resumed.load_state(ema.state().clone());
        for average in [&mut ema, &mut resumed] {
            average.update(&linear(0.7)).unwrap();
        }
        assert_eq!(ema, resumed);
    }
    assert!(Ema::new(1.5, false).is_err());
}

#[test]
fn swa_is_the_mean_and_goes_on_from_a_stored_state() {
    let mut swa = Swa::default();
    for value in [1.0, 2.0, 6.0] {
        swa.update(&linear(value)).unwrap();
    }
    assert_eq!(weight(&swa.apply(linear(0.0)).unwrap()), 3.0);
    let mut resumed = Swa::default();
    resumed.load_state(swa.state().clone());
    for average in [&mut swa, &mut resumed] {
        average.update(&linear(0.3)).unwrap();
    }
    assert_eq!(swa, resumed);
    let other = LinearConfig::new(3, 1)
        .init(&mut init::generator(1), &onggi_ops::testing::device())
        .unwrap();
    assert!(swa.update(&other).is_err());
    assert_eq!(swa, resumed);
}

/// Two norms, the second behind a linear layer.
#[derive(Module, Debug)]
struct Net {
    first: BatchNorm1d,
    linear: Linear,
    second: BatchNorm1d,
}

impl Net {
    fn new(momenta: [Option<f64>; 2]) -> Self {
        let device = onggi_ops::testing::device();
        let norm = |channels, momentum| {
            let config = BatchNormConfig {
                momentum,
                ..BatchNormConfig::new(channels)
            };
            config.init::<1>(&device).unwrap()
        };
        Self {
            first: norm(3, momenta[0]),
            linear: LinearConfig::new(3, 4)
                .init(&mut init::generator(1), &device)
                .unwrap(),
            second: norm(4, momenta[1]),
        }
    }

    fn forward(&self, x: &Tensor<2>) -> Result<(), NnError> {
        let mode = Mode::train(1, 0);
        let x = self.first.forward(x.clone(), &mode)?;
        self.second.forward(self.linear.forward(x)?, &mode)?;
        Ok(())
    }
}

#[test]
fn running_statistics_are_the_plain_mean_over_batches() {
    let batches: Vec<Tensor<2>> = (0..3)
        .map(|i| random::<2>([16, 3], i) * 3.0 + (i as f32) * 10.0)
        .collect();
    let statistics = |model: &Net| -> Vec<(String, StateTensor)> {
        let all = state::collect(model).into_iter();
        all.filter(|(name, _)| name.contains("running") || name.contains("num_"))
            .collect()
    };
    // Momentum None is the plain mean already.
    let reference = Net::new([None, None]);
    for x in &batches {
        reference.forward(x).unwrap();
    }
    for momenta in [
        [Some(0.1), Some(0.1)],
        [Some(0.01), None],
        [Some(1.0), Some(0.5)],
    ] {
        let model = Net::new(momenta);
        // Statistics of another time.
        model.forward(&(batches[0].clone() * -7.0)).unwrap();
        let model =
            recompute_running_stats(model, batches.clone(), |model, x| model.forward(x)).unwrap();
        for ((name, got), (_, expected)) in statistics(&model).iter().zip(statistics(&reference)) {
            assert_close(
                &format!("{momenta:?} {name}"),
                &got.values,
                &expected.values,
                2e-4,
            );
        }
    }
    let fixed = Net::new([Some(0.0), Some(0.1)]);
    let before = statistics(&fixed)[1].clone();
    let fixed =
        recompute_running_stats(fixed, batches.clone(), |model, x| model.forward(x)).unwrap();
    assert_eq!(statistics(&fixed)[1], before);
    let none = recompute_running_stats(Net::new([None; 2]), [], |model: &Net, x: &Tensor<2>| {
        model.forward(x)
    });
    assert_eq!(statistics(&none.unwrap()), statistics(&Net::new([None; 2])));
    assert_eq!(values(&batches[0]).len(), 48);
}
