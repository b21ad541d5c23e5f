// A signal handler stops a training, which goes on with the next call.
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <unistd.h>

#include "support.h"

static vae_cancel_token *token;

static void handle(int signal) {
  (void)signal;
  vae_cancel_token_cancel(token);
}

static int32_t interrupt(const vae_progress *progress, void *user_data) {
  (void)user_data;
  if (progress->step == 5) raise(SIGINT);
  return 0;
}

int main(void) {
  alarm(120);
  vae_error *error = NULL;
  check(vae_cancel_token_create(&token, &error), error);
  // The library has installed no handler: ours is the first.
  struct sigaction before;
  vae_data *data = make_data();
  vae_model *model = make_model();
  vae_trainer *trainer = make_trainer(model, data, 3);
  check(vae_trainer_step(trainer, NULL, &error), error);
  for (int signal = 1; signal < 32; signal++) {
    if (sigaction(signal, NULL, &before) != 0) continue;
    require(before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN, "no handler is installed");
  }
  struct sigaction action = {.sa_handler = handle};
  sigaction(SIGINT, &action, NULL);
  require(
      vae_trainer_fit(trainer, interrupt, NULL, token, &error) == VAE_ERR_CANCELLED,
      "the fit is cancelled");
  vae_error_free(error);
  double step = 0;
  check(vae_trainer_metric(trainer, "step", &step, &error), error);
  require(step == 5, "it stops at the step boundary");
  vae_cancel_token_reset(token);
  check(vae_trainer_fit(trainer, NULL, NULL, token, &error), error);
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
  vae_cancel_token_free(token);
  return 0;
}
