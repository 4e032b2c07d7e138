# shellcheck shell=bash
# The framework's own has helpers for messages and passwords; these appliances need none.
