//! Train models that hold up on data they have not seen.
pub mod report;
