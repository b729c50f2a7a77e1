import Foundation
import NIOConcurrencyHelpers

/// One page in the browser, and all that it complained of and asked for.
final class BrowserPage: Sendable {
    struct Log {
        /// Exceptions, errors of the console, and violations of the policy.
        var problems: [String] = []
        /// The address of every request.
        var requests: [String] = []
    }

    private let browser: Chromium
    private let target: String
    private let session: String
    private let log = NIOLockedValueBox(Log())

    var problems: [String] { log.withLockedValue { $0.problems } }
    var requests: [String] { log.withLockedValue { $0.requests } }

    /// Opens `url` in a window of this size, as somebody would see it who prefers `scheme` (`light` or `dark`).
    init(
        _ browser: Chromium, url: String, width: Int = 1440, height: Int = 900, scheme: String = "light",
        isScripted: Bool = true
    ) async throws {
        self.browser = browser
        target = try await Self.text("targetId", of: browser.call("Target.createTarget", ["url": "about:blank"]))
        session = try await Self.text(
            "sessionId", of: browser.call("Target.attachToTarget", ["targetId": target, "flatten": true]))
        browser.listen(to: session) { [log] event in
            log.withLockedValue { Self.note(event, in: &$0) }
        }
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"] {
            _ = try await browser.call("\(domain).enable", session: session)
        }
        try await resize(width: width, height: height)
        _ = try await browser.call(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": scheme]]], session: session)
        if !isScripted {
            _ = try await browser.call("Emulation.setScriptExecutionDisabled", ["value": true], session: session)
        }
        _ = try await browser.call("Page.navigate", ["url": url], session: session)
    }

    func resize(width: Int, height: Int) async throws {
        _ = try await browser.call(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false], session: session)
    }

    func close() async {
        _ = try? await browser.call("Target.closeTarget", ["targetId": target])
    }

    private static func text(_ key: String, of answer: Data) throws -> String {
        let object = try JSONSerialization.jsonObject(with: answer) as? [String: Any]
        guard let text = (object?["result"] as? [String: Any])?[key] as? String else {
            throw Chromium.Failure(
                description: "Chromium's answer has no \(key): \(String(decoding: answer, as: UTF8.self))")
        }
        return text
    }

    private static func note(_ event: Chromium.Event, in log: inout Log) {
        guard let object = try? JSONSerialization.jsonObject(with: event.json) as? [String: Any],
            let parameters = object["params"] as? [String: Any]
        else { return }
        let text = String(decoding: event.json.prefix(2_000), as: UTF8.self)
        switch event.method {
        case "Runtime.exceptionThrown": log.problems.append(text)
        case "Runtime.consoleAPICalled":
            if ["error", "warning", "assert"].contains(parameters["type"] as? String) { log.problems.append(text) }
        case "Log.entryAdded":
            let level = (parameters["entry"] as? [String: Any])?["level"] as? String
            if level == "error" || level == "warning" { log.problems.append(text) }
        case "Audits.issueAdded":
            let code = (parameters["issue"] as? [String: Any])?["code"] as? String
            if code == "ContentSecurityPolicyIssue" { log.problems.append(text) }
        case "Network.requestWillBeSent":
            let request = parameters["request"] as? [String: Any]
            log.requests.append(request?["url"] as? String ?? text)
        default: break
        }
    }

    /// What an expression (or a promise) comes to, as a string.
    @discardableResult
    func evaluate(_ expression: String) async throws -> String {
        let answer = try await browser.call(
            "Runtime.evaluate",
            [
                "expression": "(async () => String(await (\(expression))))()", "awaitPromise": true,
                "returnByValue": true,
            ],
            session: session)
        let object = try JSONSerialization.jsonObject(with: answer) as? [String: Any]
        let result = object?["result"] as? [String: Any]
        if let exception = result?["exceptionDetails"] {
            throw Chromium.Failure(description: "\(expression): \(exception)")
        }
        return (result?["result"] as? [String: Any])?["value"] as? String ?? ""
    }

    /// Waits for an expression to become true; fails after 20 seconds with what the page shows then.
    func wait(for condition: String) async throws {
        let shown = try await evaluate(
            """
            new Promise((resolve) => {
              const end = performance.now() + 20000;
              const look = () => {
                let holds = false;
                try { holds = Boolean(\(condition)); } catch {}
                if (holds) resolve("");
                else if (performance.now() > end) resolve("late: " + document.body.innerText.slice(0, 2000));
                else setTimeout(look, 20);
              };
              look();
            })
            """)
        if !shown.isEmpty { throw Chromium.Failure(description: "never came: \(condition)\n\(shown)\n\(problems)") }
    }

    /// Presses a key as a person would.
    func press(_ key: String) async throws {
        let text = key.count == 1 ? key : key == "Enter" ? "\r" : ""
        for type in ["keyDown", "keyUp"] {
            var parameters: [String: Any] = ["type": type, "key": key]
            if !text.isEmpty, type == "keyDown" { parameters["text"] = text }
            _ = try await browser.call("Input.dispatchKeyEvent", parameters, session: session)
        }
    }

    func type(_ text: String) async throws {
        _ = try await browser.call("Input.insertText", ["text": text], session: session)
    }

    func screenshot() async throws -> Data {
        let answer = try await browser.call("Page.captureScreenshot", ["format": "png"], session: session)
        guard let data = Data(base64Encoded: try Self.text("data", of: answer)) else {
            throw Chromium.Failure(description: "the screenshot is no base64")
        }
        return data
    }
}
