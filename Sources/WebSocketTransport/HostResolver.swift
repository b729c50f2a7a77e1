// The unsafe pointers are those of `getaddrinfo`, whose list is freed where it was had.

import Glibc
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix

/// Turns host names into addresses.
public protocol HostResolver: Sendable {
    /// The addresses of `host`, each with `port`, in the order of preference (RFC 6724); never empty.
    ///
    /// - Returns: A future of `loop`. It fails with ``ResolutionError`` where the name has no address.
    func resolve(host: String, port: Int, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]>
}

/// Why a name did not resolve.
public struct ResolutionError: Error, CustomStringConvertible {
    /// What the resolver said.
    public let description: String

    /// An error with what the resolver said.
    public init(_ description: String) { self.description = description }
}

/// The system's resolver, `getaddrinfo`, on a few threads of its own so that no event loop waits for it.
///
/// Requests for a name that is being looked up already share that look-up, so that a fleet of streams to one gateway
/// asks once, and attempts that gave up don't leave look-ups queueing behind each other.
public final class SystemResolver: HostResolver {
    /// The one that is shared by the process, since `getaddrinfo` is a service of the process.
    public static let shared = SystemResolver(threads: 4)

    private struct Key: Hashable {
        let host: String
        let port: Int
    }

    private let pool: NIOThreadPool
    private let flights = NIOLockedValueBox<[Key: [EventLoopPromise<[SocketAddress]>]]>([:])

    private init(threads: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    /// The addresses of `host`.
    public func resolve(host: String, port: Int, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        let promise = loop.makePromise(of: [SocketAddress].self)
        let key = Key(host: host, port: port)
        let isFirst = flights.withLockedValue { flights in
            flights[key, default: []].append(promise)
            return flights[key]?.count == 1
        }
        if isFirst {
            pool.submit { [self] state in
                let result: Result<[SocketAddress], any Error> =
                    switch state {
                    case .active: Result { try Self.lookUp(host: host, port: port) }
                    case .cancelled: .failure(ResolutionError("the resolver is shut down"))
                    }
                for waiting in flights.withLockedValue({ $0.removeValue(forKey: key) }) ?? [] {
                    waiting.completeWith(result)
                }
            }
        }
        return promise.futureResult
    }

    private static func lookUp(host: String, port: Int) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_protocol = Int32(IPPROTO_TCP)
        // Without this, a machine whose only addresses are loopback ones would still be given IPv6 addresses; with it,
        // such a machine could not resolve "localhost" at all. So: not set, as everywhere in SwiftNIO.
        hints.ai_flags = 0
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let list else {
            throw ResolutionError(code == 0 ? "no address" : String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = list
        while let entry = next?.pointee, addresses.count < 64 {
            // The pointers are getaddrinfo's own, valid until freeaddrinfo; the values are copied out.
            if let address = entry.ai_addr {
                switch entry.ai_family {
                case AF_INET:
                    let value = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
                    addresses.append(SocketAddress(value, host: host))
                case AF_INET6:
                    let value = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
                    addresses.append(SocketAddress(value, host: host))
                default: break
                }
            }
            next = entry.ai_next
        }
        guard !addresses.isEmpty else { throw ResolutionError("no address") }
        return addresses
    }
}

/// Hands addresses that are known already to the happy eyeballs of SwiftNIO (RFC 8305), so that resolving and
/// connecting can be timed apart.
struct KnownAddresses: Resolver, Sendable {
    let loop: any EventLoop
    let addresses: [SocketAddress]

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(addresses.filter { $0.protocol == .inet })
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(addresses.filter { $0.protocol == .inet6 })
    }

    func cancelQueries() {}
}
