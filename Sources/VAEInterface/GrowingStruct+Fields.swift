// Written by scripts/abi-layout from include/vae.h and include/vae_plugin.h.
// swift-format-ignore-file
import CVAE

extension vae_call_options: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<52, 52..<56, 56..<60, 60..<64, 64..<72]
  public static let firstSize = 72
}
extension vae_tensor: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<12, 12..<16, 16..<24, 24..<32, 32..<40, 40..<48]
  public static let firstSize = 48
}
extension vae_data_options: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48]
  public static let firstSize = 48
}
extension vae_data_info: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<68, 68..<72]
  public static let firstSize = 56
}
extension vae_model_options: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<80, 80..<88, 88..<96, 96..<100, 100..<104]
  public static let firstSize = 80
}
extension vae_model_info: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<76, 76..<80]
  public static let firstSize = 64
}
extension vae_communicator: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<12, 12..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56]
  public static let firstSize = 56
}
extension vae_trainer_options: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<80]
  public static let firstSize = 64
}
extension vae_bound: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32]
  public static let firstSize = 32
}
extension vae_progress: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<64, 64..<96]
  public static let firstSize = 96
}
extension vae_evaluation_options: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48]
  public static let firstSize = 24
}
extension vae_score_options: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<36, 36..<40, 40..<48, 48..<56, 56..<60, 60..<64]
  public static let firstSize = 64
}
extension vae_imputation_options: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24]
  public static let firstSize = 24
}
extension vae_hyperparameter: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<80, 80..<88, 88..<96, 96..<104, 104..<112, 112..<120, 120..<128]
  public static let firstSize = 128
}
extension vae_build_info: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<36, 36..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<80, 80..<88, 88..<96]
  public static let firstSize = 88
}
extension vae_pass_info: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40]
  public static let firstSize = 40
}
extension vae_operation: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32]
  public static let firstSize = 32
}
extension vae_host: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<80, 80..<88, 88..<96, 96..<104, 104..<112, 112..<120, 120..<128, 128..<136, 136..<144, 144..<152, 152..<160, 160..<168, 168..<176, 176..<184, 184..<192, 192..<200, 200..<208, 208..<216, 216..<224, 224..<232, 232..<240, 240..<248, 248..<256, 256..<264, 264..<272, 272..<280, 280..<288, 288..<296, 296..<304, 304..<312, 312..<320, 320..<328, 328..<336, 336..<344, 344..<352, 352..<360, 360..<368, 368..<376, 376..<384, 384..<392, 392..<400, 400..<408, 408..<416, 416..<424, 424..<432, 432..<440, 440..<448, 448..<456, 456..<464, 464..<472, 472..<480, 480..<488, 488..<496, 496..<504, 504..<512, 512..<520, 520..<528, 528..<536, 536..<544, 544..<552, 552..<560, 560..<568]
  public static let firstSize = 560
}
extension vae_encoder: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48]
  public static let firstSize = 48
}
extension vae_prior: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40]
  public static let firstSize = 40
}
extension vae_decoder: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24]
  public static let firstSize = 24
}
extension vae_likelihood: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<12, 12..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64]
  public static let firstSize = 64
}
extension vae_requirements: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<12, 12..<16, 16..<24]
  public static let firstSize = 24
}
extension vae_terms: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<80, 80..<88, 88..<96, 96..<104]
  public static let firstSize = 104
}
extension vae_objective: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24]
  public static let firstSize = 24
}
extension vae_component: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<80, 80..<88, 88..<96, 96..<104, 104..<112, 112..<120, 120..<128, 128..<132, 132..<136]
  public static let firstSize = 128
}
extension vae_variant: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64, 64..<72, 72..<80, 80..<88, 88..<96, 96..<104]
  public static let firstSize = 104
}
extension vae_plugin: GrowingStruct {
  public static let fields: [Range<Int>] = [0..<4, 4..<8, 8..<16, 16..<24, 24..<32, 32..<40, 40..<48, 48..<56, 56..<64]
  public static let firstSize = 64
}
