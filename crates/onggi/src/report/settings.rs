//! What the run was made with: its course in figures, every setting, and what was left out.

use maud::{Markup, html};
use toml::Value;

use super::format::{count, counted, duration};
use super::input::Run;

/// Skipped files listed; the rest is counted.
const MOST_SKIPPED: usize = 200;

pub(super) fn section(run: &Run) -> Markup {
    html! {
        div.columns {
            (course(run))
            @for group in groups(&run.config) { (group_table(&group)) }
        }
        (skipped(run))
    }
}

fn course(run: &Run) -> Markup {
    let summary = &run.summary;
    let [train, validation, test] = summary.split;
    html! {
        table.settings {
            caption { "The run" }
            tbody {
                (row("data", &summary.data))
                (row("classes", &count(summary.classes.len())))
                (row("training samples", &count(train)))
                (row("validation samples", &count(validation)))
                (row("test samples", &if test == 0 { "none".to_owned() } else { count(test) }))
                (row("parameters", &count(summary.parameters)))
                (row("epochs run", &count(summary.epochs)))
                (row("best epoch", &count(summary.best_epoch)))
                (row("why it ended", &summary.stopped))
                (row("time", &duration(summary.seconds)))
            }
        }
    }
}

/// The settings of one TOML table; `name` is its dotted path, empty for the top.
#[derive(Debug, PartialEq)]
struct Group {
    name: String,
    rows: Vec<(String, String)>,
}

/// The tables of `config` in its order, each with its plain values; tables without any are passed
/// over, since their sub-tables name them.
fn groups(config: &toml::Table) -> Vec<Group> {
    let mut groups = vec![];
    collect("", config, &mut groups);
    groups
}

fn collect(name: &str, table: &toml::Table, groups: &mut Vec<Group>) {
    let join = |key: &str| {
        if name.is_empty() {
            key.to_owned()
        } else {
            format!("{name}.{key}")
        }
    };
    let rows: Vec<(String, String)> = table
        .iter()
        .filter(|(_, value)| tables(value).is_none())
        .map(|(key, value)| (key.clone(), plain(value)))
        .collect();
    if !rows.is_empty() {
        groups.push(Group {
            name: name.to_owned(),
            rows,
        });
    }
    for (key, value) in table {
        match tables(value).as_deref() {
            Some([table]) if value.is_table() => collect(&join(key), table, groups),
            Some(tables) => {
                for (i, table) in tables.iter().enumerate() {
                    collect(&format!("{} {}", join(key), i + 1), table, groups);
                }
            }
            None => {}
        }
    }
}

/// The table, or the tables of an array that holds nothing else; `None` for a plain value.
fn tables(value: &Value) -> Option<Vec<&toml::Table>> {
    match value {
        Value::Table(table) => Some(vec![table]),
        Value::Array(items) if !items.is_empty() => items.iter().map(Value::as_table).collect(),
        _ => None,
    }
}

/// A string as it is, unless empty; everything else as TOML writes it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        other => other.to_string(),
    }
}

fn group_table(group: &Group) -> Markup {
    html! {
        table.settings {
            caption { @if group.name.is_empty() { "Settings" } @else { code { (group.name) } } }
            tbody {
                @for (key, value) in &group.rows { (row(key, value)) }
            }
        }
    }
}

fn row(key: &str, value: &str) -> Markup {
    html! { tr { th.text scope="row" { (key) } td.text.name { (value) } } }
}

fn skipped(run: &Run) -> Markup {
    let skipped = &run.summary.skipped;
    html! {
        @if !skipped.is_empty() {
            details {
                summary { (counted(skipped.len(), "file")) " or rows of the data left out" }
                ul.skipped {
                    @for left_out in skipped.iter().take(MOST_SKIPPED) {
                        li { code { (left_out.what) } " – " (left_out.why) }
                    }
                }
                @if skipped.len() > MOST_SKIPPED {
                    p.note { "And " (count(skipped.len() - MOST_SKIPPED)) " more." }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_grouped_by_table() {
        let config = "
            seed = 7
            empty = ''
            [optim]
            lr = 0.001
            betas = [0.9, 0.999]
            [optim.schedule]
            kind = 'cosine'
            [[augment]]
            kind = 'flip'
            [[augment]]
            kind = 'crop'
        ";
        let found: Vec<(String, String)> = groups(&config.parse().unwrap())
            .into_iter()
            .flat_map(|g| {
                g.rows
                    .into_iter()
                    .map(move |(key, value)| (format!("{}/{key}", g.name), value))
            })
            .collect();
        let mut expected = vec![
            ("/seed", "7"),
            ("/empty", "\"\""),
            ("optim/lr", "0.001"),
            ("optim/betas", "[0.9, 0.999]"),
            ("optim.schedule/kind", "cosine"),
            ("augment 1/kind", "flip"),
            ("augment 2/kind", "crop"),
        ];
        // Without toml's `preserve_order` the keys come sorted; the grouping is the same.
        let mut found: Vec<_> = found
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}
