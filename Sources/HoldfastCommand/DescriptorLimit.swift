import Glibc
import Logging

/// The limit of open descriptors: raised as far as it may be, since each stream takes one.
enum DescriptorLimit {
    /// Beside the streams: the endpoint's clients, files, and a hand-over's second sockets.
    private static let reserve: rlim_t = 512

    static func raise(streams: Int, logger: Logger) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        let needed = rlim_t(streams) + reserve
        guard limit.rlim_cur < needed else { return }
        logger.warning(
            """
            \(streams) streams need about \(needed) descriptors, but only \(limit.rlim_cur) may be open; raise the \
            limit (LimitNOFILE= in a systemd unit, or ulimit -n)
            """)
    }
}
