internal import Glibc

/// What a client may take. Everything that a client can make grow has a limit here.
public struct ServerLimits: Sendable {
    /// Connections over all listen addresses. Above nine tenths of it, those that have been idle longest are closed.
    public var connections: Int
    /// Seconds without any progress after which a connection is closed.
    public var idleTimeoutSeconds: Int
    /// Seconds in which a request must have arrived completely, and an answer must have been taken completely.
    public var exchangeTimeoutSeconds: Int
    /// Seconds in which a TLS handshake must have come to its end.
    public var handshakeTimeoutSeconds: Int
    /// TLS handshakes of one client under way at the same time; further connections of it are closed.
    public var handshakesPerClient: Int
    /// TLS handshakes under way at the same time; one more ends the one that has taken longest.
    public var handshakes: Int
    /// Milliseconds between TLS handshakes of a client that has had `handshakesPerClient` of them: further ones wait.
    public var handshakeIntervalMilliseconds: Int
    /// Bytes of memory for one connection: the head of a request must fit in it.
    public var connectionMemoryBytes: Int
    /// Bytes of a request's body.
    public var requestBodyBytes: Int
    /// Requests that wait for an answer at the same time, over all connections.
    public var waitingRequests: Int
    /// Responses that stay open at the same time.
    public var followers: Int
    /// Bytes that wait for one follower; what comes on top is dropped and counted.
    public var followerQueueBytes: Int
    /// Bytes that wait for all followers together, their snapshots aside; likewise.
    public var followerQueueBytesInTotal: Int
    /// Milliseconds of silence after which a follower is sent an empty line, so that its departure is noticed.
    public var followerKeepaliveMilliseconds: Int
    /// Threads that serve connections, 1 to 16; all connections of a client are on the same one.
    public var pollingThreads: Int
    /// Milliseconds that `stop()` gives to answers under way.
    public var stopGraceMilliseconds: Int

    /// Limits that hold 10,000 idle connections where the descriptor limit allows it.
    public init() {
        connections = Self.connectionsWithinDescriptorLimit()
        idleTimeoutSeconds = 30
        exchangeTimeoutSeconds = 60
        handshakeTimeoutSeconds = 10
        handshakesPerClient = 256
        handshakes = 1024
        handshakeIntervalMilliseconds = 20
        connectionMemoryBytes = 32 * 1024
        requestBodyBytes = 64 * 1024
        waitingRequests = 1024
        followers = 256
        followerQueueBytes = 1024 * 1024
        followerQueueBytesInTotal = 32 * 1024 * 1024
        followerKeepaliveMilliseconds = 15_000
        pollingThreads = 4
        stopGraceMilliseconds = 500
    }

    /// Half of the process' descriptors, at most 20,000: the streams need the others.
    static func connectionsWithinDescriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 512 }
        let descriptors = limit.rlim_cur > 40_000 ? 40_000 : Int(limit.rlim_cur)
        return max(16, descriptors / 2)
    }
}
