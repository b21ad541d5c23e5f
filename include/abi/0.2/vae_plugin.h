/*
 * vae_plugin.h: components of variational autoencoders, written outside of the VAE zoo.
 *
 * A plug-in is a shared object with one exported symbol, vae_plugin_entry, which gives a description of what it brings:
 * encoders, priors, decoders, likelihoods, objectives, and whole variants that are put together from them and from
 * built-in ones. It links against nothing: what it computes with comes in a table of functions, vae_host. The tape
 * records those operations, so that a plug-in writes no gradients. What the table lacks is added by `custom`, with a
 * forward and a backward pass of the author's own over plain floats.
 *
 *     cc -std=c11 -O2 -shared -fPIC -fvisibility=hidden -o mine.so mine.c
 *     vae-zoo plugin check mine.so
 *     vae-zoo train gaussian-vae --plugin mine.so --set likelihood=laplace --data shapes --out run
 *
 * Rules that hold everywhere
 *
 *   Rows        Every value that a method receives has the same number of rows, which is its first axis: K draws for
 *               N examples are K * N rows, draw by draw, and row k * N + n belongs to example n. K is one unless an
 *               objective asks for more, or importance weights are computed.
 *   Numbers     Values are float32, dense and row-major, channels last: images [rows, height, width, channels].
 *               Densities and rates are in nats, with all constants. A value has at most 8 axes and 2^30 elements.
 *   Failure     An operation with a wrong shape, or with NULL for a value, gives NULL, and so does everything that is
 *               computed from it: a method may compute to its end and return what it has. The first failure of a call
 *               is remembered, and becomes the error of the training, the command or the function of vae.h that
 *               needed the result. `fail` adds a reason of the author's own. Nothing that a plug-in gives back stops
 *               the process: a wrong shape is such an error, and numbers that are not finite stop the training.
 *   Exceptions  No exception of C++, and no longjmp, may leave a function of a plug-in: catch inside, and use `fail`
 *               or `fail_pass`. What leaves one ends the process.
 *   Ownership   Values and passes are valid until the method that received them returns; a vae_build until the
 *               factory returns; a vae_parameter and what a factory returned until destroy. Stale ones are found out.
 *               Text and arrays that are handed to the host are copied, so they need to be valid during the call
 *               only; functions and user_data must stay valid as long as the process.
 *   Threads     Methods of one object are never called at the same time. Factories, and methods of different objects,
 *               may be called from different threads at the same time: keep state in the object. A pass may be used on
 *               the thread that received it only.
 *   Structs     Structs that begin with struct_size, which is set to sizeof, may grow at their ends; in arrays of
 *               such structs all elements have the same struct_size. A field that is zero has its default.
 *   Randomness  comes from `normal` and `uniform`, which follow from the seed, the step and the examples, so that
 *               the same training gives the same bits. A method that draws from another source breaks that.
 *   Versions    A host takes plug-ins of its own major version. From 0.1 on, minor versions only add, so that a plug-in
 *               runs in every later host of its major version. One that was built for a later minor version than the
 *               host's looks at host->abi_version, or host->struct_size, before it uses what that version brought.
 *
 * docs/plugins.md has an introduction, Examples/plugin-c a complete plug-in.
 */
#ifndef VAE_PLUGIN_H
#define VAE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the interface that this header describes: major * 65536 + minor. Minor versions only add. */
#define VAE_PLUGIN_ABI_MAJOR 0
#define VAE_PLUGIN_ABI_MINOR 2
#define VAE_PLUGIN_ABI_VERSION (VAE_PLUGIN_ABI_MAJOR * 65536 + VAE_PLUGIN_ABI_MINOR)

/* Stands before vae_plugin_entry, so that it alone is exported under -fvisibility=hidden. */
#if defined(__GNUC__) || defined(__clang__)
#define VAE_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define VAE_PLUGIN_EXPORT
#endif

/* A component while its factory runs: what it may ask about the model, and where it makes its parameters. */
typedef struct vae_build vae_build;

/* A call of one of its methods. */
typedef struct vae_pass vae_pass;

/* Numbers within a pass, with the tape behind them. */
typedef struct vae_value vae_value;

/* Numbers that stay from pass to pass and are stored with the model: trained ones, or statistics. */
typedef struct vae_parameter vae_parameter;

/* A function of whatever signature; in C, cast it: (vae_function)make. */
typedef void (*vae_function)(void);

/* ------------------------------------------------------------------------------------- hyper-parameters */

