"""PyTorch as a peer for the model benchmarks; `protocol.py` says how it is asked.

    python models.py [--threads N]

Rows ending in `_train` time one training step: forward, loss, backward, `optimizer.step()`. Not
timed: making the batch and the model, dropping the gradients of the step before. The batch is the
same at every step, standard normal, with random class indices; the loss is cross-entropy, mean, no
smoothing; all parameters are in one group, weight decay included; no clipping, no schedule. Rows
ending in `_infer` time one forward pass in eval mode under `inference_mode`; each batch
normalisation runs as a layer of its own, except in `_infer_folded`, where it is folded into the
convolution before it. Float32 throughout.

What the other side must mirror, besides each row's docstring and its model's class:
- batch normalisation in training mode: batch statistics, running statistics updated, eps 1e-5,
  momentum 0.1, affine;
- every parameter trains and every gradient is computed; the input takes none;
- no bias in a convolution that a batch normalisation follows; every other layer has one;
- SGD is `sgd(lr 0.01, momentum 0.9, weight_decay 5e-4)`, not Nesterov; AdamW is
  `adamw(lr 1e-3, betas 0.9 and 0.999, eps 1e-8, weight_decay 0.01)`;
- the number of parameters, which each class names and `check` holds.
Initial values do not matter; they are PyTorch's defaults.

Memory formats are tried both ways and the best counts. So are an optimiser's implementations (loop,
foreach, fused) where the model has less than a million parameters; for a larger one, whose step is
long, the one is taken whose `optimizer.step()` alone was fastest at warm-up.

    {"op": "resnet18_train", "peak_memory": true}
    {"peak_mib": {"nchw": 1500.0, "channels_last": 1400.0}, "imported_mib": 250.0}

A training row on request says its peak of resident memory over five steps instead, each memory
format in a fresh process; `imported_mib` is that of a process that only imports PyTorch. It is
`VmHWM` of `/proc/self/status`: `ru_maxrss` is not less than the peak of the process that started
this one, since Linux keeps it over `exec`.
"""

import statistics
import subprocess
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.fx.experimental.optimization import fuse

import protocol
from protocol import ROWS, arguments, layouts, milliseconds, optimizers, row, serve


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch normalisation and, if asked for, an activation."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, activation=None):
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(outputs), *([activation(inplace=True)] if activation else []))


