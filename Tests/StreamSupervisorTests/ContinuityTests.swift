import StreamModel
import Testing

@testable import StreamSupervisor

@Suite struct ContinuityTests {
    /// Feeds numbers at times (milliseconds), lets time pass at the end, and gives what was counted.
    private struct Run {
        var continuity: Continuity
        var events: [StreamEvent] = []
        var now = Instant(nanoseconds: 0)

        init(_ rule: StreamPolicy.SequenceRule = .contiguous(startsAt: nil)) {
            var policy = StreamPolicy()
            policy.sequence = rule
            continuity = Continuity(policy: policy)
        }

        var tallies: StreamTallies { continuity.tallies }

        mutating func receive(_ numbers: some Sequence<UInt64>) {
            for number in numbers {
                continuity.receive(MessageFacts(role: .event, sequence: number), at: now, events: &events)
            }
        }

        mutating func pass(_ milliseconds: Int) {
            now = now + .milliseconds(milliseconds)
            continuity.passTime(at: now, events: &events)
        }
    }

    @Test func firstMessageSetsTheBaseline() {
        var run = Run()
        #expect(run.tallies.continuity == 1)
        run.receive(40...49)
        #expect(run.tallies.expected == 10)
        #expect(run.tallies.received == 10)
        #expect(run.tallies.highest == 49)
        #expect(run.events.isEmpty)
    }

    @Test func knownStartMakesAJumpOfTheFirstMessageAGap() {
        var run = Run(.contiguous(startsAt: 1))
        run.receive([4])
        #expect(run.events == [.gapOpened(SequenceRange(1, 3), channel: 0)])
        run.pass(2000)
        #expect(run.tallies.lost == 3)
    }