/* The type of a hyper-parameter, with the C type that a factory receives. */
#define VAE_TYPE_I32 1    /* int32_t */
#define VAE_TYPE_I64 2    /* int64_t */
#define VAE_TYPE_U64 3    /* uint64_t, to 2^63 - 1, which is as far as recipes go */
#define VAE_TYPE_F32 4    /* float */
#define VAE_TYPE_F64 5    /* double */
#define VAE_TYPE_BOOL 6   /* int32_t, 0 or 1 */
#define VAE_TYPE_STRING 7 /* const char *, UTF-8, valid until the factory returns */
#define VAE_TYPE_I64S 8   /* const int64_t *, size_t: two arguments; valid until the factory returns */

/* A hyper-parameter: a member of recipes, a key for --set, an argument of the factory. */
typedef struct vae_hyperparameter {
  uint32_t struct_size;
  int32_t type;     /* VAE_TYPE_… */
  const char *name; /* in snake_case; one that is a shorthand, such as "latent" or "hidden", is reached by it */
  const char *help; /* one line: what it does */

  /* VAE_TYPE_I32, I64, U64 and BOOL, and the elements of VAE_TYPE_I64S, which have no default_integer. Where minimum
   * and maximum are both zero, all numbers of the type are allowed. BOOL has the default alone. */
  int64_t default_integer;
  int64_t minimum_integer;
  int64_t maximum_integer;

  /* VAE_TYPE_F32 and F64. Where minimum and maximum are both zero, all finite numbers of the type are allowed. */
  double default_number;
  double minimum_number;
  double maximum_number;

  /* VAE_TYPE_STRING: one of the choices, or any text of at most 4096 bytes where there are none. */
  const char *default_text; /* NULL for the first choice, or "" */
  const char *const *choices;
  uint64_t choice_count;

  /* VAE_TYPE_I64S: how many numbers, and the default ones. */
  const int64_t *default_values;
  uint64_t default_count;
  uint64_t minimum_count;
  uint64_t maximum_count; /* zero for 64 */
} vae_hyperparameter;

/* The value of a hyper-parameter, for factories that receive all of them as an array. */
typedef struct vae_argument {
  int32_t type; /* VAE_TYPE_…, which says which of these it is */
  int32_t reserved;
  int64_t integer;       /* I32, I64, U64, BOOL */
  double number;         /* F32, F64 */
  const char *text;      /* STRING; valid until the factory returns */
  const int64_t *values; /* I64S; valid until the factory returns */
  uint64_t count;
} vae_argument;

/* ---------------------------------------------------------------------------------------------- the host */

/* What images, latents and likelihood a component is made for. */
typedef struct vae_build_info {
  uint32_t struct_size; /* set before asking */
  int32_t range;        /* of the data's values: VAE_VALUES_… */
  int64_t height;
  int64_t width;
  int64_t channels;
  /* The latents, known to all but priors. */
  int32_t latents;       /* VAE_LATENTS_… */
  int32_t stacks_layers; /* 1 where there are several stochastic layers */
  int64_t latent_size;   /* numbers that a decoder receives for an example, and units that an encoder proposes */
  int64_t grid_height;   /* of codes */
  int64_t grid_width;
  int64_t vector_size; /* numbers that a code stands for */
  int64_t code_count;  /* different codes */
  /* The likelihood, known to encoders, decoders and objectives. */
  int64_t parameters_per_pixel; /* numbers that a decoder gives for a pixel */
  int64_t condition_width; /* numbers that `condition` gives for an example; zero for a model of p(x). Since 0.2 */
} vae_build_info;

#define VAE_VALUES_BINARY 1 /* zeros and ones */
#define VAE_VALUES_UNIT 2   /* between zero and one */
#define VAE_VALUES_REAL 3   /* any finite numbers */

#define VAE_LATENTS_UNKNOWN 0 /* where a prior is made, which decides them */
#define VAE_LATENTS_NONE 1    /* a model without latents */
#define VAE_LATENTS_UNITS 2   /* one layer of real units */
#define VAE_LATENTS_STACK 3   /* several layers; no encoder of a plug-in can propose them */
#define VAE_LATENTS_CODES 4   /* a grid of discrete codes, each standing for a vector */

/* What a pass is made for. */
typedef struct vae_pass_info {
  uint32_t struct_size; /* set before asking */
  int32_t mode;         /* VAE_MODE_… */
  int64_t step;         /* updates made before */
  double epochs;        /* passes over the training data made before, with the fraction of the present one */
  int64_t rows;         /* draws * examples: the first axis of every value given and expected */
  int64_t draws;        /* draws of each example */
} vae_pass_info;

