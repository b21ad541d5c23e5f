// What libvae.so is made of. The target holds the link flags of the library, which those who link
// VAEC itself, such as tests, must not inherit.
@_exported import VAEC
