// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import VAEFiles
import VAEZoo

/// A classifier as C holds it. It never changes, so that any number of calls may use it at once.
final class ClassifierObject: HandleObject {
  static let kind = HandleKind.classifier

  let text: String
  let classifier: Classifier

  init(_ classifier: Classifier) {
    self.classifier = classifier
    var object = classifier.record?.json.object ?? [:]
    let classes = classifier.classes
    object["classes"] = .array((0..<classes.width).map { .text(classes.name($0)) })
    text = JSON.object(object).line
  }
}

@c @implementation
public func vae_classifier_train(
  _ data: OpaquePointer?, _ settings: UnsafePointer<vae_setting>?, _ setting_count: Int,
  _ call_options: UnsafePointer<vae_call_options>?,
  _ classifier: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(classifier, "classifier")
    let source = try Handles.object(data, DataObject.self, "data").source
    let options = try ClassifierOptions(
      VAEC.settings(settings, UInt64(UInt(bitPattern: setting_count))), of: "a classifier")
    let watch = try CallWatch(call_options, "call")
    try MemoryNeed.check(rows: min(options.batchSize, source.train.count), of: source.shape)
    let token = CancelToken()
    var reason = CallError.cancelled
    func proceed(_ fraction: Double) {
      do throws(CallError) {
        try watch.proceed(fraction)
      } catch {
        reason = error
        token.cancel()
      }
    }
    proceed(0)
    let trained = try Classifier.train(on: source, options, cancel: token) { event in
      if case .step(let step, let total, _, _) = event {
        proceed(Double(step) / Double(total))
      }
    }
    // A stop that was asked for at the very end counts as well.
    guard let trained, !token.isCancelled else { throw reason }
    result.pointee = try Handles.make(ClassifierObject(trained))
  }
}

@c @implementation
public func vae_classifier_open(
  _ path: UnsafePointer<CChar>?, _ classifier: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(classifier, "classifier")
    let path = try VAEC.path(path, "path")
    result.pointee = try Handles.make(ClassifierObject(try Classifier.open(path)))
  }
}

@c @implementation
public func vae_classifier_save(
  _ classifier: OpaquePointer?, _ path: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let object = try Handles.object(classifier, ClassifierObject.self, "classifier")
    let path = try VAEC.path(path, "path")
    try object.classifier.save(to: path)
  }
}

@c @implementation
public func vae_classifier_probabilities(
  _ classifier: OpaquePointer?, _ images: UnsafePointer<vae_tensor>?,
  _ call_options: UnsafePointer<vae_call_options>?,
  _ probabilities: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(probabilities, "probabilities")
    let classifier = try Handles.object(classifier, ClassifierObject.self, "classifier").classifier
    let watch = try CallWatch(call_options, "call")
    let name = "images"
    var store = try TensorView(images, name).images(of: nil)
    try MemoryNeed.check(rows: 1, of: store.shape)
    let rule = classifier.record?.rule
    store.divisor = rule == "binary" ? 1 : 255
    let found = try store.values(name: name, rule: rule)
    if let missing = found.missing { throw DataError.missing(missing) }
    try classifier.check(store.shape, found.range, of: name)
    result.pointee = try Handles.make(
      ArrayObject(
        try classifier.probabilities(of: DataSplit(name: name, store: store)) {
          try watch.proceed($0)
        }))
  }
}

@c @implementation
public func vae_classifier_json(
  _ classifier: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    result.give(try Handles.object(classifier, ClassifierObject.self, "classifier").text)
  }
}

@c @implementation
public func vae_classifier_free(_ classifier: OpaquePointer?) {
  Handles.release(classifier, ClassifierObject.self)
}
