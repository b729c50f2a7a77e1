/// Bytes that are copied often: as many as are wanted, and then some that may be read but mean nothing, so that a copy
/// moves whole blocks and asks for no remainder.
final class PaddedBytes: @unchecked Sendable {
    // Unchecked because of the pointer: it is written in init alone, and lives as long as the object.

    /// How many bytes a copy moves at a time, and so how many follow the last.
    static let block = 16

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
}
