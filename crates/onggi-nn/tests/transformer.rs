//! Linear, embedding, attention and Transformer layers against the values that PyTorch gives
//! (`fixtures/transformer.py`).

use burn::module::Module;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use onggi_nn::activation::Activation;
use onggi_nn::attention::{
    Mask, Masks, MultiheadAttentionConfig, TransformerLayerConfig, sinusoidal_positions,
};
use onggi_nn::embedding::{BagMode, EmbeddingBagConfig, EmbeddingConfig};
use onggi_nn::linear::{BilinearConfig, LinearConfig};
use onggi_nn::optim::Gradients;
use onggi_nn::state::{self, StateTensor};
use onggi_nn::{Mode, NnError, init};
use onggi_ops::testing::{Golden, assert_close, assert_repeats, random, values};

fn device() -> Device {
    onggi_ops::testing::device().autodiff()
}

/// A case of a golden file.
struct Case {
    golden: Golden,
    name: String,
}

impl Case {
    fn new(file: &str, name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
        Self {
            golden: Golden::open(&format!("{folder}/{file}.safetensors")),
            name: name.to_string(),
        }
    }

    fn key(&self, tensor: &str) -> String {
        format!("{}.{tensor}", self.name)
    }

    fn tensor<const D: usize>(&self, tensor: &str) -> Tensor<D> {
        self.golden.tensor(&self.key(tensor), &device())
    }

    fn input<const D: usize>(&self, tensor: &str) -> Tensor<D> {
        self.tensor(tensor).require_grad()
    }

    fn ints<const D: usize>(&self, tensor: &str) -> Tensor<D, Int> {
        let (shape, values) = self.golden.raw(&self.key(tensor));
        let values: Vec<i64> = values.iter().map(|&v| v as i64).collect();
        Tensor::from_data(TensorData::new(values, shape), &device())
    }

    fn bools<const D: usize>(&self, tensor: &str) -> Tensor<D, Bool> {
        self.tensor::<D>(tensor).greater_elem(0.5)
    }

    #[track_caller]
    fn check<const D: usize>(&self, tensor: &str, got: &Tensor<D>) {
        let key = self.key(tensor);
        let (shape, expected) = self.golden.raw(&key);
        assert_eq!(got.dims()[..], shape, "{key}");
        assert_close(&key, &values(got), &expected, 1e-5);
    }

    /// The module with PyTorch's state dict.
    fn load<M: Module>(&self, module: M) -> M {
        let names = state::collect(&module).into_keys();
        let state = names.map(|name| {
            let (shape, values) = self.golden.raw(&self.key(&format!("state.{name}")));
            (name, StateTensor { shape, values })
        });
        let state = state.collect();
        state::load(module, state).unwrap()
    }

    /// Result, gradients of the inputs and of every parameter.
    #[track_caller]
    fn compare<M: Module, const D: usize, const I: usize, const R: usize>(
        &self,
        module: &M,
        inputs: [(&str, Tensor<I>); D],
        forward: impl Fn(&M, &[Tensor<I>]) -> Result<Tensor<R>, NnError>,
    ) {
        let tensors: Vec<_> = inputs.iter().map(|(_, x)| x.clone()).collect();
        let loss = || {
            let y = forward(module, &tensors).unwrap();
            self.check("y", &y);
            (y * self.tensor::<R>("dy")).sum()
        };
        let gradients = loss().backward();
        for (name, x) in &inputs {
            self.check(&format!("d{name}"), &x.grad(&gradients).unwrap());
        }
        let gradients = Gradients::of(module, &loss()).unwrap();
        let mut names: Vec<_> = gradients.names().map(str::to_string).collect();
        names.sort();
        let all: Vec<_> = state::collect(module).into_keys().collect();
        assert_eq!(names, all, "{}: every parameter has a gradient", self.name);
        for name in names {
            let key = self.key(&format!("grad.{name}"));
            let got = values(gradients.get(&name).unwrap());
            assert_close(&key, &got, &self.golden.values(&key), 1e-5);
        }
    }
}

/// That the golden file has the module's tensors and no others.
#[track_caller]
fn assert_same_names<M: Module>(module: &M, expected: &[&str]) {
    let names: Vec<_> = state::collect(module).into_keys().collect();
    assert_eq!(names, expected);
}

