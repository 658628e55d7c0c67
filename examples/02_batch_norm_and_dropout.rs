//! The fused operations by themselves, in any Burn program: values and gradients.
//!
//! `cargo run --release --example 02_batch_norm_and_dropout`

use onggi::burn::tensor::{Device, Distribution, Tensor};
use onggi::ops::{Key, dropout::dropout, norm::batch_norm};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex().autodiff();
    let x = Tensor::<4>::random([8, 3, 16, 16], Distribution::Normal(5.0, 2.0), &device);
    let x = x.require_grad();
    let weight = Tensor::<1>::ones([3], &device).require_grad();
    let bias = Tensor::<1>::zeros([3], &device);

    let normalised = batch_norm(x.clone(), weight.clone(), bias, 1e-5)?;
    println!(
        "each channel's mean before: {}",
        normalised.mean.clone().into_data()
    );
    println!(
        "mean of all values after:   {}",
        normalised.y.clone().mean().into_data()
    );

    // The same key gives the same mask, on any number of threads, forward and backward.
    let key = Key {
        seed: 42,
        stream: 0,
    };
    let dropped = dropout(normalised.y, 0.25, key)?;
    let zeros = dropped.clone().equal_elem(0.0).float().mean();
    println!("share of zeros:             {}", zeros.into_data());

    let gradients = dropped.powi_scalar(2).mean().backward();
    let dweight = weight.grad(&gradients).ok_or("the weight has a gradient")?;
    println!("gradient of the weight:     {}", dweight.into_data());
    Ok(())
}
