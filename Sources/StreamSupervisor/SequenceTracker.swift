import StreamModel

/// Follows one numbering: which numbers came, which are still waited for, which were given up.
///
/// The rules, which `interface` documents call *Continuity*:
/// * `n == highest + 1` is in order; `n > highest + 1` opens a gap for the numbers between.
/// * A number in a gap fills it and is *reordered*; one in a gap that was given up is *late*; anything else at or
///   below `highest` is a *duplicate*.
/// * A gap's missing numbers become *lost* when the reorder window has passed and no resume is under way.
/// * Three consecutive numbers that run on from a much lower one are a *reset*: a new epoch. They are counted only
///   once it is known which they are, so that no number is first a duplicate and then unique.
///
/// Everything is bounded: at most ``gapLimit`` gaps are waited for and as many given-up ranges remembered; what a
/// hostile numbering opens beyond that gives up the oldest.
struct SequenceTracker: Sendable {
    static let gapLimit = 1024
    static let fragmentLimit = 4096
    static let resetRun: UInt64 = 3

    /// The highest number seen; nil before the first of the epoch.
    private(set) var highest: UInt64?
    private var baseline: UInt64 = 0
    private var gaps: [Gap] = []
    private var fragments = 0
    private var givenUp = RangeList()
    private var suspects: Suspects?
    /// No gap is given up before this: a resume is under way.
    private var holdUntil: Instant?

    private let rule: StreamPolicy.SequenceRule
    private let window: Duration
    private let channel: UInt64

    /// A jump: the numbers that were missing at first, and those that still are.
    private struct Gap: Sendable {
        let range: SequenceRange
        let opened: Instant
        var missing: RangeList
    }

    /// Consecutive low numbers of which it is not yet known whether they are duplicates or a new epoch.
    private struct Suspects: Sendable {
        let first: UInt64
        var count: UInt64
        let since: Instant
        var next: UInt64 { first + count }
    }

    init(rule: StreamPolicy.SequenceRule, window: Duration, channel: UInt64 = 0) {
        self.rule = rule
        self.window = window
        self.channel = channel
        expectStart()
    }

    var hasGaps: Bool { !gaps.isEmpty }

    /// The lowest number that is still waited for.
    var firstMissing: UInt64? { gaps.first?.missing.ranges.first?.first }

    /// When the next gap is to be given up, or suspects are to be judged.
    var nextDeadline: Instant? {
        var deadline = suspects.map { $0.since + window }
        if let gap = gaps.first {
            let due = max(gap.opened + window, holdUntil ?? gap.opened)
            deadline = min(deadline ?? due, due)
        }
        return deadline == .distantFuture ? nil : deadline
    }

    /// Takes `number` where it is the next one and nothing is suspected; the caller counts it as unique.
    @inline(__always)
    mutating func takeNext(_ number: UInt64) -> Bool {
        guard let highest, number > highest, number == highest &+ 1, suspects == nil else { return false }
        self.highest = number
        return true
    }

    /// Counts the arrival of `number`; appends to `events` only where something is out of order.
    mutating func record(
        _ number: UInt64, at now: Instant, into tallies: inout StreamTallies, events: inout [StreamEvent]
    ) {
        guard let highest else {
            begin(at: number)
            tallies.unique.add(1)
            return
        }
        if takeNext(number) {
            tallies.unique.add(1)
            return
        }
        if let run = suspects, number == run.next {
            continueSuspects(run, at: now, into: &tallies, events: &events)
            return
        }
        clearSuspects(into: &tallies)
        if number > highest {
            advance(to: number, from: highest, at: now, into: &tallies, events: &events)
        } else if fill(number, at: now, into: &tallies, events: &events) {
            return
        } else if givenUp.remove(number) {
            tallies.late.add(1)
            if givenUp.count > Self.gapLimit { givenUp.removeLowest() }
        } else if rule != .monotonic, isMuchLower(number, than: highest) {
            suspects = Suspects(first: number, count: 1, since: now)
        } else {
            tallies.duplicate.add(1)
        }
    }

    /// Gives up what has been waited for long enough.
    mutating func passTime(at now: Instant, into tallies: inout StreamTallies, events: inout [StreamEvent]) {
        if let run = suspects, now >= run.since + window { clearSuspects(into: &tallies) }
        while let gap = gaps.first, now >= max(gap.opened + window, holdUntil ?? gap.opened) {
            giveUpOldest(into: &tallies, events: &events)
        }
    }

    // MARK: Sessions

    /// The connection is gone and will be resumed: nothing is given up until it is known what comes back.
    mutating func holdForResume() {
        holdUntil = .distantFuture
    }

    /// The resume was acknowledged: what it replays may take a reorder window to begin, and each number it fills
    /// proves that it goes on.
    mutating func resumeAcknowledged(at now: Instant) {
        holdUntil = now + window
    }

    /// No resume is under way any more.
    mutating func stopHolding() {
        holdUntil = nil
    }

