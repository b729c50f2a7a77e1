extension FuzzTarget {
    /// What this program can fuzz.
    static let all = [frames, handshake, matcher, profile, template, token, replay, request, server, webConfiguration]
}
