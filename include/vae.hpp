/*
 * vae.hpp: vae.h for C++17 and later, in this header alone; link with libvae.
 *
 *   Objects     Each handle is a class that owns its object, can be moved, and frees it at its end: vae::data, model,
 *               trainer, encoding, metrics, array, cancel_token.
 *   Errors      A call that fails throws vae::error, which has the status and the message.
 *   Callbacks   are std::function, and may throw: the call stops, its objects stay usable, and the exception comes out
 *               of the call. They return false to stop a call, which then throws vae::error with VAE_ERR_CANCELLED.
 *   Numbers     vae::tensor is a view of the caller's memory, which must live as long as vae.h says; vae::array holds
 *               numbers that the library made. Both give their elements as vae::span, which is std::span from C++20 on.
 *   Options     are aggregates in which zero, or empty, is the default, as in the structs of vae.h.
 *
 * vae.h documents what the calls do, with the same names: vae::model::encode is vae_encode. Where a function has a
 * namesake that ends in _with, it is that one: its vae::call_options come last and may be left out.
 */
#ifndef VAE_HPP
#define VAE_HPP

#include "vae.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L
#include <span>
#endif

namespace vae {

/* ----------------------------------------------------------------------------------------------------- spans */

#if __cplusplus >= 202002L
template <class T>
using span = std::span<T>;
#else
/* What is needed of std::span: a pointer and a number of elements. */
template <class T>
class span {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr span() noexcept = default;
  constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <class U, std::size_t N, class = std::enable_if_t<std::is_convertible_v<U (*)[], T (*)[]>>>
  constexpr span(U (&values)[N]) noexcept : data_(values), size_(N) {}
  /* Of whatever has data() and size(), such as std::vector and std::array. */
  template <
      class Container,
      class = std::enable_if_t<std::is_convertible_v<
          std::remove_pointer_t<decltype(std::declval<Container &>().data())> (*)[], T (*)[]>>,
      class = decltype(std::declval<Container &>().size())>
  constexpr span(Container &&values) noexcept : data_(values.data()), size_(values.size()) {}

  constexpr T *data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T &operator[](std::size_t index) const { return data_[index]; }
  constexpr T *begin() const noexcept { return data_; }
  constexpr T *end() const noexcept { return data_ + size_; }

 private:
  T *data_ = nullptr;
  std::size_t size_ = 0;
};
#endif

/* ---------------------------------------------------------------------------------------------------- errors */

/* What a call failed with. */
class error : public std::runtime_error {
 public:
  error(vae_status status, const std::string &message)
      : std::runtime_error(message), status_(status) {}

  /* VAE_ERR_… */
  vae_status status() const noexcept { return status_; }
  /* Its name, such as "VAE_ERR_BUSY". */
  const char *status_name() const noexcept { return vae_status_name(status_); }

 private:
  vae_status status_;
};

namespace detail {

template <class T, void (*Free)(T *)>
struct freeing {
  void operator()(T *object) const noexcept { Free(object); }
};

template <class T, void (*Free)(T *)>
using handle = std::unique_ptr<T, freeing<T, Free>>;

/* What a callback threw on this thread, on its way through the library. */
inline std::exception_ptr &thrown() {
  thread_local std::exception_ptr exception;
  return exception;
}

/* Runs a callback for the library, which stops the call where it throws. */
template <class Body>
auto guarded(Body &&body) {
  try {
    return body();
  } catch (...) {
    thrown() = std::current_exception();
    throw;
  }
}

/* Calls a function with a last vae_error **, and throws what it fails with. */
template <class Function, class... Arguments>
void call(Function function, Arguments... arguments) {
  vae_error *failure = nullptr;
  thrown() = nullptr;
  if (function(arguments..., &failure) == VAE_OK) return;
  const handle<vae_error, vae_error_free> owner(failure);
  if (vae_error_status(failure) == VAE_ERR_CALLBACK && thrown()) {
    std::rethrow_exception(std::exchange(thrown(), nullptr));
  }
  throw error(vae_error_status(failure), vae_error_message(failure));
}

/* The text of a function that takes buffer, capacity and needed. */
template <class Function, class... Arguments>
std::string text(Function function, Arguments... arguments) {
  std::string buffer(1023, '\0');
  for (;;) {
    std::size_t needed = 0;
    call(function, arguments..., buffer.data(), buffer.size() + 1, &needed);
    const bool is_whole = needed <= buffer.size() + 1;
    buffer.resize(needed - 1);
    if (is_whole) return buffer;
  }
}

/* A struct that begins with its size. */
template <class Struct>
Struct sized() {
  Struct value{};
  value.struct_size = sizeof value;
  return value;
}

inline const char *c_string(const std::string &text) {
  return text.empty() ? nullptr : text.c_str();
}

}  // namespace detail

/* ----------------------------------------------------------------------------------------------- the process */

inline std::uint32_t abi_version() { return vae_abi_version(); }
inline std::string version() { return vae_version(); }
inline std::string build_info_json() { return detail::text(vae_build_info_json); }

/* What reading may cost, by the names that vae_set_limit knows. */
inline void set_limit(const std::string &name, std::int64_t value) {
  detail::call(vae_set_limit, name.c_str(), value);
}
inline std::string limits_json() { return detail::text(vae_limits_json); }

/* What a run folder or a file is, by its form, its checksums and what it holds. */
inline std::string check_json(const std::string &path) {
  return detail::text(vae_check_json, path.c_str());
}

/* The processes that a launcher of MPI has started with this one; one that none has started is alone. */
inline vae_communicator communicator_mpi() {
  auto found = detail::sized<vae_communicator>();
  detail::call(vae_communicator_mpi, &found);
  return found;
}

inline void set_threads(std::int32_t count) { detail::call(vae_set_threads, count); }
inline std::int32_t threads() { return vae_threads(); }

/* Receives sentences for the user. */
using log_function = std::function<void(const std::string &)>;

namespace detail {

struct log_sink {
  std::mutex mutex;
  std::shared_ptr<const log_function> function;
};

inline log_sink &log() {
  // Never destroyed: another thread may still be told something while the process ends.
  static log_sink *sink = new log_sink;
  return *sink;
}

}  // namespace detail

/* Sets who receives messages, for the whole process; an empty function for nobody. */
inline void set_log(log_function function) {
  const bool is_set = static_cast<bool>(function);
  {
    const std::lock_guard<std::mutex> guard(detail::log().mutex);
    detail::log().function =
        is_set ? std::make_shared<const log_function>(std::move(function)) : nullptr;
  }
  vae_set_log_callback(
      is_set ? [](const char *message, void *) {
        detail::guarded([&] {
          std::shared_ptr<const log_function> receiver;
          {
            const std::lock_guard<std::mutex> guard(detail::log().mutex);
            receiver = detail::log().function;
          }
          if (receiver) (*receiver)(message);
        });
      } : static_cast<vae_log_callback>(nullptr),
      nullptr);
}

/* A switch that stops the calls it is given to. */
class cancel_token {
 public:
  cancel_token() {
    vae_cancel_token *token = nullptr;
    detail::call(vae_cancel_token_create, &token);
    handle_.reset(token);
  }

