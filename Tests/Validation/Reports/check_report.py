#!/usr/bin/env python3
"""Checks a report's page in headless Chromium: accessibility by axe-core, nothing cut at any width, plots whole on paper.

    apt-get install chromium poppler-utils; pip install axe-playwright-python
    python3 Tests/Validation/Reports/check_report.py report.html [--pictures DIR]

Every rule of axe-core's WCAG 2 A and AA and of its best practices counts, in light and dark mode, at 1440, 768 and 390
pixels, with all details open. --pictures keeps screenshots and the printed pages to look at.
"""

import argparse
import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

WIDTHS = (1440, 768, 390)
# Elements that are wider than the window, and texts that their own box cuts.
CUT = """() => {
  const wide = [...document.querySelectorAll('body *')].filter(e => {
    if (e.closest('svg') && e.tagName !== 'svg') return false;
    // Column names are there for screen readers alone where rows are blocks.
    for (let part = e; part; part = part.parentElement) if (getComputedStyle(part).position === 'absolute') return false;
    const box = e.getBoundingClientRect();
    return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
  });
  return {scrolls: document.documentElement.scrollWidth > innerWidth, wide: wide.slice(0, 5).map(e => e.outerHTML.slice(0, 120))};
}"""
OPEN = "() => document.querySelectorAll('details').forEach(d => d.open = true)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    faults = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                # axe-core is a script, which the page's own policy forbids.
                context = browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
                page = context.new_page()
                page.goto(arguments.report.resolve().as_uri())
                if arguments.pictures:
                    arguments.pictures.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=arguments.pictures / f"first-{width}-{scheme}.png")
                page.evaluate(OPEN)
                found = page.evaluate(CUT)
                if found["scrolls"] or found["wide"]:
                    faults.append(f"{width} px: beyond the window: {found['wide'] or 'the page scrolls'}")
                for violation in Axe().run(page).response["violations"]:
                    places = [node["target"][0] for node in violation["nodes"][:3]]
                    faults.append(f"{width} px, {scheme}: {violation['id']} ({violation['impact']}): {places}")
                if arguments.pictures:
                    page.screenshot(path=arguments.pictures / f"all-{width}-{scheme}.png", full_page=True)
                if width == WIDTHS[0] and scheme == "light" and arguments.pictures:
                    page.pdf(path=arguments.pictures / "printed.pdf", format="A4")
                context.close()
        browser.close()
    print("\n".join(dict.fromkeys(faults)) or f"{arguments.report}: no fault")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
