import ArgumentParser
import CLMDB
import CSodium
import Hummingbird
import Logging
import NIOPosix
import TOMLKit

@main struct Main: AsyncParsableCommand {
  func run() async throws {
    print(sodium_init(), String(cString: mdb_version(nil, nil, nil)))
    let t = try TOMLTable(string: "a = 1")
    print(t["a"]?.int ?? 0)
    let router = Router()
    router.get("/") { _, _ in "hi" }
    let app = Application(router: router, configuration: .init(address: .unixDomainSocket(path: "/tmp/x.sock")))
    try await app.runService()
  }
}
