//! Image and text augmentation without a deep-learning engine.
//!
//! A transform takes an [`image::Sample`] and a [`Draw`], the generator of one sample, and gives the
//! changed sample back. Every draw is a function of (seed, epoch, sample index), so that a result
//! depends neither on the number of threads nor on the order in which samples are asked for.
//!
//! # Example
//! ```
//! use onggi_augment::Draw;
//! use onggi_augment::image::{Compose, Image, Pixels};
//!
//! let pipeline: Compose = serde_json::from_str(
//!     r#"[{"transform": "random_crop", "size": [32, 32], "padding": 4},
//!         {"transform": "horizontal_flip"}]"#,
//! )?;
//! let image = Image::new(32, 32, 3, Pixels::U8(vec![7; 32 * 32 * 3]))?;
//! let augmented = pipeline.apply(image, &mut Draw::new(42, 0, 17))?;
//! assert_eq!(augmented.size(), [32, 32]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod error;
pub mod image;
mod nearest;
mod random;
pub mod text;

pub use error::AugmentError;
pub use random::Draw;
