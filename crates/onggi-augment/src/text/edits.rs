//! Edits as spans of the original string: the reason why untouched bytes survive.
//!
//! An augmenter never rewrites a text. It lists spans and what takes their place; the list is
//! sorted, spans do not overlap, and two lists in a row are composed into one on the first string.

use std::ops::Range;

/// The augmenters behind an edit, as bits at their places in the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ops(pub(crate) u64);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Raw {
    start: usize,
    end: usize,
    /// The replacement, as a range of the arena.
    from: usize,
    to: usize,
    ops: Ops,
}

/// Sorted, non-overlapping replacements of byte spans of one string.
///
/// # Example
/// ```
/// use onggi_augment::text::Edits;
///
/// let mut edits = Edits::default();
/// edits.replace(4..7, "dog");
/// edits.insert(0, "So, ");
/// assert_eq!(edits.apply("the cat ran"), "So, the dog ran");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    list: Vec<Raw>,
    arena: String,
}

/// One edit as read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit<'a> {
    /// First byte replaced.
    pub start: usize,
    /// Byte after the last one replaced; `start` for an insertion.
    pub end: usize,
    /// What stands there now; empty for a deletion.
    pub replacement: &'a str,
    pub(crate) ops: Ops,
}

impl Edits {
    /// Puts `replacement` in the place of the bytes of `span`.
    ///
    /// Where edits overlap the one added first wins and the later one is dropped.
    pub fn replace(&mut self, span: Range<usize>, replacement: &str) {
        self.build(span, |arena| arena.push_str(replacement));
    }

    /// Puts `text` before the byte `at`; at one place the text added first comes first.
    pub fn insert(&mut self, at: usize, text: &str) {
        self.replace(at..at, text);
    }

    /// Takes the bytes of `span` out.
    pub fn delete(&mut self, span: Range<usize>) {
        self.replace(span, "");
    }

    /// Like [`replace`](Self::replace), the replacement being written by `write`.
    pub(crate) fn build(&mut self, span: Range<usize>, write: impl FnOnce(&mut String)) {
        if self.list.capacity() == 0 {
            // Enough for most short texts: growing step by step would allocate four times.
            self.list.reserve(12);
            self.arena.reserve(96);
        }
        let from = self.arena.len();
        write(&mut self.arena);
        self.list.push(Raw {
            start: span.start,
            end: span.end.max(span.start),
            from,
            to: self.arena.len(),
            ops: Ops::default(),
        });
    }

