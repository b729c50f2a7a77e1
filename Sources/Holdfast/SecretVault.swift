import AuditTrail
import Credentials
import NIOConcurrencyHelpers
import StreamRuntime

/// Knows the secrets in use, so that none of them gets into a log or an audit line by way of what a server said.
public final class SecretVault: Sendable {
    /// More than are in use at a time; an older token has expired.
    private static let tokenLimit = 256

    private let secrets = NIOLockedValueBox((fixed: [String](), tokens: [String]()))

    /// A vault without secrets.
    public init() {}

    /// Takes the secrets of the configuration, in place of those it had.
    func replace(with plan: RuntimePlan) {
        var fixed: [String] = []
        for credential in plan.credentials.values {
            switch credential {
            case .oauth(let configuration): fixed.append(configuration.clientSecret.reveal())
            case .bearer(.inline(let token)): fixed.append(token.reveal())
            case .bearer, .none: break
            }
        }
        secrets.withLockedValue { $0.fixed = fixed }
    }

    /// Takes a token that was obtained.
    package func add(token: String) {
        guard !token.isEmpty else { return }
        secrets.withLockedValue { state in
            guard !state.tokens.contains(token) else { return }
            state.tokens.append(token)
            if state.tokens.count > Self.tokenLimit { state.tokens.removeFirst() }
        }
    }

    /// Replaces every secret in a text with `***`.
    public var redaction: @Sendable (String) -> String {
        AuditTrail.redaction { [self] in all }
    }

    /// The secrets now.
    public var all: [String] {
        secrets.withLockedValue { $0.fixed + $0.tokens }
    }
}
