//! Joining consecutive axes into one.

use crate::NnError;
use burn::module::Module;
use burn::tensor::Tensor;

/// Joins the axes from `start_dim` to `end_dim`, both included, into one. Negative numbers count
/// from the last axis, −1.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::flatten::Flatten;
///
/// let x = Tensor::<4>::zeros([2, 3, 4, 5], &Device::flex());
/// let y: Tensor<2> = Flatten::default().forward(x)?;
/// assert_eq!(y.dims(), [2, 60]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Module, Debug)]
pub struct Flatten {
    #[module(skip)]
    start_dim: isize,
    #[module(skip)]
    end_dim: isize,
}

impl Default for Flatten {
    /// All axes but the first.
    fn default() -> Self {
        Self::new(1, -1)
    }
}

impl Flatten {
    /// A layer that joins these axes.
    pub fn new(start_dim: isize, end_dim: isize) -> Self {
        Self { start_dim, end_dim }
    }

    /// Joins the axes.
    ///
    /// # Shapes
    /// `x: (*, a, …, b, *)` → `(*, a·…·b, *)`.
    ///
    /// # Errors
    /// Axes that `x` does not have, a start after the end, or another number of axes asked for
    /// than there are.
    pub fn forward<const D: usize, const E: usize>(
        &self,
        x: Tensor<D>,
    ) -> Result<Tensor<E>, NnError> {
        let from_start = |dim: isize| if dim < 0 { dim + D as isize } else { dim };
        let (start, end) = (from_start(self.start_dim), from_start(self.end_dim));
        if start < 0 || end >= D as isize || start > end {
            return Err(NnError::Input {
                layer: "Flatten",
                expected: format!(
                    "of axes {} to {}, in this order",
                    self.start_dim, self.end_dim
                ),
                got: x.dims().to_vec(),
            });
        }
        let (start, end) = (start as usize, end as usize);
        let mut shape = x.dims()[..start].to_vec();
        shape.push(x.dims()[start..=end].iter().product());
        shape.extend(&x.dims()[end + 1..]);
        let axes = shape.len();
        match <[usize; E]>::try_from(shape) {
            Ok(shape) => Ok(x.reshape(shape)),
            Err(_) => Err(NnError::Input {
                layer: "Flatten",
                expected: format!("one that flattens to {E} axes instead of {axes}"),
                got: x.dims().to_vec(),
            }),
        }
    }
}
