import GatewaySimulator
import Holdfast
import HoldfastTracing
import InMemoryTracing
import Testing
import Tracing

@Suite(.timeLimit(.minutes(5))) struct TracingTests {
    @Test func anOutageIsATraceOfItsAttempts() async throws {
        let tracer = InMemoryTracer()
        let bench = try await LibraryBench(streams: ["queue-events"])
        bench.exporter.traceAttempts(with: tracer)
        let events = bench.exporter.events(limit: 10_000)
        try bench.exporter.start()
        try await bench.gateway.acknowledged()
        try await bench.gateway.inject(.badGateway(.count(2)))
        try await bench.gateway.inject(.drop(.reset))
        try await bench.gateway.acknowledged(2)
        await bench.end()

        let spans = tracer.finishedSpans
        let attempts = spans.filter { $0.operationName == "holdfast.attempt" }
        let outage = try #require(spans.first { $0.operationName == "holdfast.outage" })
        #expect(spans.count == attempts.count + 1)
        #expect(tracer.activeSpans.isEmpty)

        // The same identifiers as the events, and so as the audit trail and the log.
        var ids: [String] = []
        var lost: String?
        for await case .event(let event) in events {
            if case .attemptStarted(let attempt)? = event.streamEvent { ids.append("\(attempt.id)") }
            if case .connectionLost(let loss)? = event.streamEvent, loss.reason != .shutdown {
                lost = "\(loss.attempt)"
            }
        }
        func text(_ span: FinishedInMemorySpan, _ key: String) -> String? {
            if case .string(let text)? = span.attributes.get(key) { text } else { nil }
        }
        #expect(attempts.map { text($0, "holdfast.attempt.id") } == ids)
        #expect(text(outage, "holdfast.attempt.id") == lost && lost == ids.first)

        // One before the outage, and in it two that fail and one that succeeds.
        try #require(attempts.count == 4)
        #expect(attempts[0].traceID != outage.traceID && attempts[0].parentSpanID == nil)
        #expect(attempts.dropFirst().allSatisfy { $0.traceID == outage.traceID && $0.parentSpanID == outage.spanID })
        #expect(attempts.map { $0.status?.code } == [.ok, .error, .error, .ok])
        #expect(attempts.map { text($0, "error.type") } == [nil, "gateway_error", "gateway_error", nil])
        #expect(outage.status?.code == .ok)
        for span in spans { #expect(span.startInstant.nanosecondsSinceEpoch <= span.endInstant.nanosecondsSinceEpoch) }

        let names = attempts[3].events.map(\.name)
        #expect(names.contains("connecting") && names.contains("subscribing"))
        for phase in ["token", "tcp", "upgrade", "ack"] { #expect(names.contains("holdfast.phase.\(phase)")) }
        #expect(!attempts[1].events.map(\.name).contains("holdfast.phase.ack"))
    }
}
