// The unsafe pointers are those of the socket calls, which take an address in its general form: the same bytes under
// another type, for the call alone. The list of `getaddrinfo` is freed where it was had.

internal import CMicrohttpd
internal import Glibc

/// A bound, listening socket. Bound here and not by libmicrohttpd, so that a failure can be told precisely.
struct ListeningSocket {
    let descriptor: Int32
    /// With the port that the system chose, where 0 was asked for.
    let address: ListenAddress

    /// Every address that the name stands for is tried in order; the first that can be bound is taken.
    init(_ address: ListenAddress) throws(ExpositionServerError) {
        if let descriptor = address.descriptor {
            self.init(descriptor: descriptor, address: address)
            return
        }
        guard let host = address.host else {
            // IPv6 with dual stack takes both; a machine without IPv6 takes IPv4.
            if let both = try? Self.listen(address, family: AF_INET6, host: "::") {
                self = both
            } else {
                self = try Self.listen(address, family: AF_INET, host: "0.0.0.0")
            }
            return
        }
        self = try Self.listen(address, family: AF_UNSPEC, host: host)
    }

    func close() { Glibc.close(descriptor) }

    private init(descriptor: Int32, address: ListenAddress) {
        self.descriptor = descriptor
        self.address = address
    }

    private static func listen(
        _ address: ListenAddress, family: Int32, host: String
    ) throws(ExpositionServerError) -> Self {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, String(address.port), &hints, &list)
        guard failure == 0 else {
            throw .address(
                "cannot listen on \(address): \(String(cString: gai_strerror(failure))); "
                    + "give an address of this machine, or :\(address.port) for all of them")
        }
        defer { freeaddrinfo(list) }
        var lastError: Int32 = EADDRNOTAVAIL
        var candidate = list
        while let info = candidate?.pointee {
            let descriptor = bind(info)
            if descriptor >= 0 {
                return Self(descriptor: descriptor, address: boundAddress(of: descriptor, asked: address))
            }
            lastError = errno
            candidate = info.ai_next
        }
        throw .listen("cannot listen on \(address): \(explanation(of: lastError, port: address.port))")
    }

    /// A listening socket, or -1 with `errno` set.
    private static func bind(_ info: addrinfo) -> Int32 {
        let kind = info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(info.ai_family, kind, info.ai_protocol)
        guard descriptor >= 0 else { return -1 }
        var one: Int32 = 1
        var zero: Int32 = 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        if info.ai_family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &zero, size)
        }
        if Glibc.bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, Glibc.listen(descriptor, 1024) == 0 {
            return descriptor
        }
        let failure = errno
        Glibc.close(descriptor)
        errno = failure
        return -1
    }

    private static func boundAddress(of descriptor: Int32, asked: ListenAddress) -> ListenAddress {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let failed = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) != 0 }
        }
        guard !failed else { return asked }
        let port = withUnsafeBytes(of: storage) { bytes in
            // `sin_port` and `sin6_port` lie at the same place.
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
        return ListenAddress(host: asked.host, port: port)
    }

    private static func explanation(of error: Int32, port: UInt16) -> String {
        switch error {
        case EADDRINUSE:
            "address already in use; stop the program that holds port \(port), or choose another port"
        case EACCES:
            "permission denied; ports below 1024 need the capability CAP_NET_BIND_SERVICE, or choose another port"
        case EADDRNOTAVAIL:
            "this machine has no such address; give one of its own, or :\(port) for all of them"
        case EMFILE, ENFILE:
            "too many open files; raise the limit of descriptors (ulimit -n)"
        default:
            String(cString: strerror(error))
        }
    }
}