#define VAE_MODE_TRAINING 1
#define VAE_MODE_EVALUATION 2
#define VAE_MODE_CALIBRATION 3 /* as training, to gather statistics */

/* How a parameter begins. Fan-in and fan-out are those of dense weights [inputs, outputs] and of convolution weights
 * [outputs, inputs, height, width]; of other shapes, all elements but those of the first axis, and that axis. */
#define VAE_INIT_CONSTANT 1       /* `value` everywhere */
#define VAE_INIT_NORMAL 2         /* normal with the deviation `value` */
#define VAE_INIT_UNIFORM 3        /* uniform between -value and value */
#define VAE_INIT_LECUN_UNIFORM 4  /* uniform, variance 1 / (3 fan-in); before rectifiers and the like */
#define VAE_INIT_GLOROT_UNIFORM 5 /* uniform, variance 2 / (fan-in + fan-out); before tanh and sigmoid */
#define VAE_INIT_HE_NORMAL 6      /* normal, variance 2 / fan-in */

/* What else a parameter is; these add up. */
#define VAE_PARAMETER_NOT_DECAYED 1 /* weight decay leaves it alone, as biases and scales */
#define VAE_PARAMETER_BUFFER 2      /* saved but not trained: only `assign` changes it */

/* An activation, with its number where it has one. */
#define VAE_ACTIVATION_NONE 0
#define VAE_ACTIVATION_RELU 1
#define VAE_ACTIVATION_LEAKY_RELU 2 /* x > 0 ? x : number * x */
#define VAE_ACTIVATION_ELU 3        /* x > 0 ? x : number * (exp(x) - 1) */
#define VAE_ACTIVATION_GELU 4
#define VAE_ACTIVATION_SILU 5
#define VAE_ACTIVATION_TANH 6
#define VAE_ACTIVATION_SIGMOID 7
#define VAE_ACTIVATION_SOFTPLUS 8

/* Strides and zero padding of a convolution. */
typedef struct vae_window {
  int64_t stride_y; /* zero for 1 */
  int64_t stride_x;
  int64_t pad_top;
  int64_t pad_left;
  int64_t pad_bottom;
  int64_t pad_right;
  int64_t output_pad_y; /* transposed convolutions: rows added below, fewer than the stride */
  int64_t output_pad_x;
} vae_window;

/* Plain floats, dense and row-major. */
typedef struct vae_buffer {
  float *data; /* NULL where it is not wanted; only results may be written to */
  const int64_t *shape;
  int64_t rank;
  int64_t count; /* elements */
} vae_buffer;

/* An operation of the author's own. */
typedef struct vae_operation {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name; /* for errors */

  /* Computes all elements of the output from the inputs. Returns 0, or another number for a failure. */
  int32_t (*forward)(
      const vae_buffer *inputs, uint64_t input_count, const vae_buffer *output, void *user_data);

  /* From the gradient of a loss by the output to those by the inputs: writes all elements of every input's gradient
   * whose data is not NULL. Called on any thread after the pass, while the object lives, and not at all where no
   * gradient is needed. NULL for an operation through which no gradient flows. Returns 0, or another number for a
   * failure. */
  int32_t (*backward)(
      const vae_buffer *inputs, uint64_t input_count, const vae_buffer *output,
      const vae_buffer *output_gradient, const vae_buffer *input_gradients, void *user_data);
} vae_operation;

/* A function of numbers, behind a pointer that `closure` makes. arguments: for each argument a pointer to it, of its C
 * type. result: where to write the result, of its C type; NULL for a function without one. */
typedef void (*vae_closure)(void *result, void *const *arguments, void *user_data);

/* Types for `closure` beside VAE_TYPE_I32 to VAE_TYPE_F64. */
#define VAE_TYPE_VOID 0     /* as a result */
#define VAE_TYPE_POINTER 16 /* void * */

/* The functions of the host. The table lives as long as the process.
 *
 * A value that is returned is NULL after a failure. Axes may be negative: -1 is the last one. Pairs of values
 * broadcast by NumPy's rule. Gradients flow through every operation unless it says otherwise. */