  void cancel() noexcept { vae_cancel_token_cancel(handle_.get()); }
  void reset() noexcept { vae_cancel_token_reset(handle_.get()); }
  vae_cancel_token *get() const noexcept { return handle_.get(); }

 private:
  detail::handle<vae_cancel_token, vae_cancel_token_free> handle_;
};

/* What a call that may take long is given. */
struct call_options {
  const cancel_token *token = nullptr;
  /* Told the fraction that is done, -1 where that is not known; returns false to stop the call. */
  std::function<bool(double fraction)> progress{};
  /* What a conditional model is told, a tensor's raw(); borrowed. */
  const vae_tensor *condition = nullptr;
  /* Of a run folder that is loaded: "last", "best" or a number of updates; borrowed, nullptr for "last". */
  const char *checkpoint = nullptr;
  /* Whether images are draws of p(x|z) in place of its means; for sample and impute. */
  bool draw = false;
  /* The side of the tiles that larger pictures are taken in, in pixels; 0 for whole ones; for encode_pictures and
   * decode_pictures, as is VAE_PRECISION_…, what products and convolutions multiply. */
  std::int32_t tile = 0;
  std::int32_t precision = VAE_PRECISION_FLOAT32;
};

namespace detail {

inline const vae_cancel_token *raw(const cancel_token *token) { return token ? token->get() : nullptr; }

/* Options as C reads them; the original is borrowed. */
inline vae_call_options raw(const call_options &options) {
  auto found = sized<vae_call_options>();
  found.token = raw(options.token);
  if (options.progress) {
    found.progress = [](double fraction, void *user_data) -> std::int32_t {
      return guarded([&]() -> std::int32_t {
        return static_cast<const call_options *>(user_data)->progress(fraction) ? 0 : 1;
      });
    };
    found.user_data = const_cast<call_options *>(&options);
  }
  found.condition = options.condition;
  found.checkpoint = options.checkpoint;
  found.draw = options.draw ? 1 : 0;
  found.tile = options.tile;
  found.precision = options.precision;
  return found;
}

}  // namespace detail

/* --------------------------------------------------------------------------------------------------- tensors */

/* The number of an element type. */
template <class T>
inline constexpr std::int32_t dtype_of = [] {
  static_assert(
      std::is_same_v<T, float> || std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::int32_t>
          || std::is_same_v<T, double>,
      "elements are float, std::uint8_t, std::int32_t or double");
  if constexpr (std::is_same_v<T, float>) return VAE_FLOAT32;
  if constexpr (std::is_same_v<T, std::uint8_t>) return VAE_UINT8;
  if constexpr (std::is_same_v<T, std::int32_t>) return VAE_INT32;
  return VAE_FLOAT64;
}();

/* A view of somebody else's numbers, which must outlive it. */
class tensor {
 public:
  /* Dense and row-major numbers.
   * Throws std::invalid_argument where there are not as many as the shape says, or a size is negative. */
  template <class T>
  tensor(span<const T> values, std::vector<std::int64_t> shape)
      : tensor(values.data(), std::move(shape), {}) {
    const auto count = element_count();
    if (count != values.size()) {
      throw std::invalid_argument(
          "vae::tensor: the shape has "
          + (count ? std::to_string(*count) : "2^64 or more") + " elements, but there are "
          + std::to_string(values.size()));
    }
  }

