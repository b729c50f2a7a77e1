import ExpositionServer
import NIOCore
import NIOPosix
import WebSocketTransport

extension Exporter {
    /// Returns once every event loop has run a task that was given to it now, and each address of the endpoint has
    /// answered a request of this process: proof for a watchdog. After ``start()`` it is also proof that every stream
    /// was started, since their starts were given to the same loops before.
    ///
    /// Where a loop hangs, so does this. A watchdog waits for it and falls silent by itself.
    ///
    /// - Throws: where an address of the endpoint cannot be connected to, or answers nothing within ten seconds.
    public func respond() async throws {
        try await runtime.catchUp()
        for address in listening {
            try await respond(at: address)
        }
    }

    func respond(at address: ListenAddress) async throws {
        let isSecure = configuration.web?.tls != nil
        // Nothing is told and nothing believed: whose certificate it is does not matter here.
        let options = DialOptions(connectTimeout: .seconds(10), tls: TLSOptions(insecureSkipVerify: true))
        var failure: (any Error)?
        for host in Self.reachable(address.host) {
            let place = ListenAddress(host: host, port: address.port)
            do {
                let target = try ConnectTarget("\(isSecure ? "https" : "http")://\(place)/-/healthy")
                // Whatever the status is, somebody answered: also 401, where there are users.
                _ = try await HTTPExchange.send(
                    HTTPExchangeRequest("GET", target), options: options, on: group.next()
                ).get()
                return
            } catch let error as DialFailure where isSecure && (error.kind == .tls || error.kind == .closed) {
                // It wants a certificate from its clients: a refusal is an answer, too.
                return
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Where a socket that is bound to `host` can be reached from here.
    private static func reachable(_ host: String?) -> [String] {
        switch host {
        case nil: ["127.0.0.1", "::1"]
        case "0.0.0.0": ["127.0.0.1"]
        case "::": ["::1"]
        case .some(let host): [host]
        }
    }
}
