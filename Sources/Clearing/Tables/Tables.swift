// All replicated state of the clearing house.

public import Ledger

/// The tables, in ascending order of number. The engine reads and writes state nowhere else.
public struct ClearingTables: StateTables {
  public var totals = Table<SingletonKey, TotalsRecord>(id: TableID(1))
  public var accounts = Table<AccountKey, AccountRecord>(id: TableID(2))
  public var positions = Table<PositionKey, PositionRecord>(id: TableID(3))
  public var instruments = Table<InstrumentID, InstrumentRecord>(id: TableID(4))
  public var orders = Table<OrderKey, OrderRecord>(id: TableID(5))
  public var commands = Table<CommandKey, CommandRecord>(id: TableID(6))
  public var deposits = Table<DepositKey, DepositRecord>(id: TableID(7))
  public var withdrawals = Table<WithdrawalKey, WithdrawalRecord>(id: TableID(8))
  public var feeds = Table<FeedKey, FeedRecord>(id: TableID(9))
  public var observations = Table<ObservationKey, ObservationRecord>(id: TableID(10))
  public var history = Table<HistoryKey, HistoryRecord>(id: TableID(11))
  public var liquidations = Table<AccountKey, LiquidationRecord>(id: TableID(12))
  public var fundShares = Table<AccountKey, FundShareRecord>(id: TableID(13))
  public var backstops = Table<AccountKey, BackstopRecord>(id: TableID(14))
  public var claims = Table<ClaimKey, ClaimRecord>(id: TableID(15))
  public var graces = Table<FeedKey, GraceRecord>(id: TableID(16))
  public var protections = Table<ProtectionKey, ProtectionRecord>(id: TableID(17))
  public var leases = Table<AccountKey, LeaseRecord>(id: TableID(18))
  public var auctions = Table<InstrumentID, AuctionRecord>(id: TableID(19))
  public var combos = Table<InstrumentID, ComboRecord>(id: TableID(20))
  public var delegations = Table<AccountKey, DelegationsRecord>(id: TableID(21))
  public var members = Table<MemberKey, Validator>(id: TableID(22))
  public var committees = Table<CommitteeKey, CommitteeRecord>(id: TableID(23))
  public var changes = Table<ChangeKey, ChangeRecord>(id: TableID(24))
  public var subAccounts = Table<AccountKey, SubAccountRecord>(id: SubAccountRecord.table)
  public var acceptances = Table<AccountKey, AcceptancesRecord>(id: TableID(35))

  public init() {}

  public mutating func visit(_ visitor: inout some TableVisitor) {
    visitor.visit(&totals)
    visitor.visit(&accounts)
    visitor.visit(&positions)
    visitor.visit(&instruments)
    visitor.visit(&orders)
    visitor.visit(&commands)
    visitor.visit(&deposits)
    visitor.visit(&withdrawals)
    visitor.visit(&feeds)
    visitor.visit(&observations)
    visitor.visit(&history)
    visitor.visit(&liquidations)
    visitor.visit(&fundShares)
    visitor.visit(&backstops)
    visitor.visit(&claims)
    visitor.visit(&graces)
    visitor.visit(&protections)
    visitor.visit(&leases)
    visitor.visit(&auctions)
    visitor.visit(&combos)
    visitor.visit(&delegations)
    visitor.visit(&members)
    visitor.visit(&committees)
    visitor.visit(&changes)
    visitor.visit(&subAccounts)
    visitor.visit(&acceptances)
  }
}

/// Where a transaction began, in every table that an action can change and may have to give back.
struct TableMarks {
  var accounts, positions, instruments, orders, withdrawals, deposits, observations: Int
  var liquidations, fundShares, backstops, protections, leases, auctions, combos, delegations, changes: Int
  var subAccounts, acceptances: Int

  init(_ tables: inout ClearingTables) {
    accounts = tables.accounts.mark()
    positions = tables.positions.mark()
    instruments = tables.instruments.mark()
    orders = tables.orders.mark()
    withdrawals = tables.withdrawals.mark()
    deposits = tables.deposits.mark()
    observations = tables.observations.mark()
    liquidations = tables.liquidations.mark()
    fundShares = tables.fundShares.mark()
    backstops = tables.backstops.mark()
    protections = tables.protections.mark()
    leases = tables.leases.mark()
    auctions = tables.auctions.mark()
    combos = tables.combos.mark()
    delegations = tables.delegations.mark()
    changes = tables.changes.mark()
    subAccounts = tables.subAccounts.mark()
    acceptances = tables.acceptances.mark()
  }

  func rollback(_ tables: inout ClearingTables) {
    tables.accounts.rollback(to: accounts)
    tables.positions.rollback(to: positions)
    tables.instruments.rollback(to: instruments)
    tables.orders.rollback(to: orders)
    tables.withdrawals.rollback(to: withdrawals)
    tables.deposits.rollback(to: deposits)
    tables.observations.rollback(to: observations)
    tables.liquidations.rollback(to: liquidations)
    tables.fundShares.rollback(to: fundShares)
    tables.backstops.rollback(to: backstops)
    tables.protections.rollback(to: protections)
    tables.leases.rollback(to: leases)
    tables.auctions.rollback(to: auctions)
    tables.combos.rollback(to: combos)
    tables.delegations.rollback(to: delegations)
    tables.changes.rollback(to: changes)
    tables.subAccounts.rollback(to: subAccounts)
    tables.acceptances.rollback(to: acceptances)
  }
}
