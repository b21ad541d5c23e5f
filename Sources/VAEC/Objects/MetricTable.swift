// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Glibc
import VAEFiles
import VAEZoo

/// Numbers by name, found without making a string: a look-up is a comparison with a few names.
struct MetricTable {
  /// All names with their NULs.
  private var names: [CChar] = []
  private var starts: [Int] = []
  private var values: [Double] = []

  /// Adds a number, or replaces the one of that name.
  mutating func set(_ name: String, _ value: Double) {
    let found = name.withCString { index(of: $0) }
    if let found {
      values[found] = value
    } else {
      starts.append(names.count)
      names += name.utf8CString
      values.append(value)
    }
  }

  /// Adds the numbers of a JSON object: members of members as `valid.elbo`, those of lists as
  /// `rate_per_unit.0`.
  mutating func add(_ json: JSON, prefix: String = "") {
    switch json {
    case .object(let object):
      for member in object.members { add(member.value, prefix: Self.path(prefix, member.name)) }
    case .array(let items):
      for (position, item) in items.enumerated() {
        add(item, prefix: Self.path(prefix, "\(position)"))
      }
    default:
      if let number = json.double { set(prefix, number) }
    }
  }

  /// The number of a name.
  subscript(name: UnsafePointer<CChar>) -> Double? { index(of: name).map { values[$0] } }

  private func index(of name: UnsafePointer<CChar>) -> Int? {
    names.withUnsafeBufferPointer { names in
      guard let base = names.baseAddress else { return nil }
      return starts.firstIndex { base[$0] == name[0] && strcmp(base + $0, name) == 0 }
    }
  }

  private static func path(_ prefix: String, _ name: String) -> String {
    prefix.isEmpty ? name : "\(prefix).\(name)"
  }
}

/// Metrics as C holds them.
final class MetricsObject: HandleObject {
  static let kind = HandleKind.metrics

  let table: MetricTable
  let text: String

  init(_ json: JSON) {
    var table = MetricTable()
    table.add(json)
    self.table = table
    text = json.line
  }
}

/// The error for a name that a table lacks.
func missingMetric(_ name: UnsafePointer<CChar>, hint: String) -> CallError {
  let shown = String(validatingCString: name) ?? "that is not valid UTF-8"
  return CallError(VAE_ERR_NOT_FOUND, "there is no metric \(shown); \(hint)")
}

@c @implementation
public func vae_metrics_get(
  _ metrics: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<Double>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try required(value, "value")
    result.pointee = 0
    let metrics = try Handles.object(metrics, MetricsObject.self, "metrics")
    let name = try required(name, "name")
    guard let value = metrics.table[name] else {
      throw missingMetric(name, hint: "vae_metrics_json shows all there are")
    }
    result.pointee = value
  }
}

@c @implementation
public func vae_metrics_json(
  _ metrics: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    result.give(try Handles.object(metrics, MetricsObject.self, "metrics").text)
  }
}

@c @implementation
public func vae_metrics_free(_ metrics: OpaquePointer?) {
  Handles.release(metrics, MetricsObject.self)
}
