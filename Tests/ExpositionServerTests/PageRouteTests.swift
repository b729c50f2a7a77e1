import Testing

@testable import ExpositionServer

@Suite struct PageRouteTests {
    @Test func thePageIsUnderAStrictPolicy() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let page = try test.answer("GET", "/")
        #expect(
            page["Content-Security-Policy"]
                == "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        #expect(page["X-Content-Type-Options"] == "nosniff")
        #expect(page["Referrer-Policy"] == "no-referrer")
        #expect(page["Cache-Control"] == "no-store")
        #expect(try test.answer("GET", "/?page=2").text == "<!doctype html><title>Holdfast 2</title>")
        for wrong in ["0", "-1", "x", "", "1000001", "99999999999999999999"] {
            #expect(try test.answer("GET", "/?page=\(wrong)").status == 400, "\(wrong)")
        }
    }

    @Test func whatIsConfiguredGoesBeforeWhatTheRouteSays() throws {
        let web = try WebConfiguration(headers: ["Content-Security-Policy": "default-src 'self'"])
        let test = try TestServer(web: web)
        defer { test.server.stop() }
        let policies = try test.answer("GET", "/").headers.filter { $0.name == "Content-Security-Policy" }
        #expect(policies.map(\.value) == ["default-src 'self'"])
    }

    @Test func filesAreKeptAndAskedAfter() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let file = try test.answer("GET", "/assets/page.js")
        #expect(file.status == 200 && file.body.count == 4_000)
        #expect(file["Content-Type"] == "text/javascript; charset=utf-8")
        #expect(file["Cache-Control"] == "no-cache" && file["X-Content-Type-Options"] == "nosniff")
        let tag = try #require(file["ETag"])
        for known in [tag, "\"x\", \(tag)", String(tag.dropFirst(2)), "*"] {
            let answer = try test.answer("GET", "/assets/page.js", ["If-None-Match: \(known)"])
            #expect(answer.status == 304 && answer["ETag"] == tag, "\(known)")
        }
        #expect(try test.answer("GET", "/assets/page.js", ["If-None-Match: \"x\""]).status == 200)
        let compressed = try test.answer("GET", "/assets/page.js", ["Accept-Encoding: gzip"])
        #expect(compressed["Content-Encoding"] == "gzip" && compressed.body.count < 200)
        for missing in ["/assets/none.js", "/assets/", "/assets/..%2Fpage.js", "/assets/a/b"] {
            #expect(try test.answer("GET", missing).status == 404, "\(missing)")
        }
    }

    @Test func theHistoryIsAskedFor() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        #expect(try test.answer("GET", "/api/v1/streams?history=true").text == "{\"history\":[]}")
        #expect(try test.answer("GET", "/api/v1/streams?history=maybe").status == 400)
    }

    @Test func tagsTellVersionsApart() {
        let one = PageAsset(contentType: "text/css", bytes: Array("a".utf8))
        let two = PageAsset(contentType: "text/css", bytes: Array("b".utf8))
        #expect(one.entityTag != two.entityTag)
        #expect(!two.isKnown(to: one.entityTag) && !one.isKnown(to: nil) && !one.isKnown(to: ""))
    }
}
