// libffi for Swift, which does not see its type descriptions (variables) and its default convention (an alias in an
// enumeration).
#include <ffi.h>

static inline ffi_type *cffi_void(void) { return &ffi_type_void; }
static inline ffi_type *cffi_int32(void) { return &ffi_type_sint32; }
static inline ffi_type *cffi_int64(void) { return &ffi_type_sint64; }
static inline ffi_type *cffi_uint64(void) { return &ffi_type_uint64; }
static inline ffi_type *cffi_float(void) { return &ffi_type_float; }
static inline ffi_type *cffi_double(void) { return &ffi_type_double; }
static inline ffi_type *cffi_pointer(void) { return &ffi_type_pointer; }

// Prepares calls of functions with these types, which must live as long as `cif`. Nonzero on success.
static inline int cffi_prepare(ffi_cif *cif, unsigned count, ffi_type *result, ffi_type **types) {
  return ffi_prep_cif(cif, FFI_DEFAULT_ABI, count, result, types) == FFI_OK;
}

// Room for a closure, with the address that it is called by, which may be another one. NULL without memory.
static inline ffi_closure *cffi_closure_allocate(void **code) {
  return (ffi_closure *)ffi_closure_alloc(sizeof(ffi_closure), code);
}

typedef void (*cffi_body)(ffi_cif *cif, void *result, void **arguments, void *user_data);

static inline int cffi_closure_prepare(
    ffi_closure *closure, ffi_cif *cif, cffi_body body, void *user_data, void *code) {
  return ffi_prep_closure_loc(closure, cif, body, user_data, code) == FFI_OK;
}
