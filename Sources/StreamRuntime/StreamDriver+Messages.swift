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
        var next = 0
        while next < messages.count {
            var facts: MessageFacts?
            if takesRuns, !isHandling {
                facts = Self.takeRun(of: messages, from: &next, on: link, by: &machine, at: now)
                if next == messages.count { return }
            }
            let payload = messages[next].payload
            receive(
                facts ?? Self.facts(of: payload, on: link, isLive: machine.liveGeneration == generation), of: payload,
                on: link, at: now)
            next += 1
            // A connection that was given up meanwhile tells of nothing more.
            guard links[generation] === link else { return }
        }
    }

    /// Counts messages as long as each is the next one of a live connection, as nearly every one is: nothing follows
    /// from it, and nothing is asked. Gives the facts of the first that is not; `next` is its index.
    ///
    /// The machine is lent as a whole: asking for it anew would cost each message an exclusivity check.
    private static func takeRun(
        of messages: UnsafeBufferPointer<WebSocketMessage>, from next: inout Int, on link: Link,
        by machine: inout StreamMachine, at now: Instant
    ) -> MessageFacts? {
        let generation = link.generation
        let isLive = machine.liveGeneration == generation
        while next < messages.count {
            let facts = facts(of: messages[next].payload, on: link, isLive: isLive)
            guard machine.receiveInOrder(facts, from: generation, at: now) else { return facts }
            next += 1
        }
        return nil
    }

    @inline(__always)
    private static func facts(
        of payload: UnsafeRawBufferPointer, on link: Link, isLive: Bool
    ) -> MessageFacts {
        var facts = link.matcher.facts(of: payload)
        // What acknowledges also while live, as any event may, is an event from then on.
        if isLive, facts.role == .acknowledgment { facts.role = .event }
        return facts
    }

    private func receive(_ facts: MessageFacts, of payload: UnsafeRawBufferPointer, on link: Link, at now: Instant) {
        let generation = link.generation
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
