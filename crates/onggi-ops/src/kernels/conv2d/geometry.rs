//! Sizes of a 2-d convolution.

/// Sizes of a convolution of `x (N, C, H, W)` with `weight (O, C / groups, KH, KW)`, all row-major.
///
/// Pairs are (vertical, horizontal). The caller has checked that `groups` divides `c` and `o`,
/// that strides and dilations are not 0, and that the kernel fits into the padded input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Samples.
    pub(crate) n: usize,
    /// Input channels.
    pub(crate) c: usize,
    /// Input height.
    pub(crate) h: usize,
    /// Input width.
    pub(crate) w: usize,
    /// Output channels.
    pub(crate) o: usize,
    /// Kernel height.
    pub(crate) kh: usize,
    /// Kernel width.
    pub(crate) kw: usize,
    /// Input pixels from one output pixel to the next.
    pub(crate) stride: [usize; 2],
    /// Zeros around the input, on each side.
    pub(crate) padding: [usize; 2],
    /// Input pixels from one tap of the kernel to the next.
    pub(crate) dilation: [usize; 2],
    /// Groups of channels that see only each other.
    pub(crate) groups: usize,
}

impl Geometry {
    /// Output height.
    pub(crate) fn oh(&self) -> usize {
        self.vertical().out()
    }

    /// Output width.
    pub(crate) fn ow(&self) -> usize {
        self.horizontal().out()
    }

    /// Elements of `x`.
    pub(crate) fn x_len(&self) -> usize {
        self.n * self.c * self.h * self.w
    }

    /// Elements of `y`.
    pub(crate) fn y_len(&self) -> usize {
        self.n * self.o * self.oh() * self.ow()
    }

    /// Elements of `weight`.
    pub(crate) fn weight_len(&self) -> usize {
        self.o * self.cg() * self.taps()
    }

    /// Input channels a group.
    pub(super) fn cg(&self) -> usize {
        self.c / self.groups
    }

    /// Output channels a group.
    pub(super) fn og(&self) -> usize {
        self.o / self.groups
    }

    /// Taps of the kernel.
    pub(super) fn taps(&self) -> usize {
        self.kh * self.kw
    }

    /// Multiplications of one pass.
    pub(super) fn work(&self) -> usize {
        self.y_len() * self.cg() * self.taps()
    }

    pub(super) fn vertical(&self) -> Axis {
        Axis::new(
            self.h,
            self.kh,
            self.stride[0],
            self.padding[0],
            self.dilation[0],
        )
    }

    pub(super) fn horizontal(&self) -> Axis {
        Axis::new(
            self.w,
            self.kw,
            self.stride[1],
            self.padding[1],
            self.dilation[1],
        )
    }
}

/// One of the two spatial axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) size: usize,
    pub(super) taps: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) dilation: usize,
}

impl Axis {
    fn new(size: usize, taps: usize, stride: usize, padding: usize, dilation: usize) -> Self {
        Self {
            size,
            taps,
            stride,
            padding,
            dilation,
        }
    }

    /// Output size.
    pub(super) fn out(self) -> usize {
        (self.size + 2 * self.padding - self.dilation * (self.taps - 1) - 1) / self.stride + 1
    }

    /// The input position that tap `tap` of output `out` reads, if it is inside.
    #[inline(always)]
    pub(super) fn input(self, out: usize, tap: usize) -> Option<usize> {
        let padded = out * self.stride + tap * self.dilation;
        padded
            .checked_sub(self.padding)
            .filter(|&at| at < self.size)
    }

    /// The output position whose tap `tap` reads input `at`, if there is one.
    #[inline(always)]
    pub(super) fn output(self, at: usize, tap: usize) -> Option<usize> {
        let first = (at + self.padding).checked_sub(tap * self.dilation)?;
        let out = first / self.stride;
        (first.is_multiple_of(self.stride) && out < self.out()).then_some(out)
    }

    /// The outputs whose tap `tap` reads inside the input, as `start..end`.
    #[inline(always)]
    pub(super) fn inside(self, tap: usize) -> (usize, usize) {
        let (out, shift) = (self.out(), tap * self.dilation);
        let start = self
            .padding
            .saturating_sub(shift)
            .div_ceil(self.stride)
            .min(out);
        let end = (self.size + self.padding)
            .saturating_sub(shift)
            .div_ceil(self.stride)
            .min(out);
        (start, end.max(start))
    }
}
