internal import StreamModel

/// Remembers who was refused, to tell a stale token from a credential that is wrong.
///
/// By requester, because one stream may lack a permission that the others have: their success with the same token says
/// nothing about it.
struct RefusalLedger: Sendable {
    /// The newest generation that each requester was refused with since it was last accepted.
    private var refused: [UInt64: UInt64] = [:]

    /// What a refusal means. The first may be a stale token's; the second, of a token that is newer than the first
    /// (or of one that cannot be renewed), is the credential's.
    mutating func judge(
        requester: UInt64, generation: UInt64, isRenewable: Bool
    ) -> (cause: CredentialEvent.Rejection.Cause, consequence: AttemptFailure.Consequence) {
        let previous = refused[requester]
        refused[requester] = max(generation, previous ?? 0)
        if let previous, generation > previous || !isRenewable { return (.authRejected, .retryAtCap) }
        return (.refusedToken, .retryWithNewToken)
    }

    mutating func forget(_ requester: UInt64) {
        refused[requester] = nil
    }
}
