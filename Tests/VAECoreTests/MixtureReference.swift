/// A pixel under a discretised mixture of logistics, with its log density and the gradients of that
/// by all parameters, as `Reference/likelihoods.py` prints them.
struct MixtureReference {
  let channels: Int
  let components: Int
  let levels: [Int]
  let parameters: [Float]
  let logDensity: Double
  let gradients: [Double]

  static let all = [
    MixtureReference(
      channels: 1, components: 1, levels: [0],
      parameters: [-0.985, -0.823, -0.804],
      logDensity: -0.905095989,
      gradients: [0, -1.330615, 0.2303007]),
    MixtureReference(
      channels: 1, components: 1, levels: [100],
      parameters: [0.258, 0.962, -1.35],
      logDensity: -8.0620917,
      gradients: [0, -3.776171, 3.447073]),
    MixtureReference(
      channels: 1, components: 1, levels: [255],
      parameters: [-0.386, -0.409, -3.01],
      logDensity: -28.505388,
      gradients: [0, 20.2874, 28.50539]),
    MixtureReference(
      channels: 1, components: 3, levels: [0],
      parameters: [-0.12, 1.41, 1.12, 0.383, -0.247, -0.88, -2.55, -2.69, -0.181],
      logDensity: -1.73046299,
      gradients: [
        -0.1102075, -0.5089115, 0.619119, -1.70092e-07, -0.0006822321, -0.6407888, 2.345702e-07,
        0.0005110453, 0.07438176,
      ]),
    MixtureReference(
      channels: 1, components: 3, levels: [7],
      parameters: [0.843, 1.63, -2.53, 0.548, 0.454, -0.643, -3.4, -0.587, -2.94],
      logDensity: -7.31087975,
      gradients: [
        -0.3094938, 0.3123794, -0.002885623, 0, -1.517992, -0.1451781, 0, 1.131535, 0.03611824,
      ]),
    MixtureReference(
      channels: 1, components: 3, levels: [255],
      parameters: [0.342, -0.515, -1.1, 0.393, -0.967, -0.0728, -2.96, -0.853, -2.83],
      logDensity: -5.97889583,
      gradients: [
        -0.5999894, 0.7423549, -0.1423655, 0.04049143, 2.3186, 1.296713e-05, 0.02441951, 4.551594,
        1.386029e-05,
      ]),
    MixtureReference(
      channels: 2, components: 2, levels: [0, 255],
      parameters: [
        0.853, -0.101, 0.472, 0.842, -0.989, 0.706, -3.82, -2.24, -2.52, -1.99, -0.157, -1.06,
      ],
      logDensity: -18.5718103,
      gradients: [
        -0.7219189, 0.7219189, 0, -9.393331, 0, 0.1898047, 0, 17.26568, 0, -0.09406444, 0,
        -0.0726444,
      ]),
    MixtureReference(
      channels: 2, components: 2, levels: [130, 90],
      parameters: [
        -0.462, 0.985, -0.344, -0.526, -0.578, 0.598, -2.19, -1.24, -2.79, -3.35, 1.1, 0.194,
      ],
      logDensity: -14.0903964,
      gradients: [
        0.8095363, -0.8095363, 8.267103, 1.532359e-08, 15.87194, -1.716313e-07, 2.005663,
        2.339462e-09, 3.25538, 1.477131e-07, 0.1117887, -3.241851e-09,
      ]),
    MixtureReference(
      channels: 3, components: 2, levels: [20, 0, 255],
      parameters: [
        0.72, -0.485, 0.725, -0.976, -0.759, 0.454, 0.0817, 0.922, -3.2, -3.9, -2.57, -3.44, -1.36,
        -0.661, 0.345, -0.455, -1.64, 0.431, 1.1, 0.569,
      ],
      logDensity: -44.4920405,
      gradients: [
        0.2305869, -0.2305869, -24.53253, 5.788555e-09, -4.752913, -3.666401e-09, 3.796012,
        1.953993e-10, 37.46729, 6.501466e-10, -0.2033646, 6.634101e-09, 3.541265, 1.811884e-10,
        3.565827, 2.529532e-09, -0.447421, -1.385558e-10, -1.363532, -1.415164e-10,
      ]),
    MixtureReference(
      channels: 3, components: 2, levels: [128, 131, 90],
      parameters: [
        -0.524, 0.412, -0.552, -0.0999, 0.0714, 0.31, -0.129, 0.0146, -0.0188, -1.52, -0.0284,
        -1.37, -1.5, -3.87, 0.15, -0.557, 0.877, 0.447, -0.617, 0.0818,
      ],
      logDensity: -18.6171602,
      gradients: [
        0.7177895, -0.7177895, 0.2809912, 0.0005341528, -0.02355175, -0.0009907377, -1.476502,
        -0.02404111, -0.8432874, -0.0004459798, -0.998447, -0.000223487, -0.7738389, 0.007007971,
        -9.031254e-05, -2.891474e-06, -0.002913037, -7.769322e-05, -0.02831362, -0.000655556,
      ]),
  ]
}
