//! Non-maximum suppression: of boxes that lie on each other the one of the highest score stays.

use super::boxes::{Xyxy, iou};

/// A box, and what suppression goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The box.
    pub bbox: Xyxy,
    /// Its score; NaN ranks last.
    pub score: f32,
    /// Only boxes of one class suppress each other.
    pub class: usize,
}

/// The positions of the candidates that stay, the highest score first; of equal scores the earlier.
///
/// From the highest score down, a candidate stays unless it overlaps with one of its class that stays by
/// an [`iou`] of more than `threshold`.
///
/// # Example
/// ```
/// use onggi_zoo::detection::nms::{Candidate, nms};
///
/// let at = |x: f32, score, class| Candidate { bbox: [x, 0.0, x + 10.0, 10.0], score, class };
/// let candidates = [at(0.0, 0.5, 1), at(1.0, 0.9, 1), at(1.0, 0.8, 2), at(30.0, 0.7, 1)];
/// assert_eq!(nms(&candidates, 0.5), [1, 2, 3]);
/// ```
///
/// # Differences from torchvision
/// Classes are told apart as such. torchvision's `batched_nms` moves the boxes of each class by an
/// offset where there are few, which rounds them.
pub fn nms(candidates: &[Candidate], threshold: f32) -> Vec<usize> {
    let classes = candidates.iter().map(|c| c.class);
    let mut names: Vec<usize> = classes.collect();
    names.sort_unstable();
    names.dedup();
    let mut kept_of: Vec<Vec<Xyxy>> = vec![Vec::new(); names.len()];
    let mut kept = Vec::new();
    for at in ranked(candidates, |c| c.score) {
        let candidate = candidates[at];
        let Ok(class) = names.binary_search(&candidate.class) else {
            continue;
        };
        let same = &mut kept_of[class];
        if !same
            .iter()
            .any(|other| iou(*other, candidate.bbox) > threshold)
        {
            same.push(candidate.bbox);
            kept.push(at);
        }
    }
    kept
}

/// Positions by falling score; of equal scores the earlier first, NaN last.
fn ranked<T>(items: &[T], score: impl Fn(&T) -> f32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|&a, &b| falling(score(&items[a]), score(&items[b])));
    order
}

/// The order of falling scores, NaN last; `0` and `−0` are equal.
pub(super) fn falling(a: f32, b: f32) -> std::cmp::Ordering {
    b.partial_cmp(&a)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32, score: f32, class: usize) -> Candidate {
        let bbox = [x, 0.0, x + 10.0, 10.0];
        Candidate { bbox, score, class }
    }

    #[test]
    fn one_of_those_on_each_other_stays() {
        let row = [
            at(0.0, 0.5, 0),
            at(2.0, 0.9, 0),
            at(4.0, 0.7, 0),
            at(11.0, 0.6, 0),
        ];
        assert_eq!(nms(&row, 0.5), [1, 3], "0 and 2 lie on 1");
        assert_eq!(nms(&row, 0.7), [1, 2, 3, 0]);
        assert_eq!(nms(&[], 0.5), [0; 0]);
    }

    /// What is suppressed suppresses nothing; an overlap of just the threshold is none.
    #[test]
    fn only_what_stays_suppresses() {
        let chain = [at(0.0, 0.9, 0), at(3.0, 0.8, 0), at(6.0, 0.7, 0)];
        assert_eq!(nms(&chain, 0.5), [0, 2]);
        let half = [
            at(0.0, 0.9, 0),
            Candidate {
                bbox: [0.0, 0.0, 10.0, 5.0],
                ..at(0.0, 0.8, 0)
            },
        ];
        assert_eq!(nms(&half, 0.5), [0, 1]);
    }

    #[test]
    fn classes_are_apart_and_ties_go_by_place() {
        let row = [at(0.0, 0.5, 7), at(0.0, 0.5, 3), at(0.0, 0.5, 7)];
        assert_eq!(nms(&row, 0.5), [0, 1]);
    }

    #[test]
    fn scores_that_are_no_numbers_rank_last() {
        let row = [
            at(0.0, f32::NAN, 0),
            at(0.0, -1.0, 0),
            at(50.0, f32::INFINITY, 0),
        ];
        assert_eq!(nms(&row, 0.5), [2, 1]);
        let broken = [
            Candidate {
                bbox: [f32::NAN; 4],
                score: 1.0,
                class: 0,
            },
            at(0.0, 0.5, 0),
        ];
        assert_eq!(nms(&broken, 0.5), [0, 1]);
    }
}
