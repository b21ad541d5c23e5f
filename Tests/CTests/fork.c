// A process that has trained forks, and parent and child train on: each reaches the same bound.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static double expected;

static void *train(void *data) {
  for (int round = 0; round < 8; round++) {
    require(trained_elbo(data) == expected, "a thread of the child reaches the same bound");
  }
  return NULL;
}

int main(void) {
  alarm(120);
  vae_data *data = make_data();
  for (int generation = 0; generation < 4; generation++) {
    // With two threads there is a pool to lose; with one, trainings side by side ask the most often
    // for what they share.
    check(vae_set_threads(generation % 2 ? 1 : 2, NULL), NULL);
    expected = trained_elbo(data);
    const pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
      alarm(60);  // alarms are not inherited
      require(trained_elbo(data) == expected, "the child reaches the same bound");
      if (generation % 2) {
        // And from several threads, which the child makes itself, beside its first.
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, train, data);
        train(data);
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
      }
      const pid_t grandchild = fork();
      require(grandchild >= 0, "fork in the child");
      if (grandchild == 0) {
        alarm(60);
        require(trained_elbo(data) == expected, "the grandchild reaches the same bound");
        _exit(0);
      }
      int status = 0;
      waitpid(grandchild, &status, 0);
      _exit(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1);
    }
    require(trained_elbo(data) == expected, "the parent reaches the same bound beside its child");
    int status = 0;
    require(waitpid(child, &status, 0) == child, "waitpid");
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ends well");
  }
  vae_data_free(data);
  return 0;
}
