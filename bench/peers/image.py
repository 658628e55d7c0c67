"""Image libraries as peers for the image benchmark; `protocol.py` says how they are asked.

    python image.py albumentations|torchvision|pillow|opencv|imgaug --images FOLDER [--threads N]

What is timed: one pass over all photos of the folder, `for photo in photos: transform(photo)`; each
result is contiguous and dropped at once. What is not: reading and decoding (but in `jpeg_decode`), and
the conversion to what the library takes: an array of height × width × RGB, a tensor of RGB × height ×
width, or Pillow's image. A transform is called by itself, with probability 1, not in the library's
pipeline, which costs more. Each library has the rows it has a transform for.

`resize_224` and the crops are done as each library does them by default: torchvision and Pillow widen
the filter where an image shrinks, OpenCV and what is built on it pass pixels over. `resize_224_plain`
is without widening on all sides.

imgaug, unmaintained since 2020, asks for names that NumPy 2 no longer has; they are put back before it
is imported.
"""

import io
import math
import pathlib

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from protocol import WARMUP_RUNS, arguments, milliseconds, serve

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIDE = 224


class Photos:
    """The photos of a folder, sorted by name."""

    def __init__(self, folder):
        files = sorted(p for p in pathlib.Path(folder).iterdir() if p.is_file())
        self.jpegs = [p.read_bytes() for p in files if p.suffix.lower() in (".jpg", ".jpeg")]
        self.pillow = [Image.open(p).convert("RGB") for p in files]
        self.arrays = [np.array(photo) for photo in self.pillow]

    def tensors(self):
        return [torch.from_numpy(photo).permute(2, 0, 1).contiguous() for photo in self.arrays]


def albumentations(photos, threads):
    import albumentations as A
    import cv2

    cv2.setNumThreads(threads)
    factors = dict(brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.6, 1.4), hue=(-0.1, 0.1))
    transforms = {
        "resize_224": A.Resize(SIDE, SIDE),
        "resize_224_plain": A.Resize(SIDE, SIDE),
        "random_resized_crop_224": A.RandomResizedCrop((SIDE, SIDE)),
        "hflip": A.HorizontalFlip(p=1),
        "vflip": A.VerticalFlip(p=1),
        "rotate_bilinear_30": A.Rotate((30, 30), p=1),
        "affine_bilinear": A.Affine(rotate=(15, 15), scale=(1.1, 1.1), shear=(5, 5), p=1),
        "perspective": A.Perspective(scale=(0.1, 0.1), p=1),
        "color_jitter": A.ColorJitter(**factors, p=1),
        "brightness_contrast": A.RandomBrightnessContrast(p=1),
        "hue_saturation": A.HueSaturationValue(p=1),
        "grayscale": A.ToGray(3, p=1),
        "gaussian_blur_5": A.GaussianBlur((5, 5), (1.0, 1.0), p=1),
        "gaussian_noise": A.GaussNoise((0.1, 0.1), p=1),
        "elastic": A.ElasticTransform(alpha=50, sigma=5, p=1),
        "equalize": A.Equalize(p=1),
        "autocontrast": A.AutoContrast(p=1),
        "posterize": A.Posterize(4, p=1),
        "solarize": A.Solarize((0.5, 0.5), p=1),
        "sharpen": A.Sharpen(p=1),
        "median_blur_5": A.MedianBlur((5, 5), p=1),
        "clahe": A.CLAHE((2.0, 2.0), p=1),
        "jpeg_compression_50": A.ImageCompression("jpeg", (50, 50), p=1),
        "random_erasing": A.Erasing(fill="random_uniform", p=1),
        "coarse_dropout": A.CoarseDropout(p=1),
        "normalize": A.Normalize(MEAN, STD),
        "train_pipeline_224": A.Compose(
            [
                A.RandomResizedCrop((SIDE, SIDE)),
                A.HorizontalFlip(p=0.5),
                A.ColorJitter(**factors, p=1),
                A.Normalize(MEAN, STD),
            ]
        ),
    }

    def work(transform):
        return lambda photo: np.ascontiguousarray(transform(image=photo)["image"])

    return A.__version__, {name: (work(t), photos.arrays) for name, t in transforms.items()}


