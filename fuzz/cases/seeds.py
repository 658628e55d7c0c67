"""Small image files of every kind that is read, in seeds/image_decode beside this script: what mutations of
that case start from.

    bench/peers/.venv/bin/python fuzz/cases/seeds.py
"""

import pathlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent / "seeds" / "image_decode"
OUT.mkdir(parents=True, exist_ok=True)

y, x = np.mgrid[0:13, 0:17]
rgb = np.stack([x * 15, y * 19, (x * y) % 256], -1).astype(np.uint8)
image = Image.fromarray(rgb)
grey, palette, bits = image.convert("L"), image.convert("P"), image.convert("1")
alpha, cmyk = image.copy().convert("RGBA"), image.convert("CMYK")
alpha.putalpha(grey)
wide = Image.fromarray((x * 3000 + y * 17).astype(np.uint16))
floats = Image.fromarray((x / 17).astype(np.float32))
turned = Image.Exif()
turned[0x0112] = 6

FILES = [
    ("baseline.jpg", image, {}), ("progressive.jpg", image, {"progressive": True}),
    ("444.jpg", image, {"subsampling": 0}), ("grey.jpg", grey, {}), ("cmyk.jpg", cmyk, {}),
    ("turned.jpg", image, {"exif": turned}), ("restart.jpg", image, {"restart_marker_rows": 1}),
    ("rgb.png", image, {}), ("alpha.png", alpha, {}), ("palette.png", palette, {}),
    ("bits.png", bits, {}), ("wide.png", wide, {}), ("grey.png", grey, {}),
    ("lossy.webp", image, {"quality": 40}), ("lossless.webp", image, {"lossless": True}),
    ("alpha.webp", alpha, {"quality": 40}),
    ("animated.webp", image, {"save_all": True, "append_images": [image.rotate(90)]}),
    ("rgb.bmp", image, {}), ("palette.bmp", palette, {}), ("bits.bmp", bits, {}),
    ("raw.tiff", image, {}), ("lzw.tiff", image, {"compression": "tiff_lzw"}),
    ("deflate.tiff", alpha, {"compression": "tiff_deflate"}),
    ("packbits.tiff", grey, {"compression": "packbits"}), ("fax.tiff", bits, {"compression": "group4"}),
    ("float.tiff", floats, {}), ("wide.tiff", wide, {}), ("cmyk.tiff", cmyk, {}),
]  # fmt: skip
for name, picture, options in FILES:
    picture.save(OUT / name, **options)
print(sum(path.stat().st_size for path in OUT.iterdir()), "bytes")
