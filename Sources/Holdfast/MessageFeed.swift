// The unsafe pointer to a payload is valid during the call; what is kept is a copy.

import NIOConcurrencyHelpers
import StreamModel

/// Turns what one stream's event loop hears into the elements that an application reads.
final class MessageFeed: Sendable {
    private struct State {
        var sequencers: [UInt64: MessageSequencer] = [:]
        let isSequenced: Bool
        var hasBegun = false
    }

    /// Numberings that are kept in order beside each other; messages of a further one come as they arrive.
    private static let channelLimit = 10_000

    private let queue: ElementQueue<StreamElement>
    private let state: NIOLockedValueBox<State>

    init(queue: ElementQueue<StreamElement>, isSequenced: Bool) {
        self.queue = queue
        state = NIOLockedValueBox(State(isSequenced: isSequenced))
    }

    /// Whether its stream was started.
    var hasBegun: Bool { state.withLockedValue { $0.hasBegun } }

    /// Gives nothing more.
    func end() {
        queue.end()
    }

    func received(_ facts: MessageFacts, _ payload: UnsafeRawBufferPointer) {
        guard facts.role == .event else { return }
        var elements: [StreamElement] = []
        state.withLockedValue { state in
            if let number = facts.sequence, state.isSequenced,
                state.sequencers[facts.channel] != nil || state.sequencers.count < Self.channelLimit
            {
                state.sequencers[facts.channel, default: MessageSequencer()].receive(
                    number, Array(payload), into: &elements)
            } else {
                elements.append(.message(StreamMessage(sequence: facts.sequence, payload: Array(payload))))
            }
        }
        queue.append(elements)
    }

    func happened(_ event: StreamEvent) {
        var elements: [StreamElement] = []
        state.withLockedValue { state in
            switch event {
            case .started: state.hasBegun = true
            case .messagesLost(let range, let channel, _):
                state.sequencers[channel, default: MessageSequencer()].giveUp(range, into: &elements)
            case .sequenceReset(_, let baseline, let channel):
                state.sequencers[channel, default: MessageSequencer()].reset(baseline: baseline, into: &elements)
            // What was asked for is no interruption.
            case .connectionLost(let loss) where loss.reason != .planned && loss.reason != .shutdown:
                elements.append(.interrupted(loss.reason))
            case .live(let attempt, _, let outage):
                if !attempt.isResume, outage != nil {
                    for channel in state.sequencers.keys.sorted() {
                        state.sequencers[channel]?.startOver(into: &elements)
                    }
                }
                if let outage { elements.append(.restored(outage: outage)) }
            default: break
            }
        }
        queue.append(elements)
        if case .stopped = event { queue.end() }
    }
}
