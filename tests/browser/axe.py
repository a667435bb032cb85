"""axe-core judges a page; the scripts come with axe-playwright-python."""

from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# What can come out differently when only colours or the window's width change.
OF_LOOK: Final = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")

_RUN: Final = """
async rules => {
  const runOnly = rules.length ? {type: "rule", values: rules} : undefined;
  const results = await axe.run(document, {resultTypes: ["violations"], ...(runOnly && {runOnly}),
                                           rules: {"target-size": {enabled: true}}});
  return results.violations.map(({id, nodes}) => ({id, nodes: nodes.map(n => `${n.target}: ${n.failureSummary}`)}));
}
"""


def load(page: Page) -> None:
    """Put axe into the page."""
    page.evaluate(AXE_SCRIPT)


def violations(page: Page, *rules: str) -> list[str]:
    """Return what breaks axe's rules, all of them or those named, one line for each element."""
    found: list[dict[str, Any]] = page.evaluate(_RUN, list(rules))
    return [f"{one['id']} at {node}" for one in found for node in one["nodes"]]
