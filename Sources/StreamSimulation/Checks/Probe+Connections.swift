import StreamModel
import StreamRuntime
import WebSocketTransport

/// What a stream's connections do, seen from the network.
extension Probe {
    // MARK: What the process does

    func dialed(_ connection: VirtualConnection) {
        let generation = connection.generation
        guard let pending = attempt, pending.facts.generation == generation, pending.dialedAt == nil else {
            return fail("dialing", "connection \(generation) is dialed without an attempt")
        }
        attempt?.dialedAt = now
        let token = connection.token
        attempt?.token = token
        world.tally.attempts += 1
        life.checks.dialed(index, host: plan.service.rawValue)
        checkToken(token, pending)
        if isSequenced, connection.request.target.query?.contains("reconnect=true") != pending.facts.isResume {
            fail("resume", "the address of connection \(generation) does not say whether it resumes")
        }
        if let scheduled, now < scheduled.at + scheduled.delay {
            fail("pacing", "dialed before the delay was over")
        }
    }

    /// A token for each handshake: known, not refused before, and as new as the profile wants it.
    private func checkToken(_ token: String, _ pending: PendingAttempt) {
        guard let cameAt = life.checks.tokens[token] else {
            return fail("token", "a handshake without a token that was obtained")
        }
        if life.checks.refused["\(name) \(token)"] != nil {
            return fail("token", "a handshake with a token that was refused")
        }
        // Under a flood of requests the process makes do with what it has.
        guard life.checks.recentTokens() < 15 else { return }
        if isSequenced {
            if pending.facts.isReconnect, let fellAt, cameAt < fellAt {
                fail("token", "a reconnect with a token from before the loss")
            }
        } else if let known = world.gateway.tokens.token(token) {
            let left = cameAt + (known.expires - known.issued) - now
            if left < 60_000_000_000, cameAt < pending.began {
                fail("token", "a handshake with a token that has \(Fault.seconds(left)) left")
            }
        }
    }

    func sent(_ text: String, on connection: VirtualConnection) {
        guard let pending = attempt, pending.facts.generation == connection.generation else {
            return fail("dialing", "something is sent on connection \(connection.generation): \(text)")
        }
        attempt?.askedAt = now
        guard isSequenced else { return }
        let resumes = text.contains(#""type":"reconnect""#)
        if resumes != pending.facts.isResume { fail("resume", "sent \(text)") }
        if resumes, GatewayStream.lastSequence(in: text) != ledger.highest ?? 0 {
            fail("resume", "the resume does not name \(show(ledger.highest)), the highest number counted: \(text)")
        }
        if !text.contains(#""clientId":"client-\#(name)""#) { fail("resume", "without its own identifier: \(text)") }
    }

    func pinged(_ connection: VirtualConnection) {
        guard let live, live.generation == connection.generation else {
            return fail("heartbeat", "a ping on a connection that is not live")
        }
        let since = live.lastPing ?? live.since
        if now - since < policy.heartbeat.interval.nanoseconds {
            fail("heartbeat", "two pings within \(Fault.seconds(now - since)): the timer runs twice")
        }
        self.live?.lastPing = now
    }

    // MARK: What the process is told

    func opened(_ connection: VirtualConnection) {
        guard attempt?.facts.generation == connection.generation else { return }
        attempt?.openedAt = now
    }

    func willFail(_ connection: VirtualConnection, _ reason: ConnectFailureReason) {
        guard attempt?.facts.generation == connection.generation else { return }
        attempt?.expectedFailure = reason
        // The gateway's answer 429 always asks for this.
        if reason == .throttled { attempt?.floor = 7_000_000_000 }
    }

    func willReceive(_ message: SimulatedMessage, on connection: VirtualConnection) {
        if live?.generation == connection.generation {
            live?.lastMessage = now
            switch message {
            case .event(let number):
                ledger.receive(isSequenced ? number : nil, at: now)
                if let settled = ledger.settledThrough { settledOfStep.append(settled) }
            case .acknowledgment: ledger.receive(nil, at: now)
            }
        } else if attempt?.facts.generation == connection.generation, attempt?.openedAt != nil {
            switch message {
            case .acknowledgment: attempt?.isAcknowledged = true
            case .event where isSequenced: ledger.flushed += 1
            case .event:
                attempt?.isAcknowledged = true
                ledger.receive(nil, at: now)
            }
        }
    }

    func didReceive() {
        if world.violation == nil, !ledger.closing.isEmpty {
            fail("ledger", "an epoch ended, and its gaps were not lost")
        }
    }

    func ponged(_ connection: VirtualConnection) {
        if live?.generation == connection.generation { live?.lastPong = now }
    }

    func willClose(
        _ connection: VirtualConnection, _ origin: WebSocketClosure.Origin, _ code: UInt16, _ reason: String
    ) {
        let meansToken = origin == .peer && (code == 4401 || reason.hasPrefix("401"))
        let isFinal = origin == .peer && isSequenced && (code == 1000 || code == 1001)
        if live?.generation == connection.generation {
            live?.expectedLoss =
                origin == .transport ? .transport : meansToken ? .token : isFinal ? .closedNormal : .closedAbnormal
            if meansToken, let token = live?.token { life.checks.wasRefused(token, stream: name) }
        } else if attempt?.facts.generation == connection.generation {
            attempt?.expectedFailure = meansToken ? .refusedToken : .closed
        }
    }
}
