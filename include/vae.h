/*
 * vae.h: variational autoencoders from C.
 *
 * One shared library, libvae.so: describe, create, train, measure, sample, store and load the variational
 * autoencoders of the VAE zoo. The command vae-zoo alone has pictures and folders of them, reports and comparisons,
 * event files for TensorBoard, sweeps, walks through latent space, the check of plug-ins, and bench in other sizes and
 * precisions and with a profile.
 *
 * Rules that hold everywhere
 *
 *   Status      Every function that can fail returns a vae_status, VAE_OK (0) on success, and takes a last
 *               argument `vae_error **error`, which may be NULL. On failure it receives an error that the caller
 *               owns (vae_error_free), and every result is set to NULL or zero. On success it receives NULL.
 *               Each comment says which statuses the function returns when it fails. VAE_ERR_INVALID_ARGUMENT is
 *               that of NULL where there must be something, of a handle that is none, of text that is not UTF-8,
 *               and of a struct_size that is no size or ends inside a field, whatever else is said of it.
 *               VAE_ERR_CALLBACK is that of any call during which a callback threw, and VAE_ERR_INTERNAL that of a
 *               defect of this library; both are not repeated.
 *   Ownership   *borrowed*: read during the call only. *kept until X*: must stay valid and unchanged until X.
 *               *owned by the caller*: to be released with the function named. Memory of this library is never
 *               released with free().
 *   Text        UTF-8, ends with NUL. Paths are bytes, as the system has them, and need be no UTF-8; messages show
 *               such a byte as \xe9. Functions that give text write at most `capacity` bytes with the NUL into
 *               `buffer` and the length needed, NUL included, into `*needed`; with too small a buffer, or NULL,
 *               they write nothing but `*needed` and return VAE_OK. Call twice, or once with a large buffer.
 *   Structs     Structs that may grow begin with `struct_size`, which the caller sets to sizeof, also where the
 *               library fills them in. A field that is zero has its default. A library that is older than the
 *               header refuses fields it does not know, unless they are zero, and zeroes them in results. Structs
 *               without that member, and structs inside of others, never change.
 *   Threads     [any thread]: at any time, from any thread. [one thread at a time]: calls with the same object
 *               must not overlap; one that does is refused with VAE_ERR_BUSY and changes nothing. [reading]: calls
 *               that leave a model or classifier as it is may overlap each other, from any number of threads, and give the same
 *               bits as one after another; one that overlaps a call [one thread at a time] with the model, such as
 *               a training, is refused with VAE_ERR_BUSY, and so is that call. Where a part of the model is of a
 *               plug-in, [reading] is as [one thread at a time]. Different objects may always be used from different
 *               threads; they share the worker threads.
 *   Numbers     Images are [N, height, width, channels], also accepted as [N, height, width] or
 *               [N, height * width * channels]. What a model of images between 0 and 1 makes is cut to that range.
 *               Likelihoods are in nats, with all constants.
 *   Randomness  Everything random follows from the seeds given: the same calls with the same seeds and the same
 *               number of threads give the same bits. What vae_encode, vae_reconstruct and vae_log_likelihood draw
 *               for an image follows from the seed and the image's values: neither its place in the array, nor the
 *               other images, nor its dtype and strides matter, and equal images get equal draws. Training and
 *               vae_evaluate draw by an image's index.
 *   Callbacks   run on the calling thread, during the call. Returning non-zero stops the work at the next step
 *               boundary; the call then returns VAE_ERR_CANCELLED and objects stay usable. A callback may read the
 *               objects it is called for (evaluate, sample, save), but calls that change them answer VAE_ERR_BUSY.
 *               A C++ exception that leaves a callback is caught: the call stops as if it had returned non-zero, and
 *               returns VAE_ERR_CALLBACK with the words of the exception; vae.hpp throws it on. A callback must
 *               return or throw: where it leaves by longjmp, or ends its thread, the objects of the call answer
 *               VAE_ERR_BUSY ever after to calls that it had kept out, and what the call held is not released. exit() in a callback ends the
 *               process as it does anywhere: a run folder keeps its last checkpoint.
 *   Handles     Each kind of object is its own type. A handle of another kind, or of an object that was freed a
 *               short while ago, is refused; any other pointer that is no handle is undefined behaviour.
 *   Processes   After fork() the child may use the library where no other thread of the parent was inside a call.
 *               exit() may be called while other threads are inside a call: it waits for what they compute to
 *               come to its end, and they do not return. Where other processes want the processors, worker threads
 *               are left alone for a while; results are the same bits.
 *   Memory      What there is no memory for is refused with VAE_ERR_OUT_OF_MEMORY, by what the machine, the
 *               control group and RLIMIT_AS have left; objects stay as they were. A step that runs out of memory after
 *               its weights were changed leaves a trainer that refuses to go on.
 *
 * The library prints nothing, installs no signal handlers and never calls exit.
 */
#ifndef VAE_H
#define VAE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------ version */

/* The version of the binary interface that this header describes: major * 65536 + minor. A library serves every
 * program built with the same major and the same or a smaller minor: from 0.1 on, minor versions only add. */
#define VAE_ABI_MAJOR 0
#define VAE_ABI_MINOR 2

/* The interface version of the library in use. [any thread] */
uint32_t vae_abi_version(void);

/* The package's version, such as "0.1.0"; lives as long as the process. [any thread] */
const char *vae_version(void);

/* ------------------------------------------------------------------------------------------------- errors */

typedef int32_t vae_status;

#define VAE_OK 0                    /* done */
#define VAE_ERR_INVALID_ARGUMENT 1  /* NULL, a size, a shape or a number that the function cannot take */
#define VAE_ERR_RECIPE 2            /* an unknown variant, component or hyper-parameter, or a value out of range */
#define VAE_ERR_DATA 3              /* data that cannot be read, or that the model's likelihood cannot take */
#define VAE_ERR_NOT_FOUND 4         /* a path, parameter or metric that is not there */
#define VAE_ERR_EXISTS 5            /* what would be written is there already */
#define VAE_ERR_IO 6                /* reading or writing failed */
#define VAE_ERR_FORMAT 7            /* a file or buffer that is damaged or of another kind */
#define VAE_ERR_UNSUPPORTED 8       /* meaningful, but not here: a device, a dtype, a field newer than the library */
#define VAE_ERR_DIVERGED 9          /* training reached a loss or weight that is not finite */
#define VAE_ERR_CANCELLED 10        /* a callback or a token asked for a stop */
#define VAE_ERR_BUSY 11             /* another thread is using the object, or a training is changing it */
#define VAE_ERR_OUT_OF_MEMORY 12    /* there is no memory for what was asked for */
#define VAE_ERR_PLUGIN 13           /* a plug-in could not be loaded, or misbehaved */
#define VAE_ERR_INTERNAL 14         /* a defect of this library */
#define VAE_ERR_CALLBACK 15         /* a callback threw a C++ exception */
#define VAE_ERR_THREADS 16          /* the system does not give the process as many threads */
#define VAE_ERR_COMMUNICATION 17    /* a process of several that train together failed, or was started otherwise */

/* The name of a status, such as "VAE_ERR_BUSY", or "unknown status"; lives as long as the process. [any thread] */
const char *vae_status_name(vae_status status);

/* What went wrong. May be read from any thread and outlives the objects it is about. */
typedef struct vae_error vae_error;

/* Its status; VAE_OK for NULL. [any thread] */
vae_status vae_error_status(const vae_error *error);

/* One line that says what, where and what to do; lives as long as the error. "" for NULL. [any thread] */
const char *vae_error_message(const vae_error *error);

/* Releases an error; NULL is fine. [any thread] */
void vae_error_free(vae_error *error);

/* --------------------------------------------------------------------------------------------- the process */

/* The number of threads that computations use from then on; at first what OMP_NUM_THREADS says in the environment, or
 * that of the processors available, within the quota of the control group.
 * count: 1 to 256.
 * Returns VAE_ERR_INVALID_ARGUMENT for another number, VAE_ERR_THREADS where a limit on processes or memory does not allow
 * as many; the number stays what it was. Every function that computes may return VAE_ERR_THREADS, too, where the default number
 * cannot be had. [any thread] */
vae_status vae_set_threads(int32_t count, vae_error **error);

/* That number. [any thread] */
int32_t vae_threads(void);

