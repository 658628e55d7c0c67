//! The middle value of a square: takes specks away, keeps edges.

use multiversion::multiversion;

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
                Pixels::U8(p) if side == 5 => Pixels::U8(median5(p, &image)),
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

/// Bytes sorted at once: one vector.
const BYTES: usize = 32;

/// Exchanges pairs of vectors so that every lane is in order.
macro_rules! sort {
    ($v:ident: $($i:literal $j:literal),*) => {
        $(for k in 0..BYTES {
            let (a, b) = ($v[$i][k], $v[$j][k]);
            $v[$i][k] = a.min(b);
            $v[$j][k] = a.max(b);
        })*
    };
}

/// The median of 5×5 in 8 bits: columns of five are sorted once for all windows they are in.
fn median5(p: &[u8], image: &Image) -> Vec<u8> {
    let (h, w, c) = (image.height(), image.width(), image.channels());
    // Room for whole vectors beyond the last of the shifted rows.
    let stride = ((w + 8) * c).next_multiple_of(BYTES) + BYTES;
    let mut wide = vec![0; h * stride];
    for (row, out) in p.chunks_exact(w * c).zip(wide.chunks_exact_mut(stride)) {
        for j in 0..w + 4 {
            let from = Border::Edge.index(j as i64 - 2, w).unwrap_or(0);
            out[j * c..][..c].copy_from_slice(&row[from * c..][..c]);
        }
    }
    let mut sorted: [Vec<u8>; 5] = std::array::from_fn(|_| vec![0; stride]);
    let mut line = vec![0; (w * c).next_multiple_of(BYTES)];
    let mut out = Vec::with_capacity(p.len());
    for i in 0..h {
        let row = |t: usize| &wide[(i + t).saturating_sub(2).min(h - 1) * stride..][..stride];
        columns(std::array::from_fn(row), &mut sorted);
        across(&sorted, c, &mut line);
        out.extend_from_slice(&line[..w * c]);
    }
    out
}

/// Sorts five rows value by value.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn columns(rows: [&[u8]; 5], sorted: &mut [Vec<u8>; 5]) {
    let n = rows[0].len();
    let [a, b, c, d, e] = sorted;
    let out = [a, b, c, d, e].map(|o| o.as_chunks_mut::<BYTES>().0);
    let rows = rows.map(|r| r[..n].as_chunks::<BYTES>().0);
    for at in 0..n / BYTES {
        let mut v = [
            rows[0][at],
            rows[1][at],
            rows[2][at],
            rows[3][at],
            rows[4][at],
        ];
        sort!(v: 0 1, 3 4, 2 4, 2 3, 0 3, 0 2, 1 4, 1 3, 1 2);
        out[0][at] = v[0];
        out[1][at] = v[1];
        out[2][at] = v[2];
        out[3][at] = v[3];
        out[4][at] = v[4];
    }
}

/// Medians of five neighbouring sorted columns, `c` values apart. Sorted along the rows too, a value
/// in row r and column s has (r + 1)(s + 1) − 1 others below or at it and (5 − r)(5 − s) − 1 above or
/// at it: 13 of the 25 can be the median, and it is theirs. They fall into five ascending runs; the
/// least and the greatest of those taken up go until one is left.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn across(sorted: &[Vec<u8>; 5], c: usize, out: &mut [u8]) {
    let n = out.len();
    macro_rules! shifted {
        ($r:literal) => {
            [
                sorted[$r][..n].as_chunks::<BYTES>().0,
                sorted[$r][c..][..n].as_chunks::<BYTES>().0,
                sorted[$r][2 * c..][..n].as_chunks::<BYTES>().0,
                sorted[$r][3 * c..][..n].as_chunks::<BYTES>().0,
                sorted[$r][4 * c..][..n].as_chunks::<BYTES>().0,
            ]
        };
    }
    let rows = (
        shifted!(0),
        shifted!(1),
        shifted!(2),
        shifted!(3),
        shifted!(4),
    );
    macro_rules! load {
        ($r:tt, $at:ident) => {
            [
                rows.$r[0][$at],
                rows.$r[1][$at],
                rows.$r[2][$at],
                rows.$r[3][$at],
                rows.$r[4][$at],
            ]
        };
    }
    for (at, out) in out.as_chunks_mut::<BYTES>().0.iter_mut().enumerate() {
        // Of the columns' least values the two greatest.
        let mut x = load!(0, at);
        sort!(x: 0 1, 2 3, 1 3, 0 2, 1 2, 3 4, 2 3);
        let mut y = load!(1, at);
        sort!(y: 0 1, 3 4, 2 4, 2 3, 0 3, 0 2, 1 4, 1 3, 1 2);
        let mut z = load!(2, at);
        sort!(z: 0 1, 3 4, 2 4, 2 3, 0 3, 0 2, 1 4, 1 3, 1 2);
        let mut v = [x[3], x[4], y[2], y[3], y[4], z[1], z[2], z[3]];
        sort!(v: 2 5, 0 2, 4 7, 1 7);
        let mut x = load!(3, at);
        sort!(x: 0 1, 3 4, 2 4, 2 3, 0 3, 0 2, 1 4, 1 3, 1 2);
        v[0] = x[0];
        sort!(v: 0 1, 2 3, 4 5, 0 2, 0 4, 0 6, 1 3, 3 5, 5 6);
        v[0] = x[1];
        sort!(v: 0 1, 2 3, 4 5, 0 2, 0 4, 1 3, 3 5);
        v[0] = x[2];
        sort!(v: 0 1, 2 3, 0 2, 1 3, 0 4, 3 4);
        // Of the columns' greatest values the two least.
        let mut y = load!(4, at);
        sort!(y: 0 1, 2 3, 0 2, 1 3, 1 2, 0 4, 1 4);
        v[0] = y[0];
        sort!(v: 0 1, 2 3, 0 2, 1 3);
        v[0] = y[1];
        sort!(v: 0 1, 1 2, 0 1);
        *out = v[1];
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
                5 => median5(p, &x),
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

    /// A network that sorts every row of zeros and ones right sorts all; a sorted column of them is
    /// told by its number of ones.
    #[test]
    fn the_network_of_five_is_right_for_every_input() {
        let ones: Vec<u32> = (0..6u32.pow(5))
            .flat_map(|n| (0..5).map(move |k| n / 6u32.pow(k) % 6))
            .chain([0; 4])
            .collect();
        let sorted: [Vec<u8>; 5] =
            std::array::from_fn(|r| ones.iter().map(|&n| u8::from(n + r as u32 >= 5)).collect());
        let mut medians = vec![0; ones.len() - 4];
        across(&sorted, 1, &mut medians);
        for (window, median) in ones.windows(5).zip(medians) {
            assert_eq!(
                median,
                u8::from(window.iter().sum::<u32>() >= 13),
                "{window:?}"
            );
        }
        for n in 0..32u8 {
            let bits: [u8; 5] = std::array::from_fn(|k| n >> k & 1);
            let rows = bits.map(|b| [b; BYTES]);
            let mut sorted = std::array::from_fn(|_| vec![0; BYTES]);
            columns(std::array::from_fn(|k| &rows[k][..]), &mut sorted);
            let mut want = bits;
            want.sort_unstable();
            assert_eq!(std::array::from_fn(|k| sorted[k][0]), want);
        }
    }
}
