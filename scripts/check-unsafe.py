#!/usr/bin/env python3
"""Names every place in Sources where the compiler's guarantees are given up, and fails where no reason stands beside it.

    scripts/check-unsafe.py [--list] [FOLDER...]     without folders: Sources

A reason is a comment that speaks of it: one with the word "unsafe", "unchecked", "pointer" or "raw memory". It counts where it
stands on the line itself, directly above it, or directly above or at the beginning of a declaration or a block around it; a
type's own comment thus covers the type, and a file's first lines the whole file.
"""

import pathlib
import re
import sys

UNSAFE = re.compile(
    r"@unchecked\b|nonisolated\(unsafe\)|\bUnsafe\w*Pointer\b|\bUnmanaged\b|\bOpaquePointer\b|@unsafe\b|\bunsafe[A-Z]\w*"
    r"|\bwith(?:Contiguous\w*|Unsafe\w*|UTF8)\b|\bassumingMemoryBound\b|\bwithMemoryRebound\b|\bunowned\(unsafe\)"
)
REASON = re.compile(r"unsafe|unchecked|pointer|raw memory", re.IGNORECASE)
COMMENT = re.compile(r"^\s*//")


def parts(line):
    """The code and the comment of a line. Texts are blanked, so that what they hold is neither."""
    code = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
    head, mark, tail = code.partition("//")
    return head, mark + tail


def indentation(line):
    return len(line) - len(line.lstrip())


def block(lines, index, step):
    """The comment that begins at `index`, read on in the direction of `step`; attributes and conditions are passed over."""
    text = []
    while 0 <= index < len(lines):
        line = lines[index]
        if COMMENT.match(line):
            text.append(line)
        elif not (step < 0 and re.match(r"\s*(@\w+|#if|#endif)\b", line)):
            break
        index += step
    return "\n".join(text)


def reasons(lines, index):
    """The comments that can give the reason for what stands in line `index`."""
    yield parts(lines[index])[1]
    yield block(lines, index - 1, -1)
    if lines[index].rstrip().endswith("{"):
        yield block(lines, index + 1, 1)
    depth = indentation(lines[index])
    for above in range(index - 1, -1, -1):
        line = lines[above]
        if not line.strip() or COMMENT.match(line) or indentation(line) >= depth:
            continue
        depth = indentation(line)
        # What ends a signature or a condition belongs to what began it, further up at the same depth.
        if line.lstrip()[0] in ")}":
            depth += 1
            yield block(lines, above + 1, 1)
            continue
        yield block(lines, above - 1, -1)
        yield block(lines, above + 1, 1)
    yield block(lines, 0, 1)


def judge(path):
    """Each unsafe place of a file: its line, what it is, and whether there is a reason."""
    lines = path.read_text().splitlines()
    for index, line in enumerate(lines):
        found = UNSAFE.search(parts(line)[0])
        if found:
            yield index + 1, found.group(), any(REASON.search(text) for text in reasons(lines, index))


def main(arguments):
    root = pathlib.Path(__file__).resolve().parent.parent
    folders = [argument for argument in arguments if not argument.startswith("--")] or [root / "Sources"]
    files = sorted(file for folder in folders for file in pathlib.Path(folder).rglob("*.swift"))
    places = missing = 0
    for file in files:
        for line, what, has_reason in judge(file):
            places += 1
            missing += not has_reason
            if not has_reason or "--list" in arguments:
                name = file.relative_to(root) if file.is_relative_to(root) else file
                print(f"{name}:{line}: {what}" + ("" if has_reason else ": no reason; say in a comment why it is sound"))
    if missing or "--list" in arguments:
        print(f"{places} unsafe places, {missing} of them without a reason")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
