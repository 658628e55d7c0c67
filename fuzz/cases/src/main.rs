//! The cases under a plain loop: seeds cut, joined, flipped and filled by a seeded mutator.
//!
//!     onggi-fuzz-cases SECONDS [SEED] [CASE]
//!
//! It sees no coverage, as libFuzzer does, so it finds less in the same time; what it finds is real. The
//! bytes that panicked are written to `crash-<case>` in the current folder, and the process ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use onggi_augment::image::{ImageTransform, TRANSFORMS};
use onggi_fuzz_cases::{image_decode, image_pipeline, text_augment, text_pipeline, text_rows};

/// A case: its name, its function, and what mutations start from.
type Case = (&'static str, fn(&[u8]), Vec<Vec<u8>>);

fn cases() -> Vec<Case> {
    let texts = [
        "The old potter didn't sell 12 of her largest jars at https://onggi.kr, @kim!",
        "늙은 도공은 시장에서 항아리를 3개 팔지 않았다고 같이 말했다. ㅋㅋㅋ ㅠㅠ",
        "👨‍👩‍👧‍👦 👍🏽 🇰🇷 e\u{301}\u{327} שלום \u{202E}abc\u{202C} ﷺ ǅ ß İ \u{1100}\u{1161}\u{11A8}",
        "[MASK] {x} `code` \u{0}\u{85}\u{2028}\r\n\t  it is not. We can't; a car an hour",
    ];
    let texts = texts.iter().enumerate().flat_map(|(i, text)| {
        (0..45).map(move |which| [&[which, i as u8], text.as_bytes()].concat())
    });
    let pipelines = [
        "{\"allow_label_change\": true, \"protect\": {\"regex\": [\"a+b\"], \"phrases\": [\"old jars\"]}, \"steps\": [{\"transform\": \"sometimes\", \"p\": 0.5, \"steps\": [{\"transform\": \"random_word\", \"action\": \"swap\"}]}]}",
        "[[steps]]\ntransform = \"one_of\"\nweights = [1, 2]\nsteps = [{ transform = \"keyboard\", aug_word_p = 0.9 }, { transform = \"jamo\" }]",
        "{\"steps\": [{\"transform\": \"random_char\", \"aug_char_max\": 0, \"candidates\": [\"x\"]}, {\"transform\": \"synonym\", \"stopwords\": \"english\"}]}",
    ];
    let csv =
        "id,text,label,split\n1,\"a, \"\"b\"\"\",x,train\r\n2,the jar,y,test\n3,옹기,x,train\n";
    let json = "{\"text\": \"a jar\\n\", \"label\": 1, \"split\": \"train\", \"x\": [1, {\"y\": null}]}\n{\"text\": \"옹기 항아리\", \"label\": 2, \"split\": \"train\"}\n";
    let parquet: &[u8] =
        include_bytes!("../../../crates/onggi-augment/tests/fixtures/text_rows.parquet");
    let mut rows = Vec::new();
    for how in 0..=255u8 {
        let file = match how % 8 % 5 {
            0 | 4 => csv.as_bytes().to_vec(),
            1 => csv.replace(',', "\t").into_bytes(),
            2 => json.as_bytes().to_vec(),
            _ => parquet.to_vec(),
        };
        rows.push([&[how], file.as_slice()].concat());
    }
    let bytes = |list: &[&str]| list.iter().map(|text| text.as_bytes().to_vec()).collect();
    vec![
        ("text_augment", text_augment, texts.collect()),
        ("text_pipeline", text_pipeline, bytes(&pipelines)),
        ("text_rows", text_rows, rows),
        ("image_pipeline", image_pipeline, image_pipelines()),
        ("image_decode", image_decode, seeds("image_decode")),
        #[cfg(feature = "weights")]
        ("weights", onggi_fuzz_cases::weights, weights_files()),
    ]
}

/// Every transform with its defaults, alone and inside a container, as JSON and TOML.
fn image_pipelines() -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for row in TRANSFORMS {
        let name = row.name;
        let json = format!("{{\"transform\": \"{name}\", \"p\": 1}}");
        let Ok(step) = serde_json::from_str::<ImageTransform>(&json) else {
            // It needs settings: the mutator may find some.
            out.push(format!("[{json}]").into_bytes());
            continue;
        };
        let whole = serde_json::to_string(&step).expect("a transform can be written");
        let some = format!("{{\"transform\": \"some_of\", \"n\": [1, 2], \"transforms\": [{whole}, {json}]}}");
        out.push(format!("[{whole}, {some}]").into_bytes());
        let toml = toml::to_string(&step).expect("a transform can be written");
        out.push(format!("[[steps]]\n{toml}").into_bytes());
    }
    out
}

