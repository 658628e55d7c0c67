//! The commands, one file each.

pub(crate) mod augment;
pub(crate) mod compare;
pub(crate) mod detect;
pub(crate) mod diagnose;
pub(crate) mod embed;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod lr_find;
pub(crate) mod models;
mod picture;
pub(crate) mod predict;
pub(crate) mod report;
mod runs;
pub(crate) mod train;
