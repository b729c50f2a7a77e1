"""python3 -m unittest discover scripts: the bugs of plants.txt can be planted, and the copy that they go into is right."""

import importlib.util
import pathlib
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def load():
    specification = importlib.util.spec_from_file_location("plant", HERE / "plant.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Plants(unittest.TestCase):
    def setUp(self):
        self.plant = load()
        self.bugs = self.plant.read((HERE / "plants.txt").read_text())

    def test_each_can_be_planted_in_the_sources_as_they_are(self):
        self.assertEqual([], list(self.plant.misfits(HERE.parent, self.bugs)))

    def test_each_is_in_the_table_of_the_document_and_no_other(self):
        text = (HERE.parent / "docs/simulation.md").read_text().split("## Planted bugs", 1)[1].split("\n## ", 1)[0]
        rows = [line.split(" | ")[0].removeprefix("| ") for line in text.splitlines() if line.startswith("| ")]
        self.assertEqual(["bug"] + [name for name, _ in self.bugs], rows)

    def test_a_text_that_is_gone_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            told = list(self.plant.misfits(pathlib.Path(folder), [("a bug", [("Sources/A.swift", "old", "new")])]))
        self.assertEqual(["a bug: Sources/A.swift: the text to replace is there 0 times:\nold"], told)

    def test_a_copy_has_what_the_sources_have_and_is_left_alone_where_nothing_changed(self):
        with tempfile.TemporaryDirectory() as folder:
            root, tree = pathlib.Path(folder) / "root", pathlib.Path(folder) / "tree"
            for file in ["Package.swift", "Sources/A/A.swift", "Sources/A/B.swift", "Sources/.build/C.swift"]:
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_text(file)
            tree.mkdir()
            self.plant.copy(root, tree)
            self.assertFalse((tree / "Sources/.build").exists())
            made = (tree / "Sources/A/A.swift").stat()
            (root / "Sources/A/B.swift").unlink()
            before = self.plant.plant(tree, [("Package.swift", "Package", "Planted")])
            self.assertEqual("Planted.swift", (tree / "Package.swift").read_text())
            self.assertEqual(["Package.swift"], list(before.values()))
            self.plant.copy(root, tree)
            self.assertEqual("Package.swift", (tree / "Package.swift").read_text())
            self.assertFalse((tree / "Sources/A/B.swift").exists())
            self.assertEqual(made, (tree / "Sources/A/A.swift").stat())


if __name__ == "__main__":
    unittest.main()
