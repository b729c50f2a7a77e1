import Testing

@testable import StreamSimulation

/// The simulation's own account, by the examples of the interface document.
@Suite("The account that counters are compared with")
struct LedgerTests {
    private static let second: Int64 = 1_000_000_000
    private var ledger = Ledger(window: 2 * second)

    private func received(_ numbers: [UInt64], at times: [Int64] = []) -> Ledger {
        var ledger = ledger
        for (index, number) in numbers.enumerated() {
            ledger.receive(number, at: (index < times.count ? times[index] : 0) * Self.second)
        }
        return ledger
    }

    @Test("the first number is a baseline, and the next is in order")
    func inOrder() {
        let ledger = received([7, 8, 9])
        #expect(ledger.unique == 3)
        #expect(ledger.gapCount == 0)
    }

    @Test("a number in a gap fills it, and is no duplicate")
    func reordered() {
        let ledger = received([1, 4, 3, 2])
        #expect(ledger.unique == 4)
        #expect(ledger.reordered == 2)
        #expect(ledger.pending == 0)
        #expect(ledger.notes == [.gapOpened(first: 2, last: 3), .gapClosed(first: 2, last: 3)])
    }

    @Test("a gap is given up when its time has come, and no sooner")
    func givenUp() {
        var ledger = received([1, 4])
        #expect(ledger.giveUp(.init(first: 2, last: 3), at: Self.second) != nil)
        #expect(ledger.giveUp(.init(first: 2, last: 3), at: 2 * Self.second) == nil)
        #expect(ledger.lost == 2)
        ledger.receive(3, at: 3 * Self.second)
        #expect(ledger.late == 1)
        #expect(ledger.lost == 2)
        ledger.receive(3, at: 3 * Self.second)
        #expect(ledger.duplicate == 1)
    }

    @Test("what another life resumes from lies before what is still waited for")
    func settled() {
        #expect(ledger.settledThrough == nil)
        var ledger = received([1, 4, 2, 6])
        #expect(ledger.settledThrough == 2)
        #expect(ledger.giveUp(.init(first: 3, last: 3), at: 2 * Self.second) == nil)
        #expect(ledger.settledThrough == 4)
        ledger.receive(5, at: 2 * Self.second)
        #expect(ledger.settledThrough == 6)
    }

    @Test("nothing is given up while a resume is under way")
    func held() {
        var ledger = received([1, 4])
        ledger.hold = .resume
        #expect(ledger.giveUp(.init(first: 2, last: 3), at: 100 * Self.second) != nil)
        #expect(ledger.due == nil)
    }

    @Test("what two connections both brought counts once, and what one brought twice is a duplicate")
    func identifiers() {
        var ledger = ledger
        ledger.receive(identifier: 7, overlaps: false)
        ledger.receive(identifier: 7, overlaps: true)
        #expect(ledger.received == 1 && ledger.duplicate == 0)
        ledger.receive(identifier: 7, overlaps: false)
        #expect(ledger.received == 2 && ledger.duplicate == 1)
        ledger.receive(identifier: 8, overlaps: true)
        #expect(ledger.received == 3 && ledger.duplicate == 1)
    }

    @Test("three low numbers in a row are a new epoch, one is a duplicate")
    func epochs() {
        let stray = received([1_000, 1_001, 5, 1_002])
        #expect(stray.duplicate == 1)
        #expect(stray.resets == 0)
        let anew = received([1_000, 1_001, 1, 2, 3])
        #expect(anew.resets == 1)
        #expect(anew.unique == 5)
        #expect(anew.highest == 3)
    }
}
