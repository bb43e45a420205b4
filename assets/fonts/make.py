"""Make the lab's fonts from Inter and STIX (both SIL OFL 1.1): only the characters that the lab uses, and for
Inter its tabular figures in place of the proportional ones and no kerning (it also moves digits), because a text
layout without OpenType feature switches would otherwise let numbers jitter. Modified fonts must not carry the reserved names, so they are renamed.

    pip install fonttools
    python make.py /usr/share/fonts/opentype
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

LATIN = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) | {0x2DC, 0x2C6, 0x304, 0x302}
GREEK = set(range(0x391, 0x3D7)) | {0x1FB1, 0x3F5}
SIGNS = {ord(c) for c in "–—‘’“”…•′″‹›€←↑→↓↔−×÷±√∞∂∇∑∏∫≈≠≤≥·∈∥‖⋅∝∼𝔼ᵀ₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻\u2009\u202f\u2002"}


def make(source: Path, name: str, target: Path, tabular: bool) -> None:
    font = TTFont(source)
    if tabular:
        gsub = font["GSUB"].table
        lookups = {i for f in gsub.FeatureList.FeatureRecord if f.FeatureTag == "tnum" for i in f.Feature.LookupListIndex}
        swap = {}
        for index in lookups:
            for part in gsub.LookupList.Lookup[index].SubTable:
                swap.update(getattr(part, "ExtSubTable", part).mapping)
        for table in font["cmap"].tables:
            for code, glyph in list(table.cmap.items()):
                if chr(code) in "0123456789+−":
                    table.cmap[code] = swap.get(glyph, glyph)
        # The semibold 4 is a hair narrower than its sisters.
        digits = [font.getBestCmap()[ord(digit)] for digit in "0123456789"]
        width = max(font["hmtx"][glyph][0] for glyph in digits)
        for glyph in digits:
            font["hmtx"][glyph] = (width, font["hmtx"][glyph][1])
    options = subset.Options(layout_features=["mark", "ccmp"] if tabular else ["kern", "mark", "ccmp"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=LATIN | GREEK | SIGNS)
    subsetter.subset(font)
    family, style = name.rsplit(" ", 1)
    names = {1: family, 2: style, 3: name, 4: name, 6: name.replace(" ", "")}
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames = [name.replace(" ", "")]
        cff.topDictIndex[0].rawDict.update(FullName=name, FamilyName=family)
    font.save(target)


def main() -> None:
    fonts, here = Path(sys.argv[1]), Path(__file__).parent
    for weight in ["Regular", "SemiBold"]:
        make(fonts / f"inter/Inter-{weight}.otf", f"Compass Sans {weight}", here / f"CompassSans-{weight}.otf", True)
    for style in ["Regular", "Italic"]:
        make(fonts / f"stix/STIXGeneral-{style}.otf", f"Compass Maths {style}", here / f"CompassMaths-{style}.otf", False)


if __name__ == "__main__":
    main()
