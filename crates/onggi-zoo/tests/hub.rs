//! The hub against a server on this machine that answers as each test wants it to.
#![cfg(feature = "hub")]

use onggi_zoo::weights::WeightsError;
use onggi_zoo::weights::hub::{Hub, HubFile};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// SHA-256 of [`content`], of sha256sum.
const SHA256: &str = "3c65ea93424a9c362fec0e3a69ea36031e8a358441479dd665cc6110eabe7b08";

fn content() -> Vec<u8> {
    (0..300_000u32).map(|i| (i % 251) as u8).collect()
}

#[derive(Clone, Debug)]
struct Request {
    method: String,
    path: String,
    headers: Vec<String>,
}

impl Request {
    /// A header's value; names in lower case.
    fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.headers.iter().filter_map(|line| line.split_once(": "));
        Some(pairs.find(|(key, _)| key.eq_ignore_ascii_case(name))?.1)
    }

    /// First byte that is wanted.
    fn start(&self) -> usize {
        let range = self
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        range.map_or(0, |start| start.parse().unwrap())
    }
}

struct Reply {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
    /// Bytes of the body after which the connection ends.
    cut: usize,
    /// Whether it then stays open, silent.
    stall: bool,
}

impl Reply {
    fn new(status: u16, headers: &[&str], body: Vec<u8>) -> Self {
        let mut headers: Vec<String> = headers.iter().map(|line| line.to_string()).collect();
        headers.push(format!("Content-Length: {}", body.len()));
        Self {
            status,
            headers,
            body,
            cut: usize::MAX,
            stall: false,
        }
    }
}

struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(answer: impl Fn(&Request, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        // Ends with the test.
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let Some(request) = read(&stream) else {
                    continue;
                };
                let count = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.iter().filter(|r| r.method == request.method).count()
                };
                let reply = answer(&request, count);
                let head = request.method == "HEAD";
                if let Some(silent) = write(stream, &reply, head) {
                    open.push(silent);
                }
            }
        });
        Self { address, requests }
    }

    /// The hub's answers for a file, with `Range` served.
    fn serving(content: Vec<u8>) -> Self {
        Self::start(move |request, _| file(request, &content, SHA256))
    }

    fn requests(&self, method: &str) -> Vec<Request> {
        let all = self.requests.lock().unwrap();
        all.iter()
            .filter(|request| request.method == method)
            .cloned()
            .collect()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ').map(str::to_string);
    Some(Request {
        method: words.next()?,
        path: words.next()?,
        headers: lines.take_while(|line| !line.is_empty()).collect(),
    })
}

fn write(mut stream: TcpStream, reply: &Reply, head: bool) -> Option<TcpStream> {
    let headers = reply.headers.join("\r\n");
    let _ = write!(
        stream,
        "HTTP/1.1 {} x\r\nConnection: close\r\n{headers}\r\n\r\n",
        reply.status
    );
    if !head {
        let _ = stream.write_all(&reply.body[..reply.body.len().min(reply.cut)]);
    }
    reply.stall.then_some(stream)
}

fn file(request: &Request, content: &[u8], etag: &str) -> Reply {
    let start = request.start();
    let etag = format!("X-Linked-Etag: \"{etag}\"");
    let size = format!("X-Linked-Size: {}", content.len());
    let commit = format!("X-Repo-Commit: {COMMIT}");
    let range = format!(
        "Content-Range: bytes {start}-{}/{}",
        content.len() - 1,
        content.len()
    );
    let headers = [&*etag, &*size, &*commit, &*range];
    let status = if request.header("range").is_some() {
        206
    } else {
        200
    };
    Reply::new(status, &headers, content[start..].to_vec())
}

fn hub(server: &Server, cache: &Path) -> Hub {
    Hub {
        endpoint: server.address.clone(),
        token: Some("hf_secret".into()),
        cache: cache.into(),
        offline: false,
        timeout: Duration::from_secs(5),
    }
}

const FILE: HubFile = HubFile {
    repo: "onggi/tiny",
    revision: "main",
    file: "sub/model.safetensors",
    sha256: Some(SHA256),
    bytes: Some(300_000),
};

