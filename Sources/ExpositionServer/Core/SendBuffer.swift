internal import Glibc

/// How much of an answer the kernel takes ahead of its client.
///
/// By itself it lets a fast client's buffer grow to megabytes, which are cold when they are read, and which make the
/// other connections of the thread wait: a scrape of ten thousand streams costs half as much again, and takes twice as
/// long. A slow client would keep as much memory for as long as it pleases.
enum SendBuffer {
    /// Enough for 80 MB/s at the longest round trip for which it is set. The kernel doubles it, for what it needs itself.
    static let bytes: Int32 = 256 * 1024
    /// From further away more has to be under way at a time: there the kernel's own adaptation stays.
    static let longestRoundTripMicroseconds: UInt32 = 5000

    /// Bounds the buffer of a connection that has just been accepted.
    static func bound(_ descriptor: Int32) {
        var information = tcp_info()
        var size = socklen_t(MemoryLayout<tcp_info>.size)
        // What the handshake took.
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &information, &size) == 0,
            information.tcpi_rtt <= longestRoundTripMicroseconds
        else { return }
        var bytes = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
}
