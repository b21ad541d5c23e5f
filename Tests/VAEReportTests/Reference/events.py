#!/usr/bin/env python3
"""Holds TensorBoard files to the real TensorBoard (made with tensorboard 2.21.0).

    events.py make events.bin    writes what TensorBoardTests compares with, by TensorBoard's own writer
    events.py read FOLDER        prints what TensorBoard reads of a folder, a line for each tag
"""
import json
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


if __name__ == "__main__":
    {"make": make, "read": read}[sys.argv[1]](sys.argv[2])
