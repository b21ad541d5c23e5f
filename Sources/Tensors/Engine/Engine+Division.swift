import CVectorKernels

extension Engine {
  /// Divides `0..<count` over the engine's threads and returns when all parts are done.
  ///
  /// - Parameters:
  ///   - count: of units of work that do not depend on each other.
  ///   - block: units that are worth waking a second thread for; fewer than two such blocks stay on
  ///     the calling thread.
  ///   - body: called with consecutive parts, on several threads at once.
  package static func divide(_ count: Int, block: Int, _ body: @Sendable (Range<Int>) -> Void) {
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: DividedWork(body: body)) { work in
        vk_divide(
          { context, begin, end in
            context?.assumingMemoryBound(to: DividedWork.self).pointee
              .body(Int(begin)..<Int(end))
          }, work, count, max(1, block))
      }
    }
  }
}

/// What the threads are handed: C has no closures.
private struct DividedWork {
  let body: @Sendable (Range<Int>) -> Void
}
