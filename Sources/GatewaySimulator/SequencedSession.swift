/// One session of `genesys-architect`: its numbering, what can be replayed, and the faults that shape its events.
/// Values in, texts to send out.
struct SequencedSession: Sendable {
    /// An event with its number, as it goes over the wire.
    struct Event: Hashable, Sendable {
        var sequence: UInt64
        var text: String
    }

    let clientID: String
    var truth: SessionTruth
    /// The events that the configured rate owes this session.
    var flow: EventFlow

    private(set) var lastSequence: UInt64 = 0
    private var replayable: ReplayBuffer
    private var skipped: [ClosedRange<UInt64>] = []
    private var duplicatesDue = 0
    private var reordersDue = 0
    private var reorderDistance = 1
    private var held: (event: Event, remaining: Int)?

    /// A session that begins at `began` and can replay its newest `capacity` events.
    init(clientID: String, subscriptions: [String], capacity: Int, began: Duration) {
        self.clientID = clientID
        replayable = ReplayBuffer(capacity: capacity)
        flow = EventFlow(began: began)
        truth = SessionTruth(protocol: "genesys-architect", subscriptions: subscriptions)
    }

    /// The next event comes to be. Gives what is to be sent now, in order; nothing where nobody is attached.
    mutating func produce(attached: Bool, wallMilliseconds: Int64) -> [Event] {
        lastSequence += 1
        truth.lastSequence = lastSequence
        truth.eventsGenerated += 1
        let event = Event(sequence: lastSequence, text: text(lastSequence, wallMilliseconds: wallMilliseconds))
        let isHeldBack = attached && held == nil && reordersDue > 0
        replayable.append(event, delivered: attached && !isHeldBack)
        guard attached else { return [] }
        if isHeldBack {
            reordersDue -= 1
            held = (event, reorderDistance)
            return []
        }
        var sent = [event]
        truth.eventsDelivered += 1
        if duplicatesDue > 0 {
            duplicatesDue -= 1
            truth.duplicatesSent += 1
            sent.append(event)
        }
        if let released = releaseHeld() { sent.append(released) }
        truth.messagesSent += sent.count
        return sent
    }

    /// The event that was held back, once enough later ones have been sent.
    private mutating func releaseHeld() -> Event? {
        guard var waiting = held else { return nil }
        waiting.remaining -= 1
        guard waiting.remaining <= 0 else {
            held = waiting
            return nil
        }
        held = nil
        truth.reordered += 1
        truth.eventsDelivered += 1
        replayable.markDelivered(waiting.event.sequence)
        return waiting.event
    }

    /// Whoever was attached is no longer: what was held back can only be replayed now.
    mutating func detach() {
        held = nil
    }

    /// What a resume after `last` gets: the newest `keep` of what it missed, all of it where nil.
    mutating func replay(after last: UInt64, keep: Int? = nil) -> [Event] {
        let missed = eventsGenerated(after: last)
        var events = replayable.events(after: last)
        if let keep { events = events.suffix(max(0, keep)) }
        truth.replayed += events.count
        truth.replayWithheld += max(0, Int(clamping: missed) - events.count)
        send(events)
        return events
    }

    /// What came to be while the connection was silent, for when it speaks again.
    mutating func catchUp() -> [Event] {
        held = nil
        let events = replayable.undelivered
        send(events)
        return events
    }

    private mutating func send(_ events: [Event]) {
        truth.messagesSent += events.count
        for event in events where replayable.markDelivered(event.sequence) { truth.eventsDelivered += 1 }
    }

    /// How many events of this numbering came to be after `last`: the numbers, less those that were jumped over.
    private func eventsGenerated(after last: UInt64) -> UInt64 {
        guard last < lastSequence else { return 0 }
        let jumped = skipped.reduce(UInt64(0)) { sum, range in
            guard range.upperBound > last else { return sum }
            return sum + range.upperBound - max(range.lowerBound, last + 1) + 1
        }
        return lastSequence - last - min(jumped, lastSequence - last)
    }

    /// Messages of the old session, to be sent before an acknowledgment: the newest that can still be had, and before
    /// them texts with the numbers that came earlier.
    mutating func stale(_ count: Int, wallMilliseconds: Int64) -> [String] {
        let count = max(0, min(count, 10_000))
        truth.flushed += count
        let recent = replayable.events(after: 0).suffix(count)
        let first = recent.first?.sequence ?? lastSequence + 1
        let older = (0..<UInt64(count - recent.count)).reversed().map { back in
            text(first > back + 1 ? first - back - 1 : 0, wallMilliseconds: wallMilliseconds)
        }
        return older + recent.map(\.text)
    }

    /// A fault strikes the numbering.
    mutating func apply(_ fault: Fault) {
        switch fault {
        case .gap(let count):
            guard count > 0 else { return }
            if skipped.count >= 10_000 { skipped.removeFirst() }
            skipped.append(lastSequence + 1...lastSequence + UInt64(count))
            lastSequence += UInt64(count)
            truth.lastSequence = lastSequence
            truth.numbersSkipped += count
        case .duplicate(let count):
            duplicatesDue += max(0, count)
        case .reorder(let distance, let count):
            reorderDistance = max(1, distance)
            reordersDue += max(0, count)
        case .numberReset:
            reset()
        default:
            break
        }
    }

    /// Numbering starts anew, and what could have been replayed is forgotten.
    mutating func reset() {
        lastSequence = 0
        replayable.removeAll()
        skipped.removeAll()
        held = nil
        truth.lastSequence = 0
        truth.numberResets += 1
    }

    private func text(_ sequence: UInt64, wallMilliseconds: Int64) -> String {
        let topics = truth.subscriptions
        let topic = topics.isEmpty ? "events" : topics[Int(sequence % UInt64(topics.count))]
        return "{\"type\":\"event\",\"sequence\":\(sequence),\"topic\":\(JSONText.string(topic)),"
            + "\"timestamp\":\(wallMilliseconds),"
            + "\"data\":{\"queueId\":\"queue-\(sequence % 7)\",\"conversationId\":\"conversation-\(sequence / 3)\","
            + "\"waiting\":\(sequence % 23)}}"
    }
}

/// The newest events of a session, and which of them were handed to a socket.
private struct ReplayBuffer: Sendable {
    private let capacity: Int
    private var entries: [(event: SequencedSession.Event, delivered: Bool)] = []

    init(capacity: Int) {
        self.capacity = max(0, capacity)
    }

    mutating func append(_ event: SequencedSession.Event, delivered: Bool) {
        entries.append((event, delivered))
        // Trimmed now and then rather than with each event: `visible` is what counts.
        if entries.count > 2 * capacity + 16 { entries.removeFirst(entries.count - capacity) }
    }

    private var visible: ArraySlice<(event: SequencedSession.Event, delivered: Bool)> {
        entries.suffix(capacity)
    }

    func events(after last: UInt64) -> [SequencedSession.Event] {
        visible.filter { $0.event.sequence > last }.map(\.event)
    }

    var undelivered: [SequencedSession.Event] {
        visible.filter { !$0.delivered }.map(\.event)
    }

    /// Whether it had not been delivered before.
    @discardableResult
    mutating func markDelivered(_ sequence: UInt64) -> Bool {
        guard let index = entries.lastIndex(where: { $0.event.sequence == sequence }), !entries[index].delivered
        else { return false }
        entries[index].delivered = true
        return true
    }

    mutating func removeAll() {
        entries.removeAll()
    }
}
