//! The default text classifier beside scikit-learn's, on the splits that bench/peers/text_linear.py wrote.
//!
//! `cargo run --release -p onggi-train --example text_linear -- FOLDER`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use onggi_data::text::Texts;
use onggi_train::linear::{TextLinear, TextLinearConfig};
use onggi_train::metrics::log_loss;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args().nth(1).ok_or("give the folder")?.into();
    let peer: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("peer.json"))?)?;
    let cases = peer["cases"].as_object().ok_or("peer.json has no cases")?;
    println!("| case | peer accuracy | ours | peer log loss | ours | C | peer s | ours s |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut means: BTreeMap<String, (f64, f64, f64)> = BTreeMap::new();
    for (case, theirs) in cases {
        let part = |part: &str| folder.join(format!("{case}-{part}.csv"));
        let train = Texts::read(&part("train"), "text", "label")?;
        let classes = train.classes();
        let of = |name| Texts::read_for(&part(name), "text", Some(("label", classes)));
        let (val, test) = (of("val")?, of("test")?);
        let start = Instant::now();
        let (model, chosen) = TextLinear::fit(
            train.texts(),
            train.labels(),
            classes.len(),
            &TextLinearConfig::default(),
            Some((val.texts(), val.labels())),
        )?;
        let seconds = start.elapsed().as_secs_f64();
        let p = model.probabilities(test.texts())?;
        let right = p
            .chunks_exact(classes.len())
            .zip(test.labels())
            .filter(|(p, label)| p.iter().all(|other| *other <= p[**label]));
        let accuracy = right.count() as f64 / test.len() as f64;
        let loss = log_loss(test.labels(), &p, classes.len())?;
        let their = |key: &str| theirs[key].as_f64().unwrap_or(f64::NAN);
        println!(
            "| {case} | {:.4} | {accuracy:.4} | {:.4} | {loss:.4} | {} | {:.1} | {seconds:.1} |",
            their("accuracy"),
            their("log_loss"),
            chosen.map_or(f64::NAN, |chosen| chosen.c),
            their("seconds"),
        );
        let name = case
            .rsplit_once('-')
            .map_or(case.as_str(), |(name, _)| name);
        let mean = means.entry(name.to_owned()).or_default();
        *mean = (mean.0 + 1.0, mean.1 + their("accuracy"), mean.2 + accuracy);
    }
    for (name, (n, theirs, ours)) in means {
        println!("{name}: peer {:.4}, ours {:.4}", theirs / n, ours / n);
    }
    Ok(())
}
