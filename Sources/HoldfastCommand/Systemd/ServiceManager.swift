// The unsafe pointers are those of the socket calls: into an address whose name was measured before, and for the call
// alone.

import Glibc

/// The service manager that started this process, by the protocol of `sd_notify(3)`: one datagram for each message, on
/// the Unix socket that `NOTIFY_SOCKET` names. Written here because it is a few lines, and libsystemd is not wanted on
/// machines without systemd.
struct ServiceManager: Sendable {
    /// How often it wants a sign of life, in microseconds (`WATCHDOG_USEC`); nil where it does not watch this process.
    let watchdogMicroseconds: UInt64?
    private let socketName: [UInt8]

    /// Nil where no service manager listens, or at an address of a kind that is not known here.
    init?(environment: [String: String]) {
        guard let name = environment["NOTIFY_SOCKET"], Self.isUsable(name) else { return nil }
        var bytes = Array(name.utf8)
        // An abstract socket: its name begins with a zero byte, which no environment can hold.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        socketName = bytes
        let isMeant = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(UInt64.init) ?? 0
        watchdogMicroseconds = isMeant && microseconds > 0 ? microseconds : nil
    }

    private static func isUsable(_ name: String) -> Bool {
        let most = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        return name.utf8.count > 1 && name.utf8.count < most && (name.hasPrefix("/") || name.hasPrefix("@"))
    }

    /// Sends assignments such as `READY=1`, together. A service manager that does not take them is no reason to fail.
    ///
    /// - Returns: whether it took them.
    @discardableResult
    func notify(_ assignments: String...) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // A manager that hangs must not hang its services.
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketName) }
        // The name of an abstract socket ends where the address ends; a path may.
        let size = MemoryLayout<sa_family_t>.size + socketName.count
        let message = Array(assignments.joined(separator: "\n").utf8)
        let sent = withUnsafePointer(to: &address) { address in
            // `sendto` takes the general form of an address: the same bytes under another type.
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), $0, socklen_t(size))
            }
        }
        return sent == message.count
    }

    // MARK: What it is told

    /// The service is up: everything is started.
    func ready(status: String) { notify("READY=1", "STATUS=\(status)") }

    /// The configuration is being read again; ``ready(status:)`` says that this is over. The time is what tells a
    /// manager with `Type=notify-reload` that the answer is to its request.
    func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        notify("RELOADING=1", "MONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
    }

    /// The service stops, because it was asked to or by itself.
    func stopping(status: String) { notify("STOPPING=1", "STATUS=\(status)") }
}
