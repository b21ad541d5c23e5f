#!/usr/bin/env python3
"""Holds TensorBoard files to the real TensorBoard (made with tensorboard 2.21.0).

    events.py make events.bin    writes what TensorBoardTests compares with, by TensorBoard's own writer
    events.py read FOLDER        prints what TensorBoard reads of a folder, a line for each tag
    events.py check RUN FOLDER   compares what it reads with the metrics of the run that wrote the folder
"""
import json
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def scalars(time, step, values):
    entries = [summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in values]
    return event_pb2.Event(wall_time=time, step=step, summary=summary_pb2.Summary(value=entries))


def make(path):
    start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in [
            event_pb2.Event(wall_time=1700000000.5, file_version="brain.Event:2"),
            event_pb2.Event(wall_time=1700000001.25, step=6, session_log=start),
            scalars(1700000002.0, 6, [("elbo/batch", -123.25), ("rate/batch", 17.5)]),
            scalars(1700000003.0, 300000, [("distortion/tëst", 1e-3), ("x" * 200, -0.0)]),
        ]:
            writer.write(event.SerializeToString())


def read(folder):
    events = EventAccumulator(folder, size_guidance={"scalars": 0})
    events.Reload()
    for tag in events.Tags()["scalars"]:
        print(json.dumps([tag, [[e.step, e.value] for e in events.Scalars(tag)]]))


def check(run, folder):
    """Every number of the metrics is there, at its step, as the nearest number of 32 bits."""
    events = EventAccumulator(folder, size_guidance={"scalars": 0})
    events.Reload()
    tags = events.Tags()["scalars"]
    found = {tag: {event.step: event.value for event in events.Scalars(tag)} for tag in tags}
    held_out = {tag.split("/")[1] for tag in tags if tag.startswith("elbo/")} - {"batch", "train"}
    if len(held_out) > 1:
        sys.exit(f"{folder}: more than one held-out split: {sorted(held_out)}")
    compared = 0
    with open(f"{run}/metrics.jsonl") as lines:
        for line in map(json.loads, lines):
            wanted = {f"{term}/train": value for term, value in line["train"].items()}
            for split in held_out:
                wanted |= {f"{term}/{split}": value for term, value in line["valid"].items()}
            wanted |= {
                tag: line[name]
                for tag, name in (
                    ("latents/active_units", "active_units"),
                    ("latents/codebook_perplexity", "codebook_perplexity"),
                ) if name in line}
            wanted |= {
                f"latents/rate_of_level_{level}": rate
                for level, rate in enumerate(line.get("rate_per_layer", []))}
            for tag, value in wanted.items():
                if tag in found and line["step"] in found[tag]:
                    (near,) = struct.unpack("<f", struct.pack("<f", value))
                    # Metrics have some numbers rounded.
                    off = abs(found[tag][line["step"]] - near)
                    if off > (0 if repr(value)[::-1].find(".") > 6 else 1e-3):
                        sys.exit(f"{tag} at {line['step']}: {found[tag][line['step']]}, not {value}")
                    compared += 1
                else:
                    sys.exit(f"{tag} at step {line['step']} is missing")
    print(f"{compared} numbers of {run} are those that TensorBoard reads")


if __name__ == "__main__":
    {"make": make, "read": read, "check": check}[sys.argv[1]](*sys.argv[2:])