def torchvision(photos, threads):
    import torchvision
    from torchvision.io import decode_jpeg
    from torchvision.transforms import v2
    from torchvision.transforms.v2 import functional as F

    bilinear = v2.InterpolationMode.BILINEAR
    jitter = v2.ColorJitter(0.4, 0.4, 0.4, 0.1)
    to_float = v2.ToDtype(torch.float32, scale=True)
    points = lambda x: [[0, 0], [x.shape[2] - 1, 0], [x.shape[2] - 1, x.shape[1] - 1], [0, x.shape[1] - 1]]
    moved = lambda p: [[p[0][0] + 30, p[0][1] + 20], [p[1][0] - 10, 15], [p[2][0] - 25, p[2][1] - 30], [12, p[3][1] - 8]]
    transforms = {
        "resize_224": v2.Resize((SIDE, SIDE), antialias=True),
        "resize_224_plain": v2.Resize((SIDE, SIDE), antialias=False),
        "random_resized_crop_224": v2.RandomResizedCrop((SIDE, SIDE), antialias=True),
        "hflip": F.horizontal_flip,
        "vflip": F.vertical_flip,
        "rotate_bilinear_30": lambda x: F.rotate(x, 30.0, bilinear),
        "affine_bilinear": lambda x: F.affine(x, 15.0, [10, 5], 1.1, [5.0, 0.0], bilinear),
        "perspective": lambda x: F.perspective(x, points(x), moved(points(x)), bilinear),
        "color_jitter": jitter,
        "brightness_contrast": v2.ColorJitter(0.2, 0.2),
        "hue_saturation": v2.ColorJitter(saturation=0.2, hue=0.1),
        "grayscale": lambda x: F.rgb_to_grayscale(x, 3),
        "gaussian_blur_5": lambda x: F.gaussian_blur(x, [5, 5], [1.0, 1.0]),
        "gaussian_noise": lambda x: F.to_dtype(
            F.gaussian_noise(F.to_dtype(x, torch.float32, scale=True)), torch.uint8, scale=True
        ),
        "elastic": v2.ElasticTransform(50.0, 5.0),
        "equalize": F.equalize,
        "autocontrast": F.autocontrast,
        "posterize": lambda x: F.posterize(x, 4),
        "solarize": lambda x: F.solarize(x, 128),
        "sharpen": lambda x: F.adjust_sharpness(x, 2.0),
        "jpeg_compression_50": lambda x: F.jpeg(x, 50),
        "random_erasing": v2.RandomErasing(p=1, value="random"),
        "normalize": lambda x: F.normalize(F.to_dtype(x, torch.float32, scale=True), MEAN, STD),
        "randaugment": v2.RandAugment(2, 9, interpolation=bilinear),
        "trivialaugment": v2.TrivialAugmentWide(interpolation=bilinear),
        "train_pipeline_224": v2.Compose(
            [
                v2.RandomResizedCrop((SIDE, SIDE), antialias=True),
                v2.RandomHorizontalFlip(),
                jitter,
                to_float,
                v2.Normalize(MEAN, STD),
            ]
        ),
    }

    def work(transform):
        return lambda photo: transform(photo).contiguous()

    tensors = photos.tensors()
    rows = {name: (work(t), tensors) for name, t in transforms.items()}
    jpegs = [torch.frombuffer(bytearray(j), dtype=torch.uint8) for j in photos.jpegs]
    rows["jpeg_decode"] = (decode_jpeg, jpegs)
    return torchvision.__version__, rows


def pillow(photos, threads):
    import PIL

    rng = np.random.default_rng(0)
    turn = math.radians(15)
    c, s = 1.1 * math.cos(turn), 1.1 * math.sin(turn)

    def crop(x):
        """RandomResizedCrop's usual window, a third of the area."""
        w, h = (int(n * 0.58) for n in x.size)
        left, top = rng.integers(x.size[0] - w), rng.integers(x.size[1] - h)
        return x.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, left + w, top + h))

    def jpeg(x):
        buffer = io.BytesIO()
        x.save(buffer, "JPEG", quality=50)
        return Image.open(buffer).convert("RGB")

    enhanced = lambda x: ImageEnhance.Contrast(ImageEnhance.Brightness(x).enhance(1.2)).enhance(1.2)
    blend = lambda x: ImageEnhance.Sharpness(x).enhance(2.0)
    bilinear = Image.Resampling.BILINEAR
    warp = (1.05, 0.06, -8.0, 0.03, 1.1, -5.0, 0.0001, 0.0002)
    transforms = {
        "resize_224": lambda x: x.resize((SIDE, SIDE), bilinear),
        "random_resized_crop_224": crop,
        "hflip": lambda x: x.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "vflip": lambda x: x.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        "rotate_bilinear_30": lambda x: x.rotate(30, bilinear),
        "affine_bilinear": lambda x: x.transform(
            x.size, Image.Transform.AFFINE, (c, s, 10, -s, c, 5), bilinear
        ),
        "perspective": lambda x: x.transform(x.size, Image.Transform.PERSPECTIVE, warp, bilinear),
        "brightness_contrast": enhanced,
        "grayscale": lambda x: x.convert("L").convert("RGB"),
        "gaussian_blur_5": lambda x: x.filter(ImageFilter.GaussianBlur(1.0)),
        "equalize": ImageOps.equalize,
        "autocontrast": ImageOps.autocontrast,
        "posterize": lambda x: ImageOps.posterize(x, 4),
        "solarize": lambda x: ImageOps.solarize(x, 128),
        "sharpen": blend,
        "median_blur_5": lambda x: x.filter(ImageFilter.MedianFilter(5)),
        "jpeg_compression_50": jpeg,
    }
    rows = {name: (t, photos.pillow) for name, t in transforms.items()}
    rows["jpeg_decode"] = (lambda j: Image.open(io.BytesIO(j)).convert("RGB"), photos.jpegs)
    return PIL.__version__, rows


