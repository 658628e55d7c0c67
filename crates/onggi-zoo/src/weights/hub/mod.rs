//! Files of the Hugging Face hub: found in its cache, or downloaded into it.
//!
//! The cache is that of `huggingface_hub`, so that what Python downloaded is found here and the other
//! way round: `models--OWNER--NAME/` with `blobs/HASH`, `snapshots/COMMIT/FILE` pointing to a blob, and
//! `refs/REVISION` holding a commit.
//!
//! With `ureq` and not `hf-hub`, which since 1.0 brings an asynchronous runtime with it.

mod cache;
mod download;

use super::{MAX_BYTES, WeightsError};
use download::Download;
use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest wait for a server's next byte.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A file of a repository of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubFile<'a> {
    /// `owner/name`.
    pub repo: &'a str,
    /// Branch, tag or commit, e.g. `main`.
    pub revision: &'a str,
    /// Path inside the repository, e.g. `model.safetensors`.
    pub file: &'a str,
    /// SHA-256 of its content, 64 hexadecimal digits in lower case.
    pub sha256: Option<&'a str>,
    /// Its size.
    pub bytes: Option<u64>,
}

/// Where the hub is and where its files are kept.
#[derive(Clone)]
pub struct Hub {
    /// Address without a slash at its end.
    pub endpoint: String,
    /// What lets private files be read; sent to the endpoint alone.
    pub token: Option<String>,
    /// Folder with a folder for each repository.
    pub cache: PathBuf,
    /// Whether to ask nobody.
    pub offline: bool,
    /// Longest wait for an answer's start and for each next part of it.
    pub timeout: Duration,
}

/// The file in the cache of [`Hub::from_env`], see [`Hub::cached`].
pub fn cached(file: &HubFile) -> Option<PathBuf> {
    Hub::from_env().ok()?.cached(file)
}

