import NIOConcurrencyHelpers
import StreamModel
import Testing

@testable import Holdfast

@Suite struct MessageSequencerTests {
    /// A feed with a queue that nobody reads yet, and what it would give.
    private func elements(
        limit: Int = 100, sequenced: Bool = true, _ drive: (MessageFeed) -> Void
    ) async -> [StreamElement] {
        let queue = StreamMessages.queue(limit: limit, abandoned: {})
        let feed = MessageFeed(queue: queue, isSequenced: sequenced)
        drive(feed)
        feed.happened(.stopped(.requested))
        var elements: [StreamElement] = []
        for await element in StreamMessages(queue: queue) { elements.append(element) }
        return elements
    }

    private func receive(_ feed: MessageFeed, _ numbers: [UInt64]) {
        for number in numbers {
            [UInt8(truncatingIfNeeded: number)].withUnsafeBytes {
                feed.received(MessageFacts(role: .event, sequence: number), $0)
            }
        }
    }

    private func messages(_ numbers: [UInt64]) -> [StreamElement] {
        numbers.map { .message(StreamMessage(sequence: $0, payload: [UInt8(truncatingIfNeeded: $0)])) }
    }

    @Test func messagesComeInTheOrderOfTheirNumbersAndOnce() async {
        let given = await elements { receive($0, [5, 6, 8, 8, 7, 6, 9]) }
        #expect(given == messages([5, 6, 7, 8, 9]))
    }

    @Test func whatWasGivenUpStandsInItsPlace() async {
        let given = await elements { feed in
            receive(feed, [1, 5, 6])
            feed.happened(.messagesLost(SequenceRange(2, 4), channel: 0, continuity: 0.5))
            receive(feed, [3, 7])
        }
        #expect(given == messages([1]) + [.gap(SequenceRange(2, 4))] + messages([5, 6, 7]))
    }

    @Test func aNewNumberingBeginsWithItsFirstMessage() async {
        let given = await elements { feed in
            receive(feed, [99, 100, 1, 2])
            feed.happened(.sequenceReset(previousHighest: 100, baseline: 1, channel: 0))
            receive(feed, [3, 4])
        }
        #expect(given == messages([99, 100]) + [.reset(baseline: 1)] + messages([1, 2, 3, 4]))
    }

    @Test func aLossOfTheConnectionIsTold() async {
        let attempt = StreamEvent.Attempt(
            generation: 2, number: 1, retryCount: 1, isReconnect: true, isResume: true, delay: .zero, cause: "token")
        let given = await elements { feed in
            receive(feed, [1])
            let loss = StreamEvent.ConnectionLoss(
                generation: 1, reason: .token, closeCode: 4401, detail: "", liveFor: .seconds(1), lastSequence: 1)
            feed.happened(.connectionLost(loss))
            feed.happened(.live(attempt, PhaseTimings(), outage: .seconds(3)))
            receive(feed, [2])
        }
        #expect(given == messages([1]) + [.interrupted(.token), .restored(outage: .seconds(3))] + messages([2]))
    }

    @Test func messagesWithoutNumbersComeAsTheyArrive() async {
        let given = await elements(sequenced: false) { feed in
            [UInt8(7)].withUnsafeBytes { feed.received(MessageFacts(role: .event), $0) }
            [UInt8(8)].withUnsafeBytes { feed.received(MessageFacts(role: .heartbeat), $0) }
        }
        #expect(given == [.message(StreamMessage(sequence: nil, payload: [7]))])
    }

    @Test func aSlowReaderIsToldWhatItMissed() async {
        let given = await elements(limit: 3) { receive($0, [1, 2, 3, 4, 5]) }
        #expect(given == messages([1, 2, 3]) + [.dropped(count: 2)])
    }

    @Test func whatWaitsIsBounded() async {
        let count = MessageSequencer.limit + 1
        let given = await elements(limit: count + 10) { feed in
            receive(feed, [1])
            receive(feed, Array(3..<UInt64(3 + count)))
        }
        #expect(given.first == messages([1]).first)
        #expect(given.dropFirst().first == .gap(SequenceRange(2, 2)))
        #expect(given.count == count + 2)
    }

    @Test func cancellationEndsTheReadingAndTheStream() async {
        await confirmation { cancelled in
            // Told when the reader is cancelled, and again when nobody has the sequence any more.
            let isTold = NIOLockedValueBox(false)
            let queue = StreamMessages.queue(limit: 3) {
                let isFirst = isTold.withLockedValue { told in
                    defer { told = true }
                    return !told
                }
                if isFirst { cancelled() }
            }
            let reader = Task {
                var count = 0
                for await _ in StreamMessages(queue: queue) { count += 1 }
                return count
            }
            reader.cancel()
            #expect(await reader.value == 0)
        }
    }
}