#[test]
fn bilinear() {
    for (name, bias) in [("plain", true), ("no_bias", false)] {
        let case = Case::new("bilinear", name);
        let config = BilinearConfig {
            bias,
            ..BilinearConfig::new(4, 5, 6)
        };
        let layer = case.load(config.init(&mut init::generator(1), &device()).unwrap());
        let inputs = [("x1", case.input::<3>("x1")), ("x2", case.input::<3>("x2"))];
        case.compare(&layer, inputs, |layer, x| {
            layer.forward(x[0].clone(), x[1].clone())
        });
    }
}

#[test]
fn linear_layers_say_what_they_expect() {
    let rng = &mut init::generator(1);
    let linear = LinearConfig::new(4, 6).init(rng, &device()).unwrap();
    let x = Tensor::<3>::zeros([2, 3, 5], &device());
    assert_eq!(
        linear.forward(x.clone()).unwrap_err().to_string(),
        "Linear: the input must be (*, 4), but its shape is [2, 3, 5]"
    );
    let one = linear.forward(Tensor::<1>::zeros([4], &device())).unwrap();
    assert_eq!(one.dims(), [6]);
    let bilinear = BilinearConfig::new(5, 2, 3).init(rng, &device()).unwrap();
    let pair = |shape| Tensor::<3>::zeros(shape, &device());
    assert!(bilinear.forward(x.clone(), pair([2, 4, 2])).is_err());
    assert!(bilinear.forward(pair([2, 3, 4]), pair([2, 3, 2])).is_err());
    let none = bilinear.forward(pair([2, 0, 5]), pair([2, 0, 2])).unwrap();
    assert_eq!(none.dims(), [2, 0, 3]);
    assert!(BilinearConfig::new(1, 0, 1).init(rng, &device()).is_err());
}

#[test]
fn embedding() {
    for (name, padding) in [("plain", None), ("padding", Some(2))] {
        let case = Case::new("embedding", name);
        let config = EmbeddingConfig {
            padding_idx: padding,
            ..EmbeddingConfig::new(7, 5)
        };
        let layer = config.init(&mut init::generator(1), &device()).unwrap();
        if let Some(padding) = padding {
            let weight = values(&layer.weight.val());
            assert!(weight[padding * 5..][..5].iter().all(|&v| v == 0.0));
        }
        let inputs: [(&str, Tensor<1>); 0] = [];
        case.compare(&case.load(layer), inputs, |layer, _| {
            layer.forward::<2, 3>(case.ints("indices"))
        });
    }
}

#[test]
fn embedding_bags() {
    let modes = [
        ("sum", BagMode::Sum),
        ("mean", BagMode::Mean),
        ("max", BagMode::Max),
        ("weighted", BagMode::Sum),
    ];
    for (name, mode) in modes {
        for (suffix, padding_idx) in [("", None), ("_padding", Some(2))] {
            let case = Case::new("embedding", &format!("bag_{name}{suffix}"));
            let config = EmbeddingBagConfig {
                padding_idx,
                ..EmbeddingBagConfig::new(7, 5).with_mode(mode)
            };
            let layer = case.load(config.init(&mut init::generator(1), &device()).unwrap());
            let (_, offsets) = case.golden.raw(&case.key("offsets"));
            let offsets: Vec<_> = offsets.iter().map(|&v| v as usize).collect();
            let forward = |weights| layer.forward_offsets(case.ints("indices"), &offsets, weights);
            if name == "weighted" {
                let inputs = [("weights", case.input::<1>("weights"))];
                case.compare(&layer, inputs, |_, x| forward(Some(x[0].clone())));
            } else {
                let inputs: [(&str, Tensor<1>); 0] = [];
                case.compare(&layer, inputs, |_, _| forward(None));
                let weights = Tensor::ones([12], &device());
                assert_eq!(forward(Some(weights)).is_ok(), mode == BagMode::Sum);
            }
        }
    }
}

