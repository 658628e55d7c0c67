"""Writes the set `things`: photos of animals, buildings, plants and tools in eight classes, a folder each.

    bench/peers/.venv/bin/python data/things/make.py OUT [--packages FOLDER]

They come from two Debian packages for children, fetched with `apt-get download` unless --packages names
a folder that holds both files: gcompris-qt-data 3.1-2 (photos mostly from Wikimedia Commons) and
tuxpaint-stamps-default 2022.06.04-1 (cut-out photos, laid on white here). Drawings and a stamp that is
another's mirror image are left out, and so is the later of two photos that are nearly the same:
16×16 thumbnails, one of them mirrored or not, that differ by less than NEAR of 255 on average. Every photo
becomes a JPEG of at most 320 pixels a side. The bytes depend on Pillow's version (13.0.0 in
bench/peers/requirements.txt); the names and the count do not. Needs Pillow, numpy and dpkg-deb.
"""

import argparse
import io
import pathlib
import struct
import subprocess
import tempfile
import zlib

import numpy as np
from PIL import Image

PACKAGES = ["gcompris-qt-data=3.1-2", "tuxpaint-stamps-default=2022.06.04-1"]
SIDE = 320
QUALITY = 90
NEAR = 9.0
# Photos of the package's own kinds "bird" and "mammal", which GCompris mixes.
BIRDS = {"chicken", "duck", "owl", "scarlet_macaw"}
MAMMALS = {
    "cat", "cow", "dog", "horse", "pig", "sheep", "bison", "giraffe", "hedgehog", "jaguar", "kangaroo", "koala",
    "lemur", "moose", "narwhal", "panda", "polar_bear",
}  # fmt: skip
SKIP = {"hedgehog.png", "measuring_tape_mirror.png", "lobster.png", "shrimp.png", "cementmixer.png", "paintbrush_large.png"}
STAMPS = {
    "animals/birds": "bird",
    "animals/mammals": "mammal",
    "animals/fish": "fish",
    "food/fruit": "fruit",
    "food/vegetables": "vegetable",
    "plants/flowers": "flower",
    "household/tools": "tool",
}


def resources(path):
    """(path, bytes) of all files in a Qt resource file: nodes of 22 bytes, names in UTF-16, zlib or plain."""
    raw = path.read_bytes()
    magic, version, tree, data, names = struct.unpack(">4s4I", raw[:20])
    if magic != b"qres" or version < 2:
        raise ValueError(f"{path}: not a Qt resource file of version 2 or later")
    found, queue = [], [(0, "")]
    while queue:
        index, folder = queue.pop()
        node = tree + 22 * index
        name, flags = struct.unpack(">IH", raw[node : node + 6])
        if index:
            (length,) = struct.unpack(">H", raw[names + name : names + name + 2])
            folder += "/" + raw[names + name + 6 : names + name + 6 + 2 * length].decode("utf-16-be")
        if flags & 2:
            count, first = struct.unpack(">II", raw[node + 6 : node + 14])
            queue += [(first + child, folder) for child in range(count)]
            continue
        (offset,) = struct.unpack(">I", raw[node + 10 : node + 14])
        (length,) = struct.unpack(">I", raw[data + offset : data + offset + 4])
        body = raw[data + offset + 4 : data + offset + 4 + length]
        found.append((folder, zlib.decompress(body[4:]) if flags & 1 else body))
    return found


def gcompris(root):
    """(class, name, bytes) of GCompris's photos."""
    for pack in ("categorization", "explore_monuments", "explore_farm_animals", "explore_world_animals"):
        for path, body in resources(root / f"usr/share/gcompris-qt/rcc/{pack}.rcc"):
            path = pathlib.PurePosixPath(path)
            if path.suffix != ".webp":
                continue
            folder, name = path.parent.name, path.stem
            if folder == "fishes":
                yield "fish", name, body
            elif folder == "tools":
                yield "tool", name, body
            elif folder == "monuments" or pack == "explore_monuments":
                yield "monument", name if folder == "monuments" else f"{folder}-{name}", body
            elif folder == "animals" and name in BIRDS | MAMMALS:
                yield "bird" if name in BIRDS else "mammal", name, body


def tuxpaint(root):
    """(class, name, bytes) of Tux Paint's stamps that are photos."""
    for folder, name in STAMPS.items():
        for path in sorted((root / "usr/share/tuxpaint/stamps" / folder).rglob("*.png")):
            if path.name not in SKIP and not {"cartoon", "toys", "plastic"} & set(path.parts):
                yield name, f"stamp-{path.stem}", path.read_bytes()


def picture(body):
    """The photo on white, at most SIDE pixels a side."""
    image = Image.open(io.BytesIO(body)).convert("RGBA")
    box = image.getchannel("A").getbbox()  # stamps may have wide transparent borders
    image = image.crop(box)
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    image = white.convert("RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image


def thumbnail(image):
    return np.asarray(image.resize((16, 16), Image.Resampling.BOX), np.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--packages", type=pathlib.Path)
    args = parser.parse_args()
    kept, counts = [], {}
    with tempfile.TemporaryDirectory() as root:
        packages = args.packages
        if packages is None:
            packages = pathlib.Path(root) / "packages"
            packages.mkdir()
            subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=packages, check=True)
        for package in PACKAGES:
            name, version = package.split("=")
            subprocess.run(["dpkg-deb", "-x", packages / f"{name}_{version}_all.deb", root], check=True)
        photos = [*gcompris(pathlib.Path(root)), *tuxpaint(pathlib.Path(root))]
        for label, name, body in sorted(photos, key=lambda p: p[:2]):
            image = picture(body)
            small = thumbnail(image)
            twin = next((n for n, other in kept if min(abs(small - other).mean(), abs(small[:, ::-1] - other).mean()) < NEAR), None)
            if twin:
                print(f"left out {label}/{name}: nearly the same as {twin}")
                continue
            kept.append((f"{label}/{name}", small))
            target = args.out / label / f"{name}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            image.save(target, quality=QUALITY, subsampling=0)
            counts[label] = counts.get(label, 0) + 1
    print(f"{sum(counts.values())} photos: {counts}")


if __name__ == "__main__":
    main()
