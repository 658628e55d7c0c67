//! `onggi lr-find`.

use crate::Place;

#[test]
fn suggests_a_rate_with_a_table_and_a_plot_and_makes_no_run() {
    let place = Place::new();
    place.table("t.csv");
    let args = "lr-find t.csv --target kind --from 1e-5 --steps 60";
    let args: Vec<_> = args.split(' ').collect();
    let answer = place.run(&args).good();
    assert!(
        answer
            .stdout
            .starts_with("learning rate      loss  smoothed\n"),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.contains("Suggestion: --lr "),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.ends_with("Plot: lr-find-t.svg\n"),
        "{}",
        answer.stdout
    );
    let plot = String::from_utf8(place.bytes("lr-find-t.svg")).unwrap();
    assert!(plot.contains("<svg") && plot.ends_with("</svg>"), "{plot}");
    assert!(place.has_no_run());

    let json = [&args[..], &["--json", "--plot", "p.svg"]].concat();
    let found = place.run(&json).good().json();
    let suggestion = found["suggestion"].as_f64().unwrap();
    assert!((1e-5..10.0).contains(&suggestion), "{suggestion}");
    let points = found["points"].as_array().unwrap();
    let rates: Vec<_> = points.iter().map(|p| p["lr"].as_f64().unwrap()).collect();
    assert!((rates[0] - 1e-5).abs() < 1e-12 && rates.windows(2).all(|w| w[0] < w[1]));
    // The same seed, the same answer.
    assert_eq!(place.run(&json).good().json(), found);
}

#[test]
fn wrong_use_is_told() {
    let place = Place::new();
    place.table("t.csv");
    for (more, words) in [
        ("--out r", "--out is for `onggi train`"),
        ("--resume r", "--resume is for `onggi train`"),
    ] {
        let line = format!("lr-find t.csv --target kind {more}");
        let args: Vec<_> = line.split(' ').collect();
        place.run(&args).bad(2, words);
    }
    let line = "lr-find t.csv --target kind --from 1 --to 0.1";
    let args: Vec<_> = line.split(' ').collect();
    place
        .run(&args)
        .bad(1, "`range` must be positive and rising");
}
