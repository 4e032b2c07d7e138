# shellcheck shell=bash
# The framework's own has helpers for messages and passwords; appliances of ours need none.
