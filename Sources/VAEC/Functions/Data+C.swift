// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Messages
import VAEZoo

/// A data source as C holds it.
final class DataObject: HandleObject {
  static let kind = HandleKind.data

  let source: DataSource

  init(_ source: DataSource) {
    self.source = source
  }
}

/// The ranges of values in the words of C: bytes that are divided by 255 are one of their own.
struct ValueKind {
  let code: Int32
  let range: ValueRange
  let rule: String

  static let all = [
    ValueKind(code: VAE_RANGE_BINARY, range: .binary, rule: "binary"),
    ValueKind(code: VAE_RANGE_UNIT, range: .unit, rule: "floats"),
    ValueKind(code: VAE_RANGE_REAL, range: .real, rule: "floats"),
    ValueKind(code: VAE_RANGE_BYTES, range: .unit, rule: "bytes/255"),
  ]

  /// The code of values of a range that are read by a rule.
  static func code(_ range: ValueRange, rule: String) -> Int32 {
    all.first { $0.range == range && $0.rule == rule }?.code
      ?? all.first { $0.range == range }?.code ?? VAE_RANGE_REAL
  }

  /// - Throws: `CallError` where there is no such range.
  init(code: Int32) throws(CallError) {
    guard let found = Self.all.first(where: { $0.code == code }) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "range is \(code), which is none of VAE_RANGE_BINARY, _UNIT, _REAL and _BYTES")
    }
    self = found
  }

  private init(code: Int32, range: ValueRange, rule: String) {
    self.code = code
    self.range = range
    self.rule = rule
  }
}

@c @implementation
public func vae_data_open(
  _ source: UnsafePointer<CChar>?, _ data: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  vae_data_open_with(source, nil, data, error)
}

@c @implementation
public func vae_data_open_with(
  _ source: UnsafePointer<CChar>?, _ options: UnsafePointer<vae_call_options>?,
  _ data: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(data, "data")
    let source = try path(source, "source")
    let watch = try CallWatch(options, "options")
    try watch.proceed(0)
    result.pointee = try Handles.make(
      try said(try watch.asked { try DataSource.open(source, isCancelled: $0) }))
  }
}

@c @implementation
public func vae_data_from_tensors(
  _ train: UnsafePointer<vae_tensor>?, _ test: UnsafePointer<vae_tensor>?, _ range: Int32,
  _ data: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(data, "data")
    let kind = range == VAE_RANGE_AUTO ? nil : try ValueKind(code: range)
    let trainImages = try TensorView(train, "train").images(of: nil)
    let testImages = try test.map { try TensorView($0, "test").images(of: nil) }
    let areBytes = trainImages.element == .uint8
    let source = try DataSource.inMemory(
      train: trainImages, test: testImages, range: kind?.range,
      rule: kind.flatMap { kind in
        // Which of the two rules of binary bytes it is follows from the bytes.
        areBytes ? kind.code == VAE_RANGE_BINARY ? nil : "bytes/255" : kind.rule
      })
    result.pointee = try Handles.make(try said(source))
  }
}

/// A source, once its caller has been told what there is to know of how it was read.
private func said(_ source: DataSource) throws(CallError) -> DataObject {
  for notice in source.notices { try Log.say(notice.description) }
  return DataObject(source)
}

@c @implementation
public func vae_data_describe(
  _ data: OpaquePointer?, _ info: UnsafeMutablePointer<vae_data_info>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try StructResult(info, "info")
    let source = try Handles.object(data, DataObject.self, "data").source
    var info = vae_data_info()
    info.range = ValueKind.code(source.valueRange, rule: source.rule)
    info.height = Int64(source.shape.height)
    info.width = Int64(source.shape.width)
    info.channels = Int64(source.shape.channels)
    info.train_count = Int64(source.train.count)
    info.valid_count = Int64(source.validation?.count ?? 0)
    info.test_count = Int64(source.test?.count ?? 0)
    result.give(info)
  }
}

@c @implementation
public func vae_data_images(
  _ data: OpaquePointer?, _ split: UnsafePointer<CChar>?, _ first: Int64, _ count: Int64,
  _ images: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(images, "images")
    let source = try Handles.object(data, DataObject.self, "data").source
    let split = try source.split(of: split)
    guard first >= 0, count >= 1, first < split.count, count <= Int64(split.count) - first else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(Count.of(Int(count), "image")) from \(first) on are not all among the \(split.count) of \(split.name)"
      )
    }
    try MemoryNeed.check(
      bytes: Double(count) * Double(split.shape.count) * 4, for: "\(count) images")
    let batch = split.batch(Array(Int(first)..<Int(first + count)))
    try split.checkExamples()
    result.pointee = try Handles.make(ArrayObject(batch))
  }
}

@c @implementation
public func vae_data_free(_ data: OpaquePointer?) {
  Handles.release(data, DataObject.self)
}

extension DataSource {
  /// The split that an argument names.
  ///
  /// - Throws: `CallError` where it is no split's name, or the source lacks it.
  func split(of argument: UnsafePointer<CChar>?) throws(CallError) -> DataSplit {
    let name = try text(argument, "split")
    guard ["train", "valid", "test"].contains(name) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "split is \(name), but splits are train, valid and test")
    }
    do {
      return try split(named: name)
    } catch {
      throw CallError(VAE_ERR_NOT_FOUND, error.description)
    }
  }
}
