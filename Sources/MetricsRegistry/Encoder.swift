// Unsafe pointers, because a bounds check for each part of a line costs as much as the line. Room for the widest line
// is reserved before each; what is read is held by the tables for the time of the encoding.

internal import Synchronization

/// Writes series as text. Per line: three copies, one number, one line feed.
struct Encoder {
    let kind: ExpositionFormat.Kind
    let now: Int64
    let buffer: ExpositionBuffer

    /// Room for a number and its line feed, and for what a copy of whole blocks writes beyond its end.
    private static let slack = 48

    func encode(_ table: SeriesTable) {
        guard table.count > 0 else { return }
        let text = table.layout.text
        for family in text.families {
            let header = kind == .openMetrics ? family.openMetricsHeader : family.textHeader
            buffer.append(
                UnsafeRawBufferPointer(start: text.bytes.start + header.lowerBound, count: header.count))
            family.lines.withUnsafeBufferPointer { lines in
                family.bareLines.withUnsafeBufferPointer { bareLines in
                    table.rows.withUnsafeBufferPointer { rows in
                        encode(rows, lines, bareLines, widest: family.widest, text.bytes.start)
                    }
                }
            }
        }
    }

    func finish() {
        guard kind == .openMetrics else { return }
        let end: StaticString = "# EOF\n"
        buffer.append(UnsafeRawBufferPointer(start: end.utf8Start, count: end.utf8CodeUnitCount))
    }

    private func encode(
        _ rows: UnsafeBufferPointer<SeriesTable.Row>, _ lines: UnsafeBufferPointer<RenderedLayout.Line>,
        _ bareLines: UnsafeBufferPointer<RenderedLayout.Line>, widest: Int, _ text: UnsafeRawPointer
    ) {
        for row in rows {
            guard let cells = row.cells else { continue }
            let target = buffer.reserve(lines.count * (widest + row.labelCount + Self.slack))
            let end = encode(row, cells, row.labelCount > 0 ? lines : bareLines, text, at: target)
            buffer.commit(end)
        }
    }

    @inline(__always)
    private func encode(
        _ row: SeriesTable.Row, _ cells: UnsafeMutablePointer<Atomic<UInt64>>,
        _ lines: UnsafeBufferPointer<RenderedLayout.Line>, _ text: UnsafeRawPointer,
        at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var cursor = target
        var cumulative: UInt64 = 0
        var current: UInt64 = 0
        for line in lines {
            cursor = copy(text + Int(line.name), Int(line.nameCount), to: cursor)
            cursor = copy(row.labels, row.labelCount, to: cursor)
            cursor = copy(text + Int(line.suffix), Int(line.suffixCount), to: cursor)
            let cell = cells + Int(line.cell)
            switch line.operation {
            case .integer:
                cursor = NumberWriting.write(integer: cell.pointee.load(ordering: .relaxed), at: cursor)
            case .nanoseconds:
                let value = Int64(bitPattern: cell.pointee.load(ordering: .relaxed))
                cursor = NumberWriting.write(nanoseconds: value, at: cursor)
            case .double:
                cursor = NumberWriting.write(
                    double: Double(bitPattern: cell.pointee.load(ordering: .relaxed)), at: cursor)
            case .clock:
                cursor = NumberWriting.write(nanoseconds: RunningClock.exposed(cell, at: now), at: cursor)
            case .state:
                // Read once for all of its lines: a change between two of them would show two current states, or none.
                if line.variant == 0 { current = cell.pointee.load(ordering: .relaxed) }
                cursor = NumberWriting.write(integer: current == UInt64(line.variant) ? 1 : 0, at: cursor)
            case .bucket:
                cumulative &+= cell.pointee.load(ordering: .relaxed)
                cursor = NumberWriting.write(integer: cumulative, at: cursor)
            case .count:
                cursor = NumberWriting.write(integer: cumulative, at: cursor)
                cumulative = 0
            }
            cursor.storeBytes(of: UInt8(ascii: "\n"), as: UInt8.self)
            cursor += 1
        }
        return cursor
    }

    /// Copies whole blocks, so up to 15 bytes more than `count`, which the next copy overwrites; see ``PaddedBytes``.
    @inline(__always)
    private func copy(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var offset = 0
        while offset < count {
            let block = (source + offset).loadUnaligned(as: SIMD16<UInt8>.self)
            (target + offset).storeBytes(of: block, as: SIMD16<UInt8>.self)
            offset += PaddedBytes.block
        }
        return target + count
    }
}
