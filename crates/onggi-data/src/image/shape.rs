//! The shape images are brought to: chosen by the user, or suggested from the files' headers.

use serde::{Deserialize, Serialize};

use super::decode::{MAX_SIDE, header};
use super::folder::ImageItem;
use crate::{DataError, parallel};

/// Sides up to this are kept, as small pictures are drawn for their size.
const SMALL_SIDE: usize = 64;
/// Side for pictures that are larger: what a small network trained from nothing on a CPU can use.
const LARGE_SIDE: usize = 96;

/// Grey or colour; 1 or 3 in JSON and TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub enum Channels {
    /// One channel, luma after ITU-R 601.
    Grey,
    /// Three channels: red, green, blue.
    Rgb,
}

impl Channels {
    /// Values a pixel: 1 or 3.
    pub fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

impl TryFrom<usize> for Channels {
    type Error = DataError;
    fn try_from(count: usize) -> Result<Self, DataError> {
        match count {
            1 => Ok(Self::Grey),
            3 => Ok(Self::Rgb),
            got => Err(DataError::ChannelCount { got }),
        }
    }
}

impl From<Channels> for usize {
    fn from(channels: Channels) -> Self {
        channels.count()
    }
}

/// Height and width in pixels, and channels.
///
/// # Example
/// ```
/// use onggi_data::image::{Channels, ImageShape};
///
/// let shape = ImageShape::new(28, 28, Channels::Grey)?;
/// assert_eq!(shape.chw(), [1, 28, 28]);
/// # Ok::<(), onggi_data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    height: usize,
    width: usize,
    channels: Channels,
}

impl ImageShape {
    /// Joins the three.
    ///
    /// # Errors
    /// [`DataError::ImageShape`] for a side that is 0 or above 16,384.
    pub fn new(height: usize, width: usize, channels: Channels) -> Result<Self, DataError> {
        let most = MAX_SIDE;
        if !(1..=most).contains(&height) || !(1..=most).contains(&width) {
            return Err(DataError::ImageShape {
                most,
                height,
                width,
            });
        }
        Ok(Self {
            height,
            width,
            channels,
        })
    }

    /// Height in pixels.
    pub fn height(self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(self) -> usize {
        self.width
    }

    /// Grey or colour.
    pub fn channels(self) -> Channels {
        self.channels
    }

    /// The shape as models take it: `[C, H, W]`.
    pub fn chw(self) -> [usize; 3] {
        [self.channels.count(), self.height, self.width]
    }
}

/// Suggests a square shape from the files' headers.
///
/// The side is the median of the images' shorter sides, rounded up to a multiple of 4, where that
/// median is at most 64; else 96, which suits a small network trained from nothing on a CPU. The
/// channels are grey where every image is, else RGB. Files whose header cannot be read are passed
/// over.
///
/// # Errors
/// [`DataError::NoReadableImage`] where that is all of them.
pub fn suggest_shape(items: &[ImageItem], threads: usize) -> Result<ImageShape, DataError> {
    let headers = parallel::map(items, threads, |item| header(&item.path));
    let mut sides = Vec::with_capacity(items.len());
    let mut all_grey = true;
    let mut first = None;
    for result in headers {
        match result {
            Ok(header) => {
                sides.push(header.height.min(header.width));
                all_grey &= header.grey;
            }
            Err(error) => first = first.or_else(|| Some(error.to_string())),
        }
    }
    if sides.is_empty() {
        let first = first.unwrap_or_else(|| "the list is empty".to_owned());
        return Err(DataError::NoReadableImage {
            count: items.len(),
            first,
        });
    }
    let middle = sides.len() / 2;
    let (_, &mut median, _) = sides.select_nth_unstable(middle);
    let side = if median <= SMALL_SIDE {
        median.next_multiple_of(4)
    } else {
        LARGE_SIDE
    };
    ImageShape::new(
        side,
        side,
        if all_grey {
            Channels::Grey
        } else {
            Channels::Rgb
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::folder::tests::{Folder, item};

    fn suggested(sizes: &[(u32, u32)], colour: bool) -> ImageShape {
        let folder = Folder::new();
        let mut items = Vec::new();
        for (i, &(h, w)) in sizes.iter().enumerate() {
            let path = folder.grey(&format!("a/{i}.png"), h, w);
            items.push(item(&path, 0));
        }
        if colour {
            items.push(item(&folder.rgb("a/colour.jpg", 300, 200), 0));
        }
        items.push(item(&folder.file("a/broken.png", b"no image"), 0));
        suggest_shape(&items, 2).unwrap()
    }

    #[test]
    fn small_pictures_keep_their_size() {
        let grey = suggested(&[(28, 28), (28, 28), (500, 28)], false);
        assert_eq!(
            (grey.height, grey.width, grey.channels),
            (28, 28, Channels::Grey)
        );
        assert_eq!(suggested(&[(29, 40), (29, 40)], false).height, 32);
        assert_eq!(suggested(&[(64, 64)], false).height, 64);
    }

    #[test]
    fn large_pictures_and_one_colour_among_grey() {
        let shape = suggested(&[(480, 640)], true);
        assert_eq!((shape.height, shape.channels), (96, Channels::Rgb));
    }

    #[test]
    fn nothing_readable_is_an_error() {
        let folder = Folder::new();
        let items = [item(&folder.file("a.png", b"no"), 0)];
        let refusal = suggest_shape(&items, 1).unwrap_err();
        assert!(
            matches!(refusal, DataError::NoReadableImage { count: 1, .. }),
            "{refusal}"
        );
        assert!(suggest_shape(&[], 1).is_err());
    }

    #[test]
    fn bad_shapes_are_refused() {
        for (h, w) in [(0, 3), (3, 0), (16_385, 3)] {
            assert!(matches!(
                ImageShape::new(h, w, Channels::Rgb),
                Err(DataError::ImageShape { most: 16_384, .. })
            ));
        }
        assert!(matches!(
            Channels::try_from(4),
            Err(DataError::ChannelCount { got: 4 })
        ));
    }
}
