//! Products with matrices, rows of tables, and shapes.

use crate::case::{Array, Case, Outcome, by_rank, device, load, one, require, rng};
use burn::tensor::Tensor;
use onggi_nn::embedding::EmbeddingConfig;
use onggi_nn::flatten::Flatten;
use onggi_nn::identity::Identity;
use onggi_ops::linear::linear;

/// `alpha · A' · B' + beta · C` as `linear` of `alpha · A'` and the transpose of `B'`. A `C` with one
/// value a column is its bias.
pub(crate) fn gemm(case: &Case) -> Outcome {
    let turned = |name, turn: bool| -> Tensor<2> {
        let x = case.input(name).tensor::<2>();
        if turn { x.transpose() } else { x }
    };
    let a = turned("A", case.is("transA")) * case.number("alpha");
    let weight = turned("B", !case.is("transB"));
    let columns = weight.dims()[0];
    let Some(c) = case.get("C") else {
        return one(linear(a, weight, None)?);
    };
    let beta = case.number("beta");
    if c.shape.last() == Some(&columns) && c.values.len() == columns {
        let bias = c.reshaped(&[columns]).tensor::<1>() * beta;
        return one(linear(a, weight, Some(bias))?);
    }
    let mut shape = vec![1; 2 - c.rank()];
    shape.extend(&c.shape);
    let c = c.reshaped(&shape).tensor::<2>() * beta;
    one(linear(a, weight, None)? + c)
}

/// A product with one matrix, or with one column.
pub(crate) fn matmul(case: &Case) -> Outcome {
    let (a, b) = (case.input("A"), case.input("B"));
    require(
        b.rank() <= 2,
        "only the products with one matrix are a layer's",
    )?;
    let weight = match b.rank() {
        1 => b.reshaped(&[1, b.shape[0]]).tensor::<2>(),
        _ => b.tensor::<2>().transpose(),
    };
    let y = by_rank!(a.rank(), D in [1 2 3 4] => Array::of(linear(a.tensor::<D>(), weight, None)?));
    Ok(vec![Some(match b.rank() {
        1 => y.reshaped(&a.shape[..a.rank() - 1]),
        _ => y,
    })])
}

/// Slices along the first axis, as rows of a table.
pub(crate) fn gather(case: &Case) -> Outcome {
    let (data, indices) = (case.input("data"), case.input("indices"));
    require(case.size("axis") == 0, "an embedding looks up along axis 0")?;
    let forwards = indices.values.iter().all(|&i| i >= 0.0);
    require(forwards, "an embedding's indices count from the start")?;
    let rows = data.shape[0];
    let width = data.values.len() / rows;
    let table = data.reshaped(&[rows, width]);
    let layer = EmbeddingConfig::new(rows, width).init(&mut rng(), &device())?;
    let layer = load(layer, &[("weight", Some(&table))])?;
    let y = by_rank!(indices.rank(), D in [1 2] => {
        Array::of::<{ D + 1 }>(layer.forward(indices.indices::<D>())?)
    });
    let shape = [&indices.shape[..], &data.shape[1..]].concat();
    Ok(vec![Some(y.reshaped(&shape))])
}

pub(crate) fn flatten(case: &Case) -> Outcome {
    let (x, axis) = (case.input("input"), case.size("axis"));
    let inside = 0 < axis && axis < x.rank();
    require(inside, "Flatten joins axes, it adds none")?;
    let behind = Flatten::new(1, -1);
    let x = x.tensor::<4>();
    one(match axis {
        1 => behind.forward(x)?,
        2 => behind.forward(Flatten::new(0, 1).forward::<4, 3>(x)?)?,
        _ => Flatten::new(0, 2).forward::<4, 2>(x)?,
    })
}

pub(crate) fn identity(case: &Case) -> Outcome {
    one(Identity.forward(case.input("input").tensor::<4>()))
}
