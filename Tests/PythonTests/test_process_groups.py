"""Trainings by processes that other libraries start and connect; `scripts/test-python --interop` installs these."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
from typing import Any
from unittest import mock

import numpy as np

from support import ROOT, needs

import vae_zoo
from vae_zoo import _process_groups

EXAMPLES = os.path.join(ROOT, "Examples", "distributed")


def run(*words: str, limit: float = 240) -> str:
    """The output of a program that may start others."""
    completed = subprocess.run(
        list(words), capture_output=True, text=True, timeout=limit,
        env={
            **os.environ,
            "PYTHONPATH": os.path.dirname(os.path.dirname(vae_zoo.__file__)),
            "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", ""),
            "OMP_NUM_THREADS": "1",
            "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        },
    )
    if completed.returncode:
        raise AssertionError(f"{words}: status {completed.returncode}: {completed.stdout}{completed.stderr}")
    return completed.stdout


def torchrun(count: int, *words: str) -> str:
    # An agent of its own store would listen to a fixed port.
    return run(sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", *words)


class ExampleTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def assert_two_come_to_what_one_does(self, start, weights: str = "") -> None:
        """Compares the bytes of the weights: ``start(count, path)`` trains by so many and leaves them in the path."""
        stored = []
        for count in (1, 2):
            path = os.path.join(self.folder, str(count))
            self.assertRegex(start(count, path), f"{count} (processes|workers): bound -")
            with open(os.path.join(path, weights) if weights else path, "rb") as file:
                stored.append(file.read())
        self.assertEqual(stored[0], stored[1])

    @needs("torch")
    def test_two_processes_of_torchrun_come_to_the_weights_of_one(self) -> None:
        program = os.path.join(EXAMPLES, "torch_training.py")
        self.assert_two_come_to_what_one_does(
            lambda count, path: torchrun(count, program, path), "model.safetensors"
        )

    @needs("mpi4py")
    @unittest.skipUnless(
        shutil.which("mpiexec", path=os.path.dirname(sys.executable)) or shutil.which("mpiexec"),
        "there is no mpiexec",
    )
    def test_two_processes_of_mpiexec_come_to_the_weights_of_one(self) -> None:
        program = os.path.join(EXAMPLES, "mpi4py_training.py")
        self.assert_two_come_to_what_one_does(
            lambda count, path: run("mpiexec", "-n", str(count), sys.executable, program, path),
            "model.safetensors",
        )

    @needs("ray", "torch")
    def test_two_workers_of_ray_come_to_the_weights_of_one(self) -> None:
        program = os.path.join(EXAMPLES, "ray_training.py")
        self.assert_two_come_to_what_one_does(
            lambda count, path: run(sys.executable, program, str(count), path)
        )

    @needs("distributed", "torch")
    def test_two_workers_of_dask_come_to_the_weights_of_one(self) -> None:
        program = os.path.join(EXAMPLES, "dask_training.py")
        self.assert_two_come_to_what_one_does(
            lambda count, path: run(sys.executable, program, str(count), path)
        )


# The first of two processes loses its run folder and goes on living; what comes of the second is printed by that.
LOSS = """
import os, shutil, sys, time
import numpy as np
import torch.distributed as distributed
import vae_zoo

distributed.init_process_group("gloo")
# A group whose numbers of ranks are not those of all.
group = distributed.new_group([1, 0])
rank, path = distributed.get_rank(), sys.argv[1]
images = (np.random.default_rng(1).random((40, 20)) < 0.3).astype(np.float32)
failures = []
for attempt in range(2):
    try:
        vae_zoo.GaussianVAE(latent=2, hidden=(8,), epochs=1, batch_size=16, random_state=3).fit(
            images, run=path, existing_run="replace", communicator=group,
            callback=lambda progress: shutil.rmtree(path, ignore_errors=True) if rank == 0 else None,
        )
    except Exception as failure:
        failures.append(f"{type(failure).__name__}: {failure}")
    time.sleep(5)
with open(f"{path}.{rank}", "w") as file:
    file.write("\\n".join(failures))
