"""PyTorch as a peer for the op benchmarks; `protocol.py` says how it is asked.

    python ops.py [--threads N]

What is timed: forward and backward through a fixed random upstream gradient, `y.backward(dy)`.
What is not: making tensors (once, at warm-up) and dropping the gradients between iterations, as
`zero_grad(set_to_none=True)` does. Both favour the peer. Each row's docstring says which tensors
take gradients. Of the optimiser rows `optimizer.step()` alone is timed.

To add an op: a function with `@row(default shape)` that returns `forward_backward(...)` by layout.
"""

import math

import torch
import torch.nn.functional as F

from protocol import ROWS, arguments, layouts, milliseconds, optimizers, row, serve


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
        return milliseconds(lambda: forward().backward(dy))

    return step


def by_layout(shape, forward, *parameters):
    """`forward(x, *parameters)` with x in each memory format: gradients of x and the parameters."""
    steps = {}
    for name, memory_format in layouts(shape).items():
        x = leaf(*shape, memory_format=memory_format)
        steps[name] = forward_backward(lambda x=x: forward(x, *parameters), x, *parameters)
    return steps


# Normalisation.


@row(32, 64, 56, 56)
def batch_norm_2d(shape):
    """Training mode, affine, running statistics updated: gradients of x, weight and bias."""
    mean, var = torch.zeros(shape[1]), torch.ones(shape[1])
    return by_layout(
        shape, lambda x, w, b: F.batch_norm(x, mean, var, w, b, training=True), leaf(shape[1]), leaf(shape[1])
    )


@row(32, 64, 56, 56)
def instance_norm_2d(shape):
    """PyTorch's default, not affine and without running statistics: gradient of x."""
    return by_layout(shape, F.instance_norm)


@row(32, 64, 56, 56)
def instance_norm_2d_affine(shape):
    """Affine, without running statistics: gradients of x, weight and bias."""
    return by_layout(shape, lambda x, w, b: F.instance_norm(x, weight=w, bias=b), leaf(shape[1]), leaf(shape[1]))


@row(32, 64, 56, 56)
def group_norm(shape):
    """32 groups, affine: gradients of x, weight and bias."""
    return by_layout(shape, lambda x, w, b: F.group_norm(x, 32, w, b), leaf(shape[1]), leaf(shape[1]))


@row(4096, 768)
def layer_norm(shape):
    """Over the last axis, affine: gradients of x, weight and bias."""
    size = shape[-1:]
    return by_layout(shape, lambda x, w, b: F.layer_norm(x, size, w, b), leaf(*size), leaf(*size))


@row(4096, 768)
def rms_norm(shape):
    """Over the last axis, with weight: gradients of x and weight."""
    size = shape[-1:]
    return by_layout(shape, lambda x, w: F.rms_norm(x, size, w, 1e-6), leaf(*size))


# Convolution, linear layers, pooling.


