import StreamModel

/// Planned hand-overs to a second connection.
extension Probe {
    func handedOver(_ step: StreamEvent.Handover) {
        counts.handovers["\(step.phase.rawValue), \(step.cause.rawValue)", default: 0] += 1
        switch step.phase {
        case .planned: planned(step.cause)
        case .completed:
            if handover != step.cause || draining == nil { fail("handover", "completed, and nothing was") }
            handover = nil
        case .failed:
            if handover != step.cause { fail("handover", "failed, and none was under way") }
            handover = nil
            // The connection goes on, and is replaced another time, though not in haste.
            let age = policy.rolloverAfter.nanoseconds
            if let agesBy = live?.agesBy, agesBy != .max {
                live?.agesBy = max(agesBy, now + max(policy.backoff.cap.nanoseconds, age / 100))
            }
            // Where the service said that it will close, there is not so much time.
            let longest = max(policy.backoff.cap.nanoseconds * 7 / 5, 8_000_000_000)
            live?.repeatsBy = step.cause == .notice && !lastFailureWasFinal ? now + longest : .max
        }
    }

    private func planned(_ cause: StreamEvent.Handover.Cause) {
        guard let live else { return fail("handover", "planned, and nothing is live") }
        switch cause {
        case .request: if !askedByPerson { fail("handover", "nobody asked for it") }
        case .notice: if !live.wasNoticed { fail("handover", "the service said nothing of closing") }
        case .rollover:
            let earliest = Double(policy.rolloverAfter.nanoseconds) * (1 - policy.rolloverJitter)
            if !isChanneled || Double(now - live.preparedAt) < earliest - 1e6 {
                fail("handover", "rolled over too early")
            }
        }
        if isChanneled { handover = cause }
        self.live?.repeatsBy = .max
    }

    /// The end of a connection that another one has replaced.
    func retired(_ old: LiveConnection, _ loss: StreamEvent.ConnectionLoss) {
        replaced = nil
        draining = old.generation
        world.tally.streamSeconds += Double(now - old.since) / 1e9
        counts.disconnects[loss.reason, default: 0] += 1
        if loss.generation != old.generation || loss.reason != .planned {
            fail("handover", "connection \(loss.generation) was lost for \(loss.reason.rawValue)")
        }
        if loss.liveFor.nanoseconds != now - old.since { fail("outage", "live for \(loss.liveFor)") }
    }

    /// While nothing is wrong every event arrives, over planned hand-overs too.
    func checkQuietEvents() {
        guard let quiet = world.quietSince, let channels = world.gateway.channels(of: index) else { return }
        let from = max(quiet, life.bornAt) + 420_000_000_000
        for event in channels.quietEvents where from..<now - 10_000_000_000 ~= event.at {
            if !ledger.seen.contains(event.id) {
                fail("handover", "event \(event.id) of \(Fault.seconds(event.at)) did not arrive")
            }
        }
    }
}
