//! Transforms that move pixels, and with them masks, boxes and keypoints.

mod d4;
mod elastic_transform;
mod grid_distortion;
mod horizontal_flip;
mod matrix;
mod optical_distortion;
mod piecewise_affine;
mod random_affine;
mod random_perspective;
mod random_rotation;
mod rotate90;
mod safe_rotate;
mod shift_scale_rotate;
mod thin_plate_spline;
mod transpose;
mod vertical_flip;

pub use d4::D4;
pub use elastic_transform::ElasticTransform;
pub use grid_distortion::GridDistortion;
pub use horizontal_flip::HorizontalFlip;
pub use matrix::Affine;
pub use optical_distortion::OpticalDistortion;
pub use piecewise_affine::PiecewiseAffine;
pub use random_affine::RandomAffine;
pub use random_perspective::RandomPerspective;
pub use random_rotation::RandomRotation;
pub use rotate90::Rotate90;
pub use safe_rotate::SafeRotate;
pub use shift_scale_rotate::ShiftScaleRotate;
pub use thin_plate_spline::ThinPlateSpline;
pub use transpose::Transpose;
pub use vertical_flip::VerticalFlip;
