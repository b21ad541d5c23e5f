// Bias and activation of dense layers and convolutions: a tile at a time passes through the
// first-level cache, once for the bias and once for the activation.

VK_KERNEL(bias_activation) {
  const vk_bias_activation_arguments *a = arguments;
  const vk_grid *grid = &a->grid;
  for (size_t unit = begin; unit < end; unit++) {
    const VK(tile) tile = VK(tile_at)(grid, unit);
    float bias[VK_TILE];
    if (a->bias) {
      memcpy(bias, a->bias + tile.first_column, tile.width * sizeof *bias);
      VK(repeat)(bias, grid->fold, tile.width);
    }
    for (size_t r = tile.first_row; r < tile.last_row; r += grid->fold) {
      const size_t n = vk_min(grid->fold, tile.last_row - r) * tile.width;
      const size_t offset = r * grid->columns + tile.first_column;
      const float *x = a->x + offset;
      float *pre = (a->pre ? a->pre : a->y) + offset;
      if (a->bias) {
        VK_LOOP for (size_t i = 0; i < n; i++) pre[i] = x[i] + bias[i];
      } else if (a->pre) {
        memmove(pre, x, n * sizeof *pre);
      }
      VK(apply_unary)(a->op, a->parameters, a->bias ? pre : x, a->y + offset, n);
      if (a->rounded) VK(round)(a->y + offset, a->rounded + offset, n);
    }
  }
}

VK_KERNEL(bias_activation_backward) {
  const vk_bias_backward_arguments *a = arguments;
  const vk_grid *grid = &a->grid;
  for (size_t unit = begin; unit < end; unit++) {
    const VK(tile) tile = VK(tile_at)(grid, unit);
    float sums[VK_TILE];
    for (size_t i = 0; i < grid->fold * tile.width; i++) sums[i] = 0.0f;
    for (size_t r = tile.first_row; r < tile.last_row; r += grid->fold) {
      const size_t n = vk_min(grid->fold, tile.last_row - r) * tile.width;
      const size_t offset = r * grid->columns + tile.first_column;
      const float *saved = a->saved ? a->saved + offset : NULL;
      VK(apply_unary_backward)(a->op, a->parameters, saved, a->dy + offset, a->dx + offset, n);
      if (a->partials) VK(accumulate)(VK_REDUCE_SUM, sums, a->dx + offset, n);
    }
    if (a->partials) {
      float *out = a->partials + tile.block * grid->columns + tile.first_column;
      VK(unfold_sums)(sums, grid->fold, tile.width, out);
    }
  }
}

VK_KERNEL(bias_activation_backward_bfloat16) {
  const vk_bias_backward_bfloat16_arguments *a = arguments;
  const vk_grid *grid = &a->grid;
  for (size_t unit = begin; unit < end; unit++) {
    const VK(tile) tile = VK(tile_at)(grid, unit);
    float sums[VK_TILE + VK_STAGGER], saved[VK_TILE + VK_STAGGER], dx[VK_TILE + VK_STAGGER];
    for (size_t i = 0; i < grid->fold * tile.width; i++) sums[i] = 0.0f;
    for (size_t r = tile.first_row; r < tile.last_row; r += grid->fold) {
      const size_t n = vk_min(grid->fold, tile.last_row - r) * tile.width;
      const size_t offset = r * grid->columns + tile.first_column;
      if (a->saved) VK(widen)(a->saved + offset, saved, n);
      VK(apply_unary_backward)(a->op, a->parameters, saved, a->dy + offset, dx, n);
      if (a->partials) VK(accumulate)(VK_REDUCE_SUM, sums, dx, n);
      VK(round)(dx, a->dx + offset, n);
    }
    if (a->partials) {
      float *out = a->partials + tile.block * grid->columns + tile.first_column;
      VK(unfold_sums)(sums, grid->fold, tile.width, out);
    }
  }
}
