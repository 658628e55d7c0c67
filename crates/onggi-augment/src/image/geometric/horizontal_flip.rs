//! Mirrors an image left and right: the first augmentation to try on photographs, and one to leave
//! out where sides have meaning (digits, letters, road signs).

use multiversion::multiversion;

use crate::image::base::prelude::*;

settings! {
    /// Mirrors the image left and right: `y[i, j] = x[i, W − 1 − j]`. `p` is 0.5.
    ///
    /// # Example
    /// ```
    /// use onggi_augment::Draw;
    /// use onggi_augment::image::{HorizontalFlip, Image, Pixels, Transform};
    ///
    /// let image = Image::new(1, 3, 1, Pixels::U8(vec![1, 2, 3]))?;
    /// let flip = HorizontalFlip::default().p(1.0)?;
    /// let flipped = flip.apply(image, &mut Draw::new(0, 0, 0))?.image;
    /// assert_eq!(flipped.pixels(), &Pixels::U8(vec![3, 2, 1]));
    /// # Ok::<(), onggi_augment::AugmentError>(())
    /// ```
    pub struct HorizontalFlip {}
}

impl Transform for HorizontalFlip {
    type Params = ();

    const P: f64 = 0.5;

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.mirror())
    }
}

impl Sample {
    /// Left and right exchanged.
    pub(crate) fn mirror(self) -> Self {
        let [h, w] = self.size();
        let mut sample = self.each_image(|image| {
            let (w, c) = (image.width(), image.channels());
            image.with(each_depth!(image.pixels(), p => mirror(p, w, c)))
        });
        sample.move_targets([h, w], 0, |x, y| Some((w as f64 - x, y)));
        sample
    }
}

/// Reverses the pixels of every row. The usual channel counts get loops of fixed stride. A row is
/// read from its start, as the processor foresees, reversed in the first-level cache, and added.
fn mirror<T: Value>(p: &[T], w: usize, c: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(p.len());
    let mut line = vec![T::default(); w * c];
    for row in p.chunks_exact(w * c) {
        match c {
            1 => pixels::<T, 1>(row, &mut line),
            3 => triples(row, &mut line),
            4 => pixels::<T, 4>(row, &mut line),
            _ => {
                for (o, v) in line.chunks_exact_mut(c).rev().zip(row.chunks_exact(c)) {
                    o.copy_from_slice(v);
                }
            }
        }
        out.extend_from_slice(&line);
    }
    out
}

fn pixels<T: Value, const C: usize>(row: &[T], out: &mut [T]) {
    let (row, out) = (row.as_chunks::<C>().0, out.as_chunks_mut::<C>().0);
    for (o, v) in out.iter_mut().rev().zip(row) {
        *o = *v;
    }
}

/// Five RGB pixels are one shuffle of a vector of 16 values; the value left over is written over by
/// the next five. The quarters of a row are mirrored side by side, so that they share the checks of
/// their bounds, which take longer than the shuffles.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn triples<T: Value>(row: &[T], out: &mut [T]) {
    let m = row.len() / 60 * 15;
    let (a, row) = row.split_at(m);
    let (b, row) = row.split_at(m);
    let (c, row) = row.split_at(m);
    let (d, row) = row.split_at(m);
    let (out, last) = out.split_at_mut(row.len());
    let (to_d, last) = last.split_at_mut(m);
    let (to_c, last) = last.split_at_mut(m);
    let (to_b, to_a) = last.split_at_mut(m);
    let mut at = 0;
    while at + 16 <= m {
        five(&a[..m], &mut to_a[..m], at);
        five(&b[..m], &mut to_b[..m], at);
        five(&c[..m], &mut to_c[..m], at);
        five(&d[..m], &mut to_d[..m], at);
        at += 15;
    }
    for (from, to) in [(a, to_a), (b, to_b), (c, to_c), (d, to_d)] {
        pixels::<T, 3>(&from[at..], &mut to[..m - at]);
    }
    pixels::<T, 3>(row, out);
}

/// The five pixels from value `at` on, to the same distance from the other end.
#[inline(always)]
fn five<T: Value>(row: &[T], out: &mut [T], at: usize) {
    let end = out.len() - at;
    let to = out[end - 16..end].first_chunk_mut::<16>();
    if let (Some(s), Some(o)) = (row[at..at + 16].first_chunk::<16>(), to) {
        *o = [
            s[15], s[12], s[13], s[14], s[9], s[10], s[11], s[6], s[7], s[8], s[3], s[4], s[5],
            s[0], s[1], s[2],
        ];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::base::conformance::{picture, sample};

    #[test]
    fn flips_about_half_the_samples() {
        let flip = HorizontalFlip::default().build().unwrap();
        let image = picture(1, 2, 1);
        let flipped = (0..1000)
            .filter(|&i| {
                flip.apply(image.clone(), &mut Draw::new(0, 0, i))
                    .unwrap()
                    .image
                    != image
            })
            .count();
        assert!((440..560).contains(&flipped), "{flipped}");
    }

    proptest! {
        #[test]
        fn moves_every_pixel_and_is_its_own_inverse(
            h in 1usize..12, w in 1usize..90, c in 1usize..6,
        ) {
            let x = sample(h, w, c);
            let y = x.clone().mirror();
            let (Pixels::U8(a), Pixels::U8(b)) = (x.image.pixels(), y.image.pixels())
                else { unreachable!() };
            for i in 0..h {
                for j in 0..w {
                    for k in 0..c {
                        prop_assert_eq!(
                            a[(i * w + j) * c + k],
                            b[(i * w + (w - 1 - j)) * c + k]
                        );
                    }
                }
            }
            let z = y.mirror();
            prop_assert_eq!(z.image, x.image);
            prop_assert_eq!(z.masks, x.masks);
        }
    }
}
