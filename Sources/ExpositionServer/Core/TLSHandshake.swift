// Unsafe pointers: `transport` is what GnuTLS reads through, freed with this object, which the connection's record keeps
// until the session has ended; GnuTLS and the shim give back pointers to objects that the record keeps as long.

internal import CMicrohttpd

/// The handshake of one TLS connection, suspended while its client has nothing to say.
///
/// libmicrohttpd 0.9.75 takes a handshake that is not over for one that can go on, and asks it again at once: a client
/// that stops in the middle of its first message would keep a processor busy until its time is over.
///
/// `@unchecked Sendable`: `isUnderWay` is only touched on the connection's polling thread; the gate has a lock.
final class TLSHandshake: @unchecked Sendable {
    private let gate: ConnectionGate
    private let transport: UnsafeMutablePointer<cmicrohttpd_transport>
    // The dispatcher lives longer than every connection, the record as long as this.
    private unowned let dispatcher: RequestDispatcher
    private unowned let record: ConnectionRecord
    private var isUnderWay = true

    /// The connection has been accepted, and its handshake has not begun.
    init(
        _ session: gnutls_session_t, of connection: OpaquePointer, record: ConnectionRecord,
        dispatcher: RequestDispatcher
    ) {
        gate = ConnectionGate(connection: connection)
        self.record = record
        self.dispatcher = dispatcher
        transport = .allocate(capacity: 1)
        transport.initialize(
            to: cmicrohttpd_transport(
                descriptor: record.descriptor, starve: Self.starve, context: Unmanaged.passUnretained(self).toOpaque()))
        cmicrohttpd_set_transport(session, transport)
        gnutls_handshake_set_hook_function(session, 20, 1, Self.finish)  // GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST
        dispatcher.handshakes.add(gate)
    }

    deinit { transport.deallocate() }

    /// There is something to read. On any thread.
    func resume() { gate.resume() }

    /// The handshake has come to its end, or its connection has. On the polling thread.
    func end() {
        guard isUnderWay else { return }
        isUnderWay = false
        dispatcher.handshakes.remove(gate)
    }

    /// Nothing to read. What GnuTLS returns then makes libmicrohttpd leave the connection alone for this round.
    private static let starve: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
        guard let context else { return }
        let handshake = Unmanaged<TLSHandshake>.fromOpaque(context).takeUnretainedValue()
        guard handshake.isUnderWay, handshake.gate.suspend() else { return }
        handshake.dispatcher.watch.awaitBytes(handshake.record)
    }

    /// A `Finished` has been sent or received (RFC 8446 section 4.4.4). That of the client is the last message that is
    /// waited for: no session is resumed, which would turn the order around.
    private static let finish:
        @convention(c) (gnutls_session_t?, UInt32, UInt32, UInt32, UnsafePointer<cmicrohttpd_datum>?) -> Int32 = {
            session, _, _, isIncoming, _ in
            guard isIncoming != 0, let session, let connection = gnutls_session_get_ptr(session),
                let context = cmicrohttpd_connection_context(OpaquePointer(connection))
            else { return 0 }
            let record = Unmanaged<ConnectionRecord>.fromOpaque(context).takeUnretainedValue()
            guard let handshake = record.handshake else { return 0 }
            handshake.end()
            handshake.dispatcher.census.enter(.receiving, record, now: .now())
            return 0
        }
}
