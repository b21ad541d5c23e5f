"""Trains one model by several processes that torch.distributed connects.

    torchrun --nproc-per-node 2 Examples/distributed/torch_training.py [RUN]
"""

import sys

import numpy as np
import torch.distributed as distributed

import vae_zoo

# Every process has the same data here; each computes a part of every batch of it.
random = np.random.default_rng(0)
centres = random.integers(0, 2, (4, 64))
images = (random.random((512, 64)) < 0.1 + 0.8 * centres[random.integers(0, 4, 512)]).astype(np.float32)

# Bytes are exchanged that are in the memory of the processor, as gloo does.
distributed.init_process_group("gloo")

# Four parts of every batch give the same bits on one, two and four processes, each with one thread.
vae_zoo.set_threads(1)
model = vae_zoo.GaussianVAE(latent=2, hidden=(32,), epochs=3, settings={"training.shards": 4}, random_state=0)
model.fit(images, communicator=distributed.group.WORLD, run=sys.argv[1] if len(sys.argv) > 1 else None)

if distributed.get_rank() == 0:
    print(f"{distributed.get_world_size()} processes: bound {model.history_[-1]['train']['elbo']:.6f} nats")
distributed.destroy_process_group()
