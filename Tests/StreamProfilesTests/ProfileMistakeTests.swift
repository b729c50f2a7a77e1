import ConfigurationReader
import StreamModel
import StreamProfiles
import Testing

@Suite("Mistakes in a profile")
struct ProfileMistakeTests {
    @Test("the smallest profile there can be")
    func smallest() throws {
        let (profile, mistakes) = profile("endpoint: {url: \"wss://example.org/stream\"}")
        #expect(mistakes.isEmpty)
        #expect(profile?.acknowledgment == .firstMessageOrQuiet)
        #expect(profile?.token.isUsed == false)
        #expect(StreamProfilesTests.profile("").mistakes == ["p.yaml:1:1: `endpoint` is missing; add it"])
    }

    @Test("unknown variables")
    func variables() {
        #expect(
            mistakes("variables: {topics: {type: strings}}\nopen:\n  send: {a: \"{topcis}\", b: \"{zzz}\"}") == [
                "p.yaml:3:13: unknown variable `{topcis}`; did you mean `{topics}`?",
                "p.yaml:3:28: unknown variable `{zzz}`; declare it under `variables`, capture it, "
                    + "or write `{{` for the brace itself",
            ])
        #expect(
            mistakes("open: {send: {n: \"{last_sequence}\"}}")
                == ["p.yaml:1:18: unknown variable `{last_sequence}`; it has a value only on resume and in heartbeats"])
        #expect(
            mistakes("variables: {topics: {type: strings}}\nopen: {send: {a: \"x-{topics}\"}}")
                == ["p.yaml:2:18: `{topics}` is a list and can't stand inside a text; let it stand alone"])
        #expect(
            mistakes("open: {send: {a: \"{b\", c: \"}\", d: \"{X}\", e: \"{{b}}\"}}") == [
                "p.yaml:1:18: `{` without `}`; close it, or write `{{` for the brace itself",
                "p.yaml:1:27: `}` without `{`; write `}}` for the brace itself",
                "p.yaml:1:35: `{X}` names no variable; write `{{` for the brace itself",
            ])
        #expect(
            mistakes("variables: {token: {type: string}, Bad: {type: string}, x: {type: strng}, url: {type: url}}") == [
                "p.yaml:1:13: `token` has a meaning of its own; take another name",
                "p.yaml:1:36: `Bad` is no name of a variable; use small letters, digits and `_`",
                "p.yaml:1:67: expected one of `string`, `integer`, `boolean`, `strings`, `genesys_environment`, `url`, "
                    + "found `strng`; did you mean `string`?",
                "p.yaml:1:75: `url` has a meaning of its own; take another name",
            ])
    }

    @Test("bad pointers")
    func pointers() {
        #expect(
            mistakes("sequence: {at: sequence}\nidentifier: /a~2\nmessages: {hello: {type: hello}}") == [
                "p.yaml:1:16: a JSON pointer begins with `/`; write `/sequence`",
                "p.yaml:2:13: `~` in a JSON pointer is written `~0`, and `/` in a name `~1`",
                "p.yaml:3:20: a JSON pointer begins with `/`; write `/type`",
            ])
    }

    @Test("messages that are no JSON")
    func messages() {
        #expect(
            mistakes("open: {send: hello}\nheartbeat: {send: [1, .inf]}\nmessages: {heartbeat_answer: {/a: 1}}") == [
                "p.yaml:1:14: a message is JSON, so it must be a mapping or a list, but this is a string",
                "p.yaml:2:23: `.inf` is no number in JSON; write it in digits, or in quotes",
            ])
        #expect(
            mistakes("heartbeat: {send: {op: 1}}")
                == ["p.yaml:1:19: nothing can answer this heartbeat; add `heartbeat_answer` under `messages`"])
    }

    @Test("acknowledgments that can never match")
    func neverMatching() {
        #expect(
            mistakes("open: {acknowledged_by: {/type: ack, /type/x: 1}}")
                == ["p.yaml:1:25: can never match: `/type` can't be a single value and hold `/type/x` too"])
        #expect(
            mistakes("open: {acknowledged_by: {/type: ack, /ok: true}}\nmessages: {refusal: {/type: ack}}") == [
                "p.yaml:1:25: can never match: every such message is taken for `refusal`; make that one narrower"
            ])
        #expect(
            mistakes("open: {acknowledged_by: {/type: []}}")
                == ["p.yaml:1:33: can never match: none of no values; add some"])
        #expect(
            mistakes("open: {acknowledged_by: {}}")
                == ["p.yaml:1:25: a pattern without a condition recognises every message; add one such as `/type: ack`"]
        )
        #expect(
            mistakes("live_when: acknowledged")
                == [
                    "p.yaml:1:12: live when acknowledged, but nothing can acknowledge; "
                        + "add `acknowledged_by` under `open`"
                ])
        #expect(
            mistakes("live_when: open\nopen: {acknowledged_by: {/type: ack}}")
                == ["p.yaml:1:12: `acknowledged_by` is given but not waited for; write `acknowledged`, or remove it"])
    }

    @Test("requests, statuses, closes and the rest")
    func others() {
        #expect(
            mistakes(
                """
                prepare:
                  - {method: FETCH, url: "{api}/x", statuses: {200: stop, 4xx: nope}}
                  - {url: https://a.example, capture: {token: /a}, check: {list: /a}}
                closes: {final: [1000, 99, 1001], throttled: [1000]}
                defaults: {backoff: {base: 2s, cap: 1s, jitter: {kind: full, ratio: 0.1}}, hartbeat: {}}
                """)
                == [
                    "p.yaml:2:14: expected one of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, found `FETCH`",
                    "p.yaml:2:26: unknown variable `{api}`; declare it under `variables`, capture it, "
                        + "or write `{{` for the brace itself",
                    "p.yaml:2:48: `200` is no status that refuses; write one such as 403, or `5xx`",
                    "p.yaml:2:64: expected one of `retry`, `new_token`, `retry_at_cap`, `prepare_anew`, `stop`, found `nope`",
                    "p.yaml:3:40: there is a variable `token` already; take another name",
                    "p.yaml:3:59: `item` is missing in `prepare[1].check`; add it",
                    "p.yaml:3:59: `state` is missing in `prepare[1].check`; add it",
                    "p.yaml:3:59: `rejected` is missing in `prepare[1].check`; add it",
                    "p.yaml:4:24: expected a whole number from 1000 to 4999, found `99`",
                    "p.yaml:4:35: code 1000 is under `final` already; it has one meaning",
                    "p.yaml:5:37: `cap` is 1s, less than `base`, 2s; raise it",
                    "p.yaml:5:69: `ratio` belongs to jitter of the kind `additive`; remove it",
                    "p.yaml:5:76: unknown key `hartbeat`; did you mean `heartbeat`?",
                ])
        #expect(
            profile("endpoint: {url: \"https://example.org\", resume_query: {a: b}, headers: {\"a b\": c}}").mistakes
                == [
                    "p.yaml:1:17: the address of a WebSocket begins with wss:// or ws://",
                    "p.yaml:1:40: `resume_query` is never used without `resume`; add that, or remove this",
                    "p.yaml:1:72: `a b` is no name of a header; use letters, digits and `-`",
                ])
    }

    @Test("a catalogue takes the sound ones")
    func catalogue() throws {
        var catalogue = ProfileCatalogue.builtIn
        let text = "good: {endpoint: {url: wss://a.example}}\nbad: {endpoint: 1}\n"
        let document = ConfigurationDocument(text: text, file: "h.yml")
        catalogue.add(from: try #require(document.root))
        #expect(catalogue.profile(named: "good") != nil)
        #expect(catalogue.profile(named: "bad") == nil)
        #expect(
            document.diagnostics.map(\.description)
                == ["h.yml:2:17: expected a mapping of keys to values, found an integer"])
        let stream = ConfigurationDocument(text: "genesys-arkitect", file: "h.yml")
        #expect(stream.root.flatMap(catalogue.profile(namedBy:)) == nil)
        #expect(
            stream.diagnostics.map(\.description)
                == ["h.yml:1:1: unknown profile `genesys-arkitect`; did you mean `genesys-architect`?"])
    }
}

