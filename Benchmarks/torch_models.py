"""The reference workloads in PyTorch: the models of `vae-zoo bench`, layer by layer.

Each function of `WORKLOADS` gives a module whose call is the loss of one batch, and the batch. Images are
[batch, channels, height, width], as PyTorch has them.
"""

import math

import torch
from torch import nn
from torch.nn import functional

LOG_TWO_PI = math.log(2 * math.pi)


def draw(mean, log_variance):
    return mean + torch.exp(log_variance / 2) * torch.randn_like(mean)


def standard_divergence(mean, log_variance):
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).flatten(1).sum(1)


def divergence(mean, log_variance, prior_mean, prior_log_variance):
    ratio = log_variance - prior_log_variance
    distance = (mean - prior_mean).square() * torch.exp(-prior_log_variance)
    return 0.5 * (ratio.exp() - ratio - 1 + distance).sum(1)


def bernoulli(x, logits):
    return functional.binary_cross_entropy_with_logits(
        logits.float(), x, reduction="none").flatten(1).sum(1)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))

    def forward(self, x):
        mean, log_variance = self.encoder(x).float().chunk(2, 1)
        logits = self.decoder(draw(mean, log_variance))
        return (bernoulli(x, logits) + standard_divergence(mean, log_variance)).mean()


def perceptron(inputs, *widths):
    layers = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.LeakyReLU(0.1)]
        inputs = width
    return nn.Sequential(*layers)


class Ladder(nn.Module):
    """Messages bottom up, Gaussians top down; a posterior merges both by precision (Sønderby et al. 2016)."""

    widths, latents = [512, 256, 128, 64, 32], [64, 32, 16, 8, 4]

    def __init__(self):
        super().__init__()
        inputs = [784] + self.widths[:-1]
        pairs = list(zip(self.widths, self.latents))
        self.up = nn.ModuleList(perceptron(i, w, w) for i, w in zip(inputs, self.widths))
        self.messages = nn.ModuleList(nn.Linear(w, 2 * l) for w, l in pairs)
        self.down = nn.ModuleList(
            perceptron(self.latents[i + 1], w, w) for i, w in enumerate(self.widths[:-1]))
        self.priors = nn.ModuleList(nn.Linear(w, 2 * l) for w, l in pairs[:-1])
        self.decoder = nn.Sequential(perceptron(64, 512, 512), nn.Linear(512, 784))

    def forward(self, x):
        features, messages = x, []
        for block, head in zip(self.up, self.messages):
            features = block(features)
            messages.append(head(features).float().chunk(2, 1))
        mean, log_variance = messages[-1]
        rate = standard_divergence(mean, log_variance)
        z = draw(mean, log_variance)
        for level in reversed(range(4)):
            prior_mean, prior_log_variance = self.priors[level](self.down[level](z)).float().chunk(2, 1)
            message_mean, message_log_variance = messages[level]
            a, b = torch.exp(-message_log_variance), torch.exp(-prior_log_variance)
            log_variance = -torch.log(a + b)
            mean = (message_mean * a + prior_mean * b) * log_variance.exp()
            rate = rate + divergence(mean, log_variance, prior_mean, prior_log_variance)
            z = draw(mean, log_variance)
        return (bernoulli(x, self.decoder(z)) + rate).mean()


class Convolutional(nn.Module):
    channels = [32, 64, 128, 256, 512]

    def __init__(self):
        super().__init__()
        down, inputs = [], 3
        for outputs in self.channels:
            down += self.normalized(nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), outputs)
            inputs = outputs
        self.down = nn.Sequential(*down)
        self.head, self.entry = nn.Linear(2048, 256), nn.Linear(128, 2048)
        up = []
        for outputs in [256, 128, 64, 32, 32]:
            up += self.normalized(nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, 1, bias=False), outputs)
            inputs = outputs
        self.up = nn.Sequential(*up, nn.Conv2d(32, 3, 3, padding=1))

    @staticmethod
    def normalized(layer, channels):
        return [layer, nn.BatchNorm2d(channels), nn.LeakyReLU(0.01)]

    def forward(self, x):
        mean, log_variance = self.head(self.down(x).flatten(1)).float().chunk(2, 1)
        z = draw(mean, log_variance)
        image = torch.tanh(self.up(self.entry(z).view(-1, 512, 2, 2)).float())
        distortion = 0.5 * ((x - image).square() + LOG_TWO_PI).flatten(1).sum(1)
        return (distortion + standard_divergence(mean, log_variance)).mean()


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(128, 32, 3, padding=1), nn.Conv2d(32, 128, 1)

    def forward(self, x):
        return x + self.second(functional.relu(self.first(functional.relu(x))))


