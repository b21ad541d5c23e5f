"""The reference workloads in JAX: the models of `vae-zoo bench`, layer by layer those of torch_models.py.

A workload is a triple of functions: parameters from a key, the loss of a batch (with what an update needs to know
besides), and the batch from a key. Images are [batch, height, width, channels], the order into which XLA brings
those of all others before it convolves on a processor.

    python Benchmarks/jax_models.py

prints how many numbers the optimizer changes in each workload, and how the loss falls over 30 steps.
"""

import functools
import math

import jax
from jax import lax, nn, random
import jax.numpy as jnp

LOG_TWO_PI = math.log(2 * math.pi)


def draw(key, mean, log_variance):
    return mean + jnp.exp(log_variance / 2) * random.normal(key, mean.shape)


def standard_divergence(mean, log_variance):
    return 0.5 * (mean**2 + jnp.exp(log_variance) - 1 - log_variance).sum(1)


def divergence(mean, log_variance, prior_mean, prior_log_variance):
    ratio = log_variance - prior_log_variance
    distance = (mean - prior_mean) ** 2 * jnp.exp(-prior_log_variance)
    return 0.5 * (jnp.exp(ratio) - ratio - 1 + distance).sum(1)


def bernoulli(x, logits):
    return (nn.softplus(logits) - x * logits).reshape(x.shape[0], -1).sum(1)


def leaky(slope, x):
    return jnp.where(x > 0, x, slope * x)


# Layers: parameters, and what they do.


def uniform(key, shape, inputs):
    return random.uniform(key, shape, minval=-1, maxval=1) / math.sqrt(inputs)


def dense(key, inputs, outputs):
    return {"weights": uniform(key, (inputs, outputs), inputs), "bias": jnp.zeros(outputs)}


def apply_dense(layer, x):
    return x @ layer["weights"] + layer["bias"]


def convolution(key, inputs, outputs, kernel, bias=True):
    height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    weights = uniform(key, (height, width, inputs, outputs), height * width * inputs)
    return {"weights": weights, **({"bias": jnp.zeros(outputs)} if bias else {})}


DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def apply_convolution(layer, x, stride=1, padding=0):
    padding = [(padding, padding)] * 2 if isinstance(padding, int) else padding
    y = lax.conv_general_dilated(
        x, layer["weights"], (stride, stride), padding, dimension_numbers=DIMENSIONS)
    return y + layer["bias"] if "bias" in layer else y


def apply_transposed(layer, x, stride, padding, output_padding=0):
    """PyTorch's transposed convolution: the input gradient of a convolution with this kernel and padding."""
    kernel = layer["weights"].shape[0]
    before = kernel - 1 - padding
    y = lax.conv_general_dilated(
        x, layer["weights"], (1, 1), [(before, before + output_padding)] * 2, lhs_dilation=(stride, stride),
        dimension_numbers=DIMENSIONS)
    return y + layer["bias"] if "bias" in layer else y


def normalization(channels):
    return {"scale": jnp.ones(channels), "shift": jnp.zeros(channels)}


def apply_normalization(layer, x):
    """Batch normalisation; gives the batch's statistics too, which an update folds into running ones."""
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes), x.var(axes)
    y = (x - mean) * (layer["scale"] * lax.rsqrt(variance + 1e-5)) + layer["shift"]
    return y, (mean, variance)


# mlp


def mlp_parameters(key):
    a, b, c, d = random.split(key, 4)
    return [dense(a, 784, 400), dense(b, 400, 40), dense(c, 20, 400), dense(d, 400, 784)]


def mlp_loss(layers, state, x, key):
    mean, log_variance = jnp.split(apply_dense(layers[1], nn.relu(apply_dense(layers[0], x))), 2, 1)
    z = draw(key, mean, log_variance)
    logits = apply_dense(layers[3], nn.relu(apply_dense(layers[2], z)))
    return (bernoulli(x, logits) + standard_divergence(mean, log_variance)).mean(), ()


# lvae: messages bottom up, Gaussians top down; a posterior merges both by precision (Sønderby et al. 2016)

WIDTHS, LATENTS = [512, 256, 128, 64, 32], [64, 32, 16, 8, 4]


def perceptron(key, inputs, *widths):
    layers = []
    for width, part in zip(widths, random.split(key, len(widths))):
        layers.append((dense(part, inputs, width), normalization(width)))
        inputs = width
    return layers


def apply_perceptron(layers, x, statistics):
    for layer, norm in layers:
        x, found = apply_normalization(norm, apply_dense(layer, x))
        statistics.append(found)
        x = leaky(0.1, x)
    return x


def ladder_parameters(key):
    keys = iter(random.split(key, 21))
    pairs = list(zip(WIDTHS, LATENTS))
    return {
        "up": [perceptron(next(keys), i, w, w) for i, w in zip([784] + WIDTHS[:-1], WIDTHS)],
        "messages": [dense(next(keys), w, 2 * l) for w, l in pairs],
        "down": [perceptron(next(keys), LATENTS[i + 1], w, w) for i, w in enumerate(WIDTHS[:-1])],
        "priors": [dense(next(keys), w, 2 * l) for w, l in pairs[:-1]],
        "decoder": (perceptron(next(keys), 64, 512, 512), dense(next(keys), 512, 784)),
    }


