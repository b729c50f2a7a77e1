import Testing

@testable import GatewaySimulator

@Suite struct FaultEngineTests {
    private let stream = StreamFacts(path: "/a", identities: ["one"], subscriptions: ["queue"])

    /// The names of what strikes until `end`, with the times, stepping from deadline to deadline.
    private func story(_ script: FaultScript, until end: Duration) -> [String] {
        var engine = FaultEngine(script: script)
        var story: [String] = []
        while let deadline = engine.nextDeadline, deadline <= end {
            story += engine.due(at: deadline).map { "\($0.fault.name)@\(deadline)" }
        }
        return story
    }

    private func random(seed: UInt64) -> FaultScript {
        FaultScript(
            seed: seed,
            steps: [
                FaultStep(.every(.seconds(10), jitter: .seconds(4)), .drop(.reset), probability: 0.5),
                FaultStep(.every(.seconds(7), jitter: .seconds(1)), .gap(count: 1)),
            ])
    }

    @Test func sameSeedTellsTheSameStory() {
        let first = story(random(seed: 1), until: .seconds(1_000))
        #expect(first == story(random(seed: 1), until: .seconds(1_000)))
        #expect(first != story(random(seed: 2), until: .seconds(1_000)))
        #expect(first.count > 150)
    }

    @Test func storyDoesNotDependOnHowOftenItIsAsked() {
        var engine = FaultEngine(script: random(seed: 9))
        var coarse: [String] = []
        for second in stride(from: 100, through: 1_000, by: 100) {
            coarse += engine.due(at: .seconds(second)).map(\.fault.name)
        }
        let fine = story(random(seed: 9), until: .seconds(1_000)).map { String($0.prefix { $0 != "@" }) }
        #expect(coarse == fine)
    }

    @Test func furtherStepLeavesTheOthersAlone() {
        var longer = random(seed: 3)
        longer.steps.append(FaultStep(.every(.seconds(3), jitter: .seconds(1)), .numberReset, probability: 0.3))
        let story = story(longer, until: .seconds(500)).filter { !$0.hasPrefix("number_reset") }
        #expect(story == self.story(random(seed: 3), until: .seconds(500)))
    }

    @Test func jitterStaysWithinItsBounds() {
        let script = FaultScript(steps: [FaultStep(.every(.seconds(10), jitter: .seconds(2)), .numberReset)])
        var engine = FaultEngine(script: script)
        for number in 1...200 {
            let deadline = engine.nextDeadline ?? .zero
            #expect(deadline >= .seconds(number * 10 - 2) && deadline <= .seconds(number * 10 + 2))
            same(engine.due(at: deadline).count, 1)
        }
    }

    @Test func stepsAtATimeStrikeOnceOrOncePerPeriod() {
        var script = FaultScript(steps: [FaultStep(.at(.seconds(5)), .drop(.reset))])
        #expect(story(script, until: .seconds(100)).count == 1)
        script.period = .seconds(30)
        #expect(story(script, until: .seconds(100)) == [5, 35, 65, 95].map { "drop@\(Duration.seconds($0))" })
    }

    @Test func dueGivesStepsInTheOrderOfTheirTimes() {
        var engine = FaultEngine(
            script: FaultScript(steps: [
                FaultStep(.at(.seconds(3)), .numberReset), FaultStep(.at(.seconds(1)), .drop(.reset)),
                FaultStep(.at(.seconds(1)), .gap(count: 1)),
            ]))
        same(engine.due(at: .seconds(2)).map(\.fault.name), ["drop", "gap"])
        #expect(engine.nextDeadline == .seconds(3))
        same(engine.due(at: .seconds(9)).map(\.fault.name), ["number_reset"])
        #expect(engine.nextDeadline == nil)
    }

    @Test func leapOfTheClockIsTakenInPortions() {
        var engine = FaultEngine(
            script: FaultScript(steps: [FaultStep(.every(.milliseconds(1), jitter: .zero), .numberReset)]))
        same(engine.due(at: .seconds(3_600)).count, 1_000)
        #expect(engine.nextDeadline == .milliseconds(1_001))
    }

    @Test func probabilityDecidesHowOftenAStepStrikes() {
        for (probability, range) in [(0.0, 0...0), (0.25, 200...300), (1.0, 1_000...1_000)] {
            var engine = FaultEngine(
                script: FaultScript(seed: 5, steps: [FaultStep(.message(nil), .numberReset, probability: probability)]))
            let count = (0..<1_000).reduce(0) { sum, _ in sum + engine.eventBegan(stream).count }
            #expect(range.contains(count))
        }
    }

    @Test func limitEndsAStep() {
        var engine = FaultEngine(
            script: FaultScript(steps: [FaultStep(.every(.seconds(1), jitter: .zero), .numberReset, limit: 3)]))
        same(engine.due(at: .seconds(100)).count, 3)
        #expect(engine.nextDeadline == nil)
    }

    @Test func connectAndMessageAreCounted() {
        var engine = FaultEngine(
            script: FaultScript(steps: [
                FaultStep(.connect(2), .refuseToken(.count(1))), FaultStep(.message(3), .gap(count: 1)),
                FaultStep(.connect(nil), .drop(.reset), limit: 2),
            ]))
        same(
            (1...4).map { _ in engine.handshakeBegan(stream).map(\.fault.name) },
            [["drop"], ["refuse_token", "drop"], [], []])
        same((1...4).map { _ in engine.eventBegan(stream).count }, [0, 0, 1, 0])
    }

    @Test func scopeThatNamesASessionWaitsForTheSubscription() {
        var engine = FaultEngine(
            script: FaultScript(steps: [
                FaultStep(.connect(1), .drop(.reset), scope: FaultScope(clientID: "one", path: "/a"))
            ]))
        same(engine.handshakeBegan(stream).isEmpty, true)
        same(engine.subscriptionBegan(StreamFacts(path: "/a", identities: ["two"])).isEmpty, true)
        same(engine.subscriptionBegan(stream).count, 1)
    }

    @Test func addedStepCountsItsTimeFromThen() {
        var engine = FaultEngine(script: FaultScript())
        same(engine.add(FaultStep(.at(.seconds(2)), .drop(.reset)), at: .seconds(50)), true)
        #expect(engine.nextDeadline == .seconds(52))
        same(engine.due(at: .seconds(52)).count, 1)
        for _ in 0..<FaultEngine.maximumSteps { engine.add(FaultStep(.message(1), .drop(.reset)), at: .zero) }
        same(engine.add(FaultStep(.message(1), .drop(.reset)), at: .zero), false)
    }

    @Test func armedFaultsAreUsedUpOrRunOut() {
        var armed = ArmedFaults()
        armed.arm(.refuseToken(.count(2)), scope: FaultScope(path: "/a"), at: .zero)
        armed.arm(.badGateway(.duration(.seconds(5))), scope: FaultScope(), at: .zero)
        let other = StreamFacts(path: "/b")
        same(armed.take(.refusal, for: other, at: .seconds(1))?.name, "bad_gateway")
        same(armed.take(.refusal, for: stream, at: .seconds(1))?.name, "refuse_token")
        same(armed.take(.acknowledgment, for: stream, at: .seconds(1)), nil)
        same(armed.take(.refusal, for: stream, at: .seconds(1))?.name, "refuse_token")
        same(armed.take(.refusal, for: stream, at: .seconds(4))?.name, "bad_gateway")
        same(armed.take(.refusal, for: stream, at: .seconds(5)), nil)
    }
}
