// The unsafe pointers are those of the socket calls, which take an address in its general form: the same bytes under
// another type, for the call alone.

internal import CMicrohttpd
internal import Glibc

extension ListeningSocket {
    /// Where the listening socket `descriptor`, opened by another process, listens. Makes it one of this process: not
    /// inherited by others, and not blocking.
    static func address(ofInherited descriptor: Int32) throws(ExpositionServerError) -> ListenAddress {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let failed = withUnsafeMutablePointer(to: &storage) { storage in
            // `getsockname` takes the general form of an address: the same bytes under another type.
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) != 0 }
        }
        func mistake(_ what: String) -> ExpositionServerError {
            .listen("descriptor \(descriptor), which was handed over to be listened on, \(what)")
        }
        guard !failed else { throw mistake("is no socket: \(String(cString: strerror(errno)))") }
        let address = try text(of: storage, size: size, mistake: mistake)
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening != 0 else {
            throw mistake("does not listen; in a socket unit, use ListenStream=")
        }
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0,
            fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL, 0) | O_NONBLOCK) == 0
        else { throw mistake("cannot be used: \(String(cString: strerror(errno)))") }
        return address
    }

    private static func text(
        of storage: sockaddr_storage, size: socklen_t, mistake: (String) -> ExpositionServerError
    ) throws(ExpositionServerError) -> ListenAddress {
        let family = Int32(storage.ss_family)
        guard family == AF_INET || family == AF_INET6 else {
            throw mistake("is no TCP socket; scrapers need a port, such as ListenStream=10046")
        }
        let (bytes, port): ([UInt8], UInt16) = withUnsafeBytes(of: storage) { raw in
            // `sin_port` and `sin6_port` lie at the same place; the addresses behind it do not.
            let range = family == AF_INET ? 4..<8 : 8..<24
            return (Array(raw[range]), UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        }
        // Bound to everything, as `:PORT` is.
        guard bytes.contains(where: { $0 != 0 }) else {
            return ListenAddress(host: family == AF_INET ? "0.0.0.0" : nil, port: port)
        }
        var name = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, bytes, &name, socklen_t(name.count)) != nil else {
            throw mistake("has an address that cannot be read")
        }
        return ListenAddress(
            host: String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self), port: port)
    }
}
