//! The median of 5×5 values in 8 bits, by networks that sort vectors of neighbouring values lane by
//! lane. What neighbouring windows have in common is sorted once: 59 least and greatest of vectors
//! for a vector of medians, where sorted columns alone take 166.

use multiversion::multiversion;

/// Values of a vector. On AVX2 wider ones would not fit its registers.
const BYTES: usize = 32;

type Vector = [u8; BYTES];

/// Five neighbouring values of a row, sorted lane by lane.
type Five = [Vector; 5];

/// Those of two rows, sorted lane by lane.
type Ten = [Vector; 10];

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

/// Medians of an image of `c` interleaved channels; beyond the edge the outermost pixel is repeated.
///
/// Rows i and i + 1 are done together: rows i − 1 to i + 2 lie in the windows of both.
pub(super) fn median5(p: &[u8], [h, w]: [usize; 2], c: usize) -> Vec<u8> {
    let n = (w * c).div_ceil(BYTES);
    let mut line = vec![0; n * BYTES + 4 * c];
    let mut sort_row = |i: usize, to: &mut [Five]| {
        let row = &p[i.min(h - 1) * w * c..][..w * c];
        for j in [0, 1] {
            line[j * c..][..c].copy_from_slice(&row[..c]);
            line[(w + 2 + j) * c..][..c].copy_from_slice(&row[(w - 1) * c..]);
        }
        line[2 * c..][..w * c].copy_from_slice(row);
        rows_of_five(&line, c, to);
    };
    // Rows i − 2 to i + 3 but for i − 1, which only its pair with row i is needed of.
    let mut rows: [Vec<Five>; 5] = std::array::from_fn(|_| vec![[[0; BYTES]; 5]; n]);
    let [above, here, next, after, below] = &mut rows;
    let (mut upper, mut lower) = (vec![[[0; BYTES]; 10]; n], vec![[[0; BYTES]; 10]; n]);
    sort_row(0, above);
    sort_row(0, here);
    sort_row(1, next);
    merge(above, here, &mut upper);
    let mut medians = [vec![0; n * BYTES], vec![0; n * BYTES]];
    let mut out = Vec::with_capacity(p.len());
    for i in (0..h).step_by(2) {
        sort_row(i + 2, after);
        sort_row(i + 3, below);
        merge(next, after, &mut lower);
        middle([&upper, &lower], [above, below], &mut medians);
        for medians in medians.iter().take(h - i) {
            out.extend_from_slice(&medians[..w * c]);
        }
        std::mem::swap(&mut upper, &mut lower);
        std::mem::swap(above, here);
        std::mem::swap(here, after);
        std::mem::swap(next, below);
    }
    out
}

/// Sorts every value of a row and the four to the right of it, `c` values apart.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn rows_of_five(line: &[u8], c: usize, to: &mut [Five]) {
    let n = to.len() * BYTES;
    let a = line[..n].as_chunks::<BYTES>().0;
    let b = line[c..][..n].as_chunks::<BYTES>().0;
    let d = line[2 * c..][..n].as_chunks::<BYTES>().0;
    let e = line[3 * c..][..n].as_chunks::<BYTES>().0;
    let f = line[4 * c..][..n].as_chunks::<BYTES>().0;
    for (((((to, a), b), d), e), f) in to.iter_mut().zip(a).zip(b).zip(d).zip(e).zip(f) {
        let mut v = [*a, *b, *d, *e, *f];
        sort!(v: 0 1, 3 4, 2 4, 2 3, 0 3, 0 2, 1 4, 1 3, 1 2);
        *to = v;
    }
}

/// Batcher's odd-even merge of five and five.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn merge(a: &[Five], b: &[Five], to: &mut [Ten]) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        let mut v = [a[0], a[1], a[2], a[3], a[4], b[0], b[1], b[2], b[3], b[4]];
        sort!(v: 0 5, 4 9, 4 5, 2 7, 2 4, 5 7, 1 6, 3 8, 3 6, 1 2, 3 4, 5 6, 7 8);
        *to = v;
    }
}