  template <class T>
  tensor(const std::vector<T> &values, std::vector<std::int64_t> shape)
      : tensor(span<const T>(values.data(), values.size()), std::move(shape)) {}

  /* Numbers with strides in elements, one for each axis, or none where they are dense and row-major.
   * Throws std::invalid_argument where there is another number of strides, or a size is negative. */
  template <class T>
  tensor(const T *first, std::vector<std::int64_t> shape, std::vector<std::int64_t> strides)
      : shape_(std::move(shape)), strides_(std::move(strides)), data_(first), dtype_(dtype_of<T>) {
    for (const auto size : shape_) {
      if (size < 0) {
        throw std::invalid_argument("vae::tensor: the shape has the negative size " + std::to_string(size));
      }
    }
    if (!strides_.empty() && strides_.size() != shape_.size()) {
      throw std::invalid_argument(
          "vae::tensor: the shape has " + std::to_string(shape_.size()) + " axes, but there are "
          + std::to_string(strides_.size()) + " strides");
    }
  }

  /* The numbers of a view, such as that of an array; shape and strides are copied. */
  explicit tensor(const vae_tensor &view)
      : shape_(view.shape, view.shape + view.rank),
        data_(static_cast<const char *>(view.data) + view.byte_offset),
        dtype_(view.dtype) {
    if (view.strides) strides_.assign(view.strides, view.strides + view.rank);
  }

  /* A view of a DLPack tensor, whose deleter stays the caller's to call. */
  static tensor from_dlpack(const DLManagedTensor *managed) {
    auto view = detail::sized<vae_tensor>();
    detail::call(vae_tensor_from_dlpack, managed, &view);
    return tensor(view);
  }

  static tensor from_dlpack(const DLManagedTensorVersioned *managed) {
    auto view = detail::sized<vae_tensor>();
    detail::call(vae_tensor_from_dlpack_versioned, managed, &view);
    return tensor(view);
  }

  const std::vector<std::int64_t> &shape() const noexcept { return shape_; }
  std::int32_t dtype() const noexcept { return dtype_; }

  /* The view as C reads it, as long as this tensor lives and is not moved. */
  vae_tensor raw() const noexcept {
    auto view = detail::sized<vae_tensor>();
    view.dtype = dtype_;
    view.device = VAE_DEVICE_CPU;
    view.rank = static_cast<std::int32_t>(shape_.size());
    view.shape = shape_.data();
    view.strides = strides_.empty() ? nullptr : strides_.data();
    view.data = const_cast<void *>(data_);
    return view;
  }

 private:
  /* How many elements the shape has; none where 64 bits cannot say it. */
  std::optional<std::uint64_t> element_count() const noexcept {
    std::optional<std::uint64_t> count = 1;
    for (const auto signed_size : shape_) {
      const auto size = static_cast<std::uint64_t>(signed_size);
      if (size == 0) return 0;
      if (count && *count > UINT64_MAX / size) count.reset();
      if (count) *count *= size;
    }
    return count;
  }

  std::vector<std::int64_t> shape_;
  std::vector<std::int64_t> strides_;
  const void *data_ = nullptr;
  std::int32_t dtype_ = 0;
};

/* Numbers that the library made: dense, row-major. */
class array {
 public:
  explicit array(vae_array *handle) : handle_(handle), view_(detail::sized<vae_tensor>()) {
    detail::call(vae_array_view, static_cast<const vae_array *>(handle), &view_);
  }

  span<const std::int64_t> shape() const noexcept {
    return {view_.shape, static_cast<std::size_t>(view_.rank)};
  }
  std::int32_t dtype() const noexcept { return view_.dtype; }

  std::size_t size() const noexcept {
    std::size_t count = 1;
    for (const auto size : shape()) count *= static_cast<std::size_t>(size);
    return count;
  }

  /* The elements.
   * Throws vae::error with VAE_ERR_INVALID_ARGUMENT where they are of another type. */
  template <class T>
  span<const T> values() const {
    if (dtype_of<T> != view_.dtype) {
      throw error(
          VAE_ERR_INVALID_ARGUMENT, "vae::array: the elements have the dtype "
                                        + std::to_string(view_.dtype) + ", not "
                                        + std::to_string(dtype_of<T>));
    }
    return {
        reinterpret_cast<const T *>(static_cast<const char *>(view_.data) + view_.byte_offset),
        size()};
  }

  /* The array as an argument, as long as it lives. */
  tensor view() const { return tensor(view_); }

  /* A DLPack tensor that shares the memory, to be released by its own deleter. */
  DLManagedTensor *to_dlpack() const {
    DLManagedTensor *found = nullptr;
    detail::call(vae_array_to_dlpack, static_cast<const vae_array *>(handle_.get()), &found);
    return found;
  }

