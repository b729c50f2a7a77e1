import Glibc
import Testing

@testable import AuditTrail

@Suite struct AuditFileTests {
    private let files = MemoryFileSystem()
    private let path = "/var/audit.jsonl"

    private func open(
        _ synchronization: AuditFileConfiguration.Synchronization = .interval, size: Int64 = 1 << 20, keep: Int = 3
    ) throws -> AuditFile {
        var configuration = AuditFileConfiguration(path: path)
        configuration.synchronization = synchronization
        configuration.maximumSize = size
        configuration.keep = keep
        return try AuditFile(configuration, files: files)
    }

    private func text(_ numbers: ClosedRange<UInt64>) -> String { numbers.map { Samples.line($0).text }.joined() }
    private func lines(_ numbers: ClosedRange<UInt64>) -> ArraySlice<AuditLine> {
        numbers.map { Samples.line($0) }[...]
    }

    @Test func appends() throws {
        var file = try open()
        #expect(file.lastLine == 0)
        #expect(file.write(lines(1...3)).count == 3)
        #expect(file.write(lines(4...4)).count == 1)
        #expect(files.content(path) == text(1...4))
        file.close()
        #expect(try open().lastLine == 4)
    }

    @Test func shortWritesAreContinued() throws {
        files.set { $0.largestWrite = 7 }
        var file = try open()
        #expect(file.write(lines(1...3)).count == 3)
        #expect(files.content(path) == text(1...3))
    }

    // MARK: Crashes

    @Test func aCrashAtAnyByteCostsTheTornLineOnly() throws {
        let whole = Array(text(1...3).utf8)
        let ends = whole.indices.filter { whole[$0] == 0x0A }.map { $0 + 1 }
        for size in 0...whole.count {
            let files = MemoryFileSystem()
            files.write(Array(whole[..<size]), to: path)
            var file = try AuditFile(AuditFileConfiguration(path: path), files: files)
            let kept = ends.filter { $0 <= size }.count
            let end = ends.last { $0 <= size } ?? 0
            #expect(file.lastLine == UInt64(kept))
            let torn = "\(path).torn-\(kept + 1)"
            #expect(file.tornLinePath == (end == size ? nil : torn))
            let fragment = String(decoding: whole[end..<size], as: UTF8.self)
            #expect(files.content(torn) == (end == size ? nil : fragment + "\n"))
            let next = UInt64(kept + 1)
            #expect(file.write([Samples.line(next)]).count == 1)
            #expect(files.content(path) == String(decoding: whole[..<end], as: UTF8.self) + Samples.line(next).text)
        }
    }

