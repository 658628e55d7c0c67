//! `.pth`: what `torch.save` writes, as a zip archive (torch ≥ 1.6) or as a run of pickles (before).
//!
//! Both hold a pickle whose tensors name storages by key, and the storages' bytes: in the archive as
//! entries `NAME/data/KEY`, in the legacy file one after the other behind five pickles (a magic number,
//! the format's version, the machine, the object, the keys' order).
//!
//! # Reference
//! `torch/serialization.py` of PyTorch

use super::WeightsError;
use super::pickle::{Node, Pickle, Storage};
use super::strided::View;
use super::zip::Archive;
use onggi_nn::state::StateDict;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// First pickle of a legacy file.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// Version of the legacy format.
const PROTOCOL: i128 = 1001;

/// Names under which training scripts keep the state dict, the likeliest first.
const WRAPPERS: [&str; 5] = ["state_dict", "model_state_dict", "model", "module", "net"];

/// Most wrappers around one another.
const MAX_WRAPPERS: usize = 4;

/// Longest name of a tensor, in bytes.
const MAX_NAME: usize = 1024;

/// The storages' bytes by key.
type Storages<'a> = HashMap<&'a str, Cow<'a, [u8]>>;

/// A tensor of the state dict, before its values are read.
struct Named<'p, 'a> {
    name: &'a str,
    storage: Storage<'a>,
    view: &'p View,
}

/// Reads the archive of torch ≥ 1.6.
pub(super) fn read_zip(bytes: &[u8]) -> Result<StateDict, WeightsError> {
    let mut archive = Archive::open(bytes)?;
    let top = |name: &str, end: &str| name.split_once('/').is_some_and(|(_, rest)| rest == end);
    let pickles = archive.names().filter(|name| top(name, "data.pkl"));
    let &[path] = &pickles.collect::<Vec<_>>()[..] else {
        return Err(WeightsError::Format {
            received: "a zip archive without the one `NAME/data.pkl` of torch.save".into(),
        });
    };
    if archive.names().any(|name| top(name, "constants.pkl")) {
        return Err(WeightsError::unsupported(
            "a TorchScript program; in Python, torch.save(torch.jit.load(PATH).state_dict(), 'weights.pth')",
        ));
    }
    let root = path.trim_end_matches("data.pkl");
    let order = archive.read(&format!("{root}byteorder"))?;
    if order.is_some_and(|order| order.trim_ascii() != b"little") {
        return Err(big_endian());
    }
    let pickle = archive.read(path)?.unwrap_or_default();
    let pickle = Pickle::read(&pickle)?;
    let tensors = find(&pickle)?;
    let mut storages = Storages::new();
    let mut inflated = 0;
    for Named { storage, .. } in &tensors {
        if let Entry::Vacant(slot) = storages.entry(storage.key) {
            let key = storage.key;
            let data = archive.read(&format!("{root}data/{key}"))?;
            let data = data.ok_or_else(|| missing(key))?;
            if let Cow::Owned(data) = &data {
                inflated += data.len();
            }
            slot.insert(data);
        }
    }
    collect(&tensors, &storages, bytes.len() + inflated)
}

/// Whether these bytes begin like a legacy file, or like another pickle.
pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 1..=5, ..]) || bytes.starts_with(b"L119547037146038801333356L\n")
}

/// Reads the file of torch < 1.6.
pub(super) fn read_legacy(bytes: &[u8]) -> Result<StateDict, WeightsError> {
    let mut rest = bytes;
    let mut next = || {
        let pickle = Pickle::read(rest)?;
        rest = &rest[pickle.len..];
        Ok::<_, WeightsError>(pickle)
    };
    if !matches!(next()?.root(), Node::Int(MAGIC)) {
        return Err(WeightsError::Format {
            received: "a pickle that torch.save did not write".into(),
        });
    }
    let version = next()?;
    if !matches!(version.root(), Node::Int(PROTOCOL)) {
        return Err(WeightsError::damaged(format!(
            "version {:?} of the legacy format instead of {PROTOCOL}",
            version.root()
        )));
    }
    let machine = next()?;
    if matches!(
        lookup(&machine, machine.root(), "little_endian"),
        Some(Node::Bool(false))
    ) {
        return Err(big_endian());
    }
    let pickle = next()?;
    let tensors = find(&pickle)?;
    let keys = next()?;
    let Node::List(keys_in_order) = keys.root() else {
        return Err(WeightsError::damaged("the storages' order must be a list"));
    };
    let sizes: HashMap<&str, usize> = (pickle.nodes().iter())
        .filter_map(|node| match node {
            Node::Storage(storage) => Some((storage.key, storage.dtype.size())),
            _ => None,
        })
        .collect();
    let mut storages = Storages::new();
    for &key in keys_in_order {
        let size = match keys.get(key) {
            Node::Str(key) => sizes.get_key_value(key),
            _ => None,
        };
        let Some((&key, &size)) = size else {
            return Err(WeightsError::damaged("a storage that no tensor names"));
        };
        let short =
            || WeightsError::damaged(format!("storage `{}` is not whole", key.escape_debug()));
        let (len, values) = rest.split_first_chunk().ok_or_else(short)?;
        let len = u64::from_le_bytes(*len).checked_mul(size as u64);
        let len = len
            .and_then(|len| usize::try_from(len).ok())
            .ok_or_else(short)?;
        let (data, after) = values.split_at_checked(len).ok_or_else(short)?;
        storages.insert(key, Cow::Borrowed(data));
        rest = after;
    }
    collect(&tensors, &storages, bytes.len())
}

