//! Vision transformers of patches of 16×16 pixels, with timm's names; weights are DeiT's. Torchvision's
//! names (`vit_b_16`) are taken, too.
//!
//! # Reference
//! Dosovitskiy et al., *An image is worth 16x16 words*, 2021; Touvron et al., *Training data-efficient
//! image transformers & distillation through attention*, 2021.

use crate::layers::{Layers, NARROW_TRUNCATED};
use crate::pass::{Activation, Pass};
use crate::{Backbone, ModelOptions};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, Conv2dConfig};
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::init::{self, Scheme};
use onggi_nn::linear::Linear;
use onggi_nn::norm::{LayerNorm, LayerNormConfig};
use rand_chacha::ChaCha8Rng;

/// Side of a patch, and patches along a side of the images that the weights were trained on.
const PATCH: usize = 16;
const GRID: usize = 14;
/// Blocks.
const DEPTH: usize = 12;
/// Width of a head of attention.
const HEAD: usize = 64;
/// Hidden units of a block, for each of its inputs.
const EXPANSION: usize = 4;

/// Which vision transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VitSize {
    /// 3 heads: width 192.
    Tiny,
    /// 6 heads: width 384.
    Small,
    /// 12 heads: width 768.
    Base,
}

fn norm(width: usize, device: &Device) -> Result<LayerNorm<1>, NnError> {
    let config = LayerNormConfig {
        eps: 1e-6,
        ..LayerNormConfig::new([width])
    };
    config.init(device)
}

/// Queries, keys and values in one, and the projection of the heads' results.
#[derive(Module, Debug)]
pub struct VitAttention {
    /// `[3 · width, width]`.
    pub qkv: Linear,
    /// `[width, width]`.
    pub proj: Linear,
}

/// Two linear layers with GELU between them.
#[derive(Module, Debug)]
pub struct VitMlp {
    /// To four times the width.
    pub fc1: Linear,
    /// And back.
    pub fc2: Linear,
}

/// `x + attn(norm1(x))`, then `x + mlp(norm2(x))`.
#[derive(Module, Debug)]
pub struct VitBlock {
    /// Norm before the attention.
    pub norm1: LayerNorm<1>,
    /// Attention of the tokens to each other.
    pub attn: VitAttention,
    /// Norm before the linear layers.
    pub norm2: LayerNorm<1>,
    /// Linear layers.
    pub mlp: VitMlp,
    /// Stochastic depth, of each of the two by itself.
    pub drop_path: DropPath,
    #[module(skip)]
    heads: usize,
}

impl VitBlock {
    fn new(
        width: usize,
        heads: usize,
        drop_path: f64,
        layers: &mut Layers<'_>,
        device: &Device,
    ) -> Result<Self, NnError> {
        Ok(Self {
            norm1: norm(width, device)?,
            attn: VitAttention {
                qkv: layers.linear(width, 3 * width)?,
                proj: layers.linear(width, width)?,
            },
            norm2: norm(width, device)?,
            mlp: VitMlp {
                fc1: layers.linear(width, EXPANSION * width)?,
                fc2: layers.linear(EXPANSION * width, width)?,
            },
            drop_path: DropPath::new(drop_path)?,
            heads,
        })
    }

    fn apply<P: Pass>(&self, pass: &mut P, x: P::Tokens) -> Result<P::Tokens, NnError> {
        use Activation::{Gelu, Identity};
        let y = pass.layer_norm("norm1", &self.norm1, x.clone())?;
        let y = pass.token_linear("attn.qkv", &self.attn.qkv, Identity, y)?;
        let y = pass.attention("attn", self.heads, y)?;
        let y = pass.token_linear("attn.proj", &self.attn.proj, Identity, y)?;
        let x = pass.add_tokens(&self.drop_path, y, x)?;
        let y = pass.layer_norm("norm2", &self.norm2, x.clone())?;
        let y = pass.token_linear("mlp.fc1", &self.mlp.fc1, Gelu, y)?;
        let y = pass.token_linear("mlp.fc2", &self.mlp.fc2, Identity, y)?;
        pass.add_tokens(&self.drop_path, y, x)
    }
}

/// The convolution that makes a token of each patch.
#[derive(Module, Debug)]
pub struct PatchEmbed {
    /// 16×16 with stride 16.
    pub proj: Conv2d,
}

/// ViT-Tiny, -Small and -Base.
///
/// Its features are the class token after the last norm. Images of any size of 16 pixels or more a
/// side fit (what is left over of a patch on the right and below is cut off): the embeddings of the
/// 14×14 places are resampled to as many as there are.
#[derive(Module, Debug)]
pub struct Vit {
    /// The token that becomes the features, `[1, 1, width]`.
    pub cls_token: Param<Tensor<3>>,
    /// What each place adds to its token, `[1, 1 + 14 · 14, width]`.
    pub pos_embed: Param<Tensor<3>>,
    /// Tokens of patches.
    pub patch_embed: PatchEmbed,
    /// Transformer blocks.
    pub blocks: Vec<VitBlock>,
    /// Norm of what they put out.
    pub norm: LayerNorm<1>,
    /// Dropout before the classifier.
    pub dropout: Dropout,
    /// Classifier.
    pub head: Linear,
}

