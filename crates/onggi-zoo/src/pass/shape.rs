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

/// The map of rows that were flattened.
pub(super) fn unflattened(channels: usize, length: usize) -> Result<MapShape, NnError> {
    if channels == 0 || !length.is_multiple_of(channels) {
        let expected = format!("(N, {channels} · L)");
        return Err(misfit("unflatten", expected, &[length]));
    }
    Ok([channels, length / channels, 1])
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};
    use onggi_nn::conv::{Conv2dConfig, Padding};
    use onggi_nn::init;
    use onggi_ops::pad::{PadMode, pad};
    use onggi_ops::pool::{avg_pool, max_pool};

    /// The shape of one image's map, or `None` for an error.
    fn of<E>(map: Result<Tensor<4>, E>) -> Option<MapShape> {
        map.ok()
            .map(|map| [map.dims()[1], map.dims()[2], map.dims()[3]])
    }

    #[test]
    fn shapes_are_those_of_the_operations() {
        let device = Device::flex();
        let mut refused = 0;
        for size in 1..12 {
            let x = || Tensor::<4>::zeros([1, 2, size, 9], &device);
            let map = [2, size, 9];
            for (kernel, stride, padding) in
                (1..5).flat_map(|k| (1..5).flat_map(move |s| (0..=k / 2).map(move |p| (k, s, p))))
            {
                for dilation in 1..3 {
                    let mut config = Conv2dConfig::new(2, 3, kernel)
                        .with_stride(stride)
                        .with_padding(padding)
                        .with_dilation(dilation);
                    config.kernel_size[1] = 1;
                    let conv = config.init(&mut init::generator(1), &device).unwrap();
                    let expected = of(conv.forward(x()));
                    refused += usize::from(expected.is_none());
                    assert_eq!(convolved(&conv, map).ok(), expected, "{size} {config:?}");
                    for ceil_mode in [false, true] {
                        let mut options = MaxPoolOptions::new(kernel)
                            .with_stride(stride)
                            .with_padding(padding)
                            .with_ceil_mode(ceil_mode);
                        options.dilation = [dilation, 1];
                        // A window that sees no value is an error there, and never part of a model.
                        if let Some(expected) = of(max_pool(x(), &options)) {
                            let found = pooled(max_windows(&options), map).unwrap();
                            assert_eq!(found, expected, "{size} {options:?}");
                        }
                    }
                }
                for ceil_mode in [false, true] {
                    let options = AvgPoolOptions::new(kernel)
                        .with_stride(stride)
                        .with_padding(padding)
                        .with_ceil_mode(ceil_mode);
                    let expected = of(avg_pool(x(), &options));
                    let found = pooled(avg_windows(&options), map).ok();
                    assert_eq!(found, expected, "{size} {options:?}");
                }
                let around = [size, 9].map(|size| same_padding(size, kernel, stride));
                let expected = of(pad(x(), around, PadMode::ZEROS));
                assert_eq!(Some(padded(kernel, stride, map)), expected);
            }
        }
        assert!(refused > 10, "small maps are refused alike");
        let mut config = Conv2dConfig::new(4, 6, 2).with_groups(2);
        config.padding = Padding::Same;
        let conv = config.init(&mut init::generator(1), &device).unwrap();
        assert_eq!(convolved(&conv, [4, 5, 7]), Ok([6, 5, 7]));
        assert!(convolved(&conv, [2, 5, 7]).is_err());
    }

    #[test]
    fn maps_that_do_not_fit_each_other() {
        assert_eq!(joined("add", [2, 3, 4], [2, 3, 4]), Ok([2, 3, 4]));
        assert_eq!(joined("gate", [2, 3, 4], [2, 1, 1]), Ok([2, 3, 4]));
        assert!(joined("add", [2, 3, 4], [2, 1, 1]).is_err());
        assert!(joined("gate", [2, 3, 4], [3, 1, 1]).is_err());
        let error = joined("add", [2, 3, 4], [2, 3, 5]).unwrap_err().to_string();
        let words = "add: the input must be (N, 2, 3, 4), but its shape is [1, 2, 3, 5]";
        assert_eq!(error, words);
        assert_eq!(
            concatenated([[2, 3, 4], [5, 3, 4]].into_iter()),
            Ok([7, 3, 4])
        );
        assert!(concatenated([[2, 3, 4], [5, 3, 5]].into_iter()).is_err());
        assert!(concatenated(std::iter::empty()).is_err());
        assert_eq!(unflattened(4, 12), Ok([4, 3, 1]));
        assert!(unflattened(5, 12).is_err() && unflattened(0, 12).is_err());
    }
}