/* Receives what a user should know, a sentence at a time: a collapsing latent, a split that is missing. One that throws
 * stops the call that caused the message, which returns VAE_ERR_CALLBACK.
 * message: borrowed. [called on the thread whose call caused it] */
typedef void (*vae_log_callback)(const char *message, void *user_data);

/* Sets who receives messages; NULL for nobody, which is how it begins. [any thread] */
void vae_set_log_callback(vae_log_callback callback, void *user_data);

/* What the library is and runs on, as a JSON object: version, abi_version, isa, onednn, threads.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_build_info_json(char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* Raises or lowers what reading may cost, for all that this process reads from then on. Files may come from anywhere,
 * and a small one can ask for much; what goes beyond a limit is refused with an error that names it.
 * name: borrowed. inflated_bytes, the most that one compressed array may become (half of the machine's memory);
 *   inflation_ratio, how many times its compressed size that may be, beyond 256 MiB (250); picture_bytes (256 MiB);
 *   archive_members, the most files in an archive (10,000); text_bytes, the most of one JSON text (16 MiB).
 * Returns VAE_ERR_INVALID_ARGUMENT for a name that is no limit, or a value that it cannot have. [any thread] */
vae_status vae_set_limit(const char *name, int64_t value, vae_error **error);

/* The limits as a JSON object of numbers.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_limits_json(char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* A switch that stops work, for as many calls as it is given to. */
typedef struct vae_cancel_token vae_cancel_token;

/* A token that is not set. Owned by the caller: vae_cancel_token_free.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_cancel_token_create(vae_cancel_token **token, vae_error **error);

/* Sets the token: calls that were given it return VAE_ERR_CANCELLED at their next step boundary.
 * [any thread, and signal handlers] */
void vae_cancel_token_cancel(vae_cancel_token *token);

/* Clears the token, so that it can serve again. [any thread] */
void vae_cancel_token_reset(vae_cancel_token *token);

/* Releases a token that no call is using; NULL is fine. [any thread] */
void vae_cancel_token_free(vae_cancel_token *token);

/* Told how far a call has come, at its step boundaries. Returning non-zero stops it.
 * fraction: the part of the work that is done, from 0 to 1; -1 where that is not known. */
typedef int32_t (*vae_work_callback)(double fraction, void *user_data);

/* What products and convolutions multiply. */
#define VAE_PRECISION_FLOAT32 0  /* 32-bit floats */
#define VAE_PRECISION_BFLOAT16 1 /* their upper halves, rounded to the nearest; sums have 32 bits */

/* What a call that may take long is given: the functions whose names end in _with take it, and otherwise do what those
 * without _with do. Stopped, they return VAE_ERR_CANCELLED, and objects stay usable.
 *
 * condition: what a conditional model is told of each example, as vae_model_info describes it. Labels are int32 [N],
 * attributes and vectors floats [N, condition_width], attributes also bytes that are 0 or 1; a label may be a row of
 * floats, too, a share of each class. Labels are the model's own numbers of its classes; the member "names" of
 * "data"."condition" of vae_model_recipe_json says what these are called, where they have names. vae_sample_with and vae_decode_with take one row for all images as well, and
 * without a condition vae_sample_with takes the classes in turn, 0, 1, …. Functions that get their examples from
 * vae_data, or have none, refuse it with VAE_ERR_INVALID_ARGUMENT.
 *
 * checkpoint: of vae_model_load_with alone, which checkpoint of a run folder is loaded: "last", "best", by the bound of
 * held-out images, or a number of updates. Other functions refuse it with VAE_ERR_INVALID_ARGUMENT.
 *
 * draw: 1 for images that are draws of p(x|z), with its noise, in place of its means; taken by vae_sample_with and
 * vae_impute, and refused by the others with VAE_ERR_INVALID_ARGUMENT.
 *
 * tile, precision: of vae_encode_pictures and vae_decode_pictures alone; other functions refuse them with
 * VAE_ERR_INVALID_ARGUMENT. tile: above 0, pictures that are larger are taken in squares of so many pixels a side, a
 * multiple of 4 p, that overlap by a quarter and are blended (of autoencoder-tiny a multiple of 8 p from 16 p on, and an eighth),
 * as diffusers does where memory is short; what comes out is
 * not quite that of the whole picture. 0 for whole pictures. precision: what products and convolutions multiply,
 * VAE_PRECISION_FLOAT32 or VAE_PRECISION_BFLOAT16, which is quicker where the processor has instructions for it, refused
 * with VAE_ERR_RECIPE where it has not, and rounds.
 *
 * communicator: of vae_evaluate_with, vae_score, vae_encode_with and vae_impute, which divide the examples among the
 * processes that it connects; other functions refuse it with VAE_ERR_INVALID_ARGUMENT. All processes make the same call,
 * with the same model and all of the examples; each looks at a part of these at a time, and all get the result that one
 * with as many threads gets, bit for bit. Stopped or refused in one of them, the call is stopped or fails in all. */
typedef struct vae_call_options {
  uint32_t struct_size;
  int32_t reserved;               /* zero */
  const vae_cancel_token *token;  /* borrowed; NULL for none */
  vae_work_callback progress;     /* NULL for none */
  void *user_data;                /* handed to progress */
  const struct vae_tensor *condition; /* borrowed; NULL for a model that is told none */
  const char *checkpoint;         /* borrowed; NULL for "last" */
  int32_t draw;                   /* 0 or 1 */
  int32_t reserved2;              /* zero */
  int32_t tile;                   /* pixels; 0 for whole pictures */
  int32_t precision;              /* VAE_PRECISION_… */
  const struct vae_communicator *communicator; /* borrowed; NULL for this process alone */
} vae_call_options;

/* ------------------------------------------------------------------------------------------------- tensors */

/* Element types. */
#define VAE_FLOAT32 1
#define VAE_UINT8 2   /* images of bytes; vae_data_from_tensors says how they are read */
#define VAE_INT32 3
#define VAE_FLOAT64 4

/* Where memory is. */
#define VAE_DEVICE_CPU 1

/* A view of numbers that belong to somebody else. */
typedef struct vae_tensor {
  uint32_t struct_size;
  int32_t dtype;          /* VAE_FLOAT32, … */
  int32_t device;         /* VAE_DEVICE_CPU; all others are refused with VAE_ERR_UNSUPPORTED */
  int32_t rank;           /* 0 to 8 */
  const int64_t *shape;   /* rank numbers, none negative */
  const int64_t *strides; /* rank numbers, in elements; NULL for dense and row-major */
  void *data;             /* of the first element after byte_offset */
  uint64_t byte_offset;
} vae_tensor;

/* Numbers that the library made: dense, row-major. */
typedef struct vae_array vae_array;

/* Looks at an array. view: its shape and data live as long as the array.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_array_view(const vae_array *array, vae_tensor *view, vae_error **error);

/* Releases an array; NULL is fine. [any thread] */
void vae_array_free(vae_array *array);

/* DLPack, for handing memory to and from other libraries without copying: the structs of dlpack.h, which may be
 * included before this header and is not needed by it. */
struct DLManagedTensor;
struct DLManagedTensorVersioned;

/* A view of somebody else's DLPack tensor.
 * tensor: borrowed by the view, whose shape, strides and data are its own; it must outlive the view. The deleter
 * stays the caller's to call.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED for another device or element type. [any thread] */
vae_status vae_tensor_from_dlpack(
    const struct DLManagedTensor *tensor, vae_tensor *view, vae_error **error);

/* As vae_tensor_from_dlpack, for version 1 of DLPack.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED for another device or element type, or another major version.
 * [any thread] */
vae_status vae_tensor_from_dlpack_versioned(
    const struct DLManagedTensorVersioned *tensor, vae_tensor *view, vae_error **error);

/* Hands an array over as a DLPack tensor that shares its memory. The array may be freed before or after it.
 * tensor: owned by the caller, released by its own deleter.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_array_to_dlpack(
    const vae_array *array, struct DLManagedTensor **tensor, vae_error **error);

/* As vae_array_to_dlpack, for version 1 of DLPack.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_array_to_dlpack_versioned(
    const vae_array *array, struct DLManagedTensorVersioned **tensor, vae_error **error);

/* ------------------------------------------------------------------------------- variants and components */

