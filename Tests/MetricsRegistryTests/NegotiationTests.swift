import Testing

@testable import MetricsRegistry

@Suite struct NegotiationTests {
    static let text: [String?] = [
        nil, "", " ", "*/*", "text/plain", "text/*", "text/html", "application/json", "text/plain;version=0.0.4",
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        // OpenMetrics weighs less, nothing, or is of a version that is not spoken.
        "application/openmetrics-text;q=0.4,text/plain;q=0.5", "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0,*/*", "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=2.0.0,*/*;q=0.1",
        "application/openmetrics-text;charset=latin-1",
        // Not asked for by name: a tie is the text format's.
        "application/*,text/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        // Malformed.
        ";", "application/openmetrics-text;q=", "application/openmetrics-text;q=2",
        "application/openmetrics-text;q=0.1234",
        "application/openmetrics-text;q=-1", "application/openmetrics-text;q=nan", "application/openmetrics-text q=1",
        "application/openmetrics-text;version=\"1.0.0", "/", "application/", "application/openmetrics-text;q=1;q=0.5",
        "application/openmetrics-text\u{0}", "\u{e9}", "application/openmetrics-text, text/plain;;;=",
        String(repeating: "a", count: 100_000),
    ]

    @Test(arguments: text) func choosesText(accept: String?) {
        #expect(Negotiation.choose(accept: accept) == .text)
    }

    @Test(arguments: [
        "application/openmetrics-text", "application/openmetrics-text;version=1.0.0",
        "application/openmetrics-text; version=\"1.0.0\" ; charset=UTF-8",
        "APPLICATION/OpenMetrics-Text;Version=1.0.0;Q=0.1",
        "application/openmetrics-text,text/plain", "text/plain,application/openmetrics-text",
        ",, application/openmetrics-text ,",
        "application/openmetrics-text;q=0.5,text/plain;q=0.4", "application/openmetrics-text;q=0.5,*/*;q=0.5",
        "application/openmetrics-text;;q=1", "text/plain;q=0,*/*", "application/*;q=0.5,text/*;q=0.4",
        // What Prometheus 2 sends.
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    ])
    func choosesOpenMetrics(accept: String) {
        #expect(Negotiation.choose(accept: accept) == .openMetrics)
    }

    @Test func echoesTheEscaping() {
        // What Prometheus 3 sends.
        let format = Negotiation.choose(
            accept: "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
        #expect(format == ExpositionFormat(.openMetrics, escaping: .allowUTF8))
        #expect(
            format.contentType
                == "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8")
        #expect(
            Negotiation.choose(accept: "text/plain;version=0.0.4;escaping=underscores").contentType
                == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
        #expect(Negotiation.choose(accept: "text/plain;escaping=\"x\\\r\\\ny\"") == .text, "nothing unknown is echoed")
    }

    @Test func contentTypes() {
        #expect(ExpositionFormat.text.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(
            ExpositionFormat.openMetrics.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    }

    @Test(
        arguments: [
            ("gzip", true), ("GZIP", true), ("x-gzip", true), ("gzip, deflate, br", true), ("*", true),
            ("gzip;q=0.001", true),
            ("deflate, gzip;q=0.5", true), ("*;q=0.1", true), ("br;q=1, *;q=0.5", true), ("gzip, *;q=0", true),
            ("identity", false), ("", false), (nil, false), ("gzip;q=0", false), ("gzip;q=0.000", false),
            ("*;q=0", false),
            ("gzip;q=0, *", false), ("deflate", false), ("gzip;q=x", false), ("gzipped", false),
        ] as [(String?, Bool)])
    func gzip(header: String?, expected: Bool) {
        #expect(Negotiation.acceptsGzip(acceptEncoding: header) == expected)
    }

    @Test func survivesAnyBytes() {
        var random = SplitMix(state: 3)
        let alphabet = Array("aq/*;,=\"\\ .01 gzip".unicodeScalars)
        for _ in 0..<3_000 {
            var header = ""
            for _ in 0..<Int(random.next() % 24) {
                header.unicodeScalars.append(alphabet[Int(random.next() % UInt64(alphabet.count))])
            }
            #expect(Negotiation.choose(accept: header).escaping == nil)
            _ = Negotiation.acceptsGzip(acceptEncoding: header)
        }
    }
}
