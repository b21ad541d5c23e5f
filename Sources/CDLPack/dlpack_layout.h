// The memory layout of DLPack's structs, major version 1, and of the older unversioned one: facts of
// the format (https://dmlc.github.io/dlpack/latest/c_api.html) under names of our own, since vae.h
// leaves DLPack's own names to dlpack.h, which a caller may include beside it.
#ifndef VAE_DLPACK_LAYOUT_H
#define VAE_DLPACK_LAYOUT_H

#include <stdint.h>

// Values of dlpack_device.type, dlpack_type.code and the flags that matter here.
enum { DLPACK_DEVICE_CPU = 1 };
enum { DLPACK_CODE_INT = 0, DLPACK_CODE_UINT = 1, DLPACK_CODE_FLOAT = 2 };
enum { DLPACK_MAJOR = 1, DLPACK_MINOR = 0 };

typedef struct {
  int32_t type;
  int32_t number;
} dlpack_device;

typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} dlpack_type;

typedef struct {
  void *data;
  dlpack_device device;
  int32_t rank;
  dlpack_type type;
  int64_t *shape;
  int64_t *strides;  // in elements; NULL for dense and row-major, before version 1.2
  uint64_t byte_offset;
} dlpack_tensor;

// DLManagedTensor.
typedef struct dlpack_managed {
  dlpack_tensor tensor;
  void *context;
  void (*deleter)(struct dlpack_managed *self);
} dlpack_managed;

// DLManagedTensorVersioned.
typedef struct dlpack_managed_versioned {
  uint32_t major;
  uint32_t minor;
  void *context;
  void (*deleter)(struct dlpack_managed_versioned *self);
  uint64_t flags;
  dlpack_tensor tensor;
} dlpack_managed_versioned;

#endif
