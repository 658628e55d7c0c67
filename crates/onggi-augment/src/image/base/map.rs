//! Where the pixels of a geometric transform come from, and where points go.

use multiversion::multiversion;

/// Where every pixel of the result comes from, in pixels from the left and top edges.
#[derive(Clone, Debug)]
pub(crate) enum Map {
    /// A 3×3 matrix on homogeneous coordinates, row by row, and its inverse.
    Matrix {
        forward: [f64; 9],
        inverse: [f64; 9],
    },
    /// For every pixel of the result how far from it its source lies.
    Field(Field),
}

/// A displacement a pixel, result to source.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) size: [usize; 2],
    pub(crate) dx: Vec<f32>,
    pub(crate) dy: Vec<f32>,
}

impl Field {
    /// The field of `f(x, y) = (source x, source y)` at pixel centres.
    pub(crate) fn of(size: [usize; 2], f: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        let [h, w] = size;
        let (mut dx, mut dy) = (Vec::with_capacity(h * w), Vec::with_capacity(h * w));
        for i in 0..h {
            for j in 0..w {
                let (x, y) = (j as f64 + 0.5, i as f64 + 0.5);
                let (sx, sy) = f(x, y);
                dx.push((sx - x) as f32);
                dy.push((sy - y) as f32);
            }
        }
        Self { size, dx, dy }
    }

    /// The displacement of the pixel that (x, y) lies in, linear between pixel centres.
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let [h, w] = self.size;
        let x = (x - 0.5).clamp(0.0, (w - 1) as f64);
        let y = (y - 0.5).clamp(0.0, (h - 1) as f64);
        let (j, i) = (x as usize, y as usize);
        let (fx, fy) = (x - j as f64, y - i as f64);
        let (j1, i1) = ((j + 1).min(w - 1), (i + 1).min(h - 1));
        let mix = |d: &[f32]| {
            let at = |i: usize, j: usize| f64::from(d[i * w + j]);
            let top = at(i, j) * (1.0 - fx) + at(i, j1) * fx;
            let bottom = at(i1, j) * (1.0 - fx) + at(i1, j1) * fx;
            top * (1.0 - fy) + bottom * fy
        };
        (mix(&self.dx), mix(&self.dy))
    }
}

impl Map {
    /// The map that moves points by `forward`; `None` for a matrix without an inverse.
    pub(crate) fn matrix(forward: [f64; 9]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i] = forward;
        let det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
        let inverse = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ]
        .map(|v| v / det);
        let good = inverse.iter().all(|v| v.is_finite());
        good.then_some(Self::Matrix { forward, inverse })
    }

    /// Where a point of the source goes.
    pub(super) fn forward(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        match self {
            Self::Matrix { forward: m, .. } => {
                let z = m[6] * x + m[7] * y + m[8];
                // Behind the eye, or on its plane: the point is not seen.
                (z > 1e-9).then(|| {
                    (
                        (m[0] * x + m[1] * y + m[2]) / z,
                        (m[3] * x + m[4] * y + m[5]) / z,
                    )
                })
            }
            // The field leads from result to source: turned round by fixed-point iteration, which
            // meets wherever neighbouring pixels keep their order.
            Self::Field(field) => {
                let mut at = (x, y);
                for _ in 0..32 {
                    let (dx, dy) = field.at(at.0, at.1);
                    at = ((at.0 + x - dx) / 2.0, (at.1 + y - dy) / 2.0);
                }
                Some(at)
            }
        }
    }

    /// Source coordinates of the pixels of row `i` of the result, counted in pixel centres.
    pub(super) fn row(&self, i: usize, xs: &mut [f32], ys: &mut [f32]) {
        let n = xs.len();
        match self {
            Self::Matrix { inverse: m, .. } => {
                let y = i as f64 + 0.5;
                let line = |a: f64, b: f64, c: f64| (a, b * y + c + 0.5 * a);
                let (x, y, z) = (
                    line(m[0], m[1], m[2]),
                    line(m[3], m[4], m[5]),
                    line(m[6], m[7], m[8]),
                );
                if m[6] == 0.0 && m[7] == 0.0 {
                    let scaled = |(a, b): (f64, f64)| (a / m[8], b / m[8] - 0.5);
                    straight([scaled(x), scaled(y)], xs, ys);
                } else {
                    receding([x, y, z], xs, ys);
                }
            }
            Self::Field(field) => {
                let dx = &field.dx[i * n..][..n];
                let dy = &field.dy[i * n..][..n];
                for j in 0..n {
                    xs[j] = j as f32 + dx[j];
                    ys[j] = i as f32 + dy[j];
                }
            }
        }
    }
}

/// Coordinates `a j + b`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn straight([x, y]: [(f64, f64); 2], xs: &mut [f32], ys: &mut [f32]) {
    let n = xs.len();
    let ys = &mut ys[..n];
    for j in 0..n {
        let t = f64::from(j as i32);
        xs[j] = (x.0 * t + x.1) as f32;
        ys[j] = (y.0 * t + y.1) as f32;
    }
}

/// Coordinates `(a j + b) / z`, counted in pixel centres. A pixel that looks behind the eye sees
/// nothing: far off the image.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn receding([x, y, z]: [(f64, f64); 3], xs: &mut [f32], ys: &mut [f32]) {
    let n = xs.len();
    let ys = &mut ys[..n];
    for j in 0..n {
        let t = f64::from(j as i32);
        let w = z.0 * t + z.1;
        let w = if w > 1e-9 { 1.0 / w } else { f64::NAN };
        xs[j] = ((x.0 * t + x.1) * w - 0.5) as f32;
        ys[j] = ((y.0 * t + y.1) * w - 0.5) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_go_where_pixels_go() {
        let wave = |x: f64, y: f64| (x + 2.0 * (y / 9.0).sin(), y + 1.5 * (x / 8.0).cos());
        let field = Map::Field(Field::of([40, 50], wave));
        let turn = Map::matrix([0.8, -0.3, 6.0, 0.2, 0.9, -1.0, 0.001, 0.002, 1.0]).unwrap();
        for map in [field, turn] {
            let (mut xs, mut ys) = (vec![0.0; 50], vec![0.0; 50]);
            map.row(20, &mut xs, &mut ys);
            for j in [10, 25, 40] {
                let (x, y) = (f64::from(xs[j]) + 0.5, f64::from(ys[j]) + 0.5);
                let (bx, by) = map.forward(x, y).unwrap();
                let off = (bx - (j as f64 + 0.5)).hypot(by - 20.5);
                assert!(off < 1e-3, "{off}");
            }
        }
    }

    #[test]
    fn a_matrix_without_inverse_is_none() {
        assert!(Map::matrix([0.0; 9]).is_none());
    }
}
