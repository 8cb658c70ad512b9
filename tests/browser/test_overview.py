"""The operators' page in a real browser: without JavaScript unless it is said, on a desk and on a telephone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from selenium.webdriver.common.by import By

from tests.browser.conftest import HOSTILE, Browser, Stage

PAGES = ("", "?trouble=1", "?q=nothing-like-it")


@pytest.fixture
def logged_in(browser: Browser) -> Iterator[Browser]:
    """As an operator, on a wide bright screen."""
    browser.driver.delete_all_cookies()
    browser.wide()
    browser.get()
    browser.log_in()
    yield browser
    assert browser.complaints() == []


def test_this_browser_runs_no_script(browser: Browser) -> None:
    browser.driver.get("data:text/html,<title>still</title><script>document.title='ran'</script>")
    assert browser.driver.title == "still"


def test_only_who_has_the_token_gets_in_and_comes_back_to_where_one_was(browser: Browser) -> None:
    browser.driver.delete_all_cookies()
    browser.get("?q=web")
    assert "Operators' token" in browser.text()
    browser.log_in("wrong")
    assert "This is not the operators' token." in browser.text("[role=alert]")
    assert browser.driver.get_cookies() == []
    browser.log_in()
    assert browser.driver.current_url.endswith("/overview?q=web")
    assert browser.server.token not in browser.driver.page_source
    [cookie] = browser.driver.get_cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/overview")
    browser.press(".top button")
    assert browser.driver.get_cookies() == []
    browser.get()
    assert "Operators' token" in browser.text()


def test_instances_volumes_and_attachments_are_there_as_they_are_now(logged_in: Browser, stage: Stage) -> None:
    text = logged_in.text()
    for amount in ("3\ninstances", "5\nvolumes", "4\nattachments", "4 in-use", "1 available"):
        assert amount in text
    assert [each.text for each in logged_in.driver.find_elements(By.CSS_SELECTOR, ".card h3")] == ["db-1", "new-1", "web-1"]
    row = next(each.text for each in logged_in.driver.find_elements(By.CSS_SELECTOR, "tbody tr") if stage.data in each.text)
    for words in ("data", "1 GiB", "in-use", "web-1", "attached since"):
        assert words in row
    attachment = stage.server.attach(stage.spare, stage.new.id)
    logged_in.driver.refresh()
    assert "reserved" in next(
        each.text for each in logged_in.driver.find_elements(By.CSS_SELECTOR, ".card") if "new-1" in each.text
    )
    stage.server.client.delete(f"/v3/attachments/{attachment['id']}")


def test_a_boot_is_a_picture_that_grows_to_the_right(logged_in: Browser) -> None:
    logged_in.follow("web-1")
    assert "All 2 volumes are up 10.0 s after power-on." in logged_in.text()
    assert "All 2 volumes are up 15.1 s after power-on." in logged_in.text()
    [_, first] = logged_in.driver.find_elements(By.CSS_SELECTOR, ".picture")
    lanes = [each.rect for each in first.find_elements(By.CSS_SELECTOR, ".lane")]
    assert len(lanes) == 2
    bars = [each.rect for each in first.find_elements(By.CSS_SELECTOR, ".step")][:5]
    assert [bar["x"] for bar in bars] == sorted(bar["x"] for bar in bars)
    for bar in bars:
        assert lanes[0]["x"] <= bar["x"]
        assert bar["x"] + bar["width"] <= lanes[0]["x"] + lanes[0]["width"] + 1
        assert bar["width"] >= 3
    assert bars[3]["width"] > 4 * bars[2]["width"]  # mkfs took 310 ms, the table 63
    described = first.find_element(By.CSS_SELECTOR, "desc").get_attribute("textContent") or ""
    assert "data up at 14.9 s (login 92 ms, device 41 ms, partition 63 ms, file system 310 ms, mount 35 ms)." in described


def test_the_numbers_are_a_table_that_opens_without_a_script(logged_in: Browser) -> None:
    logged_in.follow("web-1")
    assert "310 ms" not in logged_in.text()
    for each in logged_in.driver.find_elements(By.CSS_SELECTOR, "summary"):
        each.click()
    assert "310 ms" in logged_in.text()
    assert "xfs on /srv/logs" in logged_in.text()


def test_a_failure_is_told_in_words(logged_in: Browser) -> None:
    assert "db-1 2 of 2 volumes did not come up: big was refused" in logged_in.text(".alarms")
    logged_in.follow("db-1")
    text = logged_in.text()
    assert "big was refused at the step partition: size: wanted 2048 MiB, found 1024 MiB; overwrite was not requested" in text
    assert "failed at the step login: no answer from 10.0.0.1:3260" in text
    assert logged_in.count(".picture .fault") == 2


def test_only_those_with_trouble_and_only_those_that_one_looks_for(logged_in: Browser) -> None:
    logged_in.follow("with trouble")
    assert [each.text for each in logged_in.driver.find_elements(By.CSS_SELECTOR, ".card h3")] == ["db-1"]
    logged_in.get()
    logged_in.driver.find_element(By.ID, "q").send_keys("WEB")
    logged_in.press(".search button")
    assert [each.text for each in logged_in.driver.find_elements(By.CSS_SELECTOR, ".card h3")] == ["web-1"]


def test_an_instance_that_never_reported_says_what_to_do(logged_in: Browser) -> None:
    logged_in.follow("new-1")
    assert "blockstore-server seed new-1 -o new-1.iso" in logged_in.text()


@pytest.mark.parametrize("page", [*PAGES, "instance", "login"])
def test_on_a_telephone_nothing_is_wider_than_the_screen(logged_in: Browser, page: str) -> None:
    logged_in.telephone()
    logged_in.get("" if page in ("instance", "login") else page)
    if page == "instance":
        logged_in.follow("db-1")
    if page == "login":
        logged_in.driver.delete_all_cookies()
        logged_in.get()
    assert logged_in.width() == 360
    for button in logged_in.boxes("button, .check"):
        assert button["height"] >= 44


def test_what_one_reads_stands_out_in_the_dark_and_in_the_light(scripted: Browser) -> None:
    scripted.driver.delete_all_cookies()
    scripted.get()
    scripted.log_in()
    for dark in (False, True):
        scripted.dark(dark)
        faint = scripted.driver.execute_script(CONTRASTS)
        assert {text: ratio for text, ratio in faint.items() if ratio < 4.5} == {}, f"dark: {dark}"


def test_hostile_names_and_reasons_do_nothing(scripted: Browser) -> None:
    scripted.driver.delete_all_cookies()
    scripted.get()
    scripted.log_in()
    for page in ("", "?q=%3Cscript%3E&refresh=0"):
        scripted.get(page)
        assert "owned" not in scripted.driver.title
        assert scripted.count("script, main img, iframe, [onerror], [style]") == 0
    scripted.get()
    assert HOSTILE.partition("\u202e")[0] in scripted.text()
    assert "\u202e" not in scripted.driver.page_source
    scripted.follow("db-1")
    assert "owned" not in scripted.driver.title
    # Were one to get past the escaping, the policy would still stop it.
    scripted.driver.execute_script("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=document.title=1>')")
    assert scripted.driver.title == "db-1 · blockstore"
    assert any("Content Security Policy" in each for each in scripted.complaints())


def test_every_answer_forbids_scripts_frames_and_copies(stage: Stage) -> None:
    token = {"X-Auth-Token": stage.server.token}
    for path, headers in (
        ("", {}),
        ("", token),
        (f"/instances/{stage.web.id}", token),
        ("/instances/gone", token),
        ("/login", {}),
    ):
        answer = requests.get(f"{stage.server.operator_url}/overview{path}", headers=headers, timeout=10, allow_redirects=False)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert stage.server.token not in answer.text


def test_who_comes_with_a_browser_to_the_listeners_root_is_shown_the_page(browser: Browser) -> None:
    browser.driver.get(browser.server.operator_url)
    assert browser.driver.current_url.endswith("/overview")
    versions = requests.get(browser.server.operator_url, timeout=10)
    assert (versions.status_code, versions.json()["versions"][0]["id"]) == (300, "v3.0")


def test_the_page_says_what_is_wrong_by_its_code_too(stage: Stage) -> None:
    def code(path: str, **words: object) -> int:
        return requests.get(f"{stage.server.operator_url}/overview{path}", timeout=10, **words).status_code  # type: ignore[arg-type]

    token = {"X-Auth-Token": stage.server.token}
    assert code("") == 401
    assert code("", headers=token) == 200
    assert code("/instances/gone", headers=token) == 404
    assert code("", cookies={"blockstore_overview": "9999999999." + "0" * 64}) == 401
    wrong = requests.post(f"{stage.server.operator_url}/overview/login", data={"token": "x", "next": "//evil"}, timeout=10)
    assert wrong.status_code == 401
    assert "evil" not in wrong.text
    right = requests.post(
        f"{stage.server.operator_url}/overview/login", data={"token": stage.server.token, "next": "https://evil/"},
        timeout=10, allow_redirects=False,
    )  # fmt: skip
    assert (right.status_code, right.headers["Location"]) == (303, "/overview")
    assert stage.server.token not in str(right.headers)


def test_the_cookie_opens_the_page_and_nothing_else(stage: Stage) -> None:
    with requests.Session() as session:
        session.post(f"{stage.server.operator_url}/overview/login", data={"token": stage.server.token}, timeout=10)
        assert session.get(f"{stage.server.operator_url}/overview", timeout=10).status_code == 200
        [cookie] = session.cookies
        for path in ("/instances", "/v3/volumes", "/status"):
            answer = session.get(f"{stage.server.operator_url}{path}", timeout=10, cookies={cookie.name: str(cookie.value)})
            assert answer.status_code == 401


# Of every text that is seen: the contrast with the ground behind it (WCAG 2.2, 1.4.3).
CONTRASTS = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const parts = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data]; };
const light = (colour) => { const [r, g, b] = colour.slice(0, 3).map((c) => c / 255)
  .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = (element) => { for (let e = element; e; e = e.parentElement) {
  const c = parts(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
// A word on a bar: the bar may be pale, so that what is below it shines through.
const bar = (e) => { const step = e.parentElement.querySelector(".step"), style = getComputedStyle(step);
  const over = parts(style.fill), below = parts(getComputedStyle(document.querySelector(".lane")).fill);
  return over.map((c, i) => c * style.fillOpacity + below[i] * (1 - style.fillOpacity)); };
const found = {};
for (const e of document.querySelectorAll("body *")) {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.checkVisibility() || ["title", "desc"].includes(e.tagName)) continue;
  const style = getComputedStyle(e), a = light(parts(e.closest("svg") ? style.fill : style.color));
  const b = light(e.matches(".word") ? bar(e) : ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text = e.className.baseVal ?? e.className;
  found[e.tagName + "." + text] = Math.min(found[e.tagName + "." + text] ?? 99, ratio);
}
return found;
"""
