//! The wrong answers the model was surest of, with their pictures.

use maud::{Markup, html};

use super::Mistake;
use super::ReportError;
use super::format::{count, counted, percent};
use super::input::Run;
use super::pictures::Album;

/// Mistakes shown.
const MOST: usize = 64;

/// `None` where there are no pictures of mistakes: tables, and models that make none.
pub(super) fn section(run: &Run, album: &mut Album) -> Result<Option<Markup>, ReportError> {
    let mistakes = &run.samples.mistakes;
    if mistakes.is_empty() {
        return Ok(None);
    }
    let cards = mistakes
        .iter()
        .take(MOST)
        .map(|m| card(m, album))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(html! {
        p.note {
            "Wrong answers on the " (run.evaluated_on()) " split, the surest first. Look for wrong "
            "labels, for pictures that hold two classes, and for what the model seems to go by."
            @if mistakes.len() > MOST {
                " The first " (MOST) " of " (counted(mistakes.len(), "picture")) " are shown; "
                (count(mistakes.len() - MOST)) " are left out."
            }
        }
        ul.grid { @for card in &cards { (card) } }
    }))
}

fn card(mistake: &Mistake, album: &mut Album) -> Result<Markup, ReportError> {
    let picture = album.load(&mistake.image)?;
    let alt = format!("{}, taken for {}", mistake.truth, mistake.predicted);
    Ok(html! {
        li {
            figure {
                div.frame { (picture.render(&alt)) }
                figcaption {
                    span { small { "truth " } bdi.name { b { (mistake.truth) } } }
                    span {
                        small { "said " } bdi.name { (mistake.predicted) } ", "
                        (percent(mistake.confidence))
                    }
                    span.source { (breakable(&mistake.source)) }
                }
            }
        }
    })
}

/// A path that may break behind its slashes, so that a file name stays whole where it can;
/// each part keeps its own writing direction, and the parts their order.
fn breakable(path: &str) -> Markup {
    html! { @for part in path.split_inclusive(['/', '\\']) { bdi { (part) } wbr; } }
}
