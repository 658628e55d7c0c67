//! Files of torch.save and safetensors against what Python reads in them, then the same files planted,
//! cut and changed. The fixtures are made by `fixtures/weights/make.py`.

use onggi_nn::state::StateDict;
use onggi_zoo::weights::{WeightsError, read, read_bytes};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::path::{Path, PathBuf};

/// What a planted pickle would create.
const PLANTED: &str = "planted-by-a-pickle";

fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/weights");
    folder.join(name)
}

/// Fixtures of at most this size, read.
fn fixtures(max: u64) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(fixture(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end != "py"))
        .filter(|path| path.metadata().unwrap().len() <= max)
        .collect();
    files.sort();
    assert!(files.len() > 20, "{files:?}");
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files
        .iter()
        .map(|path| (name(path), std::fs::read(path).unwrap()))
        .collect()
}

fn message(name: &str) -> String {
    match read(&fixture(name)) {
        Ok(state) => panic!("{name} was read: {:?}", state.keys()),
        Err(error) => error.to_string(),
    }
}

/// Reads bytes that need not make sense: a state dict must be sound and not larger than its file
/// explains.
fn fuzz(bytes: &[u8]) -> bool {
    let Ok(state) = read_bytes(bytes) else {
        return false;
    };
    let mut values = 0;
    for tensor in state.values() {
        assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
        values += tensor.values.len();
    }
    assert!(
        values <= 4 * 17 * bytes.len() + (5 << 20),
        "{values} values of {} bytes",
        bytes.len()
    );
    true
}

#[test]
fn every_value_is_that_of_torch_load() {
    let expected = read(&fixture("expected.safetensors")).unwrap();
    let mut files: Vec<&str> = expected
        .keys()
        .map(|key| key.split_once('/').unwrap().0)
        .collect();
    files.dedup();
    assert_eq!(files.len(), 18, "{files:?}");
    for file in files {
        let of_file: StateDict = (expected.iter())
            .filter_map(|(key, tensor)| {
                let (name, key) = key.split_once('/')?;
                (name == file).then(|| (key.to_string(), tensor.clone()))
            })
            .collect();
        assert_eq!(read(&fixture(file)).unwrap(), of_file, "{file}");
    }
    assert_eq!(
        read(&fixture("dtypes.safetensors")).unwrap(),
        read(&fixture("dtypes.pth")).unwrap()
    );
}

#[test]
fn an_archive_that_was_packed_again_is_read() {
    let plain = read(&fixture("plain.pth")).unwrap();
    assert_eq!(read(&fixture("deflated.pth")).unwrap(), plain);
}

#[test]
fn planted_pickles_are_refused_by_name_and_run_nothing() {
    assert!(!Path::new(PLANTED).exists());
    for (pickle, name) in [
        ("reduce", "posix.system"),
        ("reduce4", "posix.system"),
        ("build", "posix.system"),
        ("newobj", "builtins.bytes"),
    ] {
        for end in ["", "-legacy"] {
            let file = format!("malicious-{pickle}{end}.pth");
            let error = message(&file);
            assert!(error.contains(&format!("call `{name}`")), "{error}");
            assert!(
                error.contains(&file) && error.contains("nothing was run"),
                "{error}"
            );
        }
    }
    assert!(!Path::new(PLANTED).exists());
    // What people do by mistake gets the same answer.
    let error = message("whole-model.pth");
    assert!(
        error.contains("`torch.nn.modules.linear.Linear`"),
        "{error}"
    );
    assert!(error.contains(".state_dict()"), "{error}");
}

#[test]
fn what_is_not_read_says_why() {
    assert!(message("big-endian.pth").contains("big-endian"));
    assert!(message("bomb.pth").contains("a zip bomb"));
    let flipped = std::fs::read(fixture("plain.pth")).unwrap();
    let damaged = |bytes: &[u8]| read_bytes(bytes).unwrap_err().to_string();
    let mut bytes = flipped.clone();
    let at = bytes
        .windows(4)
        .position(|w| w == 0.125f32.to_le_bytes())
        .unwrap();
    bytes[at] ^= 1;
    assert!(damaged(&bytes).contains("checksum"), "{}", damaged(&bytes));
    let error = damaged(&flipped[..flipped.len() / 2]);
    assert!(
        error.contains("cut short: zip archive: no table of contents"),
        "{error}"
    );
    let legacy = std::fs::read(fixture("plain-legacy.pth")).unwrap();
    let error = damaged(&legacy[..legacy.len() - 1]);
    assert!(error.contains("is not whole"), "{error}");
}

#[test]
fn a_file_cut_at_any_byte_is_an_error() {
    for (name, bytes) in fixtures(u64::MAX) {
        for len in 0..bytes.len() {
            let read = fuzz(&bytes[..len]);
            assert!(
                !read,
                "{name} cut to {len} of {} bytes was read",
                bytes.len()
            );
        }
    }
}

#[test]
fn a_flipped_bit_at_any_byte_is_an_error_or_a_state_dict() {
    for (_, mut bytes) in fixtures(u64::MAX) {
        for at in 0..bytes.len() {
            let bit = 1 << (at % 8);
            bytes[at] ^= bit;
            fuzz(&bytes);
            bytes[at] ^= bit;
        }
    }
}

/// What a fuzzer would do first: bytes changed, set to extremes, moved, removed and repeated.
#[test]
fn mutated_files_are_errors_or_state_dicts() {
    let files = fixtures(4000);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut below = |n: usize| (rng.next_u64() % n.max(1) as u64) as usize;
    let mut sound = 0;
    for _ in 0..40_000 {
        let mut bytes = files[below(files.len())].1.clone();
        for _ in 0..1 + below(4) {
            let at = below(bytes.len());
            let end = at + below((bytes.len() - at).min(40));
            match below(6) {
                0 => bytes[at] = below(256) as u8,
                1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][below(5)],
                2 => bytes[at..end].fill([0, 0xff][below(2)]),
                3 => drop(bytes.drain(at..end)),
                4 => {
                    let copied = bytes[at..end].to_vec();
                    let to = below(bytes.len());
                    bytes.splice(to..to, copied);
                }
                _ => {
                    let other = &files[below(files.len())].1;
                    let from = below(other.len());
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[from..]);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        sound += usize::from(fuzz(&bytes));
    }
    assert!(sound > 100, "{sound} of the files were still read");
}

#[test]
fn the_error_names_the_file() {
    let error = read(&fixture("bomb.pth")).unwrap_err();
    assert!(matches!(error, WeightsError::File { .. }), "{error:?}");
    assert!(error.to_string().contains("bomb.pth: "), "{error}");
}
