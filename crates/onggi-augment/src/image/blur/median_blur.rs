//! The middle value of a square: takes specks away, keeps edges.

use multiversion::multiversion;

use super::median_of_five::median5;
use super::{draw_odd, require_odd};
use crate::image::Border;
use crate::image::base::prelude::*;

settings! {
    /// Every value becomes the median of the square around it, its side drawn evenly. Beyond the
    /// edge the outermost pixel is repeated. `p` is 0.5.
    pub struct MedianBlur {
        /// Side in pixels, odd, at most 15, `[low, high]`.
        blur_limit: [usize; 2] = [3, 7],
    }
}

impl Transform for MedianBlur {
    /// Side of the square.
    type Params = usize;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let [_, high] = self.blur_limit;
        require::<Self>(high <= 15, "blur_limit", "is at most 15", high)?;
        require_odd::<Self>(self.blur_limit)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<usize, AugmentError> {
        Ok(draw_odd(self.blur_limit, rng))
    }

    fn apply(&self, side: &usize, sample: Sample) -> Result<Sample, AugmentError> {
        let side = (*side).clamp(1, 15) | 1;
        Ok(sample.with_image(|image| {
            image.with(match image.pixels() {
                Pixels::U8(p) if side == 5 => {
                    Pixels::U8(median5(p, image.size(), image.channels()))
                }
                pixels => each_depth!(pixels, p => median(p, &image, side)),
            })
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"blur_limit": [3, 17]}"#,
            "median_blur: blur_limit is at most 15, got 17",
        )]
    }
}

/// Values worked on at once.
const LANES: usize = 64;

fn median<T: Value>(p: &[T], image: &Image, side: usize) -> Vec<T> {
    let (h, w, c) = (image.height(), image.width(), image.channels());
    let half = side / 2;
    // Every row with its border, and room for a whole block at the end.
    let stride = (w + 2 * half) * c + LANES;
    let mut wide = vec![T::default(); h * stride];
    for (row, out) in p.chunks_exact(w * c).zip(wide.chunks_exact_mut(stride)) {
        for j in 0..w + 2 * half {
            let from = Border::Edge.index(j as i64 - half as i64, w).unwrap_or(0);
            out[j * c..][..c].copy_from_slice(&row[from * c..][..c]);
        }
    }
    let mut out = vec![T::default(); p.len()];
    let mut rows = Vec::with_capacity(side);
    for (i, out) in out.chunks_exact_mut(w * c).enumerate() {
        rows.clear();
        for t in 0..side {
            let i = Border::Edge
                .index((i + t) as i64 - half as i64, h)
                .unwrap_or(0);
            rows.push(&wide[i * stride..][..stride]);
        }
        row(&rows, c, out);
    }
    out
}

/// Forgetful selection: of half the values and two more, the least and the greatest cannot be the
/// median; they go and the next value comes, until three are left.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn row<T: Value>(rows: &[&[T]], c: usize, out: &mut [T]) {
    let side = rows.len();
    let total = side * side;
    let mut work = vec![[T::default(); LANES]; total / 2 + 2];
    for (b, out) in out.chunks_mut(LANES).enumerate() {
        let load = |n: usize, to: &mut [T; LANES]| {
            let at = b * LANES + n % side * c;
            to.copy_from_slice(&rows[n / side][at..at + LANES]);
        };
        let mut kept = (total / 2 + 2).min(total);
        for (n, lane) in work[..kept].iter_mut().enumerate() {
            load(n, lane);
        }
        let mut next = kept;
        while kept > 2 {
            // Least to the front, greatest to the back.
            for n in 1..kept {
                let (a, b) = work.split_at_mut(n);
                exchange(&mut a[0], &mut b[0]);
            }
            for n in 1..kept - 1 {
                let (a, b) = work.split_at_mut(kept - 1);
                exchange(&mut a[n], &mut b[0]);
            }
            if next == total {
                break;
            }
            // The next value in place of the least; the greatest is left behind.
            load(next, &mut work[0]);
            next += 1;
            kept -= 1;
        }
        let middle = usize::from(kept > 1);
        out.copy_from_slice(&work[middle][..out.len()]);
    }
}

/// The lesser of each lane to `a`, the greater to `b`.
#[inline(always)]
fn exchange<T: Value>(a: &mut [T; LANES], b: &mut [T; LANES]) {
    for k in 0..LANES {
        let (x, y) = (a[k], b[k]);
        a[k] = if x < y { x } else { y };
        b[k] = if x < y { y } else { x };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn equals_sorting() {
        for (side, c) in [(1, 3), (3, 1), (5, 3), (7, 2)] {
            let x = picture(11, 37, c);
            let Pixels::U8(p) = x.pixels() else {
                unreachable!()
            };
            let got = match side {
                5 => median5(p, [11, 37], c),
                _ => median(p, &x, side),
            };
            let half = side as i64 / 2;
            for i in 0..11i64 {
                for j in 0..37i64 {
                    for k in 0..c {
                        let mut all = Vec::new();
                        for a in i - half..=i + half {
                            for b in j - half..=j + half {
                                let (a, b) = (a.clamp(0, 10) as usize, b.clamp(0, 36) as usize);
                                all.push(p[(a * 37 + b) * c + k]);
                            }
                        }
                        all.sort_unstable();
                        let at = (i as usize * 37 + j as usize) * c + k;
                        assert_eq!(got[at], all[all.len() / 2], "{side} {i} {j} {k}");
                    }
                }
            }
        }
    }
}
