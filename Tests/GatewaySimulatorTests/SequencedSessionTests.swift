import Testing

@testable import GatewaySimulator

@Suite struct SequencedSessionTests {
    private var session = SequencedSession(clientID: "one", subscriptions: ["q"], capacity: 5, began: .zero)

    private mutating func produce(_ count: Int, attached: Bool = true) -> [UInt64] {
        (0..<count).flatMap { _ in session.produce(attached: attached, wallMilliseconds: 0).map(\.sequence) }
    }

    @Test mutating func numbersGrowByOne() {
        same(produce(3), [1, 2, 3])
        #expect(session.truth.eventsDelivered == 3)
        let text = session.produce(attached: true, wallMilliseconds: 7)[0].text
        #expect(text.hasPrefix(#"{"type":"event","sequence":4,"#))
    }

    @Test mutating func gapIsNeverSentAndNeverReplayed() {
        _ = produce(2)
        session.apply(.gap(count: 3))
        same(produce(1), [6])
        same(session.replay(after: 1).map(\.sequence), [2, 6])
        #expect(session.truth.numbersSkipped == 3)
        #expect(session.truth.replayWithheld == 0)
    }

    @Test mutating func duplicatesAndReorders() {
        session.apply(.duplicate(count: 2))
        same(produce(3), [1, 1, 2, 2, 3])
        session.apply(.reorder(distance: 2, count: 1))
        same(produce(4), [5, 6, 4, 7])
        #expect(session.truth.duplicatesSent == 2)
        #expect(session.truth.reordered == 1)
        #expect(session.truth.eventsDelivered == 7)
        #expect(session.truth.messagesSent == 9)
    }

    @Test mutating func heldBackEventIsReplayedAfterALoss() {
        session.apply(.reorder(distance: 3, count: 1))
        same(produce(2), [2])
        session.detach()
        same(session.replay(after: 2).isEmpty, true)
        same(session.replay(after: 0).map(\.sequence), [1, 2])
        #expect(session.truth.eventsDelivered == 2)
    }

    @Test mutating func replayIsBounded() {
        _ = produce(2)
        same(produce(8, attached: false).isEmpty, true)
        same(session.replay(after: 2).map(\.sequence), [6, 7, 8, 9, 10])
        #expect(session.truth.replayed == 5)
        #expect(session.truth.replayWithheld == 3)
        #expect(session.truth.eventsDelivered == 7)
    }

    @Test mutating func replayMayBeCutShort() {
        _ = produce(4, attached: false)
        same(session.replay(after: 0, keep: 1).map(\.sequence), [4])
        same(session.replay(after: 0, keep: 0).isEmpty, true)
        #expect(session.truth.replayWithheld == 3 + 4)
    }

    @Test mutating func resumeFromAnotherNumberingGetsNothing() {
        _ = produce(2)
        same(session.replay(after: 900).isEmpty, true)
        #expect(session.truth.replayWithheld == 0)
    }

    @Test mutating func resetStartsAnew() {
        _ = produce(3)
        session.apply(.numberReset)
        same(session.replay(after: 0).isEmpty, true)
        same(produce(2), [1, 2])
        #expect(session.truth.numberResets == 1)
        #expect(session.truth.eventsGenerated == 5)
    }

    @Test mutating func staleMessagesAreOlderOnes() {
        _ = produce(2)
        let texts = session.stale(3, wallMilliseconds: 0)
        #expect(texts.count == 3)
        #expect(texts[2].contains("\"sequence\":2,"))
        #expect(session.truth.flushed == 3)
        #expect(session.lastSequence == 2)
    }

    @Test mutating func catchUpGivesWhatWasNotDelivered() {
        _ = produce(1)
        _ = produce(2, attached: false)
        same(session.catchUp().map(\.sequence), [2, 3])
        same(session.catchUp().isEmpty, true)
    }

    @Test func flowOwesWholeEventsOnceAndNeverAFlood() {
        var flow = EventFlow(began: .seconds(10))
        same(flow.owed(at: .seconds(10), rate: 2), 0)
        same(flow.owed(at: .milliseconds(10_499), rate: 2), 0)
        same(flow.owed(at: .milliseconds(10_500), rate: 2), 1)
        same(flow.owed(at: .seconds(12), rate: 2), 3)
        same(flow.owed(at: .seconds(1_000_000), rate: 2), 10_000)
        same(flow.owed(at: .seconds(1_000_000), rate: 2), 0)
    }
}