/// Medians of the twenty values of four rows with the five of the row above them, and with the five
/// of the row below. Of twenty values only the six in the middle can be the median of twenty-five:
/// the odd-even merge of ten and ten without what they do not need. The median is the sixth of those
/// six and the five, both sorted: the least of max(aᵢ, bⱼ) over i + j = 6.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn middle([upper, lower]: [&[Ten]; 2], [above, below]: [&[Five]; 2], medians: &mut [Vec<u8>; 2]) {
    let [first, second] = medians;
    let second = second.as_chunks_mut::<BYTES>().0;
    let medians = first.as_chunks_mut::<BYTES>().0.iter_mut().zip(second);
    let rows = upper.iter().zip(lower).zip(above).zip(below);
    for ((((p, q), above), below), (first, second)) in rows.zip(medians) {
        let mut v = [
            p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], q[0], q[1], q[2], q[3],
            q[4], q[5], q[6], q[7], q[8], q[9],
        ];
        sort!(v: 0 10, 8 18, 8 10, 4 14, 4 8, 10 14, 2 12, 6 16, 6 12, 6 8, 10 12);
        sort!(v: 1 11, 9 19, 9 11, 5 15, 5 9, 11 15, 3 13, 7 17, 7 13, 7 9, 11 13);
        sort!(v: 7 8, 9 10, 11 12);
        sixth(&v, above, first);
        sixth(&v, below, second);
    }
}

/// The sixth of `v[7..13]` and the five values of `s`. A call for each row: a loop over the two keeps
/// `v` in memory, which makes the whole median twice as slow.
#[inline(always)]
fn sixth(v: &[Vector; 20], s: &Five, o: &mut Vector) {
    for k in 0..BYTES {
        let a = v[12][k].min(v[11][k].max(s[0][k]));
        let b = v[10][k].max(s[1][k]).min(v[9][k].max(s[2][k]));
        let c = v[8][k].max(s[3][k]).min(v[7][k].max(s[4][k]));
        o[k] = a.min(b).min(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of rows of zeros and ones, sorted, told by their numbers of ones.
    fn fives(ones: &[u32]) -> Vec<Five> {
        let lanes = ones.as_chunks::<BYTES>().0.iter();
        lanes
            .map(|n| std::array::from_fn(|r| n.map(|n| u8::from(n + r as u32 >= 5))))
            .collect()
    }

    /// A network that is right for every input of zeros and ones is right for all.
    #[test]
    fn the_networks_are_right_for_every_input() {
        // Six rows with 0 to 5 ones each, in all combinations.
        let counts: Vec<[u32; 6]> = (0..6u32.pow(6))
            .map(|n| std::array::from_fn(|k| n / 6u32.pow(k as u32) % 6))
            .collect();
        let row = |k: usize| fives(&counts.iter().map(|c| c[k]).collect::<Vec<_>>());
        let zero = [[0; BYTES]; 10];
        let mut pairs = [
            vec![zero; counts.len() / BYTES],
            vec![zero; counts.len() / BYTES],
        ];
        merge(&row(1), &row(2), &mut pairs[0]);
        merge(&row(3), &row(4), &mut pairs[1]);
        for (i, count) in counts.iter().enumerate() {
            let ones = (count[1] + count[2]) as usize;
            for (r, lanes) in pairs[0][i / BYTES].iter().enumerate() {
                assert_eq!(lanes[i % BYTES], u8::from(ones + r >= 10), "{count:?}");
            }
        }
        let mut medians = [vec![0; counts.len()], vec![0; counts.len()]];
        middle([&pairs[0], &pairs[1]], [&row(0), &row(5)], &mut medians);
        for (i, count) in counts.iter().enumerate() {
            let all: u32 = count.iter().sum();
            assert_eq!(medians[0][i], u8::from(all - count[5] >= 13), "{count:?}");
            assert_eq!(medians[1][i], u8::from(all - count[0] >= 13), "{count:?}");
        }
        for n in 0..32u8 {
            let mut bits: [u8; 5] = std::array::from_fn(|k| n >> k & 1);
            let line: Vec<u8> = bits.iter().flat_map(|&b| [b; BYTES]).collect();
            let mut sorted = vec![[[0; BYTES]; 5]];
            rows_of_five(&line, BYTES, &mut sorted);
            bits.sort_unstable();
            assert_eq!(sorted[0].map(|v| v[0]), bits);
        }
    }
}