os._exit(0)
"""


class FakeTorch:
    """As much of PyTorch as an exchange uses, by arrays: a group of the ranks 7 and 5, of which this is the second."""

    class Tensor:
        def __init__(self, array: Any) -> None:
            self.array = array

        def numpy(self) -> Any:
            return self.array

        def unbind(self, axis: int) -> list[Any]:
            return [FakeTorch.Tensor(row) for row in self.array]

    class Work:
        """An operation that is done when it is waited for the second time."""

        def __init__(self, body: Any) -> None:
            self.body, self.waits = body, 0

        def wait(self, patience: Any = None) -> None:
            self.waits += 1
            if self.waits == 1:
                raise RuntimeError("patience is at an end")
            self.body()

        def is_completed(self) -> bool:
            return False

    class Group:
        def rank(self) -> int:
            return 1

        def size(self) -> int:
            return 2

        def get_group_store(self) -> Any:
            return self.store

    def __init__(self) -> None:
        self.words: dict[str, bytes] = {}
        self.group, self.calls = FakeTorch.Group(), []
        self.group.store = types.SimpleNamespace(
            check=lambda names: all(name in self.words for name in names), get=self.words.__getitem__,
            set=lambda name, text: self.words.update({name: text.encode()}),
        )
        self.uint8 = np.uint8
        self.distributed = types.ModuleType("torch.distributed")
        for name, thing in (
            ("ProcessGroup", FakeTorch.Group), ("get_backend_config", lambda group: "cpu:gloo,cuda:nccl"),
            ("get_global_rank", lambda group, rank: [7, 5][rank]), ("all_to_all_single", self.all_to_all_single),
            ("all_gather", self.all_gather), ("broadcast", self.broadcast),
        ):
            setattr(self.distributed, name, thing)

    def tensor(self, array: Any) -> Any:
        return FakeTorch.Tensor(np.array(array))

    def empty(self, shape: Any, dtype: Any) -> Any:
        return FakeTorch.Tensor(np.zeros(shape, dtype))

    # What the other one sends is what this one sends and 100 more.
    def all_to_all_single(self, arrived: Any, sent: Any, group: Any, async_op: bool) -> Any:
        self.calls.append(("all_to_all", sent.array.shape))
        return FakeTorch.Work(lambda: arrived.array.__setitem__(slice(None), [sent.array[1] + 100, sent.array[1]]))

    def all_gather(self, arrived: Any, sent: Any, group: Any, async_op: bool) -> Any:
        self.calls.append(("all_gather", sent.array.shape))

        def body() -> None:
            arrived[0].array[:], arrived[1].array[:] = sent.array + 100, sent.array

        return FakeTorch.Work(body)

    def broadcast(self, values: Any, source: int, group: Any, async_op: bool) -> Any:
        self.calls.append(("broadcast", source, values.array.shape))
        return FakeTorch.Work(lambda: values.array.__setitem__(slice(None), values.array + source))


class ExchangeTests(unittest.TestCase):
    """Exchanges through a group of PyTorch, against a stand-in of it."""

    def setUp(self) -> None:
        self.torch = FakeTorch()
        patch = mock.patch.dict(
            sys.modules, {"torch": self.torch, "torch.distributed": self.torch.distributed}
        )
        patch.start()
        self.addCleanup(patch.stop)

    def test_what_is_exchanged_arrives_in_its_row_and_long_blocks_in_pieces(self) -> None:
        self.assertTrue(_process_groups.is_torch_group(self.torch.group))
        self.assertFalse(_process_groups.is_torch_group(3))
        with mock.patch.object(_process_groups, "_MOST_BYTES", 6):
            member = vae_zoo.Communicator._of(self.torch.group)
            self.assertEqual((member.rank, member.size), (1, 2))
            send, receive = np.arange(10, dtype=np.uint8).reshape(2, 5), np.zeros((2, 5), np.uint8)
            member.all_to_all(send, receive)
            np.testing.assert_array_equal(receive, [send[1] + 100, send[1]])
            member.all_gather(send[0], receive)
            np.testing.assert_array_equal(receive, [send[0] + 100, send[0]])
            buffer = np.arange(8, dtype=np.uint8)
            member.broadcast(buffer, 0)
            np.testing.assert_array_equal(buffer, np.arange(8) + 7)
        self.assertEqual(self.torch.calls, [
            ("all_to_all", (2, 3)), ("all_to_all", (2, 2)), ("all_gather", (3,)), ("all_gather", (2,)),
            ("broadcast", 7, (6,)), ("broadcast", 7, (2,)),
        ])

    def test_whoever_waits_for_a_member_that_gave_up_hears_why(self) -> None:
        member = vae_zoo.Communicator._of(self.torch.group)
        member.abort("the disk is full")
        with self.assertRaisesRegex(
            vae_zoo.CommunicationError,
            "^rank 1 gave up: the disk is full; begin again with another process group$",
        ):
            member.broadcast(np.zeros(3, np.uint8), 1)
        with self.assertRaisesRegex(vae_zoo.CommunicationError, "the disk is full"):
            vae_zoo.Communicator._of(self.torch.group)

    def test_what_an_operation_has_failed_with_is_raised(self) -> None:
        class Failed(FakeTorch.Work):
            def wait(self, patience: Any = None) -> None:
                raise RuntimeError("connection reset")

            def is_completed(self) -> bool:
                return True

        member = vae_zoo.Communicator._of(self.torch.group)
        with mock.patch.object(self.torch.distributed, "broadcast", lambda *_, **__: Failed(None)):
            with self.assertRaisesRegex(RuntimeError, "connection reset"):
                member.broadcast(np.zeros(3, np.uint8), 0)


@needs("torch")
class GroupTests(unittest.TestCase):
    def test_a_member_that_gives_up_and_lives_on_is_not_waited_for(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "loss.py")
            with open(program, "w") as file:
                file.write(LOSS)
            torchrun(2, program, os.path.join(folder, "run"))
            failures = []
            for rank in range(2):
                with open(os.path.join(folder, f"run.{rank}")) as file:
                    failures.append(file.read().splitlines())
        # Of the group of two the first process is the second member, or not, as PyTorch orders them.
        self.assertEqual([len(lines) for lines in failures], [2, 2], failures)
        self.assertIn("run", failures[0][0])
        self.assertRegex(failures[1][0], "CommunicationError: rank [01] gave up: .*run")
        for lines in failures:
            self.assertIn("begin again with another process group", lines[1])

    def test_a_group_that_exchanges_nothing_of_the_processors_memory_is_refused(self) -> None:
        program = (
            "import torch.distributed as d, vae_zoo\n"
            "from unittest.mock import patch\n"
            "d.init_process_group('gloo', store=d.HashStore(), rank=0, world_size=1)\n"
            "with patch.object(d, 'get_backend_config', lambda group: 'cuda:nccl'):\n"
            "    try: vae_zoo.GaussianVAE(epochs=1).fit([[0.0, 1.0]] * 4, communicator=d.group.WORLD)\n"
            "    except vae_zoo.InvalidArgumentError as failure: print(failure)\n"
        )
        self.assertIn("cuda:nccl", run(sys.executable, "-c", program))


if __name__ == "__main__":
    unittest.main()
