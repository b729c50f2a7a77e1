// Unsafe pointers are how libmicrohttpd hands our objects back to its callbacks. Each that is retained has one release:
// the dispatcher's in `stop`, an exchange's when its request is complete, a record's when its connection is closed.
// What a callback is given is valid during it.

internal import CMicrohttpd
internal import Glibc

/// One libmicrohttpd daemon on one listening socket: two polling threads on epoll.
///
/// `@unchecked Sendable`: libmicrohttpd's daemon is made for calls from any thread; `stop` is called once.
final class HTTPDaemon: @unchecked Sendable {
    let address: ListenAddress
    private let daemon: OpaquePointer
    private let socket: ListeningSocket
    private let context: UnsafeMutableRawPointer
    private let logTarget: UnsafeMutablePointer<cmicrohttpd_log_target>
    private let log: ServerLog

    /// Starts serving. `connections` is this daemon's share of the limit.
    init(
        _ socket: ListeningSocket, dispatcher: RequestDispatcher, tls: TLSMaterial?, connections: Int, log: ServerLog
    ) throws(ExpositionServerError) {
        // A copy of the descriptor: whether libmicrohttpd closes it when it fails to start depends on how it fails.
        let copy = fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else {
            close(socket.descriptor)
            throw .start("cannot serve on \(socket.address): too many open files; raise the limit (ulimit -n)")
        }
        self.socket = socket
        self.log = log
        address = socket.address
        let context = Unmanaged.passRetained(dispatcher).toOpaque()
        let logTarget = UnsafeMutablePointer<cmicrohttpd_log_target>.allocate(capacity: 1)
        self.context = context
        self.logTarget = logTarget
        logTarget.initialize(
            to: cmicrohttpd_log_target(write: Self.writeLog, context: Unmanaged.passUnretained(log).toOpaque()))
        var options = Self.options(
            dispatcher.limits, connections: connections, socket: copy, context: context, logTarget: logTarget)
        var flags =
            MHD_USE_INTERNAL_POLLING_THREAD.rawValue | MHD_USE_EPOLL.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
            | MHD_USE_ITC.rawValue | MHD_USE_ERROR_LOG.rawValue
        if tls != nil { flags |= MHD_USE_TLS.rawValue }
        let started = TLSMaterial.withOptions(tls) { tlsOptions in
            options += tlsOptions
            options.append(MHD_OptionItem(option: MHD_OPTION.END, value: 0, ptr_value: nil))
            return options.withUnsafeMutableBufferPointer { options in
                withVaList([MHD_OPTION.ARRAY.rawValue, options.baseAddress ?? 0, MHD_OPTION.END.rawValue]) { list in
                    MHD_start_daemon_va(flags, 0, nil, nil, Self.accessHandler, context, list)
                }
            }
        }
        guard let started else {
            Self.closeIfSame(copy, as: socket.descriptor)
            Unmanaged<RequestDispatcher>.fromOpaque(context).release()
            logTarget.deallocate()
            let reason = log.lastMessage ?? "the system has no thread, descriptor or memory left"
            if tls != nil { throw .webConfiguration("cannot serve TLS on \(socket.address): \(reason)") }
            throw .start("cannot serve on \(socket.address): \(reason)")
        }
        daemon = started
    }

    /// Stops accepting; connections go on.
    func quiesce() {
        let descriptor = MHD_quiesce_daemon(daemon)
        if descriptor >= 0 { close(descriptor) }
        close(socket.descriptor)
    }

    /// Ends all connections. `quiesce` must have been called, and all gates closed: libmicrohttpd aborts the process
    /// if a connection is still suspended.
    func stop() {
        MHD_stop_daemon(daemon)
        Unmanaged<RequestDispatcher>.fromOpaque(context).release()
        logTarget.deallocate()
    }

    private static func options(
        _ limits: ServerLimits, connections: Int, socket: Int32, context: UnsafeMutableRawPointer,
        logTarget: UnsafeMutablePointer<cmicrohttpd_log_target>
    ) -> [MHD_OptionItem] {
        func option(_ option: MHD_OPTION, _ value: Int, _ pointer: UnsafeMutableRawPointer? = nil) -> MHD_OptionItem {
            MHD_OptionItem(option: option, value: value, ptr_value: pointer)
        }
        // The logger comes first, or mistakes in the other options go unseen.
        return [
            option(MHD_OPTION.EXTERNAL_LOGGER, cmicrohttpd_log_function(), logTarget),
            option(MHD_OPTION.LISTEN_SOCKET, Int(socket)),
            option(MHD_OPTION.THREAD_POOL_SIZE, 2),
            option(MHD_OPTION.CONNECTION_LIMIT, max(2, connections)),
            option(MHD_OPTION.CONNECTION_TIMEOUT, limits.idleTimeoutSeconds),
            option(MHD_OPTION.CONNECTION_MEMORY_LIMIT, limits.connectionMemoryBytes),
            option(MHD_OPTION.STRICT_FOR_CLIENT, 1),
            option(MHD_OPTION.URI_LOG_CALLBACK, unsafeBitCast(beginRequest, to: Int.self), context),
            option(MHD_OPTION.UNESCAPE_CALLBACK, unsafeBitCast(keepEscapes, to: Int.self)),
            option(MHD_OPTION.NOTIFY_COMPLETED, unsafeBitCast(endRequest, to: Int.self), context),
            option(MHD_OPTION.NOTIFY_CONNECTION, unsafeBitCast(noteConnection, to: Int.self), context),
        ]
    }

