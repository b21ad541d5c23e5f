/// Ends the process where a caller broke a rule of an operation, with a message that says which.
///
/// `precondition` says its message in debug builds alone: where the optimizer is on, the process ends by an illegal
/// instruction and no word. A shape that does not fit is found by its words or not at all, and trainings
/// run optimized; so this one says them in every build.
///
/// - Parameters:
///   - condition: what must hold.
///   - message: what was given, and what had to be.
@inlinable
package func ensure(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) {
  guard condition() else { fatalError(message(), file: file, line: line) }
}
