/// What is to happen, in the order of time; what falls on the same time, in the order in which it was put in.
struct EventQueue<Element> {
    private struct Entry {
        let time: Int64
        let order: UInt64
        let element: Element

        func precedes(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : order < other.order
        }
    }

    /// A binary heap.
    private var entries: [Entry] = []
    private var nextOrder: UInt64 = 0

    var isEmpty: Bool { entries.isEmpty }
    /// The time of the first, in nanoseconds.
    var nextTime: Int64? { entries.first?.time }
    var first: Element? { entries.first?.element }

    mutating func push(_ element: Element, at time: Int64) {
        entries.append(Entry(time: time, order: nextOrder, element: element))
        nextOrder += 1
        var index = entries.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].precedes(entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    mutating func pop() -> Element? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return first.element
    }

    mutating func removeAll() {
        entries.removeAll()
    }

    private mutating func sink() {
        var index = 0
        while true {
            var smallest = index
            let left = 2 * index + 1
            let right = left + 1
            if left < entries.count, entries[left].precedes(entries[smallest]) { smallest = left }
            if right < entries.count, entries[right].precedes(entries[smallest]) { smallest = right }
            if smallest == index { return }
            entries.swapAt(index, smallest)
            index = smallest
        }
    }
}
