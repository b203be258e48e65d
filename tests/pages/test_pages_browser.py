"""The pages clicked through in a real browser."""

from __future__ import annotations

import re

import pytest
from browsing import until_made, watched

SIZES = {"desk": (1280, 900), "phone": (390, 844)}


def test_overview_leads_to_driver_article_and_report(page):
    page.goto("/")
    assert "more bearish than usual" in page.locator("h1").inner_text()
    assert page.locator(".tile").count() == 4
    assert page.locator(".card").count() == 3
    assert page.locator(".top-stories li").count() >= 1
    page.wait_for_selector(".chart.live svg")
    assert page.locator(".chart svg").count() == 6, "four tiles, the week, price with the drivers"
    page.locator(".tile h3 a", has_text="Spot-ETF flows").click()
    assert page.locator("h1").inner_text() == "Spot-ETF flows"
    assert "bearish, more than usual" in page.locator(".strip").inner_text()
    assert "net outflow of $" in page.locator(".listed b").first.inner_text()
    page.locator(".stories a").first.click()
    assert page.locator("mark.driver-etf_flows").count() >= 1
    assert page.locator(".legend li").count() >= 1
    assert "net outflow of $" in page.locator(".amounts").inner_text()
    assert page.get_by_text("Unchanged since it was first seen").is_visible()
    page.locator(".brand").click()
    page.locator("a", has_text="Read the weekly report").click()
    assert page.title() == "Undertow weekly, 2025-W47"
    assert page.locator("h2", has_text="What the statistics say").count() == 1


def test_all_panels_are_zoomed_together(page):
    page.goto("/")
    page.wait_for_selector(".chart.live svg")
    whole = page.evaluate(_BARS)
    assert len(whole) == 7, "price, composite, four drivers, and the strip"
    chart = page.locator(".chart.live")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    y = box["y"] + box["height"] - 55
    page.mouse.move(box["x"] + 0.55 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], y, steps=8)
    page.mouse.up()
    page.wait_for_timeout(300)
    near = page.evaluate(_BARS)
    assert [a != b for a, b in zip(whole, near, strict=True)] == [True] * 6 + [False]
    page.mouse.dblclick(box["x"] + 0.3 * box["width"], y)
    page.wait_for_timeout(300)
    assert page.evaluate(_BARS) == whole


# What each panel of a live chart draws: the paths of its marks, from above.
_BARS = """() => [...document.querySelectorAll(".chart.live g[class*='concat_'][class$='_group']")]
  .map(panel => [...panel.querySelectorAll(".role-mark path")]
    .filter(path => !path.parentNode.getAttribute("class").includes("zoom"))
    .map(path => path.getAttribute("d") + path.getAttribute("transform")).join("|"))"""


def test_a_click_on_a_day_shows_its_stories(page):
    page.goto("/drivers/etf_flows")
    bar = page.wait_for_selector(".chart.live .mark-rect path[style*='pointer'], .chart.live svg")
    assert bar is not None
    page.locator(".chart.live .mark-rect path").nth(-3).click(force=True)
    page.wait_for_url(re.compile(r"\?day=2025-\d\d-\d\d#day"))
    day = page.url.split("day=")[1][:10]
    assert page.locator("#day h2").inner_text().startswith(f"Stories of {int(day[8:])} ")
    page.get_by_text("Back to the week").click()
    assert page.locator("#day h2").inner_text() == "All stories of the week"


def test_without_scripts_the_charts_and_days_are_there_too(browser, dashboard):
    with watched(browser, dashboard.url, java_script_enabled=False) as page:
        page.goto("/drivers/etf_flows")
        assert page.locator(".chart svg").is_visible()
        page.locator("summary", has_text="As a table").click()
        page.locator("tbody a", has_text="18 November 2025").click()
        assert page.locator("#day h2").inner_text() == "Stories of 18 November 2025"
        assert page.locator(".listed li").count() >= 1


