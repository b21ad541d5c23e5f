/// What a linear map or a normalisation multiplies with: a parameter, or a value computed from some.
public protocol Weight {
  /// The numbers at this moment.
  func read(in pass: Pass) -> Value
}

extension Parameter: Weight {
  /// What `Pass.use` gives.
  public func read(in pass: Pass) -> Value { pass.use(self) }
}

extension Value: Weight {
  /// The value itself.
  public func read(in pass: Pass) -> Value { self }
}
