//! A hash that an image keeps when it is scaled, compressed or slightly brightened.

use onggi_augment::image::{Image, Pixels};

use crate::DataError;
use crate::image::resize;

/// Side of the square that an image is stretched to, in pixels.
const SIDE: usize = 32;

/// Lowest frequencies that are kept, in either direction.
const KEPT: usize = 8;

/// DCT hash (pHash) of an image: 64 bits, of which nearly all agree between versions of one image.
///
/// The image is made grey (ITU-R 601), stretched to 32×32, and taken apart into cosines (DCT-II). Of
/// the 8×8 lowest frequencies, the mean included, each gives a bit: whether it is above their median.
///
/// # Example
/// ```
/// use onggi_augment::image::{Image, Pixels};
/// use onggi_data::duplicates::PerceptualHash;
///
/// let slope = |n: usize| (0..n * n).map(move |i| (i % n * 255 / n) as u8).collect::<Vec<_>>();
/// let small = Image::new(40, 40, 1, Pixels::U8(slope(40)))?;
/// let large = Image::new(90, 90, 1, Pixels::U8(slope(90)))?;
/// let distance = PerceptualHash::of(&small)?.distance(PerceptualHash::of(&large)?);
/// assert!(distance <= 6);
/// # Ok::<(), onggi_data::DataError>(())
/// ```
///
/// # Reference
/// Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PerceptualHash(u64);

impl PerceptualHash {
    /// The hash of an 8-bit image, grey or RGB.
    ///
    /// # Errors
    /// Those of [`resize`], and [`DataError::ChannelCount`] for other channels.
    pub fn of(image: &Image) -> Result<Self, DataError> {
        let grey = grey(image)?;
        let small = resize(&grey, SIDE, SIDE)?;
        let Pixels::U8(pixels) = small.pixels() else {
            return Err(DataError::PixelDepth);
        };
        Ok(Self::of_square(pixels))
    }

    /// Bits that differ, 0 to 64.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// The 64 bits, the lowest frequencies in the lowest bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    fn of_square(pixels: &[u8]) -> Self {
        let cosines: Vec<f64> = (0..KEPT * SIDE)
            .map(|i| {
                let (u, x) = ((i / SIDE) as f64, (i % SIDE) as f64);
                (std::f64::consts::PI * u * (2.0 * x + 1.0) / (2 * SIDE) as f64).cos()
            })
            .collect();
        // Rows first: `half[y][u]`, then columns of that.
        let mut half = [0.0; SIDE * KEPT];
        for (y, row) in pixels.chunks_exact(SIDE).enumerate() {
            for (u, cosine) in cosines.chunks_exact(SIDE).enumerate() {
                half[y * KEPT + u] = row.iter().zip(cosine).map(|(&p, c)| f64::from(p) * c).sum();
            }
        }
        let mut kept = [0.0; KEPT * KEPT];
        for (v, cosine) in cosines.chunks_exact(SIDE).enumerate() {
            for u in 0..KEPT {
                kept[v * KEPT + u] = (0..SIDE).map(|y| half[y * KEPT + u] * cosine[y]).sum();
            }
        }
        let mut sorted = kept;
        sorted.sort_unstable_by(f64::total_cmp);
        let median = (sorted[31] + sorted[32]) / 2.0;
        // Rounding must not decide: what is within it of the median counts as not above.
        let slack = 1e-9 * sorted[63].abs().max(sorted[0].abs());
        let bit = |(i, &value): (usize, &f64)| u64::from(value > median + slack) << i;
        Self(kept.iter().enumerate().map(bit).sum())
    }
}

/// One channel of an 8-bit image, by the weights of `decode`.
pub(super) fn grey(image: &Image) -> Result<Image, DataError> {
    let Pixels::U8(pixels) = image.pixels() else {
        return Err(DataError::PixelDepth);
    };
    let luma = |p: &[u8]| {
        let [r, g, b] = [p[0], p[1], p[2]].map(u32::from);
        ((19_595 * r + 38_470 * g + 7_471 * b + 32_768) >> 16) as u8
    };
    match image.channels() {
        1 => Ok(image.clone()),
        3 => {
            let grey = pixels.chunks_exact(3).map(luma).collect();
            Ok(Image::new(
                image.height(),
                image.width(),
                1,
                Pixels::U8(grey),
            )?)
        }
        got => Err(DataError::ChannelCount { got }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of imagehash 4.3.2, `phash`, of the same 32×32 pixels.
    #[test]
    fn as_imagehash() {
        let square = |f: fn(usize, usize) -> usize| -> Vec<u8> {
            (0..SIDE * SIDE)
                .map(|i| (f(i / SIDE, i % SIDE) % 256) as u8)
                .collect()
        };
        type Grey = fn(usize, usize) -> usize;
        let cases: [(Grey, u64); 3] = [
            (|y, x| 3 * x * x + 5 * y, GOLDEN[0]),
            (|y, x| (x * y) ^ (x + 7 * y), GOLDEN[1]),
            (
                |y, x| if (x / 5 + y / 7) % 2 == 0 { 200 + x } else { y },
                GOLDEN[2],
            ),
        ];
        for (f, expected) in cases {
            assert_eq!(PerceptualHash::of_square(&square(f)).bits(), expected);
        }
    }

    const GOLDEN: [u64; 3] = [
        0xa3e5_6bb7_b4e9_c001,
        0x4d9f_72d2_16e4_8879,
        0x8080_807f_7e7e_7a79,
    ];

    #[test]
    fn one_colour_has_a_hash() {
        let flat = |v| Image::new(5, 9, 1, Pixels::U8(vec![v; 45])).unwrap();
        let of = |v| PerceptualHash::of(&flat(v)).unwrap();
        assert_eq!(of(80), of(200));
        let colour = Image::new(2, 2, 3, Pixels::U8(vec![10; 12])).unwrap();
        assert_eq!(PerceptualHash::of(&colour).unwrap(), of(10));
        let two = Image::new(1, 1, 2, Pixels::U8(vec![0; 2])).unwrap();
        assert!(matches!(
            PerceptualHash::of(&two),
            Err(DataError::ChannelCount { got: 2 })
        ));
    }
}
