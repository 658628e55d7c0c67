"""PyTorch as a peer for the op benchmarks: a long-lived process that times what it is asked to.

    python ops.py [--threads N]

It speaks JSON lines, so that the bench can take turns with it (A B A B) on one machine in one
run. After start it prints

    {"ready": true, "peer": "pytorch", "version": "2.15.0", "threads": 2}

and answers each request line with one line, in order, until its input ends:

    {"op": "batch_norm_2d", "shape": [32, 64, 56, 56], "warmup": true}
    {"warm": true, "layouts": ["nchw", "channels_last"]}

    {"op": "batch_norm_2d", "shape": [32, 64, 56, 56], "iters": 3}
    {"ms": [14.6, 14.4, 14.5], "layout": "nchw", "all": {"nchw": [14.6, 14.4, 14.5], "channels_last": [...]}}

    {"op": "no_such_op", "shape": [1]}
    {"error": "ValueError: unknown op no_such_op; known: batch_norm_2d, dropout"}

Request: `op`, `shape` (of x, NCHW order), `iters` (default 1), `warmup` (default false: make the
tensors and run each layout a few times, timing nothing). A request without an earlier warm-up
warms up first. Answer: `ms`, one figure an iteration, milliseconds, of the layout with the lower
median; `layout`, its name; `all`, the figures of every layout, for a bench that asks for one
iteration at a time and picks the layout over all its rounds. Or `error`, and the process lives on.

What is timed: forward and backward through a fixed random upstream gradient, `y.backward(dy)`,
with the clock `time.perf_counter`. What is not: making tensors (once, at warm-up) and dropping
the gradients between iterations, as `zero_grad(set_to_none=True)` does. Both favour the peer.
float32 throughout.

To add an op: a function `shape -> {layout: step}` with `@op`, where `step` is made by
`forward_backward` from a forward function and the tensors that take gradients.
"""

import argparse
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

WARMUP_RUNS = 3
OPS = {}


def op(make):
    """Registers `make(shape) -> {layout: step}` under its own name."""
    OPS[make.__name__] = make
    return make


def leaf(*shape, memory_format=torch.contiguous_format):
    """A normal random tensor that takes a gradient."""
    return torch.randn(*shape).to(memory_format=memory_format).requires_grad_()


def forward_backward(forward, *leaves):
    """A step that runs `y = forward(); y.backward(dy)` and returns its milliseconds."""
    with torch.no_grad():
        y = forward()
        dy = torch.empty_like(y).normal_()  # keeps y's memory format

    def step():
        for tensor in leaves:
            tensor.grad = None
        start = time.perf_counter()
        forward().backward(dy)
        return (time.perf_counter() - start) * 1e3

    return step


def layouts(shape):
    """The memory formats a tensor of this shape can have, by name."""
    formats = {"nchw": torch.contiguous_format}
    if len(shape) == 4:
        formats["channels_last"] = torch.channels_last
    return formats


@op
def batch_norm_2d(shape):
    """Training mode, affine, running statistics updated: gradients of x, weight and bias."""
    steps = {}
    for name, memory_format in layouts(shape).items():
        x = leaf(*shape, memory_format=memory_format)
        weight, bias = leaf(shape[1]), leaf(shape[1])
        mean, var = torch.zeros(shape[1]), torch.ones(shape[1])
        steps[name] = forward_backward(
            lambda x=x, w=weight, b=bias, m=mean, v=var: F.batch_norm(x, m, v, w, b, training=True), x, weight, bias
        )
    return steps


@op
def dropout(shape):
    """p = 0.5, training mode: gradient of x."""
    x = leaf(*shape)
    return {"nchw": forward_backward(lambda: F.dropout(x, 0.5, training=True), x)}


def answer(request, warmed):
    """Carries out one request; `warmed` keeps the steps made so far."""
    name, shape = request["op"], tuple(request["shape"])
    if name not in OPS:
        raise ValueError(f"unknown op {name}; known: {', '.join(OPS)}")
    if (name, shape) not in warmed:
        warmed[name, shape] = OPS[name](shape)
        for step in warmed[name, shape].values():
            for _ in range(WARMUP_RUNS):
                step()
    steps = warmed[name, shape]
    if request.get("warmup"):
        return {"warm": True, "layouts": list(steps)}
    ms = {layout: [step() for _ in range(request.get("iters", 1))] for layout, step in steps.items()}
    best = min(ms, key=lambda layout: statistics.median(ms[layout]))
    return {"ms": ms[best], "layout": best, "all": ms}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    torch.manual_seed(0)

    def say(message):
        print(json.dumps(message), flush=True)

    say({"ready": True, "peer": "pytorch", "version": torch.__version__.split("+")[0], "threads": torch.get_num_threads()})
    warmed = {}
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            say(answer(json.loads(line), warmed))
        except Exception as error:  # whatever it is, the bench shall read it rather than wait
            say({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
