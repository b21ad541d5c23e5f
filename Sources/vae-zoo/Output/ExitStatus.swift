import ArgumentParser
import Communication
import Messages
import Tensors
import VAEData
import VAEEvaluation
import VAEFiles
import VAEImages
import VAEPluginHost
import VAERecipes
import VAETraining

/// The exit status and the one line for an error; nil for what the argument parser throws to print
/// help, a version or a completion script, and for a bare exit status.
struct ExitStatus {
  let code: Int32
  let message: String

  static let usage: Int32 = 64
  static let data: Int32 = 65
  static let missing: Int32 = 66
  static let software: Int32 = 70
  /// The system gives no more memory, threads or open files.
  static let exhausted: Int32 = 71
  static let cannotCreate: Int32 = 73
  static let interrupted: Int32 = 130

  init?(of error: any Error) {
    var message = (error as? any MessageError)?.message.onCommandLine ?? "\(error)"
    switch error {
    case let error as RecipeError:
      code =
        switch error.kind {
        case .invalid, .needsPlugIn: Self.usage
        case .malformed, .unsuitableData: Self.data
        }
    case let error as DataError:
      code =
        switch error.kind {
        case .missing: Self.missing
        case .malformed, .unusable: Self.data
        case .tooLarge, .exhausted: Self.exhausted
        case .unwritable: Self.cannotCreate
        case .cancelled: Self.interrupted
        }
    case let error as MetricError:
      code = error.kind == .unsuitable ? Self.data : Self.usage
    case let error as CommunicationError:
      code = error.kind == .unavailable ? Self.missing : Self.software
    case is MemoryError:
      code = Self.exhausted
    case is TrainingError, is SafetensorsError, is JSONError:
      code = Self.data
    case let error as FileError:
      code =
        switch error.kind {
        case .missing: Self.missing
        case .exists, .unwritable: Self.cannotCreate
        case .unreadable, .malformed: Self.data
        case .exhausted: Self.exhausted
        }
    case let error as PluginError:
      code =
        switch error.kind {
        case .missing: Self.missing
        case .unusable, .failed: Self.data
        case .exhausted: Self.exhausted
        }
    case let error as ChildProcess.Failure:
      code = error.isExhaustion ? Self.exhausted : Self.software
    case is PixelImageError, is OutputError:
      code = Self.cannotCreate
    default:
      let parsed = VAEZooCommand.exitCode(for: error)
      guard parsed != .success, !(error is ExitCode) else { return nil }
      if parsed == .validationFailure {
        code = Self.usage
        message = Self.suggesting(
          VAEZooCommand.message(for: error).split(separator: "\n").joined(separator: " "))
        message += message.hasSuffix("?") ? " see" : "; see"
        message += " \(Self.commandNames.joined(separator: " ")) --help"
      } else {
        code = Self.software
      }
    }
    self.message = message
  }

  /// What the parser says, with what may have been meant by an option or a command that there is not.
  private static func suggesting(_ message: String) -> String {
    let known = VAEZooCommand.configuration.subcommands
    guard let wrong = quoted(in: message, after: "Unknown option "), wrong.hasPrefix("--"),
      let command = known.first(where: { $0.configuration.commandName == commandNames.last })
    else { return message }
    let help = VAEZooCommand.helpMessage(for: command)
    let options = Set(
      help.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "-") })
        .filter { $0.hasPrefix("--") && $0.count > 3 }.map(String.init)
    ).sorted()
    let near = Suggestion.nearest(to: wrong, in: options)
    return "there is no option \(wrong)" + (near.map { "; did you mean \($0)?" } ?? "")
  }

  /// What stands in quotes after some words.
  private static func quoted(in message: String, after words: String) -> String? {
    guard message.hasPrefix(words + "'") else { return nil }
    return message.dropFirst(words.count + 1).split(separator: "'").first.map(String.init)
  }

  /// The command in use, as far as the arguments name one.
  private static var commandNames: [String] {
    let configuration = VAEZooCommand.configuration
    let known = configuration.subcommands.compactMap { $0.configuration.commandName }
    return [configuration.commandName ?? ""]
      + Invocation.arguments.dropFirst().prefix(1).filter(known.contains)
  }
}
