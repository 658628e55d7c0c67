//! Who may import whom, held against `cargo metadata`.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};

/// Each crate and the workspace crates that it may import.
const ARROWS: [(&str, &[&str]); 7] = [
    ("onggi-ops", &[]),
    ("onggi-nn", &["onggi-ops"]),
    ("onggi-zoo", &["onggi-ops", "onggi-nn"]),
    ("onggi-augment", &[]),
    ("onggi-data", &["onggi-augment"]),
    ("onggi-train", &["onggi-nn", "onggi-data"]),
    (
        "onggi",
        &[
            "onggi-ops",
            "onggi-nn",
            "onggi-zoo",
            "onggi-augment",
            "onggi-data",
            "onggi-train",
        ],
    ),
];

/// Crates that know no Burn.
const WITHOUT_BURN: [&str; 2] = ["onggi-augment", "onggi-data"];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_string()])
        .exec()
        .expect("cargo metadata");
    let crates = metadata
        .packages
        .into_iter()
        .filter(|package| package.name != "onggi-bench");
    crates
        .map(|package| {
            let normal = |kind| matches!(kind, DependencyKind::Normal | DependencyKind::Build);
            let dependencies = package.dependencies.into_iter();
            let names = dependencies
                .filter(|d| normal(d.kind))
                .map(|d| d.name)
                .collect();
            (package.name.to_string(), names)
        })
        .collect()
}

#[test]
fn crates_import_only_along_the_arrows() {
    let dependencies = dependencies();
    let known: BTreeSet<_> = ARROWS.iter().map(|(name, _)| name.to_string()).collect();
    let found: BTreeSet<_> = dependencies.keys().cloned().collect();
    assert_eq!(
        found, known,
        "a crate without arrows, or arrows without a crate"
    );
    for (name, allowed) in ARROWS {
        for import in dependencies[name]
            .iter()
            .filter(|import| import.starts_with("onggi"))
        {
            assert!(
                allowed.contains(&import.as_str()),
                "{name} must not import {import}"
            );
        }
    }
}

#[test]
fn data_and_augmentation_know_no_burn() {
    let dependencies = dependencies();
    for name in WITHOUT_BURN {
        let burn = dependencies[name]
            .iter()
            .find(|import| import.starts_with("burn"));
        assert_eq!(burn, None, "{name} must not import Burn");
    }
}

/// Only the kernels may be unsafe: every crate but `onggi-ops` forbids it, and `onggi-ops` has it in
/// one folder.
#[test]
fn unsafe_stays_in_the_kernels() {
    let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "onggi-ops") {
        let lib = std::fs::read_to_string(format!("{crates}/{name}/src/lib.rs")).expect(name);
        assert!(
            lib.contains("#![forbid(unsafe_code)]"),
            "{name} must forbid unsafe code"
        );
    }
    let mut folders = vec![std::path::PathBuf::from(format!("{crates}/onggi-ops/src"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of the crate") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !path.ends_with("kernels") {
                    folders.push(path);
                }
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let found = code.filter(|line| line.contains("unsafe ")).count();
            assert_eq!(
                found,
                0,
                "{} has unsafe code outside of kernels/",
                path.display()
            );
        }
    }
}

/// Only the command prints or ends the process; and `testing.rs`, which is compiled for tests alone, says what a
/// test leaves out.
#[test]
fn libraries_do_not_print_or_exit() {
    let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "onggi") {
        let mut folders = vec![std::path::PathBuf::from(format!("{crates}/{name}/src"))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder of the crate") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if path.ends_with("onggi-ops/src/testing.rs") {
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("a source file");
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let code = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                for word in ["println!", "print!(", "dbg!", "process::exit"] {
                    let found = code.clone().any(|line| line.contains(word));
                    assert!(!found, "{} uses {word}", path.display());
                }
            }
        }
    }
}
