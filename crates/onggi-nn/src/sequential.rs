//! Layers one after another, by name.

use crate::activation::{GELU, Hardswish, ReLU, SiLU, Sigmoid, Tanh};
use crate::conv::{Conv1d, Conv2d, Conv3d, ConvTranspose2d};
use crate::dropout::{
    AlphaDropout, DropBlock2d, DropPath, Dropout, Dropout1d, Dropout2d, Dropout3d,
    FeatureAlphaDropout, GaussianNoise,
};
use crate::flatten::Flatten;
use crate::linear::Linear;
use crate::norm::{BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, LayerNorm};
use crate::pool::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
use crate::{Mode, NnError};
use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::{Device, Tensor};

/// A tensor with one to five axes, as it passes from layer to layer.
#[derive(Clone, Debug)]
pub enum Features {
    /// One axis.
    Rank1(Tensor<1>),
    /// Two axes, e.g. `(N, C)`.
    Rank2(Tensor<2>),
    /// Three axes, e.g. `(N, C, L)`.
    Rank3(Tensor<3>),
    /// Four axes, e.g. `(N, C, H, W)`.
    Rank4(Tensor<4>),
    /// Five axes, e.g. `(N, C, D, H, W)`.
    Rank5(Tensor<5>),
}

impl Features {
    /// Sizes of the axes.
    pub fn dims(&self) -> Vec<usize> {
        match self {
            Self::Rank1(x) => x.dims().to_vec(),
            Self::Rank2(x) => x.dims().to_vec(),
            Self::Rank3(x) => x.dims().to_vec(),
            Self::Rank4(x) => x.dims().to_vec(),
            Self::Rank5(x) => x.dims().to_vec(),
        }
    }
}

/// A number of axes that [`Features`] can hold.
pub trait Rank<const D: usize>: From<Tensor<D>> {
    /// The tensor, if it has `D` axes.
    fn ranked(self) -> Option<Tensor<D>>;
}

macro_rules! ranks {
    ($($rank:literal $variant:ident),*) => {$(
        impl From<Tensor<$rank>> for Features {
            fn from(x: Tensor<$rank>) -> Self {
                Self::$variant(x)
            }
        }

        impl Rank<$rank> for Features {
            fn ranked(self) -> Option<Tensor<$rank>> {
                match self {
                    Self::$variant(x) => Some(x),
                    _ => None,
                }
            }
        }
    )*};
}

ranks!(1 Rank1, 2 Rank2, 3 Rank3, 4 Rank4, 5 Rank5);

