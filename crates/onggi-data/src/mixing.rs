//! Batches whose samples are mixed with each other, labels too.

use crate::{Batch, DataError};
use onggi_augment::Draw;
use onggi_augment::image::{CutMix, MixUp};
use rand::RngExt;

/// Batch index of the [`Draw`]s is counted from here on, where no sample's is.
const FIRST_INDEX: u64 = 1 << 62;

/// A way of mixing each sample of a batch with the one before it (the first with the last).
///
/// | | values | share of a sample's own label |
/// | --- | --- | --- |
/// | `MixUp` | `λ·x + (1 − λ)·x′` | `λ` |
/// | `CutMix` | a rectangle of `x′` of `1 − λ` of the area, in its place in `x` | the area that is left |
///
/// `λ` is drawn once a batch from Beta(alpha, alpha).
///
/// # Reference
/// Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018; Yun et al., "CutMix:
/// regularization strategy to train strong classifiers with localizable features", ICCV 2019.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mixing {
    /// Samples shining through each other; images, or rows of a table.
    MixUp {
        /// Of the distribution, above 0: 0.2 mixes little, 1 anything.
        alpha: f64,
    },
    /// A rectangle of one image in another.
    CutMix {
        /// Of the distribution, above 0.
        alpha: f64,
    },
}

/// The second label of each sample of a mixed batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// Share of a sample's own label, from 0 to 1; the rest is that of its other one.
    pub share: f32,
    /// The other labels, `N`.
    pub labels: Vec<usize>,
}

impl Batch {
    /// Mixes the samples, in one of `ways` that is drawn with equal chances. The draw depends on
    /// `seed`, `epoch` and the batch's `number` in it alone. A regressor's answers are mixed as the
    /// labels are.
    ///
    /// # Errors
    /// [`DataError::Mixing`] for an alpha that is not above 0, and for a rectangle in what is no image.
    ///
    /// # Example
    /// ```
    /// use onggi_data::{Batch, Mixing};
    ///
    /// let mut batch = Batch {
    ///     x: vec![0.0, 1.0],
    ///     shape: vec![2, 1],
    ///     labels: vec![0, 1],
    ///     targets: vec![],
    ///     indices: vec![0, 1],
    ///     mixed: None,
    /// };
    /// batch.mix(&[Mixing::MixUp { alpha: 0.2 }], 42, 1, 0)?;
    /// let mixed = batch.mixed.unwrap();
    /// assert_eq!(mixed.labels, [1, 0]);
    /// assert_eq!(batch.x, [1.0 - mixed.share, mixed.share]);
    /// # Ok::<(), onggi_data::DataError>(())
    /// ```
    pub fn mix(
        &mut self,
        ways: &[Mixing],
        seed: u64,
        epoch: u64,
        number: u64,
    ) -> Result<(), DataError> {
        let mut rng = Draw::new(seed, epoch, FIRST_INDEX | number);
        let (n, Some(most)) = (self.labels.len(), ways.len().checked_sub(1)) else {
            return Ok(());
        };
        let width = self.x.len() / n.max(1);
        if n < 2 || width == 0 {
            return Ok(());
        }
        let share = match ways[rng.random_range(0..=most)] {
            Mixing::MixUp { alpha } => {
                above_zero(alpha)?;
                let mix = MixUp {
                    alpha,
                    ..Default::default()
                };
                let share = mix.draw(&mut rng) as f32;
                each_with_the_one_before(&mut self.x, width, |x, other| {
                    for (x, other) in x.iter_mut().zip(other) {
                        *x = other + share * (*x - other);
                    }
                });
                share
            }
            Mixing::CutMix { alpha } => {
                above_zero(alpha)?;
                let [_, _, height, columns] = self.shape[..] else {
                    return Err(DataError::Mixing {
                        problem: format!(
                            "cutmix is for images (N, C, H, W), but a batch has the shape {:?}",
                            self.shape
                        ),
                    });
                };
                let mix = CutMix {
                    alpha,
                    ..Default::default()
                };
                let window = mix.draw([height, columns], &mut rng);
                let [rows, cut] = window.size;
                let (top, left) = (window.top as usize, window.left as usize);
                each_with_the_one_before(&mut self.x, width, |x, other| {
                    let planes = x.chunks_exact_mut(height * columns);
                    for (x, other) in planes.zip(other.chunks_exact(height * columns)) {
                        for row in top..top + rows {
                            let at = row * columns + left..row * columns + left + cut;
                            x[at.clone()].copy_from_slice(&other[at]);
                        }
                    }
                });
                1.0 - (rows * cut) as f32 / (height * columns) as f32
            }
        };
        if !self.targets.is_empty() {
            each_with_the_one_before(&mut self.targets, 1, |y, other| {
                y[0] = other[0] + share * (y[0] - other[0]);
            });
        }
        let mut labels = self.labels.clone();
        labels.rotate_right(1);
        self.mixed = Some(Mixed { share, labels });
        Ok(())
    }
}

