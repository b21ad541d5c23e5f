// Callbacks that throw: the call says so, objects stay usable, and vae.hpp throws the exception on.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vae.hpp>

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::fprintf(stderr, "callbacks.cpp:%d: not so: %s\n", __LINE__, #condition);                \
      std::exit(1);                                                                                \
    }                                                                                              \
  } while (0)

struct mine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

static std::int32_t throw_progress(const vae_progress *, void *) { throw mine("of progress"); }
static std::int32_t throw_number(double, void *) { throw 42; }
static void throw_sentence(const char *, void *) { throw mine("of a sentence"); }

// What a call with a callback that throws answers in C.
template <class Call>
static void expect_callback_error(const char *words, Call call) {
  vae_error *error = nullptr;
  EXPECT(call(&error) == VAE_ERR_CALLBACK);
  EXPECT(vae_error_status(error) == VAE_ERR_CALLBACK);
  EXPECT(std::strstr(vae_error_message(error), words));
  vae_error_free(error);
}

template <class Exception, class Call>
static void expect_throw(const char *words, Call call) {
  try {
    call();
  } catch (const Exception &exception) {
    EXPECT(std::string(exception.what()).find(words) != std::string::npos);
    return;
  }
  EXPECT(!"something is thrown");
}

int main() {
  vae::set_threads(1);
  std::vector<float> pixels(64 * 8 * 8);
  for (std::size_t i = 0; i < pixels.size(); i++) pixels[i] = (i * 2654435761u >> 7) % 3 == 0;
  const vae::tensor train(pixels, {64, 8, 8, 1}), test(pixels.data(), {16, 8, 8, 1}, {});
  auto data = vae::data::from_tensors(train, test);
  auto model = vae::model::create("gaussian-vae", data, {{"hidden", "16"}, {"latent", "2"}});
  vae::trainer_options options;
  options.epochs = 2;
  options.batch_size = 16;
  vae::trainer trainer(model, data, options);
  const auto images = data.images("test", 0, 3);

  // In C.
  expect_callback_error("of progress", [&](vae_error **error) {
    return vae_trainer_fit(trainer.get(), throw_progress, nullptr, nullptr, error);
  });
  EXPECT(trainer.metric("step") == 1);
  trainer.step();
  auto call = vae::detail::sized<vae_call_options>();
  call.progress = throw_number;
  vae_array *array = nullptr;
  expect_callback_error("no std::exception", [&](vae_error **error) {
    return vae_sample_with(model.get(), 2, 1, 0, &call, &array, error);
  });
  EXPECT(!array);
  vae_set_log_callback(throw_sentence, nullptr);
  vae_trainer *second = nullptr;
  expect_callback_error("of a sentence", [&](vae_error **error) {
    return vae_trainer_create(model.get(), data.get(), nullptr, &second, error);
  });
  EXPECT(!second);
  vae_set_log_callback(nullptr, nullptr);

  // The exception itself, from every call with a callback.
  expect_throw<mine>("of fit", [&] {
    trainer.fit([](const vae_progress &) -> bool { throw mine("of fit"); });
  });
  const vae::call_options stop{nullptr, [](double) -> bool { throw mine("of a long call"); }};
  const auto latents = vae::tensor(std::vector<float>{0, 0}, {1, 2});
  expect_throw<mine>("long", [&] { vae::data::open("shapes:32", stop); });
  expect_throw<mine>("long", [&] { model.encode(images.view(), 0, stop); });
  expect_throw<mine>("long", [&] { model.decode({latents}, 0, stop); });
  expect_throw<mine>("long", [&] { model.reconstruct(images.view(), 0, stop); });
  expect_throw<mine>("long", [&] { model.sample(2, 1, 0, stop); });
  expect_throw<mine>("long", [&] { model.log_likelihood(images.view(), 2, 0, stop); });
  expect_throw<mine>("long", [&] { model.evaluate(data, {}, stop); });
  model.save("thrown.safetensors");
  expect_throw<mine>("long", [&] { vae::model::load("thrown.safetensors", stop); });
  vae::set_log([](const std::string &) { throw mine("of the log"); });
  expect_throw<mine>("log", [&] { vae::trainer(model, data, options); });
  vae::set_log({});

  // A stop is no exception of the callback's.
  const vae::call_options no{nullptr, [](double) { return false; }};
  expect_throw<vae::error>("asked to stop", [&] { model.sample(2, 1, 0, no); });
  vae::cancel_token token;
  token.cancel();
  const vae::call_options cancelled{&token, {}};
  expect_throw<vae::error>("asked to stop", [&] { vae::data::open("shapes:32", cancelled); });
  expect_throw<vae::error>("asked to stop", [&] { vae::model::load("thrown.safetensors", cancelled); });
  token.reset();

  // Everything is usable afterwards.
  std::size_t told = 0;
  trainer.fit([&](const vae_progress &) {
    told++;
    return true;
  });
  EXPECT(told > 0);
  EXPECT(model.evaluate(data, {}, {&token, [](double fraction) { return fraction <= 1; }})["elbo"] < 0);
  EXPECT(model.encode(images.view()).mean()->shape()[1] == 2);
  EXPECT(!model.encode(images.view()).codes());
  EXPECT(model.decode({latents}).size() == model.sample(1).size());
  EXPECT(model.get_tensor(model.tensor_names()[0]).size() > 0);
  expect_throw<vae::error>("no variant", [] { vae::describe_json("none"); });
  expect_throw<std::invalid_argument>("elements", [] { vae::tensor(std::vector<float>(3), {2, 2}); });
  return 0;
}
