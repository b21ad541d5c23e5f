// Writes the images of a data source for NumPy: PREFIX-train.npy, PREFIX-test.npy and so on, each
// [count, height, width, channels] of numbers between 0 and 1.
//
//     export-images [SOURCE [PREFIX [COUNT]]]
import VAEFiles
import VAEZoo

let arguments = Array(CommandLine.arguments.dropFirst())
let source = arguments.first ?? "shapes:32"
let prefix = arguments.dropFirst().first ?? "images"
let limit = arguments.dropFirst(2).first.flatMap { Int($0) } ?? (arguments.isEmpty ? 100 : .max)

let data = try DataSource.open(source)
for split in data.splits {
  let count = min(split.count, limit)
  let path = "\(prefix)-\(split.name).npy"
  try DurableFiles.replace(path, with: NPYWriter.bytes(split.batch(Array(0..<count))))
  print("\(path): \(count) images of \(split.shape)")
}
