import MetricsRegistry
import StreamMetrics
import StreamModel
import Testing

/// The fold from events to values.
@Suite struct StreamSeriesTests {
    private let metrics: StreamMetrics
    private let series: StreamSeries

    init() throws {
        metrics = try StreamMetrics(version: "1", swift: "6")
        series = try metrics.addStream(StreamIdentity(name: "a", profile: "p", clientID: "c"), sequenced: true)
    }

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    private func record(_ event: StreamEvent, _ seconds: Double = 0) {
        series.record(event, at: at(seconds))
    }

    private func scrape(_ seconds: Double = 0) -> Scrape { Scrape(metrics, now: at(seconds)) }

    private func attempt(retry: Int = 0, isReconnect: Bool = false, isResume: Bool = false) -> StreamEvent.Attempt {
        .init(
            generation: 1, number: 1, retryCount: retry, isReconnect: isReconnect, isResume: isResume, delay: .zero,
            cause: "")
    }

    private func outcome(_ status: AttemptStatus, _ latency: Duration, _ phases: PhaseTimings = .init())
        -> StreamEvent.AttemptOutcome
    {
        .init(status: status, latency: latency, phases: phases, continuity: nil, lastSequence: nil)
    }

    private func timings(_ phases: [ConnectPhase: Duration]) -> PhaseTimings {
        var timings = PhaseTimings()
        for (phase, duration) in phases { timings[phase] = duration }
        return timings
    }

    @Test(arguments: StreamState.allCases) func oneStateAtATime(state: StreamState) {
        record(.stateChanged(state))
        let scrape = scrape()
        for other in StreamState.allCases {
            #expect(scrape.stream("stream_state", "state=\"\(other.rawValue)\"") == (other == state ? "1" : "0"))
        }
        #expect(scrape.stream("stream_up") == (state == .live ? "1" : "0"))
    }

    @Test func attempts() {
        record(.backoffScheduled(delay: .milliseconds(1_250), retry: 3, cause: "transport"))
        #expect(scrape().stream("backoff_delay_seconds") == "1.25")
        record(.attemptStarted(attempt()))
        #expect(scrape().stream("backoff_delay_seconds") == "0")
        #expect(scrape().stream("connect_attempts_total") == "1")
        #expect(scrape().stream("retries_total") == "0", "the first attempt of a start is no retry")
        record(.attemptStarted(attempt(retry: 3, isReconnect: true)))
        #expect(scrape().stream("connect_attempts_total") == "2")
        #expect(scrape().stream("retry_count") == "3")
        #expect(scrape().stream("retries_total") == "0", "an attempt counts when it is over")
        record(
            .attemptFailed(
                attempt(isReconnect: true), outcome(.failure, .seconds(1), PhaseTimings()),
                AttemptFailure(reason: .dns)))
        #expect(scrape().stream("retries_total") == "1")
        record(.reconnected(attempt(isReconnect: true), outcome(.success, .seconds(1), PhaseTimings())))
        #expect(scrape().stream("retries_total") == "2")
        record(.held)
        #expect(scrape().stream("retry_count") == "0")
    }

    @Test(arguments: ConnectFailureReason.allCases) func failures(reason: ConnectFailureReason) {
        let phases = timings([.dns: .milliseconds(3), .tcp: .milliseconds(40)])
        record(
            .attemptFailed(
                attempt(isReconnect: true), outcome(.failure, .seconds(1), phases), AttemptFailure(reason: reason)))
        let scrape = scrape()
        for other in ConnectFailureReason.allCases {
            #expect(
                scrape.stream("connect_failures_total", "reason=\"\(other.rawValue)\"") == (other == reason ? "1" : "0")
            )
        }
        #expect(scrape.stream("reconnect_latency_seconds_count") == "0", "a failure has no reconnect latency")
        func count(_ phase: String) -> String? {
            scrape[#"holdfast_connect_phase_duration_seconds_count{profile="p",phase="\#(phase)"}"#]
        }
        #expect(["token", "dns", "tcp", "tls"].map(count) == ["0", "1", "1", "0"])
        #expect(scrape[#"holdfast_connect_phase_duration_seconds_sum{profile="p",phase="tcp"}"#] == "0.04")
    }