typedef struct vae_host {
  uint32_t struct_size;
  uint32_t abi_version; /* major * 65536 + minor */

  /* -- In a factory ------------------------------------------------------------------------------------ */

  /* Says why the component cannot be made: hyper-parameters that do not fit each other or the model. The factory then
   * returns NULL. message: one line of UTF-8 that says what is wrong and what to do. */
  void (*fail)(vae_build *build, const char *message);
  /* As `fail`, for data that the component cannot take. */
  void (*fail_data)(vae_build *build, const char *message);
  /* Fills in what the component is made for. */
  void (*describe_build)(vae_build *build, vae_build_info *info);
  /* The user_data of the component's description. */
  void *(*user_data)(vae_build *build);
  /* A new parameter. name: in snake_case, letters, digits and '_', unique in the component; its path in checkpoints is
   * the role and the name, such as "prior.means". initializer: VAE_INIT_…, with its value. flags: VAE_PARAMETER_….
   * NULL after a failure. */
  vae_parameter *(*parameter)(
      vae_build *build, const char *name, const int64_t *shape, int64_t rank, int32_t initializer,
      double value, uint32_t flags);
  /* A new parameter with given first values, as many as the shape has elements. */
  vae_parameter *(*parameter_from)(
      vae_build *build, const char *name, const int64_t *shape, int64_t rank, const float *values,
      uint32_t flags);
  /* A plain C function that calls `body` with user_data, for libraries whose callbacks have no such argument. Types:
   * VAE_TYPE_I32 to VAE_TYPE_F64, VAE_TYPE_POINTER, and VAE_TYPE_VOID as a result; at most 16 arguments. Valid as long
   * as the object that is being made. NULL after a failure. */
  vae_function (*closure)(
      vae_build *build, int32_t result_type, const int32_t *argument_types, uint64_t argument_count,
      vae_closure body, void *user_data);

  /* -- In a method ------------------------------------------------------------------------------------- */

  /* Says why the method cannot give a result. message: one line of UTF-8. */
  void (*fail_pass)(vae_pass *pass, const char *message);
  /* Fills in what the pass is made for. */
  void (*describe_pass)(vae_pass *pass, vae_pass_info *info);
  /* The number of axes; -1 for NULL. shape: receives their sizes, room for 8; may be NULL. */
  int64_t (*shape)(vae_pass *pass, vae_value *x, int64_t *shape);
  /* The elements, read only, valid until the method returns; NULL for NULL. */
  const float *(*data)(vae_pass *pass, vae_value *x);
  /* A parameter's numbers at this moment. */
  vae_value *(*use)(vae_pass *pass, vae_parameter *parameter);
  /* Replaces a parameter's numbers by others of its shape. In `begin`, `prepare` and `after_update` only. */
  void (*assign)(vae_pass *pass, vae_parameter *parameter, vae_value *numbers);
  /* Puts a scalar into the record of the training under a name. In the `loss` of an objective only. */
  void (*log_term)(vae_pass *pass, const char *name, vae_value *scalar);

  /* -- Making values: constants ------------------------------------------------------------------------ */

  /* Given numbers, copied. */
  vae_value *(*constant)(
      vae_pass *pass, const float *numbers, const int64_t *shape, int64_t rank);
  /* One number everywhere. */
  vae_value *(*full)(vae_pass *pass, float number, const int64_t *shape, int64_t rank);
  /* Standard normal numbers [rows] + shape, from the stream of this name. */
  vae_value *(*normal)(
      vae_pass *pass, const char *stream, const int64_t *shape, int64_t rank);
  /* Uniform numbers in (0, 1), [rows] + shape. */
  vae_value *(*uniform)(
      vae_pass *pass, const char *stream, const int64_t *shape, int64_t rank);

  /* -- Elementwise functions of one value -------------------------------------------------------------- */

  vae_value *(*negate)(vae_pass *pass, vae_value *x);
  vae_value *(*exp)(vae_pass *pass, vae_value *x);
  vae_value *(*log)(vae_pass *pass, vae_value *x);
  vae_value *(*sqrt)(vae_pass *pass, vae_value *x);
  vae_value *(*square)(vae_pass *pass, vae_value *x);
  vae_value *(*reciprocal)(vae_pass *pass, vae_value *x);
  vae_value *(*abs)(vae_pass *pass, vae_value *x);      /* with derivative zero at zero */
  vae_value *(*sigmoid)(vae_pass *pass, vae_value *x);  /* 1 / (1 + exp(-x)) */
  vae_value *(*tanh)(vae_pass *pass, vae_value *x);
  vae_value *(*softplus)(vae_pass *pass, vae_value *x); /* log(1 + exp(x)), without overflow */
  vae_value *(*sin)(vae_pass *pass, vae_value *x);
  vae_value *(*cos)(vae_pass *pass, vae_value *x);
  vae_value *(*erf)(vae_pass *pass, vae_value *x);
  vae_value *(*lgamma)(vae_pass *pass, vae_value *x); /* log |gamma(x)| */
  /* An activation, VAE_ACTIVATION_…, with its number. */
  vae_value *(*activate)(vae_pass *pass, vae_value *x, int32_t activation, float number);
  /* factor * x + shift */
  vae_value *(*scale)(vae_pass *pass, vae_value *x, float factor, float shift);
  /* x limited to [least, most]; its derivative outside is zero. */
  vae_value *(*clamp)(vae_pass *pass, vae_value *x, float least, float most);
  /* 1 where x > threshold, else 0; no gradient flows. */
  vae_value *(*above)(vae_pass *pass, vae_value *x, float threshold);
  /* The same numbers; no gradient flows. */
  vae_value *(*stop_gradient)(vae_pass *pass, vae_value *x);

  /* -- Elementwise functions of two values, which broadcast -------------------------------------------- */

  vae_value *(*add)(vae_pass *pass, vae_value *a, vae_value *b);
  vae_value *(*subtract)(vae_pass *pass, vae_value *a, vae_value *b);
  vae_value *(*multiply)(vae_pass *pass, vae_value *a, vae_value *b);
  vae_value *(*divide)(vae_pass *pass, vae_value *a, vae_value *b);
  vae_value *(*maximum)(vae_pass *pass, vae_value *a, vae_value *b);
  vae_value *(*minimum)(vae_pass *pass, vae_value *a, vae_value *b);

  /* -- Reductions -------------------------------------------------------------------------------------- */

  /* The sum, mean or largest element along one axis, which disappears unless keeps_axis is not zero. */
  vae_value *(*sum)(vae_pass *pass, vae_value *x, int64_t axis, int32_t keeps_axis);
  vae_value *(*mean)(vae_pass *pass, vae_value *x, int64_t axis, int32_t keeps_axis);
  vae_value *(*largest)(vae_pass *pass, vae_value *x, int64_t axis, int32_t keeps_axis);
  /* The sum of each row: [rows, …] gives [rows]. */
  vae_value *(*row_sums)(vae_pass *pass, vae_value *x);
  /* Of all elements, a scalar. */
  vae_value *(*total)(vae_pass *pass, vae_value *x);
  vae_value *(*average)(vae_pass *pass, vae_value *x);
  /* Over the last axis: log sum exp, which takes the axis away, softmax, and x - log sum exp. */
  vae_value *(*log_sum_exp)(vae_pass *pass, vae_value *x);
  vae_value *(*softmax)(vae_pass *pass, vae_value *x);
  vae_value *(*log_softmax)(vae_pass *pass, vae_value *x);

  /* -- Shapes ------------------------------------------------------------------------------------------ */

  /* The same elements in the same order; one size may be -1, which follows from the others. */
  vae_value *(*reshape)(vae_pass *pass, vae_value *x, const int64_t *shape, int64_t rank);
  /* Read with a larger shape by NumPy's rule. */
  vae_value *(*broadcast)(vae_pass *pass, vae_value *x, const int64_t *shape, int64_t rank);
  /* The axes in another order: axis i of the result is axis order[i] of x, one for each axis. */
  vae_value *(*permute)(vae_pass *pass, vae_value *x, const int64_t *order);
  /* `count` elements of an axis from `first` on. */
  vae_value *(*slice)(vae_pass *pass, vae_value *x, int64_t axis, int64_t first, int64_t count);
  /* Values joined along an axis; the other axes agree. */
  vae_value *(*concatenate)(
      vae_pass *pass, vae_value *const *values, uint64_t count, int64_t axis);
  /* Zeros before and after along an axis. */
  vae_value *(*pad)(vae_pass *pass, vae_value *x, int64_t axis, int64_t before, int64_t after);
  /* Each pixel of [rows, height, width, channels] repeated in a block. */
  vae_value *(*upsample)(vae_pass *pass, vae_value *x, int64_t factor_y, int64_t factor_x);

  /* -- Linear maps; weights, biases and scales are what `use` gives, or computed from it ----------------- */

  /* [m, k] times [k, n]; either is read transposed where asked for. */
  vae_value *(*matmul)(
      vae_pass *pass, vae_value *a, vae_value *b, int32_t transposes_a, int32_t transposes_b);
  /* activation(x * weights + bias): x [..., inputs], weights [inputs, outputs], bias [outputs] or NULL for none. */
  vae_value *(*dense)(
      vae_pass *pass, vae_value *x, vae_value *weights, vae_value *bias,
      int32_t activation, float number);
  /* activation(convolution + bias): x [rows, height, width, inputs], weights [outputs, inputs, height, width]. Each
   * side gets (size + padding - kernel) / stride + 1 pixels, rounded down. window: NULL for strides of one without
   * padding. */
  vae_value *(*convolution)(
      vae_pass *pass, vae_value *x, vae_value *weights, vae_value *bias,
      const vae_window *window, int32_t activation, float number);
  /* The transpose of a convolution: weights [inputs, outputs, height, width]. Each side gets
   * (size - 1) * stride - padding + kernel + output_pad pixels. */
  vae_value *(*transposed_convolution)(
      vae_pass *pass, vae_value *x, vae_value *weights, vae_value *bias,
      const vae_window *window, int32_t activation, float number);
  /* Normalisation of each row's channels in groups, over all pixels, then scale and shift of each channel. x
   * [rows, …, channels]; scale and shift [channels]; groups divides the channels. */
  vae_value *(*group_norm)(
      vae_pass *pass, vae_value *x, int64_t groups, vae_value *scale, vae_value *shift);
  /* Normalisation over the last axis, then scale and shift [channels]. */
  vae_value *(*layer_norm)(
      vae_pass *pass, vae_value *x, vae_value *scale, vae_value *shift);

  /* -- Densities, each one pass over memory ------------------------------------------------------------ */

  /* log N(x; mean, exp(log_variance)) of each row, [rows]. All three have the same shape. */
  vae_value *(*gaussian_log_density)(
      vae_pass *pass, vae_value *x, vae_value *mean, vae_value *log_variance);
  /* KL(N(mean, exp(log_variance)) || N(0, 1)) of each row, [rows]. */
  vae_value *(*gaussian_divergence)(
      vae_pass *pass, vae_value *mean, vae_value *log_variance);
  /* log Bernoulli(x; sigmoid(logits)) of each row, [rows]. No gradient flows to x. */
  vae_value *(*bernoulli_log_density)(vae_pass *pass, vae_value *x, vae_value *logits);

  /* -- An operation of the author's own ---------------------------------------------------------------- */

  /* The output, of the given shape, of an operation on the inputs, at most 16. */
  vae_value *(*custom)(
      vae_pass *pass, const vae_operation *operation, vae_value *const *inputs,
      uint64_t input_count, const int64_t *shape, int64_t rank, void *user_data);

  /* -- Since 0.2 --------------------------------------------------------------------------------------- */

  /* What the model is told of each row of the pass beside the data, [rows, condition_width]: of a label a one-hot row,
   * of attributes zeros and ones, of a vector its numbers. A component that asks for it sets uses_condition. NULL, which
   * is a failure, in a model that is told nothing. No gradient flows to it. */
  vae_value *(*condition)(vae_pass *pass);
} vae_host;

