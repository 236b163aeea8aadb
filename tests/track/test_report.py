"""The report of a real small track: as text, and in a browser.

.ci/run installs Chromium; on a machine without a browser the tests that want one are not collected, and those of the
same text beside them are.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

from inspector.errors import RecordingError
from inspector.load import open_series
from inspector.records import Preprocessing
from inspector.sweep import Failure
from inspector.sweep.run import Processes
from inspector.track.measures import MEASURES, Onset
from inspector.track.plan import Settings
from inspector.track.report import Chapter, report_html, write_report
from inspector.track.report_words import PREPROCESSING
from inspector.track.tracker import Series, Track, track
from inspector.track.work import Explaining
from inspector.video import VideoWriter
from tests.track.browser import BROWSER, Page

HOSTILE = "</script><b>&\"' $data <img src=http://example.org/x>"
SECONDS = 0.5
MOMENTS = 2


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Track:
    """The first, a middle and the last checkpoint of Pong under two explanations."""
    whole = open_series("pong")
    some = replace(whole, members=tuple(whole.members[i] for i in (0, len(whole.members) // 2, -1)))
    explanations = (Explaining("epsilon_plus", "score"), Explaining("epsilon", "contrast"))
    settings = Settings(explanations, probe_states=12, seeds=(0,), max_steps=60, random_networks=1, atoms=True)
    return track([some], settings, tmp_path_factory.mktemp("track"), Processes(1))


@pytest.fixture(scope="module")
def chapters(found: Track) -> list[Chapter]:
    frames = [member.frames for member in found.series[0].members]
    return [Chapter(one, SECONDS * i, SECONDS * (i + 1)) for i, one in enumerate(frames * MOMENTS)]


@pytest.fixture(scope="module")
def film(chapters: list[Chapter], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every chapter has a grey of its own, so that a picture tells which one is shown."""
    path = tmp_path_factory.mktemp("film") / "evolution.mp4"
    with VideoWriter(path, width=64, height=36, fps=10) as writer:
        for grey in greys(len(chapters)):
            for _ in range(round(10 * SECONDS)):
                writer.add(np.full((36, 64, 3), grey, np.uint8))
    return path


def greys(count: int) -> list[int]:
    return [40 + 30 * number for number in range(count)]


