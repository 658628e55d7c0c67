//! The hub over HTTP: what it says of a file, and the file.

use super::{Hub, HubFile, MAX_BYTES, WeightsError, is_hash};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use ureq::http::{Response, header};
use ureq::{Agent, Body, config::RedirectAuthHeaders};

/// Attempts one after the other that bring no byte, before giving up.
const ATTEMPTS: u32 = 3;

/// Pause before the second attempt; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(300);

/// Most redirects from one request.
const REDIRECTS: u32 = 5;

/// What the hub says of a file.
pub(super) struct Description {
    /// The commit that the revision is now.
    pub(super) commit: String,
    /// Name of its content: SHA-256 of a large file, Git's hash of a small one.
    pub(super) etag: String,
    pub(super) bytes: Option<u64>,
}

/// One file to get.
pub(super) struct Download<'a> {
    hub: &'a Hub,
    file: &'a HubFile<'a>,
    agent: Agent,
}

/// Why an attempt ended.
enum Stop {
    /// The next may do better.
    Broken(String),
    Final(WeightsError),
}

impl<'a> Download<'a> {
    pub(super) fn new(hub: &'a Hub, file: &'a HubFile<'a>) -> Self {
        let config = Agent::config_builder()
            .user_agent(concat!("onggi/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .https_only(hub.endpoint.starts_with("https://"))
            .max_redirects(REDIRECTS)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_resolve(Some(hub.timeout))
            .timeout_connect(Some(hub.timeout))
            .timeout_send_request(Some(hub.timeout))
            .timeout_recv_response(Some(hub.timeout))
            .timeout_per_read(Some(hub.timeout))
            .build();
        let agent = config.new_agent();
        Self { hub, file, agent }
    }

    fn url(&self, revision: &str) -> String {
        let Self { hub, file, .. } = self;
        let revision = encode(revision, "");
        format!(
            "{}/{}/resolve/{revision}/{}",
            hub.endpoint,
            file.repo,
            encode(file.file, "/")
        )
    }

    /// An error with what helps whoever has no network.
    pub(super) fn error(&self, reason: impl Into<String>) -> WeightsError {
        self.failed(
            reason,
            "Without a network, download that address elsewhere and pass the file with `--weights PATH`; \
             HF_HUB_OFFLINE=1 uses the cache alone"
                .into(),
        )
    }

    fn failed(&self, reason: impl Into<String>, remedy: String) -> WeightsError {
        WeightsError::Hub {
            url: self.url(self.file.revision),
            reason: reason.into(),
            remedy,
        }
    }

    pub(super) fn other_hash(&self, expected: &str, received: &str) -> WeightsError {
        WeightsError::Hash {
            url: self.url(self.file.revision),
            expected: expected.into(),
            received: received.into(),
        }
    }

    /// Asks for the file's commit, hash and size.
    pub(super) fn describe(&self) -> Result<Description, WeightsError> {
        let (mut commit, mut etag, mut bytes) = (None, None, None);
        let mut url = self.url(self.file.revision);
        for _ in 0..=REDIRECTS {
            // Redirects by hand: one to a store elsewhere carries what is asked for.
            let mut request = self
                .agent
                .head(&url)
                .header(header::ACCEPT_ENCODING, "identity");
            if let Some(token) = &self.hub.token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            let request = request.config().max_redirects(0).build();
            let response = request
                .call()
                .map_err(|error| self.error(error.to_string()))?;
            let text = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_string());
            let status = response.status();
            if !status.is_success() && !status.is_redirection() {
                return Err(self.refused(status.as_u16()));
            }
            commit = commit.or(text("x-repo-commit"));
            etag = etag.or(text("x-linked-etag"));
            bytes = bytes.or(text("x-linked-size"));
            let next = text("location").filter(|_| status.is_redirection());
            let next = next.and_then(|location| match location.strip_prefix(&self.hub.endpoint) {
                Some(path) if path.starts_with('/') => Some(location),
                _ => (location.starts_with('/') && !location.starts_with("//"))
                    .then(|| format!("{}{location}", origin(&self.hub.endpoint))),
            });
            match next {
                Some(next) => url = next,
                None => {
                    etag = etag.or(text("etag"));
                    if status.is_success() {
                        bytes = bytes.or(text("content-length"));
                    }
                    break;
                }
            }
        }
        let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_string());
        // It becomes the name of a file.
        let name = |etag: &String| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
            !etag.is_empty() && etag.len() <= 128 && etag.bytes().all(plain)
        };
        let (Some(commit), Some(etag)) = (commit.filter(|c| is_hash(c, 40)), etag.filter(name))
        else {
            let reason = "the answer has no X-Repo-Commit and ETag, as one of the hub has";
            return Err(self.failed(reason, "Look at HF_ENDPOINT".into()));
        };
        let bytes = bytes.and_then(|bytes| bytes.parse().ok());
        Ok(Description {
            commit,
            etag,
            bytes,
        })
    }

    /// Downloads into a file, behind what it holds.
    pub(super) fn fetch(
        &self,
        commit: &str,
        path: &Path,
        total: Option<u64>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), WeightsError> {
        let io = WeightsError::io;
        let out = OpenOptions::new().create(true).append(true).open(path);
        let mut out = out.map_err(io(path))?;
        let mut done = out.metadata().map_err(io(path))?.len();
        if total.is_some_and(|total| done > total) {
            out.set_len(0).map_err(io(path))?;
            done = 0;
        }
        let (mut furthest, mut idle) = (done, 0);
        while total != Some(done) {
            match self.attempt(commit, &mut out, path, &mut done, total, progress) {
                Ok(()) => break,
                Err(Stop::Final(error)) => return Err(error),
                Err(Stop::Broken(reason)) => {
                    idle = if done > furthest { 0 } else { idle + 1 };
                    furthest = furthest.max(done);
                    if idle == ATTEMPTS {
                        return Err(
                            self.error(format!("{reason}; {done} bytes are kept for another try"))
                        );
                    }
                    std::thread::sleep(PAUSE * 2u32.pow(idle.saturating_sub(1)));
                }
            }
        }
        out.sync_all().map_err(io(path))
    }

    /// One request, and as much of its answer as comes.
    fn attempt(
        &self,
        commit: &str,
        out: &mut File,
        path: &Path,
        done: &mut u64,
        total: Option<u64>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Stop> {
        let io = |error| Stop::Final(WeightsError::io(path)(error));
        let mut request = self
            .agent
            .get(self.url(commit))
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(token) = &self.hub.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if *done > 0 {
            request = request.header(header::RANGE, format!("bytes={done}-"));
        }
        let response = request
            .call()
            .map_err(|error| Stop::Broken(error.to_string()))?;
        match response.status().as_u16() {
            206 if begins_at(&response, *done) => {}
            // The whole file, or a part that does not fit: from the start.
            status @ (200 | 206 | 416) => {
                out.set_len(0).map_err(io)?;
                *done = 0;
                if status != 200 {
                    return Err(Stop::Broken("the hub sent another part of the file".into()));
                }
            }
            status @ (408 | 429 | 500..) => {
                return Err(Stop::Broken(format!("the hub answered {status}")));
            }
            status => return Err(Stop::Final(self.refused(status))),
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        progress(*done, total);
        loop {
            let len = body
                .read(&mut buffer)
                .map_err(|error| Stop::Broken(error.to_string()))?;
            if len == 0 {
                break;
            }
            if *done + len as u64 > total.unwrap_or(MAX_BYTES) {
                out.set_len(0).map_err(io)?;
                let total = total.unwrap_or(MAX_BYTES);
                return Err(Stop::Final(
                    self.error(format!("more than the {total} bytes that were announced")),
                ));
            }
            out.write_all(&buffer[..len]).map_err(io)?;
            *done += len as u64;
            progress(*done, total);
        }
        match total {
            Some(total) if *done < total => Err(Stop::Broken(format!(
                "the connection ended after {done} of {total} bytes"
            ))),
            _ => Ok(()),
        }
    }

    /// What a status means.
    fn refused(&self, status: u16) -> WeightsError {
        let page = format!("{}/{}", self.hub.endpoint, self.file.repo);
        match status {
            401 => self.failed(
                "401, not there for everyone, or not there at all",
                format!("Look at the name, or set HF_TOKEN to a token that may read {page}"),
            ),
            403 => self.failed(
                "403, not for this token",
                format!(
                    "Accept the conditions at {page}, and set HF_TOKEN to a token of that account"
                ),
            ),
            404 => self.failed(
                "404, no such repository, revision or file",
                format!("Look for the name at {page}/tree/{}", self.file.revision),
            ),
            status => self.error(format!("the hub answered {status}")),
        }
    }
}

/// Scheme and host of an address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..end]
}

fn begins_at(response: &Response<Body>, at: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {at}-")))
}

/// Percent-encodes all but letters, digits, `-._~` and what is kept.
fn encode(text: &str, kept: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || kept.as_bytes().contains(&byte)
        {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(encode("refs/pr/1", ""), "refs%2Fpr%2F1");
        assert_eq!(
            encode("a b/옹기#1?.bin", "/"),
            "a%20b/%EC%98%B9%EA%B8%B0%231%3F.bin"
        );
        assert_eq!(origin("http://a:8/x/y"), "http://a:8");
        assert_eq!(origin("https://huggingface.co"), "https://huggingface.co");
    }
}
