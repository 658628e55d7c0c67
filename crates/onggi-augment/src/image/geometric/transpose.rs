//! Exchanges rows and columns.

use crate::image::base::prelude::*;

settings! {
    /// Mirrors on the main diagonal: `y[i, j] = x[j, i]`, height and width exchanged. `p` is 0.5.
    pub struct Transpose {}
}

impl Transform for Transpose {
    type Params = ();

    const P: f64 = 0.5;

    fn draw(&self, _: &Sample, _: &mut Draw) -> Result<(), AugmentError> {
        Ok(())
    }

    fn apply(&self, (): &(), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.transpose())
    }
}

impl Sample {
    /// Rows and columns exchanged.
    pub(crate) fn transpose(self) -> Self {
        let [h, w] = self.size();
        let mut sample = self.each_image(|image| {
            let [h, w] = image.size();
            let c = image.channels();
            let pixels = each_depth!(image.pixels(), p => match c {
                1 => exchange::<_, 1>(p, h, w),
                3 => exchange::<_, 3>(p, h, w),
                4 => exchange::<_, 4>(p, h, w),
                _ => {
                    let mut out = Vec::with_capacity(p.len());
                    for j in 0..w {
                        for i in 0..h {
                            out.extend_from_slice(&p[(i * w + j) * c..][..c]);
                        }
                    }
                    out
                }
            });
            Image::of(w, h, c, pixels)
        });
        sample.move_targets([w, h], 0, |x, y| Some((y, x)));
        sample
    }
}

/// In blocks, so that neither side is read or written across the whole cache.
fn exchange<T: Value, const C: usize>(p: &[T], h: usize, w: usize) -> Vec<T> {
    const BLOCK: usize = 32;
    let x = p.as_chunks::<C>().0;
    let mut out = vec![T::default(); p.len()];
    let y = out.as_chunks_mut::<C>().0;
    for top in (0..h).step_by(BLOCK) {
        for left in (0..w).step_by(BLOCK) {
            for j in left..(left + BLOCK).min(w) {
                for i in top..(top + BLOCK).min(h) {
                    y[j * h + i] = x[i * w + j];
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::image::base::conformance::sample;

    #[test]
    fn twice_is_nothing() {
        for c in [1, 2, 3, 4] {
            let x = sample(37, 41, c);
            let once = x.clone().transpose();
            assert_eq!(once.size(), [41, 37]);
            assert_eq!(once.transpose(), x);
        }
    }
}
