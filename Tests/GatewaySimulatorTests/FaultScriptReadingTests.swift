import Testing

@testable import GatewaySimulator

@Suite struct FaultScriptReadingTests {
    @Test func demoIsWhatItsTextSays() throws {
        same(try FaultScript(text: FaultScript.demoText, file: "demo.yml"), .demo)
    }

    @Test(arguments: Fault.names) func everyFaultCanBeNamedAlone(name: String) throws {
        let step = try FaultStep(bytes: Array("fault: \(name)".utf8), file: "x")
        #expect(step.fault.name == name)
        #expect(step.trigger == .at(.zero))
    }

    @Test(arguments: [
        ("{drop: fin}", Fault.drop(.finish)),
        ("{close: {code: 4001, reason: bye}}", .close(code: 4_001, reason: "bye")),
        ("{close: 1012}", .close(code: 1_012, reason: "")),
        ("{half_open: 2m}", .halfOpen(for: .seconds(120))),
        ("{gap: 7}", .gap(count: 7)),
        ("{reorder: {distance: 3}}", .reorder(distance: 3, count: 1)),
        ("{refuse_token: 3}", .refuseToken(.count(3))),
        ("{bad_gateway: {for: 10s}}", .badGateway(.duration(.seconds(10)))),
        ("{throttle: {retry_after: 7s, times: 2}}", .throttle(retryAfter: .seconds(7), .count(2))),
        ("{late_ack: 4s}", .lateAcknowledgment(after: .seconds(4), .count(1))),
        ("{flush: {count: 5, for: 1m}}", .flush(count: 5, .duration(.seconds(60)))),
        ("{token_error: {status: 500}}", .tokenError(status: 500, .count(1))),
    ])
    func parametersAreRead(text: String, fault: Fault) throws {
        same(try FaultStep(bytes: Array("fault: \(text)".utf8), file: "x").fault, fault)
    }

    @Test func stepsAreReadWhole() throws {
        let script = try FaultScript(
            text: """
                seed: 7
                repeat: 1m
                steps:
                  - {every: 20s, jitter: 5s, fault: drop, probability: 0.25, limit: 4}
                  - {on: connect, fault: drop}
                  - {on: connect 3, fault: drop, stream: {client_id: c, subscription: s, path: /p}}
                  - {on: {message: 100}, fault: {gap: 2}}
                """, file: "x")
        #expect(
            script
                == FaultScript(
                    seed: 7,
                    steps: [
                        FaultStep(
                            .every(.seconds(20), jitter: .seconds(5)), .drop(.reset), probability: 0.25, limit: 4),
                        FaultStep(.connect(nil), .drop(.reset)),
                        FaultStep(
                            .connect(3), .drop(.reset),
                            scope: FaultScope(clientID: "c", subscription: "s", path: "/p")),
                        FaultStep(.message(100), .gap(count: 2)),
                    ], period: .seconds(60)))
    }

    @Test func everyMistakeIsToldWithItsPosition() throws {
        let error = try #require(throws: FaultScriptError.self) {
            _ = try FaultScript(
                text: """
                    steps:
                      - {at: 5s, fault: dorp}
                      - {fault: drop}
                      - {at: 5s, fault: {close: {code: 5000}}}
                      - {at: 1s, every: 2s, fault: drop}
                      - {at: 1s, fault: {number_reset: 3}}
                      - {on: conect, fault: {refuse_token: {tims: 2}}}
                      - {at: 1s, jitter: 2s, fault: drop, probability: 2}
                    """, file: "faults.yml")
        }
        let lines = error.description.split(separator: "\n")
        func has(_ position: String, _ word: String) -> Bool {
            lines.contains { $0.hasPrefix("faults.yml:\(position):") && $0.contains(word) }
        }
        #expect(has("2:21", "`drop`"), "\(error)")
        #expect(has("3:5", "when?"), "\(error)")
        #expect(has("4:36", "5000"), "\(error)")
        #expect(has("5:14", "exclude"), "\(error)")
        #expect(has("6:36", "no parameters"), "\(error)")
        #expect(has("7:10", "connect"), "\(error)")
        #expect(has("7:41", "`times`"), "\(error)")
        #expect(has("8:14", "`every`"), "\(error)")
        #expect(has("8:52", "1.0"), "\(error)")
    }

    @Test func textThatIsNoScriptIsRefused() {
        for text in ["", "42", "steps: 3", "[", "steps: [{at: 5s}]", "fault: drop"] {
            #expect(throws: FaultScriptError.self) { _ = try FaultScript(text: text, file: "x") }
        }
    }
}