@pytest.fixture(scope="module")
def report(found: Track, film: Path, chapters: list[Chapter], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(found, tmp_path_factory.mktemp("report"), film=film, times=chapters)


class Parts(HTMLParser):
    """Elements of a page in order, the content of its data block, and all other text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = f"{tag} {dict(attrs).get('id', '')}" if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[self._inside] = self.scripts.get(self._inside, "") + data
        else:
            self.text += data

    @property
    def data(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.scripts["script data"])
        return loaded


def renamed(found: Track, name: str) -> Track:
    """The same track as if its series were called otherwise, with a failure and an assumption of that name too."""

    def of(one: Series) -> Series:
        return replace(one, source=replace(one.source, name=name, facts=replace(one.source.facts, assumed=(name,))))

    def column(table: Any) -> Any:
        return table.set_column(0, table.schema.field(0), [[name] * table.num_rows])

    series = tuple(of(one) for one in found.series)
    failures = (Failure(name, f"reason {name}"),)
    return replace(
        found, series=series, failures=failures, attention=column(found.attention), games=column(found.games)
    )


def both(found: Track) -> Any:
    """Rows of the track, and the same under the name of another series."""
    return pa.concat_tables([found.attention, renamed(found, "other").attention])


def without_games(found: Track) -> Track:
    """The same track as if no game had been asked for."""
    series = tuple(replace(one, returns=tuple(np.zeros(0) for _ in one.members)) for one in found.series)
    probe = [row for row in found.attention.to_pylist() if row["source"] != "play"]
    attention = found.attention.from_pylist(probe, schema=found.attention.schema)
    settings = replace(found.settings, seeds=())
    return replace(found, series=series, settings=settings, attention=attention, games=found.games.slice(0, 0))


def test_the_numbers_of_the_page_are_those_of_the_tables(found: Track, report: Path) -> None:
    data = Parts(report.read_text()).data
    places = {region["name"]: number for number, region in enumerate(data["regions"])}
    asked = [(one["composite"], one["target"]) for one in data["explanations"]]
    compared = 0
    for row in found.attention.to_pylist():
        if row["source"] not in ("probe", "play") or row["measure"] not in MEASURES:
            continue
        series = data["series"][0]
        numbers = series["numbers"][asked.index((row["composite"], row["target"]))][row["source"]]
        there = numbers[series["frames"].index(row["frames"])]
        if row["stacked_frame"] is None:
            shown = there[row["measure"]][places[row["region"]]]
            ends = [row[name] for name in ("mean", "low", "high")]
            assert [one is None for one in shown] == [one is None for one in ends]
            assert [one or 0.0 for one in shown] == pytest.approx([one or 0.0 for one in ends], rel=1e-4)
        elif row["measure"] == "positive_share":
            assert there["stacked"][places[row["region"]]][row["stacked_frame"]] == pytest.approx(row["mean"], rel=1e-4)
        else:
            continue
        compared += 1
    checkpoints, stack = 3, 4
    assert compared == len(places) * (len(MEASURES) + stack) * checkpoints * 3  # two explanations, and own play


def test_bundles_are_shares_of_what_all_sets_have(found: Track, report: Path) -> None:
    data = Parts(report.read_text()).data
    bundles, labels = data["series"][0]["bundles"], [region["name"] for region in data["regions"]]
    names = [" + ".join(labels[region] for region in one) or "none" for one in bundles["sets"]]
    rows = [row for row in found.attention.to_pylist() if row["measure"] == "atom_combinatorial"]
    columns = zip((*data["series"][0]["frames"], None), (*bundles["shares"], bundles["untrained"]), strict=True)
    for frames, shares in columns:
        there = {row["region"]: row["mean"] for row in rows if row["frames"] == frames}
        whole = sum(there.values())
        assert whole > 0
        assert shares == pytest.approx([there.get(name, 0.0) / whole for name in names], rel=1e-4)


def test_curves_have_their_null_lines_onsets_and_returns(found: Track, report: Path) -> None:
    one, series = Parts(report.read_text()).data["series"][0], found.series[0]
    assert one["frames"] == [member.frames for member in series.members]
    assert one["returns"] == [games.tolist() for games in series.returns]
    for shown, curve in zip(one["curves"], series.curves, strict=True):
        assert shown["area"] == pytest.approx(curve.area.tolist(), rel=1e-4)
        assert shown["random"] == pytest.approx(curve.random.tolist(), rel=1e-4)
        assert [onset and onset["frames"] for onset in shown["onsets"]] == [
            curve.onsets[name].frames if name in curve.onsets else None for name in curve.names
        ]


def test_nothing_in_the_page_points_outside(report: Path) -> None:
    parts = Parts(report.read_text())
    for tag, attributes in parts.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "a", "img")
        assert not {"src", "href", "srcset", "style", "action"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    (policy,) = (a["content"] for tag, a in parts.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy
    code = parts.scripts["script "] + parts.scripts["style "]
    assert re.findall(r"https?://[^\"']*", code) == ["http://www.w3.org/2000/svg"]  # a name, never fetched
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import|eval|innerHTML)\b|url\(", code)


def test_everything_that_was_chosen_and_assumed_is_said(found: Track) -> None:
    text = Parts(report_html(renamed(found, "a run of mine"))).text
    assert set(PREPROCESSING) == set(Preprocessing.__dataclass_fields__)
    for said in (
        *PREPROCESSING.values(),
        found.probe.environment,
        found.probe.digest,
        "a run of mine",
        "reason a run of mine",
        "epsilon_plus",
        "arXiv:2406.14324",
        "It is not a cause",
        "A transformer's attention is something else",
        *(member.checkpoint.sha256 for member in found.series[0].members),
        *(f"{row['length']:,} steps" for row in found.games.to_pylist()),
    ):
        assert said in text


def test_hostile_names_stay_text(found: Track) -> None:
    plain, hostile = (Parts(report_html(renamed(found, name))) for name in ("harmless", HOSTILE))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert hostile.data["series"][0]["name"] == HOSTILE
    assert HOSTILE in hostile.text


def test_a_report_without_film_and_games_has_neither(found: Track) -> None:
    parts = Parts(report_html(without_games(found)))
    assert "Own games" not in parts.text and "no own games" in parts.text
    assert parts.data["chapters"] == [] and "script film-base64" not in parts.scripts
    assert parts.data["series"][0]["numbers"][0]["play"] is None


def test_the_report_is_hardly_larger_than_its_film(found: Track, film: Path, report: Path) -> None:
    assert report.stat().st_size < film.stat().st_size * 4 / 3 + 200_000


def test_the_same_track_gives_the_same_report(found: Track) -> None:
    assert report_html(found) == report_html(found)


def test_a_game_has_the_name_that_the_film_gives_it(found: Track) -> None:
    old = replace(found, probe=replace(found.probe, environment="SpaceInvadersNoFrameskip-v4"))
    assert "<h1>Space Invaders: attention over training</h1>" in report_html(old)


def test_a_film_that_is_not_there_is_named(found: Track, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"there is no film at .*none\.mp4: write the report without one"):
        write_report(found, tmp_path, film=tmp_path / "none.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with Page(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser: Page, report: Path) -> Page:
    browser.events.clear()
    browser.resize(1280, 900)
    browser.open(report)
    browser.wait_for("video.readyState >= 2")
    return browser


class TestInBrowser:
    __test__ = BROWSER is not None

    def test_nothing_leaves_the_file_and_nothing_is_complained_of(self, page: Page, report: Path) -> None:
        page.run("video.currentTime = 1")
        page.wait_for("!video.seeking")
        requested = [url for url in page.requested() if not url.startswith(("blob:null/", "data:image/svg+xml"))]
        assert requested == [report.as_uri()]  # the data: pictures are the browser's own, of its player's buttons
        assert page.complaints() == []

    def test_the_policy_stops_what_would_ask_the_network(self, page: Page) -> None:
        asked = "fetch('http://127.0.0.1:9/').then(() => 'let through', (error) => error.name)"
        assert page.run(asked) == "TypeError"
        refused = [text for text in page.complaints() if "Content Security Policy" in text]
        assert refused and "connect-src" in refused[0]

    def test_the_slider_moves_film_cursor_and_table(self, page: Page, film: Path, chapters: list[Chapter]) -> None:
        before = page.run(LOOK)
        page.run("byId('checkpoint').value = 2; byId('checkpoint').dispatchEvent(new Event('input'))")
        page.wait_for("!video.seeking")
        after = page.run(LOOK)
        assert chapters[2].start <= after["seconds"] < chapters[2].end
        assert after["cursor"] > before["cursor"] + 100
        assert after["table"] != before["table"] and after["when"] != before["when"]
        assert page.run(GREY) == pytest.approx(greys(3)[2], abs=6)  # it is this chapter's picture, not only its time

    def test_the_film_moves_the_slider(self, page: Page, chapters: list[Chapter]) -> None:
        for chapter, expected in ((4, 1), (5, 2), (0, 0)):
            page.run(f"video.currentTime = {chapters[chapter].start + 0.1}")
            page.wait_for(f"!video.seeking && byId('checkpoint').value === '{expected}'")
        page.run("video.playbackRate = 2; byId('play').click()")
        page.wait_for("video.ended && byId('checkpoint').value === '2'")

    def test_the_film_plays_stops_and_is_sought_by_its_own_controls(self, page: Page) -> None:
        page.run("byId('play').click()")
        page.wait_for("!video.paused && video.currentTime > 0 && byId('play').textContent === 'Pause'")
        page.run("video.click()")
        page.wait_for("video.paused && byId('play').textContent === 'Play'")
        page.run("byId('time').value = 1.2; byId('time').dispatchEvent(new Event('input'))")
        page.wait_for("!video.seeking && Math.abs(video.currentTime - 1.2) < 0.06")
        assert page.run("byId('clock').textContent") == "0:01 of 0:03"

    def test_the_slider_stays_with_the_moment_that_the_film_shows(self, page: Page, chapters: list[Chapter]) -> None:
        page.run(f"video.currentTime = {chapters[3].start + 0.1}")
        page.wait_for("!video.seeking")
        page.press("ArrowRight")
        page.wait_for("!video.seeking && byId('checkpoint').value === '1'")
        assert chapters[4].start <= page.run("video.currentTime") < chapters[4].end

    def test_a_click_on_a_curve_chooses_and_seeks(self, page: Page, chapters: list[Chapter]) -> None:
        page.run("byId('overview').scrollIntoView({block: 'center'})")
        left, top, width, height = page.run(
            "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('#overview svg')"
            ".getBoundingClientRect())"
        )
        page.click(left + width - 20, top + height / 2)
        page.wait_for("!video.seeking && byId('checkpoint').value === '2'")
        assert chapters[2].start <= page.run("video.currentTime") < chapters[2].end
        page.move(left + 70, top + height / 2)
        tip = page.run("document.querySelector('#overview .tip').textContent")
        assert tip.startswith("0 frames") and "ball" in tip and "%" in tip

    def test_arrows_move_the_checkpoint_and_stop_at_the_ends(self, page: Page) -> None:
        seen = []
        for key in ("ArrowLeft", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
            page.press(key)
            seen.append(page.run("byId('checkpoint').value"))
        assert seen == ["0", "1", "2", "2", "1"]

    def test_the_table_shows_the_numbers_of_the_chosen_checkpoint(self, page: Page, found: Track) -> None:
        page.press("ArrowRight")
        curve = found.series[0].curves[0]
        cells = page.run("[...document.querySelectorAll('#table tbody tr')].map((row) => row.cells[1].firstChild.data)")
        assert cells == [f"{100 * share:.{2 if 0 < share < 0.001 else 1}f} %" for share in curve.share[1]]

    def test_another_explanation_and_own_play_can_be_chosen(self, page: Page, found: Track) -> None:
        table = "byId('table').innerText"
        seen = [page.run(table)]
        for name, value in (("source", "play"), ("explanation", "1")):
            page.run(f"byId('{name}').value = '{value}'; byId('{name}').dispatchEvent(new Event('change'))")
            seen.append(page.run(table))
        assert len(set(seen)) == 3
        assert page.run("state.source") == "probe"  # own play was explained under the first explanation only
        assert page.run("document.querySelectorAll('#regions .area').length") == len(found.series[0].curves[0].names)

    def test_nothing_is_cut_off_on_a_phone(self, page: Page) -> None:
        page.resize(400, 850)
        page.wait_for("innerWidth === 400")
        assert page.run("document.documentElement.scrollWidth") == 400

    def test_the_table_fits_a_usual_window(self, page: Page) -> None:
        wide, room = page.run(
            "(({scrollWidth, clientWidth}) => [scrollWidth, clientWidth])(byId('table').parentElement)"
        )
        assert wide == room

    def test_hostile_names_do_nothing(self, page: Page, found: Track, tmp_path: Path) -> None:
        page.events.clear()
        path = write_report(renamed(found, HOSTILE), tmp_path, film=None)
        page.open(path)
        page.wait_for("typeof state === 'object' && !byId('curves').hidden")
        assert page.run("document.querySelectorAll('img').length") == 0
        assert page.run("byId('series').options[0].text").startswith("</script><b>")
        assert page.requested() == [path.as_uri()] and page.complaints() == []

    def test_without_film_and_games_the_rest_works(self, page: Page, found: Track, tmp_path: Path) -> None:
        page.events.clear()
        page.open(write_report(without_games(found), tmp_path, film=None))
        page.wait_for("typeof state === 'object' && !byId('curves').hidden")
        assert page.run("[byId('film-part').hidden, byId('return-part').hidden]") == [True, True]
        page.press("ArrowLeft")
        assert page.run("byId('now').textContent").endswith("2 of 3")
        assert page.complaints() == []

    def test_the_sets_that_neurons_attend_to_are_those_of_the_chosen_checkpoint(self, page: Page) -> None:
        for checkpoint in (0, 2):
            page.run(f"choose({checkpoint})")
            shares = page.run(f"series().bundles.shares[{checkpoint}]")
            shown = page.run("[...byId('bundle-table').tBodies[0].rows].map((one) => one.cells[1].innerText)")
            most = [f"{100 * share:.1f} %" for share in sorted(shares, reverse=True)[:6] if share >= 0.001]
            assert most and shown[: len(most)] == most
        assert page.run("document.querySelectorAll('#bundles svg .random').length") > 0
        assert page.complaints() == []

    def test_without_atoms_nothing_is_said_of_them(self, page: Page, found: Track, tmp_path: Path) -> None:
        assert page.run("byId('bundle-part').hidden") is False
        rows = [row for row in found.attention.to_pylist() if not row["measure"].startswith("atom")]
        page.open(
            write_report(
                replace(found, attention=pa.Table.from_pylist(rows, found.attention.schema)), tmp_path, film=None
            )
        )
        page.wait_for("typeof state === 'object' && !byId('curves').hidden")
        assert page.run("byId('bundle-part').hidden") is True

    def test_a_playing_film_does_not_talk_over_a_screen_reader(self, page: Page) -> None:
        live = "[...document.querySelectorAll('output')].map((one) => one.getAttribute('aria-live'))"
        assert page.run(live) == ["off", "off"]  # an output speaks at each change, unless told not to

    def test_all_that_can_be_worked_or_seen_has_a_name_and_the_keyboard_reaches_it(self, page: Page) -> None:
        nodes = [node for node in page.send("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
        worked = [node for node in nodes if node["role"]["value"] in ("button", "slider", "combobox", "image", "Video")]
        assert len(worked) > 10
        assert [node["role"]["value"] for node in worked if not node.get("name", {}).get("value")] == []
        assert page.run("[...document.querySelectorAll('button, input, select')].every((one) => one.tabIndex === 0)")

    def test_the_null_lines_on_the_bars_can_be_told_apart(self, page: Page) -> None:
        dashes = "[...document.querySelectorAll('#table .null')].map((one) => getComputedStyle(one).strokeDasharray)"
        assert len(set(page.run(dashes))) == 2

    def test_an_uncertain_onset_is_hollow_and_called_so(self, page: Page, found: Track, tmp_path: Path) -> None:
        one = found.series[0]
        last = one.members[-1].frames
        onsets = {"ball": Onset(last, 0, None), "player": Onset(last, last, last), "enemy": Onset(0, None, None)}
        never = dict.fromkeys(one.curves[0].onsets, Onset(None, None, None))
        curves = tuple(replace(curve, onsets=never | onsets) for curve in one.curves)
        page.open(write_report(replace(found, series=(replace(one, curves=curves),)), tmp_path, film=None))
        page.wait_for("typeof state === 'object' && !byId('curves').hidden")
        told = dict(page.run("[...byId('regions').children].map((one) => [one.children[0].innerText, one.innerText])"))
        assert {
            name: "uncertain" in next(text for label, text in told.items() if name in label) for name in onsets
        } == {
            "ball": True,
            "player": False,
            "enemy": True,
        }
        assert page.run("document.querySelectorAll('#regions .onset.open').length") == 2
        assert "uncertain onset" in told[next(label for label in told if "enemy" in label)]

    def test_an_onset_at_the_first_checkpoint_is_an_arrow(self, page: Page, found: Track, tmp_path: Path) -> None:
        one = found.series[0]
        never = dict.fromkeys(one.curves[0].onsets, Onset(None, None, None))
        curves = tuple(replace(curve, onsets=never | {"ball": Onset(0, 0, 0)}) for curve in one.curves)
        page.open(write_report(replace(found, series=(replace(one, curves=curves),)), tmp_path, film=None))
        page.wait_for("typeof state === 'object' && !byId('curves').hidden")
        assert "onset at the first checkpoint already (0 frames)" in page.run("byId('regions').innerText")
        left, right = page.run(
            "(({x, right}) => [x, right])(document.querySelector('#regions .onset').getBoundingClientRect())"
        )
        zero = page.run("document.querySelector('#regions .dot').getBoundingClientRect().right")
        assert right <= zero and left < right

    def test_games_that_were_cut_off_are_said_to_be(self, page: Page, found: Track) -> None:
        assert not any(row["finished"] for row in found.games.to_pylist())
        assert page.run("byId('now').textContent").split(" · ")[1].endswith("(1 of 1 cut off)")
        assert page.run("document.querySelectorAll('#returns .game.cut').length") == 3
        assert page.run("!byId('cut-key').hidden")
        assert "own games: 1 game each; 3 of 3 games cut off at 60 steps" in page.run("document.body.innerText")

    def test_long_names_do_not_leave_a_phone(self, page: Page, found: Track, tmp_path: Path) -> None:
        long = renamed(found, "a" * 90)
        tables = [pa.concat_tables(pair) for pair in ((found.attention, long.attention), (found.games, long.games))]
        two = replace(found, series=(*found.series, *long.series), attention=tables[0], games=tables[1])
        page.open(write_report(two, tmp_path, film=None))
        page.resize(420, 850)
        page.wait_for("innerWidth === 420 && typeof state === 'object'")
        assert page.run("document.documentElement.scrollWidth") == 420
        ends = page.run("[...document.querySelectorAll('select')].map((one) => one.getBoundingClientRect().right)")
        assert max(ends) <= 404
        assert page.complaints() == []

    def test_a_sheet_of_paper_holds_the_page(self, page: Page) -> None:
        """A4 less the usual margins of 1 cm."""
        page.send("Emulation.setEmulatedMedia", media="print")
        page.resize(718, 1000)
        wide = page.run("document.documentElement.scrollWidth")
        ground = page.run("getComputedStyle(document.body).backgroundColor")
        page.send("Emulation.setEmulatedMedia", media="")
        assert wide <= 718 and ground == "rgb(255, 255, 255)"

    def test_the_film_follows_when_its_training_run_is_chosen_again(
        self, page: Page, found: Track, film: Path, chapters: list[Chapter], tmp_path: Path
    ) -> None:
        two = replace(found, series=(found.series[0], *renamed(found, "other").series), attention=both(found))
        page.open(write_report(two, tmp_path, film=film, times=chapters))
        page.wait_for("typeof state === 'object' && video.readyState >= 2")
        assert page.run("byId('film-note').textContent").startswith(
            "Of the 2 training runs the film shows the first, pong"
        )
        choose = "byId('series').value = '{}'; byId('series').dispatchEvent(new Event('change'))"
        page.run(choose.format(1))
        page.run("byId('checkpoint').value = 2; byId('checkpoint').dispatchEvent(new Event('input'))")
        assert page.run("video.currentTime") == 0, "the film shows the other one"
        page.run(choose.format(0))
        page.wait_for("!video.seeking")
        assert chapters[2].start <= page.run("video.currentTime") < chapters[2].end
        assert page.run("byId('checkpoint').value") == "2"

    def test_a_checkpoint_without_shares_is_a_gap(self, page: Page, found: Track, tmp_path: Path) -> None:
        page.events.clear()
        rows = [
            row | ({"mean": None, "low": None, "high": None} if row["frames"] == 0 else {})
            for row in found.attention.to_pylist()
        ]
        dead = replace(found, attention=found.attention.from_pylist(rows, schema=found.attention.schema))
        page.open(write_report(dead, tmp_path, film=None))
        page.wait_for("typeof state === 'object' && !byId('curves').hidden")
        page.run("choose(0)")
        assert page.run("byId('table').rows[1].cells[1].innerText").startswith("–")
        assert page.complaints() == []

    def test_the_page_is_dark_and_drawn(self, page: Page) -> None:
        picture = cv2.imdecode(np.frombuffer(page.shoot(), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None and picture.shape[0] > 3000
        assert np.median(picture) < 30  # the ground
        assert (picture.max(axis=2) > 200).mean() > 0.005  # type and lines


LOOK = """({
  seconds: video.currentTime,
  cursor: document.querySelector('#overview .cursor').getBoundingClientRect().x,
  table: byId('table').innerText,
  when: byId('table-when').textContent,
})"""

GREY = """(() => {
  const canvas = document.createElement('canvas').getContext('2d');
  canvas.drawImage(video, 0, 0);
  return canvas.getImageData(20, 10, 1, 1).data[0];
})()"""