    @Test func aTornLineThatCannotBeMovedSpoilsNoOther() throws {
        files.write(text(1...2) + #"{"timest"#, to: path)
        files.set { $0.room = 0 }
        var file = try open()
        #expect(file.tornLinePath == nil)
        #expect(file.write(lines(3...3)).error?.code == ENOSPC)
        files.set { $0.room = nil }
        #expect(file.write(lines(3...3)).count == 1)
        #expect(files.content(path) == text(1...2) + #"{"timest"# + "\n" + text(3...3))
    }

    @Test func aLineThatLostOnlyItsNewlineKeepsItsNumber() throws {
        files.write(String(text(1...3).dropLast()), to: path)
        files.set { $0.failures["truncate"] = EIO }
        var file = try open()
        #expect(file.tornLinePath == nil)
        // It is a whole line again with the newline before the next one.
        #expect(file.lastLine == 3)
        files.set { $0.failures = [:] }
        #expect(file.write(lines(4...4)).count == 1)
        #expect(files.content(path) == text(1...4))
    }

    @Test func somebodyElsesFileKeepsItsContent() throws {
        let content = [UInt8](repeating: 0x58, count: (1 << 20) + 1)
        files.write(content, to: path)
        var file = try open()
        #expect(files.content("\(path).torn-1")?.utf8.count == content.count)
        #expect(file.write(lines(1...1)).count == 1)
        #expect(files.content(path) == text(1...1))
    }

    @Test func theNumberComesFromTheRotatedFileWhereTheFileIsEmpty() throws {
        files.write(text(1...9), to: "\(path).1")
        #expect(try open().lastLine == 9)
    }

    @Test func theNumberIsThatOfTheLastGoodLine() throws {
        files.write(text(1...7) + "not ours\n", to: path)
        #expect(try open().lastLine == 7)
        #expect(AuditFileRecovery.number(ofLine: Array(#"{"x":"y","line":12x}"#.utf8)[...]) == 12)
        #expect(AuditFileRecovery.number(ofLine: Array(#"{"x":"y","line":99999999999999999999}"#.utf8)[...]) == nil)
        #expect(AuditFileRecovery.number(ofLine: Array(#","line":"#.utf8)[...]) == nil)
        #expect(AuditFileRecovery.number(ofLine: []) == nil)
    }

    @Test func twoWritersAreOneTooMany() throws {
        let first = try open()
        #expect(throws: FileError(operation: "lock", path: path, code: EWOULDBLOCK)) { _ = try open() }
        _ = first
    }

    // MARK: Rotation

    /// A rename that fails halfway leaves a number unused: whoever reads the set would stop there.
    @Test func theNextRotationClosesWhatAFailedOneLeftOpen() throws {
        files.write("b\n", to: path + ".1")
        files.write("a\n", to: path + ".3")
        var file = try open(size: 1, keep: 5)
        #expect(file.write(lines(1...1)).count == 1)
        #expect(file.write(lines(2...2)).count == 1)
        #expect(files.content(path) == text(2...2))
        #expect(files.content(path + ".1") == text(1...1))
        #expect(files.content(path + ".2") == "b\n")
        #expect(files.content(path + ".3") == "a\n")
        #expect(files.content(path + ".4") == nil)
    }

    @Test func rotatesBySize() throws {
        let length = Int64(Samples.line(1).bytes.count)
        var file = try open(size: length * 2, keep: 2)
        #expect(file.write(lines(1...9)).count == 9)
        #expect(files.content(path) == text(9...9))
        #expect(files.content("\(path).1") == text(7...8))
        #expect(files.content("\(path).2") == text(5...6))
        #expect(files.content("\(path).3") == nil)
        #expect(files.get { $0.calls.contains("fsync-directory \(path)") })
        #expect(files.get { $0.descriptors.count } == 1)
    }

    @Test func numbersGoOnFromTheHighestWhereLinesStandTwice() throws {
        // A bad disk took more than it said, would not let it be cut off, and was then given the first of it again.
        files.write(text(1...6) + #"{"timest"# + "\n" + text(5...5), to: path)
        var file = try open()
        #expect(file.lastLine == 6)
        file.close()
        files.write([], to: path)
        files.write(Array((text(1...6) + text(5...5)).utf8), to: "\(path).1")
        #expect(try open().lastLine == 6)
    }

    @Test func numbersGoOnFromTheHighestNearTheEndOfALargeFile() throws {
        let detail = String(repeating: "x", count: 500)
        func lines(_ numbers: ClosedRange<Int>) -> String {
            numbers.map {
                #"{"timestamp":"2026-11-22T10:15:02.113Z","line":\#($0),"event":"x","detail":"\#(detail)"}"# + "\n"
            }.joined()
        }
        files.write(lines(1...4_000) + "\n" + lines(3_990...3_995), to: path)
        #expect(try #require(files.content(path)).utf8.count > 2 << 20)
        #expect(try open().lastLine == 4_000)
        // The whole of a large file is not read for it.
        #expect(files.get { $0.calls.filter { $0 == "read \(path)" }.count } <= 2)
    }

    @Test func numbersGoOnFromTheNewestFileThatHasOne() throws {
        // As a loss of power leaves it without fsync: two files emptied, one of them torn.
        files.write(Array(text(1...4).utf8), to: "\(path).3")
        files.write([], to: "\(path).2")
        files.write(Array(text(7...7).utf8.dropLast(9)), to: "\(path).1")
        files.write([], to: path)
        #expect(try open().lastLine == 4)
    }

    @Test func keepsNoneWhereToldSo() throws {
        let length = Int64(Samples.line(1).bytes.count)
        var file = try open(size: length, keep: 0)
        #expect(file.write(lines(1...3)).count == 3)
        #expect(files.content(path) == text(3...3))
        #expect(files.content("\(path).1") == nil)
    }

    @Test func aLineLargerThanTheLimitIsWrittenAllTheSame() throws {
        var file = try open(size: 10)
        #expect(file.write(lines(1...2)).count == 2)
        #expect(files.content("\(path).1") == text(1...1))
        #expect(files.content(path) == text(2...2))
    }

    @Test func aRotationThatFailsLosesNothing() throws {
        let length = Int64(Samples.line(1).bytes.count)
        var file = try open(size: length * 2)
        files.set { $0.failures["rename"] = EACCES }
        #expect(file.write(lines(1...5)).count == 5)
        #expect(files.content(path) == text(1...5))
        files.set { $0.failures = [:] }
        #expect(file.write(lines(6...6)).count == 1)
        #expect(files.content("\(path).1") == text(1...5))
    }

    // MARK: Others at work

    @Test(arguments: [true, false])
    func followsItsName(_ isRenamed: Bool) throws {
        var file = try open()
        _ = file.write(lines(1...2))
        if isRenamed { try files.rename(path, to: "/var/old") } else { try files.remove(path) }
        #expect(file.write(lines(3...3)).count == 1)
        #expect(files.content(path) == text(3...3))
        if isRenamed { #expect(files.content("/var/old") == text(1...2)) }
        #expect(files.get { $0.descriptors.count } == 1)
    }

    @Test func takesNoteOfTruncation() throws {
        let length = Int64(Samples.line(1).bytes.count)
        var file = try open(size: length * 3)
        _ = file.write(lines(1...3))
        files.write("", to: path)
        #expect(file.write(lines(4...6)).count == 3)
        #expect(files.content(path) == text(4...6))
        #expect(files.content("\(path).1") == nil)
    }

    @Test func reopensWhenAsked() throws {
        var file = try open()
        _ = file.write(lines(1...1))
        try files.rename(path, to: "/var/old")
        #expect(file.reopen() == nil)
        #expect(files.content(path) == "")
        #expect(files.get { $0.calls.contains("fsync \(path)") })
    }

    // MARK: Errors

    @Test func aFullDiskLeavesNoPartOfALine() throws {
        var file = try open()
        _ = file.write(lines(1...1))
        files.set { $0.room = 20 }
        let (count, error) = file.write(lines(2...3))
        #expect(count == 0)
        #expect(error?.code == ENOSPC)
        #expect(files.content(path) == text(1...1))
        files.set { $0.room = nil }
        #expect(file.write(lines(2...3)).count == 2)
        #expect(files.content(path) == text(1...3))
    }

    @Test func aPartThatCannotBeTakenBackGetsAnEnd() throws {
        var file = try open()
        _ = file.write(lines(1...1))
        files.set {
            $0.room = 20
            $0.failures["truncate"] = EIO
        }
        #expect(file.write(lines(2...2)).error?.code == ENOSPC)
        files.set {
            $0.room = nil
            $0.failures = [:]
        }
        #expect(file.write(lines(2...2)).count == 1)
        let fragment = Samples.line(2).text.prefix(20)
        #expect(files.content(path) == text(1...1) + fragment + "\n" + text(2...2))
    }

    @Test func alwaysMeansAlways() throws {
        var file = try open(.always)
        _ = file.write(lines(1...2))
        #expect(files.get { $0.calls.suffix(2) } == ["write \(path)", "fsync \(path)"])
        files.set { $0.failures["fsync"] = EIO }
        let (count, error) = file.write(lines(3...3))
        #expect(count == 0)
        #expect(error?.operation == "fsync")
        #expect(files.content(path) == text(1...2))
        files.set { $0.failures = [:] }
        #expect(file.write(lines(3...3)).count == 1)
        #expect(files.content(path) == text(1...3))
        #expect(!file.wantsSynchronization)
    }

    @Test func intervalAsksForItAndNeverDoesNot() throws {
        var file = try open(.interval)
        #expect(!file.wantsSynchronization)
        _ = file.write(lines(1...1))
        #expect(file.wantsSynchronization)
        #expect(!files.get { $0.calls.contains("fsync \(path)") })
        #expect(file.synchronize() == nil)
        #expect(!file.wantsSynchronization)
        file.close()
        var careless = try open(.never)
        let before = files.get { $0.calls.filter { $0.hasPrefix("fsync") }.count }
        _ = careless.write(lines(2...2))
        #expect(!careless.wantsSynchronization)
        careless.close()
        #expect(files.get { $0.calls.filter { $0.hasPrefix("fsync") }.count } == before)
    }

    @Test func whatFailsToOpenSaysWhere() {
        files.set { $0.failures["open"] = EACCES }
        var configuration = AuditTrailConfiguration()
        configuration.file = AuditFileConfiguration(path: path)
        #expect {
            _ = try AuditTrail(configuration, hooks: AuditTrailHooks(), files: files, output: StandardOutput())
        } throws: { error in
            "\((error as? AuditTrailError)?.description ?? "")".hasPrefix(
                "audit file: open /var/audit.jsonl: Permission")
        }
    }
}
