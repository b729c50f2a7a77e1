extension FaultScript {
    /// What `holdfast demo` shows in two minutes, and then again: drops with full replay, a gap, duplicates, events out
    /// of order, a burst of 502, a refused token, a missing acknowledgment, a partial replay, a silence, a stale token,
    /// messages of an old session, and numbers that start anew. The same as ``demoText``.
    ///
    /// The times leave room for a backoff of 1 s, doubled, plus 40 %, in a client whose retry count goes back to 0
    /// after a few seconds: one that waits longer for that runs out of retries here.
    public static let demo = FaultScript(
        seed: 10_046,
        steps: [
            FaultStep(.at(.seconds(5)), .drop(.reset)),
            FaultStep(.at(.seconds(12)), .gap(count: 3)),
            FaultStep(.at(.seconds(17)), .duplicate(count: 5)),
            FaultStep(.at(.seconds(22)), .reorder(distance: 2, count: 3)),
            FaultStep(.at(.seconds(28)), .badGateway(.count(3))),
            FaultStep(.at(.seconds(28)), .drop(.finish)),
            FaultStep(.at(.seconds(50)), .refuseToken(.count(1))),
            FaultStep(.at(.seconds(50)), .close(code: 1_011, reason: "internal error")),
            FaultStep(.at(.seconds(60)), .noAcknowledgment(.count(1))),
            FaultStep(.at(.seconds(60)), .drop(.reset)),
            FaultStep(.at(.seconds(75)), .partialReplay(keep: 1, .count(1))),
            FaultStep(.at(.seconds(75)), .slowHandshake(.seconds(2), .count(1))),
            FaultStep(.at(.seconds(75)), .drop(.finish)),
            FaultStep(.at(.seconds(84)), .halfOpen(for: .seconds(20))),
            FaultStep(.at(.seconds(105)), .staleTokenClose(.reason)),
            FaultStep(.at(.seconds(112)), .flush(count: 3, .count(1))),
            FaultStep(.at(.seconds(112)), .drop(.reset)),
            FaultStep(.at(.seconds(119)), .numberReset),
        ],
        period: .seconds(130))

    /// ``demo`` as people write it: an example to start from.
    public static let demoText = """
        # The faults of `holdfast demo`. `holdfast gateway` takes a file like this one.
        seed: 10046
        repeat: 2m10s
        steps:
          # Gone without a word; everything missed is replayed.
          - {at: 5s, fault: drop}
          # Three numbers that were never sent.
          - {at: 12s, fault: {gap: 3}}
          # Five events that are sent twice.
          - {at: 17s, fault: {duplicate: 5}}
          # Three events, each of which comes after two later ones.
          - {at: 22s, fault: {reorder: {distance: 2, count: 3}}}
          # The next three handshakes are answered with 502.
          - {at: 28s, fault: {bad_gateway: {times: 3}}}
          - {at: 28s, fault: {drop: fin}}
          # The next token is refused with 401.
          - {at: 50s, fault: refuse_token}
          - {at: 50s, fault: {close: {code: 1011, reason: internal error}}}
          # The next acknowledgment never comes.
          - {at: 60s, fault: no_ack}
          - {at: 60s, fault: drop}
          # Of what is missed, only the newest event is replayed: the others are lost.
          - {at: 75s, fault: {partial_replay: 1}}
          - {at: 75s, fault: {slow_handshake: 2s}}
          - {at: 75s, fault: {drop: fin}}
          # Open, but dead.
          - {at: 84s, fault: {half_open: 20s}}
          # A close that means: fetch a new token.
          - {at: 105s, fault: {stale_token_close: reason}}
          # Three messages of the old session before the acknowledgment.
          - {at: 112s, fault: {flush: 3}}
          - {at: 112s, fault: drop}
          # Numbering starts anew.
          - {at: 119s, fault: number_reset}

        """
}
