import Glibc

/// The target that is fuzzed: chosen once, by the last argument `--target=NAME`, before libFuzzer begins.
private nonisolated(unsafe) var chosen: FuzzTarget?  // Unsafe: written once, before the only thread that reads it.

/// Called by libFuzzer at its start. `--list` prints the names of the targets; `--words` prints the target's words as a
/// dictionary, `--seeds` the folders that it begins from, and `--most` the longest input.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> Int32 {
    // libFuzzer hands over `argc` and `argv` of the process, which outlive this call.
    let words = (0..<Int(count.pointee)).compactMap { arguments.pointee[$0].map { String(cString: $0) } }
    if words.contains("--list") {
        for target in FuzzTarget.all { print(target.name) }
        exit(0)
    }
    let name = words.last { $0.hasPrefix("--target=") }?.dropFirst("--target=".count)
    guard let target = FuzzTarget.all.first(where: { $0.name == name ?? "" }) else {
        print("usage: fuzz --target=NAME [flags of libFuzzer] [folders]; --list names the targets")
        exit(64)
    }
    if words.contains("--words") {
        for word in target.words {
            print("\"" + word.utf8.map { "\\x" + String(256 + Int($0), radix: 16).dropFirst() }.joined() + "\"")
        }
        exit(0)
    }
    if words.contains("--seeds") {
        for folder in target.seeds { print(folder) }
        exit(0)
    }
    if words.contains("--most") {
        print(target.mostBytes)
        exit(0)
    }
    chosen = target
    return 0
}

/// Called by libFuzzer with each input, which is valid during the call.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let chosen else { return 0 }
    do {
        try chosen.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        print("FINDING \(chosen.name): \(error)")
        fflush(nil)
        abort()
    }
    return 0
}