/// `layer`'s input, if it has the `D` axes that the layer takes.
fn input<const D: usize>(layer: &'static str, x: Features) -> Result<Tensor<D>, NnError>
where
    Features: Rank<D>,
{
    let got = x.dims();
    x.ranked().ok_or_else(|| NnError::Input {
        layer,
        expected: format!("a tensor of {D} axes"),
        got,
    })
}

/// Declares [`Layer`]: one row a layer, `Name(Type): |layer, input: axes, mode| output`. For `any`
/// number of axes the row is compiled for each; `features` passes the input as it came.
macro_rules! layers {
    ($($name:ident($type:ty): |$layer:ident, $x:ident: $axes:tt, $mode:ident| $forward:expr;)*) => {
        /// A layer that maps one tensor to one.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant)] // a model holds few, and for long
        pub enum Layer {
            $(
                #[doc = concat!("[`", stringify!($type), "`].")]
                $name($type),
            )*
        }

        $(
            impl From<$type> for Layer {
                fn from(layer: $type) -> Self {
                    Self::$name(layer)
                }
            }
        )*

        impl Layer {
            /// Applies the layer.
            ///
            /// # Errors
            /// An input that does not fit the layer.
            pub fn forward(&self, x: Features, mode: &Mode) -> Result<Features, NnError> {
                match self {
                    $(Self::$name($layer) => {
                        let $mode = mode;
                        layers!(@forward $axes, stringify!($name), x, $x, $forward)
                    })*
                }
            }
        }
    };
    (@forward any, $name:expr, $input:ident, $x:ident, $forward:expr) => {
        match $input {
            Features::Rank1($x) => Ok(Features::from($forward?)),
            Features::Rank2($x) => Ok(Features::from($forward?)),
            Features::Rank3($x) => Ok(Features::from($forward?)),
            Features::Rank4($x) => Ok(Features::from($forward?)),
            Features::Rank5($x) => Ok(Features::from($forward?)),
        }
    };
    (@forward features, $name:expr, $input:ident, $x:ident, $forward:expr) => {{
        let $x = $input;
        $forward
    }};
    (@forward $axes:literal, $name:expr, $input:ident, $x:ident, $forward:expr) => {{
        let $x = input::<$axes>($name, $input)?;
        Ok(Features::from($forward?))
    }};
}

/// All but the first axis as one.
fn flatten(layer: &Flatten, x: Features) -> Result<Features, NnError> {
    Ok(Features::Rank2(match x {
        Features::Rank1(x) => layer.forward::<1, 2>(x)?,
        Features::Rank2(x) => layer.forward::<2, 2>(x)?,
        Features::Rank3(x) => layer.forward::<3, 2>(x)?,
        Features::Rank4(x) => layer.forward::<4, 2>(x)?,
        Features::Rank5(x) => layer.forward::<5, 2>(x)?,
    }))
}

layers! {
    AdaptiveAvgPool2d(AdaptiveAvgPool2d): |layer, x: 4, _mode| layer.forward(x);
    AlphaDropout(AlphaDropout): |layer, x: any, mode| layer.forward(x, mode);
    AvgPool2d(AvgPool2d): |layer, x: 4, _mode| layer.forward(x);
    BatchNorm1d(BatchNorm1d): |layer, x: any, mode| layer.forward(x, mode);
    BatchNorm2d(BatchNorm2d): |layer, x: any, mode| layer.forward(x, mode);
    BatchNorm3d(BatchNorm3d): |layer, x: any, mode| layer.forward(x, mode);
    Conv1d(Conv1d): |layer, x: 3, _mode| layer.forward(x);
    Conv2d(Conv2d): |layer, x: 4, _mode| layer.forward(x);
    Conv3d(Conv3d): |layer, x: 5, _mode| layer.forward(x);
    ConvTranspose2d(ConvTranspose2d): |layer, x: 4, _mode| layer.forward(x);
    DropBlock2d(DropBlock2d): |layer, x: 4, mode| layer.forward(x, mode);
    Dropout(Dropout): |layer, x: any, mode| layer.forward(x, mode);
    Dropout1d(Dropout1d): |layer, x: any, mode| layer.forward(x, mode);
    Dropout2d(Dropout2d): |layer, x: any, mode| layer.forward(x, mode);
    Dropout3d(Dropout3d): |layer, x: any, mode| layer.forward(x, mode);
    DropPath(DropPath): |layer, x: any, mode| layer.forward(x, mode);
    FeatureAlphaDropout(FeatureAlphaDropout): |layer, x: any, mode| layer.forward(x, mode);
    Flatten(Flatten): |layer, x: features, _mode| flatten(layer, x);
    GaussianNoise(GaussianNoise): |layer, x: any, mode| layer.forward(x, mode);
    GELU(GELU): |layer, x: any, _mode| Ok::<_, NnError>(layer.forward(x));
    GroupNorm(GroupNorm): |layer, x: any, _mode| layer.forward(x);
    Hardswish(Hardswish): |layer, x: any, _mode| Ok::<_, NnError>(layer.forward(x));
    LayerNorm(LayerNorm<1>): |layer, x: any, _mode| layer.forward(x);
    Linear(Linear): |layer, x: any, _mode| layer.forward(x);
    MaxPool2d(MaxPool2d): |layer, x: 4, _mode| layer.forward(x);
    ReLU(ReLU): |layer, x: any, _mode| Ok::<_, NnError>(layer.forward(x));
    Sequential(Sequential): |layer, x: features, mode| layer.apply(x, mode);
    Sigmoid(Sigmoid): |layer, x: any, _mode| Ok::<_, NnError>(layer.forward(x));
    SiLU(SiLU): |layer, x: any, _mode| Ok::<_, NnError>(layer.forward(x));
    Tanh(Tanh): |layer, x: any, _mode| Ok::<_, NnError>(layer.forward(x));
}

/// Layers one after another, each by a name or by its place.
///
/// The state dict's names are PyTorch's: `0.weight` by place, `name.weight` by name.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::dropout::Dropout;
/// use onggi_nn::linear::LinearConfig;
/// use onggi_nn::sequential::Sequential;
/// use onggi_nn::{Mode, init, state};
///
/// let (device, mut rng) = (Device::flex(), init::generator(1));
/// let model = Sequential::named([
///     ("hidden", LinearConfig::new(4, 8).init(&mut rng, &device)?.into()),
///     ("drop", Dropout::new(0.1)?.into()),
///     ("head", LinearConfig::new(8, 3).init(&mut rng, &device)?.into()),
/// ])?;
/// let y: Tensor<2> = model.forward(Tensor::<2>::ones([5, 4], &device), &Mode::Eval)?;
/// assert_eq!(y.dims(), [5, 3]);
/// let names: Vec<_> = state::collect(&model).into_keys().collect();
/// assert_eq!(names, ["head.bias", "head.weight", "hidden.bias", "hidden.weight"]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sequential {
    layers: Vec<(String, Layer)>,
}