/// The file through the cache of [`Hub::from_env`], see [`Hub::pull`].
///
/// # Errors
/// As of [`Hub::from_env`] and [`Hub::pull`].
pub fn pull(
    file: &HubFile,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<PathBuf, WeightsError> {
    Hub::from_env()?.pull(file, progress)
}

impl Hub {
    /// The hub as the environment has it, by the variables of `huggingface_hub`.
    ///
    /// `HF_ENDPOINT` (`https://huggingface.co`), `HF_HOME` (`huggingface` in `XDG_CACHE_HOME` or
    /// `~/.cache`), `HF_HUB_CACHE` (`hub` in `HF_HOME`), `HF_TOKEN`, else what the file `HF_TOKEN_PATH`
    /// (`token` in `HF_HOME`) holds; `HF_HUB_OFFLINE`: `1`, `on`, `yes` or `true`. Proxies by `HTTPS_PROXY`
    /// and its like.
    ///
    /// # Errors
    /// No home folder, and none of the variables that say where the cache is.
    pub fn from_env() -> Result<Self, WeightsError> {
        let variable = |name: &str| std::env::var_os(name);
        Self::from_variables(&variable, std::env::home_dir())
    }

    fn from_variables(
        variable: &dyn Fn(&str) -> Option<OsString>,
        home: Option<PathBuf>,
    ) -> Result<Self, WeightsError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let text = |name| set(name)?.into_string().ok();
        let caches = || match set("XDG_CACHE_HOME") {
            Some(caches) => Some(PathBuf::from(caches)),
            None => home.as_ref().map(|home| home.join(".cache")),
        };
        let hf_home = match set("HF_HOME") {
            Some(folder) => Some(PathBuf::from(folder)),
            None => caches().map(|caches| caches.join("huggingface")),
        };
        let inside = |name: &str| hf_home.as_ref().map(|folder| folder.join(name));
        let cache = set("HF_HUB_CACHE").map(PathBuf::from);
        let cache = cache.or_else(|| inside("hub")).ok_or_else(|| {
            WeightsError::unsupported(
                "there is no home folder to keep downloads in; set HF_HUB_CACHE to a folder",
            )
        })?;
        let token_file = set("HF_TOKEN_PATH").map(PathBuf::from);
        let token_file = token_file.or_else(|| inside("token"));
        let token = text("HF_TOKEN").or_else(|| {
            let mut token = String::new();
            let file = std::fs::File::open(token_file?).ok()?;
            file.take(4096).read_to_string(&mut token).ok()?;
            Some(token)
        });
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let offline = text("HF_HUB_OFFLINE").unwrap_or_default().to_lowercase();
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').into(),
            token: (token.map(|token| token.trim().to_string())).filter(|token| !token.is_empty()),
            cache,
            offline: ["1", "on", "yes", "true"].contains(&&*offline),
            timeout: TIMEOUT,
        })
    }

    /// The file where it is in the cache, with the size and the hash that were asked for.
    pub fn cached(&self, file: &HubFile) -> Option<PathBuf> {
        file.check().ok()?;
        let path = cache::find(&self.cache, file)?;
        let expected = file.sha256.unwrap_or_default();
        let same = |path: &Path| {
            let len = path.metadata().ok()?.len();
            let fits = file.bytes.is_none_or(|bytes| bytes == len);
            Some(fits && (expected.is_empty() || cache::sha256(path).ok()? == expected))
        };
        same(&path)?.then_some(path)
    }

    /// The file out of the cache, or downloaded into it.
    ///
    /// A download that breaks off is taken up where it stopped, at once and by the next call. It is in
    /// the cache only when its size and its SHA-256 are right, those asked for or those the hub gives.
    /// `progress` receives the bytes that are here and all there will be, where that is known.
    ///
    /// # Errors
    /// Names that are none; nothing in the cache where offline; a hub that does not answer, or not with
    /// this file; more than [`MAX_BYTES`]; another size or hash than expected; what writing can fail with.
    pub fn pull(
        &self,
        file: &HubFile,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<PathBuf, WeightsError> {
        file.check()?;
        if let Some(path) = self.cached(file) {
            return Ok(path);
        }
        let download = Download::new(self, file);
        if self.offline {
            return Err(download.error(format!(
                "not in the cache {}, and HF_HUB_OFFLINE keeps from asking",
                self.cache.display()
            )));
        }
        let described = download.describe()?;
        let of_hub = Some(&*described.etag).filter(|etag| is_hash(etag, 64));
        let expected = file.sha256.or(of_hub);
        if let (Some(expected), Some(received)) =
            (file.sha256, of_hub.filter(|hash| file.sha256 != Some(hash)))
        {
            return Err(download.other_hash(expected, received));
        }
        let total = described.bytes;
        if let Some(bytes) = total.filter(|&bytes| bytes > MAX_BYTES) {
            return Err(WeightsError::TooLarge {
                bytes,
                limit: MAX_BYTES,
            });
        }
        if let (Some(total), Some(bytes)) =
            (total, file.bytes.filter(|&bytes| Some(bytes) != total))
        {
            return Err(download.error(format!("the hub has {total} bytes, expected {bytes}")));
        }
        let place = cache::Place::lock(&self.cache, file, &described.etag)?;
        // Another process may have been downloading it meanwhile.
        let whole = |hash: &str| expected.is_none_or(|expected| hash == expected);
        if !(place.blob.is_file() && whole(&cache::sha256(&place.blob)?)) {
            let bytes = total.or(file.bytes);
            download.fetch(&described.commit, &place.partial, bytes, progress)?;
            let received = cache::sha256(&place.partial)?;
            if !whole(&received) {
                place.discard()?;
                return Err(download.other_hash(expected.unwrap_or_default(), &received));
            }
        }
        place.publish(file, &described.commit)
    }
}

impl fmt::Debug for Hub {
    /// Without the token, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("cache", &self.cache)
            .field("offline", &self.offline)
            .field("timeout", &self.timeout)
            .finish()
    }
}

