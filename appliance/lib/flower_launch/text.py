"""Text of others (a SuperLink, an app, Flower's log), fit for systemd, the journal and the state file: src/core/text.ts."""

import re
import unicodedata

# Sequences for a terminal: colours and other commands; titles and links, which end with BEL or ESC \\.
SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
)
# What Unicode says to ignore, but calls neither a control nor a format character: fillers, selectors of variants.
IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
PLAIN_ASCII = re.compile(r"[\x20-\x7e]*\Z")
# Of a text of any size only so much is looked at for each character that may stay.
LOOKED_AT = 8
CUT = "..."
LONGEST_LINE, MOST_LINES = 4000, 200


def is_invisible(character):
    """Control and format characters, lone surrogates, private use, unassigned, separators of lines and paragraphs."""
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp") or IGNORABLE.match(character) is not None


def plain_line(line, most=LONGEST_LINE):
    """One line with a blank for each invisible character; its indentation stays. At most `most` characters."""
    seen = line[: most + 1]
    if not PLAIN_ASCII.match(seen):
        seen = "".join(" " if is_invisible(character) else character for character in seen)
    return seen if len(seen) <= most else seen[: most - len(CUT)] + CUT


def plain(text, most=300):
    """One line without invisible characters and sequences, blanks collapsed, at most `most` characters (at least 4)."""
    seen = text[: LOOKED_AT * most]
    line = " ".join(plain_line(SEQUENCES.sub("", seen), len(seen) + 1).split())
    if len(line) <= most and len(seen) == len(text):
        return line
    return line[: most - len(CUT)] + CUT


def plain_lines(text):
    """The lines of a text for the journal, without empty ones: each as plain_line() gives it, without sequences."""
    lines = SEQUENCES.sub("", text[: MOST_LINES * LONGEST_LINE]).splitlines()
    shown = [plain_line(line) for line in lines if line.strip()]
    return shown if len(shown) <= MOST_LINES else [*shown[:MOST_LINES], CUT]