class Quantized(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1), Residual(), Residual(), nn.ReLU(),
            nn.Conv2d(128, 64, 1))
        self.decoder = nn.Sequential(
            nn.Conv2d(64, 128, 3, padding=1), Residual(), Residual(), nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 3, 4, 2, 1))
        self.log_variance = nn.Parameter(torch.zeros(()))
        vectors = torch.randn(512, 64) / 8
        self.register_buffer("vectors", vectors)
        self.register_buffer("counts", torch.ones(512))
        self.register_buffer("sums", vectors.clone())

    def forward(self, x):
        points = self.encoder(x).float()
        flat = points.permute(0, 2, 3, 1).reshape(-1, 64)
        with torch.no_grad():
            codes = (self.vectors.square().sum(1) - 2 * flat @ self.vectors.T).argmin(1)
            self.seen = flat.detach(), codes
        chosen = self.vectors[codes].view(-1, 8, 8, 64).permute(0, 3, 1, 2)
        image = self.decoder(points + (chosen - points).detach()).float()
        error = (x - image).square().flatten(1).sum(1)
        distortion = 0.5 * (error * torch.exp(-self.log_variance) + 3072 * (self.log_variance + LOG_TWO_PI))
        commitment = 0.25 * 1536 * (points - chosen.detach()).square().mean((1, 2, 3))
        return (distortion + commitment).mean()

    @torch.no_grad()
    def after_update(self):
        flat, codes = self.seen
        batch_counts = torch.bincount(codes, minlength=512).float()
        batch_sums = torch.zeros_like(self.sums).index_add_(0, codes, flat)
        self.counts.mul_(0.99).add_(batch_counts, alpha=0.01)
        self.sums.mul_(0.99).add_(batch_sums, alpha=0.01)
        total = self.counts.sum()
        smoothed = (self.counts + 1e-5) / (total + 512e-5) * total
        self.vectors.copy_(self.sums / smoothed[:, None])


class VGG(nn.Module):
    """relu1_1, relu2_2 and relu3_2."""

    def __init__(self):
        super().__init__()
        sizes = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in sizes)
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.requires_grad_(False)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, x):
        x, found = (x - self.mean) / self.deviation, []
        for number, layer in enumerate(self.layers):
            if number in (2, 4):
                x = functional.max_pool2d(x, 2)
            x = functional.relu(layer(x))
            if number in (0, 3, 5):
                found.append(x)
        return found

def distance(a, b):
    def unit(x):
        return x * torch.rsqrt(x.square().sum(1, keepdim=True) + 1e-10)

    return sum((unit(p) - unit(q)).square().sum(1).mean((1, 2)) for p, q in zip(a, b))

def block(layer, channels):
    return [layer, nn.BatchNorm2d(channels), nn.LeakyReLU(0.1)]

class Perceptual(nn.Module):
    def __init__(self):
        super().__init__()
        down, inputs = [], 3
        for outputs in (32, 64, 128):
            down += block(nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), outputs)
            inputs = outputs
        self.down = nn.Sequential(*down)
        self.head, self.entry = nn.Linear(8192, 128), nn.Linear(64, 8192)
        up = []
        for outputs in (64, 32, 32):
            up += block(nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, 1, bias=False), outputs)
            inputs = outputs
        self.up = nn.Sequential(*up, nn.Conv2d(32, 3, 3, padding=1))
        self.log_deviation = nn.Parameter(torch.zeros(()))
        self.network = VGG()

    def forward(self, x):
        mean, log_variance = self.head(self.down(x).flatten(1)).chunk(2, 1)
        z = draw(mean, log_variance)
        image = torch.sigmoid(self.up(self.entry(z).view(-1, 128, 8, 8)))
        log_deviation = functional.softplus(self.log_deviation + 6) - 6
        error = (x - image).square().flatten(1).sum(1) * torch.exp(-2 * log_deviation)
        distortion = 0.5 * error + x[0].numel() * (log_deviation + LOG_TWO_PI / 2)
        with torch.no_grad():
            wanted = self.network(x)
        features = distance(self.network(image), wanted) * x[0].numel()
        return (distortion + standard_divergence(mean, log_variance) + features).mean()