def ladder_loss(layers, state, x, key):
    keys = random.split(key, 5)
    features, messages, statistics = x, [], []
    for block, head in zip(layers["up"], layers["messages"]):
        features = apply_perceptron(block, features, statistics)
        messages.append(jnp.split(apply_dense(head, features), 2, 1))
    mean, log_variance = messages[-1]
    rate = standard_divergence(mean, log_variance)
    z = draw(keys[4], mean, log_variance)
    for level in reversed(range(4)):
        hidden = apply_perceptron(layers["down"][level], z, statistics)
        prior_mean, prior_log_variance = jnp.split(apply_dense(layers["priors"][level], hidden), 2, 1)
        message_mean, message_log_variance = messages[level]
        a, b = jnp.exp(-message_log_variance), jnp.exp(-prior_log_variance)
        log_variance = -jnp.log(a + b)
        mean = (message_mean * a + prior_mean * b) * jnp.exp(log_variance)
        rate = rate + divergence(mean, log_variance, prior_mean, prior_log_variance)
        z = draw(keys[level], mean, log_variance)
    body, head = layers["decoder"]
    logits = apply_dense(head, apply_perceptron(body, z, statistics))
    return (bernoulli(x, logits) + rate).mean(), statistics


# conv

CHANNELS = [32, 64, 128, 256, 512]


def convolutional_parameters(key):
    keys = iter(random.split(key, 13))
    down = [
        (convolution(next(keys), i, o, 3, bias=False), normalization(o))
        for i, o in zip([3] + CHANNELS[:-1], CHANNELS)]
    up = [
        (convolution(next(keys), i, o, 3, bias=False), normalization(o))
        for i, o in zip([512, 256, 128, 64, 32], [256, 128, 64, 32, 32])]
    return {
        "down": down, "up": up, "head": dense(next(keys), 2048, 256), "entry": dense(next(keys), 128, 2048),
        "last": convolution(next(keys), 32, 3, 3)}


def convolutional_loss(layers, state, x, key):
    statistics, features = [], x
    for layer, norm in layers["down"]:
        features, found = apply_normalization(norm, apply_convolution(layer, features, 2, 1))
        statistics.append(found)
        features = leaky(0.01, features)
    mean, log_variance = jnp.split(apply_dense(layers["head"], features.reshape(x.shape[0], -1)), 2, 1)
    image = apply_dense(layers["entry"], draw(key, mean, log_variance)).reshape(-1, 2, 2, 512)
    for layer, norm in layers["up"]:
        image, found = apply_normalization(norm, apply_transposed(layer, image, 2, 1, 1))
        statistics.append(found)
        image = leaky(0.01, image)
    image = jnp.tanh(apply_convolution(layers["last"], image, 1, 1))
    distortion = 0.5 * ((x - image) ** 2 + LOG_TWO_PI).reshape(x.shape[0], -1).sum(1)
    return (distortion + standard_divergence(mean, log_variance)).mean(), statistics


# vqvae


def residual_parameters(key):
    a, b = random.split(key)
    return convolution(a, 128, 32, 3), convolution(b, 32, 128, 1)


def apply_residual(layers, x):
    inner = nn.relu(apply_convolution(layers[0], nn.relu(x), 1, 1))
    return x + apply_convolution(layers[1], inner)


def quantized_parameters(key):
    keys = iter(random.split(key, 12))
    return {
        "down": [convolution(next(keys), 3, 64, 4), convolution(next(keys), 64, 128, 4)],
        "wide": convolution(next(keys), 128, 128, 3),
        "blocks": [residual_parameters(next(keys)), residual_parameters(next(keys))],
        "points": convolution(next(keys), 128, 64, 1),
        "entry": convolution(next(keys), 64, 128, 3),
        "back": [residual_parameters(next(keys)), residual_parameters(next(keys))],
        "up": [convolution(next(keys), 128, 64, 4), convolution(next(keys), 64, 3, 4)],
        "log_variance": jnp.zeros(()),
    }


def codebook(key):
    vectors = random.normal(key, (512, 64)) / 8
    return {"vectors": vectors, "counts": jnp.ones(512), "sums": jnp.array(vectors, copy=True)}


def quantized_loss(layers, state, x, key):
    features = x
    for layer in layers["down"]:
        features = nn.relu(apply_convolution(layer, features, 2, 1))
    features = apply_convolution(layers["wide"], features, 1, 1)
    for block in layers["blocks"]:
        features = apply_residual(block, features)
    points = apply_convolution(layers["points"], nn.relu(features))
    vectors = state["vectors"]
    flat = lax.stop_gradient(points.reshape(-1, 64))
    codes = ((vectors**2).sum(1) - 2 * flat @ vectors.T).argmin(1)
    chosen = vectors[codes].reshape(points.shape)
    image = apply_convolution(layers["entry"], points + lax.stop_gradient(chosen - points), 1, 1)
    for block in layers["back"]:
        image = apply_residual(block, image)
    image = nn.relu(apply_transposed(layers["up"][0], nn.relu(image), 2, 1))
    image = apply_transposed(layers["up"][1], image, 2, 1)
    log_variance = layers["log_variance"]
    error = ((x - image) ** 2).reshape(x.shape[0], -1).sum(1)
    distortion = 0.5 * (error * jnp.exp(-log_variance) + 3072 * (log_variance + LOG_TWO_PI))
    commitment = 0.25 * 1536 * ((points - chosen) ** 2).mean((1, 2, 3))
    return (distortion + commitment).mean(), (flat, codes)


