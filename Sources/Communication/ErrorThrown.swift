/// What a closure throws, for whoever has to agree with other ranks before it is thrown; nil for nothing.
package func errorThrown(by body: () throws -> Void) -> (any Error)? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}
