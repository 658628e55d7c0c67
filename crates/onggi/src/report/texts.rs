//! What a text classifier goes by: the words that speak most strongly for each class, and the wrong
//! answers it was surest of.

use maud::{Markup, html};

use super::format::percent;
use super::input::Run;
use onggi_train::run::TellingNgram;

/// The words of each class; `None` where the run is of no texts.
pub(super) fn telling(run: &Run) -> Option<Markup> {
    let telling = &run.texts.telling;
    if telling.is_empty() {
        return None;
    }
    let classes = run.summary.classes.iter().zip(telling);
    Some(html! {
        p.note {
            "Words, and words that follow each other, by what they add to the logit of a class. Look for "
            "what should not matter: names, dates, marks of where a text came from."
        }
        div.columns {
            @for (class, ngrams) in classes {
                table {
                    caption { bdi { (class) } }
                    tbody { @for ngram in ngrams { (row(ngram)) } }
                }
            }
        }
    })
}

/// The wrong answers; `None` where there are none, or the run is of no texts.
pub(super) fn mistakes(run: &Run) -> Option<Markup> {
    let mistakes = &run.texts.mistakes;
    if mistakes.is_empty() {
        return None;
    }
    // A network does not say what spoke for its answers.
    let told = mistakes.iter().any(|mistake| !mistake.telling.is_empty());
    Some(html! {
        p.note {
            "Wrong answers on the " (run.evaluated_on()) " split, the surest first"
            @if told { ", with what spoke most for the wrong class" }
            ". Look for wrong labels."
        }
        div.scroll {
            table {
                thead {
                    tr {
                        th.text scope="col" { "Text" } th.text scope="col" { "Truth" }
                        th.text scope="col" { "Said" }
                        @if told { th.text scope="col" { "Because of" } }
                    }
                }
                tbody {
                    @for mistake in mistakes {
                        tr {
                            td.text { small { (mistake.source) } br; bdi { (mistake.text) } }
                            td.text { bdi { b { (mistake.truth) } } }
                            td.text { bdi { (mistake.predicted) } ", " (percent(mistake.confidence)) }
                            @if told {
                                td.text {
                                    @for ngram in &mistake.telling { bdi { code { (ngram.ngram) } } " " }
                                }
                            }
                        }
                    }
                }
            }
        }
    })
}

fn row(ngram: &TellingNgram) -> Markup {
    html! { tr { th.text scope="row" { bdi { (ngram.ngram) } } td { (format!("{:+.1}", ngram.weight)) } } }
}
