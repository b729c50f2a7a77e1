/// The faults that lie in wait: for the next so many requests, or until their time is over.
struct ArmedFaults: Sendable {
    /// The most that may lie in wait at a time; the oldest makes room.
    static let capacity = 1_000

    private struct Entry {
        var fault: Fault
        var scope: FaultScope
        var remaining: Int
        var until: Duration?
    }

    private var entries: [Entry] = []

    /// Puts `fault` in wait from `now` on; nothing happens where it is one that happens at once.
    mutating func arm(_ fault: Fault, scope: FaultScope, at now: Duration) {
        guard let extent = fault.extent else { return }
        if entries.count >= Self.capacity { entries.removeFirst() }
        switch extent {
        case .count(let count):
            entries.append(Entry(fault: fault, scope: scope, remaining: max(1, count), until: nil))
        case .duration(let duration):
            entries.append(Entry(fault: fault, scope: scope, remaining: .max, until: now + duration))
        }
    }

    /// The fault that strikes `stream` at `hook`, the one first armed where there are several; it is used up by one.
    mutating func take(_ hook: Fault.Hook, for stream: StreamFacts, at now: Duration) -> Fault? {
        entries.removeAll { entry in
            if let until = entry.until { until <= now } else { false }
        }
        let found = entries.firstIndex { $0.fault.hook == hook && $0.scope.matches(stream) }
        guard let index = found else { return nil }
        let fault = entries[index].fault
        if entries[index].until == nil {
            entries[index].remaining -= 1
            if entries[index].remaining == 0 { entries.remove(at: index) }
        }
        return fault
    }
}
