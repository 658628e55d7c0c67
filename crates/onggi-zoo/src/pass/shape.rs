//! The shapes that layers make of shapes: for passes that do not compute.

use super::same_padding;
use burn::module::Param;
use burn::tensor::Tensor;
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::linear::Linear;
use onggi_ops::pool::{AvgPoolOptions, MaxPoolOptions};

/// Channels, height and width of a map.
pub(super) type MapShape = [usize; 3];

/// How a window moves along an axis.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) taps: usize,
    pub(super) stride: usize,
    /// Before and behind.
    pub(super) padding: [usize; 2],
    pub(super) dilation: usize,
    /// Whether a last window that does not fit counts too, unless it starts behind the axis.
    pub(super) ceil_mode: bool,
}

impl Window {
    /// Windows that an axis of `size` has room for.
    pub(super) fn count(self, size: usize) -> Option<usize> {
        let [before, behind] = self.padding;
        let room = (size + before + behind).checked_sub(self.reach())?;
        if !self.ceil_mode {
            return Some(room / self.stride + 1);
        }
        let count = room.div_ceil(self.stride) + 1;
        Some(count - usize::from((count - 1) * self.stride >= size + before))
    }

    /// Positions from the first tap to the last, both counted.
    fn reach(self) -> usize {
        self.dilation * (self.taps - 1) + 1
    }

    /// Positions of the last of `count` windows that lie behind the padding.
    pub(super) fn over(self, size: usize, count: usize) -> usize {
        let [before, behind] = self.padding;
        let end = (count.max(1) - 1) * self.stride + self.reach();
        end.saturating_sub(size + before + behind)
    }
}

/// The windows of max pooling, one an axis.
pub(super) fn max_windows(options: &MaxPoolOptions<2>) -> [Window; 2] {
    std::array::from_fn(|axis| Window {
        taps: options.kernel_size[axis],
        stride: options.stride[axis],
        padding: [options.padding[axis]; 2],
        dilation: options.dilation[axis],
        ceil_mode: options.ceil_mode,
    })
}

/// The windows of average pooling, one an axis.
pub(super) fn avg_windows(options: &AvgPoolOptions<2>) -> [Window; 2] {
    std::array::from_fn(|axis| Window {
        taps: options.kernel_size[axis],
        stride: options.stride[axis],
        padding: [options.padding[axis]; 2],
        dilation: 1,
        ceil_mode: options.ceil_mode,
    })
}

/// The map of a pooling with these windows.
pub(super) fn pooled(windows: [Window; 2], [c, h, w]: MapShape) -> Result<MapShape, NnError> {
    match (windows[0].count(h), windows[1].count(w)) {
        (Some(height), Some(width)) => Ok([c, height, width]),
        _ => Err(misfit(
            "pooling",
            "a map with room for the window",
            &[c, h, w],
        )),
    }
}

/// The map of a convolution.
pub(super) fn convolved(conv: &Conv2d, [c, h, w]: MapShape) -> Result<MapShape, NnError> {
    let [outputs, per_group, taps @ ..] = conv.weight.dims();
    let channels = per_group * conv.groups();
    let count = |axis: usize, size| {
        let window = Window {
            taps: taps[axis],
            stride: conv.stride()[axis],
            padding: conv.padding()[axis],
            dilation: conv.dilation()[axis],
            ceil_mode: false,
        };
        window.count(size)
    };
    match (count(0, h), count(1, w)) {
        (Some(height), Some(width)) if c == channels => Ok([outputs, height, width]),
        _ => {
            let expected = format!("(N, {channels}, H, W) with room for the kernel {taps:?}");
            Err(misfit("Conv2d", expected, &[c, h, w]))
        }
    }
}

/// The map padded as [`Pass::pad_same`](super::Pass::pad_same) has it.
pub(super) fn padded(kernel: usize, stride: usize, [c, h, w]: MapShape) -> MapShape {
    let [h, w] = [h, w].map(|size| size + same_padding(size, kernel, stride).iter().sum::<usize>());
    [c, h, w]
}

/// The map of a gate's or a sum's two.
pub(super) fn joined(op: &'static str, a: MapShape, b: MapShape) -> Result<MapShape, NnError> {
    let fits = a == b || (op == "gate" && b == [a[0], 1, 1]);
    let expected = || format!("(N, {}, {}, {})", a[0], a[1], a[2]);
    fits.then_some(a).ok_or_else(|| misfit(op, expected(), &b))
}

/// Maps behind each other along the channels.
pub(super) fn concatenated(maps: impl Iterator<Item = MapShape>) -> Result<MapShape, NnError> {
    let mut whole: Option<MapShape> = None;
    for map @ [c, h, w] in maps {
        whole = match whole {
            None => Some(map),
            Some([before, height, width]) if [height, width] == [h, w] => {
                Some([before + c, height, width])
            }
            Some([_, height, width]) => {
                let expected = format!("(N, C, {height}, {width})");
                return Err(misfit("concat", expected, &map));
            }
        };
    }
    whole.ok_or_else(|| misfit("concat", "at least one map", &[]))
}

/// The rows of a linear layer.
pub(super) fn mapped(layer: &Linear, features: usize) -> Result<usize, NnError> {
    let [outputs, inputs] = layer.weight.dims();
    if inputs != features {
        return Err(misfit("Linear", format!("(N, {inputs})"), &[features]));
    }
    Ok(outputs)
}

/// Values of a layer's weight and bias.
pub(super) fn parameters<const D: usize>(
    weight: &Param<Tensor<D>>,
    bias: Option<&Param<Tensor<1>>>,
) -> usize {
    weight.shape().num_elements() + bias.map_or(0, |bias| bias.shape().num_elements())
}

/// `sizes` are those of one image's map or row.
pub(super) fn misfit(layer: &'static str, expected: impl Into<String>, sizes: &[usize]) -> NnError {
    NnError::Input {
        layer,
        expected: expected.into(),
        got: [&[1], sizes].concat(),
    }
}
