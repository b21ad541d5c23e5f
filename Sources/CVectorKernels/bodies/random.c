// Philox 4x32-10 (Salmon et al., SC 2011), many blocks side by side, and the distributions made of
// it.

enum {
  VK_PHILOX_BLOCKS = VK_TILE / 4,
  /// Blocks are made so many at a time, a multiple of what a vector loop takes in one turn (16 lanes, up to four times
  /// unrolled): what such a loop leaves over is computed one by one, which may round otherwise, and a number must
  /// not depend on how many are drawn with it. RandomStreamTests finds out where a compiler takes more.
  VK_PHILOX_STEP = 64
};
_Static_assert(VK_PHILOX_BLOCKS % VK_PHILOX_STEP == 0, "a tile is made of whole steps");

/// The words of many blocks: word w of block j is words[w][j].
typedef struct { uint32_t words[4][VK_PHILOX_BLOCKS]; } VK(philox_words);

/// Replaces n counters by their blocks. The state is held in 64-bit lanes, whose upper halves carry
/// what is left of the products: the multiplication reads the lower halves alone.
static void VK(philox)(VK(philox_words) *blocks, const uint32_t key[2], size_t n) {
  uint32_t *w0 = blocks->words[0], *w1 = blocks->words[1];
  uint32_t *w2 = blocks->words[2], *w3 = blocks->words[3];
  const uint64_t first_key = key[0], second_key = key[1];
  VK_LOOP for (size_t j = 0; j < n; j++) {
    uint64_t c0 = w0[j], c1 = w1[j], c2 = w2[j], c3 = w3[j];
    uint64_t k0 = first_key, k1 = second_key;
#pragma clang loop unroll(full)
    for (int round = 0; round < 10; round++) {
      const uint64_t p0 = 0xd2511f53u * (c0 & 0xffffffffu), p1 = 0xcd9e8d57u * (c2 & 0xffffffffu);
      c0 = (p1 >> 32) ^ c1 ^ k0;
      c1 = p1;
      c2 = (p0 >> 32) ^ c3 ^ k1;
      c3 = p0;
      k0 += 0x9e3779b9u;
      k1 += 0xbb67ae85u;
    }
    w0[j] = (uint32_t)c0, w1[j] = (uint32_t)c1, w2[j] = (uint32_t)c2, w3[j] = (uint32_t)c3;
  }
}

/// The words of n blocks from `first` on, and of any others up to `made`; blocks are numbered through the rows.
static void VK(random_words)(
  const vk_random_arguments *a, size_t first, size_t n, size_t made, VK(philox_words) *blocks) {
  for (size_t j = 0; j < n;) {
    const size_t row = (first + j) / a->row_blocks, column = (first + j) % a->row_blocks;
    const size_t run = vk_min(n - j, a->row_blocks - column);
    const uint32_t low = (uint32_t)a->positions[row], high = (uint32_t)(a->positions[row] >> 32);
    for (size_t k = 0; k < run; k++, j++) {
      blocks->words[0][j] = (uint32_t)(column + k);
      blocks->words[1][j] = a->draw;
      blocks->words[2][j] = low;
      blocks->words[3][j] = high;
    }
  }
  for (int word = 0; word < 4; word++)
    memset(blocks->words[word] + n, 0, (made - n) * sizeof **blocks->words);
  VK(philox)(blocks, a->key, made);
}

/// A uniform number in (0, 1): the largest would round to 1 and is held below.
VK_INLINE float VK(uniform)(uint32_t word) {
  const float u = ((float)(int32_t)(word >> 8) + 0.5f) * 0x1p-24f;
  return u < 1.0f ? u : 0x1.fffffep-1f;
}

typedef void (*VK(distribution))(const VK(philox_words) *blocks, float *values, size_t n);

static void VK(uniforms)(const VK(philox_words) *blocks, float *values, size_t n) {
  VK_LOOP for (size_t j = 0; j < n; j++) {
    values[4 * j] = VK(uniform)(blocks->words[0][j]);
    values[4 * j + 1] = VK(uniform)(blocks->words[1][j]);
    values[4 * j + 2] = VK(uniform)(blocks->words[2][j]);
    values[4 * j + 3] = VK(uniform)(blocks->words[3][j]);
  }
}

static void VK(normals)(const VK(philox_words) *blocks, float *values, size_t n) {
  VK_LOOP for (size_t j = 0; j < n; j++) {
    const float first = -2.0f * VK(log)(VK(uniform)(blocks->words[0][j]));
    const float second = -2.0f * VK(log)(VK(uniform)(blocks->words[2][j]));
    const float first_radius = __builtin_elementwise_sqrt(first);
    const float second_radius = __builtin_elementwise_sqrt(second);
    float first_sine, first_cosine, second_sine, second_cosine;
    VK(sincos_turn)(VK(uniform)(blocks->words[1][j]), &first_sine, &first_cosine);
    VK(sincos_turn)(VK(uniform)(blocks->words[3][j]), &second_sine, &second_cosine);
    values[4 * j] = first_radius * first_cosine;
    values[4 * j + 1] = first_radius * first_sine;
    values[4 * j + 2] = second_radius * second_cosine;
    values[4 * j + 3] = second_radius * second_sine;
  }
}

static void VK(random)(
  const vk_random_arguments *a, VK(distribution) distribution, size_t begin, size_t end) {
  VK(philox_words) blocks;
  float values[VK_TILE];
  const size_t whole = a->columns % 4 == 0;
  for (size_t first = begin; first < end; first += VK_PHILOX_BLOCKS) {
    const size_t n = vk_min(VK_PHILOX_BLOCKS, end - first);
    const size_t made = vk_ceil(n, VK_PHILOX_STEP) * VK_PHILOX_STEP;
    VK(random_words)(a, first, n, made, &blocks);
    if (whole && made == n) {
      distribution(&blocks, a->out + 4 * first, n);
      continue;
    }
    distribution(&blocks, values, made);
    if (whole) {
      memcpy(a->out + 4 * first, values, 4 * n * sizeof *values);
      continue;
    }
    // A row's last block gives fewer than four numbers.
    for (size_t j = 0; j < n;) {
      const size_t row = (first + j) / a->row_blocks, column = (first + j) % a->row_blocks;
      const size_t run = vk_min(n - j, a->row_blocks - column);
      const size_t count = vk_min(4 * run, a->columns - 4 * column);
      memcpy(a->out + row * a->columns + 4 * column, values + 4 * j, count * sizeof *values);
      j += run;
    }
  }
}

VK_KERNEL(random_uniform) { VK(random)(arguments, VK(uniforms), begin, end); }
VK_KERNEL(random_normal) { VK(random)(arguments, VK(normals), begin, end); }