    @Test(arguments: DisconnectReason.allCases) func losses(reason: DisconnectReason) {
        record(
            .connectionLost(
                .init(
                    generation: 1, reason: reason, closeCode: nil, detail: "", liveFor: .seconds(5), lastSequence: nil))
        )
        for other in DisconnectReason.allCases {
            #expect(
                scrape().stream("disconnects_total", "reason=\"\(other.rawValue)\"") == (other == reason ? "1" : "0"))
        }
    }

    @Test func firstLiveIsNoReconnect() {
        record(.live(attempt(), timings([.ack: .milliseconds(7)]), outage: nil))
        #expect(scrape().stream("reconnects_total") == "0")
        #expect(scrape().stream("outage_duration_seconds_count") == "0")
        #expect(scrape()[#"holdfast_connect_phase_duration_seconds_sum{profile="p",phase="ack"}"#] == "0.007")
    }

    @Test func reconnectIsObservedOnce() {
        let again = attempt(retry: 1, isReconnect: true, isResume: true)
        let phases = timings([.ack: .milliseconds(148)])
        record(.resumeAcknowledged(again, latency: .milliseconds(148)))
        record(.reconnected(again, outcome(.success, .milliseconds(148), phases)))
        record(.live(again, phases, outage: .milliseconds(1_500)))
        let scrape = scrape()
        #expect(scrape.stream("reconnects_total") == "1")
        #expect(scrape.stream("reconnect_latency_seconds_count") == "1")
        #expect(scrape.stream("reconnect_latency_seconds_sum") == "0.148")
        #expect(scrape.stream("reconnect_latency_seconds_bucket", #"le="0.1""#) == "0")
        #expect(scrape.stream("reconnect_latency_seconds_bucket", #"le="0.25""#) == "1")
        #expect(scrape.stream("outage_duration_seconds_sum") == "1.5")
        #expect(scrape.stream("outage_duration_seconds_bucket", #"le="1.0""#) == "0")
        #expect(scrape.stream("outage_duration_seconds_bucket", #"le="2.5""#) == "1")
        #expect(scrape[#"holdfast_connect_phase_duration_seconds_count{profile="p",phase="ack"}"#] == "1")
    }

    @Test func exhaustion() {
        record(.backoffScheduled(delay: .seconds(3), retry: 1, cause: ""))
        record(.retriesExhausted(retries: 10, cause: "dns", willRearmAfter: nil))
        #expect(scrape().stream("retries_exhausted_total") == "1")
        #expect(scrape().stream("backoff_delay_seconds") == "0")
    }

    @Test(arguments: ResumeOutcome.allCases) func resumes(outcome: ResumeOutcome) {
        record(.resumeSettled(outcome))
        for other in ResumeOutcome.allCases {
            #expect(
                scrape().stream("resumes_total", "outcome=\"\(other.rawValue)\"") == (other == outcome ? "1" : "0"))
        }
    }

    @Test func heartbeats() {
        record(.heartbeatAnswered(roundTrip: .microseconds(1_234)))
        record(.heartbeatAnswered(roundTrip: .microseconds(900)))
        record(.heartbeatMissed(after: .seconds(10)))
        #expect(scrape().stream("heartbeats_total", #"outcome="answered""#) == "2")
        #expect(scrape().stream("heartbeats_total", #"outcome="missed""#) == "1")
        #expect(scrape().stream("heartbeat_rtt_seconds") == "0.0009")
    }

    @Test func coverage() {
        record(.started(lastSequence: nil), 10)
        record(.stateChanged(.connecting), 10)
        #expect(scrape(12).stream("observed_seconds_total") == "2")
        #expect(scrape(12).stream("covered_seconds_total") == "0")
        record(.stateChanged(.live), 13)
        record(.stateChanged(.backingOff), 18)
        record(.stateChanged(.live), 20)
        #expect(scrape(21.5).stream("covered_seconds_total") == "6.5")
        record(.stopped(.requested), 22)
        #expect(scrape(100).stream("observed_seconds_total") == "12")
        #expect(scrape(100).stream("covered_seconds_total") == "7")
        #expect(scrape(100).stream("stream_up") == "0")
        #expect(scrape(100).stream("stream_state", #"state="stopped""#) == "1")
    }

    @Test func tallies() {
        record(.started(lastSequence: 41))
        #expect(scrape().stream("last_sequence") == "41")
        series.publish(StreamTallies(), lastMessageAt: nil)
        #expect(scrape().stream("last_sequence") == "41", "the saved cursor stands until a message comes")
        #expect(scrape().stream("continuity_ratio") == "1")
        var tallies = StreamTallies()
        tallies.received = 1
        tallies.unique = 6
        tallies.lost = 2
        tallies.late = 3
        tallies.reordered = 4
        tallies.duplicate = 5
        tallies.flushed = 7
        tallies.pending = 9
        tallies.gaps = 10
        tallies.resets = 11
        tallies.highest = 1 << 62
        series.publish(tallies, lastMessageAt: WallTime(milliseconds: 1_763_785_800_123))
        let names = [
            "messages_received_total", "messages_expected_total", "messages_lost_total", "messages_late_total",
            "messages_reordered_total", "messages_duplicate_total", "messages_flushed_total", "messages_pending",
            "sequence_gaps_total", "sequence_resets_total", "continuity_ratio", "last_sequence",
            "last_message_timestamp_seconds",
        ]
        let scrape = scrape()
        #expect(
            names.map { scrape.stream($0) } == [
                "1", "8", "2", "3", "4", "5", "7", "9", "10", "11", "0.75", "4611686018427387904", "1763785800.123",
            ])
        tallies.pending = 0
        series.publish(tallies, lastMessageAt: nil)
        #expect(self.scrape().stream("messages_pending") == "0")
        #expect(self.scrape().stream("last_message_timestamp_seconds") == "1763785800.123")
    }

    @Test func continuityWithoutSequenceIsNoNumber() throws {
        let identity = StreamIdentity(name: "b", profile: "p", clientID: "c")
        let unsequenced = try metrics.addStream(identity, sequenced: false)
        let ratio = #"holdfast_continuity_ratio{stream="b",profile="p"}"#
        #expect(scrape()[ratio] == "NaN")
        unsequenced.publish(StreamTallies(), lastMessageAt: nil)
        #expect(scrape()[ratio] == "NaN")
    }

    @Test func bytesAndBudget() {
        series.addBytes(received: 100, sent: 20)
        series.addBytes(received: 1, sent: 0)
        series.addBudgetWait(.milliseconds(250))
        series.addBudgetWait(.milliseconds(500))
        #expect(scrape().stream("received_bytes_total") == "101")
        #expect(scrape().stream("sent_bytes_total") == "20")
        #expect(scrape().stream("connect_budget_wait_seconds_total") == "0.75")
    }

    @Test func whatIsCountedElsewhereChangesNothing() {
        let before = scrape().samples.filter { $0.series.contains("stream=") }.map(\.value)
        record(.bufferFlushed(count: 3))
        record(.gapOpened(SequenceRange(2, 3), channel: 0))
        record(.gapClosed(SequenceRange(2, 3), channel: 0))
        record(.messagesLost(SequenceRange(2, 3), channel: 0, continuity: 0.5))
        record(.sequenceReset(previousHighest: 9, baseline: 1, channel: 0))
        record(.silenceDetected(after: .seconds(1)))
        record(.handover(.init(phase: .planned, cause: .notice)))
        #expect(scrape().samples.filter { $0.series.contains("stream=") }.map(\.value) == before)
    }
}
