// The unsafe pointers are what the bytes are copied through: written in init alone, and valid as long as the object.

/// Bytes that are copied often: as many as are wanted, and then some that may be read but mean nothing, so that a copy
/// moves whole blocks and asks for no remainder.
final class PaddedBytes: @unchecked Sendable {
    // Unchecked because of the pointer: see above.

    /// How many bytes a copy moves at a time, and so how many follow the last.
    static let block = 32

    let start: UnsafeRawPointer
    let count: Int

    init(_ bytes: [UInt8]) {
        count = bytes.count
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + Self.block, alignment: Self.block)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes.count + Self.block)
        bytes.withUnsafeBytes {
            memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
        }
        start = UnsafeRawPointer(memory)
    }

    deinit {
        start.deallocate()
    }

    /// Copies whole blocks, so up to 31 bytes more than `count`, which the next copy overwrites; returns the end.
    @inline(__always)
    static func copy(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var offset = 0
        repeat {
            let block = (source + offset).loadUnaligned(as: SIMD32<UInt8>.self)
            (target + offset).storeBytes(of: block, as: SIMD32<UInt8>.self)
            offset += block.scalarCount
        } while offset < count
        return target + count
    }
}
