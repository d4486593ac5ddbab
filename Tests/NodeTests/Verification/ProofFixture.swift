// A small network's genesis, a state, and certificates of it with real signatures: what a proof is made of.

import Clearing
import Consensus
import Ledger
import Node
import Primitives
import Replica
import Sodium
import Testing
import Threshold
import Wire

struct ProofFixture {
  let keys: [SigningKey]
  /// Whoever holds the whole key signs like the group does.
  let group: SigningKey
  let receipts: [[UInt8]]
  let genesis: Genesis
  let committee: Committee
  let tree: StateTree
  let changes: [RecordChange]
  let header: Header
  let account = AccountID(words: (7, 7, 7, 7))

  init() throws {
    keys = (1...4).compactMap { SigningKey(seed: [UInt8](repeating: UInt8($0), count: 32)) }
    group = try #require(SigningKey(seed: [UInt8](repeating: 99, count: 32)))
    let time: Timestamp = 1_767_600_000 * Duration64.second
    let market = MarketGenesis(
      network: "test", time: time, underlyings: [UnderlyingTerms(symbol: "BTC")], custodian: keys[0].publicKey,
      listingAuthority: keys[1].publicKey, validators: keys.map(\.publicKey),
      accounts: [
        FundedAccount(account: account, amount: 1_000_500_000),
        FundedAccount(account: AccountID(words: (8, 8, 8, 8)), amount: 5_000_000),
      ])
    genesis = Genesis(
      name: "proof",
      validators: keys.enumerated().map {
        GenesisValidator(name: "v\($0.offset)", key: $0.element.publicKey, host: "host", port: 1)
      }, market: market)
    committee = Committee(chain: genesis.chain, epoch: 0, keys: keys.map(\.publicKey))
    var house = ClearingHouse(genesis: market, chain: genesis.chain)
    var changes: [RecordChange] = []
    house.sealGenesis(into: &changes)
    let receipts = (0..<5).map { number in
      TransactionOutcome(hash: Digest(words: (UInt64(number), 0, 0, 9)), input: UInt32(number)).wireBytes
    }
    let block = BlockRecord(
      height: 5, receipts: UInt32(receipts.count), receiptsRoot: ReceiptTree.root(receipts), events: .zero,
      underlyings: market.underlyings)
    changes.append(
      RecordChange(table: SystemTables().blocks.id, key: SystemKey().wireBytes, value: block.wireBytes))
    var tree = StateTree()
    tree.update(changes)
    self.receipts = receipts
    (self.changes, self.tree) = (changes, tree)
    header = Header(
      epoch: 0, view: 9, height: 5, parentHash: .zero, parentView: 8, cutHash: .zero, executedHeight: 4,
      executedRoot: .zero, timestamp: time + Duration64.second, validatorSetHash: committee.setHash, historyRoot: .zero,
      leader: 1)
  }

  var verifier: ProofVerifier {
    get throws { try ProofVerifier(chain: genesis.chain, groupKey: group.publicKey) }
  }

  /// By the votes alone, as the genesis has their keys.
  var strict: ProofVerifier {
    get throws { try ProofVerifier(chain: genesis.chain, groupKey: nil, genesis: genesis) }
  }