class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        spectral = nn.utils.parametrizations.spectral_norm
        layers, inputs = [], 3
        for outputs, stride in ((64, 2), (128, 2), (256, 2), (512, 1)):
            layers += [spectral(nn.Conv2d(inputs, outputs, 4, stride, 1)), nn.LeakyReLU(0.2)]
            inputs = outputs
        self.layers = nn.Sequential(*layers, spectral(nn.Conv2d(512, 1, 4, 1, 1)))

    def forward(self, x):
        return self.layers(2 * x - 1)

class Adversarial(Quantized):
    """The VQ-VAE, with its image, and absolute differences for squared ones."""

    def forward(self, x):
        points = self.encoder(x)
        flat = points.permute(0, 2, 3, 1).reshape(-1, 64)
        with torch.no_grad():
            codes = (self.vectors.square().sum(1) - 2 * flat @ self.vectors.T).argmin(1)
            self.seen = flat.detach(), codes
        chosen = self.vectors[codes].view(-1, 8, 8, 64).permute(0, 3, 1, 2)
        image = self.decoder(points + (chosen - points).detach())
        error = (x - image).abs().flatten(1).sum(1).mean()
        commitment = 0.25 * 1536 * (points - chosen.detach()).square().mean()
        return image, error, commitment


class Masked(nn.Conv2d):
    """A masked convolution on the rectangle that holds its live taps: 4×7 of 7×7, 2×3 of 3×3."""

    def __init__(self, inputs, kernel, sees_itself):
        reach = kernel // 2
        super().__init__(inputs, 64, (reach + 1, kernel))
        mask = torch.ones(reach + 1, kernel)
        mask[reach, reach + sees_itself:] = 0
        self.register_buffer("mask", mask)
        self.border = (reach, reach, reach, 0)

    def forward(self, x):
        return functional.relu(
            functional.conv2d(functional.pad(x, self.border), self.weight * self.mask, self.bias))


class PixelCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            Masked(1, 7, 0), *(Masked(64, 3, 1) for _ in range(7)), nn.Conv2d(64, 1, 1))

    def forward(self, x):
        return bernoulli(x, self.layers(x)).mean()

    @torch.no_grad()
    def sample(self, count):
        x = torch.zeros(count, 1, 28, 28)
        for row in range(28):
            for column in range(28):
                logits = self.layers(x)[:, 0, row, column]
                x[:, 0, row, column] = torch.bernoulli(torch.sigmoid(logits))
        return x


def binary(*shape):
    return (torch.rand(*shape) > 0.87).float()


WORKLOADS = {
    "mlp": lambda: (MLP(), binary(128, 784)),
    "lvae": lambda: (Ladder(), binary(256, 784)),
    "conv": lambda: (Convolutional(), torch.rand(64, 3, 64, 64) * 2 - 1),
    "vqvae": lambda: (Quantized(), torch.rand(32, 3, 32, 32)),
    "pixelcnn": lambda: (PixelCNN(), binary(64, 1, 28, 28)),
}


def subject(workload, peer):
    """A closure that does the workload's step once."""
    if workload == "pixelcnn-sample":
        model = PixelCNN().eval()
        return lambda: model.sample(16)
    model, batch = WORKLOADS[workload]()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    if peer != "eager" and batch.dim() == 4:
        model = model.to(memory_format=torch.channels_last)
        batch = batch.contiguous(memory_format=torch.channels_last)
    loss_of = model if peer in ("eager", "channels-last") else torch.compile(model)
    after_update = getattr(model, "after_update", lambda: None)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=peer == "bf16"):
            loss = loss_of(batch)
        loss.backward()
        optimizer.step()
        after_update()

    return step