    /// Number of edits.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The edits, first to last.
    pub fn iter(&self) -> impl Iterator<Item = Edit<'_>> {
        self.list.iter().map(|raw| Edit {
            start: raw.start,
            end: raw.end,
            replacement: &self.arena[raw.from..raw.to],
            ops: raw.ops,
        })
    }

    /// The augmenters behind any of the edits, as bits at their places in the registry.
    pub(crate) fn parts(&self) -> u64 {
        self.list.iter().fold(0, |bits, raw| bits | raw.ops.0)
    }

    /// Sorts, drops what overlaps, what changes nothing, and what does not fall on the borders of
    /// characters of `source`.
    pub(crate) fn seal(&mut self, source: &str, ops: Ops) {
        if !self.list.is_sorted_by_key(|raw| (raw.start, raw.end)) {
            // Of two spans from one start the shorter comes first: insertions before replacements.
            self.list.sort_by_key(|raw| (raw.start, raw.end));
        }
        let arena = self.arena.as_bytes();
        let mut end = 0;
        self.list.retain_mut(|raw| {
            let fits = raw.start >= end
                && source
                    .get(raw.start..raw.end)
                    .is_some_and(|old| old.as_bytes() != &arena[raw.from..raw.to]);
            if fits {
                end = raw.end;
                raw.ops = ops;
            }
            fits
        });
    }

    /// Drops edits that reach into a protected span: no augmenter makes one, and none may.
    pub(crate) fn spare(&mut self, protected: &[Range<usize>]) {
        if protected.is_empty() {
            return;
        }
        let mut next = 0;
        self.list.retain(|raw| {
            while protected
                .get(next)
                .is_some_and(|span| span.end <= raw.start)
            {
                next += 1;
            }
            protected.get(next).is_none_or(|span| raw.end <= span.start)
        });
    }

    /// The string after the edits. Edits that fall outside `source` or inside one of its characters
    /// are left out.
    pub fn apply(&self, source: &str) -> String {
        if self.list.is_sorted_by_key(|raw| (raw.start, raw.end)) {
            return self.splice(source);
        }
        let mut sorted = self.clone();
        sorted.list.sort_by_key(|raw| (raw.start, raw.end));
        sorted.splice(source)
    }

    /// [`apply`](Self::apply) for sorted edits.
    pub(crate) fn splice(&self, source: &str) -> String {
        let mut out = String::with_capacity(source.len() + self.arena.len());
        // What comes after byte `at`.
        let (mut at, mut rest) = (0, source);
        for raw in &self.list {
            let gap = raw.start.checked_sub(at);
            let parts = gap.and_then(|gap| rest.split_at_checked(gap));
            let parts = parts.and_then(|(kept, after)| {
                let (_, after) = after.split_at_checked(raw.end - raw.start)?;
                Some((kept, after))
            });
            if let Some((kept, after)) = parts {
                out.push_str(kept);
                out.push_str(&self.arena[raw.from..raw.to]);
                (at, rest) = (raw.end, after);
            }
        }
        out.push_str(rest);
        out
    }

    /// Byte `at` of the string before, in the string after; `at` lies in no edited span.
    pub(crate) fn shift(&self, spans: &mut [Range<usize>]) {
        let mut next = 0;
        let mut delta = 0isize;
        for span in spans {
            while let Some(raw) = self.list.get(next).filter(|raw| raw.end <= span.start) {
                delta += (raw.to - raw.from) as isize - (raw.end - raw.start) as isize;
                next += 1;
            }
            span.start = span.start.saturating_add_signed(delta);
            span.end = span.end.saturating_add_signed(delta);
        }
    }

    /// Joins edits of a string and edits of the string they led to (`middle`) into one list on the
    /// first string. Edits that touch become one, with the augmenters of both.
    pub(crate) fn compose(self, second: Self, middle: &str) -> Self {
        if self.is_empty() {
            return second;
        }
        let mut out = Self::default();
        let (mut i, mut j) = (0, 0);
        // A place of `middle` that no edit of the first list covers lies `delta` further left in the
        // first string.
        let mut delta = 0isize;
        let grow = |raw: &Raw| (raw.to - raw.from) as isize - (raw.end - raw.start) as isize;
        let back = |at: usize, delta: isize| at.saturating_add_signed(-delta);
        while i < self.list.len() || j < second.list.len() {
            let place = |i: usize, delta: isize| {
                self.list.get(i).map(|raw| {
                    let start = raw.start.saturating_add_signed(delta);
                    start..start + (raw.to - raw.from)
                })
            };
            let (a, b) = (
                place(i, delta),
                second.list.get(j).map(|raw| raw.start..raw.end),
            );
            let mut cluster = match (&a, &b) {
                (Some(a), Some(b)) if (b.start, b.end) < (a.start, a.end) => b.clone(),
                (Some(a), _) => a.clone(),
                (None, Some(b)) => b.clone(),
                (None, None) => break,
            };
            let (first_i, first_j, first_delta) = (i, j, delta);
            let mut ops = 0;
            loop {
                if let Some(a) = place(i, delta).filter(|a| a.start <= cluster.end) {
                    cluster.end = cluster.end.max(a.end);
                    ops |= self.list[i].ops.0;
                    delta += grow(&self.list[i]);
                    i += 1;
                } else if let Some(raw) = second.list.get(j).filter(|raw| raw.start <= cluster.end)
                {
                    cluster.end = cluster.end.max(raw.end);
                    ops |= raw.ops.0;
                    j += 1;
                } else {
                    break;
                }
            }
            let start = if i == first_i {
                back(cluster.start, first_delta)
            } else {
                back(cluster.start, first_delta).min(self.list[first_i].start)
            };
            let span = start..back(cluster.end, delta);
            out.build(span, |text| {
                let mut at = cluster.start;
                for raw in &second.list[first_j..j] {
                    text.push_str(middle.get(at..raw.start).unwrap_or_default());
                    text.push_str(&second.arena[raw.from..raw.to]);
                    at = raw.end;
                }
                text.push_str(middle.get(at..cluster.end).unwrap_or_default());
            });
            if let Some(raw) = out.list.last_mut() {
                raw.ops = Ops(ops);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sorts_and_drops_overlaps_and_nothings() {
        let mut edits = Edits::default();
        edits.replace(4..7, "dog");
        edits.replace(5..6, "overlap");
        edits.replace(0..3, "the");
        edits.insert(4, "big ");
        edits.delete(7..11);
        edits.replace(3..400, "outside");
        edits.seal("the cat ran", Ops(2));
        assert_eq!(edits.len(), 3);
        assert_eq!(edits.apply("the cat ran"), "the big dog");
    }

    #[test]
    fn leaves_out_edits_inside_a_character() {
        let mut edits = Edits::default();
        edits.replace(1..2, "x");
        assert_eq!(edits.apply("é"), "é");
    }

    /// Edits on characters of `text` from a list of (place, length, replacement).
    fn edits(text: &str, raw: &[(usize, usize, String)], ops: u64) -> Edits {
        let borders: Vec<usize> = text
            .char_indices()
            .map(|(i, _)| i)
            .chain([text.len()])
            .collect();
        let mut edits = Edits::default();
        for (place, length, replacement) in raw {
            let from = place % borders.len();
            let to = (from + length).min(borders.len() - 1);
            edits.replace(borders[from]..borders[to], replacement);
        }
        edits.seal(text, Ops(ops));
        edits
    }

    proptest! {
        #[test]
        fn composed_edits_give_what_both_give(
            text in "[a-cé]{0,12}",
            first in prop::collection::vec((0usize..13, 0usize..4, "[x-z]{0,3}"), 0..5),
            second in prop::collection::vec((0usize..20, 0usize..4, "[u-w]{0,3}"), 0..5),
        ) {
            let first = edits(&text, &first, 1);
            let middle = first.apply(&text);
            let second = edits(&middle, &second, 2);
            let last = second.apply(&middle);
            let composed = first.compose(second, &middle);
            prop_assert_eq!(composed.apply(&text), last);
            let spans: Vec<Edit<'_>> = composed.iter().collect();
            for pair in spans.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
        }

        #[test]
        fn spans_follow_the_text_around_them(
            place in 0usize..10, length in 0usize..3, replacement in "[x-z]{0,3}",
        ) {
            let text = "abcdefghij#KLM#nopq";
            let start = place.min(10 - length.min(10));
            let mut change = Edits::default();
            change.replace(start..(start + length).min(10), &replacement);
            change.replace(16..17, "longer");
            change.seal(text, Ops(1));
            let after = change.apply(text);
            let mut span = 10..15;
            change.shift(std::slice::from_mut(&mut span));
            prop_assert_eq!(&after[span], "#KLM#");
        }
    }
}