impl Vit {
    /// A model for images of `channels` channels; the width asked for multiplies that of each head.
    ///
    /// # Errors
    /// No channels, no classes, another norm, or options out of range.
    pub fn new(
        size: VitSize,
        channels: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        options.no_norm("ViT")?;
        let heads = match size {
            VitSize::Tiny => 3,
            VitSize::Small => 6,
            VitSize::Base => 12,
        };
        let width = heads * options.widened(HEAD)?;
        let cls_token = init::normal([1, 1, width], 1e-6, rng, device);
        let places = [1, 1 + GRID * GRID, width];
        let pos_embed = NARROW_TRUNCATED.draw(places, rng, device)?;
        let mut layers = Layers::new(options, rng, device);
        let proj = Conv2dConfig::new(channels, width, PATCH).with_stride(PATCH);
        let proj = layers.conv(&proj)?;
        let mut blocks = Vec::new();
        for rate in DropPath::linear_rates(options.drop_path, DEPTH) {
            blocks.push(VitBlock::new(width, heads, rate, &mut layers, device)?);
        }
        let model = Self {
            cls_token: Param::from_tensor(cls_token),
            pos_embed: Param::from_tensor(pos_embed),
            patch_embed: PatchEmbed { proj },
            blocks,
            norm: norm(width, device)?,
            dropout: Dropout::new(options.dropout)?,
            head: layers.linear(width, options.classes)?,
        };
        let scheme = Scheme {
            linear: Some(NARROW_TRUNCATED),
            ..Scheme::default()
        };
        init::apply(model, scheme, rng)
    }
}

/// Torchvision's names outside of the blocks, and timm's.
const OUTSIDE: [(&str, &str); 5] = [
    ("class_token", "cls_token"),
    ("encoder.pos_embedding", "pos_embed"),
    ("conv_proj.", "patch_embed.proj."),
    ("encoder.ln.", "norm."),
    ("heads.head.", "head."),
];
/// Those of parts of a block; torchvision's files have `linear_1`, its models `0`.
const INSIDE: [(&str, &str); 8] = [
    ("ln_1.", "norm1."),
    ("ln_2.", "norm2."),
    ("self_attention.in_proj_", "attn.qkv."),
    ("self_attention.out_proj.", "attn.proj."),
    ("mlp.linear_1.", "mlp.fc1."),
    ("mlp.linear_2.", "mlp.fc2."),
    ("mlp.0.", "mlp.fc1."),
    ("mlp.3.", "mlp.fc2."),
];

/// Timm's name of what torchvision calls `name`.
fn timm_name(name: &str) -> Option<String> {
    let replaced = |table: &[(&str, &str)], name: &str| {
        let mut fitting = table.iter();
        fitting.find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)))
    };
    match name.strip_prefix("encoder.layers.encoder_layer_") {
        Some(inside) => {
            let (block, part) = inside.split_once('.')?;
            Some(format!("blocks.{block}.{}", replaced(&INSIDE, part)?))
        }
        None => replaced(&OUTSIDE, name),
    }
}

impl Backbone for Vit {
    fn classifier(&self) -> &'static str {
        "head"
    }

    fn renamed(&self, name: &str) -> Option<String> {
        timm_name(name)
    }

    fn features<P: Pass>(&self, pass: &mut P, x: P::Map) -> Result<P::Rows, NnError> {
        let proj = &self.patch_embed.proj;
        let x = pass.conv("patch_embed.proj", proj, Activation::Identity, x)?;
        let class = ("cls_token", &self.cls_token);
        let mut x = pass.embed(class, ("pos_embed", &self.pos_embed), x)?;
        for (i, block) in self.blocks.iter().enumerate() {
            pass.enter(&format!("blocks.{i}"));
            x = block.apply(pass, x)?;
            pass.leave_tokens(&x);
        }
        let x = pass.layer_norm("norm", &self.norm, x)?;
        pass.first_token(x)
    }

    fn head<P: Pass>(&self, pass: &mut P, features: P::Rows) -> Result<P::Rows, NnError> {
        let x = pass.dropout(&self.dropout, features)?;
        pass.linear("head", &self.head, Activation::Identity, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onggi_nn::state;

    #[test]
    fn torchvisions_names_are_all_known() {
        let parts = "ln_1.weight ln_1.bias self_attention.in_proj_weight \
            self_attention.in_proj_bias self_attention.out_proj.weight self_attention.out_proj.bias \
            ln_2.weight ln_2.bias mlp.linear_1.weight mlp.linear_1.bias mlp.3.weight mlp.3.bias";
        let outside = "class_token encoder.pos_embedding conv_proj.weight conv_proj.bias \
            encoder.ln.weight encoder.ln.bias heads.head.weight heads.head.bias";
        let mut names: Vec<String> = outside.split_whitespace().map(String::from).collect();
        for block in 0..DEPTH {
            let part = |part| format!("encoder.layers.encoder_layer_{block}.{part}");
            names.extend(parts.split_whitespace().map(part));
        }
        let mut names: Vec<_> = names.iter().map(|name| timm_name(name).unwrap()).collect();
        names.sort();
        let options = ModelOptions {
            width: 0.1,
            ..ModelOptions::new(2)
        };
        let (device, rng) = (onggi_ops::testing::device(), &mut init::generator(1));
        let model = Vit::new(VitSize::Base, 3, &options, rng, &device).unwrap();
        let own: Vec<_> = state::collect(&model).into_keys().collect();
        assert_eq!(names, own);
        assert!(own.iter().all(|name| model.renamed(name).is_none()));
    }
}