/* -------------------------------------------------------------------------------- what a component does */

/* Proposes a distribution over latents for each example: q(z|x).
 *
 * With `encode` alone the posterior is a Gaussian with independent units. With `sample` and `log_density` it is whatever
 * they say, and its rate is log q - log p at the draw. */
typedef struct vae_encoder {
  uint32_t struct_size;
  uint32_t reserved;

  /* x: [rows, height, width, channels]. Returns [rows, 2 * latent_size]: means, then log-variances, which are limited to
   * ±20; for codes their points, [rows, grid_height, grid_width, vector_size]; with a `sample` of its own, whatever
   * parameters that needs, [rows, …]. */
  vae_value *(*encode)(void *self, vae_pass *pass, vae_value *x);

  /* The following are NULL, or for a posterior of its own all set but the last two. */

  /* A draw for each row of the parameters, [rows, latent_size], differentiable where it is reparameterised. */
  vae_value *(*sample)(void *self, vae_pass *pass, vae_value *parameters);
  /* log q(z|x) in nats, [rows], of draws [rows, latent_size]. */
  vae_value *(*log_density)(void *self, vae_pass *pass, vae_value *parameters, vae_value *z);
  /* Mean and variance, [rows, latent_size]; NULL where there are none. */
  vae_value *(*mean)(void *self, vae_pass *pass, vae_value *parameters);
  vae_value *(*variance)(void *self, vae_pass *pass, vae_value *parameters);
} vae_encoder;

