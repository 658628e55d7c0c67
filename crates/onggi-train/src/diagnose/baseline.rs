//! What a simple model reaches on the same data.

use super::LogisticRegression;
use crate::metrics::{accuracy, argmax, log_loss};
use crate::{Subset, TrainError};
use onggi_data::{Dataset, View};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Training samples taken at most, evenly spaced over the data.
const MOST_SAMPLES: usize = 4_000;

/// Values of the training samples taken at most: 64 MB.
const MOST_VALUES: usize = 8_000_000;

/// Longest side of an image that the simple model sees, in pixels.
const SIDE: usize = 16;

/// Strengths of the penalty that are tried, the strongest first.
const PENALTIES: [f64; 5] = [1.0, 0.1, 0.01, 0.001, 0.0001];

/// Multinomial logistic regression on a data set: on the features of a table, on the pixels of images
/// shrunk to at most 16 a side. Of texts it is [`TextLinear`](crate::linear::TextLinear).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Accuracy on the training samples it was fitted to.
    pub train_accuracy: f64,
    /// Accuracy on the validation data.
    pub val_accuracy: f64,
    /// Cross-entropy on the validation data, nats.
    pub val_loss: f64,
    /// Strength of the penalty, the one of 1 to 0.0001 with the lowest validation loss: chosen on the
    /// validation data, as a network's best epoch is.
    pub l2: f64,
    /// Training samples fitted to.
    pub samples: usize,
    /// Features of a sample.
    pub features: usize,
}

/// Fits and measures the simple model.
///
/// At most 4,000 training samples are used, fewer where a sample has more than 2,000 features, evenly
/// spaced over the data. An image is shrunk by a whole factor, to the means of its blocks of pixels.
///
/// # Errors
/// An empty data set, samples that cannot be read, and features that are not finite.
pub fn baseline(train: &Arc<dyn Dataset>, val: &Arc<dyn Dataset>) -> Result<Baseline, TrainError> {
    for (split, data) in [("train", train), ("validation", val)] {
        if data.is_empty() {
            return Err(TrainError::Empty { split });
        }
    }
    let classes = train.num_classes();
    let values = shrunk_len(&train.sample_shape()).max(1);
    let most = MOST_SAMPLES.min(MOST_VALUES / values).max(2 * classes);
    let (x, labels) = features(&Subset::evenly(train.clone(), most))?;
    let (val_x, val_labels) = features(val.as_ref())?;
    let mut best: Option<Baseline> = None;
    let models = LogisticRegression::path(&x, &labels, classes, &PENALTIES)?;
    for (model, l2) in models.iter().zip(PENALTIES) {
        let of = |x: &[f64], labels: &[usize]| -> Result<(f64, f64), TrainError> {
            let p = model.probabilities(x)?;
            let predicted: Vec<usize> = p.chunks_exact(classes).map(argmax).collect();
            Ok((
                accuracy(labels, &predicted)?,
                log_loss(labels, &p, classes)?,
            ))
        };
        let (val_accuracy, val_loss) = of(&val_x, &val_labels)?;
        if best.as_ref().is_none_or(|best| val_loss < best.val_loss) {
            best = Some(Baseline {
                train_accuracy: of(&x, &labels)?.0,
                val_accuracy,
                val_loss,
                l2,
                samples: labels.len(),
                features: x.len() / labels.len(),
            });
        }
    }
    best.ok_or(TrainError::Empty { split: "train" })
}

/// The simple model's features of all samples, and their labels.
fn features(data: &dyn Dataset) -> Result<(Vec<f64>, Vec<usize>), TrainError> {
    let shape = data.sample_shape();
    let mut sample = vec![0.0; shape.iter().product()];
    let mut x = Vec::with_capacity(data.len() * shrunk_len(&shape));
    for index in 0..data.len() {
        data.load(index, View::Eval, &mut sample)?;
        shrink(&sample, &shape, &mut x);
    }
    Ok((x, (0..data.len()).map(|index| data.label(index)).collect()))
}

/// The whole factor by which an image's sides are divided.
fn factor(height: usize, width: usize) -> usize {
    height.max(width).div_ceil(SIDE).max(1)
}

fn shrunk_len(shape: &[usize]) -> usize {
    match *shape {
        [c, h, w] => c * h.div_ceil(factor(h, w)) * w.div_ceil(factor(h, w)),
        _ => shape.iter().product(),
    }
}

/// Appends an image's block means, row by row and channel by channel; anything else as it is.
fn shrink(sample: &[f32], shape: &[usize], out: &mut Vec<f64>) {
    let [_, h, w] = *shape else {
        out.extend(sample.iter().map(|&x| f64::from(x)));
        return;
    };
    let factor = factor(h, w);
    for channel in sample.chunks_exact((h * w).max(1)) {
        for top in (0..h).step_by(factor) {
            for left in (0..w).step_by(factor) {
                let (bottom, right) = ((top + factor).min(h), (left + factor).min(w));
                let rows = (top..bottom).map(|y| &channel[y * w + left..y * w + right]);
                let sum: f64 = rows.flatten().map(|&x| f64::from(x)).sum();
                out.push(sum / ((bottom - top) * (right - left)) as f64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onggi_data::DataError;

    /// Images of two classes, bright on the left or on the right, 20×30.
    struct Sides(usize);

    impl Dataset for Sides {
        fn len(&self) -> usize {
            self.0
        }
        fn sample_shape(&self) -> Vec<usize> {
            vec![1, 20, 30]
        }
        fn label(&self, index: usize) -> usize {
            index % 2
        }
        fn num_classes(&self) -> usize {
            2
        }
        fn source(&self, index: usize) -> String {
            index.to_string()
        }
        fn load(&self, index: usize, _: View, out: &mut [f32]) -> Result<(), DataError> {
            for (i, pixel) in out.iter_mut().enumerate() {
                let noise = ((i * 31 + index * 17) % 13) as f32 / 13.0;
                *pixel = noise + f32::from(u8::from((i % 30 < 15) == index.is_multiple_of(2)));
            }
            Ok(())
        }
    }

    #[test]
    fn learns_what_is_simple() {
        let (train, val): (Arc<dyn Dataset>, Arc<dyn Dataset>) =
            (Arc::new(Sides(40)), Arc::new(Sides(11)));
        let got = baseline(&train, &val).unwrap();
        assert_eq!((got.val_accuracy, got.train_accuracy), (1.0, 1.0));
        assert_eq!((got.samples, got.features), (40, 10 * 15));
        assert!(got.val_loss < 0.1, "{got:?}");
        assert_eq!(got, baseline(&train, &val).unwrap());
        let empty: Arc<dyn Dataset> = Arc::new(Sides(0));
        assert!(baseline(&empty, &val).is_err() && baseline(&train, &empty).is_err());
    }

    #[test]
    fn blocks_are_means() {
        let mut out = Vec::new();
        // 17 wide: a factor of 2, the last column alone.
        let row: Vec<f32> = (0..17).map(|i| i as f32).collect();
        shrink(&row, &[1, 1, 17], &mut out);
        assert_eq!(out, [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5, 16.0]);
        assert_eq!(shrunk_len(&[1, 1, 17]), 9);
        out.clear();
        shrink(&[1.0, 2.0], &[2], &mut out);
        assert_eq!(out, [1.0, 2.0]);
    }
}
