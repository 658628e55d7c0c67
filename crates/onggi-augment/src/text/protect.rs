//! What no augmenter may touch: numbers, addresses, code, tokens, and what the user names.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::lists::{Patterns, Phrases};

/// Which spans of a text are kept as they are. All kinds are on by default.
///
/// Spans are found once, in the text as given, and follow it through all the steps of a pipeline.
///
/// # Example
/// ```
/// use onggi_augment::text::Protect;
///
/// let text = "mail kim@onggi.kr 3 times at 10:30, see https://onggi.kr/a?b#c and [MASK]";
/// let spans = Protect::default().spans(text);
/// let kept: Vec<&str> = spans.into_iter().map(|span| &text[span]).collect();
/// assert_eq!(kept, ["kim@onggi.kr", "3", "10:30", "https://onggi.kr/a?b#c", "[MASK]"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Protect {
    /// `42`, `-3.5`, `1,000`, `10:30`, `192.168.1.1`, `50%`, `$9.99`: what starts with a digit.
    pub numbers: bool,
    /// `scheme://…` and `www.…`, without the punctuation that ends the sentence.
    pub urls: bool,
    /// `name@host`.
    pub emails: bool,
    /// `@name`.
    pub mentions: bool,
    /// `#name`.
    pub hashtags: bool,
    /// Between backticks, one or three.
    pub code: bool,
    /// `[MASK]`, `<unk>`, `{name}`: brackets around one word.
    pub tokens: bool,
    /// Regular expressions (of the `regex` crate).
    pub regex: Patterns,
    /// Words and phrases, found as whole words whatever their case.
    pub phrases: Phrases,
}

impl Default for Protect {
    fn default() -> Self {
        Self {
            numbers: true,
            urls: true,
            emails: true,
            mentions: true,
            hashtags: true,
            code: true,
            tokens: true,
            regex: Patterns::default(),
            phrases: Phrases::default(),
        }
    }
}

/// A byte of a name in an address, a mention or a hashtag; all of non-ASCII counts.
fn named(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn run(bytes: &[u8], from: usize, keep: impl Fn(u8) -> bool) -> usize {
    bytes[from..]
        .iter()
        .position(|&byte| !keep(byte))
        .map_or(bytes.len(), |length| from + length)
}

impl Protect {
    /// Nothing is kept.
    pub fn nothing() -> Self {
        Self {
            numbers: false,
            urls: false,
            emails: false,
            mentions: false,
            hashtags: false,
            code: false,
            tokens: false,
            ..Self::default()
        }
    }

    /// The spans kept, sorted and not overlapping.
    pub fn spans(&self, text: &str) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        self.scan(text, &mut spans);
        let found = spans.len();
        self.regex.find(text, &mut spans);
        self.phrases.find(text, &mut spans);
        if spans.len() > found {
            spans.sort_by_key(|span| (span.start, span.end));
            spans.dedup_by(|next, last| {
                let joined = next.start < last.end;
                if joined {
                    last.end = last.end.max(next.end);
                }
                joined
            });
        }
        spans
    }

    /// One pass over the bytes; a kind is tried only at its first byte.
    fn scan(&self, text: &str, spans: &mut Vec<Range<usize>>) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let class = CLASS[usize::from(byte)];
            if class == 0 {
                at += 1;
                continue;
            }
            let last = spans.last().map_or(0, |span: &Range<usize>| span.end);
            let span = match byte {
                b'0'..=b'9' if self.numbers => number(bytes, at, last),
                b':' if self.urls && bytes[at..].starts_with(b"://") => {
                    let start =
                        at - back(bytes, at, last, |b| b.is_ascii_alphanumeric() || b == b'+');
                    (start < at).then(|| start..url_end(text, at))
                }
                b'w' | b'W'
                    if self.urls
                        && (at == 0 || !named(bytes[at - 1]))
                        && bytes[at..].len() > 4
                        && bytes[at..at + 4].eq_ignore_ascii_case(b"www.")
                        && named(bytes[at + 4]) =>
                {
                    Some(at..url_end(text, at))
                }
                b'@' => self.at_sign(bytes, at),
                b'#' if self.hashtags && (at == 0 || !named(bytes[at - 1])) => {
                    let end = run(bytes, at + 1, named);
                    (end > at + 1).then_some(at..end)
                }
                b'`' if self.code => {
                    let fence: &[u8] = if bytes[at..].starts_with(b"```") {
                        b"```"
                    } else {
                        b"`"
                    };
                    let from = at + fence.len();
                    bytes[from..]
                        .windows(fence.len())
                        .position(|window| window == fence)
                        .map(|length| at..from + length + fence.len())
                }
                b'[' | b'<' | b'{' if self.tokens => {
                    let close = match byte {
                        b'[' => b']',
                        b'<' => b'>',
                        _ => b'}',
                    };
                    let from = at + 1 + usize::from(bytes.get(at + 1) == Some(&b'/'));
                    let end = run(bytes, from, |b| {
                        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
                    });
                    (end > from && bytes.get(end) == Some(&close)).then_some(at..end + 1)
                }
                _ => None,
            };
            match span {
                Some(span) => {
                    at = span.end.max(at + 1);
                    // An address takes in what stood before it, a number of its name included.
                    while spans.last().is_some_and(|last| last.start >= span.start) {
                        spans.pop();
                    }
                    match spans.last_mut().filter(|last| last.end > span.start) {
                        Some(last) => last.end = span.end,
                        None => spans.push(span),
                    }
                }
                None => at += 1,
            }
        }
    }

    fn at_sign(&self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        let host_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
        let name = back(bytes, at, 0, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-' | b'%')
        });
        if name > 0 {
            let mut end = run(bytes, at + 1, host_byte);
            while end > at + 1 && matches!(bytes[end - 1], b'.' | b'-') {
                end -= 1;
            }
            return (self.emails && end > at + 1).then(|| at - name..end);
        }
        let end = run(bytes, at + 1, named);
        (self.mentions && end > at + 1 && (at == 0 || bytes[at - 1] < 0x80)).then_some(at..end)
    }
}

