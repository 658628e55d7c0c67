"""Cuts data/fashion-mini out of Fashion-MNIST: 200 training and 50 test images of each class.

    python3 data/make_fashion_mini.py [FOLDER OF THE IDX FILES]

The IDX files are those of Debian's package dataset-fashion-mnist, by default where it puts them.
Training images come from the training set, test images from the test set; a file's name is the
image's index in its set. The choice is that of `random.Random("fashion-mini/<split>/<class>")
.sample(...)` over the class's indices in rising order: a string seed goes through SHA-512 inside
Python, so the choice is the same on every machine and version. The PNGs are written by this file
(filter 0 or Paeth per image, whichever is smaller, zlib level 9), so their bytes depend on no
imaging library. Needs numpy.
"""

import gzip
import hashlib
import pathlib
import random
import shutil
import struct
import sys
import zlib

import numpy as np

CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"]
SPLITS = {"train": ("train", 200), "test": ("t10k", 50)}  # folder: (prefix of the IDX files, images a class)
SOURCE = pathlib.Path("/usr/share/datasets/fashion-mnist")
TARGET = pathlib.Path(__file__).resolve().parent / "fashion-mini"


def read_idx(path):
    """An IDX file of unsigned bytes as an array of its own shape."""
    raw = gzip.decompress(path.read_bytes())
    zeros, kind, rank = struct.unpack(">HBB", raw[:4])
    if (zeros, kind) != (0, 8):
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def paeth(image):
    """The image's rows after PNG's filter 4: each pixel less the nearest of left, above, above left."""
    x = image.astype(np.int32)
    left = np.pad(x, ((0, 0), (1, 0)))[:, :-1]
    above = np.pad(x, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(x, ((1, 0), (1, 0)))[:-1, :-1]
    guess = left + above - corner
    to_left, to_above, to_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
    nearest = np.where(to_above <= to_corner, above, corner)
    nearest = np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)
    return ((x - nearest) % 256).astype(np.uint8)


def png(image):
    """An 8-bit grey PNG of a (height, width) array."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def pack(rows, filter_type):
        return zlib.compress(b"".join(bytes([filter_type]) + row.tobytes() for row in rows), 9)

    height, width = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = min(pack(image, 0), pack(paeth(image), 4), key=len)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def digest(folder):
    """SHA-256 over the files' own SHA-256 lines, sorted by path (data/README.md says it in shell)."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*.png"), key=lambda p: p.relative_to(folder).as_posix().encode())
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def main():
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    shutil.rmtree(TARGET, ignore_errors=True)
    for split, (prefix, count) in SPLITS.items():
        images = read_idx(source / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(source / f"{prefix}-labels-idx1-ubyte.gz")
        for label, name in enumerate(CLASSES):
            folder = TARGET / split / name
            folder.mkdir(parents=True)
            indices = np.flatnonzero(labels == label).tolist()
            for index in random.Random(f"fashion-mini/{split}/{name}").sample(indices, count):
                (folder / f"{index:05}.png").write_bytes(png(images[index]))
    files = list(TARGET.rglob("*.png"))
    print(f"{len(files)} images, {sum(f.stat().st_size for f in files)} bytes, SHA-256 {digest(TARGET)}")


if __name__ == "__main__":
    main()
