// Every type of the wire, the journal and the ledger: decoding never traps, what decodes encodes to the same bytes, and
// what a node does first with a decoded value does not trap either.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Sodium
import Wire

extension FuzzTarget {
  static func decoder<T: WireCodable & Sendable>(
    _ name: String, _ seeds: @escaping @Sendable () -> [T], use: @escaping @Sendable (T) -> Void = { _ in }
  ) -> FuzzTarget {
    FuzzTarget(name, seeds: { seeds().map(\.wireBytes) }) { bytes in
      guard let value = try? WireReader.decode(T.self, from: bytes) else { return }
      precondition(value.wireBytes == bytes, "\(name): two byte strings stand for one value")
      use(value)
    }
  }

  private static var committee: Committee { Committee(chain: Market.chain, epoch: 0, keys: Market.validators) }

  static let decoders: [FuzzTarget] = [
    decoder("peer-message", { Traffic.recorded.messages.map(\.message) }) { message in _ = message.promise },
    decoder("consensus-message", { Traffic.recorded.consensusMessages }),
    decoder("lane-message", { Traffic.recorded.laneMessages }),
    decoder("journal-record", { Traffic.recorded.journal }) { record in _ = record.isBallot },
    decoder("proposal", { Traffic.recorded.proposals }) { proposal in
      _ = proposal.header.hash(chain: Market.chain)
      _ = proposal.cutMatchesHeader
      _ = proposal.signedHeader.verify(committee: committee, scheme: .standIn)
    },
    decoder("certificate", { Traffic.recorded.certificates }) { certificate in
      _ = certificate.verify(committee: committee, scheme: .standIn)
    },
    decoder("final-block", { Traffic.recorded.finalBlocks }),
    decoder("stored-block", { Traffic.recorded.storedBlocks }) { block in _ = FinalBlock(block) },
    decoder("lane-batch", { Traffic.recorded.finalBlocks.flatMap(\.batches) }) { batch in
      _ = batch.header.isSigned(chain: Market.chain, by: Market.validators[0], scheme: .standIn)
    },
    decoder(
      "lane-cut",
      {
        Traffic.recorded.proposals.compactMap { try? WireReader.decode(LaneCut.self, from: $0.cut) }
      }
    ) { cut in _ = LaneCut(tips: cut.tips) },
    decoder("transaction", { Market.transactions }) { transaction in
      _ = TransactionCheck.run(transaction.wireBytes, chain: Market.chain, scheme: .standIn)
      _ = transaction.orderClass
    },
    decoder("outcome", { Traffic.recorded.storedBlocks.flatMap(\.receipts).compactMap { try? WireReader.decode($0) } })
    {
      (_: TransactionOutcome) in
    },
    decoder("event", { Market.events }),
    decoder("history", { Traffic.recorded.histories }) { history in
      var history = history
      _ = history.root
      history.append(.zero)
      _ = history.root
    },
    decoder("genesis", { [Market.network] }) { genesis in
      guard genesis.fault() == nil else { return }
      _ = ClearingHouse(genesis: genesis.market, chain: genesis.chain)
    },
    decoder(
      "life-message",
      {
        let state = LifeState(Life(began: 5, bootId: 6), .unopposed)
        return [LifeMessage.taken(.waiting), .taken(.confirmed), .other(state, silence: 7)]
      }
    ) { (message: LifeMessage) in
      guard case .other(let state, let silence) = message else { return }
      var own = LifeGuard(Life(began: 5, bootId: 5), at: 0)
      for (place, key) in Market.validators.enumerated() {
        own.note(state, silence: silence, from: key, at: Int64(place) * Duration64.second)
      }
      _ = own.verdict(among: Market.validators, at: Duration64.second)
    },
    decoder(
      "exported-state",
      {
        Traffic.recorded.finalBlocks.prefix(4).map { block in
          ExportedState(
            chain: Market.chain, proposal: block.proposal, votes: block.stateCertificate ?? block.certificate,
            group: nil,
            records: (0..<4).map { RecordChange(table: TableID(22 + $0), key: [0, $0], value: [$0]) })
        }
      }
    ) { (state: ExportedState) in
      _ = state.resumePoint
      _ = state.fault(anchor: .genesis(Market.network), scheme: .standIn)
      _ = state.fault(anchor: .ledger(block: state.block, stateRoot: state.root()), scheme: .standIn)
    },
    stateProof, record,
  ]

  /// A proof, then the table, key and value it is held against: only the value that is there is proven.
  private static let stateProof = FuzzTarget(
    "state-proof",
    seeds: {
      let (tree, changes) = Market.state
      return changes.prefix(20).map { change in
        (Script.encode(tree.proof(table: change.table, key: change.key).wireBytes) ?? []) + [change.table.rawValue]
          + (Script.encode(change.key) ?? []) + [1] + (change.value ?? [])
      }
    },
    run: { bytes in
      var script = Script(bytes)
      let encoded = script.bytes()
      guard let proof = try? WireReader.decode(StateProof.self, from: encoded) else { return }
      precondition(proof.wireBytes == encoded, "state-proof: two byte strings stand for one proof")
      let (tree, changes) = Market.state
      let table = TableID(script.byte())
      let key = script.bytes()
      let value = script.byte() == 1 ? script.remainder() : nil
      guard proof.verify(root: tree.root, table: table, key: key, value: value) else { return }
      let there = changes.last { $0.table == table && $0.key == key }?.value
      precondition(there == value, "state-proof: a lie was proven")
    })

  /// A record as it comes from the ledger.
  private static let record = FuzzTarget(
    "record",
    seeds: {
      Market.state.changes.map { [$0.table.rawValue] + (Script.encode($0.key) ?? []) + ($0.value ?? []) }
    },
    run: { bytes in
      var script = Script(bytes)
      let table = TableID(script.byte())
      var loader = LoadRecord(table: table, key: script.bytes(), value: script.remainder())
      var house = ClearingHouse(restoring: Market.genesis, chain: Market.chain)
      house.visitTables(&loader)
    })
}

extension WireReader {
  fileprivate static func decode<T: WireDecodable>(_ bytes: [UInt8]) throws(WireError) -> T {
    try decode(T.self, from: bytes)
  }
}