/// Bytes that open something, or that something is known by.
const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let triggers = b"0123456789:wW@#`[<{";
    let mut i = 0;
    while i < triggers.len() {
        table[triggers[i] as usize] = 1;
        i += 1;
    }
    table
};

/// How many bytes before `at`, and not before `least`, are of the kind asked for.
fn back(bytes: &[u8], at: usize, least: usize, keep: impl Fn(u8) -> bool) -> usize {
    bytes[least..at]
        .iter()
        .rev()
        .take_while(|&&b| keep(b))
        .count()
}

/// Digits with single separators between them; a sign or currency before, a per cent sign after.
/// A digit inside a word (`mp3`) is no number; letters right after one (`3rd`, `5kg`, `0x1f`) are
/// part of it, as a unit says what the number means. Hangul after it (`3월`) is not.
fn number(bytes: &[u8], at: usize, last: usize) -> Option<Range<usize>> {
    if at > last && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') {
        return None;
    }
    let mut start = at;
    if start > last && matches!(bytes[start - 1], b'$' | b'-' | b'+') {
        let bare = start < last + 2 || !named(bytes[start - 2]);
        start -= usize::from(bare);
    }
    let mut end = at;
    loop {
        end = run(bytes, end, |b| b.is_ascii_alphanumeric());
        let joined = bytes
            .get(end)
            .is_some_and(|b| matches!(b, b'.' | b',' | b':' | b'/' | b'-'))
            && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !joined {
            break;
        }
        end += 1;
    }
    Some(start..end + usize::from(bytes.get(end) == Some(&b'%')))
}

/// The end of an address that is known to reach to `at`: up to white space or a closing mark, less
/// the punctuation that belongs to the sentence.
fn url_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let length = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`'))
        .unwrap_or(rest.len());
    let url = rest[..length].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ')', ']']);
    at + url.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(protect: &Protect, text: &str) -> Vec<String> {
        let spans = protect.spans(text);
        spans
            .into_iter()
            .map(|span| text[span].to_owned())
            .collect()
    }

    #[test]
    fn numbers_with_their_signs_and_units() {
        let text = "-3.5 and 1,000 at 10:30, 192.168.1.1, 50%, $9.99, 3rd, 0x1f, mp3, 3월 (42).";
        assert_eq!(
            kept(&Protect::default(), text),
            [
                "-3.5",
                "1,000",
                "10:30",
                "192.168.1.1",
                "50%",
                "$9.99",
                "3rd",
                "0x1f",
                "3",
                "42"
            ]
        );
    }

    #[test]
    fn addresses_mentions_hashtags_code_and_tokens() {
        for (text, expected) in [
            ("(see http://a.b/c_(d)?e=1).", vec!["http://a.b/c_(d)?e=1"]),
            ("www.onggi.kr.", vec!["www.onggi.kr"]),
            ("to kim97+x@mail.co.kr, now", vec!["kim97+x@mail.co.kr"]),
            ("@kim and @김철수!", vec!["@kim", "@김철수"]),
            ("#fun #옹기 a#b", vec!["#fun", "#옹기"]),
            (
                "run `ls -l` or ```a\nb``` `open",
                vec!["`ls -l`", "```a\nb```"],
            ),
            (
                "[MASK] <unk> </s> {name} [two words] a < b",
                vec!["[MASK]", "<unk>", "</s>", "{name}"],
            ),
            ("a@b.c@d.e,", vec!["a@b.c@d.e"]),
            ("a@ @ # ` [ :// www. mp34", vec![]),
        ] {
            assert_eq!(kept(&Protect::default(), text), expected, "{text}");
        }
        let all = "3 http://a.b a@b.c @a #a `a` [A]";
        assert!(kept(&Protect::nothing(), all).is_empty());
    }

    #[test]
    fn user_patterns_join_what_they_overlap() {
        let protect: Protect =
            serde_json::from_str(r#"{"regex": ["order \\d+"], "phrases": ["New York", "서울"]}"#)
                .unwrap();
        assert_eq!(
            kept(&protect, "order 12 from new york to 서울"),
            ["order 12", "new york", "서울"]
        );
        assert!(kept(&protect, "reorder New Yorker").is_empty());
        let text = serde_json::to_string(&protect).unwrap();
        assert_eq!(serde_json::from_str::<Protect>(&text).unwrap(), protect);
    }
}