def moved_codebook(state, seen):
    flat, codes = seen
    counts = 0.99 * state["counts"] + 0.01 * jnp.zeros(512).at[codes].add(1)
    sums = 0.99 * state["sums"] + 0.01 * jnp.zeros((512, 64)).at[codes].add(flat)
    total = counts.sum()
    smoothed = (counts + 1e-5) / (total + 512e-5) * total
    return {"vectors": sums / smoothed[:, None], "counts": counts, "sums": sums}


# pixelcnn: masked convolutions on the rectangle that holds their live taps, 4×7 of 7×7 and 2×3 of 3×3


def pixelcnn_parameters(key):
    keys = iter(random.split(key, 9))
    first = convolution(next(keys), 1, 64, (4, 7))
    return [first, *(convolution(next(keys), 64, 64, (2, 3)) for _ in range(7)), convolution(next(keys), 64, 1, 1)]


def apply_masked(layer, x, sees_itself):
    height, width = layer["weights"].shape[:2]
    reach = width // 2
    mask = jnp.ones((height, width, 1, 1)).at[reach, reach + sees_itself:].set(0)
    masked = {"weights": layer["weights"] * mask, "bias": layer["bias"]}
    return nn.relu(apply_convolution(masked, x, 1, [(reach, 0), (reach, reach)]))


def pixelcnn_loss(layers, state, x, key):
    features = apply_masked(layers[0], x, 0)
    for layer in layers[1:-1]:
        features = apply_masked(layer, features, 1)
    return bernoulli(x, apply_convolution(layers[-1], features)).mean(), ()


def binary(*shape):
    return lambda key: (random.uniform(key, shape) > 0.87).astype(jnp.float32)


WORKLOADS = {
    "mlp": (mlp_parameters, mlp_loss, binary(128, 784)),
    "lvae": (ladder_parameters, ladder_loss, binary(256, 784)),
    "conv": (
        convolutional_parameters, convolutional_loss, lambda key: random.uniform(key, (64, 64, 64, 3)) * 2 - 1),
    "vqvae": (quantized_parameters, quantized_loss, lambda key: random.uniform(key, (32, 32, 32, 3))),
    "pixelcnn": (pixelcnn_parameters, pixelcnn_loss, binary(64, 28, 28, 1)),
}


def initial_state(workload, parameters, loss, batch, key):
    """What an update changes beside the parameters: a codebook, or running statistics."""
    if workload == "vqvae":
        return codebook(key)
    statistics = jax.eval_shape(loss, parameters, (), batch, key)[1]
    return jax.tree.map(lambda found: jnp.zeros(found.shape), statistics)


def next_state(workload, state, found):
    if workload == "vqvae":
        return moved_codebook(state, found)
    return jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, state, found)


def adam(parameters, gradients, first, second, step):
    """Kingma and Ba 2015, algorithm 1, with a rate of 0.001."""
    step = step.astype(jnp.float32)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    epsilon = 1e-8 * jnp.sqrt(1 - 0.999**step)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) + epsilon), parameters, first, second)
    return parameters, first, second


def subject(workload):
    """A closure that does the workload's step once, waits for it, and gives the loss."""
    make, loss, make_batch = WORKLOADS[workload]
    keys = random.split(random.key(0), 4)
    parameters, batch = make(keys[0]), make_batch(keys[1])
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    state = initial_state(workload, parameters, loss, batch, keys[2])
    held = [parameters, zeros(), zeros(), state, keys[3], jnp.zeros((), jnp.int32)]

    @functools.partial(jax.jit, donate_argnums=0)
    def update(held, batch):
        parameters, first, second, state, key, step = held
        key, noise = random.split(key)
        (value, found), gradients = jax.value_and_grad(loss, has_aux=True)(parameters, state, batch, noise)
        parameters, first, second = adam(parameters, gradients, first, second, step + 1)
        return [parameters, first, second, next_state(workload, state, found), key, step + 1], value

    def step():
        held[:], value = update(list(held), batch)
        # The loss alone is there before the parameters are.
        jax.block_until_ready(held)
        return float(value)

    return step


def main():
    for workload, (make, _, _) in WORKLOADS.items():
        count = sum(leaf.size for leaf in jax.tree.leaves(make(random.key(0))))
        step = subject(workload)
        losses = [step() for _ in range(30)]
        print(f"{workload}: {count} parameters, loss {losses[0]:.2f} to {losses[-1]:.2f} in 30 steps")


if __name__ == "__main__":
    main()
