import StreamModel

/// Disjoint ranges of numbers in ascending order. A jump of a billion costs one range.
struct RangeList: Sendable, Equatable {
    private(set) var ranges: [SequenceRange] = []

    var isEmpty: Bool { ranges.isEmpty }
    var count: Int { ranges.count }

    /// How many numbers the ranges hold; saturates.
    var total: UInt64 {
        ranges.reduce(0) { sum, range in
            let (total, overflow) = sum.addingReportingOverflow(range.count)
            return overflow ? .max : total
        }
    }

    init() {}

    init(_ range: SequenceRange) {
        ranges = [range]
    }

    /// Appends a range that lies above all others.
    mutating func append(_ range: SequenceRange) {
        ranges.append(range)
    }

    /// Adds a range that overlaps none of the others, wherever it belongs.
    mutating func insert(_ range: SequenceRange) {
        ranges.insert(range, at: index(atOrAfter: range.first))
    }

    /// Forgets the lowest range.
    mutating func removeLowest() {
        if !ranges.isEmpty { ranges.removeFirst() }
    }

    mutating func removeAll() {
        ranges.removeAll(keepingCapacity: true)
    }

    /// Takes `number` out; false where no range holds it.
    mutating func remove(_ number: UInt64) -> Bool {
        let index = index(atOrAfter: number)
        guard index < ranges.count, ranges[index].first <= number else { return false }
        let range = ranges[index]
        switch (number == range.first, number == range.last) {
        case (true, true): ranges.remove(at: index)
        case (true, false): ranges[index].first = number + 1
        case (false, true): ranges[index].last = number - 1
        case (false, false):
            ranges[index].last = number - 1
            ranges.insert(SequenceRange(number + 1, range.last), at: index + 1)
        }
        return true
    }

    /// The index of the first range that ends at or after `number`.
    private func index(atOrAfter number: UInt64) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].last < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
