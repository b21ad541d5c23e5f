// Convolutions to few outputs: weights rearranged, work cut into lines and chunks of images.
#include <stdlib.h>

#include "kernels.h"

enum {
  /// Parts of a batch whose weight gradients are added up in their order.
  CHUNKS = 16,
  LANES = 16,
};

static vk_narrow_arguments arguments_of(const vk_narrow_shape *s) {
  return (vk_narrow_arguments){
    .batch = s->batch, .height = s->height, .width = s->width, .inputs = s->inputs,
    .output_height = s->output_height, .output_width = s->output_width, .outputs = s->outputs,
    .kernel_height = s->kernel_height, .kernel_width = s->kernel_width, .pad_top = s->pad_top,
    .pad_left = s->pad_left};
}

/// Where the weight of an output, an input and a tap lies for the loops: [tap, input / 16, output,
/// input % 16].
static size_t packed_index(const vk_narrow_shape *s, size_t output, size_t input, size_t tap) {
  return ((tap * (s->inputs / LANES) + input / LANES) * s->outputs + output) * LANES
    + input % LANES;
}

int vk_narrow_is_supported(const vk_narrow_shape *s) {
  return s->outputs >= 1 && s->outputs <= 4 && s->inputs > 0 && s->inputs % LANES == 0;
}

void vk_narrow_convolution(
  const vk_narrow_shape *s, const float *x, const float *weights, const float *bias, float *y) {
  vk_narrow_arguments a = arguments_of(s);
  const size_t taps = s->kernel_height * s->kernel_width;
  if (vk_has_failed()) return;
  float *packed = vk_scratch(taps * s->inputs * s->outputs * sizeof *packed);
  if (!packed) return;
  for (size_t output = 0; output < s->outputs; output++) {
    for (size_t input = 0; input < s->inputs; input++) {
      for (size_t tap = 0; tap < taps; tap++) {
        packed[packed_index(s, output, input, tap)] =
          weights[(output * s->inputs + input) * taps + tap];
      }
    }
  }
  a.x = x, a.weights = packed, a.bias = bias, a.y = y;
  vk_run(
    vk_kernels()->narrow_convolution, &a, s->batch * s->output_height,
    vk_units(s->output_width * taps * s->inputs * s->outputs / LANES, 1));
  free(packed);
}

void vk_narrow_weight_gradient(
  const vk_narrow_shape *s, const float *x, const float *dy, float *dweights) {
  vk_narrow_arguments a = arguments_of(s);
  const size_t taps = s->kernel_height * s->kernel_width;
  const size_t size = taps * s->inputs * s->outputs;
  a.images_per_chunk = vk_max(1, vk_ceil(s->batch, CHUNKS));
  const size_t chunks = vk_ceil(s->batch, a.images_per_chunk);
  if (vk_has_failed()) return;
  float *sums = vk_scratch((chunks + 1) * size * sizeof *sums);
  if (!sums) return;
  a.x = x, a.dy = dy, a.partials = sums + size;
  vk_run(vk_kernels()->narrow_weights, &a, chunks, 1);
  const vk_partials_arguments total = {a.partials, chunks, size, sums};
  vk_run(vk_kernels()->add_partials, &total, size, vk_units(chunks, 1));
  for (size_t output = 0; output < s->outputs; output++) {
    for (size_t input = 0; input < s->inputs; input++) {
      for (size_t tap = 0; tap < taps; tap++) {
        dweights[(output * s->inputs + input) * taps + tap] =
          sums[packed_index(s, output, input, tap)];
      }
    }
  }
  free(sums);
}