fn partial(cache: &Path) -> PathBuf {
    cache.join(format!("models--onggi--tiny/blobs/{SHA256}.incomplete"))
}

fn pull(hub: &Hub, file: &HubFile) -> Result<PathBuf, WeightsError> {
    hub.pull(file, &mut |done, total| {
        assert!(total.is_none_or(|total| done <= total))
    })
}

fn refusal(answer: impl Fn(&Request, usize) -> Reply + Send + 'static) -> (String, Server) {
    let (server, cache) = (Server::start(answer), tempfile::tempdir().unwrap());
    let error = pull(&hub(&server, cache.path()), &FILE).unwrap_err();
    (error.to_string(), server)
}

#[test]
fn a_file_comes_whole_into_the_cache_and_from_there_without_asking() {
    let (server, cache) = (Server::serving(content()), tempfile::tempdir().unwrap());
    let mut hub = hub(&server, cache.path());
    assert_eq!(hub.cached(&FILE), None);
    let mut seen = Vec::new();
    let path = hub
        .pull(&FILE, &mut |done, total| seen.push((done, total)))
        .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content());
    assert_eq!(seen.first(), Some(&(0, Some(300_000))));
    assert_eq!(seen.last(), Some(&(300_000, Some(300_000))));
    assert!(seen.is_sorted());
    // The layout of huggingface_hub.
    let folder = cache.path().join("models--onggi--tiny");
    assert_eq!(
        path,
        folder
            .join("snapshots")
            .join(COMMIT)
            .join("sub/model.safetensors")
    );
    assert_eq!(
        std::fs::read_to_string(folder.join("refs/main")).unwrap(),
        COMMIT
    );
    assert_eq!(
        std::fs::read(folder.join("blobs").join(SHA256)).unwrap(),
        content()
    );
    #[cfg(unix)]
    assert_eq!(
        std::fs::read_link(&path).unwrap(),
        Path::new("../../../blobs").join(SHA256)
    );
    assert!(!partial(cache.path()).exists());
    // Asked for by branch, then as of that commit.
    let paths: Vec<_> = server
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|r| r.path.clone())
        .collect();
    let by_commit = format!("/onggi/tiny/resolve/{COMMIT}/sub/model.safetensors");
    assert_eq!(
        paths,
        ["/onggi/tiny/resolve/main/sub/model.safetensors", &by_commit]
    );
    assert_eq!(
        server.requests("GET")[0].header("authorization"),
        Some("Bearer hf_secret")
    );

    hub.offline = true;
    assert_eq!(pull(&hub, &FILE).unwrap(), path);
    let by_commit = HubFile {
        revision: COMMIT,
        ..FILE
    };
    assert_eq!(hub.cached(&by_commit), Some(path.clone()));
    assert_eq!(server.requests.lock().unwrap().len(), 2);
    // Another content under the same name is not what was asked for.
    std::fs::write(&path, b"changed").unwrap();
    assert_eq!(hub.cached(&FILE), None);
}

/// A revision's file holds a commit, and may hold anything.
#[test]
fn a_reference_that_leads_elsewhere_is_not_followed() {
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("models--onggi--tiny");
    for inside in ["refs", "snapshots", "sub"] {
        std::fs::create_dir_all(folder.join(inside)).unwrap();
    }
    std::fs::write(folder.join("refs/main"), "..").unwrap();
    std::fs::write(folder.join("sub/model.safetensors"), content()).unwrap();
    let server = Server::serving(content());
    assert_eq!(hub(&server, cache.path()).cached(&FILE), None);
}

#[test]
fn a_file_that_the_cache_lost_is_repaired() {
    let (server, cache) = (Server::serving(content()), tempfile::tempdir().unwrap());
    let hub = hub(&server, cache.path());
    let path = pull(&hub, &FILE).unwrap();
    std::fs::write(&path, b"damaged").unwrap();
    assert_eq!(pull(&hub, &FILE).unwrap(), path);
    assert_eq!(std::fs::read(&path).unwrap(), content());
}

