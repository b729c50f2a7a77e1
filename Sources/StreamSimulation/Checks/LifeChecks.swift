import AuditTrail
import Foundation
import MetricsRegistry
import StreamMetrics
import StreamModel

/// What is checked of a life of the process as a whole: its trail, its metrics, its tokens, its connect budget.
final class LifeChecks {
    unowned let world: World
    weak var life: ProcessLife?
    let trail: TrailChecks
    private var replay = AuditReplay()
    /// When each token came to the process.
    private(set) var tokens: [String: Int64] = [:]
    /// Tokens that a stream was refused with, and when.
    private(set) var refused: [String: Int64] = [:]
    /// Lines about reconnects, by stream.
    private(set) var reconnectLines: [String: Int] = [:]
    private var eventLines: [String: Int] = [:]
    private var underWay: [String: Set<Int>] = [:]
    private var allowance: [String: (left: Double, at: Int64)] = [:]
    /// What no two runs have in common, and what is none of a series.
    private static let unsettled = ["#", "process_", "holdfast_scrape"].map { Array($0.utf8) }
    private let secret = Array("sekrit-".utf8)

    init(_ world: World) {
        self.world = world
        trail = world.trailChecks
        trail.dropped = { [unowned self] in self.droppedLines }
    }

    private var droppedLines: UInt64 {
        ((try? life?.metrics.auditDropped(sink: AuditSinkName.file.rawValue).value) ?? nil) ?? 0
    }

    // MARK: The trail

    func made(_ line: AuditLine) {
        world.tally.auditLines += 1
        world.digest.add(line.bytes)
        trail.add(line)
        eventLines[line.event.rawValue, default: 0] += 1
        if line.event == .websocketReconnection { reconnectLines[line.stream, default: 0] += 1 }
        replay.read(line: line.bytes.dropLast()[...], at: "line \(line.number)")
        if replay.problemCount > 0 {
            world.fail("audit", "the trail has a problem: \(replay.problems.first?.description ?? "")")
        }
        if line.bytes.firstRange(of: secret) != nil { world.fail("secrets", "a token is in line \(line.number)") }
    }

    // MARK: Metrics

    /// The scrape against the replay of the trail, and against the simulation's own counts.
    func compareMetrics() {
        guard let life else { return }
        world.tally.comparisons += 1
        let scrape = life.scrape()
        for difference in replay.differences(from: scrape) { world.fail("replay", "\(difference)") }
        let values = Scrape(scrape)
        for (event, count) in eventLines.sorted(by: { $0.key < $1.key }) {
            values.expect(
                "holdfast_audit_events_total{event=\"\(event)\"}", Double(count), world, nil)
        }
        for probe in life.allProbes { probe.compare(with: values) }
        // Bytes, not characters: they are looked at often.
        for line in scrape.utf8.split(separator: 0x0A)
        where !Self.unsettled.contains(where: { line.starts(with: $0) }) {
            world.digest.add(line)
        }
    }

    // MARK: Tokens

    func obtained(_ token: String) {
        if tokens[token] == nil { tokens[token] = world.now }
        if tokens.count > 5_000 {
            // What came long ago is not used any more.
            tokens = tokens.filter { $0.value > world.now - 90_000_000_000_000 }
            refused = refused.filter { $0.value > world.now - 90_000_000_000_000 }
        }
    }

    func wasRefused(_ token: String, stream: String) {
        refused["\(stream) \(token)"] = world.now
    }

    /// Tokens that came in the last minute: of many, the process itself asks for fewer.
    func recentTokens() -> Int {
        tokens.values.count { $0 > world.now - 60_000_000_000 }
    }

    // MARK: The connect budget

    func dialed(_ stream: Int, host: String) {
        underWay[host, default: []].insert(stream)
        let count = underWay[host]?.count ?? 0
        if count > world.scenario.budgetConcurrent {
            world.fail("budget", "\(count) attempts are under way at once", stream: "s\(stream)")
        }
        // Who has leave may still wait for a token: as many more as may be under way can come at once.
        let most = Double(world.scenario.budgetBurst + world.scenario.budgetConcurrent)
        let before = allowance[host] ?? (most, world.now)
        let refilled = before.left + Double(world.now - before.at) / 1e9 * world.scenario.budgetRate
        let left = min(most, refilled) - 1
        if left < -1e-6 { world.fail("budget", "more handshakes than the budget allows", stream: "s\(stream)") }
        allowance[host] = (left, world.now)
    }

    func settled(_ stream: Int, host: String) {
        underWay[host]?.remove(stream)
    }
}

/// The samples of a scrape.
struct Scrape {
    private var values: [String: Double] = [:]

    init(_ text: String) {
        let prefix = Array("holdfast_".utf8)
        for line in text.utf8.split(separator: 0x0A) where line.starts(with: prefix) {
            guard let space = line.lastIndex(of: UInt8(ascii: " ")) else { continue }
            values[String(Substring(line[..<space]))] = Double(Substring(line[line.index(after: space)...]))
        }
    }

    func value(_ series: String) -> Double? { values[series] }

    func expect(_ series: String, _ expected: Double, _ world: World, _ stream: String?, within error: Double = 0) {
        guard let value = values[series] else {
            return world.fail("metrics", "\(series) is not in the scrape", stream: stream)
        }
        if abs(value - expected) > error {
            world.fail("metrics", "\(series) is \(value), and it was \(expected)", stream: stream)
        }
    }
}
