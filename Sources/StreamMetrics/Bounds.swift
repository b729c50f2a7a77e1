/// The upper bounds of the histograms, in seconds.
enum Bounds {
    /// Latencies of a reconnect and its phases: from a handshake within one data centre (5 ms) to the largest timeout
    /// that is usual (30 s). Two or three bounds a decade keep the error of a quantile below a factor of two; 1, 5, 10
    /// and 30 s are there because they are the default acknowledgment, connect and handshake timeouts and the objectives
    /// that people set.
    static let latency: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

    /// Outages: from a reconnect at once (100 ms) over the steps of the backoff (1 s to 30 s, and their sums) to the
    /// parking and rearming of an exhausted stream (15 min) and an hour, beyond which only the count matters.
    static let outage: [Double] = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800, 3600]

    /// Scrapes: a few streams take less than half a millisecond, ten thousand some tens of them; a second is a tenth of
    /// Prometheus' default timeout.
    static let scrape: [Double] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]
}