class BasicBlock(nn.Module):
    """relu(conv 3×3 (stride) – norm – relu – conv 3×3 – norm + shortcut); the shortcut is a 1×1
    convolution (stride) with norm where the shape changes."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(inputs, outputs, 3, stride, activation=nn.ReLU), ConvNorm(outputs, outputs, 3)
        )
        self.shortcut = ConvNorm(inputs, outputs, 1, stride) if (inputs, stride) != (outputs, 1) else nn.Identity()

    def forward(self, x):
        y = self.body(x)
        y += self.shortcut(x)
        return F.relu(y, inplace=True)


class ResNet18(nn.Sequential):
    """torchvision's resnet18: conv 7×7 stride 2 to 64 – norm – relu – max pool 3×3 stride 2 pad 1;
    two blocks each of 64, 128, 256 and 512, the first of the last three with stride 2; average
    pool; linear to 1,000. 11,689,512 parameters."""

    parameters_expected = 11_689_512

    def __init__(self):
        layers = [ConvNorm(3, 64, 7, 2, activation=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
        inputs = 64
        for outputs, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
            layers += [BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1)]
            inputs = outputs
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


class InvertedResidual(nn.Module):
    """conv 1×1 to inputs·expand – norm – relu6 (left out where expand is 1); depthwise 3×3 (stride)
    – norm – relu6; conv 1×1 – norm; plus x where the shape stays."""

    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        hidden = inputs * expand
        widen = [ConvNorm(inputs, hidden, 1, activation=nn.ReLU6)] if expand > 1 else []
        depthwise = ConvNorm(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6)
        self.body = nn.Sequential(*widen, depthwise, ConvNorm(hidden, outputs, 1))
        self.residual = inputs == outputs and stride == 1

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class MobileNetV2(nn.Sequential):
    """torchvision's mobilenet_v2, width 1: conv 3×3 stride 2 to 32 – norm – relu6; 17 inverted
    residuals, below as (expand, outputs, repeats, stride of the first); conv 1×1 to 1,280 – norm –
    relu6; average pool; linear to 1,000. No dropout before the last layer (torchvision: 0.2 of
    1,280 values an image, too few to be seen). 3,504,872 parameters."""

    parameters_expected = 3_504_872

    def __init__(self):
        layers = [ConvNorm(3, 32, 3, 2, activation=nn.ReLU6)]
        inputs = 32
        for expand, outputs, repeats, stride in [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
        ]:  # fmt: skip
            for i in range(repeats):
                layers.append(InvertedResidual(inputs, outputs, stride if i == 0 else 1, expand))
                inputs = outputs
        layers += [ConvNorm(320, 1280, 1, activation=nn.ReLU6), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        super().__init__(*layers, nn.Linear(1280, 1000))


class Cnn4(nn.Sequential):
    """conv 3×3 to 32 – norm – relu; the same to 64; max pool 2×2; the same to 128; the same to 256;
    max pool 2×2; average pool; linear to 10. Convolutions with padding 1. 391,466 parameters."""

    parameters_expected = 391_466

    def __init__(self):
        conv = lambda inputs, outputs: ConvNorm(inputs, outputs, 3, activation=nn.ReLU)
        super().__init__(
            conv(3, 32), conv(32, 64), nn.MaxPool2d(2), conv(64, 128), conv(128, 256), nn.MaxPool2d(2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10),
        )  # fmt: skip


class Mlp(nn.Sequential):
    """linear 784 → 256 – relu – linear to 128 – relu – linear to 10. 235,146 parameters."""

    parameters_expected = 235_146

    def __init__(self):
        super().__init__(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


class EncoderLayer(nn.Module):
    """x += out(attention(qkv(norm1(x)))); x += linear2(gelu(linear1(norm2(x)))). One linear layer
    makes q, k and v; attention is softmax(q·kᵀ/√64)·v a head, without mask; GELU by the error
    function; layer norms affine, eps 1e-5; no dropout."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.out(y.transpose(1, 2).reshape(n, length, width))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Encoder(nn.Module):
    """Six layers, 384 wide, 6 heads, 1,536 hidden; layer norm; mean over the length; linear to 10.
    The input is (N, L, 384), embedded already: no table, no positions. 10,651,402 parameters."""

    parameters_expected = 10_651_402

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*(EncoderLayer(384, 6, 1536) for _ in range(6)))
        self.norm, self.head = nn.LayerNorm(384), nn.Linear(384, 10)

    def forward(self, x):
        return self.head(self.norm(self.layers(x)).mean(1))


def check(model):
    """The model, if it has the parameters its class names."""
    count = sum(parameter.numel() for parameter in model.parameters())
    if count != model.parameters_expected:
        raise ValueError(f"{type(model).__name__} has {count} parameters, not {model.parameters_expected}")
    return model


def best_optimizer(make, kind, **settings):
    """The name of the implementation with the fastest step alone, over this model's parameters."""

    def parameters():
        made = list(make().parameters())
        for parameter in made:
            parameter.grad = torch.randn_like(parameter)
        return made

    candidates = optimizers(kind, parameters, **settings)
    for optimizer in candidates.values():
        optimizer.step()  # makes its state
    ms = {name: [] for name in candidates}
    for _ in range(11):
        for name, optimizer in candidates.items():
            ms[name].append(milliseconds(optimizer.step))
    return min(ms, key=lambda name: statistics.median(ms[name]))


def train_steps(shape, make, classes, kind, only_layout=None, implementations=None, **settings):
    """One training step by memory format (`only_layout`: by that one) and optimiser."""
    model = check(make())
    if implementations is None and model.parameters_expected < 1_000_000:
        implementations = ("for_loop", "foreach", "fused")  # a short step: try it with each
    elif implementations is None:
        implementations = (best_optimizer(make, kind, **settings),)
    targets = torch.randint(classes, shape[:1])
    steps = {}
    for name, memory_format in layouts(shape).items():
        if only_layout not in (None, name):
            continue
        x = torch.randn(*shape).to(memory_format=memory_format)
        for implementation in implementations:
            model = make().to(memory_format=memory_format)
            optimizer = optimizers(kind, model.parameters, **settings)[implementation]

            def work(model=model, optimizer=optimizer, x=x):
                F.cross_entropy(model(x), targets).backward()
                optimizer.step()

            def step(optimizer=optimizer, work=work):
                optimizer.zero_grad(set_to_none=True)
                return milliseconds(work)

            steps[f"{name}, {implementation}"] = step
    return steps