impl HubFile<'_> {
    /// Names that stay inside the cache's folder, and mean there what they mean in an address.
    fn check(&self) -> Result<(), WeightsError> {
        let plain = |part: &str| {
            let end = part.trim_end_matches(['.', ' ']);
            end == part
                && !part.is_empty()
                && !part.contains(|c: char| c.is_control() || "\\:*?\"<>|".contains(c))
        };
        let word = |part: &str| {
            plain(part)
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let wrong = |what: &str, received: &str| {
            Err(WeightsError::unsupported(format!(
                "{what}; received `{}`",
                received.escape_debug()
            )))
        };
        if self.repo.split('/').count() > 2 || !self.repo.split('/').all(word) {
            return wrong("a repository of the hub is `owner/name`", self.repo);
        }
        if !self.revision.split('/').all(plain) {
            return wrong("a revision is a branch, a tag or a commit", self.revision);
        }
        if !self.file.split('/').all(plain) {
            return wrong("a file is a path inside the repository", self.file);
        }
        match self.sha256 {
            Some(hash) if !is_hash(hash, 64) => {
                wrong("a SHA-256 is 64 hexadecimal digits in lower case", hash)
            }
            _ => Ok(()),
        }
    }
}

/// So many hexadecimal digits in lower case.
fn is_hash(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(variables: &[(&str, &str)]) -> Hub {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Hub::from_variables(&variable, Some("/home/me".into())).unwrap()
    }

    #[test]
    fn the_environment_by_the_hub_s_own_names() {
        let plain = hub(&[("HF_TOKEN", ""), ("HF_HUB_OFFLINE", "0")]);
        assert_eq!(plain.endpoint, "https://huggingface.co");
        assert_eq!(plain.cache, Path::new("/home/me/.cache/huggingface/hub"));
        assert_eq!((plain.token, plain.offline), (None, false));
        let set = hub(&[
            ("HF_ENDPOINT", "http://mirror/"),
            ("HF_TOKEN", " hf_x\n"),
            ("HF_HOME", "/hf"),
            ("HF_HUB_OFFLINE", "True"),
        ]);
        assert_eq!(set.endpoint, "http://mirror");
        assert_eq!(set.cache, Path::new("/hf/hub"));
        assert_eq!((set.token.as_deref(), set.offline), (Some("hf_x"), true));
        assert!(!format!("{:?}", hub(&[("HF_TOKEN", "hf_secret")])).contains("secret"));
        let cache = hub(&[
            ("HF_HOME", "/hf"),
            ("HF_HUB_CACHE", "/cache"),
            ("XDG_CACHE_HOME", "/x"),
        ])
        .cache;
        assert_eq!(cache, Path::new("/cache"));
        let cache = hub(&[("XDG_CACHE_HOME", "/x")]).cache;
        assert_eq!(cache, Path::new("/x/huggingface/hub"));
        let error = Hub::from_variables(&|_| None, None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("set HF_HUB_CACHE"), "{error}");
    }

    #[test]
    fn the_token_s_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "hf_file\n").unwrap();
        let home = dir.path().to_str().unwrap();
        assert_eq!(hub(&[("HF_HOME", home)]).token.as_deref(), Some("hf_file"));
        let both = hub(&[("HF_HOME", home), ("HF_TOKEN", "hf_first")]);
        assert_eq!(both.token.as_deref(), Some("hf_first"));
    }

    #[test]
    fn names_that_would_leave_the_cache_are_refused() {
        let sound = HubFile {
            repo: "timm/a-b_c.d",
            revision: "refs/pr/1",
            file: "sub/model.safetensors",
            sha256: None,
            bytes: None,
        };
        sound.check().unwrap();
        for repo in ["", "a/b/c", "../x", "a/..", "a b/c", "/etc"] {
            assert!(HubFile { repo, ..sound }.check().is_err(), "{repo}");
        }
        for file in [
            "",
            "../x",
            "a/../b",
            "/etc/passwd",
            "a\\b",
            "c:x",
            "a//b",
            "x\n",
            ".",
        ] {
            assert!(HubFile { file, ..sound }.check().is_err(), "{file}");
            assert!(
                HubFile {
                    revision: file,
                    ..sound
                }
                .check()
                .is_err(),
                "{file}"
            );
        }
        let sha256 = Some("ABC");
        assert!(HubFile { sha256, ..sound }.check().is_err());
    }
}
