//! Convolutions and pools.

use crate::case::{Case, NotApplicable, Outcome, by_rank, device, load, one, require, rng};
use onggi_nn::conv::{
    Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvTranspose1dConfig, ConvTranspose2dConfig, Padding,
};
use onggi_nn::pool::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool, AvgPoolOptions, LpPool, LpPoolOptions, MaxPool,
    MaxPoolOptions,
};

/// One padding an axis, where begins and ends are the same.
fn even<const R: usize>(case: &Case) -> Result<[usize; R], NotApplicable> {
    let pads = case.numbers("pads").unwrap();
    let (begins, ends) = pads.split_at(R);
    require(
        begins == ends,
        "padding differs between the two ends of an axis",
    )?;
    Ok(std::array::from_fn(|axis| begins[axis] as usize))
}

pub(crate) fn conv(case: &Case) -> Outcome {
    let (w, b, groups) = (case.input("W"), case.get("B"), case.size("group"));
    macro_rules! run {
        ($config:ident) => {{
            let mut config = $config::new(w.shape[1] * groups, w.shape[0], 1)
                .with_groups(groups)
                .with_bias(b.is_some());
            config.kernel_size = case.sizes("kernel_shape");
            config.stride = case.sizes("strides");
            config.padding = Padding::Each(even(case)?);
            config.dilation = case.sizes("dilations");
            let layer = config.init(&mut rng(), &device())?;
            let layer = load(layer, &[("weight", Some(w)), ("bias", b)])?;
            one(layer.forward(case.input("X").tensor())?)
        }};
    }
    match w.rank() {
        3 => run!(Conv1dConfig),
        4 => run!(Conv2dConfig),
        _ => run!(Conv3dConfig),
    }
}

pub(crate) fn conv_transpose(case: &Case) -> Outcome {
    let (w, b, groups) = (case.input("W"), case.get("B"), case.size("group"));
    macro_rules! run {
        ($config:ident) => {{
            let mut config = $config::new(w.shape[0], w.shape[1] * groups, 1)
                .with_groups(groups)
                .with_bias(b.is_some());
            config.kernel_size = case.sizes("kernel_shape");
            config.stride = case.sizes("strides");
            config.padding = even(case)?;
            config.output_padding = case.sizes("output_padding");
            config.dilation = case.sizes("dilations");
            let layer = config.init(&mut rng(), &device())?;
            let layer = load(layer, &[("weight", Some(w)), ("bias", b)])?;
            one(layer.forward(case.input("X").tensor())?)
        }};
    }
    match w.rank() {
        3 => run!(ConvTranspose1dConfig),
        4 => run!(ConvTranspose2dConfig),
        _ => Err("no transposed convolution of volumes".into()),
    }
}

pub(crate) fn max_pool(case: &Case) -> Outcome {
    let x = case.input("X");
    by_rank!(x.rank(), D in [3 4 5] => {
        let options = MaxPoolOptions::<{ D - 2 }> {
            kernel_size: case.sizes("kernel_shape"),
            stride: case.sizes("strides"),
            padding: even(case)?,
            dilation: case.sizes("dilations"),
            ceil_mode: case.is("ceil_mode"),
        };
        let mut outputs = one(MaxPool::new(options)?.forward(x.tensor::<D>())?)?;
        outputs.push(None);
        Ok(outputs)
    })
}

pub(crate) fn average_pool(case: &Case) -> Outcome {
    let x = case.input("X");
    by_rank!(x.rank(), D in [3 4 5] => {
        let dilated = case.sizes::<{ D - 2 }>("dilations") != [1; D - 2];
        require(!dilated, "average pooling has no dilation")?;
        let options = AvgPoolOptions::<{ D - 2 }> {
            kernel_size: case.sizes("kernel_shape"),
            stride: case.sizes("strides"),
            padding: even(case)?,
            ceil_mode: case.is("ceil_mode"),
            count_include_pad: case.is("count_include_pad"),
            divisor_override: None,
        };
        one(AvgPool::new(options)?.forward(x.tensor::<D>())?)
    })
}

pub(crate) fn lp_pool(case: &Case) -> Outcome {
    let x = case.input("X");
    by_rank!(x.rank(), D in [3 4 5] => {
        let dilated = case.sizes::<{ D - 2 }>("dilations") != [1; D - 2];
        require(!dilated, "Lp pooling has no dilation")?;
        let padded = case.numbers("pads").unwrap().iter().any(|&p| p != 0.0);
        require(!padded, "Lp pooling has no padding")?;
        let odd = case.size("p") % 2 == 1;
        require(!odd, "PyTorch takes xᵖ, not |x|ᵖ, which differs for an odd p")?;
        let options = LpPoolOptions::<{ D - 2 }> {
            norm_type: case.number("p"),
            kernel_size: case.sizes("kernel_shape"),
            stride: case.sizes("strides"),
            ceil_mode: case.is("ceil_mode"),
        };
        one(LpPool::new(options)?.forward(x.tensor::<D>())?)
    })
}

pub(crate) fn global_average_pool(case: &Case) -> Outcome {
    let x = case.input("X").tensor::<4>();
    one(AdaptiveAvgPool2d::new([Some(1); 2])?.forward(x)?)
}

pub(crate) fn global_max_pool(case: &Case) -> Outcome {
    let x = case.input("X").tensor::<4>();
    one(AdaptiveMaxPool2d::new([Some(1); 2])?.forward(x)?)
}
