// Signals may come at any time: a handler's frame lands in nobody's memory, and a handler stops a
// training, which goes on with the next call.
#define _XOPEN_SOURCE 700  // setitimer
#include <signal.h>
#include <sys/time.h>
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

static volatile sig_atomic_t ticks;

static void tick(int signal) {
  (void)signal;
  ticks++;
}

/// Trains with a handler, on the thread's own stack, that is called several times an update.
static void train_beside_a_timer(void) {
  vae_error *error = NULL;
  vae_data *data = make_data();
  vae_model *model = make_model();
  vae_trainer *trainer = make_trainer(model, data, 300);
  struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, NULL);
  check(vae_trainer_fit(trainer, NULL, NULL, NULL, &error), error);
  setitimer(ITIMER_REAL, &never, NULL);
  signal(SIGALRM, SIG_DFL);
  require(ticks > 100, "the handler was called again and again");
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
}

int main(void) {
  train_beside_a_timer();
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
