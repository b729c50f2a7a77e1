import Testing

@testable import Credentials

@Suite struct TokenAnswerTests {
    /// A letter may carry any number of accents and is still one character: what is bounded has to be smaller than that.
    @Test func `the words of a refusal are short whatever they are made of`() {
        let accents = String(repeating: "\u{301}", count: 20_000)
        let body = Array(#"{"error":"e\#(accents)","error_description":"hush-hush"}"#.utf8)
        let words = TokenAnswer.refusal(in: TokenResponse(status: 400, body: body), hiding: [Secret("hush-hush")])
        #expect(words.unicodeScalars.count == 300)
        #expect(words.unicodeScalars.starts(with: "e\u{301}\u{301}".unicodeScalars))
    }
}
