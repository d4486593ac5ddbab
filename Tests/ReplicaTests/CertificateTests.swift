// What a certificate costs whoever carries it.

import Consensus
import Primitives
import Sodium
import Testing
import Threshold
import Wire

@Suite struct CertificateTests {
  /// Header, state root and signature are all that a stranger needs; the stored certificate names the block once more.
  @Test func aCertificateWithItsHeaderFitsIn420Bytes() {
    var header = Header(
      epoch: 1, view: 2, height: 3, parentHash: .zero, parentView: 1, cutHash: .zero, executedHeight: 1,
      executedRoot: .zero, timestamp: 4, validatorSetHash: .zero, frostPlanHash: .zero, historyRoot: .zero, leader: 0)
    let statement = CertificateStatement(
      chain: .zero, epoch: 1, view: 2, height: 3, headerHash: .zero, stateRoot: .zero)
    let stored = GroupCertificate(statement, signature: .zero).wireBytes.count
    let proof = 32 + 64
    #expect(header.wireBytes.count == 243 && stored == 152)
    #expect(header.wireBytes.count + stored <= 420)
    header.nextEpochHash = .zero
    #expect(header.wireBytes.count + proof <= 420)
  }
}
