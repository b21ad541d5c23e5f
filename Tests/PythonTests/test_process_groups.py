"""Trainings by processes that other libraries start and connect; `scripts/test-python --interop` installs these."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import ROOT, needs

import vae_zoo

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
