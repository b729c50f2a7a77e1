// The unsafe pointer is `read`'s, with its length, and for the call alone.

internal import Glibc

/// The standard `process_*` metrics, read from `/proc` at every scrape.
///
/// Where `/proc` cannot be read, the values are those of the last time that it could, 0 before that.
public final class ProcessMetrics: Sendable {
    private let cpu: DurationCounter
    private let openDescriptors: IntegerGauge
    private let maxDescriptors: Gauge
    private let virtualMemory: IntegerGauge
    private let virtualMemoryMax: Gauge
    private let residentMemory: IntegerGauge
    private let startTime: DurationGauge
    private let threads: IntegerGauge
    /// Nanoseconds of the monotonic clock.
    private let nextListing = Locked<Int64>(0)

    /// Registers the metrics, and refreshes them before every scrape of `registry` for as long as it lives.
    @discardableResult
    public static func register(in registry: MetricsRegistry) throws(RegistryError) -> ProcessMetrics {
        let metrics = try ProcessMetrics(registry)
        metrics.refresh()
        registry.onScrape { metrics.refresh() }
        return metrics
    }

    /// What is exposed, in that order.
    public static let families = Keys().declaration.families

    private struct Keys {
        var declaration: SeriesDeclaration
        let cpu: SeriesKey<DurationCounter>
        let openDescriptors, virtualMemory, residentMemory, threads: SeriesKey<IntegerGauge>
        let maxDescriptors, virtualMemoryMax: SeriesKey<Gauge>
        let startTime: SeriesKey<DurationGauge>

        init() {
            var series = SeriesDeclaration(writers: .many)
            cpu = series.durationCounter(
                "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
            openDescriptors = series.integerGauge("process_open_fds", "Number of open file descriptors.")
            maxDescriptors = series.gauge("process_max_fds", "Maximum number of open file descriptors.")
            virtualMemory = series.integerGauge(
                "process_virtual_memory_bytes", "Virtual memory size in bytes.", unit: "bytes")
            virtualMemoryMax = series.gauge(
                "process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.",
                unit: "bytes")
            residentMemory = series.integerGauge(
                "process_resident_memory_bytes", "Resident memory size in bytes.", unit: "bytes")
            startTime = series.durationGauge(
                "process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
            threads = series.integerGauge("process_threads", "Number of threads of the process.")
            declaration = series
        }
    }

    private init(_ registry: MetricsRegistry) throws(RegistryError) {
        let keys = Keys()
        let group = try registry.register(keys.declaration).makeGroup()
        cpu = group[keys.cpu]
        openDescriptors = group[keys.openDescriptors]
        maxDescriptors = group[keys.maxDescriptors]
        virtualMemory = group[keys.virtualMemory]
        virtualMemoryMax = group[keys.virtualMemoryMax]
        residentMemory = group[keys.residentMemory]
        startTime = group[keys.startTime]
        threads = group[keys.threads]
        try registry.add(group)
    }

    private func refresh() {
        if let stat = ProcessStatistics.parse(Self.read("/proc/self/stat")) {
            let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
            // Another scrape may be a moment ahead: a counter only advances.
            cpu.advance(toNanoseconds: stat.cpuTicks &* (1_000_000_000 / ticks))
            threads.set(stat.threads)
            virtualMemory.set(stat.virtualBytes)
            residentMemory.set(stat.residentPages &* UInt64(max(0, sysconf(Int32(_SC_PAGESIZE)))))
            // Once: the wall clock may be set, and the start stays what it was.
            if startTime.nanoseconds == 0 {
                let sinceBoot = Int64(clamping: stat.startTicks &* (1_000_000_000 / ticks))
                startTime.set(nanoseconds: Self.clock(CLOCK_REALTIME) &- Self.clock(CLOCK_BOOTTIME) &+ sinceBoot)
            }
        }
        if let count = countDescriptors() { openDescriptors.set(count) }
        maxDescriptors.set(Self.limit(.init(RLIMIT_NOFILE.rawValue)))
        virtualMemoryMax.set(Self.limit(.init(RLIMIT_AS.rawValue)))
    }

    /// The soft limit of `resource`; +Inf where there is none, as client libraries of other languages have it -1 or 2⁶⁴.
    private static func limit(_ resource: __rlimit_resource_t) -> Double {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        return limit.rlim_cur == rlim_t.max ? .infinity : Double(limit.rlim_cur)
    }

    private static func clock(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return 0 }
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Looking at each one takes a microsecond: with ten thousand connections that would be most of a scrape. Linux 6.2
    /// and later say how many there are; before that they are counted once a second, whoever scrapes how often.
    func countDescriptors() -> UInt64? {
        var folder = stat()
        if stat("/proc/self/fd", &folder) == 0, folder.st_size > 0 { return UInt64(folder.st_size) }
        let now = Self.clock(CLOCK_MONOTONIC)
        let isDue = nextListing.withLock { next in
            defer { if now >= next { next = now + 1_000_000_000 } }
            return now >= next
        }
        return isDue ? Self.listDescriptors() : nil
    }

    static func listDescriptors() -> UInt64? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count: UInt64 = 0
        while readdir(directory) != nil { count += 1 }
        // Neither `.` nor `..` is a descriptor, and the third is that of the directory itself.
        return count > 3 ? count - 3 : 0
    }

    /// The beginning of a file of `/proc`; empty where it cannot be read.
    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

/// What `/proc/self/stat` tells (proc(5)).
struct ProcessStatistics: Hashable {
    var cpuTicks: UInt64
    var threads: UInt64
    var startTicks: UInt64
    var virtualBytes: UInt64
    var residentPages: UInt64

    /// Reads the line; nil where it is not such a line.
    static func parse(_ line: String) -> ProcessStatistics? {
        // The second field, the program's name, may hold spaces and parentheses: count from the last one.
        guard let end = line.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = line[line.utf8.index(after: end)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
        // fields[0] is number 3 of proc(5).
        guard fields.count > 21, let user = UInt64(fields[11]), let system = UInt64(fields[12]),
            let threads = UInt64(fields[17]), let start = UInt64(fields[19]), let virtual = UInt64(fields[20]),
            let resident = UInt64(fields[21])
        else { return nil }
        return ProcessStatistics(
            cpuTicks: user &+ system, threads: threads, startTicks: start, virtualBytes: virtual,
            residentPages: resident)
    }
}
