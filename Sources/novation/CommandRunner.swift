// Runs the command that the arguments name and turns every end into the exit codes of `docs/OPERATIONS.md`.

import ArgumentParser
import Glibc
import Node

enum CommandRunner {
  static func run(_ root: any AsyncParsableCommand.Type) async {
    do {
      var command = try root.parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      exit(report(error, root))
    }
  }

  /// Says what happened and gives the exit code.
  private static func report(_ error: any Error, _ root: any ParsableCommand.Type) -> Int32 {
    if let failure = error as? CommandFailure {
      say(failure.description)
      return failure.code.rawValue
    }
    if let code = error as? ExitCode { return code.rawValue }
    let code = root.exitCode(for: error)
    if code == .success {
      Terminal.output.line(root.fullMessage(for: error))
      return 0
    }
    if code == .validationFailure {
      Terminal.error.line(root.fullMessage(for: error))
      return CommandFailure.Code.usage.rawValue
    }
    say(String(describing: error))
    return CommandFailure.Code.failed.rawValue
  }

  private static func say(_ message: String) {
    Terminal.error.line(Terminal.error.style(.red, "error:") + " " + message)
  }
}
