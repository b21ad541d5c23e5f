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
    var options = vae_data_options()
    options.range = range
    result.pointee = try makeData(train, test, options)
  }
}

@c @implementation
public func vae_data_from_tensors_with(
  _ train: UnsafePointer<vae_tensor>?, _ test: UnsafePointer<vae_tensor>?,
  _ options: UnsafePointer<vae_data_options>?, _ data: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(data, "data")
    result.pointee = try makeData(train, test, value(of: options, "options"))
  }
}

/// The handle of a source of images in memory.
private func makeData(
  _ train: UnsafePointer<vae_tensor>?, _ test: UnsafePointer<vae_tensor>?,
  _ options: vae_data_options
) throws -> OpaquePointer {
  let kind = options.range == VAE_RANGE_AUTO ? nil : try ValueKind(code: options.range)
  let trainImages = try TensorView(train, "train").images(of: nil)
  let testImages = try test.map { try TensorView($0, "test").images(of: nil) }
  let areBytes = trainImages.element == .uint8
  let classes = try texts(
    options.class_names, options.class_name_count, "options->class_name",
    limit: ConditionSpace.widthLimit)
  let columns = try text(optional: options.columns_json, "options->columns_json").map {
    try GivenColumn.list(parsing: $0, source: "options->columns_json")
  }
  guard columns == nil || kind == nil else {
    throw CallError(
      VAE_ERR_INVALID_ARGUMENT,
      "options give columns, and a range as well; leave the range VAE_RANGE_AUTO")
  }
  let source = try DataSource.inMemory(
    train: trainImages, test: testImages,
    conditions: (
      train: try conditions(options.train_condition, "train", of: trainImages, classes),
      test: try conditions(options.test_condition, "test", of: testImages, classes)
    ), range: kind?.range,
    rule: kind.flatMap { kind in
      // Which of the two rules of binary bytes it is follows from the bytes.
      areBytes ? kind.code == VAE_RANGE_BINARY ? nil : "bytes/255" : kind.rule
    }, columns: columns?.columns, label: columns?.label)
  return try Handles.make(try said(source))
}

/// What a caller knows of the images of a split; nil for nothing.
private func conditions(
  _ tensor: UnsafePointer<vae_tensor>?, _ split: String, of images: MemoryImages?,
  _ classes: [String]
) throws -> GivenConditions? {
  guard let tensor else { return nil }
  let given = try TensorView(tensor, "options->\(split)_condition").conditions()
  guard given.count == images?.count ?? 0 else {
    throw CallError(
      VAE_ERR_DATA,
      "options->\(split)_condition is of \(Count.of(given.count, "example")), but \(split) has "
        + Count.of(images?.count ?? 0, "image"))
  }
  return try given.named(classes, name: "options->\(split)_condition")
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
    let shape = source.train.ownShape
    info.height = Int64(shape.height)
    info.width = Int64(shape.width)
    info.channels = Int64(shape.channels)
    info.train_count = Int64(source.train.count)
    info.valid_count = Int64(source.validation?.count ?? 0)
    info.test_count = Int64(source.test?.count ?? 0)
    // What cannot be a condition, such as labels below zero, is none.
    let space = try? source.conditionSpace()
    info.condition = ConditionSpace.code(space)
    info.condition_width = Int64(space?.width ?? 0)
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
    let indices = try split.indices(first, count)
    try MemoryNeed.check(
      bytes: Double(count) * Double(split.ownShape.count) * 8, for: "\(count) images")
    let own = split.ownShape
    let array =
      (split.columns?.haveNames == true ? split.ownRows(indices) : nil).map {
        ArrayObject($0, shape: [Int(count), own.height, own.width, own.channels])
      } ?? ArrayObject(split.ownBatch(indices))
    try split.checkExamples()
    result.pointee = try Handles.make(array)
  }
}

@c @implementation
public func vae_data_conditions(
  _ data: OpaquePointer?, _ split: UnsafePointer<CChar>?, _ first: Int64, _ count: Int64,
  _ conditions: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(conditions, "conditions")
    let source = try Handles.object(data, DataObject.self, "data").source
    let split = try source.split(of: split)
    let indices = try split.indices(first, count)
    guard let space = try source.conditionSpace() else {
      throw CallError(VAE_ERR_NOT_FOUND, "\(source.name) has neither labels nor conditions")
    }
    let known = try KnownConditions(of: split, space)
    try MemoryNeed.check(
      bytes: Double(count) * Double(space.width) * 4, for: "\(count) conditions")
    result.pointee = try Handles.make(ArrayObject(known.rows(indices)))
  }
}

@c @implementation
public func vae_data_free(_ data: OpaquePointer?) {
  Handles.release(data, DataObject.self)
}

extension DataSplit {
  /// The indices of `count` examples.
  ///
  /// - Throws: `CallError` where these are not all in the split.
  fileprivate func indices(_ first: Int64, _ count: Int64) throws(CallError) -> [Int] {
    guard first >= 0, count >= 1, first < self.count, count <= Int64(self.count) - first else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(Count.of(Int(count), "image")) from \(first) on are not all among the \(self.count) of \(name)"
      )
    }
    return Array(Int(first)..<Int(first + count))
  }
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
