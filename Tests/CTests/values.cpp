// What vae.hpp passes on: each call gives what the function of vae.h gives of the same numbers, all of which differ.
//
//     values REFERENCE       the folder of a small autoencoder of pictures
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>
#include <vae.hpp>

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::fprintf(stderr, "values.cpp:%d: not so: %s\n", __LINE__, #condition);                   \
      std::exit(1);                                                                                \
    }                                                                                              \
  } while (0)

// The bytes of an array, behind its type and shape.
static std::string bytes(const vae::array &array) {
  std::string found = std::to_string(array.dtype());
  for (const auto size : array.shape()) found += " " + std::to_string(size);
  const auto view = array.view().raw();
  const std::size_t width = array.dtype() == VAE_UINT8 ? 1 : array.dtype() == VAE_FLOAT64 ? 8 : 4;
  return found.append(static_cast<const char *>(view.data), array.size() * width);
}

// The array that a function of C makes.
template <class Call>
static std::string made(Call call) {
  vae_array *array = nullptr;
  vae_error *error = nullptr;
  if (call(&array, &error) != VAE_OK) {
    std::fprintf(stderr, "values.cpp: %s\n", vae_error_message(error));
    std::exit(1);
  }
  return bytes(vae::array(array));
}

static bool has(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

template <class Call>
static vae_status refused(Call call) {
  try {
    call();
  } catch (const vae::error &error) {
    EXPECT(std::string(error.status_name()) == vae_status_name(error.status()));
    return error.status();
  }
  return VAE_OK;
}

// What a call says of arguments that do not fit each other.
template <class Call>
static std::string misfit(Call call) {
  try {
    call();
  } catch (const std::invalid_argument &failure) {
    return failure.what();
  }
  return "";
}

static std::vector<float> pixels(std::size_t count, unsigned seed) {
  std::vector<float> found(count);
  for (std::size_t i = 0; i < count; i++) found[i] = ((i + seed) * 2654435761u >> 7) % 3 == 0;
  return found;
}

static void check_process() {
  std::size_t needed = 0;
  EXPECT(vae_list_variants_json(nullptr, 0, &needed, nullptr) == VAE_OK);
  EXPECT(needed > 1024 && vae::list_variants_json().size() + 1 == needed);
  EXPECT(has(vae::list_components_json("likelihood"), "bernoulli"));
  EXPECT(has(vae::list_metrics_json(), "\"elbo\""));
  EXPECT(has(vae::describe_json("beta-vae"), "beta-vae"));
  EXPECT(has(vae::recipe_json("beta-vae", {{"latent", "7"}, {"beta", "2.5"}}), "\"latent\": 7"));
  EXPECT(has(vae::build_info_json(), vae::version()) && vae::abi_version() == vae_abi_version());
  const auto limits = vae::limits_json();
  vae::set_limit("archive_members", 77);
  EXPECT(has(vae::limits_json(), "\"archive_members\": 77") && vae::limits_json() != limits);
  vae::set_threads(2);
  EXPECT(vae::threads() == 2);
  vae::set_threads(1);
  const auto alone = vae::communicator_mpi();
  EXPECT(alone.rank == 0 && alone.size == 1 && alone.struct_size == sizeof alone);
  EXPECT(refused([] { vae::load_plugin("/nowhere.so"); }) == VAE_ERR_NOT_FOUND);
}

static void check_tensors() {
  const std::vector<float> numbers{1, 2, 3, 4, 5, 6};
  const vae::tensor dense(numbers, {2, 3}), turned(numbers.data(), {3, 2}, {1, 3});
  EXPECT(dense.raw().strides == nullptr && dense.raw().rank == 2 && dense.raw().shape[1] == 3);
  EXPECT(turned.raw().strides[0] == 1 && turned.raw().strides[1] == 3 && turned.shape()[0] == 3);
  EXPECT(dense.dtype() == VAE_FLOAT32 && dense.raw().data == numbers.data());
  EXPECT(vae::dtype_of<std::uint8_t> == VAE_UINT8 && vae::dtype_of<std::int32_t> == VAE_INT32);
  EXPECT(vae::dtype_of<double> == VAE_FLOAT64);
  auto view = turned.raw();
  view.byte_offset = 4;
  EXPECT(vae::tensor(view).raw().data == numbers.data() + 1);
  EXPECT(vae::tensor(view).raw().strides[1] == 3);

  // Shapes that are none of the numbers, also where their product leaves 64 bits or comes out right.
  const auto half = std::int64_t{1} << 32;
  EXPECT(misfit([&] { vae::tensor(numbers, {2, 2}); }) == "vae::tensor: the shape has 4 elements, but there are 6");
  EXPECT(has(misfit([&] { vae::tensor(numbers, {half, half}); }), "2^64 or more elements, but there are 6"));
  const std::vector<float> eight(8);
  EXPECT(has(misfit([&] { vae::tensor(eight, {(std::int64_t{1} << 62) + 2, 4}); }), "2^64 or more elements"));
  EXPECT(has(misfit([&] { vae::tensor(numbers, {-2, -3}); }), "the negative size -2"));
  EXPECT(has(misfit([&] { vae::tensor(numbers.data(), {3, -1}, {1, 1}); }), "the negative size -1"));
  EXPECT(has(misfit([&] { vae::tensor(numbers.data(), {3, 2}, {1}); }), "2 axes, but there are 1 strides"));
  const std::vector<float> none;
  EXPECT(has(misfit([&] { vae::tensor(none, {-1, 0}); }), "the negative size -1"));
  EXPECT(vae::tensor(none, {half, half, 0}).shape().size() == 3);
}

// Images of 4x6, and what is known of them.
struct told {
  std::vector<float> train = pixels(40 * 24, 1), test = pixels(10 * 24, 5);
  std::vector<std::int32_t> labels;
  vae::tensor images{train, {40, 4, 6}}, held_out{test, {10, 4, 6, 1}};
  told() {
    for (std::int32_t i = 0; i < 40; i++) labels.push_back(i * 7 % 3);
  }
};

static void check_data(const told &given) {
  const auto data = vae::data::from_tensors(given.images, given.held_out, VAE_RANGE_UNIT);
  const auto info = data.describe();
  EXPECT(info.train_count == 40 && info.test_count == 10 && info.height == 4 && info.width == 6);
  EXPECT(info.range == VAE_RANGE_UNIT);
  EXPECT(vae::data::from_tensors(given.images).describe().range == VAE_RANGE_BINARY);
  const auto found = data.images("test", 3, 2).values<float>();
  EXPECT(found.size() == 48 && !std::memcmp(found.data(), &given.test[72], 48 * sizeof(float)));
  EXPECT(refused([&] { data.images("train", 39, 2); }) == VAE_ERR_INVALID_ARGUMENT);
  EXPECT(refused([&] { data.images("train", 0, 1).values<double>(); }) == VAE_ERR_INVALID_ARGUMENT);

  const vae::tensor labels(given.labels, {40});
  const auto named =
      vae::data::from_told_tensors(given.images, labels, VAE_RANGE_REAL, {"ape", "bee", "cat"});
  EXPECT(named.describe().condition == VAE_CONDITION_LABEL && named.describe().condition_width == 3);
  EXPECT(named.describe().range == VAE_RANGE_REAL);
  const auto rows = named.conditions("train", 4, 2).values<float>();
  for (std::size_t i = 0; i < 6; i++) EXPECT(rows[i] == (given.labels[4 + i / 3] == int(i % 3)));
  const auto model = vae::model::create("conditional-vae", named, {{"hidden", "4"}, {"latent", "2"}});
  EXPECT(has(model.recipe_json(), "\"names\": [\"ape\", \"bee\", \"cat\"]"));

  std::vector<double> table;
  for (int i = 0; i < 40; i++) table.insert(table.end(), {i * 0.5 - 3, double(i % 2)});
  const vae::tensor cells(table, {40, 2});
  const auto people =
      vae::data::from_table(cells, R"([{"name": "size"}, {"name": "kind", "names": ["a", "b"]}])");
  EXPECT(people.images("train", 5, 1).values<double>()[0] == -0.5);
}

static void check_model(const told &given) {
  vae::model_options options;
  options.variant = "gaussian-vae";
  options.set = {{"hidden", "5"}, {"latent", "3"}};
  options.range = VAE_RANGE_UNIT;
  options.height = 4;
  options.width = 6;
  options.channels = 2;
  options.seed = 9;
  auto first = vae::model::create(options);
  const auto info = first.describe();
  EXPECT(info.height == 4 && info.width == 6 && info.channels == 2 && info.range == VAE_RANGE_UNIT);
  EXPECT(has(first.recipe_json(), "\"seed\": 9") && has(first.recipe_json(), "\"hidden\": [5]"));
  first.save("first.safetensors");
  EXPECT(has(vae::check_json("first.safetensors"), "\"sound\": true"));
  options.seed = 10;
  auto other = vae::model::create(options);
  const auto name = first.tensor_names()[0];
  EXPECT(name == first.tensor_name(0) && first.tensor_names().size() == std::size_t(info.tensor_count));
  EXPECT(bytes(other.get_tensor(name)) != bytes(first.get_tensor(name)));
  options.from_weights = "first.safetensors";
  EXPECT(bytes(vae::model::create(options).get_tensor(name)) == bytes(first.get_tensor(name)));
  const auto whole = first.save_memory();
  EXPECT(bytes(vae::model::load_memory(whole.values<std::uint8_t>()).get_tensor(name))
         == bytes(first.get_tensor(name)));
  EXPECT(bytes(vae::model::load("first.safetensors").get_tensor(name)) == bytes(first.get_tensor(name)));
  vae::model_options again;
  again.recipe_json = first.recipe_json();
  EXPECT(vae::model::create(again).describe().channels == 2);
  std::vector<float> bias(48);
  for (std::size_t i = 0; i < 48; i++) bias[i] = float(i) / 8;
  first.set_tensor("decoder.head.bias", vae::tensor(bias, {48}));
  EXPECT(first.get_tensor("decoder.head.bias").values<float>()[7] == 0.875f);

  auto data = vae::data::from_tensors(given.images);
  auto plain = vae::model::create("gaussian-vae", data, {{"hidden", "6"}, {"latent", "2"}});
  EXPECT(plain.describe().width == 6);
  auto stage = plain.create_stage("mixture", {{"prior.components", "2"}});
  EXPECT(has(stage.recipe_json(), "\"components\": 2"));
  const vae::tensor labels(given.labels, {40});
  auto source = vae::data::from_told_tensors(given.images, labels);
  auto classes = plain.create_stage("class-mixture", source, {{"prior.components", "1"}});
  EXPECT(classes.describe().condition_width == 3);
}

static void check_inference(const told &given) {
  auto data = vae::data::from_tensors(given.images, given.held_out);
  auto model = vae::model::create("ladder-vae", data, {{"hidden", "8,4"}, {"latent", "3,2"}});
  auto *raw = model.get();
  const vae::tensor some(given.train.data(), {5, 4, 6, 1}, {});
  const auto images = some.raw();

  const auto encoding = model.encode(some, 4);
  vae_encoding *own = nullptr;
  EXPECT(vae_encode(raw, &images, 4, &own, nullptr) == VAE_OK);
  const vae::encoding expected(own);
  EXPECT(bytes(*encoding.sample(0)) == bytes(*expected.sample(0)));
  EXPECT(bytes(*encoding.sample(1)) == bytes(*expected.sample(1)));
  EXPECT(encoding.sample(0)->shape()[1] == 3 && encoding.sample(1)->shape()[1] == 2);
  EXPECT(!encoding.sample(2) && !encoding.codes());
  EXPECT(bytes(*model.encode(some, 5).sample(0)) != bytes(*encoding.sample(0)));
  const std::vector<vae::tensor> layers{encoding.sample(0)->view(), encoding.sample(1)->view()};
  EXPECT(bytes(model.decode(layers, 4)) == bytes(model.reconstruct(some, 4)));
  EXPECT(bytes(model.reconstruct(some, 5)) != bytes(model.reconstruct(some, 4)));

  vae::call_options draw;
  draw.draw = true;
  auto call = vae::detail::sized<vae_call_options>();
  call.draw = 1;
  EXPECT(bytes(model.sample(3, 0.5, 8)) == made([&](auto **array, auto **error) {
    return vae_sample(raw, 3, 0.5, 8, array, error);
  }));
  EXPECT(bytes(model.sample(3, 0.5, 8, draw)) == made([&](auto **array, auto **error) {
    return vae_sample_with(raw, 3, 0.5, 8, &call, array, error);
  }));
  EXPECT(bytes(model.sample(3, 0.5, 8, draw)) != bytes(model.sample(3, 0.5, 8)));
  EXPECT(bytes(model.log_likelihood(some, 6, 7)) == made([&](auto **array, auto **error) {
    return vae_log_likelihood(raw, &images, 6, 7, nullptr, array, error);
  }));

  vae::evaluation_options wanted;
  wanted.importance_samples = 3;
  wanted.split = "train";
  wanted.seed = 6;
  wanted.metrics = "nll,rate";
  auto options = vae::detail::sized<vae_evaluation_options>();
  options.importance_samples = 3;
  options.split = "train";
  options.seed = 6;
  options.metrics = "nll,rate";
  vae_metrics *measured = nullptr;
  EXPECT(vae_evaluate(raw, data.get(), &options, nullptr, &measured, nullptr) == VAE_OK);
  const vae::metrics known(measured), found = model.evaluate(data, wanted);
  EXPECT(found.json() == known.json() && found["examples"] == 40 && found["nll"] == known["nll"]);
  EXPECT(refused([&] { found["elbo"]; }) == VAE_ERR_NOT_FOUND);
  wanted.network = "/nowhere";
  EXPECT(refused([&] { model.evaluate(data, wanted); }) == VAE_ERR_NOT_FOUND);
}

static void check_scores(const told &given) {
  auto data = vae::data::from_tensors(given.images, given.held_out);
  auto model = vae::model::create("gaussian-vae", data, {{"hidden", "8"}, {"latent", "2"}});
  auto other = vae::model::create("gaussian-vae", data, {{"hidden", "5"}, {"latent", "3"}});
  const auto usual = given.held_out.raw();
  const vae::tensor some(given.train.data(), {7, 4, 6, 1}, {});
  const auto images = some.raw();
  const auto scored = [&](const vae_score_options &options) {
    return made([&](auto **array, auto **error) {
      return vae_score(model.get(), &images, &options, nullptr, array, error);
    });
  };
  vae::score_options wanted;
  auto options = vae::detail::sized<vae_score_options>();
  wanted.method = options.method = "typicality";
  options.method = wanted.method.c_str();
  wanted.importance_samples = options.importance_samples = 4;
  wanted.seed = options.seed = 11;
  wanted.group = options.group = 3;
  wanted.reference = &given.held_out;
  options.reference = &usual;
  EXPECT(bytes(model.score(some, wanted)) == scored(options));
  wanted.group = 2;
  EXPECT(bytes(model.score(some, wanted)) != scored(options));
  vae::score_options regret;
  regret.method = "regret";
  regret.steps = 2;
  options = vae::detail::sized<vae_score_options>();
  options.method = "regret";
  options.steps = 2;
  EXPECT(bytes(model.score(some, regret)) == scored(options));
  regret.steps = 3;
  EXPECT(bytes(model.score(some, regret)) != scored(options));
  vae::score_options ratio;
  ratio.method = "ratio";
  options = vae::detail::sized<vae_score_options>();
  options.method = "ratio";
  options.background = other.get();
  EXPECT(bytes(model.score(some, ratio, &other)) == scored(options));
  EXPECT(refused([&] { model.score(some, ratio); }) != VAE_OK);
  const vae::tensor labels(given.labels, {40});
  ratio.reference_condition = &labels;
  EXPECT(refused([&] { model.score(some, ratio, &other); }) == VAE_ERR_INVALID_ARGUMENT);

  auto missing = vae::model::create("missing-vae", data, {{"hidden", "8"}, {"latent", "2"}});
  auto torn = std::vector<float>(given.train.begin(), given.train.begin() + 5 * 24);
  for (std::size_t i = 0; i < torn.size(); i += 4) torn[i] = std::numeric_limits<float>::quiet_NaN();
  const vae::tensor holes(torn, {5, 4, 6, 1}), truth(given.train.data(), {5, 4, 6, 1}, {});
  const auto hole = holes.raw(), truths = truth.raw();
  vae::imputation_options filling;
  filling.importance_samples = 12;
  filling.seed = 3;
  filling.truth = &truth;
  auto fill = vae::detail::sized<vae_imputation_options>();
  fill.importance_samples = 12;
  fill.seed = 3;
  fill.truth = &truths;
  std::optional<vae::metrics> error;
  vae_metrics *measured = nullptr;
  const auto filled = made([&](auto **array, auto **failure) {
    return vae_impute(missing.get(), &hole, &fill, nullptr, array, &measured, failure);
  });
  EXPECT(bytes(missing.impute(holes, filling, &error)) == filled);
  EXPECT(error && error->json() == vae::metrics(measured).json());
  EXPECT((*error)["missing"] == 30);
  EXPECT(bytes(missing.impute(holes, filling)) == filled);
  filling.seed = 4;
  EXPECT(bytes(missing.impute(holes, filling)) != filled);
}

static void check_training(const told &given) {
  auto data = vae::data::from_tensors(given.images, given.held_out);
  auto model = vae::model::create("gaussian-vae", data, {{"hidden", "8"}, {"latent", "2"}});
  vae::trainer_options options;
  options.set = {{"training.beta1", "0.5"}};
  options.epochs = 3;
  options.batch_size = 20;
  options.learning_rate = 0.25;
  options.seed = 12;
  options.run = "values-run";
  options.checkpoint_dir = "values-scratch";
  {
    vae::trainer trainer(model, data, options);
    for (const auto *part : {"\"epochs\": 3,", "\"batch_size\": 20,", "\"learning_rate\": 0.25,",
                             "\"seed\": 12,", "\"beta1\": 0.5,"}) {
      EXPECT(has(model.recipe_json(), part));
    }
    EXPECT(trainer.record_json() == "null" && trainer.metric("total_steps") == 6);
    const auto bound = trainer.step();
    EXPECT(bound.rate == trainer.metric("batch.rate"));
    EXPECT(bound.distortion == trainer.metric("batch.distortion") && bound.distortion > bound.rate);
    trainer.step_on(vae::tensor(given.train.data(), {20, 4, 6, 1}, {}));
    EXPECT(trainer.metric("step") == 2);
    int updates = 0, epochs = 0;
    trainer.fit([&](const vae_progress &progress) {
      (progress.is_epoch_end ? epochs : updates)++;
      return true;
    });
    EXPECT(updates == 4 && epochs >= 2 && has(trainer.record_json(), "\"epoch\": 3"));
  }
  EXPECT(has(vae::check_json("values-run"), "\"kind\": \"run\""));
  EXPECT(!std::filesystem::exists("values-run/checkpoints") && !std::filesystem::is_empty("values-scratch"));
  vae::call_options best;
  best.checkpoint = "6";
  const auto name = model.tensor_names()[0];
  EXPECT(bytes(vae::model::load("values-run", best).get_tensor(name)) == bytes(model.get_tensor(name)));
  best.checkpoint = "5";
  EXPECT(refused([&] { vae::model::load("values-run", best); }) == VAE_ERR_NOT_FOUND);
  EXPECT(refused([&] { vae::trainer(model, data, options); }) == VAE_ERR_EXISTS);
  options.existing_run = VAE_RUN_REPLACE;
  vae::trainer(model, data, options);
  vae::cancel_token token;
  token.cancel();
  options.run = options.checkpoint_dir = "";
  options.existing_run = VAE_RUN_REFUSE;
  vae::trainer stopped(model, data, options);
  EXPECT(refused([&] { stopped.fit({}, &token); }) == VAE_ERR_CANCELLED);

  const vae::tensor labels(given.labels, {40});
  auto named = vae::data::from_told_tensors(given.images, labels);
  auto told = vae::model::create("conditional-vae", named, {{"hidden", "4"}, {"latent", "2"}});
  vae::trainer trainer(told, named, vae::trainer_options{});
  const vae::tensor some(given.train.data(), {3, 4, 6, 1}, {});
  EXPECT(refused([&] { trainer.step_on(some); }) == VAE_ERR_INVALID_ARGUMENT);
  trainer.step_on(some, vae::tensor(given.labels.data(), {3}, {}));
  EXPECT(trainer.metric("step") == 1);
  const std::vector<std::int32_t> two{2};
  const vae::tensor condition(two, {1});
  const auto class_two = condition.raw();
  vae::call_options asked;
  asked.condition = &class_two;
  auto call = vae::detail::sized<vae_call_options>();
  call.condition = &class_two;
  EXPECT(bytes(told.sample(4, 1, 3, asked)) == made([&](auto **array, auto **error) {
    return vae_sample_with(told.get(), 4, 1, 3, &call, array, error);
  }));

  const auto network = vae::classifier::train(named, {{"epochs", "1"}, {"width", "2"}, {"features", "4"}});
  EXPECT(has(network.json(), "\"width\": 2"));
  network.save("network.safetensors");
  const auto opened = vae::classifier::open("network.safetensors");
  EXPECT(bytes(opened.probabilities(some)) == bytes(network.probabilities(some)));
  EXPECT(opened.probabilities(some).shape()[1] == 3);
}

static void check_pictures(const std::string &reference) {
  auto model = vae::model::import_weights(reference, {{"prior.scaling_factor", "0.5"}}, 24);
  EXPECT(model.describe().height == 24 && has(model.recipe_json(), "\"scaling_factor\": 0.5"));
  std::vector<float> colours(2 * 7 * 9 * 3);
  for (std::size_t i = 0; i < colours.size(); i++) colours[i] = float(i * 37 % 101) / 101;
  const vae::tensor pictures(colours, {2, 7, 9, 3});
  const auto raw = pictures.raw();
  std::vector<std::string> means;
  for (const bool scaled : {false, true}) {
    const auto encoding = model.encode_pictures(pictures, scaled, 4);
    vae_encoding *own = nullptr;
    EXPECT(vae_encode_pictures(model.get(), &raw, scaled, 4, nullptr, &own, nullptr) == VAE_OK);
    const vae::encoding expected(own);
    EXPECT(bytes(*encoding.mean()) == bytes(*expected.mean()));
    EXPECT(bytes(*encoding.variance()) == bytes(*expected.variance()));
    EXPECT(bytes(*encoding.sample()) == bytes(*expected.sample()));
    means.push_back(bytes(*encoding.mean()));
    const auto latents = encoding.mean()->view();
    const auto map = latents.raw();
    for (const auto dtype : {VAE_FLOAT32, VAE_UINT8}) {
      const auto found = model.decode_pictures(latents, scaled, dtype, 7, 9);
      EXPECT(found.shape()[1] == 7 && found.shape()[2] == 9 && found.dtype() == dtype);
      EXPECT(bytes(found) == made([&](auto **array, auto **error) {
        return vae_decode_pictures(model.get(), &map, scaled, 7, 9, dtype, nullptr, array, error);
      }));
    }
  }
  EXPECT(means[0] != means[1]);
  vae::call_options options;
  options.tile = 9;
  EXPECT(refused([&] { model.encode_pictures(pictures, false, 0, options); }) == VAE_ERR_RECIPE);
  options.tile = 0;
  options.precision = 2;
  EXPECT(refused([&] { model.encode_pictures(pictures, false, 0, options); }) == VAE_ERR_INVALID_ARGUMENT);
  model.export_weights("values-weights", "diffusers");
  EXPECT(vae::model::import_weights("values-weights").describe().channels == 3);
}

int main(int count, char **words) {
  EXPECT(count == 2);
  // Of a run of this program before.
  for (const auto *folder : {"values-run", "values-scratch", "values-weights"}) std::filesystem::remove_all(folder);
  vae::set_threads(1);
  check_process();
  check_tensors();
  const told given;
  check_data(given);
  check_model(given);
  check_inference(given);
  check_scores(given);
  check_training(given);
  check_pictures(words[1]);
  return 0;
}