  DLManagedTensorVersioned *to_dlpack_versioned() const {
    DLManagedTensorVersioned *found = nullptr;
    detail::call(
        vae_array_to_dlpack_versioned, static_cast<const vae_array *>(handle_.get()), &found);
    return found;
  }

  vae_array *get() const noexcept { return handle_.get(); }

 private:
  detail::handle<vae_array, vae_array_free> handle_;
  vae_tensor view_;
};

/* -------------------------------------------------------------------------------- variants and components */

/* Hyper-parameters by name, with values as text: {{"latent", "8"}}. */
using settings = std::vector<std::pair<std::string, std::string>>;

namespace detail {

inline std::vector<vae_setting> raw(const settings &list) {
  std::vector<vae_setting> found;
  found.reserve(list.size());
  for (const auto &[key, value] : list) found.push_back({key.c_str(), value.c_str()});
  return found;
}

}  // namespace detail

inline void load_plugin(const std::string &path) { detail::call(vae_load_plugin, path.c_str()); }

inline void register_plugin(vae_plugin_entry_function entry, const std::string &name) {
  detail::call(vae_register_plugin, entry, name.c_str());
}

inline std::string list_variants_json() { return detail::text(vae_list_variants_json); }

inline std::string list_components_json(const std::string &role) {
  return detail::text(vae_list_components_json, role.c_str());
}

inline std::string list_metrics_json() { return detail::text(vae_list_metrics_json); }

inline std::string describe_json(const std::string &variant) {
  return detail::text(vae_describe_json, variant.c_str());
}

inline std::string recipe_json(const std::string &variant, const settings &list = {}) {
  const auto raw = detail::raw(list);
  return detail::text(vae_recipe_json, variant.c_str(), raw.data(), raw.size());
}

/* ------------------------------------------------------------------------------------------------------ data */

/* Images to train on and to measure with. */
class data {
 public:
  /* What `vae-zoo train --data` takes. */
  static data open(const std::string &source, const call_options &options = {}) {
    const auto call = detail::raw(options);
    vae_data *found = nullptr;
    detail::call(vae_data_open_with, source.c_str(), &call, &found);
    return data(found);
  }

  /* Images in memory, which must outlive the object and every call that uses it. */
  static data from_tensors(const tensor &train, std::int32_t range = VAE_RANGE_AUTO) {
    return from(train, nullptr, range);
  }

  static data from_tensors(
      const tensor &train, const tensor &test, std::int32_t range = VAE_RANGE_AUTO) {
    return from(train, &test, range);
  }

  /* Images of which something is known beside them, such as labels of std::int32_t, which is copied; class_names: of the
   * classes of labels, none where class k is called "k". */
  static data from_told_tensors(
      const tensor &train, const tensor &condition, std::int32_t range = VAE_RANGE_AUTO,
      const std::vector<std::string> &class_names = {}) {
    const auto images = train.raw();
    const auto known = condition.raw();
    std::vector<const char *> names;
    for (const auto &name : class_names) names.push_back(name.c_str());
    auto options = detail::sized<vae_data_options>();
    options.range = range;
    options.train_condition = &known;
    options.class_names = names.empty() ? nullptr : names.data();
    options.class_name_count = names.size();
    vae_data *found = nullptr;
    detail::call(
        vae_data_from_tensors_with, &images, static_cast<const vae_tensor *>(nullptr),
        static_cast<const vae_data_options *>(&options), &found);
    return data(found);
  }

  /* Rows of a table, [N, columns], which must outlive the object and every call that uses it; columns: what they are, as
   * vae_data_options describes it. */
  static data from_table(const tensor &rows, const std::string &columns) {
    const auto numbers = rows.raw();
    auto options = detail::sized<vae_data_options>();
    options.columns_json = columns.c_str();
    vae_data *found = nullptr;
    detail::call(
        vae_data_from_tensors_with, &numbers, static_cast<const vae_tensor *>(nullptr),
        static_cast<const vae_data_options *>(&options), &found);
    return data(found);
  }

  vae_data_info describe() const {
    auto info = detail::sized<vae_data_info>();
    detail::call(vae_data_describe, get_const(), &info);
    return info;
  }

  /* What is known of images of a split, [count, condition_width]. */
  array conditions(const std::string &split, std::int64_t first, std::int64_t count) const {
    vae_array *found = nullptr;
    detail::call(vae_data_conditions, get_const(), split.c_str(), first, count, &found);
    return array(found);
  }

  /* Images of a split, "train", "valid" or "test". */
  array images(const std::string &split, std::int64_t first, std::int64_t count) const {
    vae_array *found = nullptr;
    detail::call(vae_data_images, get_const(), split.c_str(), first, count, &found);
    return array(found);
  }

  vae_data *get() const noexcept { return handle_.get(); }

 private:
  explicit data(vae_data *handle) : handle_(handle) {}

  static data from(const tensor &train, const tensor *test, std::int32_t range) {
    const auto images = train.raw();
    const auto held_out = test ? test->raw() : vae_tensor{};
    vae_data *found = nullptr;
    detail::call(
        vae_data_from_tensors, &images, test ? &held_out : static_cast<const vae_tensor *>(nullptr),
        range, &found);
    return data(found);
  }

