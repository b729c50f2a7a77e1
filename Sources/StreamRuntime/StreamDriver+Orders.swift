import Credentials
import NIOCore
import StreamModel
import StreamProfiles
import StreamSupervisor

/// What the machine orders.
extension StreamDriver {
    func perform(_ action: StreamAction, at now: Instant) {
        switch action {
        case .emit(let event): emit(event, at: now)
        case .requestPermit(let generation): requestPermit(generation)
        case .releasePermit(let generation):
            if let ticket = permits.removeValue(forKey: generation) { budget.release(ticket) }
        case .requestToken(let generation, let notBefore):
            if let credential {
                credential.want(requester, attempt: generation, notBefore: notBefore)
            } else {
                handle(.tokenObtained(generation: generation))
            }
        case .discardToken(let generation, let status, let detail): discardToken(generation, status, detail)
        case .discardPrepared: prepared = nil
        case .openTransport(let generation, let resuming): openTransport(generation, resuming: resuming)
        case .subscribe(let generation): send(.open, on: generation)
        case .resume(let generation, let lastSequence, let directive):
            links[generation]?.attempt.lastSequence = lastSequence
            links[generation]?.attempt.startsOver = directive == .reset
            send(.resume, on: generation)
        case .sendHeartbeat(let generation): sendHeartbeat(on: generation)
        case .sendPing(let generation): _ = links[generation]?.connection.sendPing()
        case .closeTransport(let generation, let code, let reason):
            links[generation]?.connection.close(code: code, reason: reason)
        case .abort(let generation): abort(generation)
        case .endProcess: surroundings.endProcess(identity.name)
        }
    }

    func emit(_ event: StreamEvent, at now: Instant) {
        log(event)
        if case .live(let attempt, _, _) = event { liveAttempt = (attempt.id, attempt.generation) }
        if case .connectionLost = event { liveAttempt = nil }
        listener.streamDid(event, at: now, wall: surroundings.wall.now())
        switch event {
        case .live:
            credential?.accepted(requester)
            saveCursor()
        case .stopped, .connectionLost, .retriesExhausted, .sequenceReset: saveCursor()
        default: break
        }
    }

    private func requestPermit(_ generation: UInt64) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        permits[generation] = budget.request(on: place.work) { waited in
            let driver = bound.value
            guard driver.permits[generation] != nil else { return }
            if waited > .zero { driver.listener.streamWaitedForBudget(waited) }
            driver.handle(.permitGranted(generation: generation))
        }
    }

    private func discardToken(_ generation: UInt64, _ status: Int?, _ detail: String) {
        guard let token = links[generation]?.token ?? tokens[generation] else { return }
        credential?.refused(requester, generation: token.generation, status: status, detail: detail)
    }

    private func abort(_ generation: UInt64) {
        if preparation?.generation == generation {
            preparation?.cancel()
            preparation = nil
        }
        credential?.forgo(requester, attempt: generation)
        guard let link = links[generation] else { return }
        link.connection.abort()
        countTraffic(link)
        links[generation] = nil
        if recentLink === link { recentLink = nil }
        // The token outlives its connection for as long as it takes to say that it was refused.
        if let token = link.token { tokens[generation] = token }
    }
}
