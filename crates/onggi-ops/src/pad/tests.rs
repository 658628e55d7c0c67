use super::*;
use crate::testing::{Golden, assert_golden, assert_gradients, random, values};

#[test]
fn golden() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let golden = Golden::open(&format!("{fixtures}/resample.safetensors"));
    let one = |case: &str, padding: [[usize; 2]; 1], mode| {
        assert_golden::<3>(&golden, case, |x| pad(x, padding, mode).unwrap(), 1e-6);
    };
    let two = |case: &str, padding: [[usize; 2]; 2], mode| {
        assert_golden::<4>(&golden, case, |x| pad(x, padding, mode).unwrap(), 1e-6);
    };
    let three = |case: &str, padding: [[usize; 2]; 3], mode| {
        assert_golden::<5>(&golden, case, |x| pad(x, padding, mode).unwrap(), 1e-6);
    };
    one("zeros_1d", [[2, 1]], PadMode::ZEROS);
    two("constant_2d", [[1, 3], [2, 0]], PadMode::Constant(-1.5));
    one("reflect_1d", [[4, 1]], PadMode::Reflect);
    two("reflect_2d", [[1, 3], [2, 4]], PadMode::Reflect);
    three("reflect_3d", [[0, 2], [2, 3], [1, 1]], PadMode::Reflect);
    two("replicate_2d", [[6, 0], [2, 3]], PadMode::Replicate);
    three("replicate_3d", [[0, 2], [2, 3], [1, 4]], PadMode::Replicate);
    one("circular_1d", [[5, 1]], PadMode::Circular);
    two("circular_2d", [[4, 3], [2, 4]], PadMode::Circular);
    three("circular_3d", [[0, 2], [2, 3], [1, 2]], PadMode::Circular);
}

#[test]
fn gradients_are_the_derivatives() {
    for mode in [
        PadMode::Constant(2.0),
        PadMode::Reflect,
        PadMode::Replicate,
        PadMode::Circular,
    ] {
        let padded = |v: &[Tensor<1>]| {
            let x = v[0].clone().reshape([2, 3, 4, 5]);
            pad(x, [[2, 3], [4, 0]], mode).unwrap().flatten(0, 3)
        };
        assert_gradients("pad", &[random([120], 1)], padded, 1e-2, 1e-3);
    }
}

#[test]
fn input_may_lie_in_any_order_and_be_empty() {
    for mode in [
        PadMode::ZEROS,
        PadMode::Reflect,
        PadMode::Replicate,
        PadMode::Circular,
    ] {
        let permuted = random([2, 9, 7, 3], 1).permute([0, 3, 1, 2]);
        let copied =
            Tensor::<4>::from_data(permuted.clone().into_data(), &crate::testing::device());
        let y = |x| values(&pad(x, [[1, 2], [3, 0]], mode).unwrap());
        assert_eq!(y(permuted), y(copied));
        let empty = Tensor::<3>::zeros([0, 2, 4], &crate::testing::device());
        assert_eq!(pad(empty, [[1, 2]], mode).unwrap().dims(), [0, 2, 7]);
    }
}

#[test]
fn mistakes_are_errors() {
    let x = || random::<3>([1, 1, 3], 1);
    let message = |padding, mode| pad(x(), [padding], mode).unwrap_err().to_string();
    assert_eq!(
        message([3, 0], PadMode::Reflect),
        "pad: `x` must have an axis 2 large enough for a padding of 3 by Reflect, which takes at \
         most 2, but its shape is [1, 1, 3]"
    );
    assert!(message([0, 4], PadMode::Circular).contains("at most 3"));
    let empty = Tensor::<3>::zeros([1, 1, 0], &crate::testing::device());
    assert!(pad(empty, [[1, 1]], PadMode::Replicate).is_err());
    assert!(pad(random::<1>([3], 1), [[1, 1]; 2], PadMode::ZEROS).is_err());
}