/* Prices one layer of latent units: p(z). */
typedef struct vae_prior {
  uint32_t struct_size;
  uint32_t reserved;

  /* The number of latent units, 1 to 65536. */
  int64_t (*units)(void *self);
  /* log p(z) in nats, [rows], of z [rows, units]. */
  vae_value *(*log_density)(void *self, vae_pass *pass, vae_value *z);
  /* A draw for each row, [rows, units]. temperature: a factor of its deviation. */
  vae_value *(*sample)(void *self, vae_pass *pass, float temperature);
  /* KL(N(mean, exp(log_variance)) || p) in nats, [rows], where there is a closed form; else NULL, and the rate is
   * log q - log p at the draw. */
  vae_value *(*divergence)(
      void *self, vae_pass *pass, vae_value *mean, vae_value *log_variance);
} vae_prior;

/* Explains data from latents: z to the likelihood's parameters. */
typedef struct vae_decoder {
  uint32_t struct_size;
  uint32_t reserved;

  /* z: [rows, latent_size]; for codes [rows, grid_height, grid_width, vector_size]; without latents [rows, 0].
   * Returns [rows, height, width, parameters_per_pixel], or the same elements with fewer axes. */
  vae_value *(*decode)(void *self, vae_pass *pass, vae_value *z);
  /* Called once before training with parameters that suit the data as a whole, [height, width, parameters_per_pixel], so
   * that the decoder can begin near them; NULL to begin elsewhere. */
  void (*begin)(void *self, vae_pass *pass, vae_value *parameters);
} vae_decoder;