impl Sequential {
    /// Layers named by their places, from 0.
    pub fn new(layers: impl IntoIterator<Item = Layer>) -> Self {
        let layers = layers.into_iter().enumerate();
        Self {
            layers: layers.map(|(i, layer)| (i.to_string(), layer)).collect(),
        }
    }

    /// Layers by name.
    ///
    /// # Errors
    /// A name that is empty, has a dot, or comes twice.
    pub fn named<N: Into<String>>(
        layers: impl IntoIterator<Item = (N, Layer)>,
    ) -> Result<Self, NnError> {
        let mut named: Vec<(String, Layer)> = Vec::new();
        for (name, layer) in layers {
            let name = name.into();
            let expected = if name.is_empty() || name.contains('.') {
                "a name without dots"
            } else if named.iter().any(|(other, _)| *other == name) {
                "a name of its own for each layer"
            } else {
                named.push((name, layer));
                continue;
            };
            let got = format!("`{name}`");
            return Err(NnError::config("Sequential", "name", expected, got));
        }
        Ok(Self { layers: named })
    }

    /// The layer of a name.
    pub fn get(&self, name: &str) -> Option<&Layer> {
        (self.layers.iter()).find_map(|(other, layer)| (other == name).then_some(layer))
    }

    /// Names and layers, in order.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &Layer)> {
        (self.layers.iter()).map(|(name, layer)| (name.as_str(), layer))
    }

    /// Applies the layers in order; without any the identity.
    ///
    /// # Shapes
    /// The first layer's input → the last layer's output.
    ///
    /// # Errors
    /// The first layer's that gets an input which does not fit; a result with another number of axes
    /// than `O`.
    pub fn forward<const I: usize, const O: usize>(
        &self,
        x: Tensor<I>,
        mode: &Mode,
    ) -> Result<Tensor<O>, NnError>
    where
        Features: Rank<I> + Rank<O>,
    {
        let y = self.apply(x.into(), mode)?;
        let got = format!("of shape {:?}", y.dims());
        let expected = format!("a tensor of {O} axes");
        y.ranked()
            .ok_or_else(|| NnError::config("Sequential", "output", expected, got))
    }

    /// [`forward`](Self::forward) for an input whose number of axes is not known beforehand.
    ///
    /// # Errors
    /// The first layer's that gets an input which does not fit.
    pub fn apply(&self, x: Features, mode: &Mode) -> Result<Features, NnError> {
        (self.layers.iter()).try_fold(x, |x, (_, layer)| layer.forward(x, mode))
    }

    fn map_layers(self, map: impl FnMut((String, Layer)) -> (String, Layer)) -> Self {
        Self {
            layers: self.layers.into_iter().map(map).collect(),
        }
    }
}

/// What Burn's derive would write, if it took names from values.
impl Module for Sequential {
    fn collect_devices(&self, devices: Devices) -> Devices {
        (self.layers.iter()).fold(devices, |devices, (_, layer)| {
            layer.collect_devices(devices)
        })
    }

    fn fork(self, device: &Device) -> Self {
        self.map_layers(|(name, layer)| (name, layer.fork(device)))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_layers(|(name, layer)| (name, layer.to_device(device)))
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        for (name, layer) in &self.layers {
            visitor.enter_module(name, "Sequential");
            layer.visit(visitor);
            visitor.exit_module(name, "Sequential");
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.map_layers(|(name, layer)| {
            mapper.enter_module(&name, "Sequential");
            let layer = layer.map(mapper);
            mapper.exit_module(&name, "Sequential");
            (name, layer)
        })
    }

    fn valid(&self) -> Self {
        self.clone()
            .map_layers(|(name, layer)| (name, layer.valid()))
    }

    fn train(self) -> Self {
        self.map_layers(|(name, layer)| (name, layer.train()))
    }

    fn materialize(self) -> Self {
        self.map_layers(|(name, layer)| (name, layer.materialize()))
    }
}

impl ModuleDisplayDefault for Sequential {
    fn content(&self, content: Content) -> Option<Content> {
        (self.layers.iter())
            .fold(content, |content, (name, layer)| content.add(name, layer))
            .set_top_level_type("Sequential")
            .optional()
    }
}

impl ModuleDisplay for Sequential {}
