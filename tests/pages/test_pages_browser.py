"""The pages clicked through in a real browser."""

from __future__ import annotations

import re

import pytest

SIZES = {"desk": (1280, 900), "phone": (390, 844)}


def test_overview_leads_to_driver_article_and_report(page):
    page.goto("/")
    assert "more bearish" in page.locator("h1").inner_text()
    assert page.locator(".tile").count() == 4
    assert page.locator(".card").count() == 3
    assert page.locator("svg").count() == 6
    page.locator(".tile h3 a", has_text="Spot-ETF flows").click()
    assert page.locator("h1").inner_text() == "Spot-ETF flows"
    page.locator("summary", has_text="As a table").click()
    assert page.locator("tbody tr").first.inner_text().startswith("2025-W47")
    page.locator(".stories a").first.click()
    assert page.locator("mark.driver-etf_flows").count() >= 1
    assert "net outflow of $" in page.locator(".amounts").inner_text()
    page.locator(".brand").click()
    page.locator("a", has_text="Read the weekly report").click()
    assert page.title() == "Undertow weekly, 2025-W47"
    assert page.locator("h2", has_text="What the statistics say").count() == 1


def test_the_study_tells_its_verdict_before_its_table(page):
    page.goto("/study")
    verdict = page.locator(".verdict li")
    assert verdict.count() >= 10
    assert verdict.first.bounding_box()["y"] < page.locator("table").first.bounding_box()["y"]
    page.locator("summary", has_text="Placebos").click()
    assert page.get_by_text("shuffled blocks").first.is_visible()


def test_trying_a_text_shows_its_tags_and_evidence(page):
    page.goto("/try")
    page.get_by_label("Title").fill("Bitcoin ETFs lose $870 million in a day")
    page.get_by_label("Text").fill(
        "US spot bitcoin ETFs had net outflows of $870 million on Thursday."
        " Investors took money out of the <b>funds</b> &amp; left."
    )
    page.get_by_role("button", name="Tag it").click()
    assert page.locator("mark.driver-etf_flows b").first.inner_text() == "$870 million"
    assert "<b>funds</b> &amp; left." in page.locator(".reader").inner_text()
    assert page.locator(".tags tbody tr").count() == 7
    assert "<b>funds</b>" in page.get_by_label("Text").input_value()
    page.get_by_label("Title").fill(" ")
    page.get_by_label("Text").fill("")
    page.get_by_role("button", name="Tag it").click()
    assert page.get_by_role("alert").inner_text() == "Paste a title or a text first."


def test_a_hostile_headline_is_only_text(page, dashboard):
    for path in (f"/articles/{dashboard.hostile}", "/drivers/regulation", "/reports/2025-W47"):
        page.goto(path)
        assert page.get_by_text("<img src=x onerror=").first.is_visible()
        assert page.locator("img, script, iframe").count() == 0
        assert not re.fullmatch("[12]", page.title())


def test_the_keyboard_reaches_the_content_first(page):
    page.goto("/try")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_can_be_read(page, tmp_path, size, scheme):
    """Nothing is wider than the window, and text stands out from its ground (WCAG AA)."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    for number, path in enumerate(("/", "/drivers/macro", "/study", "/try", "/reports/2025-W47")):
        page.goto(path)
        page.screenshot(path=str(tmp_path / f"{number}.png"), full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for selector in ("body", "small", "a"):
            assert page.evaluate(_CONTRAST, selector) >= 4.5, (path, selector)


_CONTRAST = """selector => {
  const numbers = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = color => {
    const [r, g, b] = numbers(color).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = light(getComputedStyle(document.documentElement).backgroundColor);
  const found = document.querySelector(selector === "body" ? "body" : `main ${selector}`);
  if (!found) return 21;
  const text = light(getComputedStyle(found).color);
  return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
}"""


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/drivers/etf", 404, "unknown driver 'etf'"),
        ("/articles/00000000000000000000", 404, "there is no article"),
        ("/reports/2025-47", 422, "is no ISO week"),
        ("/nowhere", 404, "there is nothing at /nowhere"),
    ],
)
def test_problems_are_pages_that_say_what_to_do(dashboard, path, status, words):
    page = dashboard.get(path, headers={"Accept": "text/html"})
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert words.replace("'", "&#39;") in page.text
    plain = dashboard.get(path)
    assert plain.headers["content-type"] == "application/problem+json"
