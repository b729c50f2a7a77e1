import StreamModel
import Testing

@testable import StreamSupervisor

@Suite struct AttemptIdentifierTests {
    /// Every attempt and loss that a stream told of, through a failure, a return and a loss.
    private func events(attemptSeed: UInt64) -> [StreamEvent] {
        var driver = MachineDriver(.architect)
        driver.machine = StreamMachine(policy: .architect, attemptSeed: attemptSeed)
        driver.goLive()
        driver.receive([1, 2])
        driver.close()
        driver.retryAndOpen()
        driver.close()
        driver.retryAndOpen()
        driver.acknowledge()
        driver.close()
        return driver.events
    }

    @Test func everythingSaidOfAnAttemptNamesIt() {
        let events = events(attemptSeed: 99)
        var told: [UInt64: [AttemptID]] = [:]
        for event in events {
            switch event {
            case .attemptStarted(let attempt), .attemptFailed(let attempt, _, _), .resumeAcknowledged(let attempt, _),
                .reconnected(let attempt, _), .live(let attempt, _, _):
                told[attempt.generation, default: []].append(attempt.id)
            case .connectionLost(let loss): told[loss.generation, default: []].append(loss.attempt)
            default: break
            }
        }
        #expect(told.mapValues(\.count) == [1: 3, 2: 2, 3: 5])
        for (generation, ids) in told {
            #expect(Set(ids) == [AttemptID(seed: 99, generation: generation)])
        }
    }

    @Test func theIdentifiersDecideNothing() {
        func kinds(_ events: [StreamEvent]) -> [String] {
            events.map { event in
                switch event {
                case .backoffScheduled(let delay, _, _): "\(delay)"
                default: String("\(event)".prefix { $0 != "(" })
                }
            }
        }
        #expect(kinds(events(attemptSeed: 1)) == kinds(events(attemptSeed: 2)))
    }
}