@Suite("What a stream gives to its profile")
struct StreamVariableTests {
    @Test("missing, wrong and unknown values")
    func mistakes() throws {
        let architect = try builtIn("genesys-architect")
        #expect(
            variables(of: architect, "name: a").mistakes == [
                "s.yml:1:1: `environment` is missing, which profile `genesys-architect` needs; add it, or a `url`",
                "s.yml:1:1: `subscriptions` is missing, which profile `genesys-architect` needs; add it",
            ])
        #expect(variables(of: architect, "subscriptions: [a]", hasURL: true).mistakes.isEmpty)
        #expect(
            variables(of: architect, "{environment: https://x, subscriptions: []}").mistakes == [
                "s.yml:1:15: expected a domain such as usw2.pure.cloud, without scheme or path",
                "s.yml:1:41: the list is empty; `subscriptions` needs at least one item",
            ])
        let (values, warnings) = variables(
            of: architect, "{environment: usw3.pure.cloud, subscriptions: [a, a], state_directive: keep}")
        #expect(values == nil)
        #expect(
            warnings == [
                "s.yml:1:15: warning: `usw3.pure.cloud` is no domain of Genesys Cloud that is known here; "
                    + "did you mean `usw2.pure.cloud`?",
                "s.yml:1:51: warning: `a` is in the list twice",
                "s.yml:1:72: expected one of `preserve`, `reset`, found `keep`",
            ])
        #expect(variables(of: architect, "{environment: x.example, subscriptions: [a]}").values != nil)
    }

    @Test("an address from a prepared request can't be replaced; what it is made of can")
    func prepared() throws {
        let notifications = try builtIn("genesys-notifications")
        for (url, origin) in [
            ("ws://127.0.0.1:9400/a/b?c", "http://127.0.0.1:9400"), ("wss://a.example", "https://a.example"),
            ("http://a.example?x", "http://a.example"), ("https://[::1]:1/", "https://[::1]:1"),
        ] {
            let (values, wrong) = variables(of: notifications, "{url: \"\(url)\", subscriptions: [a]}", hasURL: true)
            #expect(wrong.isEmpty)
            #expect(values?["api_url"] == .string(origin))
        }
        #expect(
            variables(of: notifications, "{url: \"ftp://a\", subscriptions: [a]}", hasURL: true).mistakes == [
                "s.yml:1:7: expected an address such as https://api.example.org, with its scheme and without spaces"
            ])
        #expect(
            variables(of: notifications, "{subscriptions: [a]}").mistakes == [
                "s.yml:1:1: `environment` is missing, which profile `genesys-notifications` needs; add it, or a `url`"
            ])
        let values = variables(of: notifications, "{api_url: \"http://127.0.0.1:9400/\", subscriptions: [a]}").values
        #expect(values?["api_url"] == .string("http://127.0.0.1:9400"))
        let many = (0...1000).map { "t\($0)" }.joined(separator: ", ")
        #expect(
            variables(of: notifications, "{environment: usw2.pure.cloud, subscriptions: [\(many)]}").mistakes == [
                "s.yml:1:47: 1001 items, but the service takes at most 1000; divide them among streams"
            ])
    }

    @Test("settings: built-in, profile, defaults, stream, the later over the earlier")
    func settings() throws {
        func settings(_ text: String) throws -> StreamSettings {
            let document = ConfigurationDocument(text: text, file: "s.yml")
            let settings = StreamSettings.read(from: try #require(document.root))
            #expect(document.diagnostics.isEmpty)
            return settings
        }
        let defaults = try settings("{backoff: {cap: 20s, jitter: {kind: equal}}, ack_timeout: 7s}")
        let stream = try settings(
            "{backoff: {jitter: {kind: additive, ratio: 0.1}}, on_exhausted: exit, max_message_size: 2MiB}")
        let profile = try builtIn("genesys-architect")
        let merged = defaults.overridden(by: stream)
        let policy = profile.policy(merged)
        #expect(policy.backoff.cap == .seconds(20))
        #expect(policy.backoff.jitter == .additive(ratio: 0.1))
        #expect(policy.backoff.maxAttempts == 10)
        #expect(policy.ackTimeout == .seconds(7))
        #expect(policy.onExhausted == .exit)
        #expect(policy.tokenTimeout == .seconds(30))
        #expect(profile.maximumMessageSize(merged) == 2 << 20)
        #expect(profile.maximumMessageSize() == 1 << 20)
    }

    @Test("every key of a stream is read, and merged")
    func allSettings() throws {
        let text = """
            backoff: {base: 1ms, cap: 2ms, multiplier: 3, jitter: {kind: none}, max_attempts: 4, reset_after: 5ms}
            on_exhausted: exit
            rearm_after: 6ms
            token_timeout: 7ms
            connect_timeout: 8ms
            ack_timeout: 9ms
            heartbeat: {interval: 10ms, timeout: 11ms}
            silence_timeout: 12ms
            reorder_window: 13ms
            close_timeout: 14ms
            rollover_after: 15ms
            rollover_jitter: 0.5
            max_message_size: 2KiB
            """
        let document = ConfigurationDocument(text: text, file: "s.yml")
        let settings = StreamSettings.read(from: try #require(document.root))
        #expect(document.diagnostics.isEmpty)
        #expect(StreamSettings().overridden(by: settings) == settings)
        #expect(settings.overridden(by: StreamSettings()) == settings)
        var policy = StreamPolicy()
        settings.apply(to: &policy)
        #expect(policy.backoff.base == .milliseconds(1) && policy.backoff.cap == .milliseconds(2))
        #expect(policy.backoff.multiplier == 3 && policy.backoff.jitter == .none && policy.backoff.maxAttempts == 4)
        #expect(policy.backoff.resetAfter == .milliseconds(5) && policy.rearmAfter == .milliseconds(6))
        #expect(policy.tokenTimeout == .milliseconds(7) && policy.connectTimeout == .milliseconds(8))
        #expect(policy.ackTimeout == .milliseconds(9) && policy.heartbeat.interval == .milliseconds(10))
        #expect(policy.heartbeat.timeout == .milliseconds(11) && policy.silenceTimeout == .milliseconds(12))
        #expect(policy.reorderWindow == .milliseconds(13) && policy.closeTimeout == .milliseconds(14))
        #expect(policy.rolloverAfter == .milliseconds(15) && policy.rolloverJitter == 0.5)
    }
}
