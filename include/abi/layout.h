/* The constants of vae.h and the layout of its structs on 64-bit systems, written by scripts/abi-layout. Within a
 * major version no line changes but those of the minor version; new fields add lines, and the size of their struct
 * grows. */
#include "../vae.h"

#ifdef __cplusplus
#define VAE_LAYOUT_ASSERT static_assert
#else
#define VAE_LAYOUT_ASSERT _Static_assert
#endif
#define VAE_LAYOUT_CONSTANT(name, value) VAE_LAYOUT_ASSERT(name == value, #name)
#define VAE_LAYOUT_SIZE(type, size) VAE_LAYOUT_ASSERT(sizeof(type) == size, #type)
#define VAE_LAYOUT_FIELD(type, field, offset, size)                                                \
  VAE_LAYOUT_ASSERT(                                                                               \
      offsetof(type, field) == offset && sizeof(((type *)0)->field) == size, #type "." #field)

VAE_LAYOUT_CONSTANT(VAE_ABI_MAJOR, 0);
VAE_LAYOUT_CONSTANT(VAE_ABI_MINOR, 2);
VAE_LAYOUT_CONSTANT(VAE_OK, 0);
VAE_LAYOUT_CONSTANT(VAE_ERR_INVALID_ARGUMENT, 1);
VAE_LAYOUT_CONSTANT(VAE_ERR_RECIPE, 2);
VAE_LAYOUT_CONSTANT(VAE_ERR_DATA, 3);
VAE_LAYOUT_CONSTANT(VAE_ERR_NOT_FOUND, 4);
VAE_LAYOUT_CONSTANT(VAE_ERR_EXISTS, 5);
VAE_LAYOUT_CONSTANT(VAE_ERR_IO, 6);
VAE_LAYOUT_CONSTANT(VAE_ERR_FORMAT, 7);
VAE_LAYOUT_CONSTANT(VAE_ERR_UNSUPPORTED, 8);
VAE_LAYOUT_CONSTANT(VAE_ERR_DIVERGED, 9);
VAE_LAYOUT_CONSTANT(VAE_ERR_CANCELLED, 10);
VAE_LAYOUT_CONSTANT(VAE_ERR_BUSY, 11);
VAE_LAYOUT_CONSTANT(VAE_ERR_OUT_OF_MEMORY, 12);
VAE_LAYOUT_CONSTANT(VAE_ERR_PLUGIN, 13);
VAE_LAYOUT_CONSTANT(VAE_ERR_INTERNAL, 14);
VAE_LAYOUT_CONSTANT(VAE_ERR_CALLBACK, 15);
VAE_LAYOUT_CONSTANT(VAE_ERR_THREADS, 16);
VAE_LAYOUT_CONSTANT(VAE_FLOAT32, 1);
VAE_LAYOUT_CONSTANT(VAE_UINT8, 2);
VAE_LAYOUT_CONSTANT(VAE_INT32, 3);
VAE_LAYOUT_CONSTANT(VAE_FLOAT64, 4);
VAE_LAYOUT_CONSTANT(VAE_DEVICE_CPU, 1);
VAE_LAYOUT_CONSTANT(VAE_RANGE_AUTO, 0);
VAE_LAYOUT_CONSTANT(VAE_RANGE_BINARY, 1);
VAE_LAYOUT_CONSTANT(VAE_RANGE_UNIT, 2);
VAE_LAYOUT_CONSTANT(VAE_RANGE_REAL, 3);
VAE_LAYOUT_CONSTANT(VAE_RANGE_BYTES, 4);
VAE_LAYOUT_CONSTANT(VAE_CONDITION_NONE, 0);
VAE_LAYOUT_CONSTANT(VAE_CONDITION_LABEL, 1);
VAE_LAYOUT_CONSTANT(VAE_CONDITION_ATTRIBUTES, 2);
VAE_LAYOUT_CONSTANT(VAE_CONDITION_VECTOR, 3);
VAE_LAYOUT_CONSTANT(VAE_RUN_REFUSE, 0);
VAE_LAYOUT_CONSTANT(VAE_RUN_RESUME, 1);
VAE_LAYOUT_CONSTANT(VAE_RUN_REPLACE, 2);
VAE_LAYOUT_CONSTANT(VAE_ENCODING_MEAN, 1);
VAE_LAYOUT_CONSTANT(VAE_ENCODING_VARIANCE, 2);
VAE_LAYOUT_CONSTANT(VAE_ENCODING_CODES, 3);
VAE_LAYOUT_CONSTANT(VAE_ENCODING_SAMPLE, 4);
VAE_LAYOUT_SIZE(vae_call_options, 56);
VAE_LAYOUT_FIELD(vae_call_options, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_call_options, reserved, 4, 4);
VAE_LAYOUT_FIELD(vae_call_options, token, 8, 8);
VAE_LAYOUT_FIELD(vae_call_options, progress, 16, 8);
VAE_LAYOUT_FIELD(vae_call_options, user_data, 24, 8);
VAE_LAYOUT_FIELD(vae_call_options, condition, 32, 8);
VAE_LAYOUT_FIELD(vae_call_options, checkpoint, 40, 8);
VAE_LAYOUT_FIELD(vae_call_options, draw, 48, 4);
VAE_LAYOUT_FIELD(vae_call_options, reserved2, 52, 4);
VAE_LAYOUT_SIZE(vae_tensor, 48);
VAE_LAYOUT_FIELD(vae_tensor, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_tensor, dtype, 4, 4);
VAE_LAYOUT_FIELD(vae_tensor, device, 8, 4);
VAE_LAYOUT_FIELD(vae_tensor, rank, 12, 4);
VAE_LAYOUT_FIELD(vae_tensor, shape, 16, 8);
VAE_LAYOUT_FIELD(vae_tensor, strides, 24, 8);
VAE_LAYOUT_FIELD(vae_tensor, data, 32, 8);
VAE_LAYOUT_FIELD(vae_tensor, byte_offset, 40, 8);
VAE_LAYOUT_SIZE(vae_setting, 16);
VAE_LAYOUT_FIELD(vae_setting, key, 0, 8);
VAE_LAYOUT_FIELD(vae_setting, value, 8, 8);
VAE_LAYOUT_SIZE(vae_data_options, 48);
VAE_LAYOUT_FIELD(vae_data_options, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_data_options, range, 4, 4);
VAE_LAYOUT_FIELD(vae_data_options, train_condition, 8, 8);
VAE_LAYOUT_FIELD(vae_data_options, test_condition, 16, 8);
VAE_LAYOUT_FIELD(vae_data_options, class_names, 24, 8);
VAE_LAYOUT_FIELD(vae_data_options, class_name_count, 32, 8);
VAE_LAYOUT_FIELD(vae_data_options, columns_json, 40, 8);
VAE_LAYOUT_SIZE(vae_data_info, 72);
VAE_LAYOUT_FIELD(vae_data_info, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_data_info, range, 4, 4);
VAE_LAYOUT_FIELD(vae_data_info, height, 8, 8);
VAE_LAYOUT_FIELD(vae_data_info, width, 16, 8);
VAE_LAYOUT_FIELD(vae_data_info, channels, 24, 8);
VAE_LAYOUT_FIELD(vae_data_info, train_count, 32, 8);
VAE_LAYOUT_FIELD(vae_data_info, valid_count, 40, 8);
VAE_LAYOUT_FIELD(vae_data_info, test_count, 48, 8);
VAE_LAYOUT_FIELD(vae_data_info, condition_width, 56, 8);
VAE_LAYOUT_FIELD(vae_data_info, condition, 64, 4);
VAE_LAYOUT_FIELD(vae_data_info, reserved, 68, 4);
VAE_LAYOUT_SIZE(vae_model_options, 104);
VAE_LAYOUT_FIELD(vae_model_options, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_model_options, range, 4, 4);
VAE_LAYOUT_FIELD(vae_model_options, variant, 8, 8);
VAE_LAYOUT_FIELD(vae_model_options, recipe_json, 16, 8);
VAE_LAYOUT_FIELD(vae_model_options, settings, 24, 8);
VAE_LAYOUT_FIELD(vae_model_options, setting_count, 32, 8);
VAE_LAYOUT_FIELD(vae_model_options, height, 40, 8);
VAE_LAYOUT_FIELD(vae_model_options, width, 48, 8);
VAE_LAYOUT_FIELD(vae_model_options, channels, 56, 8);
VAE_LAYOUT_FIELD(vae_model_options, seed, 64, 8);
VAE_LAYOUT_FIELD(vae_model_options, data, 72, 8);
VAE_LAYOUT_FIELD(vae_model_options, from_weights, 80, 8);
VAE_LAYOUT_FIELD(vae_model_options, condition_width, 88, 8);
VAE_LAYOUT_FIELD(vae_model_options, condition, 96, 4);
VAE_LAYOUT_FIELD(vae_model_options, reserved, 100, 4);
VAE_LAYOUT_SIZE(vae_model_info, 80);
VAE_LAYOUT_FIELD(vae_model_info, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_model_info, range, 4, 4);
VAE_LAYOUT_FIELD(vae_model_info, height, 8, 8);
VAE_LAYOUT_FIELD(vae_model_info, width, 16, 8);
VAE_LAYOUT_FIELD(vae_model_info, channels, 24, 8);
VAE_LAYOUT_FIELD(vae_model_info, parameter_count, 32, 8);
VAE_LAYOUT_FIELD(vae_model_info, tensor_count, 40, 8);
VAE_LAYOUT_FIELD(vae_model_info, latent_layers, 48, 8);
VAE_LAYOUT_FIELD(vae_model_info, code_count, 56, 8);
VAE_LAYOUT_FIELD(vae_model_info, condition_width, 64, 8);
VAE_LAYOUT_FIELD(vae_model_info, condition, 72, 4);
VAE_LAYOUT_FIELD(vae_model_info, reserved, 76, 4);
VAE_LAYOUT_SIZE(vae_trainer_options, 72);
VAE_LAYOUT_FIELD(vae_trainer_options, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_trainer_options, existing_run, 4, 4);
VAE_LAYOUT_FIELD(vae_trainer_options, settings, 8, 8);
VAE_LAYOUT_FIELD(vae_trainer_options, setting_count, 16, 8);
VAE_LAYOUT_FIELD(vae_trainer_options, epochs, 24, 8);
VAE_LAYOUT_FIELD(vae_trainer_options, batch_size, 32, 8);
VAE_LAYOUT_FIELD(vae_trainer_options, learning_rate, 40, 8);
VAE_LAYOUT_FIELD(vae_trainer_options, seed, 48, 8);
VAE_LAYOUT_FIELD(vae_trainer_options, run, 56, 8);
VAE_LAYOUT_FIELD(vae_trainer_options, checkpoint_dir, 64, 8);
VAE_LAYOUT_SIZE(vae_bound, 32);
VAE_LAYOUT_FIELD(vae_bound, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_bound, is_held_out, 4, 4);
VAE_LAYOUT_FIELD(vae_bound, elbo, 8, 8);
VAE_LAYOUT_FIELD(vae_bound, rate, 16, 8);
VAE_LAYOUT_FIELD(vae_bound, distortion, 24, 8);
VAE_LAYOUT_SIZE(vae_progress, 96);
VAE_LAYOUT_FIELD(vae_progress, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_progress, is_epoch_end, 4, 4);
VAE_LAYOUT_FIELD(vae_progress, step, 8, 8);
VAE_LAYOUT_FIELD(vae_progress, total_steps, 16, 8);
VAE_LAYOUT_FIELD(vae_progress, epoch, 24, 8);
VAE_LAYOUT_FIELD(vae_progress, train, 32, 32);
VAE_LAYOUT_FIELD(vae_progress, valid, 64, 32);
VAE_LAYOUT_SIZE(vae_evaluation_options, 48);
VAE_LAYOUT_FIELD(vae_evaluation_options, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_evaluation_options, importance_samples, 4, 4);
VAE_LAYOUT_FIELD(vae_evaluation_options, split, 8, 8);
VAE_LAYOUT_FIELD(vae_evaluation_options, seed, 16, 8);
VAE_LAYOUT_FIELD(vae_evaluation_options, metrics, 24, 8);
VAE_LAYOUT_FIELD(vae_evaluation_options, network, 32, 8);
VAE_LAYOUT_FIELD(vae_evaluation_options, network_layer, 40, 8);
VAE_LAYOUT_SIZE(vae_score_options, 40);
VAE_LAYOUT_FIELD(vae_score_options, struct_size, 0, 4);
VAE_LAYOUT_FIELD(vae_score_options, importance_samples, 4, 4);
VAE_LAYOUT_FIELD(vae_score_options, method, 8, 8);
VAE_LAYOUT_FIELD(vae_score_options, background, 16, 8);
VAE_LAYOUT_FIELD(vae_score_options, seed, 24, 8);
VAE_LAYOUT_FIELD(vae_score_options, steps, 32, 4);
VAE_LAYOUT_FIELD(vae_score_options, reserved, 36, 4);