#[test]
fn a_download_is_taken_up_where_an_earlier_one_stopped() {
    let (server, cache) = (Server::serving(content()), tempfile::tempdir().unwrap());
    let partial = partial(cache.path());
    std::fs::create_dir_all(partial.parent().unwrap()).unwrap();
    std::fs::write(&partial, &content()[..100_000]).unwrap();
    let path = pull(&hub(&server, cache.path()), &FILE).unwrap();
    assert_eq!(
        server.requests("GET")[0].header("range"),
        Some("bytes=100000-")
    );
    assert_eq!(std::fs::read(path).unwrap(), content());
}

#[test]
fn a_connection_that_is_cut_is_taken_up_at_once() {
    let content_ = content();
    let server = Server::start(move |request, _| {
        let mut reply = file(request, &content_, SHA256);
        reply.cut = 70_000;
        reply
    });
    let cache = tempfile::tempdir().unwrap();
    let path = pull(&hub(&server, cache.path()), &FILE).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), content());
    let starts: Vec<_> = server.requests("GET").iter().map(Request::start).collect();
    assert_eq!(starts, [0, 70_000, 140_000, 210_000, 280_000]);
}

#[test]
fn a_server_without_ranges_sends_the_file_again() {
    let content_ = content();
    let server = Server::start(move |request, count| {
        let mut plain = request.clone();
        plain.headers.clear();
        let mut reply = file(&plain, &content_, SHA256);
        if request.method == "GET" && count == 1 {
            reply.cut = 70_000;
        }
        reply
    });
    let cache = tempfile::tempdir().unwrap();
    let path = pull(&hub(&server, cache.path()), &FILE).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), content());
    assert_eq!(server.requests("GET").len(), 2);
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let content_ = content();
    let server = Server::start(move |request, count| match (&*request.method, count) {
        ("GET", 1) => Reply::new(503, &[], Vec::new()),
        _ => file(request, &content_, SHA256),
    });
    let cache = tempfile::tempdir().unwrap();
    assert!(pull(&hub(&server, cache.path()), &FILE).is_ok());
}

#[test]
fn a_redirect_elsewhere_gets_the_range_and_not_the_token() {
    let store = Server::serving(content());
    let elsewhere = format!(
        "Location: {}/blob",
        store.address.replace("127.0.0.1", "localhost")
    );
    let content_ = content();
    let server = Server::start(move |request, _| {
        let mut reply = file(request, &content_, SHA256);
        reply.status = 302;
        // A repository that was renamed, then a store elsewhere.
        reply
            .headers
            .push(match request.path.starts_with("/onggi/tiny/") {
                true => "Location: /onggi/renamed/x".into(),
                false => elsewhere.clone(),
            });
        reply
    });
    let cache = tempfile::tempdir().unwrap();
    let partial = partial(cache.path());
    std::fs::create_dir_all(partial.parent().unwrap()).unwrap();
    std::fs::write(&partial, &content()[..7]).unwrap();
    let path = pull(&hub(&server, cache.path()), &FILE).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), content());
    let [request] = &store.requests("GET")[..] else {
        panic!("one request");
    };
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("range"), Some("bytes=7-"));
    assert!(store.requests("HEAD").is_empty());
    assert_eq!(
        server.requests("HEAD")[1].header("authorization"),
        Some("Bearer hf_secret")
    );
}

#[test]
fn another_content_than_announced_is_removed_and_both_hashes_said() {
    let mut changed = content();
    changed[5] ^= 1;
    let (server, cache) = (Server::serving(changed), tempfile::tempdir().unwrap());
    // Once against the hash that is asked for, once against the hub's own.
    for sha256 in [Some(SHA256), None] {
        let error = pull(&hub(&server, cache.path()), &HubFile { sha256, ..FILE }).unwrap_err();
        let WeightsError::Hash {
            expected, received, ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!(expected, SHA256);
        assert!(error.to_string().contains(expected) && error.to_string().contains(received));
        assert_ne!(received, expected);
        assert!(!partial(cache.path()).exists());
        assert_eq!(hub(&server, cache.path()).cached(&FILE), None);
    }
}

#[test]
fn a_hub_with_another_file_is_refused_before_the_download() {
    let (server, cache) = (Server::serving(content()), tempfile::tempdir().unwrap());
    let other = "0".repeat(64);
    let hashed = HubFile {
        sha256: Some(&other),
        ..FILE
    };
    let error = pull(&hub(&server, cache.path()), &hashed).unwrap_err();
    assert!(
        matches!(&error, WeightsError::Hash { received, .. } if received == SHA256),
        "{error}"
    );
    let sized = HubFile {
        bytes: Some(1),
        ..FILE
    };
    let error = pull(&hub(&server, cache.path()), &sized)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the hub has 300000 bytes, expected 1"),
        "{error}"
    );
    assert!(server.requests("GET").is_empty());
}

