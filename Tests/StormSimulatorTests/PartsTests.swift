import StreamModel
import StreamSupervisor
import Testing

@testable import StormSimulator

@Suite struct TimingWheelTests {
    @Test func everyAppointmentIsKeptAtItsTimeAlsoBeyondTheSpan() {
        let count: Int32 = 500
        var wheel = TimingWheel(items: Int(count), span: 64)
        var random = SplitMix64(seed: 5)
        var due: [Int32] = []
        for item in 0..<count {
            due.append(1 + Int32(random.next() % 1000))
            wheel.schedule(item, at: due[Int(item)], now: 0)
        }
        var kept: [Int32] = Array(repeating: 0, count: Int(count))
        for now in 1...1001 as ClosedRange<Int32> {
            var item = wheel.take(now)
            while item != TimingWheel.none {
                let following = wheel.after(item)
                if wheel.due(item) > now {
                    wheel.schedule(item, at: wheel.due(item), now: now)
                } else {
                    kept[Int(item)] = now
                }
                item = following
            }
        }
        #expect(kept == due)
    }
}

@Suite struct VirtualGatewayTests {
    private func gateway(_ change: (inout StormScenario) -> Void = { _ in }) -> VirtualGateway {
        var scenario = StormScenario(clients: 1000)
        scenario.capacity = 100
        scenario.background = 0
        scenario.queue = 50
        scenario.down = .seconds(10)
        scenario.slowStart = .seconds(20)
        scenario.slowStartFrom = 0.2
        change(&scenario)
        return VirtualGateway(scenario)
    }

    @Test func workAndTimeAreInverse() {
        for gateway in [gateway(), gateway { $0.slowStart = .zero }, gateway { $0.slowStartFrom = 1 }] {
            for handshakes in stride(from: 1.0, through: 5000, by: 7) {
                #expect(abs(gateway.possible(by: gateway.time(of: handshakes)) - handshakes) < 1e-6)
            }
        }
        #expect(gateway().possible(by: 30) == 100 * 20 * 1.2 / 2)
        #expect(gateway().possible(by: 31) == 1300)
    }

    @Test func itIsDownThenServesInOrderAndRefusesWhatItsQueueCannotHold() {
        var gateway = gateway { $0.slowStart = .zero }
        let early = gateway.arrive(at: 9.999)
        #expect(early == .down)
        var answers: [Double] = []
        for _ in 0..<50 {
            guard case .served(let at) = gateway.arrive(at: 10) else {
                Issue.record("the queue holds 50")
                return
            }
            answers.append(at)
        }
        let refused = gateway.arrive(at: 10)
        #expect(refused == .full)
        #expect(zip(answers, answers.dropFirst()).allSatisfy { abs($1 - $0 - 0.01) < 1e-9 })
        #expect(abs((answers.last ?? 0) - 10.5) < 1e-9)
        let later = gateway.arrive(at: 10.02)
        #expect(later != .full, "two are done")
    }

    @Test func theTokenEndpointAnswersSoManyAMinute() {
        var endpoint = TokenEndpoint(limit: 3)
        let answers = (0..<5).map { endpoint.request(at: 59_000 + $0) }
        #expect(answers == [true, true, true, false, false])
        #expect(TokenEndpoint.nextWindow(after: 59_004) == 60_000)
        let isAnswered = endpoint.request(at: 60_000)
        #expect(isAnswered)
        #expect(endpoint.requests == 6 && endpoint.throttled == 2)
    }
}

@Suite struct StrategyTests {
    @Test func gRPCsDelaysAreItsNominalOnesPlusOrMinusAFifth() {
        var random = SplitMix64(seed: 1)
        var nominal = 1.0
        let strategy = ReconnectStrategy.known(.grpc)
        for retry in 0..<20 {
            let draws = (0..<500).map { _ in
                var backoff = Backoff(strategy.backoff)
                return backoff.delay(retry: retry, using: &random).seconds
            }
            #expect(draws.allSatisfy { $0 >= nominal * 0.8 - 1e-6 && $0 <= nominal * 1.2 + 1e-6 })
            #expect((draws.max() ?? 0) > nominal * 1.18 && (draws.min() ?? 999) < nominal * 0.82)
            nominal = min(120, nominal * 1.6)
        }
    }
}

@Suite struct NumberTextTests {
    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_000_000, "1,000,000"), (-12_345, "-12,345")])
    func thousandsAreGrouped(number: Int, text: String) {
        #expect(NumberText.grouped(number) == text)
    }

    @Test func decimalsAreRounded() {
        #expect(NumberText.fixed(1234.56, 1) == "1,234.6")
        #expect(NumberText.fixed(0.96, 1) == "1.0")
        #expect(NumberText.fixed(-0.01, 1) == "0.0")
        #expect(NumberText.fixed(.infinity, 1) == "–")
        #expect(NumberText.short(0.1) == "0.1" && NumberText.short(20) == "20")
        #expect(NumberText.seconds(nil) == "–")
    }
}
