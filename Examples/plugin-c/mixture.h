/* What the files of this plug-in share. */
#ifndef MIXTURE_H
#define MIXTURE_H

#include <vae_plugin.h>

/* The functions of the host, set by vae_plugin_entry. */
extern const vae_host *host;

extern const vae_component mixture_prior;
extern const vae_component laplace_likelihood;

#endif
