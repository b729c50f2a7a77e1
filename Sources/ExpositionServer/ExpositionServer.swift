internal import Glibc

/// The HTTP endpoint of an exporter: metrics, health, lifecycle, and the audit trail.
///
/// Made for hostile clients: whatever one of them does, a scrape is answered, and memory and descriptors stay bounded
/// (`ServerLimits`).
public final class ExpositionServer: Sendable {
    /// What the flags of the command line choose.
    public struct Options: Sendable {
        /// The path of the metrics; a slash is put before it where it lacks one.
        public var telemetryPath = "/metrics"
        /// Whether `/-/reload` and `…/reconnect` may be used.
        public var lifecycleEnabled = false
        /// Scrapes under way at once, above which 503 is answered; 0 is no limit.
        public var maximumConcurrentScrapes = 40
        /// What `/api/v1/targets` lists.
        public var targets = ScrapeTargets()
        /// What a client may take.
        public var limits = ServerLimits()

        /// The defaults.
        public init() {}
    }

    private struct State {
        var daemons: [HTTPDaemon] = []
        var acceptor: Acceptor?
        var addresses: [ListenAddress] = []
        var isStarted = false
        var isStopped = false
        var timer: ThreadHandle?
    }

    private let options: Options
    private let metrics: MetricsHandler
    private let followers: FollowerRoster
    private let authenticator: Authenticator?
    private let dispatcher: RequestDispatcher
    private let log: ServerLog
    private let notice: @Sendable (String) -> Void
    private let state = Monitor(State())
    private let web: WebConfiguration?
    private let stamps: Monitor<FileStamps>
    /// Why the web configuration as it is now is not in force; nil where it is.
    private let webMistake = Monitor<String?>(nil)

    /// A server that does not listen yet. `log` takes the rare messages of the HTTP library, one line each, and what
    /// became of a web configuration that has changed.
    ///
    /// Where `web` has an origin, its files are looked at once a second: certificates, users, headers and limits are
    /// taken up as they change, without a connection being ended. Files with a mistake change nothing.
    public init(
        options: Options = Options(), web: WebConfiguration? = nil, metrics: any MetricsSource, api: any ExporterAPI,
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.options = options
        self.web = web
        self.metrics = MetricsHandler(source: metrics, limit: options.maximumConcurrentScrapes)
        self.log = ServerLog(sink: log)
        notice = log
        stamps = Monitor(FileStamps(web?.origin?.files ?? []))
        followers = FollowerRoster(
            limit: options.limits.followers, bytes: options.limits.followerQueueBytesInTotal)
        let users = web?.users.compactMapValues { BcryptHash($0) } ?? [:]
        // One that may come to have users has the thread for them from the start.
        authenticator = users.isEmpty && web?.origin == nil ? nil : Authenticator(users: users)
        let router = ExporterRoutes.router(
            options, isSecure: web?.tls != nil, metrics: self.metrics, api: api, followers: followers)
        dispatcher = RequestDispatcher(limits: options.limits, router: router, authenticator: authenticator)
    }

    deinit { stop() }

