import Foundation

/// A file as the format's reference library writes it.
enum ReferenceSafetensors {
  /// Made by safetensors 0.8.0 for Python:
  ///
  ///     import base64
  ///     import numpy as np
  ///     from safetensors.numpy import save
  ///
  ///     file = save(
  ///         {
  ///             "weights": np.array([[1.5, -2.25, 3.0], [0.0, -0.0, 1e-40]], np.float32),
  ///             'encoder.é"\\/\n': np.array([-1.0, 0.1], np.float64),
  ///             "steps": np.array([[-(2**63), 2**63 - 1]], np.int64),
  ///             "counts": np.array([2**64 - 1], np.uint64),
  ///             "labels": np.array([-7, 7], np.int32),
  ///             "bytes": np.array([0, 1, 255], np.uint8),
  ///             "scalar": np.array(2.5, np.float32),
  ///             "none": np.zeros((0, 4), np.float32),
  ///         },
  ///         {"recipe": '{"a": "ü\\\n\t\x01"}'},
  ///     )
  ///     print(base64.b64encode(file).decode())
  static let bytes = Array(Data(base64Encoded: base64) ?? Data())

  private static let base64 = """
    KAIAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJyZWNpcGUiOiJ7XCJhXCI6IFwiw7xcXFxuXHRcdTAwMDFcIn0ifSwiY291\
    bnRzIjp7ImR0eXBlIjoiVTY0Iiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbMCw4XX0sInN0ZXBzIjp7ImR0eXBl\
    IjoiSTY0Iiwic2hhcGUiOlsxLDJdLCJkYXRhX29mZnNldHMiOls4LDI0XX0sImVuY29kZXIuw6lcIlxcL1xuIjp7ImR0\
    eXBlIjoiRjY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMjQsNDBdfSwibm9uZSI6eyJkdHlwZSI6IkYzMiIs\
    InNoYXBlIjpbMCw0XSwiZGF0YV9vZmZzZXRzIjpbNDAsNDBdfSwic2NhbGFyIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUi\
    OltdLCJkYXRhX29mZnNldHMiOls0MCw0NF19LCJ3ZWlnaHRzIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyLDNdLCJk\
    YXRhX29mZnNldHMiOls0NCw2OF19LCJsYWJlbHMiOnsiZHR5cGUiOiJJMzIiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNl\
    dHMiOls2OCw3Nl19LCJieXRlcyI6eyJkdHlwZSI6IlU4Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbNzYsNzld\
    fX0gICAgICD//////////wAAAAAAAACA/////////38AAAAAAADwv5qZmZmZmbk/AAAgQAAAwD8AABDAAABAQAAAAAAA\
    AACAwhYBAPn///8HAAAAAAH/
    """
}
