// The unsafe buffer is of facts that the caller holds, valid during the call; the index is compared with its length.

public import StreamModel

/// What arrived of what was sent: the numbers of one stream, over all its connections.
///
/// `expected = unique + lost` and `0 <= continuity <= 1` hold after every call, and `lost` never decreases.
public struct Continuity: Sendable {
    /// Numberings that one stream can have beside each other; a further one is received but not followed.
    public static let channelLimit = 10_000

    /// Everything counted so far.
    public private(set) var tallies = StreamTallies()

    private let rule: StreamPolicy.SequenceRule
    private let window: Duration
    private var main: SequenceTracker
    private var channels: [UInt64: SequenceTracker] = [:]
    private var identifiers = RecentIdentifiers()
    private var watch: ResumeWatch?

    /// A resume that was acknowledged and of which it is not known yet what it brought back.
    private struct ResumeWatch: Sendable {
        let highest: UInt64?
        let lost: UInt64
        let resets: UInt64
    }

    /// Continuity by the promises of `policy`.
    public init(policy: StreamPolicy) {
        rule = policy.sequence
        isSequenced = policy.sequence != .none
        window = policy.reorderWindow
        main = SequenceTracker(rule: policy.sequence, window: policy.reorderWindow)
    }

    /// Whether the protocol has numbers at all.
    public let isSequenced: Bool

    /// Continuity as the audit trail shows it; nil where the protocol has no numbers.
    public var ratio: Double? { isSequenced ? tallies.continuity : nil }

    /// Up to where everything is known, arrived or lost: what another life of the process has to resume from. With the
    /// highest number instead, a number that is still waited for when the process dies would never be counted.
    public var settledThrough: UInt64? {
        guard let missing = main.firstMissing, let highest = main.highest, missing > 0 else { return tallies.highest }
        return min(missing - 1, highest)
    }

    /// When a gap is to be given up next, or a suspicion to be judged.
    public var nextDeadline: Instant? {
        var deadline = main.nextDeadline
        guard !channels.isEmpty, tallies.pending > 0 || deadline == nil else { return deadline }
        for tracker in channels.values {
            if let due = tracker.nextDeadline { deadline = min(deadline ?? due, due) }
        }
        return deadline
    }

    // MARK: Messages

    /// Counts application messages as long as nothing follows from them: those without a number, and those that are the
    /// next of the stream's numbering. What acknowledges is an event while live, as any event may. Gives how many.
    mutating func receiveInOrder(_ messages: UnsafeBufferPointer<MessageFacts>) -> Int {
        var count = 0
        if isSequenced {
            while count < messages.count, messages[count].isEventWhileLive, takeInOrder(messages[count]) { count &+= 1 }
        } else {
            while count < messages.count, messages[count].isEventWhileLive { count &+= 1 }
            let known = identifiers.insert(of: UnsafeBufferPointer(rebasing: messages[..<count]))
            if known > 0 { tallies.duplicate.add(UInt64(known)) }
        }
        tallies.received.add(UInt64(count))
        return count
    }

    @inline(__always)
    private mutating func takeInOrder(_ facts: MessageFacts) -> Bool {
        guard let number = facts.sequence else {
            if let identifier = facts.identifier, !identifiers.insert(identifier) { tallies.duplicate.add(1) }
            return true
        }
        guard facts.channel == 0, watch == nil, main.takeNext(number) else { return false }
        tallies.unique.add(1)
        tallies.highest = number
        return true
    }

    /// Counts a message that arrived while live. Where two connections `overlaps` in a hand-over, an event that the
    /// other one has brought already is not counted again: nobody sent it twice, we listened twice.
    public mutating func receive(
        _ facts: MessageFacts, at now: Instant, overlaps: Bool = false, events: inout [StreamEvent]
    ) {
        if overlaps, facts.role == .event, let identifier = facts.identifier, identifiers.contains(identifier) {
            return
        }
        tallies.received.add(1)
        guard facts.role == .event else { return }
        guard let number = facts.sequence, isSequenced else {
            if let identifier = facts.identifier, !identifiers.insert(identifier) { tallies.duplicate.add(1) }
            return
        }
        if facts.channel == 0 {
            main.record(number, at: now, into: &tallies, events: &events)
        } else {
            recordChannel(number, facts.channel, at: now, events: &events)
        }
        tallies.highest = main.highest ?? max(tallies.highest ?? 0, number)
        if watch != nil { settleResume(events: &events) }
    }

