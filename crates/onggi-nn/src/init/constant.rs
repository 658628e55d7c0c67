//! Values without randomness.

use crate::NnError;
use burn::tensor::{Device, Tensor, TensorData};

/// `value` everywhere. As the weight of a hidden layer it keeps all units equal for ever: they get
/// equal gradients. It suits biases.
pub fn constant<const D: usize>(shape: [usize; D], value: f64, device: &Device) -> Tensor<D> {
    Tensor::full(shape, value, device)
}

/// 0 everywhere, see [`constant`].
pub fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    constant(shape, 0.0, device)
}

/// 1 everywhere, see [`constant`].
pub fn ones<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    constant(shape, 1.0, device)
}

/// 1 where row and column are equal, 0 elsewhere: a linear layer that passes its inputs on, as many
/// as it has outputs for.
pub fn eye(shape: [usize; 2], device: &Device) -> Tensor<2> {
    let [rows, columns] = shape;
    let mut values = vec![0f32; rows * columns];
    for i in 0..rows.min(columns) {
        values[i * columns + i] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The weight `[out, in/groups, *k]` of a convolution that, padded by `⌊k/2⌋`, passes its input
/// channels on, as many as each group has outputs for: 1 in the kernel's middle `⌊k/2⌋`, from input
/// `i` to output `i` of each group.
///
/// # Errors
/// Other than three to five axes; groups that do not divide the outputs.
pub fn dirac<const D: usize>(
    shape: [usize; D],
    groups: usize,
    device: &Device,
) -> Result<Tensor<D>, NnError> {
    if !(3..=5).contains(&D) {
        let expected = "of three to five axes";
        return Err(NnError::config(
            "dirac",
            "shape",
            expected,
            format!("{shape:?}"),
        ));
    }
    let [out, inputs] = [shape[0], shape[1]];
    if groups == 0 || !out.is_multiple_of(groups) {
        let expected = format!("a divisor of {out} outputs");
        return Err(NnError::config("dirac", "groups", expected, groups));
    }
    let kernel = &shape[2..];
    let size: usize = kernel.iter().product();
    let middle = kernel.iter().fold(0, |at, k| at * k + k / 2);
    let mut values = vec![0f32; out * inputs * size];
    let per_group = out / groups;
    if size > 0 {
        for (group, i) in (0..groups).flat_map(|g| (0..per_group.min(inputs)).map(move |i| (g, i)))
        {
            let row = (group * per_group + i) * inputs + i;
            values[row * size + middle] = 1.0;
        }
    }
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dirac_refuses_what_has_no_middle_or_no_groups() {
        let device = onggi_ops::testing::device();
        assert_eq!(
            dirac([2, 2], 1, &device).unwrap_err().to_string(),
            "dirac: `shape` must be of three to five axes, but is [2, 2]"
        );
        assert_eq!(
            dirac([4, 2, 3], 3, &device).unwrap_err().to_string(),
            "dirac: `groups` must be a divisor of 4 outputs, but is 3"
        );
        assert!(dirac([4, 2, 3], 0, &device).is_err());
        assert_eq!(dirac([4, 2, 0], 2, &device).unwrap().dims(), [4, 2, 0]);
    }

    #[test]
    fn dirac_is_the_identity_of_a_padded_convolution() {
        let device = onggi_ops::testing::device();
        let x = onggi_ops::testing::random([2, 4, 5, 6], 1);
        let options = onggi_ops::conv::Conv2dOptions {
            padding: [1, 2],
            ..Default::default()
        };
        let weight = dirac([4, 4, 3, 5], 1, &device).unwrap();
        let y = onggi_ops::conv::conv2d(x.clone(), weight, None, &options).unwrap();
        assert_eq!(x.into_data(), y.into_data());
    }
}