  const vae_data *get_const() const noexcept { return handle_.get(); }

  detail::handle<vae_data, vae_data_free> handle_;
};

/* ------------------------------------------------------------------------------------------------- measuring */

/* Numbers by name. */
class metrics {
 public:
  explicit metrics(vae_metrics *handle) : handle_(handle) {}

  /* One number. Throws vae::error with VAE_ERR_NOT_FOUND where there is none of the name. */
  double operator[](const std::string &name) const {
    double value = 0;
    detail::call(
        vae_metrics_get, static_cast<const vae_metrics *>(handle_.get()), name.c_str(), &value);
    return value;
  }

  std::string json() const {
    return detail::text(vae_metrics_json, static_cast<const vae_metrics *>(handle_.get()));
  }

  vae_metrics *get() const noexcept { return handle_.get(); }

 private:
  detail::handle<vae_metrics, vae_metrics_free> handle_;
};

/* What to measure. */
struct evaluation_options {
  std::int32_t importance_samples = 0;
  std::string split{};
  std::uint64_t seed = 0;
  /* Names with commas between them; empty for all that the model and the data allow. */
  std::string metrics{};
  /* The file of a frozen network by which images are compared, empty for none, and its layer, empty for the one that
   * stands for the image. */
  std::string network{};
  std::string network_layer{};
};

/* A classifier of labelled images, which models are measured by as a frozen network. */
class classifier {
 public:
  explicit classifier(vae_classifier *handle) : handle_(handle) {}

  /* Trains one on the labels of some data; list as `vae-zoo classifier --set` takes it. */
  static classifier train(
      const data &images, const settings &list = {}, const call_options &options = {}) {
    const auto set = detail::raw(list);
    const auto call = detail::raw(options);
    vae_classifier *found = nullptr;
    detail::call(
        vae_classifier_train, static_cast<const vae_data *>(images.get()), set.data(), set.size(),
        &call, &found);
    return classifier(found);
  }

  /* The classifier of a file. */
  static classifier open(const std::string &path) {
    vae_classifier *found = nullptr;
    detail::call(vae_classifier_open, path.c_str(), &found);
    return classifier(found);
  }

  void save(const std::string &path) const {
    detail::call(
        vae_classifier_save, static_cast<const vae_classifier *>(handle_.get()), path.c_str());
  }

  /* The probability of each class, [N, classes]. */
  array probabilities(const tensor &images, const call_options &options = {}) const {
    const auto raw = images.raw();
    const auto call = detail::raw(options);
    vae_array *found = nullptr;
    detail::call(
        vae_classifier_probabilities, static_cast<const vae_classifier *>(handle_.get()), &raw,
        &call, &found);
    return array(found);
  }

  /* Classes, and how well the zoo's own finds them. */
  std::string json() const {
    return detail::text(
        vae_classifier_json, static_cast<const vae_classifier *>(handle_.get()));
  }

  vae_classifier *get() const noexcept { return handle_.get(); }

 private:
  detail::handle<vae_classifier, vae_classifier_free> handle_;
};

/* How unusual images are measured: "nll", "elbo", "regret", "ratio" or "typicality"; zero and empty for the
 * defaults. */
struct score_options {
  std::string method{};
  std::int32_t importance_samples = 0;
  std::int32_t steps = 0;
  std::uint64_t seed = 0;
  /* What "typicality" compares with, what a conditional model is told of it, and how many images are a group. */
  const tensor *reference = nullptr;
  const tensor *reference_condition = nullptr;
  std::int32_t group = 0;
};

/* How missing values are filled in; zero for the defaults. */
struct imputation_options {
  std::int32_t importance_samples = 0;
  std::uint64_t seed = 0;
  /* The true values, to measure the error by; nullptr where nobody knows them. */
  const tensor *truth = nullptr;
};

/* What an encoder says about images. */
class encoding {
 public:
  explicit encoding(vae_encoding *handle) : handle_(handle) {}

  /* A part, VAE_ENCODING_…; nothing where the model has no such thing. */
  std::optional<array> part(std::int32_t part, std::int64_t layer = 0) const {
    vae_array *found = nullptr;
    try {
      detail::call(
          vae_encoding_get, static_cast<const vae_encoding *>(handle_.get()), part, layer, &found);
    } catch (const error &failure) {
      if (failure.status() == VAE_ERR_NOT_FOUND) return std::nullopt;
      throw;
    }
    return array(found);
  }

  std::optional<array> mean() const { return part(VAE_ENCODING_MEAN); }
  std::optional<array> variance() const { return part(VAE_ENCODING_VARIANCE); }
  std::optional<array> codes() const { return part(VAE_ENCODING_CODES); }
  std::optional<array> sample(std::int64_t layer = 0) const { return part(VAE_ENCODING_SAMPLE, layer); }

  vae_encoding *get() const noexcept { return handle_.get(); }

