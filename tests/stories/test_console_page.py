"""The console as a person meets it: a real browser, the real hub, nothing but what the page shows."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.stories.conftest import RunningHub

CHROMIUM = Path("/usr/bin/chromium")

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}: apt-get install -y chromium"),
]

HOSTILE = "井盖破损<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">&amp;"

CONTRAST = """() => {
  const number = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = number(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg, .unseen, script, noscript, [hidden]")) continue;
    const [a, b] = [light(number(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(`${element.className}: ${walker.currentNode.data.trim()}`);
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(locale="zh-CN", viewport={"width": 1200, "height": 900})
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture(scope="module")
def cases(hub: RunningHub) -> dict[str, str]:
    """A case that a unit has, with a hostile description, and one that waits for the command centre."""
    place = {"longitude": 118.8705, "latitude": 28.9502}
    owned = report(hub, category_code="C0107", component_code="3308020107000001", place=place, description=HOSTILE)
    unclear = report(hub, category_code="C0117", place=place, description="立杆倾斜")
    return {"owned": owned, "unclear": unclear}


def report(hub: RunningHub, **body: Any) -> str:
    status, answer, _ = hub.call("POST", "/api/v1/cases", body, hub.key_of("collection"))
    assert status == 201, answer
    number: str = answer["case_number"]
    return number


def signed_in(context: BrowserContext, hub: RunningHub, key: str | None = None) -> Page:
    page = context.new_page()
    page.goto(hub.url + "/login")
    page.fill("#key", key or hub.admin_key)
    page.click("button.main")
    expect(page.locator("h1")).to_have_text("案件总览")
    return page


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
    """(status, headers), redirects not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, method=method, headers=named, data=b"" if method == "POST" else None)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=20) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as refusal:
        return refusal.code, {name.lower(): value for name, value in refusal.headers.items()}


def test_nobody_sees_a_case_without_signing_in(hub: RunningHub, cases: dict[str, str]) -> None:
    for path in ("/", f"/cases/{cases['owned']}"):
        status, headers = ask(hub.url + path)
        assert (status, headers["location"].partition("?")[0]) == (303, "/login")
    assert ask(hub.url + "/fragments/overview")[0] == 401
    assert ask(f"{hub.url}/cases/{cases['owned']}/photos/att_1")[0] == 401
    forged = "cityhub_session=v1.MTk5OTk5OTk5OTphZG1pbg.AAAA"
    assert ask(hub.url + "/", cookie=forged)[0] == 303


def test_a_units_key_does_not_open_the_console(context: BrowserContext, hub: RunningHub) -> None:
    page = context.new_page()
    page.goto(hub.url + "/login")
    for key, said in ((hub.key_of("telecom"), "属于一个单位"), ("chk_nothing", "格式有误")):
        page.fill("#key", key)
        page.click("button.main")
        expect(page.get_by_role("alert")).to_contain_text(said)
        assert key not in page.content()
    assert context.cookies(hub.url) == []


def test_signing_in_leads_back_to_the_page_asked_for_and_nowhere_else(
    context: BrowserContext, hub: RunningHub, cases: dict[str, str]
) -> None:
    page = context.new_page()
    page.goto(f"{hub.url}/cases/{cases['owned']}")
    page.fill("#key", hub.admin_key)
    page.click("button.main")
    expect(page).to_have_url(f"{hub.url}/cases/{cases['owned']}")
    for elsewhere in ("//evil.example/", "/\\evil.example", "https://evil.example/"):
        page.goto(f"{hub.url}/login?next={quote(elsewhere)}")
        expect(page).to_have_url(hub.url + "/")
    cookie = context.cookies(hub.url)[0]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"


def test_a_case_without_a_clear_unit_waits_with_its_candidates(
    context: BrowserContext, hub: RunningHub, cases: dict[str, str]
) -> None:
    page = signed_in(context, hub)
    line = page.get_by_role("region", name="待指挥中心决定").get_by_role("listitem").filter(has_text=cases["unclear"])
    expect(line).to_contain_text("协调中")
    expect(line).to_contain_text("市电信公司")
    line.get_by_role("link").click()
    expect(page.locator(".timeline")).to_contain_text("提请协调")


def test_a_case_says_which_unit_has_it_and_why(context: BrowserContext, hub: RunningHub, cases: dict[str, str]) -> None:
    page = signed_in(context, hub)
    page.get_by_role("searchbox").fill(cases["owned"])
    page.keyboard.press("Enter")
    dispatches = page.get_by_role("region", name="派遣")
    expect(dispatches).to_contain_text("市电信公司")
    expect(dispatches).to_contain_text("台账权属")
    expect(dispatches).to_contain_text("还剩")
    expect(page.get_by_role("region", name="信件")).to_contain_text("派遣单")


def test_what_a_reporter_writes_is_text_and_nothing_else(
    context: BrowserContext, hub: RunningHub, cases: dict[str, str]
) -> None:
    page = signed_in(context, hub)
    page.goto(f"{hub.url}/cases/{cases['owned']}")
    expect(page.locator(".description")).to_have_text(HOSTILE)
    assert "taken" not in page.title()
    assert page.locator("main script, main img:not([alt])").count() == 0


def test_no_page_needs_a_style_or_script_of_its_own(
    context: BrowserContext, hub: RunningHub, cases: dict[str, str]
) -> None:
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda fault: said.append(str(fault)))
    # What a navigation cuts short has not failed.
    page.on("requestfailed", lambda one: said.append(one.url) if one.failure != "net::ERR_ABORTED" else None)
    page.goto(hub.url + "/login")
    page.fill("#key", hub.admin_key)
    page.click("button.main")
    expect(page.get_by_role("status")).to_be_visible()
    for path in ("/", f"/cases/{cases['owned']}", "/login"):
        answer = page.goto(hub.url + path)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    assert said == []


def test_the_overview_renews_itself_and_keeps_what_was_opened(context: BrowserContext, hub: RunningHub) -> None:
    page = signed_in(context, hub)
    reported = page.locator(".figures dd").first
    before = int(reported.inner_text())
    page.locator("#idle summary").click()
    page.locator("#sort-open").focus()
    report(hub, category_code="C0117", place={"longitude": 118.87, "latitude": 28.95}, description="立杆倾斜")
    expect(reported).to_have_text(str(before + 1), timeout=20_000)
    expect(page.locator("#idle")).to_have_attribute("open", "")
    expect(page.locator("#sort-open")).to_be_focused()


def test_the_reader_can_hold_the_page_still(context: BrowserContext, hub: RunningHub) -> None:
    context.clock.install()
    page = signed_in(context, hub)
    with page.expect_request("**/fragments/overview"):
        page.clock.run_for(6_000)
    page.get_by_role("button", name="暂停自动刷新").click()
    expect(page.get_by_role("status")).to_have_text("自动刷新已暂停")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    assert asked == []


def test_everything_works_without_scripts(browser: Browser, hub: RunningHub, cases: dict[str, str]) -> None:
    context = browser.new_context(locale="zh-CN", java_script_enabled=False)
    page = signed_in(context, hub)
    page.click("#sort-open")
    expect(page.locator("th[aria-sort]")).to_have_text("在办 ↓")
    page.click("#sort-open")
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    page.click("text=退出")
    expect(page).to_have_url(hub.url + "/login")
    context.close()


def test_english_stays_once_chosen(context: BrowserContext, hub: RunningHub, cases: dict[str, str]) -> None:
    page = signed_in(context, hub)
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Cases of the day")
    page.goto(f"{hub.url}/cases/{cases['owned']}")
    expect(page.get_by_role("region", name="Dispatches")).to_contain_text("the register names")
    assert page.locator("html").get_attribute("lang") == "en"


def test_another_site_cannot_sign_anybody_out(context: BrowserContext, hub: RunningHub) -> None:
    signed_in(context, hub)
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies(hub.url))
    for headers in ({"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site"}):
        status, answered = ask(hub.url + "/logout", "POST", cookie=cookie, **headers)
        assert status == 403 and "set-cookie" not in answered


def test_a_revoked_key_ends_its_sessions(context: BrowserContext, hub: RunningHub) -> None:
    _, made, _ = hub.call("POST", "/api/v1/units/command_center/keys", {})
    page = signed_in(context, hub, made["key"])
    status, said, _ = hub.call("DELETE", f"/api/v1/keys/{made['key_id']}", {"reason": "test"})
    assert status < 300, said
    # Each process sees the revocation on notice, or within its few seconds of refreshing.
    for _ in range(100):
        page.goto(hub.url + "/")
        if page.url.endswith("/login"):
            return
        page.wait_for_timeout(100)
    pytest.fail("the session outlived its key")


def test_every_text_keeps_its_contrast_and_nothing_is_wider_than_a_phone(
    context: BrowserContext, hub: RunningHub, cases: dict[str, str]
) -> None:
    page = signed_in(context, hub)
    for path in ("/", f"/cases/{cases['owned']}", f"/cases/{cases['unclear']}"):
        page.set_viewport_size({"width": 1200, "height": 900})
        page.goto(hub.url + path)
        assert page.evaluate(CONTRAST) == []
        assert page.locator("h1").count() == 1
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_static_file_is_sent_once(hub: RunningHub) -> None:
    status, headers = ask(hub.url + "/static/console.css")
    assert (status, headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert ask(hub.url + "/static/console.css", if_none_match=headers["etag"])[0] == 304
    assert ask(hub.url + "/static/..%2fpages.py")[0] == 404


def test_a_case_that_does_not_exist_is_a_page_that_says_so(context: BrowserContext, hub: RunningHub) -> None:
    page = signed_in(context, hub)
    for number in ("330800-20200101-000001", "nonsense", "<b>"):
        answer = page.goto(f"{hub.url}/cases/{quote(number)}")
        assert answer is not None and answer.status == 404
        expect(page.locator("h1")).to_have_text("没有这个案件")