    /// Listens on all addresses, or on none and throws. Can be called once.
    public func start(listenAddresses: [ListenAddress]) throws(ExpositionServerError) {
        guard !listenAddresses.isEmpty else {
            throw .address("there is no address to listen on; give one, such as :10046")
        }
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted && !state.isStopped
        }
        guard isFirst else { throw .start("the server has been started before") }
        do throws(ExpositionServerError) {
            try startDaemons(listenAddresses)
        } catch {
            stop()
            throw error
        }
        let timer = ThreadHandle(name: "exposition-time") { [weak self, state] in
            var next = MonotonicTime.now().advanced(byMilliseconds: 1000)
            while state.wait(until: next, for: { $0.isStopped ? true : nil }) == nil {
                self?.tick(now: .now())
                next = .now().advanced(byMilliseconds: 1000)
            }
        }
        state.withLock { $0.timer = timer }
    }

    private func startDaemons(_ addresses: [ListenAddress]) throws(ExpositionServerError) {
        dispatcher.web = try ActiveWeb(web)
        var sockets: [ListeningSocket] = []
        do throws(ExpositionServerError) {
            guard dispatcher.watch.start() else {
                throw .start("cannot serve: too many open files or threads; raise the limits (ulimit -n, ulimit -u)")
            }
            for address in addresses { sockets.append(try ListeningSocket(address)) }
            let names = sockets.map { "\($0.address)" }.joined(separator: ", ")
            for number in 0..<dispatcher.placement.daemons {
                let daemon = try HTTPDaemon(
                    number: number, addresses: names, dispatcher: dispatcher, tls: dispatcher.web.material, log: log)
                state.withLock { $0.daemons.append(daemon) }
            }
        } catch {
            for socket in sockets { socket.close() }
            throw error
        }
        let daemons = state.withLock { $0.daemons }
        let acceptor = Acceptor(
            sockets: sockets, daemons: daemons, placement: dispatcher.placement, census: dispatcher.census,
            limits: options.limits, isSecure: dispatcher.web.material != nil)
        guard let acceptor else { throw .start("cannot serve: too many open files; raise the limit (ulimit -n)") }
        state.withLock { state in
            state.acceptor = acceptor
            state.addresses = sockets.map(\.address)
        }
        guard acceptor.start() else { throw .start("cannot serve: the system has no thread left") }
    }

    /// Where the server listens, with the ports that the system has chosen; in the order of `listenAddresses`.
    public var boundAddresses: [ListenAddress] { state.withLock { $0.addresses } }

    /// Open connections.
    public var connectionCount: Int { dispatcher.census.count }

    /// TLS handshakes whose clients have nothing to say.
    var suspendedHandshakes: Int { dispatcher.handshakes.suspended }

    /// Responses that stay open.
    public var followerCount: Int { followers.count }

    /// Ends within a second: no new connections; answers under way and followers get what is queued for them, as far
    /// as they take it at once; then everything is closed. Further calls do nothing.
    public func stop() {
        let parts: ([HTTPDaemon], Acceptor?, ThreadHandle?)? = state.update { state in
            guard !state.isStopped else { return nil }
            defer {
                state.isStopped = true
                state.daemons = []
                state.acceptor = nil
                state.addresses = []
                state.timer = nil
            }
            return (state.daemons, state.acceptor, state.timer)
        }
        guard let (daemons, acceptor, timer) = parts else { return }
        acceptor?.stop()
        followers.finishAll()
        let deadline = MonotonicTime.now().advanced(byMilliseconds: options.limits.stopGraceMilliseconds)
        _ = dispatcher.gates.waitUntilEmpty(until: deadline)
        dispatcher.gates.closeAll()
        dispatcher.handshakes.closeAll()
        for daemon in daemons { daemon.stop() }
        dispatcher.watch.stop()
        metrics.stop()
        authenticator?.stop()
        timer?.join()
    }

    /// What has to be done now and then; once a second.
    func tick(now: MonotonicTime) {
        followers.keepAlive(now: now, milliseconds: options.limits.followerKeepaliveMilliseconds)
        dispatcher.census.endOverdue(now: now)
        refreshWeb()
    }

    /// Takes up the web configuration where its files have changed.
    private func refreshWeb() {
        // What was wrong may get better in a file that nobody knows of as long as it is wrong: then it is tried each time.
        guard let origin = dispatcher.web.origin,
            stamps.withLock({ $0.haveChanged(origin.files) }) || webMistake.withLock({ $0 != nil })
        else { return }
        do throws(ExpositionServerError) {
            let fresh = try ActiveWeb(try origin.read())
            guard (fresh.tls == nil) == (dispatcher.web.tls == nil) else {
                throw .webConfiguration("turning TLS on or off takes a restart")
            }
            // New files may have been named.
            stamps.withLock { _ = $0.haveChanged(fresh.origin?.files ?? []) }
            dispatcher.web = fresh
            authenticator?.replace(users: fresh.users)
            webMistake.withLock { $0 = nil }
            notice("the web configuration has changed and is in force")
        } catch {
            let isNew = webMistake.withLock { mistake in
                defer { mistake = error.description }
                return mistake != error.description
            }
            if isNew { notice("the web configuration has changed and is not in force: \(error)") }
        }
    }
}
