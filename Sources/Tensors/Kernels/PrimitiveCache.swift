/// What oneDNN has made ready, by what it is for. Sizes that vary, as the batches of a service may,
/// must not fill the memory: beyond a limit the least recently used is let go of.
package final class PrimitiveCache<Key: Hashable & Sendable, Primitive: AnyObject & Sendable>:
  Sendable
{
  private struct Entry {
    let primitive: Primitive
    var lastUse: UInt64
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var uses: UInt64 = 0

    /// The primitive for a key, as the one used last.
    mutating func use(_ key: Key) -> Primitive? {
      guard let index = entries.index(forKey: key) else { return nil }
      uses += 1
      entries.values[index].lastUse = uses
      return entries.values[index].primitive
    }

    /// Removes the least recently used.
    mutating func evict() -> Primitive? {
      guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
        return nil
      }
      return entries.removeValue(forKey: oldest.key)?.primitive
    }
  }

  /// How many primitives are kept at most.
  private let limit: Int
  private let state = Lock(State())

  /// An empty cache for at least one primitive.
  package init(limit: Int) {
    ensure(limit > 0, "a cache of \(limit) primitives keeps none")
    self.limit = limit
  }

  /// The primitive for a key, made where there is none; nil where it cannot be made. It is made
  /// outside the lock; where two threads make one for the same key, both get the first.
  package func primitive(for key: Key, make: () -> Primitive?) -> Primitive? {
    if let primitive = state.withLock({ $0.use(key) }) { return primitive }
    guard let fresh = make() else { return nil }
    // What was let go of dies after the lock is free.
    var evicted: Primitive?
    let primitive = state.withLock { state in
      if let primitive = state.use(key) { return primitive }
      if state.entries.count >= limit { evicted = state.evict() }
      state.uses += 1
      state.entries[key] = Entry(primitive: fresh, lastUse: state.uses)
      return fresh
    }
    withExtendedLifetime(evicted) {}
    return primitive
  }

  /// All keys with their primitives, in no order.
  package var contents: [(key: Key, primitive: Primitive)] {
    state.withLock { $0.entries.map { (key: $0.key, primitive: $0.value.primitive) } }
  }
}
