//! `onggi augment image|text|check`: changed copies of data, and what a trained model makes of them.

mod check;
mod image;
mod text;

use crate::failure::Failure;
use clap::{Args, Subcommand};

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi augment image photos/ more/ --copies 5
  onggi augment image photos/ --preview grid.png
  onggi augment text reviews.csv more.csv --recipe eda --label-column label
  onggi augment check photos/ runs/photos-1       which transforms change a model's mind?";

/// Arguments of `onggi augment`.
#[derive(Args, Debug)]
pub(crate) struct Augment {
    #[command(subcommand)]
    what: What,
}

/// One variant a kind of data, and the check.
#[derive(Subcommand, Debug)]
enum What {
    /// Write changed copies of the images of a folder, with their boxes and masks
    #[command(after_help = image::EXAMPLES)]
    Image(image::ImageCommand),
    /// Write a file of rows again, with changed copies of the training rows
    #[command(after_help = text::EXAMPLES)]
    Text(text::Text),
    /// See how often a trained model changes its mind, transform by transform
    #[command(after_help = check::EXAMPLES)]
    Check(check::Check),
}

impl Augment {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Image(command) => command.run(),
            What::Text(command) => command.run(),
            What::Check(command) => command.run(),
        }
    }
}
