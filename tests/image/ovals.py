#!/usr/bin/env python3
"""Ovals as Pillow draws them, for tests/image/test_generators.c: ovals.py > ovals.txt

Needs python3-pil; made by Pillow 9.4.0. A line: angle, red, green, blue, x, y, then the
tile's 64 opacities, then the bytes of an 8 x 8 image of level 100, red, green, blue a pixel,
over which the tile is pasted at (x, y); in hexadecimal digits."""
from PIL import Image, ImageDraw

CASES = [
    (0.0, (255, 0, 128), 0, 0),
    (30.0, (100, 50, 200), 0, 0),
    (90.0, (1, 2, 3), -1, 1),
    (123.456, (32, 223, 77), 1, -1),
    (179.99, (255, 255, 255), 1, 1),
    (210.5, (200, 10, 90), 0, 1),
]

for angle, colour, x, y in CASES:
    tile = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    ImageDraw.Draw(tile).ellipse((1, 3, 7, 5), colour + (255,))
    tile = tile.rotate(angle, resample=Image.Resampling.BICUBIC)
    image = Image.new("RGB", (8, 8), (100, 100, 100))
    image.paste(tile, (x, y), mask=tile)
    print(angle, *colour, x, y, tile.getchannel("A").tobytes().hex(), image.tobytes().hex())
