//! The command as a user runs it: the built program, in a folder of its own, on data made here.
//!
//! One module a command, and one for everything that must fail. The pictures are a few pixels wide
//! and the trainings a few epochs long: what is tested is what goes in and comes out, not how well
//! the models are.

mod augment_image;
mod augment_text;
mod bad_input;
mod compare;
mod detect;
mod diagnose;
mod embed_text;
mod encoder;
mod evaluate;
mod export;
mod lr_find;
mod predict;
mod report;
mod text;
mod train;
mod transfer;

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder to work in, removed with the value.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A place with the image folder `photos`: classes `red` and `blue`, 12 images each.
    fn with_photos() -> Self {
        let place = Self::new();
        place.photos("photos", &["red", "blue"], 12);
        place
    }

    /// A place with `photos`, and a run `r` trained on it.
    fn with_image_run() -> Self {
        let place = Self::with_photos();
        place
            .run(&["train", "photos", "--epochs", "2", "--out", "r"])
            .good();
        place
    }

    /// A place with `t.csv`, and a run `r` trained on it.
    fn with_table_run() -> Self {
        let place = Self::new();
        place.table("t.csv");
        let args = [
            "train", "t.csv", "--target", "kind", "--epochs", "3", "--out", "r",
        ];
        place.run(&args).good();
        place
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and the folders above it.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// `n` pictures of 12×12 a class, each class of its own colour: `<folder>/<class>/<i>.png`.
    fn photos(&self, folder: &str, classes: &[&str], n: usize) {
        for class in classes {
            let bright = class.bytes().map(usize::from).sum::<usize>() % 3;
            for i in 0..n {
                self.file(&format!("{folder}/{class}/{i:02}.png"), picture(bright, i));
            }
        }
    }

    /// 60 rows, two numeric columns and the column `kind`, `low` or `high`.
    fn table(&self, name: &str) {
        let rows = (0..60).map(|i| {
            let (a, b) = (i % 10, (i * 7) % 13);
            format!("{a},{b}.5,{}\n", if a + b / 4 > 5 { "high" } else { "low" })
        });
        self.file(name, format!("a,b,kind\n{}", rows.collect::<String>()));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onggi"));
        command.args(args).current_dir(self.0.path());
        command.env("ONGGI_CACHE", self.path("cache"));
        command
    }

    /// As `run`, in another environment.
    fn run_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Answer {
        let mut command = self.command(args);
        command.envs(environment.iter().copied());
        Answer::new(args, command.output().unwrap())
    }

    fn run(&self, args: &[&str]) -> Answer {
        Answer::new(args, self.command(args).output().unwrap())
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Every file below a folder with its bytes.
    fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut queue = vec![self.path(folder)];
        while let Some(folder) = queue.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    queue.push(path);
                } else {
                    found.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        found
    }

    /// Whether the default place of runs holds none.
    fn has_no_run(&self) -> bool {
        fs::read_dir(self.path("runs")).map_or(true, |mut entries| entries.next().is_none())
    }
}

/// A PNG, brightest in channel `bright`, different for every `seed`.
fn picture(bright: usize, seed: usize) -> Vec<u8> {
    let image = image::RgbImage::from_fn(12, 12, |x, y| {
        let noise = (x as usize * 31 + y as usize * 17 + seed * 101) % 60;
        let mut pixel = [noise as u8; 3];
        pixel[bright] += 150;
        image::Rgb(pixel)
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// What the command said.
struct Answer {
    what: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Answer {
    fn new(args: &[&str], output: Output) -> Self {
        Self {
            what: args.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts exit code 0 without an error.
    fn good(self) -> Self {
        let Self {
            what, code, stderr, ..
        } = &self;
        assert_eq!(*code, Some(0), "{what}: {stderr}");
        assert!(
            !stderr.contains("error:") && !stderr.contains("panicked"),
            "{what}: {stderr}"
        );
        self
    }

    /// Asserts that the command failed with one line that holds `words`.
    fn bad(self, code: i32, words: &str) -> Self {
        let Self { what, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "{what}: {stderr}");
        assert!(!stderr.contains("panicked"), "{what}: {stderr}");
        let errors: Vec<_> = stderr
            .lines()
            .filter(|line| line.starts_with("error:"))
            .collect();
        assert_eq!(errors.len(), 1, "{what}: {stderr}");
        assert!(
            errors[0].contains(words),
            "{what}: `{words}` is not in {stderr}"
        );
        if code == 1 {
            // Wrong use may be followed by a hint at the help.
            let other = |line: &&str| !line.starts_with("warning:") && !line.starts_with("error:");
            assert_eq!(
                stderr.lines().find(other),
                None,
                "{what}: more than one line: {stderr}"
            );
        }
        self
    }

    /// The one JSON object on stdout, and nothing else there.
    fn json(&self) -> Value {
        assert_eq!(
            self.stdout.lines().count(),
            1,
            "{}: {}",
            self.what,
            self.stdout
        );
        let value: Value = serde_json::from_str(&self.stdout).unwrap();
        assert!(value.is_object(), "{}: {value}", self.what);
        value
    }
}
