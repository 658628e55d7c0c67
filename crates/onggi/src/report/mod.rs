//! The HTML report of a run: one self-contained page, readable from disk without a network.
//!
//! [`render`] reads the run folder (the files of [`run::files`], nothing else) and returns the page;
//! [`write()`] puts it beside them. The page holds no script and loads nothing: pictures are embedded,
//! charts are inline SVG that follows the page's colours, and a content security policy says so to
//! the browser. One file of this folder is one section of the page; everything that comes from the
//! user (class names, paths, settings) is escaped by maud.

mod augmented;
pub(crate) mod chart;
mod classes;
mod confusion;
mod curves;
mod error;
#[cfg(test)]
mod fixture;
pub(crate) mod format;
mod gap;
pub(crate) mod head;
mod input;
mod interval;
mod mistakes;
mod pictures;
mod settings;
#[cfg(test)]
mod tests;
mod texts;
pub(crate) mod ticks;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use onggi_train::run::{
    self, AugmentedSample, ClassMetrics, EpochRecord, Evaluation, Fit, Mistake, Samples, Summary,
    TextSamples,
};
#[cfg(test)]
use onggi_train::run::{Skipped, Verdict};

pub use error::ReportError;
use input::Run;
use pictures::Album;

/// The page may use its own styles and embedded pictures, and may load or run nothing.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Renders the report of the run folder `run_dir` as one HTML page.
///
/// The same folder always gives the same page, to the byte.
///
/// # Errors
/// A file of the run folder is missing, truncated or malformed, or `samples.json` names a picture
/// outside its own folder; the error names the file. `samples.json` itself may be missing, and a
/// picture that cannot be shown is left out with a word in its place.
pub fn render(run_dir: &Path) -> Result<String, ReportError> {
    let run = Run::read(run_dir)?;
    let mut album = Album::new(run_dir);
    let sections = [
        // What is fitted in one go has no course.
        (!run.fitted()).then(|| Section::new("curves", "Curves", curves::section(&run))),
        Some(Section::new("gap", "The gap", gap::section(&run))),
        Some(Section::new(
            "confusion",
            "Confusion",
            confusion::section(&run),
        )),
        Some(Section::new("classes", "Classes", classes::section(&run))),
        texts::telling(&run).map(|body| Section::new("telling", "Most telling words", body)),
        texts::mistakes(&run).map(|body| Section::new("mistakes", "Worst mistakes", body)),
        mistakes::section(&run, &mut album)?
            .map(|body| Section::new("mistakes", "Worst mistakes", body)),
        augmented::section(&run, &mut album)?
            .map(|body| Section::new("augmented", "Augmented samples", body)),
        Some(Section::new(
            "settings",
            "Settings",
            settings::section(&run),
        )),
    ];
    let sections: Vec<Section> = sections.into_iter().flatten().collect();
    Ok(page(&run, &sections).into_string())
}

/// Renders the report and writes it to the run folder's `report.html`, whose path it returns.
///
/// The page goes to a temporary file first and is renamed when complete, so that a reader never
/// meets half a report and a failure leaves the old one in place.
///
/// # Errors
/// Those of [`render`], and [`ReportError::Write`].
pub fn write(run_dir: &Path) -> Result<PathBuf, ReportError> {
    let page = render(run_dir)?;
    let target = run_dir.join(run::files::REPORT);
    let temporary = run_dir.join(format!(".{}.{}", run::files::REPORT, std::process::id()));
    write_then_rename(&temporary, &target, page.as_bytes()).map_err(|source| {
        // The temporary file may not exist; there is nothing to say about that.
        let _ = fs::remove_file(&temporary);
        ReportError::Write {
            file: target.clone(),
            source,
        }
    })?;
    Ok(target)
}

fn write_then_rename(temporary: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(temporary, target)
}

/// One part of the page: its anchor, its heading and what stands below it.
struct Section {
    anchor: &'static str,
    heading: &'static str,
    body: Markup,
}

impl Section {
    fn new(anchor: &'static str, heading: &'static str, body: Markup) -> Self {
        Self {
            anchor,
            heading,
            body,
        }
    }
}

fn page(run: &Run, sections: &[Section]) -> Markup {
    let title = format!("{} – Onggi report", head::data_name(&run.summary.data));
    let body = html! {
        (head::header(run))
        nav aria-label="Sections" {
            @for section in sections {
                a href={ "#" (section.anchor) } { (section.heading) }
            }
        }
        main {
            @for section in sections {
                section id=(section.anchor) {
                    h2 { (section.heading) }
                    (section.body)
                }
            }
        }
        footer {
            p { "Made by " code { "onggi report" } " from " code { (run.summary.run) } "." }
        }
    };
    document(&title, &body)
}

/// A self-contained page in the reports' style.
pub(crate) fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(include_str!("report.css"))) }
            }
            body { (body) }
        }
    }
}
