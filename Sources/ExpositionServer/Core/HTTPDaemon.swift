// Unsafe pointers are how libmicrohttpd hands our objects back to its callbacks. Each that is retained has one release:
// the dispatcher's in `stop`, an exchange's when its request is complete, a record's when its connection is closed.
// What a callback is given is valid during it.

internal import CMicrohttpd
internal import Glibc

/// One libmicrohttpd daemon: a polling thread on epoll for the connections that the acceptor gives it.
///
/// `@unchecked Sendable`: libmicrohttpd's daemon is made for calls from any thread; `stop` is called once.
final class HTTPDaemon: @unchecked Sendable {
    /// What the callbacks are given.
    fileprivate final class Context: Sendable {
        let dispatcher: RequestDispatcher
        let number: Int

        init(dispatcher: RequestDispatcher, number: Int) {
            self.dispatcher = dispatcher
            self.number = number
        }
    }

    private let daemon: OpaquePointer
    private let context: UnsafeMutableRawPointer
    private let logTarget: UnsafeMutablePointer<cmicrohttpd_log_target>
    private let log: ServerLog

    /// Starts the daemon with `number`; `addresses` is for the text of an error.
    init(
        number: Int, addresses: String, dispatcher: RequestDispatcher, tls: TLSMaterial?, log: ServerLog
    ) throws(ExpositionServerError) {
        self.log = log
        let context = Unmanaged.passRetained(Context(dispatcher: dispatcher, number: number)).toOpaque()
        let logTarget = UnsafeMutablePointer<cmicrohttpd_log_target>.allocate(capacity: 1)
        self.context = context
        self.logTarget = logTarget
        logTarget.initialize(
            to: cmicrohttpd_log_target(write: Self.writeLog, context: Unmanaged.passUnretained(log).toOpaque()))
        var options = Self.options(dispatcher.limits, context: context, logTarget: logTarget)
        var flags =
            MHD_USE_INTERNAL_POLLING_THREAD.rawValue | MHD_USE_EPOLL.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
            | MHD_USE_ITC.rawValue | MHD_USE_ERROR_LOG.rawValue | MHD_USE_NO_LISTEN_SOCKET.rawValue
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
            Unmanaged<Context>.fromOpaque(context).release()
            logTarget.deallocate()
            let reason = log.lastMessage ?? "the system has no thread, descriptor or memory left"
            if tls != nil { throw .webConfiguration("cannot serve TLS on \(addresses): \(reason)") }
            throw .start("cannot serve on \(addresses): \(reason)")
        }
        daemon = started
    }

    /// Takes over a connection that has been accepted; closes it where it cannot be served.
    func add(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) {
        _ = MHD_add_connection(daemon, descriptor, address, size)
    }

    /// Ends all connections. The acceptor must have stopped, and all gates been closed: libmicrohttpd aborts the process
    /// if a connection is still suspended.
    func stop() {
        MHD_stop_daemon(daemon)
        Unmanaged<Context>.fromOpaque(context).release()
        logTarget.deallocate()
    }

    private static func options(
        _ limits: ServerLimits, context: UnsafeMutableRawPointer,
        logTarget: UnsafeMutablePointer<cmicrohttpd_log_target>
    ) -> [MHD_OptionItem] {
        func option(_ option: MHD_OPTION, _ value: Int, _ pointer: UnsafeMutableRawPointer? = nil) -> MHD_OptionItem {
            MHD_OptionItem(option: option, value: value, ptr_value: pointer)
        }
        // The logger comes first, or mistakes in the other options go unseen.
        return [
            option(MHD_OPTION.EXTERNAL_LOGGER, cmicrohttpd_log_function(), logTarget),
            // Never reached: the acceptor stops before. A connection that libmicrohttpd 0.9.75 takes from another thread
            // when it is at its limit makes its polling thread wait for itself, for ever.
            option(MHD_OPTION.CONNECTION_LIMIT, 1_000_000),
            option(MHD_OPTION.CONNECTION_TIMEOUT, limits.idleTimeoutSeconds),
            option(MHD_OPTION.CONNECTION_MEMORY_LIMIT, limits.connectionMemoryBytes),
            option(MHD_OPTION.STRICT_FOR_CLIENT, 1),
            option(MHD_OPTION.URI_LOG_CALLBACK, unsafeBitCast(beginRequest, to: Int.self), context),
            option(MHD_OPTION.UNESCAPE_CALLBACK, unsafeBitCast(keepEscapes, to: Int.self)),
            option(MHD_OPTION.NOTIFY_COMPLETED, unsafeBitCast(endRequest, to: Int.self), context),
            option(MHD_OPTION.NOTIFY_CONNECTION, unsafeBitCast(noteConnection, to: Int.self), context),
        ]
    }
}

// What libmicrohttpd calls. Each takes its context from the option that registered it.
extension HTTPDaemon {
    private static let accessHandler: MHD_AccessHandlerCallback = {
        context, connection, _, method, _, _, uploadSize, exchange in
        guard let context, let connection, let method, let exchange = exchange?.pointee else { return .NO }
        let dispatcher = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().dispatcher
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
            let dispatcher = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().dispatcher
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
        let dispatcher = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().dispatcher
        dispatcher.complete(Unmanaged<Exchange>.fromOpaque(opaque).takeRetainedValue())
    }

    private static let noteConnection: MHD_NotifyConnectionCallback = { context, connection, slot, event in
        guard let context, let connection, let slot else { return }
        let own = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
        let dispatcher = own.dispatcher
        if event == .CONNECTION_NOTIFY_STARTED {
            let credentials = cmicrohttpd_connection_tls(connection).flatMap { session in
                let credentials = dispatcher.web.tls
                credentials?.apply(to: session)
                return credentials
            }
            let record = ConnectionRecord(
                descriptor: cmicrohttpd_connection_socket(connection),
                client: cmicrohttpd_connection_peer(connection).map(ClientKey.make) ?? 0, daemon: own.number,
                credentials: credentials, now: .now())
            slot.pointee = Unmanaged.passRetained(record).toOpaque()
            if let session = cmicrohttpd_connection_tls(connection) {
                record.handshake = TLSHandshake(session, of: connection, record: record, dispatcher: dispatcher)
            }
            dispatcher.census.add(record)
            // Only one that is counted is told of its client's end.
            dispatcher.watch.add(record)
            dispatcher.placement.opened(record.client, daemon: own.number)
        } else if let opaque = slot.pointee {
            slot.pointee = nil
            let record = Unmanaged<ConnectionRecord>.fromOpaque(opaque).takeRetainedValue()
            record.handshake?.end()
            dispatcher.watch.remove(record)
            dispatcher.census.remove(record)
            dispatcher.placement.closed(record.client, daemon: own.number)
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
    static func make(_ peer: UnsafePointer<sockaddr>) -> UInt64 {
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
