"""Several trainings of one model, here threads of one process with functions of Python between them."""

from __future__ import annotations

import shutil
import tempfile
import threading
import unittest
from typing import Any
from unittest.mock import Mock, patch

import numpy as np

import vae_zoo
from vae_zoo import _process_groups
from vae_zoo._communicator import Connection


class Group:
    """Threads that exchange arrays."""

    def __init__(self, size: int, fails_after: int = 1 << 30) -> None:
        self.size, self.barrier = size, threading.Barrier(size, timeout=60)
        self.sent: list[Any] = [None] * size
        self.calls, self.fails_after = 0, fails_after

    def exchange(self, rank: int, array: Any) -> list[Any]:
        if rank == 1:
            self.calls += 1
            if self.calls > self.fails_after:
                raise ConnectionError("the cable was pulled")
        self.sent[rank] = array.copy()
        self.barrier.wait()
        sent = list(self.sent)
        self.barrier.wait()
        return sent

    def member(self, rank: int) -> vae_zoo.Communicator:
        def all_to_all(send: Any, receive: Any) -> None:
            receive[:] = [sent[rank] for sent in self.exchange(rank, send)]

        def all_gather(send: Any, receive: Any) -> None:
            receive[:] = self.exchange(rank, send)

        def broadcast(buffer: Any, root: int) -> None:
            buffer[:] = self.exchange(rank, buffer)[root]

        return vae_zoo.Communicator(
            rank, self.size, all_to_all, all_gather, broadcast, lambda reason: self.barrier.abort()
        )


class LikeMPI:
    """A member with the methods of a communicator of mpi4py, which counts what each call exchanges."""

    def __init__(self, member: vae_zoo.Communicator) -> None:
        self.member, self.largest = member, 0

    def Get_rank(self) -> int:
        return self.member.rank

    def Get_size(self) -> int:
        return self.member.size

    def Alltoall(self, send: Any, receive: Any) -> None:
        self.largest = max(self.largest, receive.size)
        self.member.all_to_all(send, receive)

    def Allgather(self, send: Any, receive: Any) -> None:
        self.largest = max(self.largest, receive.size)
        self.member.all_gather(send, receive)

    def Bcast(self, buffer: Any, root: int) -> None:
        self.largest = max(self.largest, buffer.size)
        self.member.broadcast(buffer, root)


def images() -> Any:
    random = np.random.default_rng(1)
    return (random.random((40, 20)) < 0.3).astype(np.float32)


