//! 3×3 matrices on points (x, y, 1), row by row, and the affine family they are made for.

use serde::{Deserialize, Serialize};

/// A matrix, row by row.
pub(crate) type Matrix = [f64; 9];

/// `a · b`: `b` is done first.
pub(crate) fn product(a: Matrix, b: Matrix) -> Matrix {
    std::array::from_fn(|i| (0..3).map(|k| a[i / 3 * 3 + k] * b[k * 3 + i % 3]).sum())
}

/// Moves by (x, y) pixels.
pub(crate) fn shift(x: f64, y: f64) -> Matrix {
    [1.0, 0.0, x, 0.0, 1.0, y, 0.0, 0.0, 1.0]
}

/// Stretches by (x, y) about (0, 0).
pub(crate) fn stretch(x: f64, y: f64) -> Matrix {
    [x, 0.0, 0.0, 0.0, y, 0.0, 0.0, 0.0, 1.0]
}

/// Turns by `degrees` counter-clockwise, as seen, about (0, 0).
pub(crate) fn turn(degrees: f64) -> Matrix {
    let (s, c) = degrees.to_radians().sin_cos();
    [c, s, 0.0, -s, c, 0.0, 0.0, 0.0, 1.0]
}

/// `m` about the point (x, y).
pub(crate) fn about(x: f64, y: f64, m: Matrix) -> Matrix {
    product(shift(x, y), product(m, shift(-x, -y)))
}

/// An affine change in the terms of torchvision: shear, then rotation and scale about the centre,
/// then translation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// Degrees, clockwise.
    pub angle: f64,
    /// Pixels to the right and down.
    pub translate: [f64; 2],
    /// Factor.
    pub scale: f64,
    /// Degrees along x and y.
    pub shear: [f64; 2],
}

impl Affine {
    /// What changes nothing.
    pub const IDENTITY: Self = Self {
        angle: 0.0,
        translate: [0.0, 0.0],
        scale: 1.0,
        shear: [0.0, 0.0],
    };

    /// Where points go, about the centre (x, y).
    pub(crate) fn matrix(&self, [x, y]: [f64; 2]) -> Matrix {
        let (r, s) = (self.angle.to_radians(), self.scale);
        let [sx, sy] = self.shear.map(f64::to_radians);
        let m = [
            s * (r - sy).cos() / sy.cos(),
            s * (-(r - sy).cos() * sx.tan() / sy.cos() - r.sin()),
            0.0,
            s * (r - sy).sin() / sy.cos(),
            s * (-(r - sy).sin() * sx.tan() / sy.cos() + r.cos()),
            0.0,
            0.0,
            0.0,
            1.0,
        ];
        product(shift(self.translate[0], self.translate[1]), about(x, y, m))
    }
}

/// The middle of an image, `[x, y]`.
pub(crate) fn centre([h, w]: [usize; 2]) -> [f64; 2] {
    [w as f64 / 2.0, h as f64 / 2.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_counter_clockwise_sends_right_to_top() {
        let m = about(5.0, 5.0, turn(90.0));
        let (x, y) = (
            m[0] * 10.0 + m[1] * 5.0 + m[2],
            m[3] * 10.0 + m[4] * 5.0 + m[5],
        );
        assert!((x - 5.0).abs() < 1e-12 && y.abs() < 1e-12, "{x} {y}");
    }

    #[test]
    fn affine_without_shear_turns_clockwise() {
        let affine = Affine {
            angle: 30.0,
            ..Affine::IDENTITY
        };
        let want = about(4.0, 3.0, turn(-30.0));
        for (a, b) in affine.matrix([4.0, 3.0]).iter().zip(want) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
