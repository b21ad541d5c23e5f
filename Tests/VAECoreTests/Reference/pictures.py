"""Values that StructuralSimilarityTests and PictureMetricTests compare with, by NumPy and SciPy.

Pictures have the values (i * step mod 256) / 255 at place i of [height, width, channels].

    python3 pictures.py
"""

import numpy as np
from scipy.ndimage import correlate1d

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def picture(step, height, width, channels):
    return (np.arange(height * width * channels) * step % 256 / 255).reshape(height, width, channels)


def smoothed(plane):
    window = np.exp(-np.arange(-5, 6) ** 2 / 4.5)
    window /= window.sum()
    return correlate1d(correlate1d(plane, window, axis=0), window, axis=1)[5:-5, 5:-5]


def parts(x, y):
    """Means over all windows inside of cs and of l · cs."""
    mx, my = smoothed(x), smoothed(y)
    vx, vy = smoothed(x * x) - mx * mx, smoothed(y * y) - my * my
    covariance = smoothed(x * y) - mx * my
    cs = (2 * covariance + 9e-4) / (vx + vy + 9e-4)
    luminance = (2 * mx * my + 1e-4) / (mx * mx + my * my + 1e-4)
    return cs.mean(), (luminance * cs).mean()


def halved(plane):
    plane = np.pad(plane, [(0, size % 2) for size in plane.shape], mode="edge")
    height, width = plane.shape
    return plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def similarity(a, b, scales):
    weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
    found = []
    for channel in range(a.shape[2]):
        x, y = a[:, :, channel], b[:, :, channel]
        product = 1.0
        for scale in range(scales):
            cs, whole = parts(x, y)
            product *= max(1e-4, whole if scale == scales - 1 else cs) ** weights[scale]
            x, y = halved(x), halved(y)
        found.append(product)
    return np.mean(found)


def detail_energy(image):
    grey = image.mean(axis=2)
    grey = grey - grey.mean()
    energy = np.abs(np.fft.fft2(grey, norm="ortho")) ** 2
    down, across = np.meshgrid(
        np.fft.fftfreq(grey.shape[0]), np.fft.fftfreq(grey.shape[1]), indexing="ij"
    )
    return energy[down**2 + across**2 > 1 / 16].sum()


for size, scales in [((32, 32, 3), 2), ((45, 23, 1), 2), ((170, 176, 1), 5)]:
    a = picture(37, *size)
    b = 0.5 * a + 0.4 * picture(53, *size)
    print(size, scales, similarity(a, b, scales))
for size in [(12, 16, 3), (13, 10, 1), (7, 9, 2)]:
    print(size, detail_energy(picture(37, *size)), detail_energy(picture(3, *size)))
