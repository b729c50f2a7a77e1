import Testing

@testable import WebSocketCodec

/// The parameters of permessage-deflate (RFC 7692, sections 5 and 7.1).
@Suite struct NegotiationTests {
    @Test func `a server takes an offer`() throws {
        let cases: [(offer: String, agreement: DeflateAgreement, response: String)] = [
            ("permessage-deflate", DeflateAgreement(), "permessage-deflate"),
            (DeflateAgreement.clientOffer, DeflateAgreement(), "permessage-deflate"),
            (
                "permessage-deflate; client_max_window_bits=10", DeflateAgreement(clientMaxWindowBits: 10),
                "permessage-deflate; client_max_window_bits=10"
            ),
            (
                "permessage-deflate;server_max_window_bits=\"9\" ; SERVER_no_context_takeover",
                DeflateAgreement(serverNoContextTakeover: true, serverMaxWindowBits: 9),
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=9"
            ),
            (
                "permessage-deflate; client_no_context_takeover",
                DeflateAgreement(clientNoContextTakeover: true), "permessage-deflate; client_no_context_takeover"
            ),
            // The first offer is not acceptable, the second is (section 7.1: unknown parameters decline).
            (
                "permessage-deflate; server_max_window_bits=16, x-other; a=b, "
                    + "permessage-deflate; server_max_window_bits=8",
                DeflateAgreement(serverMaxWindowBits: 8), "permessage-deflate; server_max_window_bits=8"
            ),
        ]
        for (offer, agreement, response) in cases {
            let answer = try #require(DeflateAgreement.negotiate(offer: offer), "\(offer)")
            #expect(answer.agreement == agreement)
            #expect(answer.response == response)
            // What a server of ours answers, a client of ours understands in the same way.
            #expect(try DeflateAgreement.agreed(response: response, offered: true) == agreement)
        }
    }

    static let unacceptable = [
        "", "x-webkit-deflate-frame", "permessage-deflate; unknown", "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=1 0",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9", "permessage-deflate;",
        "permessage-deflate; =", "permessage-deflate; server_max_window_bits=\"10", ";", "permessage deflate",
        "permessage-deflate; server_max_window_bits=\"\"",
    ]

    @Test(arguments: unacceptable)
    func `a server declines`(_ offer: String) {
        #expect(DeflateAgreement.negotiate(offer: offer)?.response == nil)
    }

    @Test(
        arguments: unacceptable.dropFirst() + [
            "permessage-deflate; client_max_window_bits", "permessage-deflate, permessage-deflate",
            "permessage-deflate, other",
        ])
    func `a client refuses`(_ response: String) {
        #expect(throws: HandshakeError.self) {
            try DeflateAgreement.agreed(response: response, offered: true)
        }
    }

    @Test func `a client refuses what it did not offer, and takes no answer as none`() throws {
        #expect(throws: HandshakeError.self) {
            try DeflateAgreement.agreed(response: "permessage-deflate", offered: false)
        }
        #expect(try DeflateAgreement.agreed(response: "", offered: true) == nil)
        #expect(try DeflateAgreement.agreed(response: " , ", offered: false) == nil)
    }

    @Test func `window bits stay in their range`() {
        let agreement = DeflateAgreement(serverMaxWindowBits: 3, clientMaxWindowBits: 99)
        #expect(agreement == DeflateAgreement(serverMaxWindowBits: 8, clientMaxWindowBits: 15))
    }
}