 private:
  detail::handle<vae_encoding, vae_encoding_free> handle_;
};

/* ---------------------------------------------------------------------------------------------------- models */

/* What a new model is: a variant or a recipe, for the images of `images`, or for those that sizes and range describe. */
struct model_options {
  std::string variant{};
  std::string recipe_json{};
  settings set{};
  const data *images = nullptr;
  std::int32_t range = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::uint64_t seed = 0;
  /* A run folder or an exported file whose weights take the place of fresh ones; empty for none. */
  std::string from_weights{};
};

/* A model with its weights. */
class model {
 public:
  /* A model with fresh weights. */
  static model create(const model_options &options) {
    const auto list = detail::raw(options.set);
    auto raw = detail::sized<vae_model_options>();
    raw.range = options.range;
    raw.variant = detail::c_string(options.variant);
    raw.recipe_json = detail::c_string(options.recipe_json);
    raw.settings = list.data();
    raw.setting_count = list.size();
    raw.height = options.height;
    raw.width = options.width;
    raw.channels = options.channels;
    raw.seed = options.seed;
    raw.data = options.images ? options.images->get() : nullptr;
    raw.from_weights = detail::c_string(options.from_weights);
    vae_model *found = nullptr;
    detail::call(vae_model_create, static_cast<const vae_model_options *>(&raw), &found);
    return model(found);
  }

  /* A variant for the images of some data. */
  static model create(const std::string &variant, const data &images, const settings &list = {}) {
    model_options options;
    options.variant = variant;
    options.set = list;
    options.images = &images;
    return create(options);
  }

  /* The model of a run folder or an exported file. */
  static model load(const std::string &path, const call_options &options = {}) {
    const auto call = detail::raw(options);
    vae_model *found = nullptr;
    detail::call(vae_model_load_with, path.c_str(), &call, &found);
    return model(found);
  }

  /* The model in the bytes of an exported file. */
  static model load_memory(span<const std::uint8_t> bytes) {
    vae_model *found = nullptr;
    detail::call(
        vae_model_load_memory, static_cast<const void *>(bytes.data()), bytes.size(), &found);
    return model(found);
  }

  /* The model that weights of another program make, such as Stable Diffusion's autoencoder. */
  static model import_weights(
      const std::string &path, const settings &set = {}, std::int64_t size = 0,
      const call_options &options = {}) {
    const auto raw = detail::raw(set);
    const auto call = detail::raw(options);
    vae_model *found = nullptr;
    detail::call(vae_model_import, path.c_str(), size, raw.data(), raw.size(), &call, &found);
    return model(found);
  }

  /* The model of a further stage, with the weights of this one. */
  model create_stage(const std::string &stage, const settings &list = {}) {
    const auto raw = detail::raw(list);
    vae_model *found = nullptr;
    detail::call(vae_model_create_stage, get(), stage.c_str(), raw.data(), raw.size(), &found);
    return model(found);
  }

  /* The same of a stage that is told a condition which this model is not: that of the data. */
  model create_stage(const std::string &stage, data &source, const settings &list = {}) {
    const auto raw = detail::raw(list);
    vae_model *found = nullptr;
    detail::call(
        vae_model_create_stage_on, get(), stage.c_str(), source.get(), raw.data(), raw.size(), &found);
    return model(found);
  }

  void save(const std::string &path) { detail::call(vae_model_save, get(), path.c_str()); }

  /* Writes files that another program reads, in a form such as "diffusers". */
  void export_weights(const std::string &path, const std::string &form) {
    detail::call(vae_model_export, get(), path.c_str(), form.c_str());
  }

  /* The bytes of the file that save writes. */
  array save_memory() {
    vae_array *found = nullptr;
    detail::call(vae_model_save_memory, get(), &found);
    return array(found);
  }

  vae_model_info describe() const {
    auto info = detail::sized<vae_model_info>();
    detail::call(vae_model_describe, get_const(), &info);
    return info;
  }

  std::string recipe_json() const { return detail::text(vae_model_recipe_json, get_const()); }

  std::string tensor_name(std::int64_t index) const {
    return detail::text(vae_model_tensor_name, get_const(), index);
  }

  /* The names of all parameters and buffers. */
  std::vector<std::string> tensor_names() const {
    std::vector<std::string> names;
    const auto count = describe().tensor_count;
    for (std::int64_t index = 0; index < count; index++) names.push_back(tensor_name(index));
    return names;
  }

  array get_tensor(const std::string &name) {
    vae_array *found = nullptr;
    detail::call(vae_model_get_tensor, get(), name.c_str(), &found);
    return array(found);
  }

  void set_tensor(const std::string &name, const tensor &values) {
    const auto raw = values.raw();
    detail::call(vae_model_set_tensor, get(), name.c_str(), &raw);
  }

  metrics evaluate(
      const data &images, const evaluation_options &options = {}, const call_options &call_options = {}) {
    auto raw = detail::sized<vae_evaluation_options>();
    raw.importance_samples = options.importance_samples;
    raw.split = detail::c_string(options.split);
    raw.seed = options.seed;
    raw.metrics = detail::c_string(options.metrics);
    raw.network = detail::c_string(options.network);
    raw.network_layer = detail::c_string(options.network_layer);
    const auto call = detail::raw(call_options);
    vae_metrics *found = nullptr;
    detail::call(
        vae_evaluate_with, get(), static_cast<const vae_data *>(images.get()),
        static_cast<const vae_evaluation_options *>(&raw), &call, &found);
    return metrics(found);
  }

