//! A run that is stopped and gone on with gives, bit for bit, what it gives without a pause: weights,
//! log and figures, however it was stopped.

#![cfg(unix)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with data to train on.
struct Place(tempfile::TempDir);

/// A table with every part of the optimiser that remembers something.
const TABLE: &str = "train t.csv --target kind --epochs 40 --batch 8 --accumulate 2 --dropout 0.2 --ema 0.9 \
                     --optimizer nadam --l1 1e-4 --early-stopping 0 --checkpoint-steps 2 --seed 5";

/// Images: augmentation, running statistics, a momentum, two passes a step.
const IMAGES: &str = "train photos --epochs 6 --batch 4 --optimizer sgd --sam 0.05 --cutmix 1 --mixup 0.2 \
                      --early-stopping 0 --checkpoint-steps 2 --seed 5";

/// Texts of different lengths, changed anew each epoch.
const TEXTS: &str = "train r.csv --text-column text --target kind --model gru --width 0.25 --epochs 6 --batch 4 \
                     --augment-text aeda --balanced --dropout 0.2 --early-stopping 0 --checkpoint-steps 2 --seed 5";

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let rows = (0..60).map(|i| {
            let (a, b) = (i % 10, (i * 7) % 13);
            format!("{a},{b}.5,{}\n", if a + b / 4 > 5 { "high" } else { "low" })
        });
        let table = format!("a,b,kind\n{}", rows.collect::<String>());
        fs::write(place.path("t.csv"), table).unwrap();
        let texts = (0..48).map(|i| {
            let (word, kind) = [("good", "a"), ("bad", "b"), ("bad", "b")][i % 3];
            format!("{} {word},{kind}\n", "the soup was ".repeat(1 + i % 5))
        });
        let texts = format!("text,kind\n{}", texts.collect::<String>());
        fs::write(place.path("r.csv"), texts).unwrap();
        for (channel, class) in ["red", "green"].into_iter().enumerate() {
            let folder = place.path("photos").join(class);
            fs::create_dir_all(&folder).unwrap();
            for i in 0..12 {
                let picture = image::RgbImage::from_fn(12, 12, |x, y| {
                    let mut pixel = [((x * 31 + y * 17 + i * 101) % 60) as u8; 3];
                    pixel[channel] += 150;
                    image::Rgb(pixel)
                });
                picture.save(folder.join(format!("{i:02}.png"))).unwrap();
            }
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onggi"));
        command
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Runs to the end, which must be good.
    fn good(&self, line: &str) -> Output {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", said(&output));
        output
    }

    /// Starts `line` into the run `out`, or goes on with it, and kills the process with SIGKILL after
    /// `wait`. Whether the run was finished before.
    fn kill_after(&self, line: &str, out: &str, wait: Duration) -> bool {
        let begun = self.path(out).join("config.toml").exists();
        if !begun {
            let _ = fs::remove_dir_all(self.path(out));
        }
        let line = if begun {
            format!("train --resume {out}")
        } else {
            format!("{line} --out {out}")
        };
        let mut command = self.command(&line);
        let piped = command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let start = Instant::now();
        while start.elapsed() < wait {
            if child.try_wait().unwrap().is_some() {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "{line}: {}", said(&output));
                return true;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let said = said(&output);
        assert!(
            !said.contains("error") && !said.contains("panicked"),
            "{line}: {said}"
        );
        output.status.success()
    }

    /// Kills a run once it has at least `sets` checkpoints behind it.
    fn kill_after_sets(&self, line: &str, out: &str, sets: u64) {
        let mut child = self
            .command(&format!("{line} --out {out}"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while newest(&self.path(out)).is_none_or(|number| number < sets) {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "no checkpoint in a minute"
            );
            assert!(
                child.try_wait().unwrap().is_none(),
                "ended before it was killed"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Number of the newest checkpoint.
fn newest(run: &Path) -> Option<u64> {
    let sets = fs::read_dir(run.join("checkpoint")).ok()?;
    let number = |entry: std::io::Result<fs::DirEntry>| {
        entry
            .ok()?
            .file_name()
            .to_string_lossy()
            .parse::<u64>()
            .ok()
    };
    sets.filter_map(number).max()
}

/// What a run computed: the best weights and the last ones with all that the optimiser remembers, the
/// log and the figures; all without what the clock says.
#[derive(Debug, PartialEq)]
struct Computed {
    best: Vec<u8>,
    last: Vec<(String, Vec<u8>)>,
    log: Vec<Value>,
    figures: Value,
}

fn computed(run: &Path) -> Computed {
    let timeless = |mut value: Value| {
        let object = value.as_object_mut().unwrap();
        object.remove("seconds").unwrap();
        object.remove("run");
        value
    };
    let log = fs::read_to_string(run.join("log.jsonl")).unwrap();
    let set = run.join(format!("checkpoint/{:012}", newest(run).unwrap()));
    let mut last: Vec<_> = fs::read_dir(set)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "safetensors"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    last.sort();
    let figures = fs::read(run.join("run.json")).unwrap();
    Computed {
        best: fs::read(run.join("best.safetensors")).unwrap(),
        last,
        log: log
            .lines()
            .map(|line| timeless(serde_json::from_str(line).unwrap()))
            .collect(),
        figures: timeless(serde_json::from_slice(&figures).unwrap()),
    }
}

/// Asserts without printing weights.
fn assert_same(ours: &Computed, expected: &Computed, what: &str) {
    assert_eq!(ours.log, expected.log, "{what}: the log");
    assert_eq!(ours.figures, expected.figures, "{what}: the figures");
    assert!(ours.best == expected.best, "{what}: other best weights");
    let names = |c: &Computed| {
        c.last
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(ours), names(expected), "{what}");
    for ((name, a), (_, b)) in ours.last.iter().zip(&expected.last) {
        assert!(a == b, "{what}: {name} of the last checkpoint differs");
    }
}

/// Kills at `kills` moments drawn by `seed`, over as many runs as that takes, and compares each.
fn survives(line: &str, kills: usize, mut seed: u64) {
    let place = Place::new();
    let start = Instant::now();
    place.good(&format!("{line} --out whole"));
    let whole = start.elapsed();
    let expected = computed(&place.path("whole"));
    assert!(
        expected.last.len() >= 4,
        "model, buffers, best and optimiser at least"
    );

    let (mut killed, mut finished) = (0, 0);
    while killed < kills || finished == 0 {
        let out = format!("r{finished}");
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Up to a third of a whole run's time: each run is killed several times on its way.
        let share = (seed >> 33) as f64 / (1_u64 << 31) as f64 / 3.0;
        let wait = if killed < kills {
            whole.mul_f64(share)
        } else {
            Duration::from_secs(60)
        };
        if place.kill_after(line, &out, wait) {
            assert_same(&computed(&place.path(&out)), &expected, &out);
            finished += 1;
        } else {
            killed += 1;
        }
    }
}

#[test]
fn a_table_run_killed_at_13_random_moments_ends_as_if_it_had_not_been() {
    survives(TABLE, 13, 1);
}

#[test]
fn an_image_run_killed_at_12_random_moments_ends_as_if_it_had_not_been() {
    survives(IMAGES, 12, 2);
}

#[test]
fn a_text_run_killed_at_8_random_moments_ends_as_if_it_had_not_been() {
    survives(TEXTS, 8, 2);
}

#[test]
fn a_damaged_checkpoint_is_refused_by_name_and_the_one_before_it_used() {
    let place = Place::new();
    place.good(&format!("{TABLE} --out whole"));
    let expected = computed(&place.path("whole"));
    place.kill_after_sets(TABLE, "r", 4);
    let number = newest(&place.path("r")).unwrap();
    let model = |number: u64| place.path(&format!("r/checkpoint/{number:012}/model.safetensors"));
    let mut bytes = fs::read(model(number)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(model(number), &bytes).unwrap();
    let output = place.good("train --resume r");
    let warning = said(&output);
    assert!(
        warning.contains(&format!(
            "{number:012} refused: `model.safetensors` is not what"
        )),
        "{warning}"
    );
    assert_same(&computed(&place.path("r")), &expected, "one set damaged");

    place.kill_after_sets(TABLE, "s", 4);
    for set in fs::read_dir(place.path("s/checkpoint")).unwrap() {
        let model = set.unwrap().path().join("model.safetensors");
        if model.exists() {
            fs::write(model, "torn").unwrap();
        }
    }
    let output = place.run("train --resume s");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("no checkpoint in it can be used"),
        "{}",
        said(&output)
    );
}

/// A limit on the size of files, which fails as a full disk does: in the middle of a file.
#[test]
fn a_full_disk_ends_the_run_with_the_last_checkpoint_intact() {
    let place = Place::new();
    place.good(&format!("{TABLE} --out whole"));
    let expected = computed(&place.path("whole"));
    place.kill_after_sets(TABLE, "r", 3);
    let before = newest(&place.path("r")).unwrap();
    // 8 blocks: less than the weights take, more than the log does.
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{}' train --resume r",
        env!("CARGO_BIN_EXE_onggi")
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.0.path())
        .output()
        .unwrap();
    let error = said(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("onggi train --resume r"), "{error}");
    assert_eq!(
        newest(&place.path("r")),
        Some(before),
        "no half-written set"
    );
    place.good("train --resume r");
    assert_same(
        &computed(&place.path("r")),
        &expected,
        "after the disk was full",
    );
}

#[test]
fn what_changed_in_between_is_refused() {
    let place = Place::new();
    place.kill_after_sets(TABLE, "r", 2);
    let refused = |line: &str, code: i32, words: &str| {
        let output = place.run(line);
        let error = said(&output);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(words), "`{words}` is not in {error}");
    };
    refused(
        "train --resume r --epochs 50",
        2,
        "--epochs cannot be given with --resume",
    );
    refused("train --resume nowhere", 1, "no such run");
    refused(
        "train --resume r --config r/config.toml",
        2,
        "cannot be used with",
    );

    let config = fs::read_to_string(place.path("r/config.toml")).unwrap();
    let edited = config.replace("dropout = 0.2", "dropout = 0.3");
    assert_ne!(config, edited);
    fs::write(place.path("r/config.toml"), edited).unwrap();
    refused(
        "train --resume r",
        1,
        "settings changed since the run was begun",
    );
    fs::write(place.path("r/config.toml"), config).unwrap();

    let table = fs::read_to_string(place.path("t.csv")).unwrap();
    fs::write(place.path("t.csv"), format!("{table}1,2,low\n")).unwrap();
    refused(
        "train --resume r",
        1,
        "the data changed since the run was begun",
    );
    fs::write(place.path("t.csv"), table.replacen("0,0.5,", "0,0.75,", 1)).unwrap();
    refused(
        "train --resume r",
        1,
        "data changed since the run was begun",
    );
    fs::write(place.path("t.csv"), &table).unwrap();

    // Data that moved is found again.
    fs::rename(place.path("t.csv"), place.path("moved.csv")).unwrap();
    refused("train --resume r", 1, "t.csv: no such file");
    place.good("train moved.csv --resume r --threads 1 --json");
}

#[test]
fn a_run_that_was_out_of_time_or_interrupted_goes_on() {
    let place = Place::new();
    place.good(&format!("{TABLE} --out whole"));
    let output = place.good(&format!("{TABLE} --time 0.01s --out r"));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("the time was up"), "{said}");
    assert!(
        said.contains("Go on with it: onggi train --resume r"),
        "{said}"
    );
    let log = |run: &str| fs::read_to_string(place.path(run).join("log.jsonl")).unwrap();
    let short = log("r").lines().count();
    assert!(short < 40, "{short}");
    place.good("train --resume r --time 10m");
    assert_eq!(log("r").lines().count(), 40);
}
