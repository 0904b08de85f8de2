"""Characters that look right on paper and are not part of the language: what to type for each."""

from __future__ import annotations

import re
import unicodedata

_OPERATORS = {
    **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\u2015\ufe63\uff0d", "'-'"),
    **dict.fromkeys("\u00d7\u00b7\u22c5\u2219\u2022\u2217\u2715\u2a2f", "'*'"),
    **dict.fromkeys("\u00f7\u2044\u2215\u2571", "'/'"),
    **dict.fromkeys("\u2264\u2a7d\u2266", "'<='"), **dict.fromkeys("\u2265\u2a7e\u2267", "'>='"),
    "\u2260": "'!='", "\u2261": "'=='", "\u2227": "'and'", "\u2228": "'or'", "\u00ac": "'not'", "\u2190": "'='", "\u2254": "'='",
    "\u221a": "sqrt(...)", "\u221b": "a power, x**(1/3)", "\u221e": "inf", "\u2211": "the terms with '+', or a (summed) variable of synapses",
}  # fmt: skip
_DASHES = "\u2212\u2010\u2011\u2012\u2013\u2014\u2015"
_POWERS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b"
_QUOTES = "\u2018\u2019\u201c\u201d\u2032\u2033\u00b4\u00ab\u00bb\u201e"


def explain_character(here: str, start: str) -> tuple[str, str] | None:
    """The message and the hint for the first character of ``here``; None where it is one of the language's own.

    ``start``: the kind of text.
    """
    c = here[0]
    if (c.isascii() and c.isprintable()) or c in "\t\n\r\f":
        return None
    shown = f"'{c}'"
    if c in _DASHES:
        return f"{shown} is a dash, not a minus sign", "write '-'"
    if c in _OPERATORS:
        words = {"'*'": "multiply with '*'", "'/'": "divide with '/'"}
        what = "an operator" if _OPERATORS[c].startswith("'") else "part of the language"
        return f"{shown} is not {what}", words.get(_OPERATORS[c], f"write {_OPERATORS[c]}")
    if c in _POWERS:
        digits = unicodedata.normalize("NFKC", re.match(f"[{_POWERS}]+", here).group())
        return f"{shown} is not an operator", f"write a power as v**{digits}".replace("\u2212", "-")
    if c == "\u00b5":
        return f"{shown} cannot be part of a name", "write 'u' for micro: uV, us"
    if c in _QUOTES:
        if start == "equations" and re.match(r".\s*=", here):
            return "a prime is not part of the language", "write a derivative as dx/dt = ... : unit"
        return f"{shown} is a quotation mark, and not part of the language", "remove it"
    if c in "\u2202\u2206\u0307\u0308":
        return f"{shown} is not part of the language", "write a derivative as dx/dt = ... : unit"
    return _letter(c, shown) or _blank(c, shown)


def _letter(c: str, shown: str) -> tuple[str, str] | None:
    plain = unicodedata.normalize("NFKC", c)
    if plain != c and plain.isascii() and plain.isprintable() and plain.strip():
        return f"{shown} (U+{ord(c):04X}) is not part of the language", f"write '{plain}'"
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)( SYMBOL)?", unicodedata.name(c, ""))
    symbol = re.fullmatch(r"GREEK (\w+) SYMBOL", unicodedata.name(c, ""))
    if greek or symbol:
        name = (greek.group(2) if greek else symbol.group(1)).replace("LAMDA", "LAMBDA")
        name = name.capitalize() if greek and greek.group(1) == "CAPITAL" else name.lower()
        name += "_" if name == "lambda" else ""  # a word of Python: group.lambda could not be written
        also = {"Omega": ", or 'ohm' for the unit", "mu": ", or 'u' for micro: uV, us"}.get(name, "")
        return f"{shown} cannot be part of a name", f"write '{name}'{also}"
    if c == "\u2126":
        return f"{shown} cannot be part of a name", "write 'ohm'"
    if unicodedata.category(c)[0] in "LMN":
        return f"{shown} cannot be part of a name", "a name consists of the letters a to z, digits and underscores"
    return None


def _blank(c: str, shown: str) -> tuple[str, str]:
    name = unicodedata.name(c, "a control character").lower()
    if unicodedata.category(c) in ("Zs", "Zl", "Zp"):
        return f"this is no plain blank but U+{ord(c):04X}, {name}", "replace it by a blank"
    if unicodedata.category(c)[0] == "C":
        return f"an invisible character, U+{ord(c):04X} ({name}), stands here", "remove it"
    return f"{shown} is not part of the language", "use the operators, names and numbers of the keyboard"
