#!/usr/bin/env python3
"""What the images held out by a run take in formats without loss, in bits per dimension.

    formats.py RUN/images.h5

png: a file an image, by Pillow, its best filters and zlib at 9; its compressed data alone, without
headers; all images in one picture. webp: WebP without loss, a file an image, method 6. jpeg-ls: the
entropy of the errors of its predictor by channel, all images together, also with green taken off red
and blue first: a stand-in, since its coder adapts to contexts. Of 2000 images, evenly taken. Needs h5py, numpy, Pillow."""
import io
import sys

import h5py
import numpy as np
from PIL import Image


def encoded(pixels, **how):
    out = io.BytesIO()
    Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0]).save(out, **how)
    return out.getvalue()


def png(pixels):
    return encoded(pixels, format="PNG", optimize=True, compress_level=9)


def compressed_data(file):
    at, total = 8, 0
    while at < len(file):
        length = int.from_bytes(file[at:at + 4], "big")
        total += length if file[at + 4:at + 8] == b"IDAT" else 0
        at += 12 + length
    return total


def entropy(errors):
    p = np.bincount((errors & 255).ravel(), minlength=256) / errors.size
    return -(p[p > 0] * np.log2(p[p > 0])).sum()


def jpeg_ls(x):
    """Of x [image][channel][row][column], integers."""
    above, left, corner = x[:, :, :-1, 1:], x[:, :, 1:, :-1], x[:, :, :-1, :-1]
    low, high = np.minimum(above, left), np.maximum(above, left)
    guess = np.where(corner >= high, low,
                     np.where(corner <= low, high, above + left - corner))
    errors = x[:, :, 1:, 1:] - guess
    return np.mean([entropy(errors[:, c]) for c in range(x.shape[1])])


def main(path):
    with h5py.File(path, "r") as file:
        x = file["held_out/pixels"]
        x = x[()][::max(1, len(x) // 2000)]
    n, channels, height, width = x.shape
    size = channels * height * width
    pictures = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    files = [png(p) for p in pictures]
    side = int(n**0.5)
    sheet = pictures[:side * side].reshape(side, side, height, width, channels)
    sheet = sheet.transpose(0, 2, 1, 3, 4).reshape(side * height, side * width, channels)
    rows = {
        "png": 8 * np.mean([len(f) for f in files]) / size,
        "png, data": 8 * np.mean([compressed_data(f) for f in files]) / size,
        "png, one sheet": 8 * len(png(sheet)) / (side * side * size),
        "webp": 8 * np.mean([len(encoded(p, format="WEBP", lossless=True, quality=100,
                                         method=6)) for p in pictures[::4]]) / size,
        "jpeg-ls, entropy": jpeg_ls(x.astype(int)),
    }
    if channels == 3:
        y = x.astype(int)
        y[:, 0::2] -= y[:, 1:2]
        rows["jpeg-ls, entropy, green off"] = jpeg_ls(y)
    for name, bits in rows.items():
        print(f"{name:28} {bits:.3f}")


main(*sys.argv[1:])
