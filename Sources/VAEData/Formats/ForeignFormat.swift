/// A format of data that is not read, with what makes data of it that are.
struct ForeignFormat {
  /// Completes "PATH is".
  private let name: String
  /// What to do.
  private let remedy: String
  /// The endings of file names, in small letters; the first of all formats that fits holds.
  private let endings: [String]
  /// How such files begin, where that tells them from others.
  private let magic: [UInt8]
  /// Where these bytes stand.
  private var offset = 0

  private static let table = "numpy.save('data.npy', X.astype('f4'))"

  private static let all = [
    ForeignFormat(
      name: "a tar archive", remedy: "unpack it, and give the folder that it leaves",
      endings: [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst"],
      magic: Array("ustar".utf8), offset: 257),
    ForeignFormat(
      name: "a file of PyTorch",
      remedy: "store its tensor by numpy.save('data.npy', torch.load(path).numpy())",
      endings: [".pt", ".pth"], magic: []),
    ForeignFormat(
      name: "a spreadsheet",
      remedy: "store it as a table by pandas.read_excel(path).to_csv('data.csv', index=False)",
      endings: [".xlsx", ".xls", ".ods"], magic: []),
    ForeignFormat(
      name: "a ZIP archive",
      remedy: "unpack it, and give the folder that it leaves; an archive of NumPy must end in .npz",
      endings: [".zip"], magic: [0x50, 0x4b, 3, 4]),
    ForeignFormat(
      name: "a text file",
      remedy:
        "store its numbers by X = numpy.loadtxt(path); \(table); a table with names of columns must end in .csv or .tsv",
      endings: [".txt", ".dat", ".amat"], magic: []),
    ForeignFormat(
      name: "a file of MATLAB",
      remedy: "store its array by X = scipy.io.loadmat(path)['NAME']; \(table)",
      endings: [".mat"], magic: Array("MATLAB ".utf8)),
    ForeignFormat(
      name: "an HDF5 file", remedy: "store its array by X = h5py.File(path)['NAME'][:]; \(table)",
      endings: [".h5", ".hdf5", ".he5"], magic: [0x89, 0x48, 0x44, 0x46]),
    ForeignFormat(
      name: "a Parquet file",
      remedy: "store it as a table by pandas.read_parquet(path).to_csv('data.csv', index=False)",
      endings: [".parquet"], magic: Array("PAR1".utf8)),
    ForeignFormat(
      name: "a pickle of Python",
      remedy: "store its array by numpy.save; a pickle runs what is in it, so load only your own",
      endings: [".pkl", ".pickle", ".joblib"], magic: [0x80]),
    ForeignFormat(
      name: "a NumPy array by another name", remedy: "rename it so that it ends in .npy",
      endings: [],
      magic: [0x93, 0x4e, 0x55, 0x4d]),
    ForeignFormat(
      name: "one picture", remedy: "give the folder that holds the pictures",
      endings: [
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".gif",
      ],
      magic: []),
  ]

  /// Refuses a file of such a format, by its name or else by how it begins.
  ///
  /// - Throws: `DataError` of kind `unusable`, or where the file cannot be read.
  static func refuse(_ path: String, _ opening: Opening) throws(DataError) {
    let name = path.lowercased()
    let start = try opening.file(path).bytes(0..<512)
    // Two zeros and a type of elements begin an IDX file, whatever its name.
    if start.starts(with: [0, 0]), start.dropFirst(2).first.map({ $0 >= 8 }) == true { return }
    let format =
      all.first { $0.endings.contains(where: name.hasSuffix) }
      ?? all.first {
        !$0.magic.isEmpty && start.dropFirst($0.offset).starts(with: $0.magic)
      }
    guard let format else { return }
    throw DataError(.unusable, "\(path) is \(format.name), which is not read; \(format.remedy)")
  }
}
