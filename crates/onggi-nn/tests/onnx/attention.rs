//! Attention. The runner joins past and new keys, repeats keys that several query heads share, and
//! writes a causal mask behind a past; the rest is Onggi's.

use crate::case::{Array, Case, Outcome, device, require};
use burn::tensor::{Tensor, TensorData};
use onggi_ops::attention::{
    AttentionMask, AttentionOptions, attention_weights, multi_head_attention,
    scaled_dot_product_attention,
};

pub(crate) fn attention(case: &Case) -> Outcome {
    let lengths = case.get("nonpad_kv_seqlen").is_some();
    require(!lengths, "lengths of the keys instead of a mask")?;
    require(case.number("softcap") == 0.0, "no softcap")?;
    let (flat, heads) = (case.input("Q").rank() == 3, case.size("q_num_heads"));
    let shared = heads / case.size("kv_num_heads");
    let past = case.get("past_key");
    let q = split(case.input("Q"), heads);
    let [k, v] = [("K", "past_key"), ("V", "past_value")].map(|(new, past)| {
        let new = split(case.input(new), heads / shared);
        let all = match case.get(past) {
            Some(past) => Tensor::cat(vec![past.tensor(), new], 2),
            None => new,
        };
        let [n, h, l, e] = all.dims();
        let all = all.unsqueeze_dim::<5>(2).repeat_dim(2, shared);
        all.reshape([n, h * shared, l, e])
    });
    let before = past.map_or(0, |past| past.shape[2]);
    let options = AttentionOptions {
        mask: mask(case, q.dims()[2], k.dims()[2], before),
        is_causal: case.is("is_causal") && before == 0,
        scale: Some(case.number("scale")),
        dropout: None,
    };
    let weights = match case.size("qk_matmul_output_mode") {
        3 => {
            let weights = attention_weights(q.clone(), k.clone(), options.clone())?;
            Some(Array::of(weights))
        }
        _ => None,
    };
    let y = if flat && shared == 1 && past.is_none() {
        let [q, k, v] = ["Q", "K", "V"].map(|name| case.input(name).tensor());
        Array::of(multi_head_attention(q, k, v, heads, true, options)?)
    } else {
        let y = scaled_dot_product_attention(q, k, v, options)?;
        let [n, h, l, e] = y.dims();
        match flat {
            true => Array::of(y.swap_dims(1, 2).reshape([n, l, h * e])),
            false => Array::of(y),
        }
    };
    Ok(vec![Some(y), None, None, weights])
}

/// `(N, L, heads · E)` as `(N, heads, L, E)`, which other inputs already are.
fn split(x: &Array, heads: usize) -> Tensor<4> {
    let [n, l] = [x.shape[0], x.shape[1]];
    match x.rank() {
        3 => (x.tensor::<3>().reshape([n, l, heads, x.shape[2] / heads])).swap_dims(1, 2),
        _ => x.tensor(),
    }
}

/// The mask over `(N, heads, queries, keys)`, in which query `i` behind a past of `before` keys sees
/// the keys up to `before + i` if the case is causal.
fn mask(case: &Case, queries: usize, keys: usize, before: usize) -> Option<AttentionMask> {
    let causal = case.is("is_causal") && before > 0;
    let mut mask = match case.get("attn_mask") {
        Some(mask) => mask.clone(),
        None if causal => Array {
            shape: vec![queries, keys],
            values: vec![1.0; queries * keys],
            boolean: true,
        },
        None => return None,
    };
    if causal {
        let hidden = if mask.boolean { 0.0 } else { f64::NEG_INFINITY };
        for (at, value) in mask.values.iter_mut().enumerate() {
            let (query, key) = (at / keys % queries, at % keys);
            if key > before + query {
                *value = hidden;
            }
        }
    }
    let mut shape = vec![1; 4 - mask.rank()];
    shape.extend(&mask.shape);
    let mask = mask.reshaped(&shape);
    Some(if mask.boolean {
        let seen: Vec<bool> = mask.values.iter().map(|&v| v != 0.0).collect();
        let seen = TensorData::new(seen, shape);
        AttentionMask::TakesPart(Tensor::from_data(seen, &device()))
    } else {
        AttentionMask::Additive(mask.tensor())
    })
}
