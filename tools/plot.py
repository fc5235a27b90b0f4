#!/usr/bin/env python3
"""Curves of a run's held-out metrics as an SVG file; Python's standard library only.

    tools/plot.py --output curves.svg [--title TEXT] NAME=RUN/metrics.jsonl...

Left: the generator's held-out loss, with the unigram entropy of the same tokens dashed.  Right: the discriminator's AUC.
"""
import argparse
import json

WIDTH, HEIGHT, MARGIN = 420, 260, 46
COLOURS = ["#1f6fb2", "#c4541b", "#2a8a4a", "#7d4fa3"]


def evaluations(path):
    with open(path, encoding="utf-8") as lines:
        return [record for record in map(json.loads, lines) if record["kind"] == "evaluation"]


def nice_ticks(low, high, count=5):
    step = (high - low) / count
    magnitude = 10 ** len(str(int(1 / step))) if step < 1 else 1
    step = max(1, round(step * magnitude)) / magnitude
    first = -(-low // step) * step
    ticks = []
    while first <= high + 1e-9:
        ticks.append(round(first, 6))
        first += step
    return ticks


class Panel:
    def __init__(self, left, title, x_most, low, high):
        self.left, self.title, self.x_most, self.low, self.high = left, title, x_most, low, high
        self.parts = []

    def at(self, x, y):
        inside_w, inside_h = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
        return (self.left + MARGIN + inside_w * x / self.x_most,
                MARGIN + inside_h * (1 - (y - self.low) / (self.high - self.low)))

    def line(self, points, colour, dashed=False):
        path = " ".join("%.1f,%.1f" % self.at(x, y) for x, y in points)
        dash = ' stroke-dasharray="4 3" stroke-width="1"' if dashed else ' stroke-width="1.8"'
        self.parts.append('<polyline points="%s" fill="none" stroke="%s"%s/>' % (path, colour, dash))

    def svg(self):
        (x0, y0), (x1, y1) = self.at(0, self.low), self.at(self.x_most, self.high)
        parts = ['<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="none" stroke="#999"/>'
                 % (x0, y1, x1 - x0, y0 - y1),
                 '<text x="%.1f" y="%.1f" font-weight="bold">%s</text>' % (x0, y1 - 10, self.title)]
        for tick in nice_ticks(self.low, self.high):
            _, y = self.at(0, tick)
            parts.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#e4e4e4"/>' % (x0, x1, y, y))
            parts.append('<text x="%.1f" y="%.1f" text-anchor="end">%g</text>' % (x0 - 5, y + 4, tick))
        for i in range(5):
            x, _ = self.at(self.x_most * i / 4, self.low)
            parts.append('<text x="%.1f" y="%.1f" text-anchor="middle">%.3g</text>' % (x, y0 + 16, self.x_most * i / 4))
        parts.append('<text x="%.1f" y="%.1f" text-anchor="middle">million tokens seen</text>'
                     % ((x0 + x1) / 2, y0 + 32))
        return parts + self.parts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True)
    parser.add_argument("--title", default="")
    parser.add_argument("runs", nargs="+", metavar="NAME=metrics.jsonl")
    args = parser.parse_args()
    runs = [(run.split("=", 1)[0], evaluations(run.split("=", 1)[1])) for run in args.runs]
    tokens = max(r["tokens"] for _, records in runs for r in records) / 1e6
    losses = [r[key] for _, records in runs for r in records for key in ("generator_loss", "unigram_entropy")]
    areas = [r["discriminator_auc"] for _, records in runs for r in records]
    loss = Panel(0, "held-out generator loss, nats", tokens, min(losses) - 0.2, max(losses) + 0.2)
    auc = Panel(WIDTH, "held-out discriminator AUC", tokens, 0.5, max(areas) + 0.02)
    legend = []
    for i, (name, records) in enumerate(runs):
        colour = COLOURS[i % len(COLOURS)]
        loss.line([(r["tokens"] / 1e6, r["generator_loss"]) for r in records], colour)
        loss.line([(r["tokens"] / 1e6, r["unigram_entropy"]) for r in records], colour, dashed=True)
        auc.line([(r["tokens"] / 1e6, r["discriminator_auc"]) for r in records], colour)
        legend.append('<text x="%d" y="18" fill="%s">%s</text>' % (MARGIN + 120 * i, colour, name))
    body = "\n".join(legend + loss.svg() + auc.svg())
    with open(args.output, "w", encoding="utf-8") as out:
        out.write('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
                  'font-size="11"><title>%s</title>\n<rect width="100%%" height="100%%" fill="#fff"/>\n%s\n</svg>\n'
                  % (2 * WIDTH, HEIGHT, args.title, body))


if __name__ == "__main__":
    main()
