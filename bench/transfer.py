"""Transfer learning with Onggi and with PyTorch, in turn, on the same splits; prints a table.

    python bench/transfer.py --onggi target/release/onggi SET… [--seeds 3] [--finetune] [--images 1000]

A SET is a folder of class folders, such as data/foods/make.py makes. For each seed, peers/splits.py cuts it; the
parts are laid out as train/, val/ and test/ in a temporary folder, which both sides read. Onggi's time is that of
its whole process, report included, with its cache of features off; PyTorch's (peers/transfer.py, this Python)
leaves out starting Python, importing and loading the model. The last row is --images images, copies of the first
set's that differ in a byte behind the picture, from files to a trained head.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PEERS = pathlib.Path(__file__).resolve().parent / "peers"


def onggi(args, data, work, extra=()):
    out = work / "run"
    shutil.rmtree(out, ignore_errors=True)
    command = [args.onggi, "train", str(data), "--out", str(out), "--threads", str(args.threads), "--json", *extra]
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"ONGGI_CACHE": "off"})
    return json.loads(done.stdout)["test_accuracy"], time.perf_counter() - begin


def pytorch(args, task, data, split, seed):
    command = [sys.executable, str(PEERS / "transfer.py"), task, str(data), str(split), "--seed", str(seed), "--threads", str(args.threads)]
    command += ["--workers", str(args.workers)] + (["--count", str(args.images)] if task == "head_1000" else [])
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found.get("test_accuracy"), found["seconds"]["total"]


def lay_out(data, split, folder):
    for part in ("train", "val", "test"):
        for path in split[part]:
            target = folder / part / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data / path, target)
    return folder


def row(name, rows):
    accuracy, seconds = zip(*rows)
    shown = [f"{100 * a:.1f}" for a in accuracy if a is not None]
    mean = f"{statistics.mean(100 * a for a in accuracy if a is not None):.1f} ({', '.join(shown)})" if shown else "–"
    print(f"| {name} | {mean} | {statistics.median(seconds):.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=pathlib.Path)
    parser.add_argument("--onggi", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--finetune", action="store_true", help="also full fine-tuning, PyTorch's and Onggi's: minutes a seed")
    parser.add_argument("--scratch", action="store_true", help="also Onggi's small_resnet from scratch")
    args = parser.parse_args()
    print("| set, way | test accuracy %: mean (seeds) | seconds, median |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for data in args.sets:
            ways = {"Onggi, as it comes": [], "PyTorch features, scikit-learn head": []}
            if args.finetune:
                ways["PyTorch, full fine-tuning"] = []
                ways["Onggi, everything trained (`--tune all`)"] = []
            if args.scratch:
                ways["Onggi from scratch (`--model small_resnet`)"] = []
            for seed in range(args.seeds):
                split = work / f"{data.name}-{seed}.json"
                subprocess.run([sys.executable, str(PEERS / "splits.py"), str(data), str(seed), str(split)], check=True, stdout=subprocess.DEVNULL)
                parts = lay_out(data, json.loads(split.read_text(encoding="utf-8")), work / f"{data.name}-{seed}")
                ways["Onggi, as it comes"].append(onggi(args, parts, work))
                ways["PyTorch features, scikit-learn head"].append(pytorch(args, "features", data, split, seed))
                if args.finetune:
                    ways["PyTorch, full fine-tuning"].append(pytorch(args, "finetune", data, split, seed))
                    ways["Onggi, everything trained (`--tune all`)"].append(onggi(args, parts, work, ["--tune", "all"]))
                if args.scratch:
                    ways["Onggi from scratch (`--model small_resnet`)"].append(onggi(args, parts, work, ["--model", "small_resnet"]))
            for way, rows in ways.items():
                row(f"`{data.name}`: {way}", rows)
        if args.images:
            data, split = args.sets[0], work / f"{args.sets[0].name}-0.json"
            many = work / "many"
            paths = [path for path in sorted(data.glob("*/*")) if path.is_file()]
            for i in range(args.images):
                path = paths[i % len(paths)]
                target = many / path.parent.name / f"{i}{path.suffix}"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes() + i.to_bytes(4, "little"))
            row(f"{args.images} images, files to trained head: Onggi", [onggi(args, many, work) for _ in range(2)])
            row(f"{args.images} images, files to trained head: PyTorch", [pytorch(args, "head_1000", data, split, 0) for _ in range(2)])


main()