    @Test func aHoleIsReorderedWhenFilledInTimeAndLostAfterTheWindow() {
        var run = Run()
        run.receive([1, 2, 5])
        #expect(run.tallies.pending == 2)
        #expect(run.tallies.gaps == 1)
        #expect(run.tallies.expected == 3)
        run.receive([3])
        #expect(run.tallies.reordered == 1)
        run.pass(1999)
        #expect(run.tallies.lost == 0)
        run.pass(1)
        #expect(run.tallies.lost == 1)
        #expect(run.tallies.pending == 0)
        #expect(run.tallies.expected == 5)
        #expect(run.tallies.continuity == 0.8)
        #expect(
            run.events == [
                .gapOpened(SequenceRange(3, 4), channel: 0),
                .messagesLost(SequenceRange(4, 4), channel: 0, continuity: 0.8),
            ])
    }

    @Test func anotherLifeResumesBeforeWhatIsStillWaitedFor() {
        var run = Run()
        #expect(run.continuity.settledThrough == nil)
        run.receive([40, 41, 45])
        #expect(run.continuity.settledThrough == 41)
        run.receive([42, 49])
        #expect(run.continuity.settledThrough == 42)
        run.pass(2000)
        #expect(run.tallies.lost == 5)
        #expect(run.continuity.settledThrough == 49)
    }

    @Test func aGapThatIsFilledWhollyIsClosed() {
        var run = Run()
        run.receive([1, 4, 3, 2])
        #expect(
            run.events == [
                .gapOpened(SequenceRange(2, 3), channel: 0), .gapClosed(SequenceRange(2, 3), channel: 0),
            ])
        #expect(run.tallies.reordered == 2)
        #expect(run.tallies.expected == 4)
        run.pass(10_000)
        #expect(run.tallies.lost == 0)
    }

    @Test func lateNumbersAreCountedOnceAndNeverTakeBackALoss() {
        var run = Run()
        run.receive([1, 5])
        run.pass(2000)
        #expect(run.tallies.lost == 3)
        run.receive([3, 3])
        #expect(run.tallies.late == 1)
        #expect(run.tallies.duplicate == 1)
        #expect(run.tallies.lost == 3)
        #expect(run.tallies.expected == 5)
    }

    @Test func anythingElseAtOrBelowTheHighestIsADuplicateAtOnce() {
        var run = Run()
        run.receive(1...50)
        run.receive([50, 49, 45])
        #expect(run.tallies.duplicate == 3)
        #expect(run.tallies.expected == 50)
    }

    @Test func aJumpOfABillionCostsOneRange() {
        var run = Run()
        run.receive([1, 1_000_000_002])
        #expect(run.tallies.pending == 1_000_000_000)
        run.receive([500_000_000])
        #expect(run.tallies.pending == 999_999_999)
        run.pass(2000)
        #expect(run.tallies.lost == 999_999_999)
        #expect(run.events.filter(\.isLoss).count == 2)
    }

    @Test func numbersAtTheEndOfTheirRangeDoNotOverflow() {
        var run = Run()
        run.receive([0, UInt64.max, 5, UInt64.max, 0])
        run.pass(5000)
        run.receive([UInt64.max, 1, 2, 3])
        run.pass(5000)
        #expect(run.tallies.continuity >= 0 && run.tallies.continuity <= 1)
    }

    @Test func aNewNumberingIsAResetAndIsCountedOnce() {
        var run = Run()
        run.receive(1...100)
        run.receive(1...50)
        #expect(run.tallies.resets == 1)
        #expect(run.tallies.duplicate == 0)
        #expect(run.tallies.expected == 150)
        #expect(run.tallies.highest == 50)
        #expect(run.events == [.sequenceReset(previousHighest: 100, baseline: 1, channel: 0)])
    }

    @Test func oneStrayLowNumberIsADuplicate() {
        var run = Run()
        run.receive(1...100)
        run.receive([3, 101, 102])
        #expect(run.tallies.duplicate == 1)
        run.receive([3])
        run.pass(2000)
        #expect(run.tallies.duplicate == 2)
        #expect(run.tallies.resets == 0)
        #expect(run.tallies.expected == 102)
    }

    @Test func aReplayThatOverlapsIsNoReset() {
        var run = Run()
        run.receive(1...100)
        run.receive(91...105)
        #expect(run.tallies.resets == 0)
        #expect(run.tallies.duplicate == 10)
        #expect(run.tallies.expected == 105)
    }

    @Test func aResetGivesUpWhatTheOldNumberingOwed() {
        var run = Run()
        run.receive(1...50)
        run.receive([60])
        run.receive([1, 2, 3])
        #expect(run.tallies.resets == 1)
        #expect(run.tallies.lost == 9)
        #expect(run.tallies.pending == 0)
        #expect(run.tallies.expected == 51 + 9 + 3)
    }

    @Test func nothingIsLostWhileAResumeIsUnderWay() {
        var run = Run()
        run.receive([1, 2, 4])
        run.continuity.resumeAwaited(events: &run.events)
        run.pass(60_000)
        #expect(run.tallies.lost == 0)
        #expect(run.continuity.nextDeadline == nil)
        run.continuity.resumeAcknowledged(at: run.now, events: &run.events)
        run.receive([3, 5, 6])
        #expect(run.tallies.reordered == 1)
        #expect(run.events.last == .resumeSettled(.full))
        run.pass(60_000)
        #expect(run.tallies.lost == 0)
    }

    @Test func aReplayThatGoesOnHoldsTheGapsOpen() {
        var run = Run()
        run.receive([1])
        run.continuity.resumeAwaited(events: &run.events)
        run.continuity.resumeAcknowledged(at: run.now, events: &run.events)
        run.receive([6])
        run.pass(1500)
        run.receive([2])
        run.pass(1500)
        run.receive([3])
        run.pass(1500)
        #expect(run.tallies.lost == 0)
        run.pass(500)
        #expect(run.tallies.lost == 2)
        #expect(run.events.last == .resumeSettled(.partial))
    }

    @Test func aResumeAfterWhichNumberingBeginsAnewWasRefused() {
        var run = Run()
        run.receive(1...40)
        run.continuity.resumeAwaited(events: &run.events)
        run.continuity.resumeAcknowledged(at: run.now, events: &run.events)
        run.receive(1...5)
        #expect(run.events.compactMap(\.resumeOutcome) == [.refused])
        #expect(run.tallies.resets == 1)
    }

    @Test func aResumeOfWhichNothingShowedIsUnknown() {
        var run = Run()
        run.receive(1...40)
        run.continuity.resumeAwaited(events: &run.events)
        run.continuity.resumeAcknowledged(at: run.now, events: &run.events)
        run.continuity.resumeAwaited(events: &run.events)
        #expect(run.events == [.resumeSettled(.unknown)])
    }

    @Test func aSavedCursorMakesWhatWasMissedLost() {
        var run = Run()
        run.continuity.restore(lastSequence: 100)
        run.receive([104])
        run.pass(2000)
        #expect(run.tallies.lost == 3)
        #expect(run.tallies.expected == 4)
    }

    @Test func messagesWithoutANumberCountAsReceivedOnly() {
        var run = Run()
        run.receive([1])
        for role in [MessageFacts.Role.acknowledgment, .closeNotice, .heartbeat, .event] {
            run.continuity.receive(MessageFacts(role: role), at: run.now, events: &run.events)
        }
        #expect(run.tallies.received == 5)
        #expect(run.tallies.expected == 1)
    }

    @Test func monotonicNumbersMayJump() {
        var run = Run(.monotonic)
        run.receive([5, 9, 100, 9, 100])
        run.pass(5000)
        #expect(run.tallies.expected == 3)
        #expect(run.tallies.duplicate == 2)
        #expect(run.tallies.gaps == 0)
    }

    @Test func channelsAreNumberedApart() {
        var run = Run()
        for number in [UInt64(1), 2, 4] {
            for channel in [UInt64(7), 8] {
                run.continuity.receive(
                    MessageFacts(role: .event, sequence: number, channel: channel), at: run.now, events: &run.events)
            }
        }
        #expect(run.tallies.gaps == 2)
        #expect(run.continuity.nextDeadline == Instant(nanoseconds: 2_000_000_000))
        run.pass(2000)
        #expect(run.tallies.lost == 2)
        #expect(run.tallies.unique == 6)
    }

    @Test func identifiersTellDuplicatesWhereThereAreNoNumbers() {
        var run = Run(.none)
        for identifier in [UInt64(1), 2, 1, 3] {
            run.continuity.receive(
                MessageFacts(role: .event, identifier: identifier), at: run.now, events: &run.events)
        }
        #expect(run.tallies.received == 4)
        #expect(run.tallies.duplicate == 1)
        #expect(run.continuity.ratio == nil)
    }

    /// Whatever arrives, in whatever order and at whatever time: the books balance.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func theBooksAlwaysBalance(seed: UInt64) {
        var rng = SplitMix64(seed: seed)
        var run = Run(seed % 5 == 0 ? .contiguous(startsAt: 1) : .contiguous(startsAt: nil))
        var top = UInt64.random(in: 0...100, using: &rng)
        var lost: UInt64 = 0
        let hostile = seed % 3 == 0
        for _ in 0..<1500 {
            switch Int.random(in: 0..<20, using: &rng) {
            case 0: run.pass(Int.random(in: 0...3000, using: &rng))
            case 1: run.continuity.resumeAwaited(events: &run.events)
            case 2: run.continuity.resumeAcknowledged(at: run.now, events: &run.events)
            case 3: run.continuity.resumeAbandoned(events: &run.events)
            case 4: run.receive([UInt64.random(in: 0...(top + 5), using: &rng)])
            case 5: top = UInt64.random(in: 0...20, using: &rng)
            case 6 where hostile: run.receive([UInt64.random(in: 0...UInt64.max, using: &rng)])
            case 7 where hostile: run.continuity.startOver(events: &run.events)
            case 8: top += UInt64.random(in: 2...9, using: &rng)
            default:
                top += 1
                run.receive([top])
            }
            let tallies = run.tallies
            #expect(tallies.lost >= lost, "seed \(seed)")
            lost = tallies.lost
            #expect(tallies.continuity >= 0 && tallies.continuity <= 1, "seed \(seed)")
            #expect(tallies.unique + tallies.late + tallies.duplicate <= tallies.received, "seed \(seed)")
            #expect(tallies.received - (tallies.unique + tallies.late + tallies.duplicate) <= 2, "seed \(seed)")
        }
        run.continuity.resumeAbandoned(events: &run.events)
        run.pass(10_000)
        #expect(run.tallies.pending == 0, "seed \(seed)")
        #expect(run.continuity.nextDeadline == nil, "seed \(seed)")
        var told: UInt64 = 0
        for case .messagesLost(let range, _, _) in run.events { told &+= range.count }
        if !hostile { #expect(told == run.tallies.lost, "seed \(seed)") }
    }

    /// The same numbers against a model that remembers every number it saw.
    @Test(arguments: 0..<100 as Range<UInt64>)
    func countsAgreeWithAModelThatRemembersEverything(seed: UInt64) {
        var rng = SplitMix64(seed: seed &+ 1000)
        var run = Run()
        var model = ContinuityModel()
        var top: UInt64 = 1000
        for _ in 0..<400 {
            var batch: [UInt64] = []
            for _ in 0..<Int.random(in: 1...6, using: &rng) {
                top += Int.random(in: 0..<8, using: &rng) == 0 ? UInt64.random(in: 2...6, using: &rng) : 1
                batch.append(top)
                if Int.random(in: 0..<6, using: &rng) == 0 {
                    batch.append(top - UInt64.random(in: 0...7, using: &rng))
                }
            }
            batch.shuffle(using: &rng)
            for number in batch where number >= 1001 {
                run.receive([number])
                model.receive(number, at: run.now)
            }
            let wait = Int.random(in: 0...900, using: &rng)
            run.pass(wait)
            model.pass(to: run.now)
            #expect(run.tallies.unique == model.unique, "seed \(seed)")
            #expect(run.tallies.lost == UInt64(model.lost.count) + model.lateCount, "seed \(seed)")
            #expect(run.tallies.late == model.lateCount, "seed \(seed)")
            #expect(run.tallies.reordered == model.reordered, "seed \(seed)")
            #expect(run.tallies.pending == UInt64(model.holes.count), "seed \(seed)")
        }
    }
}

/// Continuity by the book, one dictionary entry a number: slow, and plainly right.
private struct ContinuityModel {
    var highest: UInt64?
    var unique: UInt64 = 0
    var reordered: UInt64 = 0
    var lateCount: UInt64 = 0
    var holes: [UInt64: Instant] = [:]
    var lost: Set<UInt64> = []

    mutating func receive(_ number: UInt64, at now: Instant) {
        guard let highest else {
            self.highest = number
            unique += 1
            return
        }
        if number > highest {
            var missing = highest + 1
            while missing < number {
                holes[missing] = now
                missing += 1
            }
            self.highest = number
            unique += 1
        } else if holes.removeValue(forKey: number) != nil {
            reordered += 1
            unique += 1
        } else if lost.remove(number) != nil {
            lateCount += 1
        }
    }

    mutating func pass(to now: Instant) {
        for (number, opened) in holes where now >= opened + .seconds(2) {
            holes[number] = nil
            lost.insert(number)
        }
    }
}
