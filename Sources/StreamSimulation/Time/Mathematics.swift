#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

func naturalLogarithm(_ value: Double) -> Double { log(value) }
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// The process's own clock, to measure how fast a simulation is. Nothing that is simulated sees it.
enum Stopwatch {
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
