"""Reads a scrape with both parsers of prometheus_client, the strict ones, and prints what they found.

usage: parse.py text|openmetrics FILE
"""
import sys

try:
    from prometheus_client import openmetrics, parser
    from prometheus_client.openmetrics import parser as openmetrics_parser
except ImportError:
    sys.exit("prometheus_client is missing: pip install prometheus_client, or run `make deps`")

kind, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    text = file.read()
read = {"text": parser, "openmetrics": openmetrics_parser}[kind].text_string_to_metric_families
seen = set()
for family in read(text):
    print(family.type, family.name, len(family.samples))
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        if key in seen:
            sys.exit(f"two samples are {key}")
        seen.add(key)
