/// What is due when: a ring of lists, one for each tick of virtual time, threaded through flat arrays.
///
/// Every item has at most one appointment at a time, so that an appointment costs no allocation, and setting or
/// keeping one costs the same however many there are. Items that are due in the same tick come in the order in which
/// they were scheduled.
struct TimingWheel {
    /// Ticks that the ring spans; a later appointment goes round again.
    private let span: Int32
    private var heads: [Int32]
    private var tails: [Int32]
    private var appointments: [Appointment]

    /// An item's place in its list, and when it is due: side by side, since both are looked at together, at random.
    private struct Appointment {
        var following = TimingWheel.none
        var due: Int32 = 0
    }

    static let none: Int32 = -1

    /// A wheel for `items` items; `span` is a power of 2.
    init(items: Int, span: Int32 = 1 << 17) {
        self.span = span
        heads = Array(repeating: Self.none, count: Int(span))
        tails = heads
        appointments = Array(repeating: Appointment(), count: items)
    }

    /// Makes an appointment for `item`, which must have none, at `tick`, which must lie after `now`.
    mutating func schedule(_ item: Int32, at tick: Int32, now: Int32) {
        appointments[Int(item)] = Appointment(due: tick)
        let slot = Int(min(tick, now &+ span &- 1) & (span &- 1))
        if heads[slot] == Self.none {
            heads[slot] = item
        } else {
            appointments[Int(tails[slot])].following = item
        }
        tails[slot] = item
    }

    /// Takes the list of the tick `now` out and gives its first item.
    mutating func take(_ now: Int32) -> Int32 {
        let slot = Int(now & (span &- 1))
        let first = heads[slot]
        heads[slot] = Self.none
        return first
    }

    /// The item after `item` in a list that was taken out; to be asked before `item` is scheduled again.
    func after(_ item: Int32) -> Int32 {
        appointments[Int(item)].following
    }

    /// When `item` is due.
    func due(_ item: Int32) -> Int32 {
        appointments[Int(item)].due
    }
}
