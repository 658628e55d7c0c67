"""How a peer talks to the bench: a long-lived process that times what it is asked to.

    python ops.py [--threads N]
    python models.py [--threads N]
    python image.py LIBRARY --images FOLDER [--threads N]
    python text.py nlpaug|fasttextaug --texts FILE [--threads N]
    rust/target/release/peer burn|candle [--threads N]

It speaks JSON lines, so that the bench can take turns with it (A B A B) on one machine in one
run. After start it prints

    {"ready": true, "peer": "pytorch", "version": "2.15.0", "threads": 2}

and answers each request line with one line, in order, until its input ends:

    {"op": "batch_norm_2d", "shape": [32, 64, 56, 56], "warmup": true}
    {"warm": true, "layouts": ["nchw", "channels_last"]}

    {"op": "batch_norm_2d", "shape": [32, 64, 56, 56], "iters": 3}
    {"ms": [14.6, 14.4, 14.5], "layout": "nchw", "all": {"nchw": [14.6, 14.4, 14.5], "channels_last": [...]}}

    {"op": "no_such_row", "shape": [1]}
    {"unknown": "no_such_row"}

Request: `op`, the row's name; `shape` (default: the row's own; of x, NCHW order); `iters` (default
1); `warmup` (default false: make the tensors and run each layout a few times, timing nothing). A
request without an earlier warm-up warms up first. Answer: `ms`, one figure an iteration,
milliseconds, of the layout with the lower median; `layout`, its name; `all`, the figures of every
layout, for a bench that asks for one iteration at a time and picks the layout over all its rounds.
Or `unknown`, the name of a row that this peer does not have: the bench leaves the peer out of it. Or
`error`. The process lives on after both. A "layout" is whatever a peer offers more than one of: memory
formats, the order of a sequence's axes, the implementations of an optimiser. The best counts.

PyTorch runs eagerly, in float32, with the clock `time.perf_counter`.

To add a row: a function `shape -> {layout: step}` with `@row(default shape)`, where a `step` runs
the work once and returns its milliseconds.
"""

import argparse
import json
import statistics
import sys
import time

import torch

WARMUP_RUNS = 3
ROWS = {}


def row(*shape):
    """Registers `make(shape) -> {layout: step}` under its own name, with its default shape."""

    def register(make):
        ROWS[make.__name__] = (shape, make)
        return make

    return register


def milliseconds(work):
    """How long `work()` takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def layouts(shape):
    """The memory formats a tensor of this shape can have, by name."""
    formats = {"nchw": torch.contiguous_format}
    if len(shape) == 4:
        formats["channels_last"] = torch.channels_last
    return formats


def optimizers(kind, parameters, **settings):
    """An optimiser in each of PyTorch's implementations, by name; `parameters()` makes new ones."""
    return {
        "for_loop": kind(parameters(), foreach=False, fused=False, **settings),
        "foreach": kind(parameters(), foreach=True, **settings),
        "fused": kind(parameters(), fused=True, **settings),
    }


def answer(request, warmed):
    """Carries out one request; `warmed` keeps the steps made so far."""
    name = request["op"]
    if name not in ROWS:
        return {"unknown": name}
    default, make = ROWS[name]
    shape = tuple(request.get("shape") or default)
    if (name, shape) not in warmed:
        warmed[name, shape] = make(shape)
        for step in warmed[name, shape].values():
            for _ in range(WARMUP_RUNS):
                step()
    steps = warmed[name, shape]
    if request.get("warmup"):
        return {"warm": True, "layouts": list(steps)}
    ms = {layout: [step() for _ in range(request.get("iters", 1))] for layout, step in steps.items()}
    best = min(ms, key=lambda layout: statistics.median(ms[layout]))
    return {"ms": ms[best], "layout": best, "all": ms}


def arguments():
    """The command line that every peer has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    return parser


def serve(threads, answer=answer, peer="pytorch", version=torch.__version__):
    """Answers requests until the input ends."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)

    def say(message):
        print(json.dumps(message), flush=True)

    say({"ready": True, "peer": peer, "version": version.split("+")[0], "threads": torch.get_num_threads()})
    warmed = {}
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            say(answer(json.loads(line), warmed))
        except Exception as error:  # whatever it is, the bench shall read it rather than wait
            say({"error": f"{type(error).__name__}: {error}"})