/// The tensors by name, out of their wrappers.
fn find<'p, 'a>(pickle: &'p Pickle<'a>) -> Result<Vec<Named<'p, 'a>>, WeightsError> {
    let mut dict = pickle.root();
    for _ in 0..MAX_WRAPPERS {
        let inner = WRAPPERS.iter().find_map(|name| {
            lookup(pickle, dict, name).filter(|node| matches!(node, Node::Dict(_)))
        });
        dict = inner.unwrap_or(dict);
    }
    let Node::Dict(pairs) = dict else {
        return Err(WeightsError::unsupported(
            "torch.save was given something else than a dict; give it model.state_dict()",
        ));
    };
    let mut tensors = Vec::new();
    for &(key, value) in pairs {
        if let (&Node::Str(name), Node::Tensor { storage, view }) =
            (pickle.get(key), pickle.get(value))
        {
            if name.len() > MAX_NAME {
                return Err(WeightsError::damaged(format!(
                    "a tensor's name of {} bytes; at most {MAX_NAME} are read",
                    name.len()
                )));
            }
            tensors.push(Named {
                name,
                storage: *storage,
                view,
            });
        }
    }
    if tensors.is_empty() {
        let keys = pairs.iter().filter_map(|&(key, _)| match pickle.get(key) {
            Node::Str(key) if key.len() <= MAX_NAME => Some(format!("`{}`", key.escape_debug())),
            _ => None,
        });
        let keys: Vec<_> = keys.take(10).collect();
        return Err(WeightsError::unsupported(format!(
            "no tensors by name: the file has the keys [{}], and of wrappers only {WRAPPERS:?} are opened; save \
             model.state_dict()",
            keys.join(", ")
        )));
    }
    Ok(tensors)
}

/// A dict's value.
fn lookup<'p, 'a>(pickle: &'p Pickle<'a>, dict: &Node, name: &str) -> Option<&'p Node<'a>> {
    let Node::Dict(pairs) = dict else {
        return None;
    };
    let same = |node: &Node| matches!(node, Node::Str(key) if *key == name);
    let pair = pairs.iter().rfind(|(key, _)| same(pickle.get(*key)));
    pair.map(|&(_, value)| pickle.get(value))
}

/// Reads the tensors' values. Views may share a storage and repeat its values: four values for each
/// of the file's bytes are given out, sixteen times what a file of `f32` holds.
fn collect(
    tensors: &[Named],
    storages: &Storages,
    bytes: usize,
) -> Result<StateDict, WeightsError> {
    let mut left = 4 * bytes as u64 + (1 << 16);
    let mut state = StateDict::new();
    for Named {
        name,
        storage,
        view,
    } in tensors
    {
        let data = storages
            .get(storage.key)
            .ok_or_else(|| missing(storage.key))?;
        if storage.len.checked_mul(storage.dtype.size() as u64) != Some(data.len() as u64) {
            return Err(WeightsError::damaged(format!(
                "storage `{}` must have {} values of {} bytes; received {} bytes",
                storage.key.escape_debug(),
                storage.len,
                storage.dtype.size(),
                data.len()
            )));
        }
        left = left.checked_sub(view.len()?).ok_or_else(|| {
            WeightsError::unsupported(
                "the tensors repeat their storages' values more than 16 times; save their .clone()",
            )
        })?;
        state.insert(name.to_string(), view.read(storage.dtype, data)?);
    }
    Ok(state)
}

fn missing(key: &str) -> WeightsError {
    let key = key.chars().take(120).collect::<String>();
    WeightsError::damaged(format!("storage `{}` is missing", key.escape_debug()))
}

fn big_endian() -> WeightsError {
    WeightsError::unsupported(
        "written on a big-endian machine; load it in Python there and save it as safetensors",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A legacy file with this object and one storage of one value, 2.5.
    fn legacy(object: &[u8]) -> Result<StateDict, WeightsError> {
        let file = [
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.M\xe9\x03.}.",
            object,
            b"]X\x01\0\0\x000a.\x01\0\0\0\0\0\0\0",
            &2.5f32.to_le_bytes(),
        ];
        read_legacy(&file.concat())
    }

    /// A dict with a tensor `x` of that storage's value, 2^`log` times.
    fn repeated(log: u8) -> Vec<u8> {
        let len = [&b"\x8a\x08"[..], &(1u64 << log).to_le_bytes()].concat();
        [
            b"}X\x01\0\0\0xctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storage",
            &b"ctorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQK\x00"[..],
            &len,
            b"\x85K\x00\x85\x89NtRs.",
        ]
        .concat()
    }

    #[test]
    fn a_value_is_repeated_up_to_a_bound() {
        assert_eq!(legacy(&repeated(2)).unwrap()["x"].values, [2.5; 4]);
        // Four tebibytes from 200 bytes.
        let error = legacy(&repeated(40)).unwrap_err().to_string();
        assert!(error.contains("more than 16 times"), "{error}");
    }

    #[test]
    fn an_object_without_tensors_names_its_keys() {
        let error = legacy(b"}X\x05\0\0\0epochK\x03s.").unwrap_err().to_string();
        assert!(error.contains("has the keys [`epoch`]"), "{error}");
        let error = legacy(b"K\x03.").unwrap_err().to_string();
        assert!(error.contains("give it model.state_dict()"), "{error}");
    }

    #[test]
    fn a_wrapper_that_holds_itself_ends() {
        let error = legacy(b"}q\x00X\x05\0\0\0modelh\x00s.").unwrap_err();
        assert!(error.to_string().contains("no tensors by name"), "{error}");
    }
}
