import Credentials
import Logging
import NIOConcurrencyHelpers
import NIOCore
import StreamModel
import StreamProfiles
import StreamSupervisor

/// How streams begin: what they share is found, and they are handed to their event loops.
extension StreamRuntime {
    /// Streams that are handed to their event loop together: each would otherwise wake it.
    private static let startBatch = 64

    func start(_ streams: [StreamSpecification]) {
        var batches: [ObjectIdentifier: (place: LoopPlace, items: [LoopWork.Item])] = [:]
        for stream in streams {
            guard let starting = prepare(stream) else { continue }
            let place = starting.held.place
            let key = ObjectIdentifier(place)
            batches[key, default: (place, [])].items.append(LoopWork.Item { [self] in begin(starting) })
            if batches[key]?.items.count == Self.startBatch, let batch = batches.removeValue(forKey: key) {
                place.work.add(batch.items)
            }
        }
        for (place, items) in batches.values { place.work.add(items) }
    }

    /// A stream that is held, but does not run yet.
    private struct Starting: Sendable {
        let held: Held
        let identity: StreamIdentity
        let cursor: Cursor?
        let listener: any StreamListener
        let share: Share
    }

    /// Takes a stream up; nil where its listener refuses it, or all is ending.
    private func prepare(_ stream: StreamSpecification) -> Starting? {
        let cursor = options.cursors?.cursor(of: stream.name)
        let identity = StreamIdentity(
            name: stream.name, profile: stream.profile.name,
            clientID: stream.clientID ?? cursor?.clientID ?? Self.randomIdentifier(), labels: stream.labels)
        let listener: any StreamListener
        do {
            listener = try listeners.added(identity, stream)
        } catch {
            logger.error("stream not started: \(error)", metadata: ["stream": "\(stream.name)"])
            return nil
        }
        let place = nextPlace()
        // Held from here on, and not from when the loop gets to it: the next plan must find it.
        let starting: Starting? = state.withLockedValue { state in
            guard !state.isStopping else { return nil }
            let share = self.share(of: stream, &state)
            let held = Held(stream, credential: share.credential, at: place)
            state.held[stream.name] = held
            return Starting(held: held, identity: identity, cursor: cursor, listener: listener, share: share)
        }
        if starting == nil { listeners.removed(identity) }
        return starting
    }

    /// On the stream's loop, where a listener's calls begin as well.
    private func begin(_ starting: Starting) {
        let held = starting.held
        if case .forgone(let finished) = held.life.value {
            listeners.removed(starting.identity)
            return finished()
        }
        let stream = held.specification
        let share = starting.share
        let driver = StreamDriver(
            stream, identity: starting.identity, cursor: starting.cursor, listener: starting.listener,
            budget: share.budget, credential: share.keeper, requester: share.requester, seed: share.seed,
            surroundings: surroundings, place: held.place)
        if let keeper = share.keeper, let name = stream.credential {
            keeper.join(share.requester, driver.credentialClient(name))
        }
        held.life.value = .running(driver)
        driver.handle(.started)
    }

    /// What a stream shares with others, and what tells it from them.
    private struct Share {
        let budget: BudgetKeeper
        let keeper: CredentialKeeper?
        let credential: CredentialSpecification?
        let requester: UInt64
        let seed: UInt64
    }

    private func share(of stream: StreamSpecification, _ state: inout State) -> Share {
        state.nextRequester += 1
        return Share(
            budget: budget(for: stream, &state), keeper: keeper(for: stream, &state),
            credential: stream.credential.flatMap { state.plan.credentials[$0] }, requester: state.nextRequester,
            seed: state.random.next())
    }

    private func keeper(for stream: StreamSpecification, _ state: inout State) -> CredentialKeeper? {
        guard let name = stream.credential, let given = state.plan.credentials[name] else { return nil }
        let specification = given.good(for: state.validities[name] ?? .zero)
        if let known = state.keepers[name], known.specification == specification { return known.keeper }
        let keeper = CredentialKeeper(
            name: name, credential: specification.credential(environment: options.environment),
            network: options.network, wall: options.wall, loop: group.next(), tokenObtained: options.tokenObtained)
        state.keepers[name] = (specification, keeper)
        return keeper
    }

    private func budget(for stream: StreamSpecification, _ state: inout State) -> BudgetKeeper {
        let key = host(of: stream, &state) + "\u{0}" + (stream.credential ?? "")
        if let known = state.budgets[key] { return known }
        let keeper = BudgetKeeper(options.budget, loop: group.next())
        state.budgets[key] = keeper
        return keeper
    }

    /// The host of a stream whose address is that of the last one is not worked out again: parsing an address is most of
    /// what starting a stream costs here.
    private func host(of stream: StreamSpecification, _ state: inout State) -> String {
        if let (last, host) = state.lastHost, last.sharedProfile === stream.sharedProfile, last.url == stream.url,
            last.url != nil || last.variables == stream.variables
        {
            return host
        }
        let host = StreamWire(stream, clientID: "", matching: false).host
        state.lastHost = (stream, host)
        return host
    }

    /// 128 random bits, written as a UUID is.
    private static func randomIdentifier() -> String {
        var random = SystemRandomNumberGenerator()
        var high: UInt64 = random.next()
        var low: UInt64 = random.next()
        // Unsafe, and sound: each of the 36 bytes is written, and is ASCII.
        return String(unsafeUninitializedCapacity: 36) { text in
            for place in 0..<36 {
                guard ![8, 13, 18, 23].contains(place) else {
                    text[place] = UInt8(ascii: "-")
                    continue
                }
                let digit = UInt8(high >> 60)
                text[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                high = high << 4 | low >> 60
                low <<= 4
            }
            return 36
        }
    }
}
