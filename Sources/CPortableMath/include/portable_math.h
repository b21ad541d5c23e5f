/* This library has nothing to call: see portable_math.c. */
