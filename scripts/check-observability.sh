#!/usr/bin/env bash
# Judges dashboards, rules and documents against the metrics that the program has, and the rules against their tests.
#
#     scripts/check-observability.sh CATALOGUE_NAMES_FILE [MUTATIONS]
#
# CATALOGUE_NAMES_FILE has one metric name a line (of a histogram: its base name). MUTATIONS is how many changes of the
# rules to try (0; `alerts/mutate.py` tries all). Needs promtool (Debian: prometheus), and Python with
# `grafana_foundation_sdk==1769699379!11.6.0` and `promql-parser`, in .build-venv or wherever `python3` finds them.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 ]]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 64
fi
names=$(realpath -- "$1")
mutations=${2:-0}
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
if [[ ! -s $names ]]; then
  echo "$names is empty or not there; it has to hold the names of all metrics, one a line" >&2
  exit 66
fi
if ! command -v promtool >/dev/null; then
  echo "promtool is not installed; it is part of Debian's package prometheus" >&2
  exit 69
fi
python=python3
if [[ -x .build-venv/bin/python ]]; then python=.build-venv/bin/python; fi

status=0
step() {
  echo "== $1"
  shift
  "$@" || status=1
}

# Without --lint-fatal, what the linter finds is told and not counted.
step "rules" promtool check rules --lint=all --lint-fatal alerts/holdfast.rules.yml
step "tests of the rules" promtool test rules alerts/tests/*.yml
step "dashboards are what generate.py writes" "$python" dashboards/generate.py --check
step "dashboards, rules and documents against the catalogue" "$python" dashboards/check.py "$names"
step "tests of the preview" "$python" -m unittest discover -s dashboards
if command -v amtool >/dev/null; then
  step "example of Alertmanager" amtool check-config examples/stack/alertmanager.yml
fi
step "example of Prometheus" promtool check config examples/stack/prometheus.yml
if [[ $mutations -gt 0 ]]; then
  step "mutations of the rules" "$python" alerts/mutate.py --sample "$mutations" --seed "${SEED:-$RANDOM}"
fi
exit $status
