// Trains a variational autoencoder, measures it, encodes images, and saves the model, with vae.hpp.
//
//     train [SOURCE [VARIANT [EPOCHS]]]    such as: train mnist beta-vae 20
//
// VARIANT is one that is trained on images alone, with its own settings; without one it is a small gaussian-vae.
// Writes model.safetensors into the present folder.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vae.hpp>

// A rule of this program's own: what a callback throws comes out of the call.
struct worse_than_noise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

static bool report(const vae_progress &progress) {
  if (!progress.is_epoch_end) return true;
  std::printf("epoch %lld: train %.2f", static_cast<long long>(progress.epoch), progress.train.elbo);
  if (progress.valid.is_held_out) std::printf(", held out %.2f", progress.valid.elbo);
  std::printf(" nats\n");
  if (progress.train.elbo < -1e6) throw worse_than_noise("the bound is below a million nats");
  return true;
}

int main(int count, char **words) try {
  const std::string source = count > 1 ? words[1] : "shapes:32";
  const std::string variant = count > 2 ? words[2] : "gaussian-vae";
  vae::set_log([](const std::string &sentence) { std::printf("%s\n", sentence.c_str()); });

  const auto data = vae::data::open(source);
  const auto info = data.describe();
  std::printf("%lld images to train on\n", static_cast<long long>(info.train_count));

  const vae::settings small{{"latent", "8"}, {"hidden", "64"}};
  auto model = vae::model::create(variant, data, count > 2 ? vae::settings{} : small);
  vae::trainer_options options;
  options.epochs = count > 3 ? std::atoi(words[3]) : 2;
  vae::trainer trainer(model, data, options);
  trainer.fit(report);

  const auto held_out = model.evaluate(data);
  std::printf("-ELBO %.2f +- %.2f nats\n", -held_out["elbo"], held_out["elbo_stderr"]);

  // The latent mean of the first image.
  const auto images = data.images("test", 0, 4);
  const auto encoding = model.encode(images.view());
  if (const auto mean = encoding.mean()) {
    const auto values = mean->values<float>();
    std::printf("mean of the first image:");
    for (std::int64_t unit = 0; unit < mean->shape()[1]; unit++) {
      std::printf(" %.3f", static_cast<double>(values[static_cast<std::size_t>(unit)]));
    }
    std::printf("\n");
  }

  model.save("model.safetensors");
  // A long call that can be stopped, here from its own progress.
  const auto samples = vae::model::load("model.safetensors").sample(64, 1, 0, {nullptr, [](double) { return true; }});
  std::printf("%zu numbers in %lld samples\n", samples.size(), static_cast<long long>(samples.shape()[0]));
} catch (const vae::error &failure) {
  std::fprintf(stderr, "train: %s: %s\n", failure.status_name(), failure.what());
  return 1;
} catch (const std::exception &failure) {
  std::fprintf(stderr, "train: %s\n", failure.what());
  return 1;
}
