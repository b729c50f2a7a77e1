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
        world.tally.attempts += 1
        if isChanneled {
            if let began = pending.preparingAt {
                preparedAt = began
            } else if handover != nil {
                fail("handover", "the successor takes the channel of the connection that it is to replace")
            }
        } else {
            attempt?.token = connection.token
            checkToken(connection.token, pending)
        }
        if pending.preparingAt == nil { life.checks.dialed(index, host: plan.service.rawValue) }
        if isSequenced, connection.request.target.query?.contains("reconnect=true") != pending.facts.isResume {
            fail("resume", "the address of connection \(generation) does not say whether it resumes")
        }
        if let scheduled, now < scheduled.at + scheduled.delay {
            fail("pacing", "dialed before the delay was over")
        }
    }

    /// A request is sent that prepares an attempt; gives the attempt's generation.
    func prepares(_ request: HTTPExchangeRequest) -> UInt64? {
        guard let pending = attempt, pending.dialedAt == nil else {
            fail("dialing", "\(request.method) \(request.target.path) without an attempt")
            return nil
        }
        if pending.preparingAt == nil {
            attempt?.preparingAt = now
            life.checks.dialed(index, host: plan.service.rawValue)
            let authorization = request.headers.first { $0.name == "Authorization" }?.value ?? ""
            let token = String(authorization.dropFirst("Bearer ".count))
            attempt?.token = token
            checkToken(token, pending)
        }
        return pending.facts.generation
    }

    /// A token for each handshake: known, not refused before, and as new as the profile wants it.
    private func checkToken(_ token: String, _ pending: PendingAttempt) {
        guard let cameAt = life.checks.tokens[token] else {
            return fail("token", "a handshake without a token that was obtained")
        }
        // It may be refused while it is on its way to an attempt.
        if let at = life.checks.refused["\(name) \(token)"], at <= pending.began {
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

    func pinged(_ connection: VirtualConnection, _ number: Int) {
        guard let live, live.generation == connection.generation else {
            return fail("heartbeat", "a heartbeat on a connection that is not live")
        }
        if now < live.heartbeatDue || live.unanswered != nil {
            fail("heartbeat", "heartbeat \(number) comes too early: the timer runs twice")
        }
        self.live?.unanswered = (number, now)
        self.live?.heartbeatDue = .max
    }

    func aborted(_ connection: VirtualConnection) {
        if draining == connection.generation { draining = nil }
    }

    // MARK: What the process is told

    func opened(_ connection: VirtualConnection) {
        guard attempt?.facts.generation == connection.generation else { return }
        attempt?.openedAt = now
        if isChanneled { attempt?.isAcknowledged = true }
    }

    /// The answer to a request that prepares an attempt.
    func willHear(_ answer: VirtualGateway.HTTPAnswer, for generation: UInt64) {
        guard attempt?.facts.generation == generation else { return }
        switch answer {
        case .response(_, let reason), .failure(_, let reason):
            attempt?.expectedFailure = reason
            if reason == .throttled { attempt?.floor = 7_000_000_000 }
        }
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
            case .notification(let identifier): ledger.receive(identifier: identifier, overlaps: draining != nil)
            case .acknowledgment, .serverHeartbeat: ledger.receive(nil, at: now)
            case .pong(let number):
                ledger.receive(nil, at: now)
                willHearAnswer(number, on: connection)
            case .closeNotice:
                ledger.receive(nil, at: now)
                live?.wasNoticed = true
            case .tokenNotice:
                ledger.receive(nil, at: now)
                if let token = live?.token { life.checks.wasRefused(token, stream: name) }
            }
        } else if attempt?.facts.generation == connection.generation, attempt?.openedAt != nil {
            switch message {
            case .acknowledgment: attempt?.isAcknowledged = true
            case .event where isSequenced: ledger.flushed += 1
            case .event:
                attempt?.isAcknowledged = true
                ledger.receive(nil, at: now)
            case .notification, .serverHeartbeat, .pong, .closeNotice, .tokenNotice: break
            }
        } else if draining == connection.generation {
            if case .notification(let identifier) = message {
                ledger.receive(identifier: identifier, overlaps: true)
            } else {
                ledger.receive(nil, at: now)
            }
        }
    }

    func didReceive() {
        didHearAnswer()
        if world.violation == nil, !ledger.closing.isEmpty {
            fail("ledger", "an epoch ended, and its gaps were not lost")
        }
    }

    /// An answer of the gateway's to heartbeat `number` of this very connection.
    func willHearAnswer(_ number: Int, on connection: VirtualConnection) {
        guard let live, live.generation == connection.generation, live.unanswered?.number == number else { return }
        self.live?.lastPong = now
        answer = (connection.generation, number)
    }

    func didHearAnswer() {
        if answer != nil, world.violation == nil { fail("heartbeat", "its answer came, and was not taken for one") }
        answer = nil
    }

    /// The stream says that its heartbeat was answered.
    func heartbeatAnswered(after roundTrip: Int64) {
        counts.answeredHeartbeats += 1
        guard let answer, let live, answer.generation == live.generation, let unanswered = live.unanswered,
            unanswered.number == answer.number
        else { return fail("heartbeat", "answered, and the gateway answered none of this connection's") }
        if roundTrip != now - unanswered.at { fail("heartbeat", "answered after \(roundTrip) ns, and it was not") }
        self.answer = nil
        self.live?.unanswered = nil
        self.live?.heartbeatDue = max(now, unanswered.at + policy.heartbeat.interval.nanoseconds)
    }

    func willClose(
        _ connection: VirtualConnection, _ origin: WebSocketClosure.Origin, _ code: UInt16, _ reason: String
    ) {
        if draining == connection.generation { draining = nil }
        let meansToken = !isChanneled && origin == .peer && (code == 4401 || reason.hasPrefix("401"))
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