#[test]
fn refusals_say_what_to_do() {
    for (status, says) in [
        (401, "set HF_TOKEN"),
        (403, "Accept the conditions"),
        (404, "no such repository, revision or file"),
        (500, "the hub answered 500"),
    ] {
        let (error, server) = refusal(move |_, _| Reply::new(status, &[], Vec::new()));
        assert!(error.contains(says), "{error}");
        assert!(
            error.contains(&server.address) && !error.contains("hf_secret"),
            "{error}"
        );
    }
    let (error, _) = refusal(|_, _| Reply::new(200, &[], Vec::new()));
    assert!(error.contains("Look at HF_ENDPOINT"), "{error}");
    // What the hub calls the content must not lead out of the cache.
    let (error, _) = refusal(|request, _| file(request, &content(), "../../x"));
    assert!(error.contains("ETag"), "{error}");
}

#[test]
fn too_much_is_refused() {
    let huge = format!("X-Linked-Size: {}", 5u64 << 30);
    let (server, cache) = (
        Server::start(move |request, _| {
            let mut reply = file(request, &content(), SHA256);
            reply.headers[1] = huge.clone();
            reply
        }),
        tempfile::tempdir().unwrap(),
    );
    let any = HubFile {
        bytes: None,
        ..FILE
    };
    let error = pull(&hub(&server, cache.path()), &any).unwrap_err();
    assert!(matches!(error, WeightsError::TooLarge { .. }), "{error}");
    assert!(server.requests("GET").is_empty());

    let (error, _) = refusal(|request, _| match &*request.method {
        "HEAD" => file(request, &content(), SHA256),
        _ => file(request, &[content(), content()].concat(), SHA256),
    });
    assert!(error.contains("more than the 300000 bytes"), "{error}");
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let silent = |at: usize, method: &'static str| {
        let server = Server::start(move |request, _| {
            let mut reply = file(request, &content(), SHA256);
            if request.method == method {
                reply.cut = at;
                reply.stall = true;
            }
            reply
        });
        let cache = tempfile::tempdir().unwrap();
        let mut hub = hub(&server, cache.path());
        hub.timeout = Duration::from_millis(200);
        let error = pull(&hub, &FILE).unwrap_err().to_string();
        (error, server.requests("GET").len())
    };
    let (error, attempts) = silent(0, "GET");
    // On a busy machine the first answer can be late already.
    assert!(
        error.contains("timeout") && attempts <= 3,
        "{attempts}: {error}"
    );

    // No answer at all.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server {
        address: format!("http://{}", listener.local_addr().unwrap()),
        requests: Arc::default(),
    };
    let cache = tempfile::tempdir().unwrap();
    let mut hub = hub(&server, cache.path());
    hub.timeout = Duration::from_millis(200);
    let error = pull(&hub, &FILE).unwrap_err().to_string();
    assert!(
        error.contains("timeout") && error.contains("`--weights PATH`"),
        "{error}"
    );
}

#[test]
fn without_a_network_the_error_says_what_to_do() {
    let cache = tempfile::tempdir().unwrap();
    // A port that was just given back.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let server = Server {
        address: format!("http://{address}"),
        requests: Arc::default(),
    };
    let mut hub = hub(&server, cache.path());
    for offline in [false, true] {
        hub.offline = offline;
        let error = pull(&hub, &FILE).unwrap_err().to_string();
        assert!(
            error.contains("`--weights PATH`") && error.contains("HF_HUB_OFFLINE"),
            "{error}"
        );
        assert!(
            error.contains("/onggi/tiny/resolve/main/sub/model.safetensors"),
            "{error}"
        );
    }
}