SGD = {"kind": torch.optim.SGD, "lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}
ADAMW = {"kind": torch.optim.AdamW, "lr": 1e-3, "weight_decay": 0.01}
# Model, classes and optimiser of each training row.
TRAIN = {}


def train_row(name, shape, make, classes, optimizer):
    TRAIN[name] = (make, classes, optimizer)
    ROWS[name] = (shape, lambda shape: train_steps(shape, make, classes, **optimizer))


train_row("resnet18_train", (16, 3, 224, 224), ResNet18, 1000, SGD)
train_row("mobilenet_v2_train", (16, 3, 224, 224), MobileNetV2, 1000, SGD)
train_row("cnn4_train", (64, 3, 32, 32), Cnn4, 10, SGD)
train_row("mlp_train", (64, 784), Mlp, 10, SGD)
train_row("encoder_train", (16, 128, 384), Encoder, 10, ADAMW)


def infer_steps(shape, make):
    """One forward pass of `make()`, in eval mode, by memory format."""
    steps = {}
    for name, memory_format in layouts(shape).items():
        model = make().to(memory_format=memory_format)
        x = torch.randn(*shape).to(memory_format=memory_format)

        def work(model=model, x=x):
            with torch.inference_mode():
                return model(x)

        steps[name] = lambda work=work: milliseconds(work)
    return steps


def resnet18_eval():
    return check(ResNet18()).eval()


@row(16, 3, 224, 224)
def resnet18_infer(shape):
    return infer_steps(shape, resnet18_eval)


@row(1, 3, 224, 224)
def resnet18_infer_1(shape):
    return infer_steps(shape, resnet18_eval)


@row(16, 3, 224, 224)
def resnet18_infer_folded(shape):
    return infer_steps(shape, lambda: fuse(resnet18_eval()))


@row(1, 3, 224, 224)
def resnet18_infer_1_folded(shape):
    return infer_steps(shape, lambda: fuse(resnet18_eval()))


def family(name):
    """torchvision's model, without dropout and stochastic depth, which the other side has not either."""
    import torchvision

    model = torchvision.models.get_model(name, weights=None)
    for part in model.modules():
        if isinstance(part, nn.Dropout) or type(part).__name__ == "StochasticDepth":
            part.p = 0.0
    # The zoo's tests hold all its parameters against torchvision's.
    model.parameters_expected = sum(parameter.numel() for parameter in model.parameters())
    return model


def family_rows(name):
    shape = (8, 3, 224, 224)
    ROWS[f"{name}_infer"] = (shape, lambda shape: infer_steps(shape, lambda: family(name).eval()))
    train_row(f"{name}_train", shape, lambda: family(name), 1000, SGD)


CONVOLUTIONAL = "vgg11_bn resnet50 resnext50_32x4d mobilenet_v3_large efficientnet_b0 squeezenet1_1 densenet121"
for name in (CONVOLUTIONAL + " convnext_tiny").split():
    family_rows(name)


def peak_mib():
    """This process's peak of resident memory."""
    with open("/proc/self/status") as status:
        kib = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(kib) / 1024


def print_peak(name, layout):
    """In a fresh process: the peak after five steps in one memory format (`none`: after no step)."""
    if layout != "none":
        make, classes, optimizer = TRAIN[name]
        shape, _ = ROWS[name]
        fused = {"only_layout": layout, "implementations": ("fused",)}
        (step,) = train_steps(shape, make, classes, **fused, **optimizer).values()
        for _ in range(5):
            step()
    print(peak_mib())


def answer(request, warmed):
    """As `protocol.answer`, and peaks of memory."""
    if not request.get("peak_memory"):
        return protocol.answer(request, warmed)
    name = request["op"]
    if name not in TRAIN:
        raise ValueError(f"no peak of {name}; known: {', '.join(TRAIN)}")

    def peak(layout):
        command = [sys.executable, __file__, "--threads", str(torch.get_num_threads()), "--peak", name, layout]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    peaks = {layout: peak(layout) for layout in layouts(ROWS[name][0])}
    return {"peak_mib": peaks, "imported_mib": peak("none")}


def main():
    parser = arguments()
    parser.add_argument("--peak", nargs=2, metavar=("ROW", "LAYOUT"), help="print this process's peak memory and end")
    flags = parser.parse_args()
    if flags.peak:
        torch.set_num_threads(flags.threads)
        print_peak(*flags.peak)
    else:
        serve(flags.threads, answer)


if __name__ == "__main__":
    main()