#[test]
fn bags_of_one_size_are_the_rows() {
    let config = EmbeddingBagConfig::new(7, 5);
    let layer = config.init(&mut init::generator(1), &device()).unwrap();
    let rows = Tensor::<2, Int>::from_ints([[0, 1, 2], [6, 6, 3]], &device());
    let flat = rows.clone().reshape([6]);
    let y = layer.forward(rows, None).unwrap();
    let expected = layer.forward_offsets(flat, &[0, 3], None).unwrap();
    assert_eq!(values(&y), values(&expected));
    let none = Tensor::<2, Int>::zeros([0, 3], &device());
    assert_eq!(layer.forward(none, None).unwrap().dims(), [0, 5]);
    assert!(
        EmbeddingConfig::new(3, 2)
            .with_padding_idx(3)
            .init(&mut init::generator(1), &device())
            .is_err()
    );
}

#[test]
fn multihead_attention() {
    for name in [
        "self",
        "cross",
        "kdim",
        "no_bias",
        "batch_first",
        "padding",
        "causal",
        "additive",
        "both",
    ] {
        let case = Case::new("multihead", name);
        let config = MultiheadAttentionConfig {
            bias: name != "no_bias",
            kdim: (name == "kdim").then_some(4),
            vdim: (name == "kdim").then_some(7),
            batch_first: ["batch_first", "causal", "both"].contains(&name),
            ..MultiheadAttentionConfig::new(6, 2)
        };
        let layer = case.load(config.init(&mut init::generator(1), &device()).unwrap());
        let mut masks = Masks::default();
        if ["padding", "both"].contains(&name) {
            let padding = case.bools::<2>("key_padding_mask");
            masks.key_padding_mask = Some(Mask::Ignored(padding));
        }
        if ["causal", "both"].contains(&name) {
            let mask = case.bools::<2>("attn_mask").unsqueeze();
            masks.attn_mask = Some(Mask::Ignored(mask));
        }
        if name == "additive" {
            masks.attn_mask = Some(Mask::Additive(case.tensor::<3>("attn_mask")));
        }
        let query = case.input::<3>("query");
        if name == "self" {
            let inputs = [("query", query.clone())];
            case.compare(&layer, inputs.clone(), |layer, x| {
                let x = x[0].clone();
                layer.forward(x.clone(), x.clone(), x, &masks, &Mode::Eval)
            });
            case.compare(&layer, inputs, |layer, x| {
                layer.forward_self(x[0].clone(), &masks, &Mode::Eval)
            });
            continue;
        }
        let inputs = || {
            [
                ("query", case.input::<3>("query")),
                ("key", case.input("key")),
                ("value", case.input("value")),
            ]
        };
        let forward = |layer: &onggi_nn::attention::MultiheadAttention, x: &[Tensor<3>]| {
            let [q, k, v] = [0, 1, 2].map(|i| x[i].clone());
            layer.forward(q, k, v, &masks, &Mode::Eval)
        };
        case.compare(&layer, inputs(), forward);
        for (average, weights_name) in [(true, "weights"), (false, "weights_per_head")] {
            case.compare(&layer, inputs(), |layer, x| {
                let [q, k, v] = [0, 1, 2].map(|i| x[i].clone());
                let mode = Mode::Eval;
                let (y, weights) = layer.forward_with_weights(q, k, v, &masks, average, &mode)?;
                if average {
                    case.check(weights_name, &weights.squeeze_dim::<3>(1));
                } else {
                    case.check(weights_name, &weights);
                }
                Ok(y)
            });
        }
        if name == "causal" {
            let all = [query, case.input("key"), case.input("value")];
            let [q, k, v] = all;
            let y = layer
                .forward(q, k, v, &Masks::causal(), &Mode::Eval)
                .unwrap();
            case.check("y", &y);
        }
    }
}

