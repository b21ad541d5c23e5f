// Convolutions as matrix products: the pixels that a kernel reaches, side by side.

/// columns[line, x] = the inputs that the taps reach from output pixel x of a line, run by run,
/// zero outside the image.
VK_KERNEL(gather_taps) {
  const vk_tap_arguments *a = arguments;
  const vk_taps *t = &a->taps;
  for (size_t line = begin; line < end; line++) {
    const float *image = a->source + line / t->output_height * t->input_height * t->input_width
      * t->inputs;
    const int64_t y = (int64_t)(line % t->output_height * t->stride_y);
    float *out = a->columns + (line - a->first_line) * t->output_width * a->depth;
    for (size_t x = 0; x < t->output_width; x++) {
      for (size_t r = 0; r < t->run_count; r++) {
        const vk_clipped_run run = vk_clip_run(t, r, y, (int64_t)(x * t->stride_x));
        const size_t before = run.skipped * t->inputs, n = run.length * t->inputs;
        const size_t all = (size_t)t->runs[r].length * t->inputs;
        for (size_t i = 0; i < before; i++) out[i] = 0.0f;
        const float *source = image + run.first * t->inputs;
        VK_LOOP for (size_t i = 0; i < n; i++) out[before + i] = source[i];
        for (size_t i = before + n; i < all; i++) out[i] = 0.0f;
        out += all;
      }
    }
  }
}

/// The transpose of `gather_taps`: adds to each pixel what the taps reach it with. An image is
/// cleared where its first line comes.
VK_KERNEL(scatter_taps) {
  const vk_tap_arguments *a = arguments;
  const vk_taps *t = &a->taps;
  const size_t size = t->input_height * t->input_width * t->inputs;
  for (size_t line = begin; line < end; line++) {
    float *image = a->target + line / t->output_height * size;
    if (line % t->output_height == 0) memset(image, 0, size * sizeof *image);
    const int64_t y = (int64_t)(line % t->output_height * t->stride_y);
    const float *in = a->columns + (line - a->first_line) * t->output_width * a->depth;
    for (size_t x = 0; x < t->output_width; x++) {
      for (size_t r = 0; r < t->run_count; r++) {
        const vk_clipped_run run = vk_clip_run(t, r, y, (int64_t)(x * t->stride_x));
        const size_t before = run.skipped * t->inputs, n = run.length * t->inputs;
        float *target = image + run.first * t->inputs;
        VK_LOOP for (size_t i = 0; i < n; i++) target[i] += in[before + i];
        in += (size_t)t->runs[r].length * t->inputs;
      }
    }
  }
}
