import AuditTrail
import Foundation

/// Compares what the trail made with what of it is on the disk, line by line, over all lives of the process.
///
/// A line number that is missing on the disk is allowed only where a drop was counted, or where the process was killed
/// before it was written, and then the next life uses the number again.
final class TrailChecks {
    private unowned let world: World
    /// Lines that were made and not yet seen on the disk, in order.
    private var made: [(number: UInt64, bytes: [UInt8])] = []
    private var madeBytes = 0
    /// The last line that was seen on the disk.
    private var seen: UInt64 = 0
    /// Lines of this life that are missing on the disk for good.
    private var missing: UInt64 = 0
    /// What this life said that it had dropped.
    private(set) var reported: UInt64 = 0
    private var next: UInt64 = 1
    private var diskWasFaulty = false
    var dropped: () -> UInt64 = { 0 }

    init(_ world: World) {
        self.world = world
    }

    func begin(firstLine: UInt64) {
        let onDisk = lastOnDisk() ?? 0
        if firstLine != onDisk + 1 {
            world.fail("audit", "a new life begins with line \(firstLine), and line \(onDisk) is the last on the disk")
        }
        made = []
        seen = firstLine - 1
        next = firstLine
        missing = 0
        reported = 0
        diskWasFaulty = false
    }

    func add(_ line: AuditLine) {
        if line.number != next {
            world.fail("audit", "line \(line.number) was made where \(next) comes next")
        }
        next = line.number + 1
        world.faults.forEach(of: nil) { fault, _ in
            switch fault.kind {
            case .diskError, .shortWrites: diskWasFaulty = true
            default: break
            }
        }
        made.append((line.number, line.bytes))
        madeBytes += line.bytes.count
        if line.event == .auditDropped { reported += Self.value("count", in: line.bytes[...]) ?? 0 }
    }

    /// Looks before the oldest files are rotated away.
    func lookNowAndThen() {
        if madeBytes > Int(world.scenario.fileSize) * 10 { look() }
    }

    func examineAfterCrash(losesPower: Bool) {
        if losesPower {
            let last = lastOnDisk() ?? 0
            // What was forced to the disk before anything else happened is there, whatever becomes of the machine.
            if world.scenario.synchronization == .always, !isFaulty, last + 1 < next {
                world.fail("audit", "line \(next - 1) was lost with the power, though each line was forced to the disk")
            }
            made = []
            return
        }
        look()
        let isImmediate = world.scenario.diskDelay == 0 || world.scenario.synchronization == .always
        if isImmediate, !isFaulty, let first = made.first, dropped() == 0 {
            world.fail("audit", "line \(first.number) was made before the process was killed and is not on the disk")
        }
    }

    func examineAfterStop(isWritten: Bool) {
        look()
        if isWritten, let first = made.first, dropped() == 0 {
            world.fail("audit", "everything is written, it said, and line \(first.number) is not on the disk")
        }
        let lost = missing + UInt64(made.count)
        if isWritten, lost != dropped() {
            world.fail("audit", "\(lost) lines are missing on the disk, and \(dropped()) were counted as dropped")
        }
        if reported > dropped() {
            world.fail("audit", "the trail names \(reported) lines as dropped, and \(dropped()) were counted")
        }
    }

    private var isFaulty: Bool {
        var isFaulty = diskWasFaulty
        world.faults.forEach(of: nil) { fault, _ in
            switch fault.kind {
            case .diskError, .shortWrites: isFaulty = true
            default: break
            }
        }
        return isFaulty
    }

    // MARK: The disk

    /// Looks at what is on the disk and was not looked at before.
    func look() {
        madeBytes = 0
        var index = 0
        for content in world.disk.rotatedSet(of: ProcessLife.auditPath) {
            // What has no newline is torn for whoever reads the file, and its number is used again.
            let end = content.lastIndex(of: 0x0A) ?? 0
            for line in content[..<end].split(separator: 0x0A) {
                // What a crash tore and a faulty disk would not let be cut off stays, with an end of its own.
                guard Self.isWhole(line), let number = Self.value("line", in: line.prefix(80)), number > seen else {
                    continue
                }
                while index < made.count, made[index].number < number {
                    missing += 1
                    index += 1
                }
                guard index < made.count, made[index].number == number else {
                    return world.fail("audit", "line \(number) is on the disk and was not made")
                }
                if made[index].bytes.dropLast() != line {
                    let texts = [Array(line), made[index].bytes].map { String(decoding: $0.prefix(300), as: UTF8.self) }
                    return world.fail("audit", "line \(number) is on the disk as \(texts[0]), made as \(texts[1])")
                }
                seen = number
                index += 1
            }
        }
        made.removeFirst(index)
        if missing > dropped() {
            world.fail("audit", "\(missing) lines are missing on the disk, and \(dropped()) were counted as dropped")
        }
        world.disk.forgetRotated(of: ProcessLife.auditPath)
    }

    private static func isWhole(_ line: ArraySlice<UInt8>) -> Bool {
        let depth = line.reduce(0) { $0 + ($1 == UInt8(ascii: "{") ? 1 : $1 == UInt8(ascii: "}") ? -1 : 0) }
        return depth == 0 && line.first == UInt8(ascii: "{") && line.last == UInt8(ascii: "}")
    }

    private func lastOnDisk() -> UInt64? {
        for content in world.disk.rotatedSet(of: ProcessLife.auditPath).reversed() {
            let end = content.lastIndex(of: 0x0A) ?? 0
            let numbers = content[..<end].split(separator: 0x0A).filter(Self.isWhole)
                .compactMap { Self.value("line", in: $0.prefix(80)) }
            if let highest = numbers.max() { return highest }
        }
        return nil
    }

    /// The whole number behind `"key":`.
    static func value(_ key: String, in line: ArraySlice<UInt8>) -> UInt64? {
        let pattern = Array("\"\(key)\":".utf8)
        guard line.count > pattern.count else { return nil }
        for start in line.startIndex...(line.endIndex - pattern.count)
        where line[start] == pattern[0] && line[start...].starts(with: pattern) {
            let digits = line[(start + pattern.count)...].prefix { (0x30...0x39).contains($0) }
            return UInt64(String(decoding: digits, as: UTF8.self))
        }
        return nil
    }
}
