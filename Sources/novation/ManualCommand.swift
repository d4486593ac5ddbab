// `novation manual`: manual pages, made from the same descriptions as the help.

import ArgumentParser
import Node

struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Write the manual pages.",
    discussion:
      "One page for the program and one for each command, in the format of man(7): novation.1, novation-start.1.")

  @Option(help: "Directory to write them to.", completion: .directory) var to: String

  func run() throws {
    guard let help = JSONText.parse(HelpDump.self, Array(Novation._dumpHelp().utf8)) else {
      throw CommandFailure(.failed, "the help cannot be read")
    }
    let program = help.command
    try explained {
      let directory = FilePaths.absolute(to)
      try FileAccess.makeDirectory(directory, mode: 0o755)
      try write(ManualPage.render(program, path: [], siblings: program.shown.map(\.commandName)), "novation", directory)
      for command in program.shown {
        let page = ManualPage.render(command, path: ["novation"], siblings: [])
        try write(page, "novation-\(command.commandName)", directory)
      }
    }
  }

  private func write(_ page: String, _ name: String, _ directory: String) throws {
    try FileAccess.write(Array(page.utf8), to: "\(directory)/\(name).1", mode: 0o644)
  }
}

/// What ArgumentParser says of its commands, as far as a manual needs it.
struct HelpDump: Decodable {
  struct Command: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var shouldDisplay: Bool?
    var subcommands: [Command]?
    var arguments: [Argument]?

    var shown: [Command] {
      (subcommands ?? []).filter { $0.shouldDisplay != false && $0.commandName != "help" }
    }
  }

  struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }

    var kind: String
    var names: [Name]?
    var valueName: String?
    var isOptional: Bool
    var isRepeating: Bool
    var shouldDisplay: Bool
    var abstract: String?
    var defaultValue: String?
    var allValues: [String]?

    /// "--side buy|sell", "-h, --help", "FILE".
    var signature: String {
      let names = (names ?? []).map { $0.kind == "long" ? "--\($0.name)" : "-\($0.name)" }.joined(separator: ", ")
      let value = allValues?.joined(separator: "|") ?? "<\(valueName ?? "value")>"
      switch kind {
      case "flag": return names
      case "option": return "\(names) \(value)"
      default: return value
      }
    }
  }

  var command: Command
}

enum ManualPage {
  static func render(_ command: HelpDump.Command, path: [String], siblings: [String]) -> String {
    let names = path + [command.commandName]
    let title = names.joined(separator: "-")
    var text = ".TH \(escape(title.uppercased())) 1 \"\" \"novation \(NodeProcess.version)\" \"Novation\"\n"
    text += ".SH NAME\n\(escape(title)) \\- \(escape(sentence(command.abstract)))\n"
    text += ".SH SYNOPSIS\n" + synopsis(command, names)
    if let discussion = command.discussion { text += ".SH DESCRIPTION\n\(paragraphs(discussion))" }
    text += options(command, heading: ".SH OPTIONS\n")
    if path.isEmpty {
      text += ".SH COMMANDS\n"
      for sub in command.shown { text += ".TP\n.B \(escape(sub.commandName))\n\(escape(sub.abstract ?? ""))\n" }
    } else {
      for sub in command.shown { text += section(sub, names) }
    }
    text += """
      .SH EXIT STATUS
      0 done; 1 refused or failed; 2 wrong usage; 3 the node cannot be reached; 4 outcome unknown: nothing became final \
      in time, and asking again with the same client id is safe.
      .SH ENVIRONMENT
      .TP
      .B NOVATION_SOCKET
      Unix socket of the node, where \\fB\\-\\-socket\\fR is not given.
      .TP
      .B NO_COLOR
      No colours.

      """
    let others = siblings.map { "novation-\($0)" } + (path.isEmpty ? [] : ["novation"])
    let list = others.map { "\\fB\(escape($0))\\fR(1)" }.joined(separator: ", ")
    return text + ".SH SEE ALSO\n\(list)\n"
  }

  private static func section(_ command: HelpDump.Command, _ path: [String]) -> String {
    let names = path + [command.commandName]
    var text = ".SH \"\(escape(names.dropFirst().joined(separator: " ").uppercased()))\"\n"
    text += "\(escape(command.abstract ?? ""))\n.PP\n" + synopsis(command, names)
    if let discussion = command.discussion { text += ".PP\n" + paragraphs(discussion) }
    text += options(command, heading: "")
    for sub in command.shown { text += section(sub, names) }
    return text
  }

  private static func synopsis(_ command: HelpDump.Command, _ names: [String]) -> String {
    var text = "\\fB\(escape(names.joined(separator: " ")))\\fR"
    for argument in command.arguments ?? []
    where argument.shouldDisplay && !["help", "version"].contains(argument.names?.last?.name) {
      let part = escape(argument.signature) + (argument.isRepeating ? " ..." : "")
      text += argument.isOptional ? " [\(part)]" : " \(part)"
    }
    return text + (command.shown.isEmpty ? "\n" : " \\fIcommand\\fR\n")
  }

  private static func options(_ command: HelpDump.Command, heading: String) -> String {
    // Every command has these two; the program's own page names them.
    let common = heading.isEmpty || command.shown.isEmpty ? ["version", "help"] : []
    let shown = (command.arguments ?? []).filter { argument in
      argument.shouldDisplay && !common.contains(argument.names?.last?.name ?? "")
    }
    guard !shown.isEmpty else { return "" }
    var text = heading
    for argument in shown {
      text += ".TP\n\\fB\(escape(argument.signature))\\fR\n\(escape(argument.abstract ?? ""))"
      if let value = argument.defaultValue { text += " (default: \(escape(value)))" }
      text += "\n"
    }
    return text
  }

  private static func sentence(_ abstract: String?) -> String {
    var text = abstract ?? ""
    if text.last == "." { text.removeLast() }
    return text
  }

  private static func paragraphs(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? ".PP" : escape(String($0)) }
      .joined(separator: "\n.br\n") + "\n"
  }

  /// Text that no request or escape of roff hides in.
  private static func escape(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "\\": out += "\\e"
      case "-": out += "\\-"
      case "\n": out += " "
      default: out.append(character)
      }
    }
    return out.hasPrefix(".") || out.hasPrefix("'") ? "\\&" + out : out
  }
}