  /// A certificate document, with the votes of these voters where there are any.
  func certificate(
    voters: [Int] = [], root: Digest? = nil, forging: Bool = false, by signer: SigningKey? = nil
  ) -> JSONValue {
    let hash = header.hash(chain: genesis.chain)
    let root = root ?? tree.root
    let statement = CertificateStatement(
      chain: genesis.chain, epoch: 0, view: header.view, height: header.height, headerHash: hash, stateRoot: root)
    let signer = signer ?? group
    let votes = voters.map { voter -> Vote in
      Vote(
        kind: .finalize, epoch: 0, view: header.view, block: hash, stateRoot: root, voter: ValidatorIndex(voter)
      ).signed(by: .ed25519(keys[forging ? 0 : voter]), committee: committee)
    }
    var writer = WireWriter()
    writer.write(CertificateKind.state.rawValue)
    writer.write(Epoch(0))
    writer.write(header.view)
    writer.write(Digest?.some(hash))
    writer.write(root)
    writer.write(UInt32(votes.count))
    for vote in votes {
      writer.write(vote.voter)
      writer.write(vote.kind.rawValue)
      writer.write(vote.signature)
    }
    return [
      "height": .integer(Int64(header.height)), "header": .string(Hex.encode(header.wireBytes)),
      "headerHash": .string(hash.hex), "stateRoot": .string(root.hex),
      "message": .string(Hex.encode(statement.message)), "signature": .string(signer.sign(statement.message).hex),
      "groupKey": .string(signer.publicKey.hex), "chainId": .string(genesis.chain.hex), "epoch": 0,
      "view": .integer(Int64(header.view)), "receipt": .null,
      "certificate": votes.isEmpty ? .null : .string(Hex.encode(writer.bytes)),
      "votes": .array(
        votes.map { vote in
          [
            "validator": .integer(Int64(vote.voter)),
            "message": .string(Hex.encode(vote.signingBytes(committee: committee))),
            "publicKey": .string(keys[Int(vote.voter)].publicKey.hex), "signature": .string(vote.signature.hex),
          ]
        }),
    ]
  }

  private func record<Key: TableKey>(_ table: TableID, _ key: Key) -> JSONValue {
    let key = key.wireBytes
    let value = changes.first { $0.table == table && $0.key == key }?.value ?? []
    return [
      "table": .integer(Int64(table.rawValue)), "key": .string(Hex.encode(key)), "value": .string(Hex.encode(value)),
      "path": .string(Hex.encode(tree.proof(table: table, key: key).wireBytes)),
    ]
  }

  /// The receipt at a place of the block, with its way to the certificate.
  func receipt(at index: Int) -> JSONValue {
    let table = SystemTables().blocks.id
    let key = SystemKey().wireBytes
    let value = changes.first { $0.table == table && $0.key == key }?.value ?? []
    let inclusion: JSONValue = [
      "outcome": .string(Hex.encode(receipts[index])), "record": .string(Hex.encode(value)),
      "recordPath": .string(Hex.encode(tree.proof(table: table, key: key).wireBytes)),
      "path": .array(ReceiptTree.path(to: index, of: receipts).map { .string($0.hex) }),
    ]
    return [
      "transaction": .string(Digest(words: (UInt64(index), 0, 0, 9)).hex), "height": 5, "index": .integer(Int64(index)),
      "status": "final", "error": .null, "stateRoot": .string(tree.root.hex), "orders": [], "fills": [],
      "proof": certificate().replacing("receipt", with: inclusion),
    ]
  }

  /// The account's document with its record and path.
  func accountDocument(cash: String = "1000.500000", of proven: AccountID? = nil) -> JSONValue {
    let records: JSONValue = [
      record(ClearingTables().accounts.id, AccountKey(proven ?? account)),
      record(SystemTables().blocks.id, SystemKey()),
    ]
    return [
      "account": .string(account.hex), "balances": ["USD": .string(cash)], "positions": [], "orders": [],
      "margin": [
        "mode": "standard", "equity": "1000.500000", "initial": "0.000000", "maintenance": "0.000000",
        "excess": "1000.500000",
      ],
      "height": .integer(Int64(header.height)), "stateRoot": .string(tree.root.hex), "consistency": "linearizable",
      "proof": ["records": records, "stateRoot": .string(tree.root.hex), "certificate": certificate()],
    ]
  }
}

extension JSONValue {
  var bytes: [UInt8] { Array(JSONText.render(self).utf8) }

  /// A copy with one member replaced, by path.
  func replacing(_ path: String..., with value: JSONValue) -> JSONValue { replacing(path[...], with: value) }

  private func replacing(_ path: ArraySlice<String>, with value: JSONValue) -> JSONValue {
    guard let first = path.first else { return value }
    switch self {
    case .object(var members):
      members[first] = (members[first] ?? .null).replacing(path.dropFirst(), with: value)
      return .object(members)
    case .array(var elements):
      guard let place = Int(first), elements.indices.contains(place) else { return self }
      elements[place] = elements[place].replacing(path.dropFirst(), with: value)
      return .array(elements)
    default: return self
    }
  }
}