fn above_zero(alpha: f64) -> Result<(), DataError> {
    if alpha > 0.0 && alpha.is_finite() {
        return Ok(());
    }
    Err(DataError::Mixing {
        problem: format!("alpha must be above 0, but is {alpha}"),
    })
}

/// Calls `mix` on each row of `width` values and, as it was, the row before; before the first comes
/// the last.
fn each_with_the_one_before(rows: &mut [f32], width: usize, mix: impl Fn(&mut [f32], &[f32])) {
    let n = rows.len() / width;
    let last = rows[(n - 1) * width..].to_vec();
    // From the end: what a row is mixed with has not been changed yet.
    for i in (1..n).rev() {
        let (before, row) = rows.split_at_mut(i * width);
        mix(&mut row[..width], &before[(i - 1) * width..]);
    }
    mix(&mut rows[..width], &last);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(n: usize, shape: &[usize]) -> Batch {
        let width: usize = shape.iter().product();
        let value = |i: usize| (i / width * 100 + i % width) as f32;
        Batch {
            x: (0..n * width).map(value).collect(),
            shape: [&[n], shape].concat(),
            labels: (0..n).collect(),
            targets: (0..n).map(|i| i as f32).collect(),
            indices: (0..n).collect(),
            mixed: None,
        }
    }

    #[test]
    fn values_labels_and_answers_are_mixed_by_one_share() {
        let plain = batch(3, &[4]);
        let mut mixed = plain.clone();
        let ways = [Mixing::MixUp { alpha: 1.0 }];
        mixed.mix(&ways, 1, 2, 3).unwrap();
        let Mixed { share, labels } = mixed.mixed.clone().unwrap();
        assert!((0.0..=1.0).contains(&share));
        assert_eq!(labels, [2, 0, 1]);
        for (i, &partner) in labels.iter().enumerate() {
            let (own, other) = (&plain.x[4 * i..4 * i + 4], &plain.x[4 * partner..]);
            for j in 0..4 {
                let want = share * own[j] + (1.0 - share) * other[j];
                assert!((mixed.x[4 * i + j] - want).abs() < 1e-4);
            }
            let want = share * i as f32 + (1.0 - share) * partner as f32;
            assert!((mixed.targets[i] - want).abs() < 1e-6);
        }
        let mut again = plain.clone();
        again.mix(&ways, 1, 2, 3).unwrap();
        assert_eq!(again, mixed);
        again = plain.clone();
        again.mix(&ways, 1, 2, 4).unwrap();
        assert_ne!(again.mixed, mixed.mixed);
    }

    #[test]
    fn a_rectangle_counts_by_its_area() {
        for number in 0..50 {
            let plain = batch(4, &[2, 5, 7]);
            let mut mixed = plain.clone();
            mixed
                .mix(&[Mixing::CutMix { alpha: 1.0 }], 9, 0, number)
                .unwrap();
            let Mixed { share, labels } = mixed.mixed.clone().unwrap();
            for (i, &other) in labels.iter().enumerate() {
                let at = |x: &[f32], i: usize, j: usize| x[i * 70 + j];
                let pasted = (0..70).filter(|&j| {
                    let value = at(&mixed.x, i, j);
                    let own = value == at(&plain.x, i, j);
                    assert!(own || value == at(&plain.x, other, j));
                    !own
                });
                let area = pasted.count() as f32 / 70.0;
                assert!((1.0 - area - share).abs() < 1e-6, "{area} {share}");
            }
        }
    }

    #[test]
    fn nothing_is_done_to_a_lone_sample_or_without_a_way() {
        let (mut lone, mut two) = (batch(1, &[3]), batch(2, &[3]));
        lone.mix(&[Mixing::MixUp { alpha: 1.0 }], 0, 0, 0).unwrap();
        two.mix(&[], 0, 0, 0).unwrap();
        assert_eq!((lone, two), (batch(1, &[3]), batch(2, &[3])));
    }

    #[test]
    fn mistakes_say_what_came() {
        let error = |way| {
            let mut rows = batch(2, &[3]);
            rows.mix(&[way], 0, 0, 0).unwrap_err().to_string()
        };
        assert!(error(Mixing::CutMix { alpha: 1.0 }).contains("[2, 3]"));
        assert!(error(Mixing::MixUp { alpha: 0.0 }).contains("above 0"));
    }
}
