"""Trains one model by all workers of a Dask cluster, which torch.distributed connects.

    python Examples/distributed/dask_training.py [WORKERS | SCHEDULER [FILE]]

SCHEDULER is the address of a cluster, such as tcp://10.0.0.1:8786; with a number, 2 if nothing is said, that many workers are started
on this machine. The model comes back to this process, which saves it to FILE.
"""

import socket
import sys
from urllib.parse import urlsplit

import numpy as np
from distributed import Client, LocalCluster

import vae_zoo


def free_port():
    """A port of this worker's machine that nobody listens to."""
    with socket.socket() as free:
        free.bind(("", 0))
        return free.getsockname()[1]


def train(rank, size, meeting_point, images):
    """Trains with the others; all come to the same model, which the first one hands over."""
    import torch.distributed as connection

    connection.init_process_group("gloo", init_method=meeting_point, rank=rank, world_size=size)
    try:
        vae_zoo.set_threads(1)
        # Four parts of every batch give the same bits on one, two and four workers, each with one thread.
        model = vae_zoo.GaussianVAE(
            latent=2, hidden=(32,), epochs=3, settings={"training.shards": 4}, random_state=0
        )
        model.fit(images, communicator=connection.group.WORLD)
    finally:
        connection.destroy_process_group()
    return model if rank == 0 else None


def main():
    where = sys.argv[1] if len(sys.argv) > 1 else "2"
    random = np.random.default_rng(0)
    centres = random.integers(0, 2, (4, 64))
    images = (random.random((512, 64)) < 0.1 + 0.8 * centres[random.integers(0, 4, 512)]).astype(np.float32)

    cluster = LocalCluster(n_workers=int(where), threads_per_worker=1, dashboard_address=None) if where.isdigit() else None
    with Client(cluster or where) as client:
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        host = urlsplit(workers[0]).hostname
        port = client.submit(free_port, workers=[workers[0]], pure=False).result()
        # One task for each worker: they wait for each other, so that all must run at the same time.
        trained = [
            client.submit(
                train, rank, len(workers), f"tcp://{host}:{port}", images, workers=[worker],
                allow_other_workers=False, pure=False,
            )
            for rank, worker in enumerate(workers)
        ]
        model = client.gather(trained)[0]
        print(f"{len(workers)} workers: bound {model.history_[-1]['train']['elbo']:.6f} nats")
    if cluster is not None:
        cluster.close()
    if len(sys.argv) > 2:
        model.save(sys.argv[2])


if __name__ == "__main__":
    main()
