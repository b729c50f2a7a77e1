"""python3 -m unittest discover scripts: that check-docs.py finds what is wrong, and only that."""

import importlib.util
import pathlib
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent / ".build" / "debug" / "holdfast"

specification = importlib.util.spec_from_file_location("check_docs", HERE / "check-docs.py")
check_docs = importlib.util.module_from_spec(specification)
specification.loader.exec_module(check_docs)


def faults(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "document.md"
        path.write_text(text)
        return check_docs.Document(path, str(PROGRAM), pathlib.Path(folder)).check()


class Finds(unittest.TestCase):
    def one(self, text, word):
        found = faults(text)
        self.assertEqual(len(found), 1, found)
        self.assertIn(word, found[0])

    def test_a_configuration_with_a_mistake(self):
        self.one("```yaml a.yml\nstreams: []\nstrems: []\n```\n", "did you mean `streams`")

    def test_a_wrong_configuration_that_is_right(self):
        self.one("```yaml wrong.yml\nstreams: []\n```\n", "should have been refused")

    def test_a_stream_key_with_a_mistake(self):
        self.one("```yaml stream\nconect_timeout: 1s\n```\n", "conect_timeout")

    def test_a_part_with_a_mistake(self):
        self.one("```yaml part\nconnect_budget: {rate: -1}\n```\n", "expected a number")

    def test_a_profile_with_a_mistake(self):
        self.one("```yaml profile\nx:\n  endpoint: {}\n# stream:\ncredential: genesys\n```\n", "url")

    def test_a_fault_script_with_a_mistake(self):
        self.one("```yaml faults.yml\nsteps: [{at: 1s, fault: dorp}]\n```\n", "drop")

    def test_a_line_that_is_none_of_the_trail(self):
        self.one('```json audit\n{"event":"stream_live"}\n```\n', "no line of the trail")

    def test_a_command_that_fails(self):
        self.one("```console run\n$ false\n```\n", "status 1")

    def test_output_that_does_not_come(self):
        self.one("```console run\n$ echo one\ntwo\n```\n", "did not print `two`")

    def test_a_target_that_does_not_exist(self):
        self.one("```sh\nmake nonsense\n```\n", "nonsense")

    def test_blocks_that_nobody_looks_at(self):
        self.one("```console\n$ true\n```\n", "mark it")
        self.one("```console not-run:\n$ true\n```\n", "mark it")
        self.one("```yaml\na: 1\n```\n", "mark it")
        self.one("```\nwhatever\n```\n", "mark it")

    def test_configurations_of_others_with_a_mistake(self):
        self.one("```yaml prometheus\nscrape_config: []\n```\n", "scrape_config")
        self.one("```yaml values\nreplicas: 0\n```\n", "values of the chart")
        self.one("```yaml web\nbasic_auth_user: {}\n```\n", "basic_auth_user")
        self.one("```json\n{\n```\n", "no JSON")

    def test_links_that_lead_nowhere(self):
        self.one("[a](nowhere.md)\n", "nowhere.md")
        self.one("# Here\n\n[a](#there) [b](#here)\n", "#there")


class Passes(unittest.TestCase):
    def test_what_is_right(self):
        self.assertEqual(faults(
            "# A heading: with `code`\n[a](#a-heading-with-code)\n```yaml part\nstate: {directory: /tmp}\n```\n"
            "```console run\n$ echo one; echo two three\none\ntwo …\n```\n"
            "```console not-run: it ends the world\n$ false\n```\n```json\n{}\n```\n```yaml values\nreplicas: 2\n```\n"
            "```yaml web\ntls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n```\n"
            "```yaml part\ncredentials: {genesys: {type: bearer, token_file: \"${FOLDER}/x\"}}\n```\n"), [])


if __name__ == "__main__":
    unittest.main()
