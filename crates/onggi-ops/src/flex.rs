//! Between Burn's CPU tensors and the kernels' slices.

use burn::tensor::TensorData;
use burn_flex::FlexTensor;

/// The tensor with its elements in row-major order and nothing around them.
pub(crate) fn contiguous(x: FlexTensor) -> FlexTensor {
    if x.as_slice::<f32>().is_some() {
        x
    } else {
        x.to_contiguous()
    }
}

/// The elements of a tensor that [`contiguous`] returned, as all that an operation gets.
pub(crate) fn slice(x: &FlexTensor) -> &[f32] {
    x.as_slice::<f32>()
        .expect("a contiguous f32 tensor: `fused::apply` made it so")
}

/// A tensor around a kernel's result.
pub(crate) fn tensor(values: Vec<f32>, shape: impl Into<Vec<usize>>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

/// The elements of a contiguous tensor, to be written: where they lie if no other tensor shares
/// them, else in a copy.
pub(crate) fn slice_mut(x: &mut FlexTensor) -> &mut [f32] {
    let (start, end) = (x.layout().contiguous_offsets()).expect("a contiguous tensor");
    &mut x.storage_mut::<f32>()[start..end]
}

/// The elements of a [`contiguous`] tensor whose buffer nobody else holds, to be written in place.
pub(crate) fn exclusive(x: &mut FlexTensor) -> Option<&mut [f32]> {
    let len = slice(x).len();
    (x.try_storage_mut::<f32>()).filter(|buffer| buffer.len() == len)
}
