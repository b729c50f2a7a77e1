import StreamModel

/// Puts the messages of one numbering into the order of their numbers: what comes early waits until what is missing
/// has come, or was given up.
///
/// It decides nothing about loss: that a number is lost, or that the server numbers anew, it is told.
struct MessageSequencer: Sendable {
    /// Messages that may wait for a missing one; beyond it the missing ones are passed over as a gap.
    static let limit = 4096
    /// Low numbers that may turn out to be the begin of a new numbering.
    private static let suspectLimit = 8

    private var next: UInt64?
    private var waiting: [UInt64: [UInt8]] = [:]
    private var suspects: [StreamMessage] = []

    /// A numbered message arrived. Duplicates and what comes after it was given up give nothing.
    mutating func receive(_ number: UInt64, _ payload: [UInt8], into elements: inout [StreamElement]) {
        guard let next else {
            elements.append(.message(StreamMessage(sequence: number, payload: payload)))
            self.next = number &+ 1
            return
        }
        if number == next {
            elements.append(.message(StreamMessage(sequence: number, payload: payload)))
            self.next = number &+ 1
            release(into: &elements)
        } else if number > next {
            waiting[number] = payload
            if waiting.count > Self.limit { passOver(into: &elements) }
        } else {
            suspect(StreamMessage(sequence: number, payload: payload))
        }
    }

    /// The numbers of `range` were given up as lost.
    mutating func giveUp(_ range: SequenceRange, into elements: inout [StreamElement]) {
        guard let next else {
            // Numbers before the first message, where the profile says where numbering starts.
            elements.append(.gap(range))
            self.next = range.last &+ 1
            release(into: &elements)
            return
        }
        guard range.last >= next else { return }
        elements.append(.gap(SequenceRange(max(next, range.first), range.last)))
        self.next = range.last &+ 1
        release(into: &elements)
    }

    /// The server numbers anew from `baseline` on; the first messages of the new numbering came before it was known.
    mutating func reset(baseline: UInt64, into elements: inout [StreamElement]) {
        startOver(into: &elements)
        elements.append(.reset(baseline: baseline))
        next = baseline
        let run = suspects
        suspects = []
        for message in run {
            if let number = message.sequence, number >= baseline { receive(number, message.payload, into: &elements) }
        }
    }

    /// A fresh session: whatever waited comes out, and the next number is the first.
    mutating func startOver(into elements: inout [StreamElement]) {
        while !waiting.isEmpty { passOver(into: &elements) }
        next = nil
    }

    private mutating func release(into elements: inout [StreamElement]) {
        while let number = next, let payload = waiting.removeValue(forKey: number) {
            elements.append(.message(StreamMessage(sequence: number, payload: payload)))
            next = number &+ 1
        }
    }

    private mutating func passOver(into elements: inout [StreamElement]) {
        guard let first = waiting.keys.min(), let next, first > next else { return release(into: &elements) }
        giveUp(SequenceRange(next, first - 1), into: &elements)
    }

    private mutating func suspect(_ message: StreamMessage) {
        if let last = suspects.last?.sequence, message.sequence != last &+ 1 { suspects = [] }
        suspects.append(message)
        if suspects.count > Self.suspectLimit { suspects.removeFirst() }
    }
}
