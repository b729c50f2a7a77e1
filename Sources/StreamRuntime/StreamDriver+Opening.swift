import Credentials
import Logging
import NIOCore
import StreamModel
import StreamProfiles
import StreamSupervisor
import WebSocketCodec
import WebSocketTransport

/// How a connection is made, and what is said on it.
extension StreamDriver {
    // MARK: Opening

    /// What a credential tells its streams, bound to this driver's loop.
    func credentialClient(_ credential: String) -> CredentialKeeper.Client {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return CredentialKeeper.Client(
            loop: loop,
            obtained: { generation, token in
                bound.value.tokens[generation] = token
                bound.value.handle(.tokenObtained(generation: generation))
            },
            failed: { bound.value.handle(.tokenFailed(generation: $0, $1)) },
            throttled: { bound.value.handle(.tokenThrottled(generation: $0, until: $1)) },
            event: { event in
                let driver = bound.value
                driver.listener.credentialDid(event, credential: credential, wall: driver.surroundings.wall.now())
            })
    }

    func openTransport(_ generation: UInt64, resuming: Bool) {
        let token = tokens.removeValue(forKey: generation)
        tokens = tokens.filter { $0.key > generation }
        var attempt = StreamWire.Attempt()
        attempt.token = token?.value.reveal() ?? ""
        attempt.correlationID = "\(identity.clientID)-\(generation)"
        attempt.captured = captured
        if let prepared, servesOnceMore(prepared) {
            attempt.captured.merge(prepared.variables) { _, new in new }
            handle(.preparationReused(generation: generation, age: loop.instant - prepared.preparedAt))
        } else {
            prepared = nil
            if !wire.profile.prepare.isEmpty {
                prepare(generation, resuming: resuming, token: token, attempt: attempt)
                return
            }
        }
        dial(generation, resuming: resuming, token: token, attempt: attempt, phases: PhaseTimings())
    }

    /// Whether one more connection can be made with what was prepared: not too often, and not when it would have to
    /// be replaced for its age at once.
    private func servesOnceMore(_ prepared: PreparedSession) -> Bool {
        guard prepared.connections <= wire.profile.lifecycle.reconnectsPerPreparation else { return false }
        let limit = machine.policy.rolloverAfter
        return limit <= .zero || loop.instant - prepared.preparedAt < limit
    }

    private func prepare(_ generation: UInt64, resuming: Bool, token: Token?, attempt: StreamWire.Attempt) {
        let began = loop.instant
        let preparation = Preparation(
            generation: generation, wire: wire, attempt: attempt, network: surroundings.network,
            wall: surroundings.wall, timeout: machine.policy.connectTimeout, loop: loop)
        self.preparation = preparation
        preparation.start { [weak self] result in
            guard let self, self.preparation === preparation else { return }
            self.preparation = nil
            var phases = PhaseTimings()
            phases[.prepare] = self.loop.instant - began
            switch result {
            case .success(var session):
                session.preparedAt = began
                self.prepared = session
                if let first = session.rejections.first {
                    let rejections = StreamEvent.Rejections(session.rejections.map(\.item), reason: first.reason)
                    self.emit(.subscriptionsRejected(rejections), at: self.loop.instant)
                }
                var attempt = attempt
                attempt.captured.merge(session.variables) { _, new in new }
                self.dial(generation, resuming: resuming, token: token, attempt: attempt, phases: phases)
            case .failure(let error):
                // Kept for as long as it takes to say that it was refused.
                if let token { self.tokens[generation] = token }
                self.handle(.transportFailed(generation: generation, error.failure, phases))
            }
        }
    }

    private func dial(
        _ generation: UInt64, resuming: Bool, token: Token?, attempt: StreamWire.Attempt, phases: PhaseTimings
    ) {
        let session: SessionKind = resuming ? .resume : .open
        prepared?.connections += 1
        do {
            let request = try wire.request(
                generation: generation, session: session, attempt: attempt, timeout: machine.policy.connectTimeout)
            let connection = surroundings.network.connection(request, on: loop, delegate: self)
            links[generation] = Link(
                generation: generation, connection: connection,
                reader: MessageReader(wire.matcher(for: session, attempt: attempt)),
                token: token, phases: phases, attempt: attempt)
            connection.start()
        } catch {
            let failure = AttemptFailure(reason: .other, detail: "the handshake cannot be built: \(error)")
            handle(.transportFailed(generation: generation, failure, phases))
        }
    }

    // MARK: Sending

    func send(_ session: SessionKind, on generation: UInt64) {
        guard let link = links[generation] else { return }
        do {
            var attempt = link.attempt
            attempt.captured.merge(captured) { _, new in new }
            attempt.timestamp = surroundings.wall.now()
            for message in try wire.profile.messages(for: session, variables: wire.variables(of: attempt)) {
                send(message, on: link.connection)
            }
        } catch {
            // Waiting for the answer to what was not sent would be in vain. A resume that can't be asked for is refused.
            let failure = AttemptFailure(
                reason: session == .resume ? .ackRejected : .other,
                detail: "a message of profile \(wire.profile.name) cannot be built: \(error)")
            handle(.transportFailed(generation: generation, failure, PhaseTimings()))
        }
    }

    func sendHeartbeat(on generation: UInt64) {
        guard let link = links[generation] else { return }
        do {
            var attempt = link.attempt
            attempt.captured.merge(captured) { _, new in new }
            attempt.timestamp = surroundings.wall.now()
            attempt.lastSequence = machine.continuity.tallies.highest
            if let message = try wire.profile.heartbeatMessage(variables: wire.variables(of: attempt)) {
                send(message, on: link.connection)
            }
        } catch {
            log(warning: "the heartbeat of profile \(wire.profile.name) cannot be built: \(error)")
        }
    }

    func send(_ message: [UInt8], on connection: any StreamConnection) {
        guard !connection.send(text: message) else { return }
        log(warning: "a message could not be sent: the peer does not read, or the socket is closing")
    }
}
