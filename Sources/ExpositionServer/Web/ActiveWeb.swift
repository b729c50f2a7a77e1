internal import Glibc

/// A web configuration in force: what each request and each handshake looks at.
final class ActiveWeb: Sendable {
    let headers: [(name: String, value: String)]
    let tls: TLSCredentials?
    /// What a daemon needs to start; nil without TLS.
    let material: TLSMaterial?
    let users: [String: BcryptHash]
    let limiter: RequestLimiter?
    let origin: WebConfigurationOrigin?

    /// Plain HTTP for everybody.
    init() {
        headers = []
        users = [:]
        (tls, material, limiter, origin) = (nil, nil, nil, nil)
    }

    /// Reads the files that `configuration` names; nil is plain HTTP for everybody.
    init(_ configuration: WebConfiguration?) throws(ExpositionServerError) {
        headers = configuration?.headers.map { (name: $0.key, value: $0.value) }.sorted { $0.name < $1.name } ?? []
        users = configuration?.users.compactMapValues { BcryptHash($0) } ?? [:]
        limiter = configuration?.rateLimit.map { RequestLimiter($0) }
        origin = configuration?.origin
        if let tls = configuration?.tls {
            let material = try TLSMaterial(tls)
            self.material = material
            self.tls = try TLSCredentials(tls, material: material)
        } else {
            material = nil
            tls = nil
        }
    }
}

/// The token bucket of `rate_limit`.
final class RequestLimiter: Sendable {
    private struct State {
        var tokens: Double
        var updated: MonotonicTime?
    }

    private let state: Monitor<State>
    private let interval: Double
    private let burst: Double

    init(_ limit: RequestRateLimit) {
        let (seconds, attoseconds) = limit.interval.components
        interval = max(1e-9, Double(seconds) + Double(attoseconds) * 1e-18)
        burst = Double(max(0, limit.burst))
        state = Monitor(State(tokens: burst))
    }

    /// Whether one more request is to be answered.
    func allows(now: MonotonicTime) -> Bool {
        state.withLock { state in
            if let updated = state.updated {
                let passed = Double(now.nanoseconds &- min(now.nanoseconds, updated.nanoseconds)) * 1e-9
                state.tokens = min(burst, state.tokens + passed / interval)
            }
            state.updated = now
            guard state.tokens >= 1 else { return false }
            state.tokens -= 1
            return true
        }
    }
}

/// Whether files have changed since they were last looked at.
struct FileStamps {
    private struct Stamp: Equatable {
        var inode: UInt64
        var device: UInt64
        var size: Int64
        var modified: Int
        var modifiedNanoseconds: Int
        var changed: Int
        var changedNanoseconds: Int
    }

    private var stamps: [String: Stamp] = [:]

    /// The stamps of `files` as they are now. Symbolic links are followed: that is how secrets are swapped under a
    /// running container.
    init(_ files: [String]) {
        for file in files { stamps[file] = Self.stamp(file) }
    }

    /// Whether one of them is another now; takes note of it.
    mutating func haveChanged(_ files: [String]) -> Bool {
        let now = Self(files)
        defer { self = now }
        return now.stamps != stamps
    }

    private static func stamp(_ path: String) -> Stamp? {
        var buffer = stat()
        guard stat(path, &buffer) == 0 else { return nil }
        return Stamp(
            inode: UInt64(buffer.st_ino), device: UInt64(buffer.st_dev), size: Int64(buffer.st_size),
            modified: buffer.st_mtim.tv_sec, modifiedNanoseconds: buffer.st_mtim.tv_nsec,
            changed: buffer.st_ctim.tv_sec, changedNanoseconds: buffer.st_ctim.tv_nsec)
    }
}