/* Loads a plug-in: a shared object that brings variants and components, which everything below knows from then on as
 * it knows built-in ones. It is never unloaded; loading a file again takes its description anew. Nothing is loaded
 * unless it is asked for. path: borrowed.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND where there is no such file, VAE_ERR_PLUGIN where it is no
 * plug-in or breaks the rules of vae_plugin.h. [any thread] */
vae_status vae_load_plugin(const char *path, vae_error **error);

/* What a plug-in exports, and a program can hand over itself: see vae_plugin.h, which declares the same type. */
struct vae_host;
struct vae_plugin;
typedef const struct vae_plugin *(*vae_plugin_entry_function)(const struct vae_host *host);

/* Takes a plug-in that the program itself brings, such as one whose functions are callbacks of another language. What
 * it describes is copied; its functions and user_data are kept until the process ends. A plug-in of the same name is
 * replaced, while models that exist keep the old one. name: what recipes and errors call it; borrowed.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_PLUGIN where it breaks the rules of vae_plugin.h. [any thread] */
vae_status vae_register_plugin(
    vae_plugin_entry_function entry, const char *name, vae_error **error);

/* All variants as a JSON array: name, class (the name in CamelCase), summary, origin ("built-in" or a plug-in's file).
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_list_variants_json(
    char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* The components that can fill a role, as a JSON array with their hyper-parameters.
 * role: "encoder", "prior", "decoder", "likelihood" or "objective"; borrowed.
 * Returns VAE_ERR_INVALID_ARGUMENT, also for another role. [any thread] */
