import StreamModel
import Testing

@testable import AuditTrail

@Suite struct CivilTimeTests {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z"),
        (1_795_342_502_113, "2026-11-22T10:15:02.113Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (.max, "9999-12-31T23:59:59.999Z"),
        (.min, "0000-01-01T00:00:00.000Z"),
    ])
    func writesRFC3339(_ milliseconds: Int64, _ expected: String) {
        var bytes: [UInt8] = []
        CivilTime.append(WallTime(milliseconds: milliseconds), to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }
}
