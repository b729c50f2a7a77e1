// Unsafe pointers, because a bounds check for each part of a line costs as much as the line. There is room for the widest
// lines before a group's are written; what is read is held by the snapshot.

/// Writes the lines of one family. Per line: three copies, one number, one line feed.
struct LineWriter {
    private let table: SnapshotTable
    private let family: RenderedLayout.Family
    private let text: UnsafeRawPointer

    /// Room for a number and its line feed, and for what a copy of whole blocks writes beyond its end.
    private static let slack = 64

    init(_ table: SnapshotTable, _ family: RenderedLayout.Family) {
        self.table = table
        self.family = family
        text = table.layout.text.bytes.start
    }

    /// Bytes that the lines of the group `row` may touch.
    func room(for row: Int) -> Int {
        family.lines.count * (family.widest + table.labels[row].count + Self.slack)
    }

    /// Writes the lines of the groups from `first` on, as many as have room; returns the group that is next.
    func write(
        from first: Int, to last: Int? = nil, at cursor: inout UnsafeMutableRawPointer, end: UnsafeMutableRawPointer
    ) -> Int {
        family.lines.withUnsafeBufferPointer { lines in
            family.bareLines.withUnsafeBufferPointer { bareLines in
                let rowCount = last ?? table.count
                var target = cursor
                var row = first
                while row < rowCount {
                    let labels = table.labels[row]
                    guard end - target >= lines.count * (family.widest + labels.count + Self.slack) else { break }
                    target = write(
                        row, table.labelBytes + labels.start, labels.count, labels.count > 0 ? lines : bareLines,
                        at: target)
                    row += 1
                }
                cursor = target
                return row
            }
        }
    }

    @inline(__always)
    private func write(
        _ row: Int, _ labels: UnsafeRawPointer, _ labelCount: Int, _ lines: UnsafeBufferPointer<RenderedLayout.Line>,
        at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var cursor = target
        for line in lines {
            cursor = PaddedBytes.copy(text + Int(line.name), Int(line.nameCount), to: cursor)
            cursor = PaddedBytes.copy(labels, labelCount, to: cursor)
            cursor = PaddedBytes.copy(text + Int(line.suffix), Int(line.suffixCount), to: cursor)
            let column = table.values + Int(line.column) * table.count
            switch line.operation {
            case .number:
                cursor = NumberWriting.write(
                    integer: column.load(fromByteOffset: row * NotedNumber.size, as: UInt64.self), at: cursor)
            case .text:
                let noted = column + row * NotedText.size
                let bytes = noted.loadUnaligned(as: SIMD32<UInt8>.self)
                cursor.storeBytes(of: bytes, as: SIMD32<UInt8>.self)
                cursor += Int(noted.load(fromByteOffset: NotedText.lengthOffset, as: UInt8.self))
            case .state:
                let current = column.load(fromByteOffset: row * NotedNumber.size, as: UInt64.self)
                cursor.storeBytes(of: current == UInt64(line.variant) ? 0x31 : 0x30, as: UInt8.self)
                cursor += 1
            }
            cursor.storeBytes(of: UInt8(ascii: "\n"), as: UInt8.self)
            cursor += 1
        }
        return cursor
    }
}
