import NIOCore
public import StreamModel

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The wall clock, as an input: tests and simulations bring their own.
public struct WallClock: Sendable {
    /// The time now.
    public let now: @Sendable () -> WallTime

    /// A clock that reads `now`.
    public init(now: @escaping @Sendable () -> WallTime) {
        self.now = now
    }

    /// The system's clock.
    public static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

extension EventLoop {
    /// The monotonic time of this loop, which is virtual where the loop is.
    var instant: Instant {
        Instant(nanoseconds: Int64(clamping: now.uptimeNanoseconds))
    }

    /// Runs `task` on this loop at `instant`.
    @preconcurrency
    func schedule(at instant: Instant, _ task: @escaping @Sendable () -> Void) -> Scheduled<Void> {
        scheduleTask(deadline: .uptimeNanoseconds(UInt64(clamping: instant.nanoseconds)), task)
    }
}

/// A small seeded generator (S. Vigna, SplitMix64): jitter needs spread, not secrecy, and a seed repeats a run.
struct StreamRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
