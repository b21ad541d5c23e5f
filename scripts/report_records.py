"""What a report must show, read from the run folder without the code that draws it.

check-report compares a page, as the browser has drawn it, with what stands here: the records of a run are
safetensors files, which a few lines read.
"""

import json
import pathlib
import struct


class Record:
    """A file of `records/`: single numbers, and arrays of bytes."""

    def __init__(self, path):
        content = pathlib.Path(path).read_bytes()
        (length,) = struct.unpack_from("<Q", content)
        self._header = json.loads(content[8:8 + length])
        self._data = content[8 + length:]
        self.numbers = json.loads(self._header["__metadata__"]["vae_zoo_record"])
        self.step = self.numbers["step"]

    @property
    def unit_rates(self):
        """The rate of every unit in nats, those of all levels one after the other."""
        return [rate for level in self.numbers.get("rate_per_unit", []) for rate in level]

    def has(self, name):
        """Whether there is an array of this name."""
        return name in self._header

    def images(self, name):
        """Images as (height, width, channels, list of the bytes of each); None where there are none of bytes."""
        entry = self._header.get(name)
        if entry is None or entry["dtype"] != "U8":
            return None
        count, height, width, channels = entry["shape"]
        start, _ = entry["data_offsets"]
        size = height * width * channels
        return height, width, channels, [
            self._data[start + number * size:start + (number + 1) * size] for number in range(count)]


def records(run):
    """The records of a run, in the order of their steps."""
    paths = [path for path in pathlib.Path(run, "records").glob("*.safetensors") if path.stem.isdigit()]
    return [Record(path) for path in sorted(paths, key=lambda path: int(path.stem))]


def bars(run, limit=64):
    """The units whose rates stand as bars, by falling rate at the last record, and these rates at each record."""
    found = records(run)
    last = found[-1].unit_rates
    units = sorted(range(len(last)), key=lambda unit: (-last[unit], unit))[:limit]
    return units, [[record.unit_rates[unit] for unit in units] for record in found]


def difference(drawn, record, name, columns=None):
    """How a picture of the page differs from the images of a record; None where it does not.

    drawn: width, height and red, green and blue of each pixel, as the browser has them. Images stand in rows,
    each with a border of one pixel; columns: images in a row, by default as many as rows.
    """
    height, width, channels, images = record.images(name)
    rows, rest = divmod(drawn["height"] - 1, height + 1)
    across, more = divmod(drawn["width"] - 1, width + 1)
    if rest or more or (columns and across != columns):
        return f"it is {drawn['width']}x{drawn['height']}, no grid of images of {width}x{height}"
    pixels = bytes(drawn["pixels"])
    for number, image in enumerate(images[:rows * across]):
        row, column = divmod(number, across)
        for y in range(height):
            start = ((row * (height + 1) + 1 + y) * drawn["width"] + column * (width + 1) + 1) * 3
            shown = pixels[start:start + width * 3]
            wanted = image[y * width * channels:(y + 1) * width * channels]
            if channels == 1:
                wanted = bytes(value for value in wanted for _ in range(3))
            if shown != wanted:
                return f"row {y} of its image {number} is another than that of step {record.step}"
    return None
