"""Writes data/breast-cancer.csv from scikit-learn's copy of the Wisconsin diagnostic set.

    python3 data/make_breast_cancer.py

569 rows, 30 numeric columns named as in scikit-learn with underscores, last column `diagnosis`.
Numbers are the shortest decimals that read back to the same f64. Needs scikit-learn 1.9.1.
"""

import csv
import pathlib

from sklearn.datasets import load_breast_cancer

TARGET = pathlib.Path(__file__).resolve().parent / "breast-cancer.csv"


def main():
    bunch = load_breast_cancer()
    with TARGET.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow([name.replace(" ", "_") for name in bunch.feature_names] + ["diagnosis"])
        for values, label in zip(bunch.data.tolist(), bunch.target):
            rows.writerow(values + [bunch.target_names[label]])
    print(f"{TARGET.name}: {len(bunch.data)} rows")


if __name__ == "__main__":
    main()
