import ExpositionServer
import Glibc

/// Listening sockets that the service manager opened and handed over (`sd_listen_fds(3)`): while the service restarts,
/// they stay open, and a scrape waits instead of being refused.
enum InheritedSockets {
    /// Descriptors from here on are handed over.
    private static let first: Int32 = 3
    /// More than anybody hands over; a wrong number must not make this process read descriptors that it never had.
    private static let most: Int32 = 64

    /// The sockets of this process, in the order of the socket unit; none where it was started in another way.
    ///
    /// - Throws: `ExpositionServerError.listen` where a descriptor is no listening TCP socket.
    static func take(environment: [String: String]) throws -> [ListenAddress] {
        // Variables that were meant for another process: a parent may have left them behind.
        guard environment["LISTEN_PID"] == String(getpid()),
            let count = environment["LISTEN_FDS"].flatMap(Int32.init), (1...most).contains(count)
        else { return [] }
        return try (first..<first + count).map { try ListenAddress(inheriting: $0) }
    }
}