  vae::encoding encode(
      const tensor &images, std::uint64_t seed = 0, const call_options &options = {}) {
    const auto raw = images.raw();
    const auto call = detail::raw(options);
    vae_encoding *found = nullptr;
    detail::call(vae_encode_with, get(), &raw, seed, &call, &found);
    return vae::encoding(found);
  }

  /* The mean images of latents, a tensor for each stochastic layer, the one nearest to the data first. */
  array decode(
      const std::vector<tensor> &latents, std::uint64_t seed = 0, const call_options &options = {}) {
    std::vector<vae_tensor> layers;
    for (const auto &layer : latents) layers.push_back(layer.raw());
    std::vector<const vae_tensor *> pointers;
    for (const auto &layer : layers) pointers.push_back(&layer);
    const auto call = detail::raw(options);
    vae_array *found = nullptr;
    detail::call(
        vae_decode_with, get(), static_cast<const vae_tensor *const *>(pointers.data()),
        static_cast<std::int64_t>(pointers.size()), seed, &call, &found);
    return array(found);
  }

  /* What the encoder says about pictures of any size [N, height, width, channels], for a model whose latents are a map;
   * `scaled` for latents as a model that is trained on them takes them. */
  vae::encoding encode_pictures(
      const tensor &pictures, bool scaled = false, std::uint64_t seed = 0,
      const call_options &options = {}) {
    const auto raw = pictures.raw();
    const auto call = detail::raw(options);
    vae_encoding *found = nullptr;
    detail::call(
        vae_encode_pictures, get(), &raw, static_cast<std::int32_t>(scaled), seed, &call, &found);
    return vae::encoding(found);
  }

  /* The pictures of latents [N, rows, columns, channels]: floats between 0 and 1, or bytes where dtype is VAE_UINT8.
   * height and width are those of the pictures where they are smaller than the places of the latents. */
  array decode_pictures(
      const tensor &latents, bool scaled = false, std::int32_t dtype = VAE_FLOAT32,
      std::int64_t height = 0, std::int64_t width = 0, const call_options &options = {}) {
    const auto raw = latents.raw();
    const auto call = detail::raw(options);
    vae_array *found = nullptr;
    detail::call(
        vae_decode_pictures, get(), &raw, static_cast<std::int32_t>(scaled), height, width, dtype,
        &call, &found);
    return array(found);
  }

  array reconstruct(const tensor &images, std::uint64_t seed = 0, const call_options &options = {}) {
    const auto raw = images.raw();
    const auto call = detail::raw(options);
    vae_array *found = nullptr;
    detail::call(vae_reconstruct_with, get(), &raw, seed, &call, &found);
    return array(found);
  }

  array sample(
      std::int64_t count, double temperature = 1, std::uint64_t seed = 0,
      const call_options &options = {}) {
    const auto call = detail::raw(options);
    vae_array *found = nullptr;
    detail::call(vae_sample_with, get(), count, temperature, seed, &call, &found);
    return array(found);
  }

  /* log p(x) of each image in nats, of double: with zero samples the evidence lower bound. */
  array log_likelihood(
      const tensor &images, std::int32_t samples = 0, std::uint64_t seed = 0,
      const call_options &options = {}) {
    const auto raw = images.raw();
    const auto call = detail::raw(options);
    vae_array *found = nullptr;
    detail::call(vae_log_likelihood_with, get(), &raw, samples, seed, &call, &found);
    return array(found);
  }

  /* How unusual each image is, in nats, of double. background: what "ratio" compares with, nullptr otherwise. */
  array score(
      const tensor &images, const score_options &options = {}, const model *background = nullptr,
      const call_options &call_options = {}) {
    const auto raw = images.raw();
    auto given = detail::sized<vae_score_options>();
    given.method = detail::c_string(options.method);
    given.importance_samples = options.importance_samples;
    given.steps = options.steps;
    given.seed = options.seed;
    given.background = background ? background->get() : nullptr;
    given.group = options.group;
    const auto usual = options.reference ? options.reference->raw() : vae_tensor{};
    if (options.reference) given.reference = &usual;
    const auto told = options.reference_condition ? options.reference_condition->raw() : vae_tensor{};
    if (options.reference_condition) given.reference_condition = &told;
    const auto call = detail::raw(call_options);
    vae_array *found = nullptr;
    detail::call(
        vae_score, get(), &raw, static_cast<const vae_score_options *>(&given), &call, &found);
    return array(found);
  }