/// The files of a folder of `seeds`.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let files = std::fs::read_dir(folder).expect("the seeds beside this program's source");
    let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let read = |path: &PathBuf| std::fs::read(path).expect("a file of the seeds");
    paths.iter().map(read).collect()
}

/// A file of each format of weights.
#[cfg(feature = "weights")]
fn weights_files() -> Vec<Vec<u8>> {
    macro_rules! fixtures {
        ($($name:literal),*) => {
            vec![$(include_bytes!(concat!("../../../crates/onggi-zoo/tests/fixtures/weights/", $name)).to_vec()),*]
        };
    }
    fixtures![
        "dtypes.safetensors",
        "dtypes.pth",
        "views.pth",
        "deflated.pth",
        "nested.pth",
        "protocol5.pth",
        "views-legacy.pth",
        "checkpoint-legacy.pth",
        "protocol1-legacy.pth",
        "malicious-reduce4-legacy.pth"
    ]
}

/// xorshift64*: enough for a mutator.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        ((u128::from(drawn) * n.max(1) as u128) >> 64) as usize
    }
}

/// Pieces that parsers and text programs stumble over.
const PIECES: [&[u8]; 24] = [
    b"\"",
    b"\\",
    b",",
    b"\n",
    b"\r",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"0",
    b"-1",
    b"1e999",
    b"null",
    b"\xff",
    b"\0",
    b"steps",
    b"transform",
    "\u{200D}".as_bytes(),
    "\u{FE0F}".as_bytes(),
    "\u{301}".as_bytes(),
    "ㄱ".as_bytes(),
    "힣".as_bytes(),
    "🇰".as_bytes(),
];

fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..1 + random.below(8) {
        let at = random.below(bytes.len() + 1);
        let length = random.below(1 + (bytes.len() - at).min(12));
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = PIECES[random.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            4 => {
                let again = bytes[at..at + length].repeat(1 + random.below(20));
                bytes.splice(at..at, again);
            }
            _ => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes.truncate(1 << 16);
    bytes
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| args.get(i).and_then(|arg| arg.parse::<u64>().ok());
    let Some(seconds) = number(0) else {
        eprintln!("onggi-fuzz-cases SECONDS [SEED] [CASE]");
        return ExitCode::from(2);
    };
    let mut cases = cases();
    if let Some(name) = args.get(2) {
        cases.retain(|case| case.0 == name);
    }
    for (name, run, seeds) in &cases {
        let mut random = Random(number(1).unwrap_or(1).max(1));
        let (start, mut runs, mut longest) = (Instant::now(), 0u64, Duration::ZERO);
        let mut once = |bytes: &[u8]| {
            let began = Instant::now();
            let sound = catch_unwind(AssertUnwindSafe(|| run(bytes))).is_ok();
            longest = longest.max(began.elapsed());
            if !sound {
                let path = format!("crash-{name}");
                let _ = std::fs::write(&path, bytes);
                eprintln!("{name}: the bytes are in {path}");
            }
            sound
        };
        for seed in seeds {
            if !once(seed) {
                return ExitCode::FAILURE;
            }
        }
        while start.elapsed().as_secs() < seconds / cases.len() as u64 {
            if !once(&mutate(&mut random, seeds)) {
                return ExitCode::FAILURE;
            }
            runs += 1;
        }
        println!("{name}: {runs} runs, the longest {longest:.1?}");
    }
    ExitCode::SUCCESS
}
