public import StreamModel

/// A token that somebody else renews: written in the configuration, in an environment variable, or in a file that is
/// read again when it changes.
public struct BearerCredential: Sendable {
    /// Where the token is.
    public enum Source: Hashable, Sendable {
        /// In the configuration.
        case inline(Secret)
        /// In the environment variable of this name, as it was when the process started.
        case environment(String)
        /// In the file at this path.
        case file(String)
    }

    /// More than any token has.
    private static let maximumFileSize = 64 << 10

    private let source: Source
    private let environment: @Sendable (String) -> String?
    private let files: any TokenFileReading
    private var token: Token?
    private var stamp: TokenFileStamp?
    private var generation: UInt64 = 0
    private var refusals = RefusalLedger()

    /// A credential whose token is in `source`.
    public init(
        _ source: Source, environment: @escaping @Sendable (String) -> String? = { _ in nil },
        files: any TokenFileReading = SystemTokenFiles()
    ) {
        self.source = source
        self.environment = environment
        self.files = files
    }

    /// Takes a fact in, and gives the orders that follow from it, in order.
    public mutating func handle(_ input: CredentialInput, at now: Instant, wall: WallTime) -> [CredentialOutput] {
        switch input {
        case .tokenWanted(let requester, _):
            return want(requester, at: now)
        case .tokenAccepted(let requester), .requesterGone(let requester):
            refusals.forget(requester)
            return []
        case .tokenRefused(let requester, let generation, let status, let detail):
            // The stamp may be the same for a content that is not, on file systems with coarse clocks.
            stamp = nil
            let judgment = refusals.judge(requester: requester, generation: generation, isRenewable: false)
            return [
                .event(.rejected(.init(cause: judgment.cause, status: status, detail: detail)), requester: requester),
                .refusalJudged(requester: requester, judgment.consequence),
            ]
        case .tokenUnwanted, .responseReceived, .requestFailed, .deadlineReached:
            return []
        }
    }

    private mutating func want(_ requester: UInt64, at now: Instant) -> [CredentialOutput] {
        do throws(TokenFileError) {
            let (text, readStamp) = try read()
            if let problem = TokenAnswer.problem(with: text) {
                throw TokenFileError(description: "\(place): the token \(problem)")
            }
            stamp = readStamp
            if let token, token.value.reveal() == text { return [.deliver(token, to: [requester])] }
            generation += 1
            let fresh = Token(
                value: Secret(text), generation: generation, fetchedAt: now, expiry: TokenAnswer.expiry(ofJWT: text))
            token = fresh
            return [
                .event(.refreshed(expiry: fresh.expiry), requester: requester), .deliver(fresh, to: [requester]),
            ]
        } catch {
            return [.fail([requester], AttemptFailure(reason: .token, detail: error.description))]
        }
    }

    private var place: String {
        switch source {
        case .inline: "the configured token"
        case .environment(let name): "environment variable \(name)"
        case .file(let path): "token file \(path)"
        }
    }

    private func read() throws(TokenFileError) -> (text: String, stamp: TokenFileStamp?) {
        switch source {
        case .inline(let secret): return (secret.reveal(), nil)
        case .environment(let name):
            guard let value = environment(name) else {
                throw TokenFileError(description: "\(place) is not set; set it to the token")
            }
            return (value, nil)
        case .file(let path):
            do throws(TokenFileError) {
                let current = try files.stamp(of: path)
                if current == stamp, let token { return (token.value.reveal(), current) }
                return (Self.trimmed(try files.read(path, limit: Self.maximumFileSize)), current)
            } catch {
                throw TokenFileError(description: "token file \(error); write the token into it")
            }
        }
    }

    /// Editors and `echo` end a file with a newline.
    private static func trimmed(_ bytes: [UInt8]) -> String {
        var text = bytes[...]
        while let last = text.last, last == 0x0A || last == 0x0D || last == 0x20 || last == 0x09 { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
    }
}
