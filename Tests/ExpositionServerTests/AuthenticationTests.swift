import Testing

@testable import ExpositionServer

@Suite struct AuthenticationTests {
    /// bcrypt of "secret" at the least cost.
    static let hash = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

    @Test func goodBadAndUnknownUsers() throws {
        let test = try TestServer(web: try WebConfiguration(users: ["scraper": Self.hash]))
        defer { test.server.stop() }
        let expected: [(header: String?, status: Int)] = [
            (nil, 401), ("Basic c2NyYXBlcjpzZWNyZXQ=", 200), ("basic  c2NyYXBlcjpzZWNyZXQ=", 200),
            // scraper:wrong, nobody:secret, scraper:secret\0more, scraper (no colon), not base64, other scheme
            ("Basic c2NyYXBlcjp3cm9uZw==", 401), ("Basic bm9ib2R5OnNlY3JldA==", 401),
            ("Basic c2NyYXBlcjpzZWNyZXQAbW9yZQ==", 401), ("Basic c2NyYXBlcg==", 401), ("Basic !!!!", 401),
            ("Bearer c2NyYXBlcjpzZWNyZXQ=", 401), ("Basic", 401), ("Basic c2NyYXBlcjpzZWNyZXQ=", 200),
        ]
        let client = try test.client()
        for path in ["/metrics", "/-/healthy"] {
            for (header, status) in expected {
                client.request("GET", path, header.map { ["Authorization: \($0)"] } ?? [])
                let answer = try client.readAnswer()
                #expect(answer.status == status, "\(path) \(header ?? "none")")
                #expect(answer["WWW-Authenticate"] == (status == 401 ? "Basic" : nil))
            }
        }
    }

    @Test func failuresAreLimitedAndWhatIsProvenStillPasses() throws {
        let test = try TestServer(web: try WebConfiguration(users: ["scraper": Self.hash]))
        defer { test.server.stop() }
        let client = try test.client()
        func status(_ credentials: String) throws -> Int {
            client.request("GET", "/-/healthy", ["Authorization: Basic \(credentials)"])
            return try client.readAnswer().status
        }
        #expect(try status("c2NyYXBlcjpzZWNyZXQ=") == 200)
        let wrong = try (0..<60).map { _ in try status("c2NyYXBlcjp3cm9uZw==") }
        #expect(wrong.first == 401 && wrong.contains(429))
        #expect(try status("c2NyYXBlcjpzZWNyZXQ=") == 200)
    }

    @Test func aBucketRefillsWithTime() {
        let start = MonotonicTime.now()
        var bucket = FailureBucket(now: start)
        for _ in 0..<20 { bucket.take(now: start) }
        #expect(bucket.isExhausted(now: start.advanced(byMilliseconds: 499)))
        #expect(!bucket.isExhausted(now: start.advanced(byMilliseconds: 500)))
        #expect(bucket.isFull(now: start.advanced(byMilliseconds: 10_000)))
    }

    @Test func hashesAreValidated() {
        #expect(BcryptHash(Self.hash)?.cost == 4)
        for text in ["", "secret", String(Self.hash.dropLast()), "$1" + Self.hash.dropFirst(2), Self.hash + "x"] {
            #expect(BcryptHash(text) == nil)
        }
        for cost in [4, 10, 31] { #expect(BcryptHash.decoy(cost: cost)?.cost == cost) }
        let error = #expect(throws: ExpositionServerError.self) { try WebConfiguration(users: ["a": "plain"]) }
        #expect(error?.description.contains("the password of “a” is no bcrypt hash") == true)
    }

    @Test func headersAreValidated() {
        for headers in [["X-Other": "1"], ["X-Frame-Options": "maybe"], ["X-XSS-Protection": "a\r\nb"]] {
            #expect(throws: ExpositionServerError.self) { try WebConfiguration(headers: headers) }
        }
    }

    @Test func base64() {
        #expect(Base64.decode(Array("aGk=".utf8)) == Array("hi".utf8))
        #expect(Base64.decode(Array("+/8=".utf8)) == [0xFB, 0xFF])
        for text in ["a", "a===", "====", "a=b=", "aGk", "aG k"] { #expect(Base64.decode(Array(text.utf8)) == nil) }
    }
}