def trained(group: Group | None, size: int, **more: Any) -> list[Any]:
    """The weights that each of some threads comes to, or what it raises."""
    results: list[Any] = [None] * size

    def train(rank: int) -> None:
        model = vae_zoo.GaussianVAE(
            latent=2, hidden=(8,), epochs=2, batch_size=16, settings={"training.shards": 2}, random_state=3
        )
        communicator = group and more.get("wrap", lambda member: member)(group.member(rank))
        try:
            model.fit(images() + more.get(f"rank{rank}", 0), communicator=communicator)
            results[rank] = {name: np.array(model.parameters[name]) for name in model.parameters}
        except Exception as failure:
            results[rank] = failure

    threads = [threading.Thread(target=train, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class CommunicatorTests(unittest.TestCase):
    def setUp(self) -> None:
        self.threads = vae_zoo.get_threads()
        vae_zoo.set_threads(1)

    def tearDown(self) -> None:
        vae_zoo.set_threads(self.threads)

    def test_a_process_that_no_launcher_has_started_is_alone(self) -> None:
        alone = vae_zoo.Communicator.mpi()
        self.assertEqual((alone.rank, alone.size), (0, 1))
        model = vae_zoo.GaussianVAE(epochs=1, hidden=(8,), latent=2, batch_size=20, random_state=1)
        plain = vae_zoo.GaussianVAE(epochs=1, hidden=(8,), latent=2, batch_size=20, random_state=1)
        model.fit(images(), communicator=alone)
        self.assertEqual(model.score(images()), plain.fit(images()).score(images()))

    def test_a_process_alone_exchanges_with_itself(self) -> None:
        alone = vae_zoo.Communicator.mpi()
        send = np.array([[3, 1, 4, 1, 5]], np.uint8)
        for exchange, sent in ((alone.all_to_all, send), (alone.all_gather, send[0])):
            receive = np.zeros((1, 5), np.uint8)
            exchange(sent, receive)
            np.testing.assert_array_equal(receive, send)
        buffer = send[0].copy()
        alone.broadcast(buffer, 0)
        np.testing.assert_array_equal(buffer, send[0])
        with self.assertRaisesRegex(vae_zoo.CommunicationError, "MPI ended an exchange with 1"):
            alone.broadcast(buffer, 1)

    def test_the_library_s_bytes_reach_a_communicator_in_their_shapes(self) -> None:
        seen: list[Any] = []

        def all_to_all(send: Any, receive: Any) -> None:
            seen.append(("all_to_all", send.tolist(), receive.shape))
            receive[:] = send[::-1]

        def all_gather(send: Any, receive: Any) -> None:
            seen.append(("all_gather", send.tolist(), receive.shape))
            receive[:] = np.arange(receive.size).reshape(receive.shape)

        def broadcast(buffer: Any, root: int) -> None:
            seen.append(("broadcast", buffer.tolist(), root))
            buffer[:] = 9

        reasons: list[str] = []
        connection = Connection(vae_zoo.Communicator(np.int64(1), 3, all_to_all, all_gather, broadcast, reasons.append))
        struct = connection.struct
        self.assertEqual((struct.rank, struct.size), (1, 3))
        send, receive = np.arange(6, dtype=np.uint8), np.zeros(6, np.uint8)
        self.assertEqual(struct.all_to_all(None, send.ctypes.data, receive.ctypes.data, 2), 0)
        np.testing.assert_array_equal(receive, [4, 5, 2, 3, 0, 1])
        self.assertEqual(struct.all_gather(None, send.ctypes.data, receive.ctypes.data, 2), 0)
        np.testing.assert_array_equal(receive, range(6))
        self.assertEqual(struct.broadcast(None, receive.ctypes.data, 4, 2), 0)
        np.testing.assert_array_equal(receive, [9, 9, 9, 9, 4, 5])
        struct.abort(None, b"lost caf\xc3\xa9")
        self.assertEqual(reasons, ["lost café"])
        self.assertEqual(seen, [
            ("all_to_all", [[0, 1], [2, 3], [4, 5]], (3, 2)), ("all_gather", [0, 1], (3, 2)), ("broadcast", [0, 1, 2, 3], 2),
        ])
        # Nothing lies nowhere.
        self.assertEqual(struct.all_gather(None, None, None, 0), 0)
        self.assertEqual(seen[-1], ("all_gather", [], (3, 0)))
        self.assertEqual(connection.failures, [])
        broken = Connection(vae_zoo.Communicator(0, 2, all_to_all, lambda send, receive: 1 / 0, broadcast))
        self.assertEqual(broken.struct.all_gather(None, send.ctypes.data, receive.ctypes.data, 2), 1)
        self.assertIsInstance(broken.failures[0], ZeroDivisionError)
        broken.struct.abort(None, b"nobody hears it")

    def test_ranks_are_from_zero_to_one_less_than_the_size(self) -> None:
        for rank, size in ((0, 1), (4, 5)):
            made = vae_zoo.Communicator(rank, size, print, print, print)
            self.assertEqual((made.rank, made.size, made.abort), (rank, size, None))
        for rank, size in ((-1, 2), (5, 5), (0, 0)):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"rank {rank} of {size} is no rank of a group"):
                vae_zoo.Communicator(rank, size, print, print, print)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "all_gather must be a function, not 3"):
            vae_zoo.Communicator(0, 2, print, 3, print)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "broadcast must be a function"):
            vae_zoo.Communicator(0, 2, print, print, "x")

    def test_two_ranks_come_to_the_weights_of_one(self) -> None:
        (one,) = trained(None, 1)
        for other in trained(Group(2), 2):
            self.assertNotIsInstance(other, Exception)
            for name in one:
                np.testing.assert_array_equal(other[name], one[name])

    def measured(self, models: list[Any], group: Group | None) -> list[Any]:
        """What each of some threads finds out about the same images, or what it raises."""
        results: list[Any] = [None] * len(models)

        def measure(rank: int) -> None:
            own, X = group and group.member(rank), np.tile(images(), (20, 1))
            try:
                results[rank] = (
                    models[rank].evaluate(X, samples=4, communicator=own),
                    models[rank].score_samples(X, samples=20, communicator=own).tolist(),
                    models[rank].score_samples(X, method="regret", steps=2, communicator=own).tolist(),
                    models[rank].encode(X, communicator=own).mean.tolist(),
                )
            except Exception as failure:
                results[rank] = failure

        threads = [threading.Thread(target=measure, args=(rank,)) for rank in range(len(models))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def test_ranks_measure_together_what_one_does(self) -> None:
        def model(seed: int = 3) -> Any:
            return vae_zoo.GaussianVAE(
                latent=2, hidden=(8,), epochs=1, batch_size=16, random_state=seed
            ).fit(images())

        (one,) = self.measured([model()], None)
        self.assertIsInstance(one, tuple, one)
        for other in self.measured([model(), model(), model()], Group(3)):
            self.assertEqual(other, one)
        for other in self.measured([model(), model(4)], Group(2)):
            self.assertIsInstance(other, vae_zoo.CommunicationError)
            self.assertIn("rank 1 has another ", str(other))
        first, second = self.measured([model(), model()], Group(2, fails_after=5))
        self.assertIsInstance(second, ConnectionError)
        self.assertIsInstance(first, (threading.BrokenBarrierError, vae_zoo.CommunicationError))

    def test_what_a_function_raises_is_raised_and_ends_the_training_of_all(self) -> None:
        for calls in (0, 3, 9, 14):
            first, second = trained(Group(2, fails_after=calls), 2)
            self.assertIsInstance(second, ConnectionError)
            self.assertIsInstance(first, (threading.BrokenBarrierError, vae_zoo.CommunicationError))

    def test_what_abort_raises_does_not_hide_why_it_was_called(self) -> None:
        group = Group(2)
        results: list[Any] = [None, None]

        def train(rank: int) -> None:
            own = group.member(rank)

            def abort(reason: str) -> None:
                group.barrier.abort()
                raise RuntimeError("the cable was cut")

            def lose_run(progress: vae_zoo.Progress) -> None:
                shutil.rmtree(run, ignore_errors=True)

            try:
                vae_zoo.GaussianVAE(latent=2, hidden=(8,), epochs=1, batch_size=16, random_state=3).fit(
                    images(),
                    run=run,
                    callback=lose_run if rank == 0 else None,
                    communicator=vae_zoo.Communicator(
                        rank, 2, own.all_to_all, own.all_gather, own.broadcast, abort
                    ),
                )
            except Exception as failure:
                results[rank] = failure

        with tempfile.TemporaryDirectory() as folder:
            run = folder + "/run"
            threads = [threading.Thread(target=train, args=(rank,)) for rank in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertIsInstance(results[0], vae_zoo.Error)
        self.assertIn("run", str(results[0]))
        self.assertIsInstance(results[1], (threading.BrokenBarrierError, vae_zoo.CommunicationError))

    def test_communicators_like_mpi4pys_exchange_in_pieces_what_is_long(self) -> None:
        (one,) = trained(None, 1)
        members: list[LikeMPI] = []

        def wrap(member: vae_zoo.Communicator) -> LikeMPI:
            members.append(LikeMPI(member))
            return members[-1]

        with patch.object(_process_groups, "_MOST_BYTES", 100):
            for other in trained(Group(2), 2, wrap=wrap):
                self.assertNotIsInstance(other, Exception)
                for name in one:
                    np.testing.assert_array_equal(other[name], one[name])
        self.assertEqual([member.largest for member in members], [100, 100])

    def test_a_broadcast_of_mpi4py_comes_from_its_root_and_an_abort_ends_all(self) -> None:
        given = Mock(**{"Get_rank.return_value": 2, "Get_size.return_value": 4})
        member = vae_zoo.Communicator._of(given)
        self.assertEqual((member.rank, member.size), (2, 4))
        buffer = np.arange(7, dtype=np.uint8)
        with patch.object(_process_groups, "_MOST_BYTES", 4):
            member.broadcast(buffer, 3)
        sent = [(call.args[0].tolist(), call.kwargs) for call in given.Bcast.call_args_list]
        self.assertEqual(sent, [([0, 1, 2, 3], {"root": 3}), ([4, 5, 6], {"root": 3})])
        member.abort("whatever it was")
        given.Abort.assert_called_once_with(70)

    def test_other_data_and_what_is_no_communicator_are_refused(self) -> None:
        # Black and white as well, but the other way round.
        for result in trained(Group(2), 2, rank1=1 - 2 * images()):
            self.assertIsInstance(result, vae_zoo.CommunicationError)
            self.assertIn("rank 1 has another checksum of the data than rank 0", str(result))
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "communicator must be"):
            vae_zoo.GaussianVAE().fit(images(), communicator=3)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "rank 2 of 2"):
            vae_zoo.Communicator(2, 2, print, print, print)
        for wrong, name in [
            ((0.5, 2, print, print, print), "rank"),
            ((0, True, print, print, print), "size"),
            ((0, 2, 1, print, print), "all_to_all"),
            ((0, 2, print, print, print, 3), "abort"),
        ]:
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"{name} must be a"):
                vae_zoo.Communicator(*wrong)


if __name__ == "__main__":
    unittest.main()