    /// Takes up a numbering that an earlier life of the process had followed to `number`.
    mutating func restore(highest number: UInt64) {
        begin(at: number)
        baseline = number
    }

    /// A fresh session: the old numbering ends, and the next number is a baseline.
    mutating func startOver(into tallies: inout StreamTallies, events: inout [StreamEvent]) {
        clearSuspects(into: &tallies)
        endEpoch(into: &tallies, events: &events)
        highest = nil
        expectStart()
    }

    // MARK: Steps

    /// Where the profile says where numbering starts, a first message beyond it opens a gap.
    private mutating func expectStart() {
        if case .contiguous(let start?) = rule, start > 0 { begin(at: start - 1) }
    }

    private mutating func begin(at number: UInt64) {
        highest = number
        baseline = number
    }

    private mutating func advance(
        to number: UInt64, from highest: UInt64, at now: Instant, into tallies: inout StreamTallies,
        events: inout [StreamEvent]
    ) {
        self.highest = number
        tallies.unique.add(1)
        guard number - highest > 1, rule != .monotonic else { return }
        let range = SequenceRange(highest + 1, number - 1)
        gaps.append(Gap(range: range, opened: now, missing: RangeList(range)))
        fragments += 1
        tallies.gaps.add(1)
        tallies.pending.add(range.count)
        events.append(.gapOpened(range, channel: channel))
        while gaps.count > Self.gapLimit { giveUpOldest(into: &tallies, events: &events) }
    }

    private mutating func fill(
        _ number: UInt64, at now: Instant, into tallies: inout StreamTallies, events: inout [StreamEvent]
    ) -> Bool {
        guard let index = gapIndex(of: number) else { return false }
        let before = gaps[index].missing.count
        guard gaps[index].missing.remove(number) else { return false }
        fragments += gaps[index].missing.count - before
        tallies.reordered.add(1)
        tallies.unique.add(1)
        tallies.pending.subtract(1)
        if let hold = holdUntil, hold != .distantFuture, now <= hold { holdUntil = now + window }
        if gaps[index].missing.isEmpty {
            events.append(.gapClosed(gaps[index].range, channel: channel))
            gaps.remove(at: index)
        }
        while fragments > Self.fragmentLimit { giveUpOldest(into: &tallies, events: &events) }
        return true
    }

    private func gapIndex(of number: UInt64) -> Int? {
        var low = 0
        var high = gaps.count
        while low < high {
            let middle = (low + high) / 2
            if gaps[middle].range.last < number { low = middle + 1 } else { high = middle }
        }
        return low < gaps.count && gaps[low].range.first <= number ? low : nil
    }

    private mutating func giveUpOldest(into tallies: inout StreamTallies, events: inout [StreamEvent]) {
        guard !gaps.isEmpty else { return }
        let gap = gaps.removeFirst()
        fragments -= gap.missing.count
        for range in gap.missing.ranges {
            tallies.pending.subtract(range.count)
            tallies.lost.add(range.count)
            givenUp.append(range)
            if givenUp.count > Self.gapLimit { givenUp.removeLowest() }
            events.append(.messagesLost(range, channel: channel, continuity: tallies.continuity))
        }
    }

    // MARK: Resets

    /// Whether `number` is so far below what was seen that it may be the start of a new numbering: before anything
    /// this epoch has shown, at the very start of a numbering, or further back than a replay or a repeated batch
    /// would reach.
    private func isMuchLower(_ number: UInt64, than highest: UInt64) -> Bool {
        let distance = highest - number
        if number < baseline { return true }
        if number <= 1 { return distance >= 4 }
        return distance >= 1000 || (distance >= 8 && number <= highest / 2)
    }

    private mutating func continueSuspects(
        _ run: Suspects, at now: Instant, into tallies: inout StreamTallies, events: inout [StreamEvent]
    ) {
        var run = run
        run.count += 1
        guard run.count >= Self.resetRun else {
            suspects = run
            return
        }
        let previous = highest ?? 0
        endEpoch(into: &tallies, events: &events)
        highest = run.first + run.count - 1
        baseline = run.first
        tallies.unique.add(run.count)
        tallies.resets.add(1)
        events.append(.sequenceReset(previousHighest: previous, baseline: run.first, channel: channel))
    }

    private mutating func clearSuspects(into tallies: inout StreamTallies) {
        guard let run = suspects else { return }
        tallies.duplicate.add(run.count)
        suspects = nil
    }

    private mutating func endEpoch(into tallies: inout StreamTallies, events: inout [StreamEvent]) {
        suspects = nil
        while !gaps.isEmpty { giveUpOldest(into: &tallies, events: &events) }
        givenUp.removeAll()
        holdUntil = nil
    }
}

extension UInt64 {
    /// Adds, and stays at the largest number rather than overflow: a hostile numbering must not stop the process.
    @inline(__always)
    mutating func add(_ other: UInt64) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = overflow ? .max : sum
    }

    /// Subtracts, and stays at zero.
    @inline(__always)
    mutating func subtract(_ other: UInt64) {
        self = self > other ? self - other : 0
    }
}
