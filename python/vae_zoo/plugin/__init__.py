"""Likelihoods, priors and variants written in Python, as functions over values with gradients.

>>> import math
>>> from vae_zoo import plugin
>>> class Laplace(plugin.Likelihood):
...     '''Laplace distributions of a fixed scale.'''
...     name = "laplace"
...     scale = plugin.Number(0.1, least=1e-3, most=10.0, help="scale of every number")
...     def log_density(self, x, parameters):
...         return (-(abs(x - parameters) / self.scale) - math.log(2 * self.scale)).row_sums()
...     def mean(self, parameters):
...         return parameters
...     def sample(self, parameters, noise):
...         centred = noise - 0.5
...         return parameters - self.scale * centred.sign() * (1 - 2 * abs(centred)).log()
>>> plugin.register(Laplace)
>>> model = vae_zoo.GaussianVAE(likelihood="laplace", settings={"likelihood.scale": 0.2})

The library calls these functions; what they compute with values is recorded, so that gradients flow through
it and none has to be written. ``include/vae_plugin.h`` documents the operations.
"""

from __future__ import annotations

from vae_zoo.plugin._components import Build, Likelihood, Prior, Variant
from vae_zoo.plugin._hyperparameters import Choice, Flag, Integer, Number
from vae_zoo.plugin._registration import register
from vae_zoo.plugin._values import Parameter, Value, concatenate, condition, constant, full
from vae_zoo.plugin._values import normal, uniform

__all__ = [
    "Build", "Choice", "Flag", "Integer", "Likelihood", "Number", "Parameter", "Prior", "Value",
    "Variant", "concatenate", "condition", "constant", "full", "normal", "register", "uniform",
]
