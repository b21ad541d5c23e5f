// Elementary functions in single precision, free of branches so that loops around them vectorise.
// The polynomials are minimax fits on the stated intervals. Errors, in units in the last place: 1.2
// for exp, expm1 and log, 2.8 for tanh, sigmoid and softplus; GELU reaches 10 around x = -4.5,
// where e^(-x^2 / 2) carries the rounding of x^2.

VK_INLINE uint32_t VK(bits)(float x) {
  union { float number; uint32_t bits; } u = {.number = x};
  return u.bits;
}

VK_INLINE float VK(from_bits)(uint32_t x) {
  union { uint32_t bits; float number; } u = {.bits = x};
  return u.number;
}

VK_INLINE float VK(abs)(float x) { return VK(from_bits)(VK(bits)(x) & 0x7fffffffu); }

VK_INLINE float VK(copy_sign)(float magnitude, float sign) {
  return VK(from_bits)(VK(bits)(magnitude) | (VK(bits)(sign) & 0x80000000u));
}

/// A NaN in x stays.
VK_INLINE float VK(clamp)(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

/// 2^n for -127 < n < 128.
VK_INLINE float VK(power_of_two)(int32_t n) { return VK(from_bits)((uint32_t)(n + 127) << 23); }

/// x = n log 2 + r with |r| <= log(2) / 2: n is returned as an integer and r by reference. Rounds
/// by adding 1.5 * 2^23, which leaves n in the low bits; log 2 is split so that n times its leading
/// part is exact.
VK_INLINE int32_t VK(reduce_exp)(float x, float *r) {
  const float magic = 12582912.0f;
  const float shifted = x * 1.44269504f + magic;
  const float n = shifted - magic;
  *r = x - n * 0.693359375f + n * 2.12194440e-4f;
  return (int32_t)(VK(bits)(shifted) - 0x4b400000u);
}

/// e^r - 1 for |r| <= log(2) / 2.
VK_INLINE float VK(expm1_reduced)(float r) {
  float p = 0.0013882519f;
  p = p * r + 0.00836653262f;
  p = p * r + 0.0416672006f;
  p = p * r + 0.166665435f;
  p = p * r + 0.49999997f;
  return r + r * r * p;
}

/// e^x; subnormal results included.
VK_INLINE float VK(exp)(float x) {
  float r;
  const int32_t n = VK(reduce_exp)(VK(clamp)(x, -104.0f, 89.0f), &r);
  // Two factors, because 2^n alone may lie outside the normal numbers.
  const int32_t half = n >> 1;
  const float p = 1.0f + VK(expm1_reduced)(r);
  return p * VK(power_of_two)(half) * VK(power_of_two)(n - half);
}

/// e^x for x <= 0, with 0 for results below the normal numbers.
VK_INLINE float VK(exp_negative)(float x) {
  float r;
  const float smallest = -87.33654f;
  const int32_t n = VK(reduce_exp)(x < smallest ? smallest : x, &r);
  const float p = 1.0f + VK(expm1_reduced)(r);
  return x < smallest ? 0.0f : p * VK(power_of_two)(n);
}

/// e^x - 1; infinity from 88.37 on.
VK_INLINE float VK(expm1)(float x) {
  float r;
  const float largest = 88.37f;
  const float power = VK(power_of_two)(VK(reduce_exp)(VK(clamp)(x, -30.0f, largest), &r));
  const float y = power * VK(expm1_reduced)(r) + (power - 1.0f);
  return x > largest ? INFINITY : y;
}

/// log(1 + f) for sqrt(1/2) <= 1 + f <= sqrt(2).
VK_INLINE float VK(log1p_reduced)(float f) {
  float p = 0.0870042667f;
  p = p * f - 0.142674819f;
  p = p * f + 0.149147689f;
  p = p * f - 0.16577585f;
  p = p * f + 0.199630633f;
  p = p * f - 0.250013381f;
  p = p * f + 0.333339095f;
  return f - f * f * (0.5f - f * p);
}

VK_INLINE float VK(log)(float x) {
  const int subnormal = x < FLT_MIN;
  const uint32_t bits = VK(bits)(subnormal ? x * 8388608.0f : x) - 0x3f3504f3u;
  const float exponent = (float)((int32_t)bits >> 23) - (subnormal ? 23.0f : 0.0f);
  const float f = VK(from_bits)((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  float y = VK(log1p_reduced)(f) - exponent * 2.12194440e-4f + exponent * 0.693359375f;
  y = x < INFINITY ? y : x;  // infinity and NaN
  y = x == 0.0f ? -INFINITY : y;
  return x < 0.0f ? NAN : y;
}

/// log(1 + u) for 0 <= u <= 1.
VK_INLINE float VK(log1p_unit)(float u) {
  float p = 0.00536481943f;
  p = p * u - 0.0300657693f;
  p = p * u + 0.0792044997f;
  p = p * u - 0.137537986f;
  p = p * u + 0.191536531f;
  p = p * u - 0.248571634f;
  p = p * u + 0.33321324f;
  p = p * u - 0.499996483f;
  return u + u * u * p;
}

VK_INLINE float VK(sigmoid)(float x) {
  const float e = VK(exp_negative)(-VK(abs)(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

VK_INLINE float VK(softplus)(float x) {
  return (x < 0.0f ? 0.0f : x) + VK(log1p_unit)(VK(exp_negative)(-VK(abs)(x)));
}

VK_INLINE float VK(tanh)(float x) {
  const float magnitude = VK(abs)(x);
  const float e = VK(expm1)(2.0f * (magnitude > 10.0f ? 10.0f : magnitude));
  return VK(copy_sign)(e / (e + 2.0f), x);
}

/// The standard normal distribution function at -|x|, and e^(-x^2 / 2) by reference: erfc(a) =
/// e^(-a^2) P(u) / (1 + 2 a) with u = (a - 2) / (a + 2), after Shepherd & Laframboise (1981).
VK_INLINE float VK(normal_tail)(float x, float *density) {
  const float a = VK(abs)(x) * 0.707106781f;
  const float bounded = a > 10.0f ? 10.0f : a;
  const float above = bounded + 2.0f, slope = 1.0f + 2.0f * bounded;
  const float inverse = 1.0f / (above * slope);
  const float u = (bounded - 2.0f) * slope * inverse;
  float p = -0.000401715457f;
  p = p * u - 0.0012318776f;
  p = p * u + 0.00131372258f;
  p = p * u + 0.00863327086f;
  p = p * u - 0.00805959944f;
  p = p * u - 0.0542047098f;
  p = p * u + 0.164055273f;
  p = p * u - 0.16603139f;
  p = p * u - 0.0927639753f;
  p = p * u + 1.27697837f;
  *density = VK(exp_negative)(-0.5f * x * x);
  return 0.5f * *density * p * (above * inverse);
}

/// The standard normal distribution function, and e^(-x^2 / 2) by reference.
VK_INLINE float VK(normal_cdf)(float x, float *density) {
  const float tail = VK(normal_tail)(x, density);
  return x < 0.0f ? tail : 1.0f - tail;
}

/// x without infinity below, for x times something that vanishes there.
VK_INLINE float VK(bounded_below)(float x) { return x < -FLT_MAX ? -FLT_MAX : x; }

VK_INLINE float VK(gelu)(float x) {
  float density;
  const float v = VK(bounded_below)(x);
  return v * VK(normal_cdf)(v, &density);
}

VK_INLINE float VK(gelu_derivative)(float x) {
  float density;
  const float v = VK(clamp)(x, -1e9f, 1e9f);
  const float cdf = VK(normal_cdf)(v, &density);
  return cdf + v * density * 0.398942280f;
}

VK_INLINE float VK(silu)(float x) {
  const float v = VK(bounded_below)(x);
  return v * VK(sigmoid)(v);
}

VK_INLINE float VK(silu_derivative)(float x) {
  const float v = VK(clamp)(x, -1e9f, 1e9f);
  const float s = VK(sigmoid)(v);
  return s + v * s * (1.0f - s);
}

/// Sine and cosine of 2 pi u for 0 <= u <= 1: u is reduced to an eighth of a turn around the
/// nearest quarter, exactly.
VK_INLINE void VK(sincos_turn)(float u, float *sine, float *cosine) {
  const float magic = 12582912.0f;
  const float shifted = u * 4.0f + magic;
  const uint32_t quarter = VK(bits)(shifted);
  const float r = u - 0.25f * (shifted - magic);
  const float r2 = r * r;
  float s = 41.4846725f;
  s = s * r2 - 76.6982956f;
  s = s * r2 + 81.6052094f;
  s = s * r2 - 41.3417015f;
  s = r * (s * r2) + r * 6.28318531f;
  float c = 59.2292442f;
  c = c * r2 - 85.4432373f;
  c = c * r2 + 64.9393234f;
  c = c * r2 - 19.7392082f;
  c = c * r2 + 1.0f;
  const int odd = (quarter & 1u) != 0;
  *sine = VK(from_bits)(VK(bits)(odd ? c : s) ^ ((quarter & 2u) << 30));
  *cosine = VK(from_bits)(VK(bits)(odd ? s : c) ^ (((quarter + 1u) & 2u) << 30));
}
