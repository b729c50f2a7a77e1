extension Scenario {
    private static let second: Int64 = 1_000_000_000

    /// What `seed` decides. `events`: about how many messages there are to be; a seed with a high rate is shorter.
    init(seed: UInt64, events: Double = 20_000) {
        var random = SeededRandom(seed: seed, purpose: "scenario")
        let count = random.pick([1, 1, 1, 2, 2, 3, 4, 6])
        let streams = (0..<count).map { index in Self.stream(index, &random) }
        let rate = streams.reduce(0) { $0 + $1.rate }
        let longest = random.logarithmic(1_200, 60 * 86_400)
        let seconds = max(900, min(longest, events / rate))
        troubled = Int64(seconds * 1e9)
        quiet = 900 * Self.second
        self.seed = seed
        self.streams = streams
        latency = random.span(0.0002, 0.3)
        tokenLifetime = random.pick([70, 300, 3_600, 86_400])
        keepsCursors = random.chance(0.6)
        synchronization = random.pick(Synchronization.allCases)
        fileSize = random.pick([4 << 10, 64 << 10, 1 << 20])
        diskDelay = random.chance(0.3) ? random.span(0.001, 3) : 0
        budgetRate = random.pick([0.5, 5, 50])
        budgetBurst = random.pick([1, 3, 100])
        budgetConcurrent = random.pick([1, 2, 64])
        networkFirst = random.chance(0.5)
        loops = random.pick([1, 1, 2, 4])
        loopLag = random.span(0.000_01, 0.05)
        faults = []
        // Heartbeats in haste only where there is not much time for them.
        let hasty = Int64(seconds * Double(count) / max(events, 2_000) * 1e9)
        for index in self.streams.indices {
            let interval = random.pick([30, 30, 30, 10, 2, 1]) * Self.second
            self.streams[index].heartbeatInterval = interval < hasty ? 30 * Self.second : interval
        }
        faults = Self.faults(for: self, &random)
    }

    private static func stream(_ index: Int, _ random: inout SeededRandom) -> StreamPlan {
        let service: Service = random.pick(
            index == 0
                ? [.architect, .architect, .architect, .notify, .notifications]
                : [.architect, .architect, .notify, .notifications])
        // Few at a high rate: each costs as much as many that are quiet.
        let rate = random.chance(0.15) ? random.logarithmic(1, 30) : random.logarithmic(0.002, 1)
        return StreamPlan(
            service: service, rate: rate,
            replayDepth: random.pick([0, 5, 50, 1_000, 1_000]),
            firstNumber: random.pick([0, 1, 1, 1, 1_000, 1 << 40]),
            reorderWindow: random.pick([second / 10, 2 * second, 2 * second, 20 * second]),
            // The service of channels has heartbeats of its own, every 30 s.
            silenceTimeout: service == .notifications
                ? random.pick([35, 35, 60, 0]) * second : random.chance(0.2) ? random.span(20, 3_600) : 0,
            maxAttempts: random.pick([0, 3, 10, 10]),
            rearmAfter: random.chance(0.3) ? random.span(10, 900) : 0,
            resetAfter: random.pick([5 * second, 30 * second, 30 * second, 120 * second]),
            jitter: random.pick([.additive, .additive, .full, .equal, .decorrelated, .none]),
            acknowledgesAlike: random.chance(0.3), heartbeatInterval: 30 * second,
            heartbeatTimeout: random.pick([10, 10, 3]) * second, pings: random.chance(0.4),
            rolloverAfter: random.pick([0, 300, 3_600, 82_800, 82_800]) * second)
    }

    // MARK: Faults

    private static func faults(for scenario: Scenario, _ random: inout SeededRandom) -> [Fault] {
        let hours = Double(scenario.troubled) / 3.6e12
        // From a fault now and then to several a minute, but no more than can be looked at.
        let perHour = random.logarithmic(0.5, 200)
        let count = max(12, min(1_500, Int(hours * perHour)))
        // Each seed has a taste of its own: some kinds often, most never.
        let tastes = (0..<random.draw(1...8)).map { _ in random.draw(0...(kindCount - 1)) }
        var faults: [Fault] = []
        for id in 0..<count {
            let kind = random.chance(0.8) ? random.pick(tastes) : random.draw(0...(kindCount - 1))
            var fault = Self.fault(kind, &random)
            fault.id = id
            fault.at = Int64(random.unit() * Double(scenario.troubled))
            fault.length = min(fault.length, scenario.troubled - fault.at)
            if random.chance(0.7) { fault.stream = random.draw(0...(scenario.streams.count - 1)) }
            faults.append(fault)
            // What makes the hand-over fail that the announcement asks for.
            if case .plannedClose = fault.kind, random.chance(0.4) {
                let trouble = Fault.Kind.channelTrouble(random.pick(Fault.ChannelTrouble.allCases))
                let length = min(random.span(1, 60), scenario.troubled - fault.at)
                faults.append(
                    Fault(id: count + id, at: fault.at, length: length, stream: fault.stream, kind: trouble))
            }
        }
        return faults.sorted { ($0.at, $0.id) < ($1.at, $1.id) }
    }

    private static let kindCount = 37

    private static func fault(_ number: Int, _ random: inout SeededRandom) -> Fault {
        switch number {
        case 0...8, 30, 31: eventFault(number, &random)
        case 9...17: socketFault(number, &random)
        case 32...34: channelFault(number, &random)
        default: processFault(number, &random)
        }
    }

    private static func eventFault(_ number: Int, _ random: inout SeededRandom) -> Fault {
        switch number {
        case 0: lasting(random.span(1, 600), .loss(probability: random.logarithmic(0.001, 0.9)))
        case 1:
            lasting(
                random.span(1, 600),
                .reordering(probability: random.logarithmic(0.01, 0.9), delay: random.span(0.001, 30)))
        case 2: lasting(random.span(1, 600), .duplication(probability: random.logarithmic(0.01, 0.9)))
        case 3: at(.jump(numbers: random.chance(0.1) ? 1 << Int64(random.draw(10...60)) : Int64(random.draw(1...50))))
        case 4: at(.repeatedBatch(events: random.draw(1...20)))
        case 5: at(.strayNumber)
        case 6: at(.renumbering)
        case 7: lasting(random.span(1, 600), .delay(random.span(0.01, 20)))
        // From within every reorder window to far beyond it.
        case 30, 31:
            at(.stragglers(events: random.draw(1...8), delay: random.pick([second, 10 * second, 120 * second])))
        default: lasting(random.span(1, 120), .earlyEvents)
        }
    }

    private static func socketFault(_ number: Int, _ random: inout SeededRandom) -> Fault {
        switch number {
        case 9: return lasting(random.span(0.1, 900), .partition)
        case 10:
            let directions = random.pick([(true, true), (true, false), (false, true)])
            return at(.halfOpen(toClient: directions.0, toGateway: directions.1))
        case 11, 12:
            let codes: [(UInt16, String)] = [
                (1006, ""), (1011, "internal error"), (1012, ""), (1013, ""), (4401, ""), (1008, "401 stale"),
                (4000, "x"),
            ]
            let (code, reason) = random.chance(0.03) ? (random.pick([1000, 1001]), "bye") : random.pick(codes)
            return at(code == 1006 ? .cut : .close(code: code, reason: reason))
        case 13: return at(.cut)
        case 14:
            return lasting(
                random.span(1, 900),
                .refusedHandshakes(
                    // The one that says when to come back is worth more than one of ten.
                    random.pick(Fault.Refusal.allCases + [.status429, .status429]),
                    probability: random.pick([0.3, 0.7, 1])))
        case 15: return lasting(random.span(10, 3_600), .staleFacts)
        case 16: return lasting(random.span(1, 300), .silentAcknowledgment)
        default: return at(.gatewayRestart(keepsSessions: random.chance(0.5)))
        }
    }

    private static func channelFault(_ number: Int, _ random: inout SeededRandom) -> Fault {
        switch number {
        case 32: at(.plannedClose(notice: random.span(5, 90)))
        case 33: lasting(random.span(1, 900), .channelTrouble(random.pick(Fault.ChannelTrouble.allCases)))
        default: at(.channelsRemoved(cutsSockets: random.chance(0.5)))
        }
    }

    private static func processFault(_ number: Int, _ random: inout SeededRandom) -> Fault {
        switch number {
        case 18: return at(.tokensRevoked)
        case 19: return lasting(random.span(1, 900), .tokenEndpoint(random.pick(Fault.TokenTrouble.allCases)))
        case 20: return lasting(random.span(1, 60), .freshTokensRefused)
        case 21: return at(.clockStep(milliseconds: Int64(random.logarithmic(1, 1e7)) * random.pick([-1, 1])))
        case 22: return lasting(random.span(0.05, 600), .suspension)
        case 23, 24: return at(.crash(down: random.span(0.1, 120), losesPower: random.chance(0.3)))
        case 25: return at(.restart(down: random.span(0.1, 60)))
        case 26: return at(.reconnectRequest)
        case 27, 28:
            let operation = random.pick(Fault.DiskOperation.allCases)
            return lasting(random.span(1, 900), .diskError(operation: operation, probability: random.pick([0.3, 1])))
        case 35: return at(.rotatedOutside(signal: random.chance(0.7) ? random.span(0.001, 5) : nil))
        case 36: return lasting(random.span(10, 3_600), .staleTimers)
        default:
            return lasting(random.span(1, 300), random.chance(0.5) ? .shortWrites : .cursorsNotSaved)
        }
    }

    private static func at(_ kind: Fault.Kind) -> Fault {
        Fault(id: 0, at: 0, length: 0, stream: nil, kind: kind)
    }

    private static func lasting(_ length: Int64, _ kind: Fault.Kind) -> Fault {
        Fault(id: 0, at: 0, length: length, stream: nil, kind: kind)
    }
}
