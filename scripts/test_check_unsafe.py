"""python3 -m unittest discover scripts: which comments check-unsafe.py takes for a reason."""

import importlib.util
import pathlib
import tempfile
import textwrap
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent / "check-unsafe.py"
specification = importlib.util.spec_from_file_location("check_unsafe", SCRIPT)
check = importlib.util.module_from_spec(specification)
specification.loader.exec_module(check)


def missing(text):
    """The lines of `text` that lack a reason."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.swift"
        path.write_text(textwrap.dedent(text))
        return [line for line, _, has_reason in check.judge(path) if not has_reason]


class Reasons(unittest.TestCase):
    def test_what_has_none_is_named(self):
        self.assertEqual(missing("final class A: @unchecked Sendable {}\n"), [1])
        self.assertEqual(missing("nonisolated(unsafe) var a = 1\n"), [1])
        self.assertEqual(missing("func f(_ bytes: UnsafeRawBufferPointer) {}\n"), [1])
        self.assertEqual(missing("x.withUnsafeBytes { $0.count }\nx.withUTF8 { $0.count }\n"), [1, 2])

    def test_a_comment_about_something_else_is_no_reason(self):
        self.assertEqual(missing("/// A class.\nfinal class A: @unchecked Sendable {}\n"), [2])

    def test_a_reason_stands_beside_above_or_around(self):
        self.assertEqual(missing("var p: UnsafePointer<Int> // Unsafe: C's.\n"), [])
        self.assertEqual(missing("/// Unchecked: guarded by a lock.\n@frozen\nfinal class A: @unchecked Sendable {}\n"), [])
        self.assertEqual(missing("final class A: @unchecked Sendable {\n    // Unchecked: guarded by a lock.\n}\n"), [])
        self.assertEqual(missing("// The pointer is C's.\nfunc f() {\n    if a {\n        b.withUnsafeBytes {}\n    }\n}\n"), [])
        self.assertEqual(missing("// Unsafe pointers: C's.\n\nimport Glibc\n\nlet a = b as OpaquePointer\n"), [])

    def test_a_reason_is_not_for_the_neighbour(self):
        self.assertEqual(missing("// The pointer is C's.\nfunc f() {\n}\n\nfunc g() {\n    b.withUnsafeBytes {}\n}\n"), [])
        self.assertEqual(
            missing("import A\n\n// The pointer is C's.\nfunc f() {\n}\n\nfunc g() {\n    b.withUnsafeBytes {}\n}\n"), [8])

    def test_texts_and_comments_are_no_code(self):
        self.assertEqual(missing('let a = "UnsafePointer"\n// UnsafePointer\n'), [])

    def test_the_tree_itself(self):
        self.assertEqual(check.main([]), 0)


if __name__ == "__main__":
    unittest.main()
