// A plug-in whose entry throws, which no function of a plug-in may let out.
#include <stdexcept>
#include <vae_plugin.h>

extern "C" VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *) {
  throw std::runtime_error("thrown on purpose");
}