def test_the_study_tells_its_verdict_before_its_table(page):
    page.goto("/study")
    assert page.locator("h1").inner_text().startswith("Of 80 tests of news against price")
    table = page.locator("table").first.bounding_box()
    assert page.locator("h1").bounding_box()["y"] < table["y"]
    assert page.locator(".tests tbody tr").count() == 10
    assert page.locator(".verdict li").count() >= 10
    page.locator("summary", has_text="Placebos").click()
    assert page.get_by_text("shuffled blocks").first.is_visible()
    page.locator("summary", has_text="How a test is judged").click()
    assert page.get_by_text("circular block bootstrap").is_visible()


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
        assert page.locator("img, script:not([src='/static/charts.js']), iframe").count() == 0
        assert not re.fullmatch("[12]", page.title())


def test_all_is_done_from_the_keyboard(page):
    page.goto("/try")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.keyboard.press("Tab")
    page.keyboard.type("Bitcoin ETFs lose $870 million in a day")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tags")
    assert page.locator("mark.driver-etf_flows").count() >= 1
    _tab_to(page, "Drivers")
    page.keyboard.press("Enter")
    _tab_to(page, "Macro risk appetite")
    page.keyboard.press("Enter")
    page.wait_for_url("**/drivers/macro")
    _tab_to(page, "As a table, with a link to each day")
    page.keyboard.press("Enter")
    _tab_to(page, "22 November 2025")
    page.keyboard.press("Enter")
    page.wait_for_url("**/drivers/macro?day=2025-11-22#day")


def _tab_to(page, text):
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("""() => {
          const one = document.activeElement, style = getComputedStyle(one);
          return [one.textContent.trim(), style.outlineStyle, one.className];
        }""")
        if focused[0] == text:
            assert focused[1] != "none", "what has the focus shows it"
            return
    raise AssertionError(f"{text!r} cannot be reached")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_and_axe_finds_nothing_serious(browser, dashboard, pictures, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    width, height = SIZES[size]
    article = until_made(dashboard, "/drivers/etf_flows").split('href="/articles/')[1][:20]
    paths = {
        "overview": "/",
        "driver": "/drivers/macro",
        "day": "/drivers/macro?day=2025-11-22",
        "article": f"/articles/{article}",
        "hostile": f"/articles/{dashboard.hostile}",
        "study": "/study",
        "try": "/try",
        "report": "/reports/2025-W47",
    }
    options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    found = []
    with watched(browser, dashboard.url, **options) as page:
        for name, path in paths.items():
            page.goto(path)
            if page.locator("[data-specification]").count():
                page.wait_for_selector(".chart.live svg")
            for summary in page.locator("main summary").all():
                summary.click()
            page.screenshot(path=str(pictures / f"{name}-{size}-{scheme}.png"), full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            violations = Axe().run(page).response["violations"]
            found += [
                (path, one["id"], one["nodes"][0]["html"][:200])
                for one in violations
                if one["impact"] in ("serious", "critical")
            ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/drivers/etf", 404, "unknown driver 'etf'"),
        ("/articles/00000000000000000000", 404, "there is no article"),
        ("/reports/2025-47", 422, "is no ISO week"),
        ("/reports/2999-W01", 422, "has not begun"),
        ("/drivers/macro?day=2031-01-01", 422, "is not in the news"),
        ("/drivers/macro?day=soon", 422, "day: "),
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


@pytest.mark.parametrize("path", ["/", "/drivers/macro", "/study", "/reports/2025-W47"])
def test_an_empty_store_says_what_to_do(browser, empty_dashboard, path):
    context = browser.new_context(base_url=empty_dashboard.url)
    page = context.new_page()
    answer = page.goto(path)
    for _ in range(60):
        if "refresh" not in answer.headers:
            break
        page.wait_for_timeout(200)
        answer = page.goto(path)
    assert answer.status == 409
    assert re.search("the store holds no (tagged )?articles", page.locator("h1").inner_text())
    assert "What to do: run undertow " in page.locator("main").inner_text().replace("`", "")
    context.close()
