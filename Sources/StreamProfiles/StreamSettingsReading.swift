public import ConfigurationReader
import StreamModel

extension StreamSettings {
    /// The keys that `read(from:)` reads: a stream's keys are these and its own.
    public static let keys = [
        "backoff", "on_exhausted", "rearm_after", "token_timeout", "connect_timeout", "ack_timeout", "heartbeat",
        "silence_timeout", "reorder_window", "close_timeout", "rollover_after", "rollover_jitter", "max_message_size",
    ]

    /// The settings that `mapping` gives; its other keys are the caller's. Mistakes are reported and left out.
    public static func read(from mapping: ConfigurationMapping) -> StreamSettings {
        var settings = StreamSettings()
        settings.backoff = mapping["backoff"].map(readBackoff) ?? Backoff()
        settings.onExhausted = mapping["on_exhausted"]?.enumeration()
        settings.rearmAfter = mapping["rearm_after"]?.duration(in: orOff)
        settings.tokenTimeout = mapping["token_timeout"]?.duration(in: timeout)
        settings.connectTimeout = mapping["connect_timeout"]?.duration(in: timeout)
        settings.ackTimeout = mapping["ack_timeout"]?.duration(in: timeout)
        let heartbeat = mapping["heartbeat"]?.mapping(keys: ["interval", "timeout"])
        settings.heartbeatInterval = heartbeat?["interval"]?.duration(in: orOff)
        settings.heartbeatTimeout = heartbeat?["timeout"]?.duration(in: timeout)
        settings.silenceTimeout = mapping["silence_timeout"]?.duration(in: orOff)
        settings.reorderWindow = mapping["reorder_window"]?.duration(in: .zero ... .seconds(3600))
        settings.closeTimeout = mapping["close_timeout"]?.duration(in: timeout)
        settings.rolloverAfter = mapping["rollover_after"]?.duration(in: orOff)
        settings.rolloverJitter = mapping["rollover_jitter"]?.double(in: 0...1)
        settings.maximumMessageSize = mapping["max_message_size"]?.size(in: 1024...(1 << 30))
        return settings
    }

    /// The settings that `value`, the configuration's `defaults:`, gives.
    public static func read(from value: ConfigurationValue) -> StreamSettings {
        value.mapping(keys: keys).map { read(from: $0) } ?? StreamSettings()
    }

    private static let timeout = Duration.milliseconds(1) ... .seconds(3600)
    private static let orOff = Duration.zero ... .seconds(365 * 86_400)

    private static func readBackoff(_ value: ConfigurationValue) -> Backoff {
        var backoff = Backoff()
        let keys = ["base", "cap", "multiplier", "jitter", "max_attempts", "reset_after"]
        guard let mapping = value.mapping(keys: keys) else { return backoff }
        backoff.base = mapping["base"]?.duration(in: .milliseconds(1) ... .seconds(86_400))
        backoff.cap = mapping["cap"]?.duration(in: .milliseconds(1) ... .seconds(86_400))
        backoff.multiplier = mapping["multiplier"]?.double(in: 1...100)
        backoff.jitter = mapping["jitter"].flatMap(readJitter)
        backoff.maxAttempts = mapping["max_attempts"]?.int(in: 0...1_000_000)
        backoff.resetAfter = mapping["reset_after"]?.duration(in: orOff)
        if let base = backoff.base, let cap = backoff.cap, cap < base {
            mapping["cap"]?.error(
                "`cap` is \(DurationGrammar.format(cap)), less than `base`, \(DurationGrammar.format(base)); raise it")
        }
        return backoff
    }

    private static func readJitter(_ value: ConfigurationValue) -> BackoffPolicy.Jitter? {
        guard let mapping = value.mapping(keys: ["kind", "ratio"]), let kind = mapping.required("kind") else {
            return nil
        }
        let jitter: BackoffPolicy.Jitter? = kind.choice([
            ("additive", .additive(ratio: 0.4)), ("full", .full), ("equal", .equal),
            ("decorrelated", .decorrelated), ("none", BackoffPolicy.Jitter.none),
        ])
        guard let ratio = mapping["ratio"] else { return jitter }
        guard case .additive? = jitter else {
            if jitter != nil { ratio.error("`ratio` belongs to jitter of the kind `additive`; remove it") }
            return jitter
        }
        return ratio.double(in: 0...1).map { .additive(ratio: $0) }
    }
}
