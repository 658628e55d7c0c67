//! The report as a whole: whatever the run folder holds, a page or an error that names the file.

use std::fs;
use std::path::Path;

use super::fixture;
use super::run::files;
use super::{Fit, Samples, render, write};

fn error(dir: &Path) -> String {
    render(dir).expect_err("an error").to_string()
}

#[test]
fn a_full_run_has_every_section() {
    let folder = fixture::full();
    let page = render(folder.path()).unwrap();
    for anchor in [
        "curves",
        "gap",
        "confusion",
        "classes",
        "mistakes",
        "augmented",
        "settings",
    ] {
        assert!(
            page.contains(&format!("<section id=\"{anchor}\">")),
            "{anchor}"
        );
        assert!(page.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
    }
    for figure in [
        "The model overfits",
        "78.0\u{202f}%",
        "16.0",
        "98,442",
        "early stopping",
    ] {
        assert!(page.contains(figure), "{figure}");
    }
    assert!(page.contains("Picture left out: not found"));
}

#[test]
fn the_page_loads_and_runs_nothing() {
    let page = render(fixture::full().path()).unwrap();
    for outside in [
        "http://", "https://", "<script", "<link", "@import", "url(", "src=\"/",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn the_same_folder_gives_the_same_page() {
    let folder = fixture::full();
    assert_eq!(
        render(folder.path()).unwrap(),
        render(folder.path()).unwrap()
    );
}

#[test]
fn one_epoch_and_many() {
    for epochs in [1, 500] {
        let folder = fixture::folder();
        let mut summary = fixture::summary();
        summary.best_epoch = epochs;
        fixture::put(folder.path(), &summary, &fixture::log(epochs));
        let page = render(folder.path()).unwrap();
        assert_eq!(
            page.matches("<circle").count(),
            if epochs == 1 { 8 } else { 4 }
        );
    }
}

#[test]
fn a_best_epoch_that_the_log_lacks_is_not_marked() {
    let folder = fixture::folder();
    let mut summary = fixture::summary();
    summary.best_epoch = 99;
    fixture::put(folder.path(), &summary, &fixture::log(3));
    assert!(!render(folder.path()).unwrap().contains("<circle"));
}

#[test]
fn without_a_test_split_the_validation_accuracy_leads() {
    let folder = fixture::folder();
    let mut summary = fixture::summary();
    summary.test_accuracy = None;
    summary.split[2] = 0;
    summary.evaluated_on = "val".to_owned();
    summary.verdict.fit = Fit::Neither;
    fixture::put(folder.path(), &summary, &fixture::log(12));
    let page = render(folder.path()).unwrap();
    assert!(page.contains("there is no test split"));
    assert!(page.contains("Measured on the validation split"));
    assert!(!page.contains("Test accuracy"));
}

#[test]
fn a_table_has_no_picture_sections() {
    let folder = fixture::folder();
    let mut summary = fixture::summary();
    summary.task = "table".to_owned();
    fixture::put(folder.path(), &summary, &fixture::log(12));
    for samples in [None, Some(Samples::default())] {
        if let Some(samples) = samples {
            fixture::put_samples(folder.path(), &samples);
        }
        let page = render(folder.path()).unwrap();
        for absent in [
            "id=\"mistakes\"",
            "id=\"augmented\"",
            "<img",
            "Stronger augmentation",
        ] {
            assert!(!page.contains(absent), "{absent}");
        }
    }
}

#[test]
fn names_are_escaped_wherever_they_stand() {
    const HOSTILE: &str = "\"><script>alert(1)</script>'&옹기";
    let folder = fixture::folder();
    let mut summary = fixture::summary();
    let skipped = &mut summary.skipped[0];
    let fields = [
        &mut summary.task,
        &mut summary.model,
        &mut summary.verdict.words,
        &mut summary.stopped,
        &mut summary.data,
        &mut summary.evaluated_on,
        &mut summary.run,
        &mut skipped.what,
        &mut skipped.why,
    ];
    let classes = summary.classes.iter_mut();
    let per_class = summary
        .evaluation
        .per_class
        .iter_mut()
        .map(|class| &mut class.class);
    for text in fields.into_iter().chain(classes).chain(per_class) {
        *text = HOSTILE.to_owned();
    }
    fixture::put(folder.path(), &summary, &fixture::log(3));
    let mut mistake = fixture::mistake("absent.png");
    for text in [
        &mut mistake.truth,
        &mut mistake.predicted,
        &mut mistake.source,
    ] {
        *text = HOSTILE.to_owned();
    }
    fixture::put_samples(
        folder.path(),
        &Samples {
            mistakes: vec![mistake],
            augmented: vec![],
        },
    );
    let config = format!("'{}' = '''{HOSTILE}'''\n", HOSTILE.replace('\'', ""));
    fs::write(folder.path().join(files::CONFIG), config).unwrap();
    let page = render(folder.path()).unwrap();
    assert!(!page.contains("<script"));
    assert!(!page.contains(HOSTILE) && !page.contains("\">&lt;"));
    assert!(
        page.matches("&lt;script&gt;alert(1)&lt;/script&gt;")
            .count()
            > 20
    );
    assert!(page.contains("옹기"));
}

#[test]
fn a_missing_file_is_named() {
    for file in [files::CONFIG, files::LOG, files::SUMMARY] {
        let folder = fixture::full();
        fs::remove_file(folder.path().join(file)).unwrap();
        let error = error(folder.path());
        assert!(
            error.contains(file) && error.contains("cannot read"),
            "{error}"
        );
    }
}

#[test]
fn files_cut_off_anywhere_are_named_and_never_panic() {
    for file in [files::CONFIG, files::LOG, files::SUMMARY, files::SAMPLES] {
        let folder = fixture::full();
        let path = folder.path().join(file);
        let whole = fs::read(&path).unwrap();
        for length in (0..whole.len()).step_by(7) {
            fs::write(&path, &whole[..length]).unwrap();
            // A shorter config or log may still be whole; an error must name the file.
            if let Err(error) = render(folder.path()) {
                assert!(error.to_string().contains(file), "{error}");
            } else {
                assert!(
                    [files::CONFIG, files::LOG].contains(&file),
                    "{file} cut at {length}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_text_is_named() {
    for file in [files::CONFIG, files::LOG, files::SUMMARY, files::SAMPLES] {
        let folder = fixture::full();
        fs::write(folder.path().join(file), [0xff, 0xfe, 0x00]).unwrap();
        assert!(error(folder.path()).contains(file));
    }
}

#[test]
fn contradictions_are_named() {
    let cases: [fn(&mut super::Summary); 3] = [
        |summary| summary.classes.push("third".to_owned()),
        |summary| summary.evaluation.confusion[1].push(1),
        |summary| summary.evaluation.per_class.truncate(1),
    ];
    for spoil in cases {
        let folder = fixture::folder();
        let mut summary = fixture::summary();
        spoil(&mut summary);
        fixture::put(folder.path(), &summary, &fixture::log(3));
        let error = error(folder.path());
        assert!(error.contains("run.json contradicts itself: "), "{error}");
    }
    let folder = fixture::folder();
    let mut log = fixture::log(3);
    log[2].epoch = 2;
    fixture::put(folder.path(), &fixture::summary(), &log);
    assert!(error(folder.path()).contains("log.jsonl contradicts itself: epoch 2 follows epoch 2"));
}

#[test]
fn figures_out_of_range_do_no_harm() {
    for value in [-1.0, 2.0, 1e300] {
        let folder = fixture::folder();
        let mut summary = fixture::summary();
        summary.train_accuracy = value;
        summary.val_accuracy = value;
        summary.test_accuracy = Some(value);
        summary.gap = value;
        summary.seconds = value;
        summary.evaluation.confusion = vec![vec![usize::MAX; 2]; 2];
        summary.split = [0, usize::MAX, 0];
        let mut log = fixture::log(3);
        for record in &mut log {
            record.train_loss = value;
            record.val_accuracy = value;
        }
        fixture::put(folder.path(), &summary, &log);
        assert!(!render(folder.path()).unwrap().contains("NaN"));
    }
}

#[test]
fn a_picture_outside_the_folder_is_refused() {
    let folder = fixture::full();
    for image in ["../run.json", "/etc/hostname"] {
        let samples = Samples {
            mistakes: vec![fixture::mistake(image)],
            augmented: vec![],
        };
        fixture::put_samples(folder.path(), &samples);
        let error = error(folder.path());
        assert!(
            error.contains("samples.json") && error.contains(image),
            "{error}"
        );
    }
}

#[test]
fn more_mistakes_than_fit_are_left_out_and_counted() {
    let folder = fixture::full();
    let samples = Samples {
        mistakes: vec![fixture::mistake("a.png"); 70],
        augmented: vec![],
    };
    fixture::put_samples(folder.path(), &samples);
    let page = render(folder.path()).unwrap();
    assert_eq!(page.matches("<img").count(), 64);
    assert!(page.contains("The first 64 of 70 pictures are shown; 6 are left out."));
}

#[test]
fn write_leaves_the_page_and_nothing_else() {
    let folder = fixture::full();
    let before = fs::read_dir(folder.path()).unwrap().count();
    let path = write(folder.path()).unwrap();
    assert_eq!(path, folder.path().join(files::REPORT));
    assert_eq!(
        fs::read_to_string(path).unwrap(),
        render(folder.path()).unwrap()
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before + 1);
}

#[test]
fn a_page_that_cannot_be_written_leaves_nothing() {
    let folder = fixture::full();
    let target = folder.path().join(files::REPORT);
    fs::create_dir(&target).unwrap();
    fs::write(target.join("in the way"), "").unwrap();
    let before = fs::read_dir(folder.path()).unwrap().count();
    let error = write(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("cannot write") && error.contains(files::REPORT),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
}