def opencv(photos, threads):
    import cv2

    cv2.setNumThreads(threads)
    rng = np.random.default_rng(0)
    size = lambda x: (x.shape[1], x.shape[0])
    middle = lambda x: (x.shape[1] / 2 - 0.5, x.shape[0] / 2 - 0.5)
    levels = np.arange(256, dtype=np.uint8)
    masked, inverted = levels & 0xF0, np.where(levels < 128, levels, 255 - levels)
    kernel = np.full((3, 3), -0.3, np.float32)
    kernel[1, 1] = 0.7 + 0.3 * 8.7
    limited = cv2.createCLAHE(2.0, (8, 8))
    quality = [cv2.IMWRITE_JPEG_QUALITY, 50]
    bend = np.array([[1.05, 0.06, -8.0], [0.03, 1.1, -5.0], [0.0001, 0.0002, 1.0]])

    def crop(x):
        """RandomResizedCrop's usual window, a third of the area."""
        h, w = int(x.shape[0] * 0.58), int(x.shape[1] * 0.58)
        top, left = rng.integers(x.shape[0] - h), rng.integers(x.shape[1] - w)
        return cv2.resize(x[top : top + h, left : left + w], (SIDE, SIDE))

    def noise(x):
        return cv2.add(x, cv2.randn(np.empty(x.shape, np.int16), (0, 0, 0), (25.5,) * 3), dtype=cv2.CV_8U)

    def elastic(x):
        h, w = x.shape[:2]
        d = [rng.random((h, w), np.float32) * 50 - 25 for _ in range(2)]
        d = [cv2.GaussianBlur(d, (41, 41), 5) for d in d]
        grid = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
        return cv2.remap(x, grid[0] + d[0], grid[1] + d[1], cv2.INTER_LINEAR)

    def clahe(x):
        lab = cv2.cvtColor(x, cv2.COLOR_RGB2LAB)
        lab[:, :, 0] = limited.apply(lab[:, :, 0])
        return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)

    def shifted(x):
        h, s, v = cv2.split(cv2.cvtColor(x, cv2.COLOR_RGB2HSV))
        h = cv2.LUT(h, ((levels.astype(int) + 10) % 180).astype(np.uint8))
        hsv = cv2.merge([h, cv2.add(s, 15), cv2.add(v, 10)])
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)

    scale, offset = 1 / (255 * np.array(STD)), -np.array(MEAN) / np.array(STD)
    transforms = {
        "resize_224": lambda x: cv2.resize(x, (SIDE, SIDE)),
        "resize_224_plain": lambda x: cv2.resize(x, (SIDE, SIDE)),
        "random_resized_crop_224": crop,
        "hflip": lambda x: cv2.flip(x, 1),
        "vflip": lambda x: cv2.flip(x, 0),
        "rotate_bilinear_30": lambda x: cv2.warpAffine(x, cv2.getRotationMatrix2D(middle(x), 30, 1), size(x)),
        "affine_bilinear": lambda x: cv2.warpAffine(x, cv2.getRotationMatrix2D(middle(x), 15, 1.1), size(x)),
        "perspective": lambda x: cv2.warpPerspective(x, bend, size(x)),
        "brightness_contrast": lambda x: cv2.convertScaleAbs(x, alpha=1.2, beta=10),
        "hue_saturation": shifted,
        "grayscale": lambda x: cv2.cvtColor(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
        "gaussian_blur_5": lambda x: cv2.GaussianBlur(x, (5, 5), 1.0),
        "gaussian_noise": noise,
        "elastic": elastic,
        "equalize": lambda x: cv2.merge([cv2.equalizeHist(p) for p in cv2.split(x)]),
        "posterize": lambda x: cv2.LUT(x, masked),
        "solarize": lambda x: cv2.LUT(x, inverted),
        "sharpen": lambda x: cv2.filter2D(x, -1, kernel),
        "median_blur_5": lambda x: cv2.medianBlur(x, 5),
        "clahe": clahe,
        "jpeg_compression_50": lambda x: cv2.imdecode(cv2.imencode(".jpg", x, quality)[1], cv2.IMREAD_COLOR),
        "normalize": lambda x: cv2.add(cv2.multiply(x, (*scale, 1), dtype=cv2.CV_32F), (*offset, 0)),
    }
    rows = {name: (t, photos.arrays) for name, t in transforms.items()}
    jpegs = [np.frombuffer(j, np.uint8) for j in photos.jpegs]
    rows["jpeg_decode"] = (lambda j: cv2.imdecode(j, cv2.IMREAD_COLOR_RGB), jpegs)
    return cv2.__version__, rows


def imgaug(photos, threads):
    np.bool = np.bool_
    np.sctypes = {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64],
    }
    import cv2
    import imgaug as ia
    import imgaug.augmenters as iaa

    cv2.setNumThreads(threads)
    ia.seed(0)
    transforms = {
        "resize_224": iaa.Resize({"height": SIDE, "width": SIDE}),
        "hflip": iaa.Fliplr(1.0),
        "vflip": iaa.Flipud(1.0),
        "rotate_bilinear_30": iaa.Rotate(30),
        "affine_bilinear": iaa.Affine(rotate=15, scale=1.1, shear=5),
        "perspective": iaa.PerspectiveTransform(0.1),
        "brightness_contrast": iaa.Sequential([iaa.Multiply((0.8, 1.2)), iaa.LinearContrast((0.8, 1.2))]),
        "hue_saturation": iaa.AddToHueAndSaturation((-20, 20)),
        "grayscale": iaa.Grayscale(1.0),
        "gaussian_blur_5": iaa.GaussianBlur(1.0),
        "gaussian_noise": iaa.AdditiveGaussianNoise(scale=25.5, per_channel=True),
        "equalize": iaa.AllChannelsHistogramEqualization(),
        "posterize": iaa.Posterize(4),
        "solarize": iaa.Solarize(1.0),
        "sharpen": iaa.Sharpen((0.2, 0.5), (0.5, 1.0)),
        "median_blur_5": iaa.MedianBlur(5),
        "clahe": iaa.CLAHE(2.0, 8),
        "jpeg_compression_50": iaa.JpegCompression(50),
        "random_erasing": iaa.Cutout(fill_mode="gaussian", fill_per_channel=True),
        "coarse_dropout": iaa.Cutout(nb_iterations=(1, 2), size=(0.1, 0.2), squared=False, cval=0),
        "randaugment": iaa.RandAugment(2, 9),
    }

    # OpenCV 5 refuses the maps imgaug makes for it.
    if int(cv2.__version__.split(".")[0]) < 5:
        transforms["elastic"] = iaa.ElasticTransformation(alpha=50, sigma=5)

    def work(transform):
        return lambda photo: np.ascontiguousarray(transform.augment_image(photo))

    return ia.__version__, {name: (work(t), photos.arrays) for name, t in transforms.items()}


LIBRARIES = [albumentations, torchvision, pillow, opencv, imgaug]


def answering(rows):
    """Answers requests about `rows`: name -> (what is done to a photo, the photos)."""

    def answer(request, warmed):
        name = request["op"]
        if name not in rows:
            return {"unknown": name}
        work, photos = rows[name]

        def one_pass():
            for photo in photos:
                work(photo)

        if name not in warmed:
            for _ in range(WARMUP_RUNS):
                one_pass()
            warmed[name] = True
        if request.get("warmup"):
            return {"warm": True, "layouts": ["photos"]}
        ms = [milliseconds(one_pass) for _ in range(request.get("iters", 1))]
        return {"ms": ms, "layout": "photos", "all": {"photos": ms}}

    return answer


if __name__ == "__main__":
    parser = arguments()
    parser.add_argument("library", choices=[library.__name__ for library in LIBRARIES])
    parser.add_argument("--images", required=True)
    args = parser.parse_args()
    library = {library.__name__: library for library in LIBRARIES}[args.library]
    version, rows = library(Photos(args.images), args.threads)
    serve(args.threads, answering(rows), peer=args.library, version=version)