#[test]
fn multihead_attention_drops_weights_in_training_only() {
    let config = MultiheadAttentionConfig::new(6, 2).with_dropout(0.5);
    let layer = config.init(&mut init::generator(1), &device()).unwrap();
    let x = Tensor::from_inner(random([9, 2, 6], 1));
    let y = |mode| {
        values(
            &layer
                .forward_self(x.clone(), &Masks::default(), &mode)
                .unwrap(),
        )
    };
    assert_repeats("evaluation", &y(Mode::Eval), &y(Mode::Eval));
    assert_repeats("training", &y(Mode::train(1, 1)), &y(Mode::train(1, 1)));
    assert_ne!(y(Mode::train(1, 1)), y(Mode::train(1, 2)));
    assert_ne!(y(Mode::train(1, 1)), y(Mode::Eval));
    let (again, weights) = layer
        .forward_with_weights(
            x.clone(),
            x.clone(),
            x.clone(),
            &Masks::default(),
            false,
            &Mode::train(1, 1),
        )
        .unwrap();
    assert_close("y", &values(&again), &y(Mode::train(1, 1)), 1e-5);
    assert!(values(&weights).contains(&0.0));
}

#[test]
fn multihead_attention_says_what_it_expects() {
    let init = |embed_dim, heads| {
        let config = MultiheadAttentionConfig::new(embed_dim, heads).with_batch_first(true);
        config.init(&mut init::generator(1), &device())
    };
    assert_eq!(
        init(6, 4).unwrap_err().to_string(),
        "MultiheadAttention: `num_heads` must be a divisor of embed_dim, 6, but is 4"
    );
    assert!(init(0, 1).is_err() && init(6, 0).is_err());
    let layer = init(6, 2).unwrap();
    let x = |shape| Tensor::<3>::zeros(shape, &device());
    let attend = |q, k, v, masks: &Masks| layer.forward(x(q), x(k), x(v), masks, &Mode::Eval);
    let (good, all) = ([2, 3, 6], Masks::default());
    assert!(attend(good, [2, 4, 6], [2, 4, 6], &all).is_ok());
    assert!(attend(good, [2, 4, 6], [2, 5, 6], &all).is_err());
    assert!(attend(good, [1, 4, 6], [1, 4, 6], &all).is_err());
    assert!(attend([2, 3, 5], good, good, &all).is_err());
    let masks = Masks {
        attn_mask: Some(Mask::Additive(x([3, 3, 3]))),
        ..Masks::default()
    };
    assert_eq!(
        attend(good, good, good, &masks).unwrap_err().to_string(),
        "MultiheadAttention: `attn_mask` must be (1, L, S) or (4, L, S), but is [3, 3, 3]"
    );
    for (rows, keys) in [(1, 3), (2, 4)] {
        let masks = Masks {
            key_padding_mask: Some(Mask::Additive(Tensor::zeros([rows, keys], &device()))),
            ..Masks::default()
        };
        assert!(attend(good, good, good, &masks).is_err());
    }
}

fn config(name: &str) -> TransformerLayerConfig {
    let config = TransformerLayerConfig {
        bias: name != "encoder_no_bias",
        ..TransformerLayerConfig::new(6, 2)
    };
    let config = config.with_dim_feedforward(8).with_dropout(0.0);
    if name.ends_with("_pre") {
        return config
            .with_norm_first(true)
            .with_activation(Activation::Gelu)
            .with_batch_first(true);
    }
    config.with_batch_first(name == "encoder_masked")
}

#[test]
fn encoder_layers() {
    for name in [
        "encoder_post",
        "encoder_pre",
        "encoder_no_bias",
        "encoder_masked",
    ] {
        let case = Case::new("transformer", name);
        let layer = config(name).init_encoder_layer(&mut init::generator(1), &device());
        let layer = case.load(layer.unwrap());
        let mut masks = Masks::default();
        if name == "encoder_masked" {
            let padding = case.bools::<2>("src_key_padding_mask");
            masks.key_padding_mask = Some(Mask::Ignored(padding));
            masks.is_causal = true;
        }
        for mode in [Mode::Eval, Mode::train(1, 1)] {
            case.compare(&layer, [("src", case.input("src"))], |layer, x| {
                layer.forward(x[0].clone(), &masks, &mode)
            });
        }
    }
}

#[test]
fn decoder_layers() {
    for name in ["decoder_post", "decoder_pre"] {
        let case = Case::new("transformer", name);
        let layer = config(name).init_decoder_layer(&mut init::generator(1), &device());
        let inputs = [("tgt", case.input("tgt")), ("memory", case.input("memory"))];
        case.compare(&case.load(layer.unwrap()), inputs, |layer, x| {
            let (tgt, memory) = (x[0].clone(), x[1].clone());
            let masks = (&Masks::causal(), &Masks::default());
            layer.forward(tgt, memory, masks.0, masks.1, &Mode::Eval)
        });
    }
}

