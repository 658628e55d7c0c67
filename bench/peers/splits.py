"""Splits a folder of class folders into 60 % training, 20 % validation and 20 % test, stratified by class.

    python splits.py DATA SEED OUT.json

Writes {"seed", "classes", "train", "val", "test"}: paths relative to DATA with `/`, sorted. A class's files,
sorted by name, are shuffled by `random.Random("splits/<seed>/<class>")` (a string seed is the same on every
machine and version); the last fifth of them, rounded, is for testing, the fifth before for validation, and
each of the two gets at least one. All who compare read the same file. Needs nothing but Python.
"""

import json
import pathlib
import random
import sys

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def split(data, seed):
    classes = sorted(p.name for p in data.iterdir() if p.is_dir())
    parts = {"train": [], "val": [], "test": []}
    for name in classes:
        paths = sorted(p.relative_to(data).as_posix() for p in (data / name).iterdir() if p.suffix.lower() in SUFFIXES)
        if len(paths) < 3:
            raise SystemExit(f"{data / name}: {len(paths)} images, at least 3 are needed")
        random.Random(f"splits/{seed}/{name}").shuffle(paths)
        fifth = max(1, round(len(paths) / 5))
        parts["test"] += paths[-fifth:]
        parts["val"] += paths[-2 * fifth : -fifth]
        parts["train"] += paths[: -2 * fifth]
    return {"seed": seed, "classes": classes} | {part: sorted(paths) for part, paths in parts.items()}


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__.strip().splitlines()[2].strip())
    parts = split(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
    pathlib.Path(sys.argv[3]).write_text(json.dumps(parts, indent=0) + "\n", encoding="utf-8")
    print({part: len(parts[part]) for part in ("train", "val", "test")})


if __name__ == "__main__":
    main()
