//! The command line: one row a command.

use crate::commands;
use crate::failure::{Failure, words};
use crate::output;
use clap::{CommandFactory, Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// Train image and table models that hold up on data they have not seen.
#[derive(Parser, Debug)]
#[command(
    name = "onggi",
    version,
    max_term_width = 100,
    propagate_version = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One variant a command; its arguments, help and work are in `commands/<name>.rs`.
#[derive(Subcommand, Debug)]
enum Command {
    /// Train a classifier, test it, and say whether it overfits or underfits
    #[command(after_help = commands::train::EXAMPLES)]
    Train(Box<commands::train::Train>),
    /// Look for a learning rate: train some steps, each at a higher one, and watch the loss
    #[command(after_help = commands::lr_find::EXAMPLES)]
    LrFind(Box<commands::lr_find::LrFind>),
    /// Ask a trained model for the class of images or of a table's rows
    #[command(after_help = commands::predict::EXAMPLES)]
    Predict(commands::predict::Predict),
    /// Say what is in photos, and where: boxes, classes and masks, by Mask R-CNN
    #[command(after_help = commands::detect::EXAMPLES)]
    Detect(commands::detect::Detect),
    /// Measure a trained model on labelled data
    #[command(after_help = commands::evaluate::EXAMPLES)]
    Evaluate(commands::evaluate::Evaluate),
    /// Train with one remedy at a time, over several seeds, and say which ones help
    #[command(after_help = commands::compare::EXAMPLES)]
    Compare(Box<commands::compare::Compare>),
    /// Say what is wrong with a model and its data: fit, calibration, labels, duplicates
    #[command(after_help = commands::diagnose::EXAMPLES)]
    Diagnose(commands::diagnose::Diagnose),
    /// Make changed copies of data, or see what a trained model makes of them
    #[command(after_help = commands::augment::EXAMPLES)]
    Augment(Box<commands::augment::Augment>),
    /// Write the features that a pretrained model makes of images
    #[command(after_help = commands::embed::EXAMPLES)]
    Embed(commands::embed::Embed),
    /// Name the models there are, and pull their weights
    #[command(after_help = commands::models::EXAMPLES)]
    Models(commands::models::Models),
    /// Write a run's HTML report anew
    #[command(after_help = commands::report::EXAMPLES)]
    Report(commands::report::Report),
    /// Write a trained model for other programs: ONNX, or weights by PyTorch's names
    #[command(after_help = commands::export::EXAMPLES)]
    Export(commands::export::Export),
}

/// Runs the command that the program's arguments ask for. Exit codes: 0 good, 1 failed, 2 wrong use.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no mistake.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let result = match cli.command {
        Command::Train(command) => command.run(),
        Command::LrFind(command) => command.run(),
        Command::Predict(command) => command.run(),
        Command::Detect(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Diagnose(command) => command.run(),
        Command::Augment(command) => command.run(),
        Command::Embed(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Export(command) => command.run(),
    };
    let (code, message) = match result {
        Ok(()) => match output::lost() {
            None => return ExitCode::SUCCESS,
            Some(error) => (1, format!("stdout: {error}")),
        },
        Err(Failure::Usage(message)) => (2, output::one_line(&message)),
        Err(Failure::Failed(error)) => (1, words(&error)),
    };
    let _ = writeln!(std::io::stderr(), "error: {message}");
    if code == 2 {
        let name = Cli::command().get_name().to_string();
        let _ = writeln!(
            std::io::stderr(),
            "See `{name} --help` and `{name} <command> --help`."
        );
    }
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
