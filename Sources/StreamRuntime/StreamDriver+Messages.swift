// The unsafe pointers to payloads are valid during the call, and only handed on in it: copying each message would cost
// more than reading it.

import NIOCore
import StreamModel
import StreamProfiles
import StreamSupervisor
import WebSocketCodec
import WebSocketTransport

/// What the connections tell.
extension StreamDriver {
    func connectionOpened(_ generation: UInt64, phases: PhaseTimings) {
        let before = links[generation]?.phases ?? PhaseTimings()
        handle(.transportOpened(generation: generation, before.merging(phases)))
    }

    func connectionFailed(_ generation: UInt64, _ failure: DialFailure) {
        let phases = (links[generation]?.phases ?? PhaseTimings()).merging(PhaseTimings(failure.phases))
        let meaning = wire.failure(for: failure, wall: surroundings.wall.now())
        handle(.transportFailed(generation: generation, meaning, phases))
    }

    func connectionReceived(_ generation: UInt64, _ messages: UnsafeBufferPointer<WebSocketMessage>) {
        guard let link = link(generation) else { return }
        receivedMessage = true
        let now = batchNow ?? loop.instant
        batchNow = now
        let takesRuns = wire.replies.isEmpty && !listener.wantsMessages
        withUnsafeTemporaryAllocation(of: MessageFacts.self, capacity: Self.mostFacts) { room in
            var rest = messages[...]
            while !rest.isEmpty {
                let some = rest.prefix(Self.mostFacts)
                Self.read(some, on: link, into: room)
                let facts = UnsafeBufferPointer(rebasing: room[..<some.count])
                // A connection that was given up meanwhile tells of nothing more.
                guard take(facts, of: some, on: link, inRuns: takesRuns, at: now) else { return }
                rest = rest[some.endIndex...]
            }
        }
    }

    /// Messages whose facts are read before any is taken: as many as there is room for where a temporary allocation is
    /// still made on the stack, 1 KiB.
    private static let mostFacts = 16

    private static func read(
        _ messages: Slice<UnsafeBufferPointer<WebSocketMessage>>, on link: Link,
        into room: UnsafeMutableBufferPointer<MessageFacts>
    ) {
        guard var place = room.baseAddress else { return }
        for message in messages {
            link.reader.read(message.payload, into: place)
            place += 1
        }
    }

    /// Takes messages with their facts; false where the connection is no more.
    private func take(
        _ facts: UnsafeBufferPointer<MessageFacts>, of messages: Slice<UnsafeBufferPointer<WebSocketMessage>>,
        on link: Link, inRuns: Bool, at now: Instant
    ) -> Bool {
        let generation = link.generation
        var next = 0
        while next < facts.count {
            // Nearly every message is the next one of a live connection: nothing follows from it, and nothing is asked.
            if inRuns, !isHandling {
                next += machine.receiveInOrder(
                    UnsafeBufferPointer(rebasing: facts[next...]), from: generation, at: now)
                if next == facts.count { break }
            }
            receive(facts[next], of: messages[messages.startIndex + next].payload, on: link, at: now)
            next += 1
            guard links[generation] === link else { return false }
        }
        return true
    }

    private func receive(_ facts: MessageFacts, of payload: UnsafeRawBufferPointer, on link: Link, at now: Instant) {
        let generation = link.generation
        var facts = facts
        // What acknowledges also while live, as any event may, is an event from then on.
        if facts.role == .acknowledgment, machine.liveGeneration == generation { facts.role = .event }
        if !isHandling, wire.replies.isEmpty, machine.receiveInOrder(facts, from: generation, at: now) {
            if listener.wantsMessages { listener.streamReceived(facts, payload: payload) }
            return
        }
        if facts.role != .event, !wire.profile.captures.isEmpty { capture(from: payload, on: generation) }
        if !wire.replies.isEmpty { reply(to: payload, on: link) }
        let wasLive = machine.liveGeneration == generation
        let countedBefore = machine.continuity.tallies.received
        if isHandling {
            waitingInputs.append(.messageReceived(generation: generation, facts))
        } else {
            let actions = machine.handle(
                .messageReceived(generation: generation, facts), at: now, using: &random)
            if !actions.isEmpty { performAll(actions, at: now) }
        }
        guard listener.wantsMessages else { return }
        // Handed on is what was counted: the first message that proves a connection live, and what only the old one of
        // two connections brought, are; what was flushed, or both brought, is not again.
        let isCounted = isHandling ? wasLive : machine.continuity.tallies.received != countedBefore
        if isCounted { listener.streamReceived(facts, payload: payload) }
    }

    @inline(__always)
    private func link(_ generation: UInt64) -> Link? {
        if let recentLink, recentLink.generation == generation { return recentLink }
        recentLink = links[generation]
        return recentLink
    }

    /// Keeps what a message that is no data gives: a greeting's heartbeat interval, a session's identifier.
    private func capture(from payload: UnsafeRawBufferPointer, on generation: UInt64) {
        let new = wire.profile.captures(from: Array(payload))
        captured.merge(new) { _, new in new }
        guard let name = wire.profile.heartbeat.intervalVariable, case .integer(let milliseconds)? = new[name] else {
            return
        }
        handle(.heartbeatIntervalNamed(generation: generation, .milliseconds(milliseconds)))
    }

    /// Answers a message that asks for it.
    private func reply(to payload: UnsafeRawBufferPointer, on link: Link) {
        for reply in wire.replies where reply.matcher.facts(of: payload).role == .acknowledgment {
            do {
                var attempt = link.attempt
                attempt.captured.merge(captured) { _, new in new }
                attempt.captured.merge(reply.rule.captures(from: Array(payload))) { _, new in new }
                attempt.timestamp = surroundings.wall.now()
                attempt.lastSequence = machine.continuity.tallies.highest
                send(try reply.rule.message(variables: wire.variables(of: attempt)), on: link.connection)
            } catch {
                log(warning: "a reply of profile \(wire.profile.name) cannot be built: \(error)")
            }
        }
    }

    private func performAll(_ actions: [StreamAction], at now: Instant) {
        isHandling = true
        for action in actions { perform(action, at: now) }
        while !waitingInputs.isEmpty { step(waitingInputs.removeFirst()) }
        isHandling = false
        // Not left to the end of the batch: a connection that was just given up tells of none.
        afterwards()
    }

    func connectionReceivedPong(_ generation: UInt64) {
        handle(.pongReceived(generation: generation))
    }

    func connectionReadCompleted(_ generation: UInt64) {
        afterwards()
    }

    func connectionClosed(_ generation: UInt64, _ closure: WebSocketClosure) {
        handle(.transportClosed(generation: generation, wire.closure(closure)))
    }
}