#define VAE_NOISE_UNIFORM 0 /* in (0, 1) */
#define VAE_NOISE_NORMAL 1  /* standard normal */

/* Prices the explanation: p(x|parameters), normalised. */
typedef struct vae_likelihood {
  uint32_t struct_size;
  int32_t is_discrete;      /* 1 where it is a probability of discrete values, so that bits per dimension follow */
  int32_t couples_channels; /* 1 where a pixel's channels are conditioned on each other */
  int32_t noise;            /* VAE_NOISE_…, what `sample` receives */

  /* Numbers that a decoder gives for a pixel with this many channels. */
  int64_t (*parameters_per_pixel)(void *self, int64_t channels);
  /* Random numbers that `sample` needs for a pixel; NULL for one a channel. */
  int64_t (*noise_per_pixel)(void *self, int64_t channels);
  /* log p(x|parameters) in nats, [rows]. x: [rows, height, width, channels]; parameters: [rows, height, width,
   * parameters_per_pixel]. It follows from these alone: random numbers are for `sample`. */
  vae_value *(*log_density)(void *self, vae_pass *pass, vae_value *x, vae_value *parameters);
  /* The mean, [rows, height, width, channels], of each pixel from its own parameters. */
  vae_value *(*mean)(void *self, vae_pass *pass, vae_value *parameters);
  /* A draw, [rows, height, width, channels], each pixel as a function of its own parameters and of its own random
   * numbers, [rows, height, width, noise_per_pixel]. */
  vae_value *(*sample)(void *self, vae_pass *pass, vae_value *parameters, vae_value *noise);
  /* The parameters [height, width, parameters_per_pixel] whose distribution has the given mean
   * [height, width, channels], for a start from the data; NULL where there is no such thing. */
  vae_value *(*parameters_with_mean)(void *self, vae_pass *pass, vae_value *mean);
} vae_likelihood;

/* What an objective needs of every batch. */
typedef struct vae_requirements {
  uint32_t struct_size;
  int32_t uses_sampled_rate;  /* 1: the rate is log q - log p at the draw, as importance weights need */
  int32_t needs_second_batch; /* 1: a second, independent batch is encoded */
  int32_t phases;             /* 0 or 1: everything is trained by one loss; 2: the second loss trains the objective's own
                                 parameters, and the first all others */
  int64_t draws;              /* of each example; zero for one */
} vae_requirements;

/* What is known of a batch of N examples, drawn K times each. */
typedef struct vae_terms {
  uint32_t struct_size;
  int32_t phase;          /* 0, or 1 for the second loss */
  int64_t draws;          /* K */
  int64_t examples;       /* N */
  vae_value *distortion;  /* -log p(x|z) in nats, [K, N] */
  vae_value *rate;        /* [K, N] */
  vae_value *batch;       /* x, [N, height, width, channels] */
  vae_value *parameters;  /* of the likelihood, [K * N, height, width, parameters_per_pixel] */
  vae_value *latents;     /* the draws of the layer nearest to the data, [K * N, …]; NULL without latents */
  vae_value *mean;        /* of the posterior, [N, units]; NULL where it has none */
  vae_value *variance;    /* of the posterior, [N, units]; NULL where it has none */
  vae_value *const *layer_rates; /* of each stochastic layer, the nearest to the data first, [K * N] */
  uint64_t layer_count;
  vae_value *second_latents; /* of the second batch, [K * N, …]; NULL where none was asked for */
} vae_terms;