#[test]
fn stacks() {
    let rng = &mut init::generator(1);
    let case = Case::new("transformer", "encoder_stack");
    let encoder = config("").init_encoder(2, true, rng, &device());
    let inputs = [("src", case.input("src"))];
    case.compare(&case.load(encoder.unwrap()), inputs, |encoder, x| {
        encoder.forward(x[0].clone(), &Masks::default(), &Mode::Eval)
    });
    let case = Case::new("transformer", "decoder_stack");
    let decoder = config("").init_decoder(2, true, rng, &device());
    let inputs = [("tgt", case.input("tgt")), ("memory", case.input("memory"))];
    case.compare(&case.load(decoder.unwrap()), inputs, |decoder, x| {
        let (tgt, memory) = (x[0].clone(), x[1].clone());
        let masks = (&Masks::causal(), &Masks::default());
        decoder.forward(tgt, memory, masks.0, masks.1, &Mode::Eval)
    });
}

#[test]
fn names_are_pytorchs() {
    let rng = &mut init::generator(1);
    let layer = config("").init_encoder_layer(rng, &device()).unwrap();
    assert_same_names(
        &layer,
        &[
            "linear1.bias",
            "linear1.weight",
            "linear2.bias",
            "linear2.weight",
            "norm1.bias",
            "norm1.weight",
            "norm2.bias",
            "norm2.weight",
            "self_attn.in_proj_bias",
            "self_attn.in_proj_weight",
            "self_attn.out_proj.bias",
            "self_attn.out_proj.weight",
        ],
    );
    let encoder = config("").init_encoder(2, true, rng, &device()).unwrap();
    let names = state::collect(&encoder);
    for name in ["layers.1.self_attn.in_proj_weight", "norm.weight"] {
        assert!(names.contains_key(name), "{name}");
    }
    assert_eq!(names.len(), 2 * 12 + 2);
    let separate = MultiheadAttentionConfig {
        kdim: Some(3),
        bias: false,
        ..MultiheadAttentionConfig::new(6, 2)
    };
    assert_same_names(
        &separate.init(rng, &device()).unwrap(),
        &[
            "k_proj_weight",
            "out_proj.weight",
            "q_proj_weight",
            "v_proj_weight",
        ],
    );
}

#[test]
fn encoder_layers_drop_in_training_and_refuse_what_they_cannot_be() {
    let rng = &mut init::generator(1);
    let layer = config("")
        .with_dropout(0.3)
        .init_encoder_layer(rng, &device());
    let layer = layer.unwrap();
    let x = Tensor::from_inner(random([4, 2, 6], 1));
    let y = |mode| values(&layer.forward(x.clone(), &Masks::default(), &mode).unwrap());
    assert_eq!(y(Mode::Eval), y(Mode::Eval));
    assert_ne!(y(Mode::train(1, 1)), y(Mode::Eval));
    for config in [
        config("").with_dim_feedforward(0),
        config("").with_dropout(1.5),
        TransformerLayerConfig {
            layer_norm_eps: f64::NAN,
            ..config("")
        },
        TransformerLayerConfig::new(6, 4),
    ] {
        assert!(config.init_encoder_layer(rng, &device()).is_err());
        assert!(config.init_decoder_layer(rng, &device()).is_err());
    }
}

#[test]
fn positions_have_the_paper_s_values() {
    let positions = values(&sinusoidal_positions(50, 7, &onggi_ops::testing::device()).unwrap());
    for (at, &got) in positions.iter().enumerate() {
        let (t, column) = ((at / 7) as f64, at % 7);
        let angle = t / 10_000f64.powf((column - column % 2) as f64 / 7.0);
        let expected = if column % 2 == 0 {
            angle.sin()
        } else {
            angle.cos()
        };
        assert_eq!(got, expected as f32, "{at}");
    }
    assert!(sinusoidal_positions(3, 0, &onggi_ops::testing::device()).is_err());
}
