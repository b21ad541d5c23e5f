#!/usr/bin/env python3
"""Writes the pictures of this folder and what Pillow decodes them to. Needs Pillow and NumPy.

    python3 -m venv /tmp/pillow && /tmp/pillow/bin/pip install pillow numpy
    /tmp/pillow/bin/python Tests/VAEImagesTests/Reference/make-pictures.py

For each picture there is a file of the same name with .rgb or .grey in place of the ending: its
pixels as bytes, rows from the top, upright. pictures.txt lists name, width, height, channels.
"""
import pathlib

import numpy
from PIL import Image, ImageOps

folder = pathlib.Path(__file__).parent
width, height = 20, 12
lines = []


def picture(channels):
    """Soft colours, different in every corner, so that a turned picture is another one."""
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    parts = [20 + 9 * x + 2 * y, 230 - 4 * x - 7 * y, 60 + 3 * x + 11 * y]
    values = numpy.stack(parts[:channels], axis=-1)
    return numpy.clip(values, 0, 255).round().astype(numpy.uint8)


def keep(name, truth=None):
    """Notes what a file, or another picture, decodes to."""
    image = ImageOps.exif_transpose(truth or Image.open(folder / name))
    grey = image.mode in ("L", "1", "I;16")
    pixels = numpy.asarray(image.convert("L" if grey else "RGB"))
    ending = "grey" if grey else "rgb"
    (folder / name).with_suffix("." + ending).write_bytes(pixels.tobytes())
    lines.append(f"{name} {image.width} {image.height} {1 if grey else 3}\n")


color = Image.fromarray(picture(3))
grey = Image.fromarray(picture(1)[:, :, 0])
for name, image, options in [
    ("color.jpg", color, {"quality": 90}),
    ("grey.jpg", grey, {"quality": 90}),
    ("progressive.jpg", color, {"quality": 90, "progressive": True}),
    ("full-chroma.jpg", color, {"quality": 90, "subsampling": 0}),
    ("restarts.jpg", color, {"quality": 90, "restart_marker_blocks": 1}),
    ("cmyk.jpg", color.convert("CMYK"), {"quality": 95}),
]:
    image.save(folder / name, **options)
    keep(name)

for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x0112] = orientation
    name = f"orientation-{orientation}.jpg"
    color.save(folder / name, quality=90, subsampling=0, exif=exif)
    keep(name)
exif = Image.Exif()
exif[0x0112] = 6
color.save(folder / "orientation.png", exif=exif)
keep("orientation.png")

palette = color.quantize(16)
palette.save(folder / "palette.png")
keep("palette.png")
alpha = color.copy()
alpha.putalpha(grey)
alpha.save(folder / "alpha.png")
keep("alpha.png", color)
deep = Image.fromarray(picture(1)[:, :, 0].astype(numpy.uint16) * 257)
deep.save(folder / "deep.png")
keep("deep.png", grey)
grey.point(lambda value: 255 if value > 100 else 0).convert("1").save(folder / "bits.png")
keep("bits.png")

# What resizing to a square gives: the mean of whole blocks, and straight lines between pixels.
middle = color.crop(((width - height) // 2, 0, (width + height) // 2, height))
for name, image, side, method in [
    ("4", color, 4, Image.Resampling.BOX),
    ("6-crop", middle, 6, Image.Resampling.BOX),
    ("29", color, 29, Image.Resampling.BILINEAR),
]:
    (folder / f"resized-{name}.rgb").write_bytes(
        numpy.asarray(image.resize((side, side), method)).tobytes())
color.save(folder / "resized.png")
(folder / "resized-grey.grey").write_bytes(numpy.asarray(color.convert("L")).tobytes())
(folder / "pictures.txt").write_text("".join(lines))
