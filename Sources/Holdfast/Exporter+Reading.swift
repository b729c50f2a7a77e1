import AuditTrail
import NIOConcurrencyHelpers
import StreamModel
public import StreamRuntime

/// What an application reads of an exporter: the messages of a stream, and the events of all.
extension Exporter {
    /// Holds one more stream, and gives its messages: numbered ones in order and each once, with what is missing in its
    /// place. The stream ends with its reader: when the reading task is cancelled, or the sequence is let go of, it is
    /// closed and no longer held. It outlives ``apply(_:)``, which changes the streams of the configuration.
    ///
    /// May be called before ``start()``: the stream is started with the others.
    ///
    /// - Parameters:
    ///   - stream: the stream; its name must be new. Its credential is one of the plan's.
    ///   - limit: elements that may wait for the reader; what comes beyond is dropped, and told.
    /// - Throws: ``ExporterError``, where the stream cannot be held.
    public func hold(_ stream: StreamSpecification, limit: Int = 1024) throws -> StreamMessages {
        let reader = try holdings.withLockedValue { try $0.admit(stream) }
        let closing: @Sendable () -> Void = { [weak self] in self?.release(reader) }
        let queue = StreamMessages.queue(limit: limit, abandoned: closing)
        let messages = StreamMessages(queue: queue, closing: closing)
        feeds.add(MessageFeed(queue: queue, isSequenced: stream.policy.sequence != .none), for: stream.name)
        let isHeld = holdings.withLockedValue { holdings in
            guard holdings.phase != .stopped else { return false }
            holdings.readers.append(Holdings.Reader(id: reader, stream: stream))
            if holdings.phase == .running { enact(holdings) }
            return true
        }
        if !isHeld { feeds.remove(stream.name, ending: true) }
        return messages
    }

    /// The reader has gone, or has asked for the end: the stream is closed and no longer held.
    private func release(_ reader: UInt64) {
        holdings.withLockedValue { holdings in
            guard let index = holdings.readers.firstIndex(where: { $0.id == reader }) else { return }
            let name = holdings.readers.remove(at: index).stream.name
            // A stream that runs says itself when it is over, and what it gives until then is still read.
            feeds.remove(name, ending: holdings.phase != .running)
            if holdings.phase == .running { enact(holdings) }
        }
    }

    /// The events of this exporter, from now on, for one reader: every one of them, typed, with its line in the audit
    /// trail, in the order of the lines.
    ///
    /// - Parameters:
    ///   - stream: only those of this stream; nil: all, also those of the process.
    ///   - limit: events that may wait for the reader; what comes beyond is dropped, and told.
    public func events(of stream: String? = nil, limit: Int = 1024) -> AuditEvents {
        let subscription = NIOLockedValueBox<AuditSubscription?>(nil)
        let id = eventQueues.nextID()
        let queue = AuditEvents.queue(limit: limit) { [eventQueues] in
            eventQueues.remove(id)
            subscription.withLockedValue { $0 }?.cancel()
        }
        eventQueues.add(queue, id)
        let observing = trail.observe { record, line in
            let event = AuditEvent(time: record.time, fact: record.fact, line: line)
            guard stream == nil || event.stream?.name == stream else { return }
            queue.append(.event(event))
        }
        subscription.withLockedValue { $0 = observing }
        return AuditEvents(queue: queue)
    }

    /// Calls `receive` with every event from now on, one after the other, on a task of its own: it may take its time,
    /// and may call the exporter. ``stop(within:)`` waits for a moment until it has had the last one.
    ///
    /// - Parameters:
    ///   - stream: only those of this stream; nil: all, also those of the process.
    ///   - limit: events that may wait for the callback; what comes beyond is dropped, and told.
    ///   - receive: called with one event after the other.
    /// - Returns: what ends it earlier.
    @discardableResult
    public func observe(
        _ stream: String? = nil, limit: Int = 1024, _ receive: @escaping @Sendable (AuditElement) async -> Void
    ) -> EventObservation {
        let events = events(of: stream, limit: limit)
        let observation = EventObservation(
            task: Task {
                for await element in events { await receive(element) }
            })
        eventQueues.add(observation)
        return observation
    }
}

/// What an exporter cannot do, and why.
public enum ExporterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another stream has this name.
    case nameTaken(String)
    /// The stream names a credential that the plan does not have.
    case unknownCredential(String, stream: String)
    /// The exporter has stopped.
    case stopped
    /// The retries of a stream with `on_exhausted: exit` are used up.
    case retriesExhausted(stream: String)

    /// What happened, and what to do.
    public var description: String {
        switch self {
        case .nameTaken(let name): "another stream is called `\(name)` already; names must differ"
        case .unknownCredential(let credential, let stream):
            "stream `\(stream)` names the credential `\(credential)`, which the plan does not have; add it there"
        case .stopped: "the exporter has stopped; make another one"
        case .retriesExhausted(let stream): "the retries of stream `\(stream)` are used up"
        }
    }
}
