//! Fused differentiable operations on Burn, with CPU kernels.
//!
//! Burn carries the tensors, the autodiff graph and the GPUs; this crate adds the operations that
//! decide the speed of training on a CPU. Each operation is one file, read from top to bottom:
//! what it computes, the backend trait with composed defaults that run on any device, the CPU
//! kernel's hook, the backward step, the public function on `Tensor<D>`, and the tests.
//!
//! The kernels work in `f32`, split their work by fixed chunks (never by the number of threads)
//! and sum in a fixed order: one input gives one result, to the bit, at any thread count.
//!
//! # Example
//! ```
//! use burn::tensor::{Device, Tensor};
//! use onggi_ops::norm::batch_norm;
//!
//! let device = Device::flex();
//! let x = Tensor::<2>::from_floats([[1.0, 10.0], [3.0, 30.0]], &device);
//! let weight = Tensor::<1>::ones([2], &device);
//! let bias = Tensor::<1>::zeros([2], &device);
//! let normalised = batch_norm(x, weight, bias, 1e-5)?;
//! let y = normalised.y.into_data().try_to_vec::<f32>().expect("f32");
//! assert!((y[0] + 1.0).abs() < 1e-4 && (y[2] - 1.0).abs() < 1e-4);
//! # Ok::<(), onggi_ops::OpError>(())
//! ```

pub mod activation;
pub mod attention;
pub mod conv;
pub mod dropout;
pub mod embedding;
mod error;
mod flex;
mod fused;
pub mod interpolate;
mod kernels;
pub mod linear;
pub mod loss;
#[cfg(feature = "mimalloc")]
pub mod memory;
pub mod norm;
pub mod optim;
pub mod pad;
pub mod pool;
mod random;
pub mod recurrent;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use error::OpError;
pub use random::Key;
