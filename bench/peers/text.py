"""nlpaug and fasttextaug as peers for the text benchmark; `protocol.py` says how they are asked.

    python text.py nlpaug|fasttextaug --texts FILE [--threads N]

What is timed: `augment(texts)` for all lines of the file, with the augmenter's default settings. What is
not: making the augmenter. A library has the rows that it has an augmenter for; nlpaug's synonyms need
the corpus `wordnet` and a tagger of NLTK on this machine.

nlpaug works on one thread whatever is asked: its threads share Python's lock. fasttextaug shares the
texts among its own.
"""

from importlib.metadata import version

from protocol import arguments, milliseconds, serve


def nlpaug(threads):
    import nlpaug.augmenter.char as nac
    import nlpaug.augmenter.word as naw

    rows = {
        "char_keyboard": nac.KeyboardAug,
        "char_ocr": nac.OcrAug,
        "char_insert": lambda: nac.RandomCharAug("insert"),
        "char_substitute": lambda: nac.RandomCharAug("substitute"),
        "char_swap": lambda: nac.RandomCharAug("swap"),
        "char_delete": lambda: nac.RandomCharAug("delete"),
        "word_swap": lambda: naw.RandomWordAug("swap"),
        "word_delete": lambda: naw.RandomWordAug("delete"),
        "word_crop": lambda: naw.RandomWordAug("crop"),
        "word_split": naw.SplitAug,
        "word_spelling": naw.SpellingAug,
        "word_synonym": naw.SynonymAug,
    }

    def make(name):
        augmenter = rows[name]()
        return lambda texts: augmenter.augment(texts)

    return rows, make


def fasttextaug(threads):
    import fasttextaug.augmenter.char as fac
    import fasttextaug.augmenter.word as faw

    rows = {
        "char_keyboard": fac.KeyboardAug,
        "char_ocr": fac.OcrAug,
        "char_insert": lambda: fac.RandomCharAug("insert"),
        "char_substitute": lambda: fac.RandomCharAug("substitute"),
        "char_swap": lambda: fac.RandomCharAug("swap"),
        "char_delete": lambda: fac.RandomCharAug("delete"),
        "word_swap": lambda: faw.RandomWordAug("swap"),
        "word_delete": lambda: faw.RandomWordAug("delete"),
    }

    def make(name):
        augmenter = rows[name]()
        return lambda texts: augmenter.augment(texts, num_thread=threads)

    return rows, make


def main():
    parser = arguments()
    libraries = {"nlpaug": nlpaug, "fasttextaug": fasttextaug}
    parser.add_argument("library", choices=libraries)
    parser.add_argument("--texts", required=True)
    args = parser.parse_args()
    with open(args.texts, encoding="utf-8") as file:
        texts = file.read().splitlines()
    rows, make = libraries[args.library](args.threads)
    steps = {}

    def answer(request, warmed):
        name = request["op"]
        if name not in rows:
            return {"unknown": name}
        if name not in steps:
            try:
                steps[name] = make(name)
                steps[name](texts)
            except LookupError:  # NLTK's data is not there
                rows.pop(name)
                return {"unknown": name}
        if request.get("warmup"):
            return {"warm": True, "layouts": ["texts"]}
        ms = [milliseconds(lambda: steps[name](texts)) for _ in range(request.get("iters", 1))]
        return {"ms": ms, "layout": "texts", "all": {"texts": ms}}

    serve(args.threads, answer, args.library, version(args.library))


if __name__ == "__main__":
    main()