/* Weighs rate against distortion. */
typedef struct vae_objective {
  uint32_t struct_size;
  uint32_t reserved;

  /* Says what it needs: fills in what is not zero. NULL for one draw, one phase. Called once. */
  void (*requirements)(void *self, vae_requirements *requirements);
  /* The scalar to minimise. terms: valid until it returns. */
  vae_value *(*loss)(void *self, vae_pass *pass, const vae_terms *terms);
} vae_objective;

/* A component: one of encoder, prior, decoder, likelihood and objective is set, and is its role. */
typedef struct vae_component {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;    /* in recipes: kebab-case, and no built-in one's of that role */
  const char *summary; /* what it is, in one line */
  const vae_hyperparameter *hyperparameters;
  uint64_t hyperparameter_count; /* at most 15 arguments of the factory, an array counting twice */

  /* Makes an object of the component, by a C function with the hyper-parameters as its arguments, in order:
   *
   *     void *make(vae_build *build, int64_t components, double deviation, const char *activation)
   *
   * Returns what the methods receive as `self`, never NULL but for a failure, with a reason given by `fail`. */
  vae_function make;
  /* In place of `make`, a factory that receives them as an array, for languages that cannot make the other. */
  void *(*create)(
      vae_build *build, const vae_argument *arguments, uint64_t count, void *user_data);
  void *user_data; /* of the component: handed to `create`, and given by `user_data` of the host */
  /* Releases an object; NULL where there is nothing to release. Called once for each object, on any thread. */
  void (*destroy)(void *self);
  /* Called once before the first update with the first examples, [rows, height, width, channels]; may be NULL. */
  void (*prepare)(void *self, vae_pass *pass, vae_value *x);
  /* Called after every update, for moving averages and the like; may be NULL. */
  void (*after_update)(void *self, vae_pass *pass);

  const vae_encoder *encoder;
  const vae_prior *prior;
  const vae_decoder *decoder;
  const vae_likelihood *likelihood;
  const vae_objective *objective;

  /* 1 where its methods ask the host for the `condition` of a pass: the model is one of p(x|y) then, whose data must have
   * labels, attributes or vectors. Since 0.2 */
  uint32_t uses_condition;
  uint32_t reserved_after; /* zero */
} vae_component;

/* ----------------------------------------------------------------------------- what a plug-in consists of */

/* A value in place of a component's own default: {"prior.components", "10"}, or {"training.epochs", "20"}. */
typedef struct vae_variant_default {
  const char *path;
  const char *value; /* as after --set */
} vae_variant_default;

/* A short name for --set, and the path it stands for; several with the same name stand for all of their paths. */
typedef struct vae_variant_shorthand {
  const char *name;
  const char *path;
} vae_variant_shorthand;

/* A whole variant: components by name, of this plug-in or built-in. */
typedef struct vae_variant {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;      /* in kebab-case, and no other variant's */
  const char *summary;   /* what it is, in one line */
  const char *reference; /* the paper it comes from, or "" */
  const char *encoder;
  const char *prior;
  const char *decoder;
  const char *likelihood; /* NULL for "auto": bernoulli for binary data, else gaussian */
  const char *objective;  /* NULL for "elbo" */
  const vae_variant_default *defaults;
  uint64_t default_count;
  const vae_variant_shorthand *shorthands;
  uint64_t shorthand_count;
} vae_variant;

/* What vae_plugin_entry gives: copied by the host. */
typedef struct vae_plugin {
  uint32_t struct_size;
  uint32_t abi_version; /* VAE_PLUGIN_ABI_VERSION */
  const char *name;     /* of the plug-in, such as "mixture" */
  const char *version;  /* of the plug-in, such as "1.0" */
  const char *summary;  /* one line */
  const vae_component *components;
  uint64_t component_count;
  const vae_variant *variants;
  uint64_t variant_count;
} vae_plugin;

/* The type of vae_plugin_entry. Returns NULL where the plug-in cannot serve this host. It must be quick, and may be
 * called more than once. */
typedef const struct vae_plugin *(*vae_plugin_entry_function)(const struct vae_host *host);

/* The symbol that a plug-in exports. host: valid as long as the process. */
VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *host);

#ifdef __cplusplus
}
#endif

#endif /* VAE_PLUGIN_H */
