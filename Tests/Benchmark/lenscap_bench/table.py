"""What was measured, against what it should be."""


class Table:
    def __init__(self):
        self.figures = []

    def add(self, name, value, target, unit="", most=True, note=""):
        """A figure that should be at most (or else at least) `target`."""
        met = value <= target if most else value >= target
        self.figures.append({
            "name": name, "value": round(value, 4), "target": target, "unit": unit,
            "bound": "at most" if most else "at least", "met": met, "note": note,
        })

    def fail(self, name, reason):
        """A case that could not be measured."""
        self.figures.append({"name": name, "value": None, "met": False, "note": reason})

    @property
    def all_met(self):
        return all(figure["met"] for figure in self.figures)

    def show(self):
        rows = [("figure", "measured", "target", "", "")]
        for figure in self.figures:
            if figure["value"] is None:
                rows.append((figure["name"], "", "", "MISS", figure["note"]))
                continue
            sign = "≤" if figure["bound"] == "at most" else "≥"
            unit = figure["unit"]
            rows.append((
                figure["name"], f"{figure['value']:.3g}{unit}", f"{sign} {figure['target']}{unit}",
                "pass" if figure["met"] else "MISS", figure["note"],
            ))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) + "  " + row[4])
