// Optimizers: pieces of many arrays, numbered through all of them.

/// The update that piece `index` belongs to; `first` and `last` bound the piece's elements in it.
static const vk_update *VK(piece)(
  const vk_update *update, size_t index, size_t *first, size_t *last) {
  for (;; update++) {
    const size_t pieces = vk_ceil(update->count, VK_BLOCK);
    if (index < pieces) break;
    index -= pieces;
  }
  *first = index * VK_BLOCK;
  *last = vk_min(update->count, *first + VK_BLOCK);
  return update;
}

VK_KERNEL(adam) {
  const vk_update_arguments *a = arguments;
  const float beta1 = a->beta1, beta2 = a->beta2, epsilon = a->epsilon, scale = a->gradient_scale;
  const float rest1 = 1.0f - beta1, rest2 = 1.0f - beta2;
  const float rate = a->rate / a->bias1, second_scale = 1.0f / a->bias2;
  for (size_t index = begin; index < end; index++) {
    size_t first, last;
    const vk_update *update = VK(piece)(a->updates, index, &first, &last);
    const float decay = a->decoupled ? 0.0f : update->weight_decay;
    const float keep = a->decoupled ? 1.0f - a->rate * update->weight_decay : 1.0f;
    float *parameter = update->parameter, *m = update->first, *v = update->second;
    const float *gradient = update->gradient;
    VK_LOOP for (size_t i = first; i < last; i++) {
      const float p = parameter[i];
      const float g = scale * gradient[i] + decay * p;
      m[i] = beta1 * m[i] + rest1 * g;
      v[i] = beta2 * v[i] + rest2 * g * g;
      {
        // The vector units' estimates of root and quotient with a Newton step are precise enough for
        // a step and several times faster than the exact instructions. The moments stay exact: rearranged
        // as g + beta * (m - g) they would lose digits.
#pragma float_control(precise, off)
        const float deviation = __builtin_elementwise_sqrt(v[i] * second_scale) + epsilon;
        parameter[i] = keep * p - rate * m[i] / deviation;
      }
    }
  }
}

VK_KERNEL(sgd) {
  const vk_update_arguments *a = arguments;
  const float rate = a->rate, momentum = a->beta1, scale = a->gradient_scale;
  // The step is own * g + carried * m.
  const float own = a->nesterov ? 1.0f : 0.0f, carried = a->nesterov ? momentum : 1.0f;
  for (size_t index = begin; index < end; index++) {
    size_t first, last;
    const vk_update *update = VK(piece)(a->updates, index, &first, &last);
    const float decay = update->weight_decay;
    float *parameter = update->parameter, *m = update->first;
    const float *gradient = update->gradient;
    if (momentum == 0.0f) {
      VK_LOOP for (size_t i = first; i < last; i++) {
        const float g = scale * gradient[i] + decay * parameter[i];
        parameter[i] -= rate * g;
        if (m) m[i] = g;
      }
      continue;
    }
    VK_LOOP for (size_t i = first; i < last; i++) {
      const float g = scale * gradient[i] + decay * parameter[i];
      const float velocity = momentum * m[i] + g;
      m[i] = velocity;
      parameter[i] -= rate * (own * g + carried * velocity);
    }
  }
}

VK_KERNEL(average) {
  const vk_update_arguments *a = arguments;
  const float decay = a->beta1, rest = 1.0f - decay;
  for (size_t index = begin; index < end; index++) {
    size_t first, last;
    const vk_update *update = VK(piece)(a->updates, index, &first, &last);
    float *average = update->first;
    const float *value = update->parameter;
    VK_LOOP for (size_t i = first; i < last; i++) average[i] = decay * average[i] + rest * value[i];
  }
}
