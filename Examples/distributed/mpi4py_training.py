"""Trains one model by several processes that mpi4py connects.

    mpirun -np 2 python Examples/distributed/mpi4py_training.py [RUN]
"""

import sys

import numpy as np
from mpi4py import MPI

import vae_zoo

# Every process has the same data here; each computes a part of every batch of it.
random = np.random.default_rng(0)
centres = random.integers(0, 2, (4, 64))
images = (random.random((512, 64)) < 0.1 + 0.8 * centres[random.integers(0, 4, 512)]).astype(np.float32)

# Four parts of every batch give the same bits on one, two and four processes, each with one thread.
vae_zoo.set_threads(1)
model = vae_zoo.GaussianVAE(latent=2, hidden=(32,), epochs=3, settings={"training.shards": 4}, random_state=0)
model.fit(images, communicator=MPI.COMM_WORLD, run=sys.argv[1] if len(sys.argv) > 1 else None)

if MPI.COMM_WORLD.Get_rank() == 0:
    print(f"{MPI.COMM_WORLD.Get_size()} processes: bound {model.history_[-1]['train']['elbo']:.6f} nats")