def conv2d(name, shape, out, kernel, stride=1, padding=0, groups=1, input_gradient=True):
    """A row of its own for each layer: no bias; gradients of weight and, unless it is a stem, x."""

    def make(shape):
        steps = {}
        for layout, memory_format in layouts(shape).items():
            x = leaf(*shape, memory_format=memory_format).requires_grad_(input_gradient)
            w = leaf(out, shape[1] // groups, kernel, kernel, memory_format=memory_format)
            leaves = (x, w) if input_gradient else (w,)
            steps[layout] = forward_backward(
                lambda x=x, w=w: F.conv2d(x, w, None, stride, padding, groups=groups), *leaves
            )
        return steps

    ROWS[name] = (shape, make)


# Name: kernel, input and output channels (once if equal), side of the input.
conv2d("conv2d_3x3_64_56", (16, 64, 56, 56), 64, 3, padding=1)
conv2d("conv2d_3x3_128_28", (16, 128, 28, 28), 128, 3, padding=1)
conv2d("conv2d_3x3_256_14", (16, 256, 14, 14), 256, 3, padding=1)
conv2d("conv2d_3x3_512_7", (16, 512, 7, 7), 512, 3, padding=1)
conv2d("conv2d_3x3_s2_64_128_56", (16, 64, 56, 56), 128, 3, stride=2, padding=1)
conv2d("conv2d_3x3_s2_128_256_28", (16, 128, 28, 28), 256, 3, stride=2, padding=1)
conv2d("conv2d_3x3_s2_256_512_14", (16, 256, 14, 14), 512, 3, stride=2, padding=1)
conv2d("conv2d_1x1_64_256_56", (16, 64, 56, 56), 256, 1)
conv2d("conv2d_1x1_s2_64_128_56", (16, 64, 56, 56), 128, 1, stride=2)
conv2d("conv2d_depthwise_3x3", (16, 144, 56, 56), 144, 3, padding=1, groups=144)
conv2d("conv2d_depthwise_3x3_s2", (16, 144, 56, 56), 144, 3, stride=2, padding=1, groups=144)
# A network's input takes no gradient: both sides compute y and the weight's gradient only.
conv2d("conv2d_7x7_stem", (16, 3, 224, 224), 64, 7, stride=2, padding=3, input_gradient=False)


@row(64, 784)
def linear(shape):
    """To 256 features, with bias: gradients of x, weight and bias."""
    return by_layout(shape, F.linear, leaf(256, shape[-1]), leaf(256))


@row(2048, 384)
def linear_1536(shape):
    """To 1536 features, with bias: gradients of x, weight and bias."""
    return by_layout(shape, F.linear, leaf(1536, shape[-1]), leaf(1536))


@row(16, 64, 112, 112)
def max_pool_2d(shape):
    """3×3, stride 2, padding 1: gradient of x."""
    return by_layout(shape, lambda x: F.max_pool2d(x, 3, 2, 1))


@row(16, 64, 112, 112)
def avg_pool_2d(shape):
    """2×2, stride 2: gradient of x."""
    return by_layout(shape, lambda x: F.avg_pool2d(x, 2))


# Activations, dropout, attention, losses.


@row(2048, 1536)
def gelu(shape):
    """With the error function, not tanh: gradient of x."""
    return by_layout(shape, F.gelu)


@row(2048, 1536)
def silu(shape):
    """Gradient of x."""
    return by_layout(shape, F.silu)


@row(32, 64, 56, 56)
def relu(shape):
    """Not in place: gradient of x."""
    return by_layout(shape, F.relu)


@row(32, 64, 56, 56)
def relu_add(shape):
    """relu(x + y), the end of a residual block, the ReLU in place: gradients of x and y."""
    steps = {}
    for name, memory_format in layouts(shape).items():
        x, y = leaf(*shape, memory_format=memory_format), leaf(*shape, memory_format=memory_format)
        steps[name] = forward_backward(lambda x=x, y=y: F.relu(x + y, inplace=True), x, y)
    return steps


@row(4096, 1000)
def softmax(shape):
    """Over the last axis: gradient of x."""
    return by_layout(shape, lambda x: F.softmax(x, -1))


@row(32, 64, 56, 56)
def dropout(shape):
    """p = 0.5, training mode: gradient of x."""
    x = leaf(*shape)
    return {"nchw": forward_backward(lambda: F.dropout(x, 0.5, training=True), x)}


@row(16, 6, 128, 64)
def attention(shape):
    """Scaled dot products, no mask, no dropout, (N, heads, L, head size): gradients of q, k and v."""
    q, k, v = leaf(*shape), leaf(*shape), leaf(*shape)
    return {"nchw": forward_backward(lambda: F.scaled_dot_product_attention(q, k, v), q, k, v)}


@row(128, 1000)
def cross_entropy(shape):
    """Class indices, mean: gradient of the logits."""
    targets = torch.randint(shape[1], shape[:1])
    return by_layout(shape, lambda x: F.cross_entropy(x, targets))


# Recurrent layers.


def recurrent(kind, shape):
    """One layer, one direction, 256 units; y (all steps) takes the upstream gradient."""
    steps = {}
    n, length, features = shape
    for name, sizes in {"batch_first": (n, length, features), "time_first": (length, n, features)}.items():
        layer = kind(features, 256, batch_first=name == "batch_first")
        x = leaf(*sizes)
        steps[name] = forward_backward(lambda layer=layer, x=x: layer(x)[0], x, *layer.parameters())
    return steps


@row(32, 64, 128)
def lstm(shape):
    """(N, L, features) to 256 units: gradients of x, both weights and both biases."""
    return recurrent(torch.nn.LSTM, shape)


@row(32, 64, 128)
def gru(shape):
    """(N, L, features) to 256 units: gradients of x, both weights and both biases."""
    return recurrent(torch.nn.GRU, shape)


# Optimisers.


def resnet18_shapes():
    """The shapes of ResNet-18's 62 parameters, 1,000 classes: 11,689,512 numbers."""
    shapes = [(64, 3, 7, 7), (64,), (64,)]
    channels = 64
    for width in (64, 128, 256, 512):
        for block in range(2):
            shapes += [(width, channels, 3, 3), (width,), (width,), (width, width, 3, 3), (width,), (width,)]
            if channels != width:
                shapes += [(width, channels, 1, 1), (width,), (width,)]
            channels = width
    return shapes + [(1000, 512), (1000,)]


def optimizer_steps(shape, kind, **settings):
    """`optimizer.step()` with gradients that stay; `shape` is the number of parameters."""
    shapes = resnet18_shapes()
    count = sum(map(math.prod, shapes))
    if shape != (count,):
        raise ValueError(f"ResNet-18 has {count} parameters, not {shape}")
    gradients = [torch.randn(*sizes) for sizes in shapes]

    def parameters():
        made = [leaf(*sizes) for sizes in shapes]
        for parameter, gradient in zip(made, gradients):
            parameter.grad = gradient
        return made

    made = optimizers(kind, parameters, **settings)
    return {name: lambda optimizer=optimizer: milliseconds(optimizer.step) for name, optimizer in made.items()}


@row(11_689_512)
def sgd_step(shape):
    """ResNet-18's parameters; momentum 0.9, weight decay 5e-4, no dampening, not Nesterov."""
    return optimizer_steps(shape, torch.optim.SGD, lr=1e-3, momentum=0.9, weight_decay=5e-4)


@row(11_689_512)
def adamw_step(shape):
    """ResNet-18's parameters; betas 0.9 and 0.999, eps 1e-8, weight decay 0.01."""
    return optimizer_steps(shape, torch.optim.AdamW, lr=1e-3, weight_decay=0.01)


if __name__ == "__main__":
    serve(arguments().parse_args().threads)
