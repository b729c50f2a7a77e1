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
