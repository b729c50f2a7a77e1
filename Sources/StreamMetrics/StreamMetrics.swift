public import MetricsRegistry
public import StreamModel

/// The metrics of a process: those of its streams, their profiles and credentials, and its own.
///
/// Every method may be called from any thread.
public final class StreamMetrics: Sendable {
    private struct State {
        var streams: [String: StreamSeries] = [:]
        var profiles: [String: ProfileSeries] = [:]
        var credentials: [String: CredentialSeries] = [:]
        var sinks: [String: Counter] = [:]
    }

    /// Where the metrics are registered, and what a scrape is encoded by.
    public let registry: MetricsRegistry

    private let streamKeys = StreamKeys()
    private let profileKeys = ProfileKeys()
    private let credentialKeys = CredentialKeys()
    private let sinkKeys = SinkKeys()
    private let streams, profiles, credentials, sinks: SeriesLayout
    private let auditCounters: [String: Counter]
    private let auditLastLine: IntegerGauge
    private let reloadSuccessful: IntegerGauge
    private let reloadTime: DurationGauge
    private let scrapes: Counter
    private let scrapeDuration: DurationHistogram
    private let state = Locked(State())

    /// Registers every metric of ``catalogue`` in `registry`.
    ///
    /// - Parameters:
    ///   - registry: Where to register them; it may hold others as well.
    ///   - version: The version of Holdfast.
    ///   - swift: The version of the Swift compiler.
    ///   - auditEvents: The events of the audit trail.
    /// - Throws: `RegistryError` where `registry` holds a metric of the same name.
    public init(
        registry: MetricsRegistry = MetricsRegistry(), version: String, swift: String,
        auditEvents: [String] = StreamMetrics.auditEvents
    ) throws(RegistryError) {
        self.registry = registry
        streams = try registry.register(streamKeys.declaration)
        profiles = try registry.register(profileKeys.declaration)
        credentials = try registry.register(credentialKeys.declaration)

        let keys = ProcessKeys(auditEvents: auditEvents)
        let process = try registry.register(keys.declaration).makeGroup()
        var counters: [String: Counter] = [:]
        for (index, name) in auditEvents.enumerated() { counters[name] = process[keys.auditEvents, index] }
        auditCounters = counters
        auditLastLine = process[keys.auditLastLine]
        reloadSuccessful = process[keys.reloadSuccessful]
        reloadTime = process[keys.reloadTime]
        scrapes = process[keys.scrapes]
        scrapeDuration = process[keys.scrapeDuration]
        try registry.add(process)

        sinks = try registry.register(sinkKeys.declaration)

        let buildKeys = BuildKeys()
        let build = try registry.register(buildKeys.declaration)
            .makeGroup(LabelSet([Label("version", version), Label("swift", swift)]))
        build[buildKeys.info].set(1)
        try registry.add(build)
        try ProcessMetrics.register(in: registry)
    }

    /// Exposes the series of a stream, everything 0, from the next scrape on.
    ///
    /// - Parameters:
    ///   - identity: The stream's name, profile and extra labels.
    ///   - sequenced: Whether its protocol numbers messages; its continuity is NaN otherwise.
    /// - Throws: `RegistryError` where a stream of that name is there, or an extra label is invalid, reserved
    ///   (``reservedLabels``) or there twice. Nothing is exposed then.
    public func addStream(_ identity: StreamIdentity, sequenced: Bool) throws(RegistryError) -> StreamSeries {
        let name = Label("stream", identity.name)
        var labels = [name, Label("profile", identity.profile)]
        for extra in identity.labels {
            guard !Self.reservedLabels.contains(extra.name) else { throw .reservedLabel(extra.name) }
            labels.append(Label(extra.name, extra.value))
        }
        let group = try streams.makeGroup(LabelSet(labels))
        return try state.withLock { state throws(RegistryError) in
            guard state.streams[identity.name] == nil else {
                throw .duplicateSeries(family: "holdfast_stream_up", labels: [name])
            }
            let profile = try profileSeries(identity.profile, in: &state)
            let series = StreamSeries(group: group, keys: streamKeys, profile: profile, sequenced: sequenced)
            try registry.add(group)
            state.streams[identity.name] = series
            return series
        }
    }

    /// No longer exposes the series of the stream `name`. Returns whether there was one.
    @discardableResult
    public func removeStream(named name: String) -> Bool {
        state.withLock { state in
            guard let series = state.streams.removeValue(forKey: name) else { return false }
            return registry.remove(series.group)
        }
    }

    /// The series of the profile `name`, which all of its streams share. They stay when its last stream is removed:
    /// they are of attempts that were made.
    public func profileSeries(_ name: String) throws(RegistryError) -> ProfileSeries {
        try state.withLock { state throws(RegistryError) in try profileSeries(name, in: &state) }
    }

    private func profileSeries(_ name: String, in state: inout State) throws(RegistryError) -> ProfileSeries {
        if let series = state.profiles[name] { return series }
        let group = try profiles.makeGroup(LabelSet([Label("profile", name)]))
        try registry.add(group)
        let series = ProfileSeries(group: group, keys: profileKeys)
        state.profiles[name] = series
        return series
    }

    /// Exposes the series of the credential `name`, everything 0; does nothing where they are exposed already.
    public func addCredential(_ name: String) throws(RegistryError) {
        try state.withLock { state throws(RegistryError) in
            guard state.credentials[name] == nil else { return }
            let group = try credentials.makeGroup(LabelSet([Label("credential", name)]))
            try registry.add(group)
            state.credentials[name] = CredentialSeries(group: group, keys: credentialKeys)
        }
    }

    /// No longer exposes the series of the credential `name`. Returns whether there were any.
    @discardableResult
    public func removeCredential(named name: String) -> Bool {
        state.withLock { state in
            guard let series = state.credentials.removeValue(forKey: name) else { return false }
            return registry.remove(series.group)
        }
    }

    /// Counts what happened to the credential `name`; does nothing for one that was not added.
    public func record(_ event: CredentialEvent, credential name: String) {
        state.withLock { $0.credentials[name] }?.record(event)
    }

    /// The counter of events that the audit sink `name` could not take; exposed, with 0, from the first call on.
    public func auditDropped(sink name: String) throws(RegistryError) -> Counter {
        try state.withLock { state throws(RegistryError) in
            if let counter = state.sinks[name] { return counter }
            let group = try sinks.makeGroup(LabelSet([Label("sink", name)]))
            try registry.add(group)
            let counter = group[sinkKeys.dropped]
            state.sinks[name] = counter
            return counter
        }
    }

    /// Counts a line of the audit trail. An event that is not of the closed set is not counted.
    public func recordAuditEvent(_ event: String) {
        auditCounters[event]?.increment()
    }

    /// Shows, from the next scrape on, the number that `lastLine` gives when the scrape begins: of the newest line of
    /// the audit trail.
    public func showAuditPosition(_ lastLine: @escaping @Sendable () -> UInt64) {
        registry.onScrape { [auditLastLine] in auditLastLine.set(lastLine()) }
    }

    /// Notes that the configuration was loaded, the first time or again, and how that went.
    public func recordConfigurationLoad(success: Bool, at time: WallTime) {
        reloadSuccessful.set(success ? 1 : 0)
        if success { reloadTime.set(unixMilliseconds: time.milliseconds) }
    }

    /// Counts a scrape that took `duration` to encode.
    public func recordScrape(_ duration: Duration) {
        scrapes.increment()
        scrapeDuration.observe(nanoseconds: duration.nanoseconds)
    }
}