  /* Fills in what is missing, which NaN stands for; see vae_impute. found: where what was measured goes, nullptr for
   * nowhere. */
  array impute(
      const tensor &images, const imputation_options &options = {},
      std::optional<metrics> *found = nullptr,
      const call_options &call_options = {}) {
    const auto raw = images.raw();
    auto given = detail::sized<vae_imputation_options>();
    given.importance_samples = options.importance_samples;
    given.seed = options.seed;
    vae_tensor truth{};
    if (options.truth) {
      truth = options.truth->raw();
      given.truth = &truth;
    }
    const auto call = detail::raw(call_options);
    vae_array *filled = nullptr;
    vae_metrics *measured = nullptr;
    detail::call(
        vae_impute, get(), &raw, static_cast<const vae_imputation_options *>(&given), &call, &filled,
        found ? &measured : nullptr);
    array result(filled);
    if (found) found->emplace(measured);
    return result;
  }

  vae_model *get() const noexcept { return handle_.get(); }

 private:
  explicit model(vae_model *handle) : handle_(handle) {}

  const vae_model *get_const() const noexcept { return handle_.get(); }

  detail::handle<vae_model, vae_model_free> handle_;
};

/* -------------------------------------------------------------------------------------------------- training */

/* How to train; what is zero or empty is what the recipe says. */
struct trainer_options {
  settings set{};
  std::int64_t epochs = 0;
  std::int64_t batch_size = 0;
  double learning_rate = 0;
  std::uint64_t seed = 0;
  /* A folder for metrics and checkpoints; empty for none. */
  std::string run{};
  std::int32_t existing_run = VAE_RUN_REFUSE;
  /* A folder outside of the run folder in which its checkpoints are kept; empty for none. */
  std::string checkpoint_dir{};
  /* What connects this process with others that train the same model; null for none. It is copied; its user_data and
   * functions must live as long as the trainer. */
  const vae_communicator *communicator = nullptr;
};

/* Training of a model, which it keeps alive, on data, which must outlive it where they are images in memory. */
class trainer {
 public:
  /* Told after every update and at the end of every epoch; returns false to stop. */
  using progress_function = std::function<bool(const vae_progress &)>;

  trainer(const model &subject, const data &images, const trainer_options &options = {}) {
    const auto list = detail::raw(options.set);
    auto raw = detail::sized<vae_trainer_options>();
    raw.existing_run = options.existing_run;
    raw.settings = list.data();
    raw.setting_count = list.size();
    raw.epochs = options.epochs;
    raw.batch_size = options.batch_size;
    raw.learning_rate = options.learning_rate;
    raw.seed = options.seed;
    raw.communicator = options.communicator;
    raw.run = detail::c_string(options.run);
    raw.checkpoint_dir = detail::c_string(options.checkpoint_dir);
    vae_trainer *found = nullptr;
    detail::call(
        vae_trainer_create, subject.get(), static_cast<const vae_data *>(images.get()),
        static_cast<const vae_trainer_options *>(&raw), &found);
    handle_.reset(found);
  }

  /* One update on the next batch, and the terms of that batch. */
  vae_bound step() {
    auto bound = detail::sized<vae_bound>();
    detail::call(vae_trainer_step, get(), &bound);
    return bound;
  }

  /* One update on a batch of the caller's. */
  vae_bound step_on(const tensor &batch) {
    const auto raw = batch.raw();
    auto bound = detail::sized<vae_bound>();
    detail::call(vae_trainer_step_on, get(), &raw, &bound);
    return bound;
  }

  /* The same for a model that is told a condition, one for each image: classes, or rows of numbers. */
  vae_bound step_on(const tensor &batch, const tensor &condition) {
    const auto raw = batch.raw();
    const auto told = condition.raw();
    auto options = detail::sized<vae_call_options>();
    options.condition = &told;
    auto bound = detail::sized<vae_bound>();
    detail::call(vae_trainer_step_on_with, get(), &raw, &options, &bound);
    return bound;
  }

  /* Trains to the end. */
  void fit(const progress_function &progress = {}, const cancel_token *token = nullptr) {
    const vae_progress_callback told = [](const vae_progress *so_far, void *user_data) {
      return detail::guarded([&]() -> std::int32_t {
        return (*static_cast<const progress_function *>(user_data))(*so_far) ? 0 : 1;
      });
    };
    detail::call(
        vae_trainer_fit, get(), progress ? told : nullptr,
        static_cast<void *>(const_cast<progress_function *>(&progress)), detail::raw(token));
  }

  /* Something measured so far. Throws vae::error with VAE_ERR_NOT_FOUND before there is such a number. */
  double metric(const std::string &name) const {
    double value = 0;
    detail::call(
        vae_trainer_metric, static_cast<const vae_trainer *>(handle_.get()), name.c_str(), &value);
    return value;
  }

  /* The record of the last finished epoch, "null" before there is one. */
  std::string record_json() const {
    return detail::text(vae_trainer_record_json, static_cast<const vae_trainer *>(handle_.get()));
  }

  vae_trainer *get() const noexcept { return handle_.get(); }

 private:
  detail::handle<vae_trainer, vae_trainer_free> handle_;
};

/* ---------------------------------------------------------------------------------------------------- timing */

/* Runs a reference workload. */
inline metrics bench(const std::string &workload, const cancel_token *token = nullptr) {
  vae_metrics *found = nullptr;
  detail::call(vae_bench, workload.c_str(), detail::raw(token), &found);
  return metrics(found);
}

}  // namespace vae

#endif /* VAE_HPP */
