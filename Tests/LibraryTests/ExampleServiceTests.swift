import Foundation
import GatewaySimulator
import Testing

@Suite(.timeLimit(.minutes(5))) struct ExampleServiceTests {
    @Test func theExampleLosesNothingSilently() async throws {
        var options = GatewaySimulator.Options()
        options.acceptsAnyClient = true
        options.eventRate = 0
        let gateway = try await GatewaySimulator.start(options: options)
        let example = try RunningProgram(
            RunningProgram.products.appending(path: "ExampleService"),
            environment: ["STREAM_URL": gateway.architectURL, "TOKEN_URL": gateway.tokenURL])
        try await gateway.haveAnOutage(
            failures: 3, before: 50, missed: 40, replayed: 15, after: 20, skipped: 5, last: 10)
        // 25 numbers that the service did not send again, and 5 that it never sent.
        #expect(try await example.says("gap 51-75") == "gap 51-75: ask the service for what happened meanwhile")
        _ = try await example.says("gap 111-115")
        _ = try await example.says("interrupted after 50")
        _ = try await example.says("restored after")

        let address = try #require(try await example.says("listening").firstMatch(of: /127\.0\.0\.1:\d+/)).output
        let curl = try RunningProgram(URL(filePath: "/usr/bin/curl"), ["-sf", "http://\(address)/metrics"])
        #expect(try await curl.end() == 0)
        #expect(curl.output.contains("example_events_total 95\n"))
        #expect(curl.output.contains("example_events_missed_total 30\n"))
        #expect(curl.output.contains("example_event_bytes_count 95\n"))
        #expect(
            curl.output.contains(#"holdfast_messages_lost_total{stream="queue-events",profile="genesys-architect"} 30"#)
        )

        #expect(try await example.end(SIGTERM) == 0)
        // Every number up to the last one is an event that was taken or one that is missing.
        #expect(example.output.hasSuffix("95 events, the last one 125; 30 missing\n"), "\(example.output)")
        try await gateway.groundTruth(timeout: patience) { $0.openConnections == 0 }
        await gateway.stop()
    }
}