    /// Counts a message that arrived between the open and the acknowledgment.
    public mutating func flush() {
        tallies.flushed.add(1)
    }

    /// Gives up what has been waited for long enough.
    public mutating func passTime(at now: Instant, events: inout [StreamEvent]) {
        main.passTime(at: now, into: &tallies, events: &events)
        for channel in channels.keys where channels[channel]?.nextDeadline != nil {
            channels[channel]?.passTime(at: now, into: &tallies, events: &events)
        }
        if watch != nil { settleResume(events: &events) }
    }

    private mutating func recordChannel(
        _ number: UInt64, _ channel: UInt64, at now: Instant, events: inout [StreamEvent]
    ) {
        if channels[channel] == nil {
            guard channels.count < Self.channelLimit else { return }
            channels[channel] = SequenceTracker(rule: rule, window: window, channel: channel)
        }
        channels[channel]?.record(number, at: now, into: &tallies, events: &events)
    }

    // MARK: Sessions

    /// Takes up the numbering that an earlier life of the process had followed to `number`.
    public mutating func restore(lastSequence number: UInt64) {
        main.restore(highest: number)
        tallies.highest = number
    }

    /// The connection was lost, and will be resumed: gaps wait for what the resume brings back.
    public mutating func resumeAwaited(events: inout [StreamEvent]) {
        abandonWatch(events: &events)
        forEachTracker { $0.holdForResume() }
    }

    /// No resume is under way any more, and none was acknowledged.
    public mutating func resumeAbandoned(events: inout [StreamEvent]) {
        abandonWatch(events: &events)
        forEachTracker { $0.stopHolding() }
    }

    /// The server acknowledged the resume.
    public mutating func resumeAcknowledged(at now: Instant, events: inout [StreamEvent]) {
        abandonWatch(events: &events)
        forEachTracker { $0.resumeAcknowledged(at: now) }
        guard isSequenced else {
            events.append(.resumeSettled(.unknown))
            return
        }
        watch = ResumeWatch(highest: tallies.highest, lost: tallies.lost, resets: tallies.resets)
    }

    /// The server said no to the resume: the session starts over.
    public mutating func resumeRefused(events: inout [StreamEvent]) {
        watch = nil
        events.append(.resumeSettled(.refused))
        startOver(events: &events)
    }

    /// A fresh session: its first message is a baseline.
    public mutating func startOver(events: inout [StreamEvent]) {
        abandonWatch(events: &events)
        main.startOver(into: &tallies, events: &events)
        for channel in channels.keys.sorted() {
            channels[channel]?.startOver(into: &tallies, events: &events)
        }
        channels.removeAll()
    }

    /// The stream ends: what is not known of a resume never will be.
    public mutating func end(events: inout [StreamEvent]) {
        abandonWatch(events: &events)
    }

    /// Decides what the acknowledged resume brought back, as soon as it shows: nothing is missing once a number
    /// beyond the last known one has come and no gap is open; something is once a gap was given up.
    private mutating func settleResume(events: inout [StreamEvent]) {
        guard let watch else { return }
        if tallies.resets > watch.resets {
            settle(.refused, events: &events)
        } else if watch.highest == nil {
            if tallies.highest != nil { settle(.unknown, events: &events) }
        } else if !hasGaps {
            if tallies.lost > watch.lost {
                settle(.partial, events: &events)
            } else if tallies.highest ?? 0 > watch.highest ?? 0 {
                settle(.full, events: &events)
            }
        }
    }

    private var hasGaps: Bool {
        main.hasGaps || channels.values.contains { $0.hasGaps }
    }

    private mutating func settle(_ outcome: ResumeOutcome, events: inout [StreamEvent]) {
        watch = nil
        events.append(.resumeSettled(outcome))
    }

    private mutating func abandonWatch(events: inout [StreamEvent]) {
        if watch != nil { settle(.unknown, events: &events) }
    }

    private mutating func forEachTracker(_ body: (inout SequenceTracker) -> Void) {
        body(&main)
        for channel in channels.keys {
            if var tracker = channels[channel] {
                body(&tracker)
                channels[channel] = tracker
            }
        }
    }
}

extension MessageFacts {
    /// Whether it is application data on a live connection.
    fileprivate var isEventWhileLive: Bool { role == .event || role == .acknowledgment }
}
