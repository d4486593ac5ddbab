import Clearing
import Primitives
import Testing

@Suite struct MoneyTests {
  @Test func `A deposit opens an account and its reference counts once`() {
    let market = Market()
    let account = AccountID(key(50))
    let deposit = Deposit(account: account, amount: usd(500), reference: Digest(words: (9, 9, 9, 9)))
    #expect(market.act(Market.alice, .deposit(deposit)).rejection == .notAuthorized)
    #expect(market.act(Market.custodian, .deposit(deposit)).status == .executed)
    #expect(market.act(Market.custodian, .deposit(deposit)).rejection == .duplicateReference)
    #expect(market.house.account(account)?.cash == usd(500))
  }

  @Test func `INV-17: a withdrawal takes free cash above the initial margin`() {
    let market = Market(funds: 100_000)
    let call = Market.option(100_000)
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    let excess = market.account(Market.alice)?.margin.excess ?? 0
    #expect(excess > 0 && excess < usd(100_000))
    #expect(
      market.act(Market.alice, .withdraw(amount: excess + 1, destination: [])).rejection == .insufficientMargin)
    #expect(market.act(Market.alice, .withdraw(amount: excess, destination: [1])).status == .executed)
    #expect(market.account(Market.alice)?.margin.excess == 0)
    market.act(Market.custodian, .closeWithdrawal(number: 1, paid: false))
    #expect(market.account(Market.alice)?.margin.excess == excess)
    market.act(Market.alice, .withdraw(amount: usd(1), destination: [1]))
    market.act(Market.custodian, .closeWithdrawal(number: 2, paid: true))
    #expect(market.house.statistics.withdrawals == usd(1))
  }

  @Test func `Withdrawals wait for a fresh price where there are positions`() {
    let market = Market()
    market.order(Market.alice, .sell, Market.option(100_000), 1_000, at: 2_000)
    market.time += 5 * second
    #expect(market.act(Market.alice, .withdraw(amount: 1, destination: [])).rejection == .stalePrice)
    #expect(market.act(Market.bob, .transfer(to: AccountID(Market.alice), amount: usd(3))).status == .executed)
  }

  @Test func `A nonce counts once, near its time, and a client id once`() {
    let market = Market()
    let transaction = market.transaction(Market.bob, [.transfer(to: AccountID(Market.alice), amount: 1)], client: 5)
    market.submit(transaction)
    #expect(market.result.outcomes[0].status == .executed)
    let first = market.result.outcomes[0].hash
    market.submit(transaction)
    #expect(market.result.outcomes[0].rejection == .nonceUsed)
    let again = market.transaction(Market.bob, transaction.actions, client: 5)
    market.submit(again)
    #expect(market.result.outcomes[0].rejection == .duplicateClientId)
    #expect(market.result.outcomes[0].duplicateOf == first)
    let early = market.transaction(Market.bob, transaction.actions, at: market.time + Limits.nonceAhead + second)
    let late = market.transaction(Market.bob, transaction.actions, at: market.time - Limits.nonceLifetime - second)
    market.submit(early, late)
    #expect(market.result.outcomes.map(\.rejection) == [.nonceOutOfWindow, .nonceOutOfWindow])
    // When the memory of it goes, its time is long over.
    market.time += Limits.nonceLifetime + Limits.nonceAhead + 2 * second
    var expired = transaction
    expired.expiry = market.time
    market.submit(expired)
    #expect(market.result.outcomes[0].rejection == .nonceOutOfWindow)
    let free = market.transaction(Market.bob, transaction.actions, client: 5)
    market.submit(free)
    #expect(market.result.outcomes[0].status == .executed)
  }

  @Test func `Refusals of the envelope`() {
    let market = Market()
    let good = market.transaction(Market.bob, [.cancel(.all)])
    var chain = good
    chain.chain = .zero
    var foreign = good
    foreign.account = AccountID(Market.alice)
    var expired = good
    expired.expiry = market.time - 1
    let stranger = market.transaction(key(77), [.cancel(.all)])
    let mixed = market.transaction(Market.validators[0], [.cancel(.all), .observe(market.observation(1, 1))])
    var inputs = [nil, chain, foreign, expired, stranger, mixed].map { market.input($0) }
    inputs.append(TransactionInput(hash: .zero, transaction: good, signatureValid: false))
    market.block(inputs)
    #expect(
      market.result.outcomes.map(\.rejection) == [
        .malformed, .wrongChain, .notAuthorized, .expired, .unknownAccount, .mixedActions, .badSignature,
      ])
  }
}
