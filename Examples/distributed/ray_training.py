"""Trains one model by several workers of Ray, which torch.distributed connects.

    python Examples/distributed/ray_training.py [WORKERS [FILE]]

Without a cluster, Ray starts one on this machine; RAY_ADDRESS names another. The model comes back to this process, which saves
it to FILE.
"""

import socket
import sys

import numpy as np
import ray
import torch.distributed as distributed

import vae_zoo


@ray.remote(num_cpus=1)
class Worker:
    """A process of the cluster that computes a part of every batch."""

    def meeting_point(self):
        """Where this worker can be met by the others."""
        with socket.socket() as free:
            free.bind(("", 0))
            return f"tcp://{ray.util.get_node_ip_address()}:{free.getsockname()[1]}"

    def train(self, rank, size, meeting_point, images):
        """Trains with the others; all come to the same model, which the first one hands over."""
        distributed.init_process_group("gloo", init_method=meeting_point, rank=rank, world_size=size)
        try:
            vae_zoo.set_threads(1)
            # Four parts of every batch give the same bits on one, two and four workers, each with one thread.
            model = vae_zoo.GaussianVAE(
                latent=2, hidden=(32,), epochs=3, settings={"training.shards": 4}, random_state=0
            )
            model.fit(images, communicator=distributed.group.WORLD)
        finally:
            distributed.destroy_process_group()
        return model if rank == 0 else None


def main():
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    random = np.random.default_rng(0)
    centres = random.integers(0, 2, (4, 64))
    images = (random.random((512, 64)) < 0.1 + 0.8 * centres[random.integers(0, 4, 512)]).astype(np.float32)

    ray.init(log_to_driver=False)
    workers = [Worker.remote() for _ in range(size)]
    meeting_point = ray.get(workers[0].meeting_point.remote())
    data = ray.put(images)
    trained = [worker.train.remote(rank, size, meeting_point, data) for rank, worker in enumerate(workers)]
    model = ray.get(trained)[0]
    print(f"{size} workers: bound {model.history_[-1]['train']['elbo']:.6f} nats")
    if len(sys.argv) > 2:
        model.save(sys.argv[2])


if __name__ == "__main__":
    main()
