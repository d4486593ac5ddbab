// How a genesis comes about: made with the terms of the market, then given its validators and accounts one by one.

public import Replica
import Clearing
public import Primitives

extension GenesisFile {
  /// A genesis without validators and accounts. Refused if an entry is not what it should be.
  public static func create(
    name: String, network: String, time: Timestamp, clockStart: Timestamp? = nil, clockRate: Int64? = nil,
    underlyings: [String], custodian: String, listingAuthority: String
  ) throws(GenesisError) -> GenesisFile {
    let file = GenesisFile(
      name: name, network: network, time: ISO8601.format(time), clockStart: clockStart.map(ISO8601.format),
      clockRate: clockRate, underlyings: underlyings, validators: [], custodian: custodian.lowercased(),
      listingAuthority: listingAuthority.lowercased(), accounts: [], instruments: [], risk: nil, fees: nil,
      liquidation: nil, keys: nil, trading: nil)
    try file.checkUnfinished()
    return file
  }

  /// Adds a validator; the order of validators is part of the chain's identity.
  public mutating func add(_ validator: Validator) throws(GenesisError) {
    let entry = Validator(name: validator.name, key: validator.key.lowercased(), address: validator.address)
    guard (1...64).contains(entry.name.utf8.count) else {
      throw GenesisError("a validator's name has 1 to 64 bytes")
    }
    if let other = validators.first(where: {
      $0.name == entry.name || $0.key == entry.key || $0.address == entry.address
    }) {
      let what = other.name == entry.name ? "name" : other.key == entry.key ? "key" : "address"
      throw GenesisError("validator \(other.name) has this \(what) already")
    }
    var changed = self
    changed.validators.append(entry)
    try changed.checkUnfinished()
    self = changed
  }

  /// Gives an account money at genesis; once for each account.
  public mutating func fund(_ account: String, amount: String) throws(GenesisError) {
    let account = account.lowercased()
    guard !accounts.contains(where: { $0.account == account }) else {
      throw GenesisError("account \(account) is funded already")
    }
    guard let value = Decimal.parse(amount, scale: Decimal.moneyScale), value > 0 else {
      throw GenesisError("amount \"\(amount)\" is not a positive decimal number of at most six decimals")
    }
    var changed = self
    changed.accounts.append(Funded(account: account, amount: Decimal.format(value, scale: Decimal.moneyScale)))
    try changed.checkUnfinished()
    self = changed
  }

  /// A genesis without validators that goes on from a state of the chain of `former`, under the same terms.
  public static func resume(_ point: ResumePoint, former: GenesisFile, name: String?) throws(GenesisError)
    -> GenesisFile
  {
    guard try former.genesis().chain == point.chain else {
      throw GenesisError("the state is of chain \(point.chain.hex), and the given genesis is another chain's")
    }
    var file = former
    file.name = name ?? former.name
    file.validators = []
    file.accounts = []
    file.instruments = []
    file.resume = Resume(
      chain: point.chain.hex, height: point.height, block: point.block.hex, timestamp: point.timestamp,
      stateRoot: point.stateRoot.hex, groupKey: point.groupKey == .zero ? nil : point.groupKey.hex,
      committee: point.committee)
    try file.checkUnfinished()
    return file
  }

  /// Checks everything but that there are validators, which a genesis in the making lacks.
  private func checkUnfinished() throws(GenesisError) {
    var probe = self
    if probe.validators.isEmpty {
      // Any key will do that is a point of the curve: the base point of RFC 8032.
      probe.validators = [
        Validator(name: "-", key: "58" + String(repeating: "66", count: 31), address: "localhost:1")
      ]
    }
    _ = try probe.genesis()
  }

  /// One screen about it.
  public func render(style: Style) -> String {
    var facts = Facts()
    facts.add("name", .init(name, .bold))
    facts.add("network", network)
    facts.add("time", time)
    if let clockStart, clockStart != time || (clockRate ?? 1) != 1 {
      facts.add("market clock", "from \(clockStart), \(clockRate ?? 1) times as fast")
    }
    facts.add("underlyings", underlyings.joined(separator: " "))
    facts.add("custodian", custodian)
    facts.add("listing authority", listingAuthority)
    facts.add("instruments", String(instruments.count))
    facts.add("chain id", chainText)
    if let resume {
      facts.add("goes on from chain", resume.chain)
      facts.add("after block", String(resume.height))
      facts.add("with state root", resume.stateRoot)
    }
    var nodes = TextTable([.init("#", .right), .init("validator"), .init("address"), .init("key")])
    for (place, validator) in validators.enumerated() {
      nodes.add([.init(String(place)), .init(validator.name), .init(validator.address), .init(validator.key)])
    }
    var funded = TextTable([.init("account"), .init("USD", .decimal)])
    for entry in accounts { funded.add([.init(entry.account), .init(entry.amount)]) }
    return facts.render(style: style) + (validators.isEmpty ? "" : "\n" + nodes.render(style: style))
      + (accounts.isEmpty ? "" : "\n" + funded.render(style: style))
  }

  private var chainText: TextTable.Cell {
    do throws(GenesisError) {
      return .init(try genesis().chain.hex, .green)
    } catch {
      return .init("none yet: \(error)", .yellow)
    }
  }

  /// Writes the file whole or not at all; without `replacing` it must not exist.
  public func save(to path: String, replacing: Bool) throws(GenesisError) {
    do throws(FileError) {
      try FileAccess.write(Array((render() + "\n").utf8), to: path, mode: 0o644, isNew: !replacing)
    } catch {
      if !replacing, FileAccess.exists(path) { throw GenesisError("\(path) exists already; --force replaces it") }
      throw GenesisError(error.description)
    }
  }
}
