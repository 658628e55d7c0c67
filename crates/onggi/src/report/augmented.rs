//! Training samples beside what augmentation makes of them.

use maud::{Markup, html};

use super::AugmentedSample;
use super::ReportError;
use super::format::counted;
use super::input::Run;
use super::pictures::Album;

/// Samples shown, and views of each.
const MOST: usize = 16;
const MOST_VIEWS: usize = 8;

/// `None` where there are no augmented pictures.
pub(super) fn section(run: &Run, album: &mut Album) -> Result<Option<Markup>, ReportError> {
    let samples = &run.samples.augmented;
    if samples.is_empty() {
        return Ok(None);
    }
    let strips = samples
        .iter()
        .take(MOST)
        .map(|s| strip(s, album))
        .collect::<Result<Vec<_>, _>>()?;
    let views = samples
        .iter()
        .take(MOST)
        .map(|sample| sample.views.len())
        .max()
        .unwrap_or(0);
    Ok(Some(html! {
        p.note {
            "The first picture of each strip, in its frame, is the training sample; the others are "
            "what the model saw of it. If you can no longer tell the class, neither can the model."
            @if samples.len() > MOST {
                " The first " (MOST) " of " (counted(samples.len(), "sample")) " are shown."
            }
            @if views > MOST_VIEWS { " At most " (MOST_VIEWS) " views of a sample are shown." }
        }
        ul.strips { @for strip in &strips { (strip) } }
    }))
}

fn strip(sample: &AugmentedSample, album: &mut Album) -> Result<Markup, ReportError> {
    let original = album
        .load(&sample.original)?
        .render(&format!("{}, original", sample.class));
    let views = sample
        .views
        .iter()
        .take(MOST_VIEWS)
        .enumerate()
        .map(|(i, view)| {
            Ok(album
                .load(view)?
                .render(&format!("{}, view {}", sample.class, i + 1)))
        })
        .collect::<Result<Vec<_>, ReportError>>()?;
    Ok(html! {
        li {
            figure {
                figcaption.name { (sample.class) }
                div.strip {
                    div.frame.original { (original) }
                    @for view in &views { div.frame { (view) } }
                }
            }
        }
    })
}
