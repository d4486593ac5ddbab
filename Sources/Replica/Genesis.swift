// What all nodes of a network agree on before its first block.

public import Clearing
public import Consensus
import Ledger
public import Primitives
import Sodium
public import Threshold
public import Wire

/// A validator as the genesis names it.
public struct GenesisValidator: Hashable, Sendable, WireCodable {
  /// For people; at most 64 bytes.
  public var name: String
  /// Ed25519 identity: signs votes and lanes; the session key is derived from it.
  public var key: PublicKey
  /// Where the others reach it: a host name or address, and a port.
  public var host: String
  public var port: UInt16

  public init(name: String, key: PublicKey, host: String, port: UInt16) {
    self.name = name
    self.key = key
    self.host = host
    self.port = port
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(name)
    writer.write(key)
    writer.write(host)
    writer.write(port)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.readString(limit: 64)
    key = try reader.readBytes32()
    host = try reader.readString(limit: 253)
    port = try reader.read()
  }
}

/// The genesis of a network. Its hash is the chain id and stands for block 0.
public struct Genesis: Hashable, Sendable, WireCodable {
  /// For people; at most 64 bytes.
  public var name: String
  public var validators: [GenesisValidator]
  public var market: MarketGenesis
  /// Epochs and windows of key generation.
  public var keys: KeyScheduleSettings
  /// R3: the chain whose state this one begins with; nil for a market that is founded.
  public var resume: ResumePoint?

  public init(
    name: String, validators: [GenesisValidator], market: MarketGenesis,
    keys: KeyScheduleSettings = KeyScheduleSettings(), resume: ResumePoint? = nil
  ) {
    self.name = name
    self.validators = validators
    self.market = market
    self.keys = keys
    self.resume = resume
  }

  /// Height of the block that stands for it.
  public var base: Height { resume.map { $0.height + 1 } ?? 0 }

  /// R3: the block that stands for it where that is not at height 0: notarised and final by definition.
  public var block: Proposal? {
    resume.map { Proposal.genesis(chain: chain, height: base, timestamp: $0.timestamp) }
  }

  /// The first committee of this chain.
  public var committee: Committee {
    Committee(chain: chain, epoch: resume?.committee ?? 0, keys: validators.map(\.key))
  }

  /// The validators as the state names them from the first block on.
  public var members: [Validator] {
    validators.map { Validator(name: $0.name, key: $0.key, host: $0.host, port: $0.port) }
  }

  public var chain: Digest { Blake2b.hash(domain: "novation/genesis/v1", wireBytes) }

  public func encode(to writer: inout WireWriter) {
    writer.write(name)
    writer.write(validators)
    writer.write(market)
    writer.write(keys)
    // At the end and only where there is one: whatever was founded keeps its name.
    if let resume { writer.write(resume) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.readString(limit: 64)
    validators = try reader.readArray(limit: Limits.maxValidators)
    market = try MarketGenesis(from: &reader)
    keys = try KeyScheduleSettings(from: &reader)
    resume = reader.remaining > 0 ? try ResumePoint(from: &reader) : nil
  }

  /// What is wrong with it, as a sentence; nil if a network can start from it.
  public func fault() -> String? {
    if name.isEmpty { return "the network has no name" }
    if validators.isEmpty { return "there is no validator" }
    if validators.map(\.key) != market.validators { return "the market's validators are not the network's" }
    for validator in validators {
      if validator.host.isEmpty || validator.port == 0 { return "validator \(validator.name) has no address" }
      if Ed25519.agreementKey(of: validator.key) == nil {
        return "the key of validator \(validator.name) is not a usable Ed25519 key"
      }
    }
    if let resume, resume.height == 0 || resume.committee == 0 { return "it goes on from a chain that had not begun" }
    if resume != nil, !market.accounts.isEmpty || !market.listings.isEmpty {
      return "accounts and instruments come with the state that it goes on from"
    }
    return keys.fault() ?? market.fault()
  }
}
