/* The entry of the plug-in: two components, and a variant that is made of them. */
#include "mixture.h"

const vae_host *host;

static const vae_variant_default defaults[] = {
  {"encoder.hidden", "200"}, {"decoder.hidden", "200"}, {"prior.latent", "10"}, {"training.epochs", "10"}};
static const vae_variant_shorthand shorthands[] = {
  {"components", "prior.components"}, {"scale", "likelihood.scale"}};
static const vae_variant variants[] = {
  {.struct_size = sizeof(vae_variant),
   .name = "mixture-vae",
   .summary = "a mixture of Gaussians as prior, a Laplace likelihood",
   .reference = "Dilokthanakul et al. 2016, arXiv:1611.02648 (the prior)",
   .encoder = "mlp",
   .prior = "mixture",
   .decoder = "mlp",
   .likelihood = "laplace",
   .defaults = defaults,
   .default_count = sizeof defaults / sizeof *defaults,
   .shorthands = shorthands,
   .shorthand_count = sizeof shorthands / sizeof *shorthands}};

VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *given) {
  static vae_component components[2];
  static const vae_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_version = VAE_PLUGIN_ABI_VERSION,
    .name = "mixture",
    .version = "1.0",
    .summary = "a mixture prior and a Laplace likelihood",
    .components = components,
    .component_count = 2,
    .variants = variants,
    .variant_count = 1};
  host = given;
  components[0] = mixture_prior;
  components[1] = laplace_likelihood;
  return &plugin;
}
