/// The newest lines, in memory, and those who follow. Not synchronized: the trail's lock is held around every call.
struct RecentLines {
    /// Which lines are wanted.
    struct Filter: Sendable {
        var stream: String?
        var event: AuditEventName?

        func matches(_ line: AuditLine) -> Bool {
            (stream == nil || line.stream == stream) && (event == nil || line.event == event)
        }
    }

    private struct Follower {
        var filter: Filter
        var receive: @Sendable (AuditLine) -> Void
    }

    private let maximumLines: Int
    private let maximumBytes: Int
    /// A ring: `count` lines from `start` on, around the end.
    private var slots: [AuditLine?]
    private var start = 0
    private var count = 0
    private var bytes = 0
    private var followers: [UInt64: Follower] = [:]
    private var nextFollower: UInt64 = 0

    init(lines: Int, bytes: Int) {
        maximumLines = max(1, lines)
        maximumBytes = bytes
        slots = Array(repeating: nil, count: maximumLines)
    }

    /// Keeps `line` in the place of the oldest ones, and hands it to who follows.
    mutating func append(_ line: AuditLine) {
        while count == maximumLines || (count > 0 && bytes + line.bytes.count > maximumBytes) {
            bytes -= slots[start]?.bytes.count ?? 0
            slots[start] = nil
            start = (start + 1) % maximumLines
            count -= 1
        }
        slots[(start + count) % maximumLines] = line
        count += 1
        bytes += line.bytes.count
        for follower in followers.values where follower.filter.matches(line) { follower.receive(line) }
    }

    /// The newest `limit` lines that match, oldest first.
    func newest(_ limit: Int, matching filter: Filter) -> [AuditLine] {
        var found: [AuditLine] = []
        var offset = count - 1
        while offset >= 0, found.count < limit {
            if let line = slots[(start + offset) % maximumLines], filter.matches(line) { found.append(line) }
            offset -= 1
        }
        return found.reversed()
    }

    mutating func follow(_ filter: Filter, _ receive: @escaping @Sendable (AuditLine) -> Void) -> UInt64 {
        defer { nextFollower += 1 }
        followers[nextFollower] = Follower(filter: filter, receive: receive)
        return nextFollower
    }

    mutating func unfollow(_ follower: UInt64) {
        followers[follower] = nil
    }
}