    private static func closeIfSame(_ descriptor: Int32, as other: Int32) {
        var mine = stat()
        var theirs = stat()
        if fstat(descriptor, &mine) == 0, fstat(other, &theirs) == 0, mine.st_ino == theirs.st_ino {
            close(descriptor)
        }
        close(other)
    }
}

// What libmicrohttpd calls. Each takes its context from the option that registered it.
extension HTTPDaemon {
    private static let accessHandler: MHD_AccessHandlerCallback = {
        context, connection, _, method, _, _, uploadSize, exchange in
        guard let context, let connection, let method, let exchange = exchange?.pointee else { return .NO }
        let dispatcher = Unmanaged<RequestDispatcher>.fromOpaque(context).takeUnretainedValue()
        let received = uploadSize?.pointee ?? 0
        uploadSize?.pointee = 0
        return dispatcher.handle(
            connection, Unmanaged<Exchange>.fromOpaque(exchange).takeUnretainedValue(),
            method: String(cString: method), received: received)
    }

    /// The request line has been read, and its target is not yet changed. The result becomes the request's context.
    private static let beginRequest:
        @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?) -> UnsafeMutableRawPointer? = {
            context, target, connection in
            guard let context, let connection else { return nil }
            let dispatcher = Unmanaged<RequestDispatcher>.fromOpaque(context).takeUnretainedValue()
            let record = cmicrohttpd_connection_context(connection).map {
                Unmanaged<ConnectionRecord>.fromOpaque($0).takeUnretainedValue()
            }
            let exchange = Exchange(
                connection: connection, record: record, rawTarget: target.map { String(cString: $0) } ?? "")
            dispatcher.gates.add(exchange.gate)
            return Unmanaged.passRetained(exchange).toOpaque()
        }

    /// Escapes are decoded by `RequestTarget`, which tells the mistakes.
    private static let keepEscapes:
        @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<CChar>?) -> Int = {
            _, _, text in
            text.map { strlen($0) } ?? 0
        }

    private static let endRequest: MHD_RequestCompletedCallback = { context, _, exchange, _ in
        guard let context, let opaque = exchange?.pointee else { return }
        exchange?.pointee = nil
        let dispatcher = Unmanaged<RequestDispatcher>.fromOpaque(context).takeUnretainedValue()
        dispatcher.complete(Unmanaged<Exchange>.fromOpaque(opaque).takeRetainedValue())
    }

    private static let noteConnection: MHD_NotifyConnectionCallback = { context, connection, slot, event in
        guard let context, let connection, let slot else { return }
        let dispatcher = Unmanaged<RequestDispatcher>.fromOpaque(context).takeUnretainedValue()
        if event == .CONNECTION_NOTIFY_STARTED {
            if let policy = dispatcher.clientCertificates { policy.apply(to: connection) }
            let record = ConnectionRecord(
                descriptor: cmicrohttpd_connection_socket(connection), client: ClientKey.make(connection), now: .now())
            slot.pointee = Unmanaged.passRetained(record).toOpaque()
            dispatcher.census.add(record)
        } else if let opaque = slot.pointee {
            slot.pointee = nil
            dispatcher.census.remove(Unmanaged<ConnectionRecord>.fromOpaque(opaque).takeRetainedValue())
        }
    }

    private static let writeLog: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> Void = {
        context, line in
        guard let context, let line else { return }
        Unmanaged<ServerLog>.fromOpaque(context).takeUnretainedValue().write(String(cString: line))
    }
}

/// Who a connection comes from, in 64 bits.
enum ClientKey {
    static func make(_ connection: OpaquePointer) -> UInt64 {
        guard let peer = cmicrohttpd_connection_peer(connection) else { return 0 }
        let bytes = UnsafeRawPointer(peer)
        switch Int32(peer.pointee.sa_family) {
        case AF_INET:
            return UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        case AF_INET6:
            let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            // An IPv4 client of a dual-stack socket (::ffff:a.b.c.d) is that client; of IPv6, whoever has one
            // address has its whole network of 64 bits.
            return high == 0 && low >> 32 == 0xFFFF ? low & 0xFFFF_FFFF : high
        default: return 0
        }
    }
}
