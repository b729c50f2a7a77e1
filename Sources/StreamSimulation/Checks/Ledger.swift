/// What arrived of one stream, kept by the rules of *Continuity* as the interface document has them, written once more
/// and plainly: with it the counters of the product are compared message by message. It shares no code with them.
///
/// What it cannot know is when a timer runs in a process that was asleep. So it does not give up gaps by itself: the
/// product says when it does, and the ledger judges whether it was right and whether it is overdue.
struct Ledger {
    /// What must be told, in this order, because of what arrived.
    enum Note: Equatable {
        case gapOpened(first: UInt64, last: UInt64)
        case gapClosed(first: UInt64, last: UInt64)
        case reset(previous: UInt64, baseline: UInt64)
    }

    struct Range: Equatable {
        var first: UInt64
        var last: UInt64
        var count: UInt64 { last - first + 1 }
    }

    struct Gap {
        let whole: Range
        let opened: Int64
        var missing: [Range]
    }

    /// Low numbers in a row, of which it is open whether they are duplicates or a new epoch.
    struct Run {
        var first: UInt64
        var count: UInt64
        let since: Int64
    }

    enum Hold: Equatable {
        case none
        /// A resume is under way.
        case resume
        /// What a resume replays may still come.
        case until(Int64)
    }

    var received: UInt64 = 0
    var unique: UInt64 = 0
    var lost: UInt64 = 0
    var late: UInt64 = 0
    var reordered: UInt64 = 0
    var duplicate: UInt64 = 0
    var flushed: UInt64 = 0
    var gapCount: UInt64 = 0
    var resets: UInt64 = 0
    var highest: UInt64?
    var baseline: UInt64 = 0
    var gaps: [Gap] = []
    var givenUp: [Range] = []
    var run: Run?
    var hold = Hold.none
    var notes: [Note] = []
    /// Identifiers of messages without a number.
    private(set) var seen: Set<UInt64> = []

    let window: Int64
    /// As many given-up ranges are remembered; a number of an older one is a duplicate.
    static let memory = 1024

    init(window: Int64) {
        self.window = window
    }

    var pending: UInt64 { gaps.reduce(0) { $0 + $1.missing.reduce(0) { $0 + $1.count } } }

    /// Up to where every number has arrived or was given up: what another life of the process resumes from.
    var settledThrough: UInt64? {
        guard let first = gaps.first?.missing.first?.first else { return highest }
        return first - 1
    }

    // MARK: Messages

    /// A message arrived on the live connection.
    mutating func receive(_ number: UInt64?, at now: Int64) {
        received += 1
        if let number { record(number, at: now) }
    }

    /// A message with an identifier and no number arrived, while live or on a connection that a hand-over retired. Where
    /// there are two connections, what the other one brought is not counted again.
    mutating func receive(identifier: UInt64, overlaps: Bool) {
        let isNew = seen.insert(identifier).inserted
        if !isNew, overlaps { return }
        received += 1
        if !isNew { duplicate += 1 }
    }

    private mutating func record(_ number: UInt64, at now: Int64) {
        guard let highest else {
            self.highest = number
            baseline = number
            unique += 1
            return
        }
        if number == highest + 1, run == nil {
            self.highest = number
            unique += 1
            return
        }
        if var current = run, number == current.first + current.count {
            current.count += 1
            run = current
            if current.count == 3 { beginEpoch(current, after: highest) }
            return
        }
        endRun()
        if number > highest {
            if number > highest + 1 { open(Range(first: highest + 1, last: number - 1), at: now) }
            self.highest = number
            unique += 1
        } else if fill(number, at: now) {
            reordered += 1
            unique += 1
        } else if forgive(number) {
            late += 1
        } else if looksNew(number, highest) {
            run = Run(first: number, count: 1, since: now)
        } else {
            duplicate += 1
        }
    }

    private mutating func open(_ range: Range, at now: Int64) {
        gaps.append(Gap(whole: range, opened: now, missing: [range]))
        gapCount += 1
        notes.append(.gapOpened(first: range.first, last: range.last))
    }

    private mutating func fill(_ number: UInt64, at now: Int64) -> Bool {
        for index in gaps.indices where Self.remove(number, from: &gaps[index].missing) {
            if case .until(let end) = hold, now <= end { hold = .until(now + window) }
            if gaps[index].missing.isEmpty {
                notes.append(.gapClosed(first: gaps[index].whole.first, last: gaps[index].whole.last))
                gaps.remove(at: index)
            }
            return true
        }
        return false
    }

    private mutating func forgive(_ number: UInt64) -> Bool {
        guard Self.remove(number, from: &givenUp) else { return false }
        if givenUp.count > Self.memory { givenUp.removeFirst() }
        return true
    }

    private static func remove(_ number: UInt64, from ranges: inout [Range]) -> Bool {
        guard let index = ranges.firstIndex(where: { $0.first <= number && number <= $0.last }) else { return false }
        let range = ranges.remove(at: index)
        if number < range.last { ranges.insert(Range(first: number + 1, last: range.last), at: index) }
        if number > range.first { ranges.insert(Range(first: range.first, last: number - 1), at: index) }
        return true
    }

    // MARK: Epochs

    /// Before anything that the epoch has shown, at the start of a numbering, or very far back.
    private func looksNew(_ number: UInt64, _ highest: UInt64) -> Bool {
        let back = highest - number
        if number < baseline { return true }
        if number <= 1 { return back >= 4 }
        return back >= 1000 || (back >= 8 && number * 2 <= highest)
    }

    private mutating func beginEpoch(_ new: Run, after previous: UInt64) {
        run = nil
        unique += 3
        resets += 1
        highest = new.first + 2
        baseline = new.first
        // What the old epoch still waited for is lost, and told before the reset is.
        notes.append(.reset(previous: previous, baseline: new.first))
        closing = gaps
        gaps = []
        givenUp = []
        hold = .none
    }

    /// Gaps of an epoch that has ended, whose loss is still to be told.
    var closing: [Gap] = []

    /// The numbers in question were duplicates.
    mutating func endRun() {
        duplicate += run?.count ?? 0
        run = nil
    }

    /// Whether the numbers in question are due to be judged.
    func runIsDue(at now: Int64) -> Bool { run.map { now >= $0.since + window } ?? false }

    // MARK: Loss

    /// Until when the oldest gap must be waited for; nil where there is none, or no end to the wait.
    var due: Int64? {
        guard let gap = gaps.first else { return nil }
        switch hold {
        case .none: return gap.opened + window
        case .resume: return nil
        case .until(let end): return max(gap.opened + window, end)
        }
    }

    /// The product gave up a range; says what is wrong with that, nil where nothing is.
    mutating func giveUp(_ range: Range, at now: Int64) -> String? {
        if !closing.isEmpty {
            guard Self.take(range, from: &closing) else { return "gave up \(range) of an epoch that had \(closing)" }
            lost += range.count
            return nil
        }
        if gaps.isEmpty { return "gave up \(range), which nothing waited for" }
        guard let due, now >= due else {
            return "gave up \(range) before its time: \(gaps[0]), window \(window), hold \(hold)"
        }
        guard Self.take(range, from: &gaps) else { return "gave up \(range) while \(gaps[0]) is the oldest gap" }
        lost += range.count
        givenUp.append(range)
        if givenUp.count > Self.memory { givenUp.removeFirst() }
        return nil
    }

    private static func take(_ range: Range, from gaps: inout [Gap]) -> Bool {
        guard gaps.first?.missing.first == range else { return false }
        gaps[0].missing.removeFirst()
        if gaps[0].missing.isEmpty { gaps.removeFirst() }
        return true
    }
}