vae_status vae_list_components_json(
    const char *role, char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* What vae_evaluate can measure, as a JSON array: name, unit, direction ("lower", "higher" or "none": which values are
 * better), needs, numbers (their names in results; empty where lists are given alone), standard_error (whether one
 * stands beside it) and help.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_list_metrics_json(
    char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* A variant as a JSON object: name, summary, reference; `stages`, the further ones that
 * vae_model_create_stage takes, each with name and summary; `parts`, the component of each role with its alternatives;
 * `architecture`, and the `architectures` that can take its place; `shorthands`, the short names that its own recipe
 * takes; `keywords`, those that some choice of parts takes, with paths, type, default (null where it depends on that
 * choice), range and help; `hyperparameters`, each with path, type, default, range and help, and `chosen_by_data` where the data choose
 * another value for those that nobody has said; `metrics`, the names of
 * those that its own recipe allows on binary images, where the data allow them too; and `shapes`, the layers of its own
 * recipe for binary images of 32×32: `input`, `latents`, `output`, `parameters` in all, and `layers`, each with path,
 * output for one example (null where a plug-in's part does not say), weights by name with their shapes, and parameters.
 * variant: borrowed.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_RECIPE where there is no such variant. [any thread] */
vae_status vae_describe_json(
    const char *variant, char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* A hyper-parameter with its value as text, as after `vae-zoo train --set`: key is a path such as "prior.latent"
 * or a short name such as "latent". Later settings win. */
typedef struct vae_setting {
  const char *key;   /* borrowed */
  const char *value; /* borrowed */
} vae_setting;

/* The recipe of a variant with settings applied, as JSON: what vae_model_create takes.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_RECIPE where there is no such variant or hyper-parameter, or no such
 * value of one. [any thread] */
vae_status vae_recipe_json(
    const char *variant, const vae_setting *settings, size_t setting_count, char *buffer,
    size_t capacity, size_t *needed, vae_error **error);

/* ------------------------------------------------------------------------------------------------- data */

/* Which values images have. */
#define VAE_RANGE_AUTO 0   /* the narrowest of binary, bytes, unit and real that holds all values */
#define VAE_RANGE_BINARY 1 /* zeros and ones */
#define VAE_RANGE_UNIT 2   /* between zero and one */
#define VAE_RANGE_REAL 3   /* any finite numbers */
#define VAE_RANGE_BYTES 4  /* between zero and one, each a byte / 255, to which bits per dimension belong */

/* Images to train on and to measure with. */
typedef struct vae_data vae_data;

/* Opens what `vae-zoo train --data` takes: a built-in set ("shapes", "shapes:32", "shapes-color"), a folder of
 * IDX files or of CIFAR's binary files, an .npy or an .npz file, a table (.csv, .tsv). Folders of images are decoded by the command alone:
 * open the .cache.npz that it leaves beside the folder.
 * source: borrowed. data: owned by the caller, vae_data_free.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND, VAE_ERR_FORMAT for a file that is damaged or of another kind,
 * VAE_ERR_DATA for one that may not be read or whose values cannot be used. [any thread] */
vae_status vae_data_open(const char *source, vae_data **data, vae_error **error);

/* As vae_data_open. options: borrowed, NULL for none.
 * Returns VAE_ERR_CANCELLED, VAE_ERR_UNSUPPORTED for fields that are not known, and what vae_data_open returns.
 * [any thread] */
vae_status vae_data_open_with(
    const char *source, const vae_call_options *options, vae_data **data, vae_error **error);

/* Images in memory, which are not copied: a batch is gathered when it is drawn.
 * train: [N, height, width, channels], [N, height, width] or [N, width]; test: of the same image size and dtype, or
 * NULL. Both: the memory is kept until vae_data_free and the end of every call that uses the data.
 * range: VAE_RANGE_…, checked against the values. Bytes are read as those of files: with VAE_RANGE_AUTO or
 * VAE_RANGE_BINARY they are taken as they are where all of train are 0 or 1, and else divided by 255, as with every
 * other range; where all are 0 or 255 the result is binary. Every model keeps this rule, for the bytes it is given
 * later. With VAE_RANGE_AUTO floats [N, width] are rows of a table, whose columns are standardized one by one, unless those
 * of train all lie on one grid of pixel levels between 0 and 1, k/n with n = 1, 3, 7, 15, 16, 31, 63, 64, 127 or 255. Of floats NaN is a value that is missing, which a model that is told so takes (encoder.name=masked-mlp) and
 * others refuse with VAE_ERR_DATA. data: owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT for a shape or strides that no images have, VAE_ERR_UNSUPPORTED for a device,
 * dtype or field that is not known, VAE_ERR_DATA for values outside of the range and for sizes of test that are not
 * those of train, VAE_ERR_OUT_OF_MEMORY for repeated elements that would not fit. [any thread] */
vae_status vae_data_from_tensors(
    const vae_tensor *train, const vae_tensor *test, int32_t range, vae_data **data,
    vae_error **error);

/* What belongs to images in memory. */
typedef struct vae_data_options {
  uint32_t struct_size;
  int32_t range; /* VAE_RANGE_… */
  /* borrowed; what is known of each image of train and of test, as vae_call_options describes it: int32 [N] of labels
   * 0, 1, …, bytes [N, n] of attributes 0 and 1, or floats [N, n] of vectors; NULL for nothing */
  const vae_tensor *train_condition;
  const vae_tensor *test_condition;
  /* borrowed; what the classes 0, 1, … of labels are called, a name each, all different; NULL with a count of 0 where
   * class k is called "k". A model keeps the names, and knows classes of other data by them, whatever their numbers are */
  const char *const *class_names;
  uint64_t class_name_count;
  /* borrowed; NULL for images and plain vectors. Else train and test are rows of a table, [N, columns], and this is what
   * the columns are: a JSON list of objects, {"name": "age"} each, where wanted with "type" ("real", "positive", "count",
   * "yes-no", "category"), by default found out; and where the numbers 0, 1, ... of a column stand for words, with "names",
   * a list of these; "decimals" says to how many digits behind the point draws are rounded. One of the type "label" is no
   * part of the rows: the column that train_condition comes from, which models keep the name of. A list of columns called
   * "0", "1", ..., each with nothing but its type, is about those of vectors without names, where all others are real: [] makes
   * a table of vectors whatever their values are. NaN stands for a value
   * that is missing. Bytes are numbers as they are. range is VAE_RANGE_AUTO then */
  const char *columns_json;
} vae_data_options;

/* As vae_data_from_tensors, with what is known of each image beside it, which is copied, or with the columns of a table.
 * A model of a table takes and gives rows in the table's own units: numbers as they are, and 0, 1, ... for words. What
 * it gives, and vae_data_images of such data, are 64-bit floats where the columns have names. Where its vae_model_create is told training.holdout, the
 * rows that this sets apart are left out of the means and deviations that it standardizes by.
 * options: borrowed.
 * Returns VAE_ERR_DATA for conditions that are not as many as the images, too, for names of classes that are empty, the
 * same twice, or fewer than labels need, and for columns that are not as many as the numbers of a row or do not suit their
 * values, VAE_ERR_INVALID_ARGUMENT for names that are NULL or no UTF-8, and what
 * vae_data_from_tensors returns.
 * [any thread] */
vae_status vae_data_from_tensors_with(
    const vae_tensor *train, const vae_tensor *test, const vae_data_options *options,
    vae_data **data, vae_error **error);

/* What is known of an example beside it. */
#define VAE_CONDITION_NONE 0
#define VAE_CONDITION_LABEL 1      /* one of condition_width classes */
#define VAE_CONDITION_ATTRIBUTES 2 /* condition_width properties, each there or not */
#define VAE_CONDITION_VECTOR 3     /* condition_width numbers */

/* What a data source is. */
typedef struct vae_data_info {
  uint32_t struct_size;
  int32_t range; /* VAE_RANGE_… */
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t train_count;
  int64_t valid_count; /* zero where there is no such split */
  int64_t test_count;  /* zero where there is no such split */
  int64_t condition_width; /* numbers that say what is known of an example: of a label its classes; zero for none */
  int32_t condition;       /* VAE_CONDITION_… */
  int32_t reserved;
} vae_data_info;

/* Fills in what a data source is.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_data_describe(const vae_data *data, vae_data_info *info, vae_error **error);

/* Some images of a split, [count, height, width, channels] of float32, of float64 for a table whose columns have names.
 * split: "train", "valid" or "test"; borrowed. images: owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT where these are not all in the split, VAE_ERR_NOT_FOUND where there is no such
 * split, VAE_ERR_OUT_OF_MEMORY. [any thread] */
vae_status vae_data_images(
    const vae_data *data, const char *split, int64_t first, int64_t count, vae_array **images,
    vae_error **error);

/* What is known of some images of a split, [count, condition_width] of float32, of labels one-hot rows.
 * split: "train", "valid" or "test"; borrowed. conditions: owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT where these are not all in the split, VAE_ERR_NOT_FOUND where there is no such split or
 * nothing is known of its images, VAE_ERR_OUT_OF_MEMORY. [any thread] */
vae_status vae_data_conditions(
    const vae_data *data, const char *split, int64_t first, int64_t count, vae_array **conditions,
    vae_error **error);

/* Releases a data source; NULL is fine. Trainers that use it keep what they need but for the memory given to
 * vae_data_from_tensors, so free them first. [any thread] */
void vae_data_free(vae_data *data);

/* ------------------------------------------------------------------------------------------------- models */

/* A model: encoder, prior, decoder, likelihood and objective with their weights. */
typedef struct vae_model vae_model;

/* What a new model is. Its images are those of `data`, or those that the sizes and the range describe. */
typedef struct vae_model_options {
  uint32_t struct_size;
  int32_t range;               /* VAE_RANGE_BINARY to VAE_RANGE_BYTES; zero with data */
  const char *variant;         /* borrowed; a variant, or NULL with a recipe */
  const char *recipe_json;     /* borrowed; a recipe, or NULL with a variant */
  const vae_setting *settings; /* borrowed; applied after that */
  uint64_t setting_count;
  int64_t height; /* of the images; zero with data */
  int64_t width;
  int64_t channels;
  uint64_t seed;        /* of the weights, below 2^63; zero for the recipe's training.seed */
  const vae_data *data; /* borrowed; NULL with sizes and range */
  /* borrowed; a run folder or an exported .safetensors file whose weights take the place of fresh ones,
   * for a training with other settings; NULL for what the recipe says, which is fresh ones unless it is of such a
   * training. */
  const char *from_weights;
  /* What a conditional variant is told of each image; zero with data, which know it. */
  int64_t condition_width;
  int32_t condition; /* VAE_CONDITION_… */
  int32_t reserved;  /* zero */
} vae_model_options;

/* A model with fresh weights, or with those of another one. model: owned by the caller, vae_model_free.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED for fields that are not known, VAE_ERR_RECIPE for what a
 * recipe or setting cannot say, VAE_ERR_FORMAT for a recipe_json that is none, VAE_ERR_DATA where the parts cannot
 * take such images or from_weights has a tensor that does not fit, which the message names, for from_weights what
 * vae_model_load returns, VAE_ERR_PLUGIN where a part of a plug-in fails. [any thread] */
vae_status vae_model_create(
    const vae_model_options *options, vae_model **model, vae_error **error);

/* The model of a further stage, such as "prior" for a trained vq-vae, or "mixture", "flow" or "two-stage" for a model with
 * one layer of real units: a new one with the weights of the first, of which a trainer trains the parts of that stage alone. stage, settings: borrowed; settings are of the new model, such as
 * "prior.channels". next: owned by the caller; the first may be freed.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_RECIPE where there is no such stage or setting, VAE_ERR_DATA where the
 * settings leave no place for the weights, VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in fails.
 * [reading] */
vae_status vae_model_create_stage(
    vae_model *model, const char *stage, const vae_setting *settings, size_t setting_count,
    vae_model **next, vae_error **error);

/* As vae_model_create_stage, of a stage that is told a condition which the model is not, such as "class-mixture". data:
 * borrowed; what the stage will be trained on, whose training split says the condition; NULL for none.
 * Returns VAE_ERR_DATA where the data lack the condition, too. [reading] */
vae_status vae_model_create_stage_on(
    vae_model *model, const char *stage, vae_data *data, const vae_setting *settings,
    size_t setting_count, vae_model **next, vae_error **error);

/* The model that a run folder or an exported .safetensors file holds. path: borrowed.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND, VAE_ERR_IO, VAE_ERR_FORMAT for what is damaged or no model,
 * VAE_ERR_RECIPE for variants, components and values that this library has not, VAE_ERR_DATA where the recipe
 * contradicts itself, VAE_ERR_PLUGIN where a part of a plug-in fails. [any thread] */
vae_status vae_model_load(const char *path, vae_model **model, vae_error **error);

/* As vae_model_load. options: borrowed, NULL for none.
 * Returns VAE_ERR_CANCELLED, VAE_ERR_UNSUPPORTED for fields that are not known, VAE_ERR_NOT_FOUND for a checkpoint
 * that the run does not keep, VAE_ERR_RECIPE for one that is none, or of a file that is no run folder, and what
 * vae_model_load returns. [any thread] */
vae_status vae_model_load_with(
    const char *path, const vae_call_options *options, vae_model **model, vae_error **error);

/* The model in the bytes of an exported file. bytes: borrowed.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_FORMAT, VAE_ERR_RECIPE, VAE_ERR_DATA and VAE_ERR_PLUGIN as
 * vae_model_load. [any thread] */
vae_status vae_model_load_memory(
    const void *bytes, size_t size, vae_model **model, vae_error **error);

/* Writes weights and recipe into one .safetensors file, which appears whole or not at all.
 * path: borrowed; a file that is there is replaced, and the new one has its mode and, where the system allows it, its
 * owner and group. Where path is a link, all this is done to the file that it leads to, and the link stays.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_IO, VAE_ERR_BUSY. [reading] */
vae_status vae_model_save(vae_model *model, const char *path, vae_error **error);

/* The bytes of that file, a uint8 array. bytes: owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_BUSY. [reading] */
vae_status vae_model_save_memory(vae_model *model, vae_array **bytes, vae_error **error);

/* The model that weights of another program make: a .safetensors file, or a folder of them with config.json where there
 * is one. Known are diffusers' AutoencoderKL, VQModel and AutoencoderTiny, latent diffusion's names alone or in a checkpoint of a
 * whole pipeline, and TAESD's raw files; numbers of 16 bits become 32. The recipe follows from the tensors and from
 * config.json; notices of what was passed over go to the log callback. Pickles (.pth, .ckpt, .bin) are never read,
 * because reading one can run any code.
 * path: borrowed. size: the side of the recipe's images in pixels, to 32768; 0 for what the files say, else 256.
 * vae_encode_pictures and vae_decode_pictures take any size. settings: borrowed, of the recipe in addition, such as
 * "prior.scaling_factor" where the files do not say it. options: borrowed, NULL for none. model: owned by the caller,
 * vae_model_free.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED for fields that are not known, VAE_ERR_NOT_FOUND, VAE_ERR_IO,
 * VAE_ERR_FORMAT for files that are damaged or of no known form, tensors that are missing, left over or misshapen, and a
 * config.json that contradicts them, VAE_ERR_RECIPE for a setting that cannot be, or one that must be given, VAE_ERR_DATA
 * where the parts cannot take images of that size, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_CANCELLED. [any thread] */
vae_status vae_model_import(
    const char *path, int64_t size, const vae_setting *settings, size_t setting_count,
    const vae_call_options *options, vae_model **model, vae_error **error);

/* Writes a model as files that another program reads, the inverse of vae_model_import. form: borrowed; of an
 * autoencoder-kl or vq-model "diffusers" (a folder with config.json) or "ldm" (one file with latent diffusion's names), of an
 * autoencoder-tiny "diffusers" or "taesd" (a folder with a file for each half). path: borrowed; the folder, or the file,
 * which ends in .safetensors. A folder is made where there is none, and of one that is there only the files of the form
 * are replaced. What those programs do not have, such as the likelihood's variance, is left out; what the files do not
 * say and their reader must know goes to the log callback.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_RECIPE for a model or a form that those programs do not have, for a folder
 * that ends in .safetensors or is a run and a file that does not end so, VAE_ERR_IO, VAE_ERR_OUT_OF_MEMORY,
 * VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in fails. [reading] */
vae_status vae_model_export(
    vae_model *model, const char *path, const char *form, vae_error **error);

/* Releases a model; NULL is fine. A trainer keeps its model alive. [one thread at a time] */
void vae_model_free(vae_model *model);

/* What a model is. */
typedef struct vae_model_info {
  uint32_t struct_size;
  int32_t range; /* of the images it takes, before its recipe makes them binary */
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t parameter_count; /* trained numbers */
  int64_t tensor_count;    /* parameters and buffers by name */
  int64_t latent_layers;   /* stochastic layers; zero without latents */
  int64_t code_count;      /* different codes, K; zero for latents that are real numbers */
  int64_t condition_width; /* numbers that say what the model is told of an example; zero for a model of p(x) */
  int32_t condition;       /* VAE_CONDITION_… */
  int32_t reserved;
} vae_model_info;

/* Looks whether a run folder, with all its files, or a file is as it was written, its form and its checksums, and can
 * be used, as `vae-zoo check --json` does. A file may be a model or other safetensors file, .npz or .npy arrays, or a
 * recipe. The report is a JSON object: path, kind ("run" or "file"), sound (whether nothing is damaged or unusable),
 * damaged, unusable and unchecked (numbers of files), and files, each with path, state and, where there is something to
 * say, fault, a sentence. A state is "sound", "unchecked" (the form is right; the kind of file, or the version that wrote
 * it, has no checksums, or its recipe needs a plug-in that is not loaded, which fault names), "damaged" or "unusable" (as
 * it was written, but with weights that are NaN or infinite, a recipe of which no model can be made, or other weights than
 * that model has). The model is made for that, and not trained. What is found is in the report and no error. Checksums
 * find damage by disks and copies; they are no protection from people. path: borrowed. Each call reads the files anew.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND, VAE_ERR_FORMAT for a folder that is no run, VAE_ERR_IO for what
 * cannot be read, VAE_ERR_OUT_OF_MEMORY where there is no memory for the model. [any thread] */
vae_status vae_check_json(
    const char *path, char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* Fills in what a model is.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_model_describe(const vae_model *model, vae_model_info *info, vae_error **error);

/* The model's recipe as JSON.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_model_recipe_json(
    const vae_model *model, char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* The name of a parameter or buffer, such as "encoder.hidden.0.weights".
 * index: below tensor_count.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_model_tensor_name(
    const vae_model *model, int64_t index, char *buffer, size_t capacity, size_t *needed,
    vae_error **error);

/* A copy of a parameter or buffer. name: borrowed. array: owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND, VAE_ERR_BUSY. [reading] */
vae_status vae_model_get_tensor(
    vae_model *model, const char *name, vae_array **array, vae_error **error);

/* Replaces a parameter or buffer. values: borrowed; of its shape, all finite. A model whose tensors were set or
 * loaded trains on from there; a fresh one first looks at the data, to begin near their mean.
 * Returns VAE_ERR_INVALID_ARGUMENT for another shape or numbers that are not finite, VAE_ERR_NOT_FOUND,
 * VAE_ERR_UNSUPPORTED for another dtype or device, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_BUSY. [one thread at a time] */
vae_status vae_model_set_tensor(
    vae_model *model, const char *name, const vae_tensor *values, vae_error **error);

/* ----------------------------------------------------------------------------------------------- training */

/* Training of a model on data: order, optimizer, schedules. */
typedef struct vae_trainer vae_trainer;

/* What to do where a run folder exists. */
#define VAE_RUN_REFUSE 0
#define VAE_RUN_RESUME 1
#define VAE_RUN_REPLACE 2

/* What connects this process with others that train the same model with it, or measure the same one. Every process has a table with its own rank,
 * the same size and functions of its own, makes the same model, data and trainer, and makes the same calls; each
 * computes a part of every batch. A group may as well be threads of one process, each with a model and a trainer.
 *
 * The functions are called in the same order and with the same sizes by all, from the thread that is in such a
 * call, and may wait for the others. They return 0, or another number for a failure, after which only abort is called.
 * The call of the trainer then returns VAE_ERR_COMMUNICATION, as do later ones, or VAE_ERR_CALLBACK where a function threw
 * a C++ exception and this was found before. They must not call functions of this library but vae_version, those of
 * errors, and those that vae_communicator_mpi has filled in. That a call waits for more than a minute is said on standard
 * error. Only bytes are exchanged; the library makes all sums itself, in an order that does not depend on the number of
 * processes. */
typedef struct vae_communicator {
  uint32_t struct_size;
  int32_t rank; /* of this process, from zero */
  int32_t size; /* the number of processes */
  int32_t reserved;
  void *user_data; /* handed to the functions */
  /* send: for each rank a block of bytes_each bytes; receive: room for as many, where the block from rank r comes to
   * place r. */
  int32_t (*all_to_all)(void *user_data, const void *send, void *receive, uint64_t bytes_each);
  /* send: bytes_each bytes; receive: room for those of all ranks, where those of rank r come to place r. */
  int32_t (*all_gather)(void *user_data, const void *send, void *receive, uint64_t bytes_each);
  /* buffer: what rank root sends, and all others receive. */
  int32_t (*broadcast)(void *user_data, void *buffer, uint64_t bytes, int32_t root);
  /* Ends what the processes do together, because this one cannot go on: calls in which others wait must fail, or their
   * processes end. reason: borrowed. May be NULL where the end of this process does that. */
  void (*abort)(void *user_data, const char *reason);
} vae_communicator;

/* The processes that mpirun or mpiexec has started with this one, connected by the MPI library of that launcher, which
 * is looked for and loaded at run time; the variable VAE_MPI_LIBRARY of the environment names it where it lies elsewhere. A
 * process that no launcher has started is alone: rank 0 of 1, and nothing is loaded. Where the program has initialised MPI it
 * finalises it too; else that is done at the end of the process, unless its status says that it has failed: then others may
 * wait for it in a training, and the launcher ends them.
 * communicator: filled in; good as long as the process lives.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_COMMUNICATION where there is no such library, or it is not that of the
 * launcher. [one thread at a time] */
vae_status vae_communicator_mpi(vae_communicator *communicator, vae_error **error);

/* How to train. Zero takes what the recipe says, which from then on says what is set here. epochs and batch_size that
 * nobody has chosen, here, in settings or in the text of a recipe, become what suits the number of rows of a table; images
 * keep the variant's. Limits of gradients that a variant states for each number of an example, as very-deep-vae does, become
 * those of the data's examples. */
typedef struct vae_trainer_options {
  uint32_t struct_size;
  int32_t existing_run;        /* VAE_RUN_… */
  const vae_setting *settings; /* borrowed; hyper-parameters of training, such as "training.optimizer" */
  uint64_t setting_count;
  int64_t epochs;
  int64_t batch_size;
  double learning_rate;
  uint64_t seed;   /* of order and draws, below 2^63 */
  const char *run; /* borrowed; a folder for metrics and checkpoints, NULL for none */
  /* borrowed; NULL, or a folder, made if need be, in which a new one for the checkpoints of this run is made. To resume
   * such a run it is named again, for nothing outside of a run folder is written that a call does not name. */
  const char *checkpoint_dir;
  /* borrowed, copied; NULL, or what connects several processes that train together. The first one alone writes to run, which
   * the others name, too, and all have the same model afterwards. */
  const vae_communicator *communicator;
} vae_trainer_options;

/* A trainer at its first step, or where a resumed run stood; then the model takes the run's weights, and the trainer the
 * record of the last epoch.
 * model: kept alive, and to be used by nobody else while a call of the trainer runs. data: see vae_data_free.
 * options: borrowed, NULL for defaults. trainer: owned by the caller, vae_trainer_free.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED for fields that are not known, VAE_ERR_RECIPE for what a
 * setting cannot say and for a run of another recipe, VAE_ERR_DATA for data that the model cannot take or be trained
 * on, VAE_ERR_OUT_OF_MEMORY; for the run VAE_ERR_EXISTS, VAE_ERR_IO, and where it is damaged, or holds a link, VAE_ERR_FORMAT,
 * VAE_ERR_NOT_FOUND or VAE_ERR_DATA; VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in fails;
 * VAE_ERR_COMMUNICATION where another process has failed, or has other data, another recipe or version, as any call that
 * trains may. [one thread at a time, for the model] */
vae_status vae_trainer_create(
    vae_model *model, const vae_data *data, const vae_trainer_options *options,
    vae_trainer **trainer, vae_error **error);

/* The terms of a bound in nats per example: elbo = -(distortion + rate). */
typedef struct vae_bound {
  uint32_t struct_size;
  int32_t is_held_out; /* 1 where these are of held-out examples */
  double elbo;
  double rate;
  double distortion;
} vae_bound;

/* Makes one update on the next batch; at the end of an epoch also measures the held-out images and, where there is a
 * run, stores a checkpoint. bound: of that batch, or NULL.
 * Returns VAE_ERR_INVALID_ARGUMENT, also where all epochs are done, VAE_ERR_DIVERGED, VAE_ERR_IO, VAE_ERR_BUSY,
 * VAE_ERR_PLUGIN where a part of a plug-in fails. [one thread at a time] */
vae_status vae_trainer_step(vae_trainer *trainer, vae_bound *bound, vae_error **error);

/* As vae_trainer_step, on a batch of the caller's, of any number of images; it is used in place where it is dense
 * float32. batch: borrowed.
 * Returns VAE_ERR_INVALID_ARGUMENT for a batch of another size, too, VAE_ERR_UNSUPPORTED for its device, dtype or a
 * field that is not known, VAE_ERR_DATA for values that the model cannot take, VAE_ERR_OUT_OF_MEMORY; else as
 * vae_trainer_step: VAE_ERR_DIVERGED, VAE_ERR_IO, VAE_ERR_BUSY, VAE_ERR_PLUGIN. [one thread at a time] */
vae_status vae_trainer_step_on(
    vae_trainer *trainer, const vae_tensor *batch, vae_bound *bound, vae_error **error);

/* As vae_trainer_step_on, for a model that is told a condition: options->condition is that of each image; the other
 * options are not used. options: borrowed, NULL for none.
 * Returns VAE_ERR_DATA for a condition that does not fit, and what vae_trainer_step_on returns. [one thread at a time] */
vae_status vae_trainer_step_on_with(
    vae_trainer *trainer, const vae_tensor *batch, const vae_call_options *options, vae_bound *bound,
    vae_error **error);

/* How far a training is. */
typedef struct vae_progress {
  uint32_t struct_size;
  int32_t is_epoch_end; /* 1 once per epoch, with held-out terms where there is such a split */
  int64_t step;         /* updates made */
  int64_t total_steps;
  int64_t epoch;        /* from one */
  vae_bound train;      /* of the last batch; of the whole epoch at its end */
  vae_bound valid;      /* is_held_out is 1 where there is one */
} vae_progress;

/* Told after every update, and again at the end of an epoch. progress: borrowed; its struct_size is the library's. */
typedef int32_t (*vae_progress_callback)(const vae_progress *progress, void *user_data);

/* Trains to the end, after which the model holds the moving average of its weights where training.average_decay asks
 * for one. A stopped fit goes on where it stood with the next call.
 * callback, token: may be NULL.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_CANCELLED where callback or token stopped it, VAE_ERR_DIVERGED,
 * VAE_ERR_IO, VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in fails. [one thread at a time] */
vae_status vae_trainer_fit(
    vae_trainer *trainer, vae_progress_callback callback, void *user_data,
    const vae_cancel_token *token, vae_error **error);

/* Something measured so far: "step", "epoch" and "total_steps"; "batch.elbo", "batch.rate" and "batch.distortion" of
 * the last update; and of the last finished epoch what metrics.jsonl has, such as "train.elbo", "valid.rate",
 * "active_units" or "rate_per_layer.0".
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND before there is such a number. [any thread] */
vae_status vae_trainer_metric(
    const vae_trainer *trainer, const char *name, double *value, vae_error **error);

/* The record of the last finished epoch as a JSON object, or "null".
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_trainer_record_json(
    const vae_trainer *trainer, char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* Releases a trainer; NULL is fine. [one thread at a time] */
void vae_trainer_free(vae_trainer *trainer);

/* ---------------------------------------------------------------------------------------------- measuring */

/* Numbers by name, as `vae-zoo evaluate --json` names them. */
typedef struct vae_metrics vae_metrics;

/* What to measure. */
typedef struct vae_evaluation_options {
  uint32_t struct_size;
  int32_t importance_samples; /* draws per example for the likelihood, to 10,000,000; zero for the bound alone */
  /* borrowed; "train", "valid" or "test"; NULL for "test". Where training has set a share of the examples apart, that is
   * "valid" of the data that the model was trained on, and their "train" is without it; opened data that are others have no
   * "valid" but their own */
  const char *split;
  uint64_t seed;
  const char *metrics; /* names as "elbo,nll", to measure these alone; NULL for all that there is */
  /* borrowed; the file of a frozen network by which images are compared, as vae_classifier_save writes one, or the
   * exported model of a run, whose encoder it is; NULL for none */
  const char *network;
  const char *network_layer; /* the layer whose features are compared; NULL for the one that stands for the image */
} vae_evaluation_options;

/* Measures a model on a split. options, token: may be NULL. metrics: owned by the caller. "bits_per_dim" is of "nll"
 * where importance_samples asks for it, else of "elbo"; "aggregate_posterior.kl" (nats) and
 * "aggregate_posterior.mean_norm" say how far the posteriors of all examples together lie from the prior.
 * Returns VAE_ERR_INVALID_ARGUMENT, also for a metric that needs importance_samples without them,
 * VAE_ERR_UNSUPPORTED for fields that are not known, VAE_ERR_NOT_FOUND where there is no such split or metric,
 * and for a network that is not there, VAE_ERR_FORMAT for a network that is damaged or does not take the images,
 * VAE_ERR_DATA for data that the model cannot take, and for a metric that needs what the data or the model lack,
 * VAE_ERR_OUT_OF_MEMORY, VAE_ERR_CANCELLED, VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in fails. [reading] */
vae_status vae_evaluate(
    vae_model *model, const vae_data *data, const vae_evaluation_options *options,
    const vae_cancel_token *token, vae_metrics **metrics, vae_error **error);

/* As vae_evaluate. call: borrowed, NULL for none.
 * Returns VAE_ERR_CANCELLED and what else vae_evaluate returns, VAE_ERR_COMMUNICATION where another process has failed, or
 * is asked something else. [reading] */
vae_status vae_evaluate_with(
    vae_model *model, const vae_data *data, const vae_evaluation_options *options,
    const vae_call_options *call, vae_metrics **metrics, vae_error **error);

/* One number, such as "elbo", "nll", "rate_stderr" or "rate_per_unit.0". name: borrowed.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND. [any thread] */
vae_status vae_metrics_get(
    const vae_metrics *metrics, const char *name, double *value, vae_error **error);

/* All of them as a JSON object.
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_metrics_json(
    const vae_metrics *metrics, char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* Releases metrics; NULL is fine. [any thread] */
void vae_metrics_free(vae_metrics *metrics);

/* ---------------------------------------------------------------------------------------- classifiers */

/* A small convolutional classifier of labelled images, which others are measured by as a frozen network. */
typedef struct vae_classifier vae_classifier;

/* Trains a classifier on the labels of data, as `vae-zoo classifier` does, and tries it on the split "valid", else
 * "test", else on a tenth of the training images. settings: borrowed, as `vae-zoo classifier --set` takes them, such
 * as "epochs"; NULL for none. call: borrowed, NULL for none; stopped, there is no classifier. classifier: owned by
 * the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED for fields that are not known, VAE_ERR_RECIPE for a setting
 * or a value that there is not, VAE_ERR_DATA for data without labels, of one class, of too few examples or too small
 * images, VAE_ERR_DIVERGED, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_CANCELLED, VAE_ERR_CALLBACK. [any thread] */
vae_status vae_classifier_train(
    const vae_data *data, const vae_setting *settings, size_t setting_count,
    const vae_call_options *call, vae_classifier **classifier, vae_error **error);

/* Reads a file that vae_classifier_save or `vae-zoo classifier` wrote. classifier: owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND, VAE_ERR_IO, VAE_ERR_FORMAT for a file that is damaged or holds
 * no classifier, VAE_ERR_OUT_OF_MEMORY. [any thread] */
vae_status vae_classifier_open(
    const char *path, vae_classifier **classifier, vae_error **error);

/* Writes a classifier into one safetensors file, whole or not at all; a file of that name is replaced.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND, VAE_ERR_IO, VAE_ERR_OUT_OF_MEMORY. [reading] */
vae_status vae_classifier_save(
    const vae_classifier *classifier, const char *path, vae_error **error);

/* The probability of each class. images: borrowed. call: borrowed, NULL for none.
 * probabilities: float32 [N, classes], owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED for a device, dtype or field that is not known, VAE_ERR_DATA
 * for images of another size or values that the classifier does not take, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_CANCELLED,
 * VAE_ERR_CALLBACK. [reading] */
vae_status vae_classifier_probabilities(
    const vae_classifier *classifier, const vae_tensor *images, const vae_call_options *call,
    vae_array **probabilities, vae_error **error);

/* A JSON object: "classes", the names in order, and, of one that the zoo has trained, "accuracy" on "held_out" with
 * "held_out_examples", "data", "training_examples" and "options".
 * Returns VAE_ERR_INVALID_ARGUMENT. [any thread] */
vae_status vae_classifier_json(
    const vae_classifier *classifier, char *buffer, size_t capacity, size_t *needed, vae_error **error);

/* Releases a classifier; NULL is fine. [one thread at a time] */
void vae_classifier_free(vae_classifier *classifier);

/* ---------------------------------------------------------------------------------------- using a model */

/* What an encoder says about images. */
typedef struct vae_encoding vae_encoding;

/* Encodes images. images: borrowed, used in place where they are dense float32. encoding: owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT for images of another size, VAE_ERR_UNSUPPORTED for a device, dtype or field that
 * is not known, VAE_ERR_DATA for values that the model cannot take, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_BUSY,
 * VAE_ERR_PLUGIN where a part of a plug-in fails. [reading] */
vae_status vae_encode(
    vae_model *model, const vae_tensor *images, uint64_t seed, vae_encoding **encoding,
    vae_error **error);

/* As vae_encode. options: borrowed, NULL for none.
 * Returns VAE_ERR_CANCELLED and what vae_encode returns, VAE_ERR_COMMUNICATION as vae_evaluate_with. [reading] */
vae_status vae_encode_with(
    vae_model *model, const vae_tensor *images, uint64_t seed, const vae_call_options *options,
    vae_encoding **encoding, vae_error **error);

/* The parts of an encoding. */
#define VAE_ENCODING_MEAN 1     /* of q(z|x), [N, units] */
#define VAE_ENCODING_VARIANCE 2 /* of q(z|x), [N, units] */
#define VAE_ENCODING_CODES 3    /* the numbers of the codes, [N, height, width] of int32 */
#define VAE_ENCODING_SAMPLE 4   /* a draw of a stochastic layer, [N, …]; codes' vectors for discrete latents */

/* A part of an encoding. layer: below latent_layers, zero nearest to the data; read for samples only.
 * array: owned by the caller; arrays of the same part share their memory.
 * Returns VAE_ERR_INVALID_ARGUMENT for another part, VAE_ERR_NOT_FOUND where the model has no such thing.
 * [any thread] */
vae_status vae_encoding_get(
    const vae_encoding *encoding, int32_t part, int64_t layer, vae_array **array, vae_error **error);

/* Releases an encoding; NULL is fine. [any thread] */
void vae_encoding_free(vae_encoding *encoding);

/* The mean images of latents; draws where the decoder is autoregressive.
 * latents: borrowed; a pointer to the tensor of each stochastic layer, zero nearest to the data, as
 * VAE_ENCODING_SAMPLE gives them; for codes, their numbers (int32) or their vectors.
 * images: [N, height, width, channels] of float32, of a table whose columns have names of float64; owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT for latents of other shapes or codes out of range, VAE_ERR_UNSUPPORTED for a
 * device, dtype or field that is not known, VAE_ERR_DATA where the latents lead beyond the numbers of 32-bit floats,
 * VAE_ERR_OUT_OF_MEMORY, VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a
 * plug-in fails. [reading] */
vae_status vae_decode(
    vae_model *model, const vae_tensor *const *latents, int64_t layer_count, uint64_t seed,
    vae_array **images, vae_error **error);

/* As vae_decode. options: borrowed, NULL for none.
 * Returns VAE_ERR_CANCELLED and what vae_decode returns. [reading] */
vae_status vae_decode_with(
    vae_model *model, const vae_tensor *const *latents, int64_t layer_count, uint64_t seed,
    const vae_call_options *options, vae_array **images, vae_error **error);

/* Encodes pictures of any size, for a model whose latents are a map, as those of autoencoder-kl, autoencoder-tiny and
 * vq-model are. Mean, variance and draw of the encoding are [N, rows, columns, channels], with a place for p by p pixels;
 * p is the model's own, the height of what vae_decode_pictures makes of latents with one row. A picture whose sides are
 * no multiples of p goes on below and to the right as it ends. Where latents become codes, the mean are the points that
 * the encoder gives, there is no variance, and the draw are the vectors of the nearest codes. Pictures are taken one at a
 * time.
 * pictures: borrowed; [N, height, width, channels] between 0 and 1, or bytes; strides let channels come first in memory.
 * Floats below -0.25 or above 1.25 are refused, for they are of another scale.
 * scaled: 1 for latents as a model that is trained on them takes them, (z - shift_factor) * scaling_factor; else 0, as
 * always where latents become codes, which have no such factors.
 * seed: of the draws. options: borrowed, NULL for none; asked at each layer. encoding: owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT for other shapes, numbers of another scale and ones that are not finite,
 * VAE_ERR_UNSUPPORTED for a device, dtype or field that is not known, VAE_ERR_DATA for a model that works at one size
 * alone, and where its weights lead beyond the numbers of 32-bit floats, VAE_ERR_RECIPE for tiles that do not fit the model and a precision that the
 * processor lacks, VAE_ERR_DATA for scaled latents of a model of codes, VAE_ERR_OUT_OF_MEMORY, also for sizes that would not fit, before any of the work, VAE_ERR_CANCELLED,
 * VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in fails. [reading] */
vae_status vae_encode_pictures(
    vae_model *model, const vae_tensor *pictures, int32_t scaled, uint64_t seed,
    const vae_call_options *options, vae_encoding **encoding, vae_error **error);

/* The pictures of such latents.
 * latents: borrowed; [N, rows, columns, channels]; strides let channels come first in memory. Bytes stand for latents
 * between -m and m, z = (b / 255 - 1/2) 2 m, with m the decoder's latent_magnitude, 3 in TAESD; b is
 * clamp(z / 2 m + 1/2, 0, 1) 255, rounded. Whole numbers of other types are refused, for they do not say whether they
 * are latents or stand for some. scaled: 1 for latents as a
 * model that is trained on them makes them, z / scaling_factor + shift_factor being taken; else 0. height, width: of the
 * pictures, less than p smaller than the latents' places; both 0 for all pixels of these. dtype: VAE_FLOAT32 for numbers
 * between 0 and 1, VAE_UINT8 for the nearest bytes. options: borrowed, NULL for none; asked at each layer. pictures:
 * [N, height, width, channels], owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT for other shapes, sizes, 32-bit integers and numbers that are not finite,
 * VAE_ERR_UNSUPPORTED, VAE_ERR_DATA, VAE_ERR_RECIPE, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_CANCELLED, VAE_ERR_BUSY and VAE_ERR_PLUGIN as
 * vae_encode_pictures; VAE_ERR_INVALID_ARGUMENT for bytes with scaled set, too, and VAE_ERR_DATA for bytes where the
 * decoder has no latent_magnitude. [reading] */
vae_status vae_decode_pictures(
    vae_model *model, const vae_tensor *latents, int32_t scaled, int64_t height, int64_t width,
    int32_t dtype, const vae_call_options *options, vae_array **pictures, vae_error **error);

/* Images through the latents and back. images: borrowed. result: of float32, of a table whose columns have names of
 * float64; owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED, VAE_ERR_DATA, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_BUSY and
 * VAE_ERR_PLUGIN as vae_encode. [reading] */
vae_status vae_reconstruct(
    vae_model *model, const vae_tensor *images, uint64_t seed, vae_array **result,
    vae_error **error);

/* As vae_reconstruct. options: borrowed, NULL for none.
 * Returns VAE_ERR_CANCELLED and what vae_reconstruct returns. [reading] */
vae_status vae_reconstruct_with(
    vae_model *model, const vae_tensor *images, uint64_t seed, const vae_call_options *options,
    vae_array **result, vae_error **error);

/* Mean images of draws from the prior. temperature: a factor of its deviation, 0 to 1000; 1 for the prior itself.
 * images: [count, height, width, channels] of float32, of a table whose columns have names of float64; owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in
 * fails. [reading] */
vae_status vae_sample(
    vae_model *model, int64_t count, double temperature, uint64_t seed, vae_array **images,
    vae_error **error);

/* As vae_sample; with the draw of the options draws of p(x|z) at those latents, which may leave the range of the data,
 * in place of their means. options: borrowed, NULL for none.
 * Returns VAE_ERR_CANCELLED, VAE_ERR_UNSUPPORTED for fields that are not known, and what vae_sample returns.
 * [reading] */
vae_status vae_sample_with(
    vae_model *model, int64_t count, double temperature, uint64_t seed,
    const vae_call_options *options, vae_array **images, vae_error **error);

/* log p(x) of each image in nats: importance-weighted with `samples` draws, or the evidence lower bound with
 * zero. samples: to 10,000,000. images: borrowed. result: [N] of float64, owned by the caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED, VAE_ERR_DATA, VAE_ERR_OUT_OF_MEMORY, VAE_ERR_BUSY and
 * VAE_ERR_PLUGIN as vae_encode; VAE_ERR_CANCELLED. [reading] */
vae_status vae_log_likelihood(
    vae_model *model, const vae_tensor *images, int32_t samples, uint64_t seed,
    const vae_cancel_token *token, vae_array **result, vae_error **error);

/* As vae_log_likelihood. options: borrowed, NULL for none.
 * Returns VAE_ERR_CANCELLED and what else vae_log_likelihood returns. [reading] */
vae_status vae_log_likelihood_with(
    vae_model *model, const vae_tensor *images, int32_t samples, uint64_t seed,
    const vae_call_options *options, vae_array **result, vae_error **error);

/* How unusual images are measured. */
typedef struct vae_score_options {
  uint32_t struct_size;
  /* Draws an image, of "nll", "ratio" and "typicality", to 10,000,000; 0 for 16, -1 for one, of the last two for
   * bounds. */
  int32_t importance_samples;
  /* borrowed; NULL for "nll": -log p(x), importance-weighted. "elbo": -ELBO, a bound on it. "regret": by how much -ELBO
   * falls where the posterior is optimised for the image alone. "ratio": log p'(x) - log p(x), p' being background.
   * "typicality": how far the mean of -log p(x) over the group of the image is from that over reference. */
  const char *method;
  vae_model *background; /* borrowed; of "ratio" alone, a model that takes the same images */
  uint64_t seed;         /* of all draws */
  int32_t steps;         /* updates of each posterior, of "regret", to 100,000; 0 for 100 */
  int32_t reserved;      /* zero */
  const vae_tensor *reference; /* borrowed; of "typicality" alone, images as training saw, best held-out ones */
  const vae_tensor *reference_condition; /* borrowed; what a conditional model is told of each of these; NULL */
  int32_t group;         /* images in turn that are a group, of "typicality"; 0 for 10; the last may be smaller */
  int32_t reserved2;     /* zero */
} vae_score_options;

/* How unusual each image is to a model, in nats, larger for what is more unusual; it follows from the image and the
 * seed alone, of "typicality" from the images of its group. images, options, call_options: borrowed; the last two NULL for none. scores: [N] of float64, owned by the
 * caller.
 * Returns VAE_ERR_INVALID_ARGUMENT, also for a background or a reference that is not asked for, or is asked for and missing,
 * and for a number of another method that is not 0,
 * VAE_ERR_NOT_FOUND for a method that there is not, VAE_ERR_UNSUPPORTED for fields that are not known, VAE_ERR_DATA for
 * images that the model cannot take and for models that do not suit the method, VAE_ERR_OUT_OF_MEMORY,
 * VAE_ERR_CANCELLED, VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in fails, VAE_ERR_COMMUNICATION as
 * vae_evaluate_with. [reading] */
vae_status vae_score(
    vae_model *model, const vae_tensor *images, const vae_score_options *options,
    const vae_call_options *call_options, vae_array **scores, vae_error **error);

/* How missing values are filled in. */
typedef struct vae_imputation_options {
  uint32_t struct_size;
  int32_t importance_samples; /* draws an image that are weighted, to 10,000,000; 0 for 1000 */
  uint64_t seed;              /* of all draws */
  const vae_tensor *truth;    /* borrowed; the true values, of the shape of the images, to measure the error by; NULL */
} vae_imputation_options;

/* Fills in the values of images, or of rows of a table, that are missing, which NaN stands for: by their means given
 * the known ones, in the data's own units, by importance sampling, or with call_options->draw = 1 by a draw, which another
 * seed makes another one; images that are known alike get the same means, and each a draw of its own. Known values stay
 * as they are, in the digits of what is returned. The model must be told which values are missing, as "missing-vae" is and others with
 * encoder.name=masked-mlp. That nothing is missing, or nothing known of an image, is said by the log callback.
 * images, options, call_options: borrowed; the last two NULL for none. filled: of the images' shape, [N, height, width,
 * channels] of float32, of a table whose columns have names of float64; owned by the caller. metrics: NULL where nobody
 * asks, or owned by the caller, vae_metrics_free: "missing", "examples_with_missing", "effective_draws", and where truth is
 * given the error of what was missing: "rmse", of numbers of tables in standard deviations of their columns in training,
 * of positive columns and counts in those of logarithms, and beside "rmse_of_means", that of filling in the columns' means
 * in training; "wrong_share" of categories; "columns".
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_UNSUPPORTED for fields that are not known, VAE_ERR_DATA for images or a truth
 * that the model cannot take, for a truth that differs from a value that is known, and for models that are not told which
 * values are missing, VAE_ERR_OUT_OF_MEMORY,
 * VAE_ERR_CANCELLED, VAE_ERR_CALLBACK, VAE_ERR_BUSY, VAE_ERR_PLUGIN where a part of a plug-in fails,
 * VAE_ERR_COMMUNICATION as vae_evaluate_with. [reading] */
vae_status vae_impute(
    vae_model *model, const vae_tensor *images, const vae_imputation_options *options,
    const vae_call_options *call_options, vae_array **filled, vae_metrics **metrics, vae_error **error);


/* ------------------------------------------------------------------------------------------------- timing */

/* Runs a reference workload as `vae-zoo bench` does: "min_ms", "median_ms", "gflops", "utilization", …
 * workload: "mlp", "conv", …; borrowed. token: may be NULL. metrics: owned by the caller, vae_metrics_free.
 * Returns VAE_ERR_INVALID_ARGUMENT, VAE_ERR_NOT_FOUND where there is no such workload, VAE_ERR_CANCELLED.
 * [any thread, but times mean little beside other work] */
vae_status vae_bench(
    const char *workload, const vae_cancel_token *token, vae_metrics **metrics, vae_error **error);

#ifdef __cplusplus
}
#endif

#endif /* VAE_H */
