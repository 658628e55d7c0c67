//! Where a token stands, as a vector.

use crate::NnError;
use crate::error::check_positive;
use burn::tensor::{Device, Tensor, TensorData};

/// Sinusoidal encodings of the positions `0..length`, to be added to the tokens' embeddings:
///
/// `p[t, 2i] = sin(t / 10000^(2i / E))`, `p[t, 2i + 1] = cos(t / 10000^(2i / E))`.
///
/// # Shapes
/// `(length, E)` with `E = embed_dim`.
///
/// # Errors
/// An `embed_dim` of 0.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use onggi_nn::attention::sinusoidal_positions;
///
/// let positions = sinusoidal_positions(2, 4, &Device::flex())?;
/// let values = positions.into_data().try_to_vec::<f32>().expect("f32");
/// assert_eq!(values[..4], [0.0, 1.0, 0.0, 1.0]);
/// assert!((values[4] - 1f32.sin()).abs() < 1e-7 && (values[6] - 0.01f32.sin()).abs() < 1e-7);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Vaswani et al., *Attention is all you need*, 2017, section 3.5.
pub fn sinusoidal_positions(
    length: usize,
    embed_dim: usize,
    device: &Device,
) -> Result<Tensor<2>, NnError> {
    check_positive("sinusoidal_positions", "embed_dim", embed_dim)?;
    let value = |at: usize| {
        let (position, column) = (at / embed_dim, at % embed_dim);
        let exponent = (column / 2 * 2) as f64 / embed_dim as f64;
        let angle = position as f64 / 10_000f64.powf(exponent);
        (if column % 2 == 0 {
            angle.sin()
        } else {
            angle.cos()
        }) as f32
    };
    let values: Vec<f32> = (0..length * embed_dim).map(value).collect();
    Ok(Tensor::from_data(
        TensorData::new(values, [length, embed_dim]),
        device,
    ))
}
