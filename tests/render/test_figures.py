from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.render._draw import labels
from auditkit.render.figures import MAX_POINTS, MAX_ROWS, MAX_SERIES, bare, figure, label

OURS = re.compile(r"<br>")
PLAIN = {"title", "text", "name", "ticktext", "hovertext"}


def strings(value, key=""):
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)


@pytest.mark.parametrize("kind", ["estimates", "curve", "matrix"])
def test_a_table_without_a_value_is_not_drawn(kind):
    columns = {"label": ["a", "b"], "x": [1, 2], "value": [None, None], "low": [None] * 2, "high": [None] * 2, "n": [9, 9]}  # fmt: skip
    assert figure({"title": "t", "kind": kind, "columns": columns}) is None


def assert_inert(drawing):
    for key, text in strings(drawing):
        bare = OURS.sub("", text)
        assert "<" not in bare, (key, text)
        assert "$" not in bare, (key, text)
        assert key != "hovertemplate"
        assert key != "texttemplate" or text == "%{text}"
        assert not re.search(r"&(?!amp;|lt;|gt;|#36;)", bare), (key, text)


def estimates(rows, **own):
    names = ("label", "value", "low", "high", "n")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return {"title": "t", "kind": "estimates", "columns": columns | own.pop("columns", {}), **own}


@pytest.mark.parametrize("name", ["rates", "by_metric", "robust", "roc", "confusion", "bracket", "digits"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_every_kind(each_table, name, theme):
    import plotly.graph_objects as go

    drawing = figure(each_table[name], theme=theme)
    go.Figure(drawing)
    json.dumps(drawing, allow_nan=False)
    assert_inert(drawing)


def test_plain_and_empty_tables_are_not_drawn(each_table):
    assert figure(each_table["slices"]) is None
    assert figure(estimates([])) is None


def test_wrong_theme_and_kind_are_refused(each_table):
    with pytest.raises(InputError, match="theme"):
        figure(each_table["rates"], theme="blue")
    with pytest.raises(InputError, match="kind"):
        figure({"kind": "pie", "columns": {"a": [1]}})


def test_estimates_are_sorted_with_whiskers_and_n():
    drawing = figure(
        estimates([("a", 0.2, 0.1, 0.4, 10), ("b", 0.5, 0.3, 0.6, 1200), ("c", None, None, None, 0)])
    )
    trace, axis = drawing["data"][0], drawing["layout"]["yaxis"]
    assert axis["ticktext"] == ["b  (n = 1,200)", "a  (n = 10)", "c  (n = 0, undefined)"]
    assert axis["tickvals"] == [0, -1, -2]
    assert trace["y"] == [-1, 0, -2]
    assert trace["error_x"]["array"] == pytest.approx([0.2, 0.1, 0])
    assert trace["error_x"]["arrayminus"] == pytest.approx([0.1, 0.2, 0])


def test_bands_keep_their_own_order():
    drawing = figure(
        estimates([("age=18-29", 0.1, 0, 1, 5), ("age=30-39", 0.9, 0, 1, 5), ("age=40+", 0.5, 0, 1, 5)])
    )
    assert [t.split(" ")[0] for t in drawing["layout"]["yaxis"]["ticktext"]] == [
        "age=18-29",
        "age=30-39",
        "age=40+",
    ]


def test_values_of_several_features_stand_feature_by_feature_and_bands_in_their_order():
    names = ["age=under 25", "sex=F", "age=25 to under 40", "sex=M", "age=40 or more", "age=missing"]
    drawing = figure(estimates([(name, 0.1 * at, 0, 1, 5) for at, name in enumerate(names)]))
    shown = [text.partition("  (")[0] for text in drawing["layout"]["yaxis"]["ticktext"]]
    assert shown == [names[0], names[2], names[4], names[5], "sex=M", "sex=F"]
    slices = figure(estimates([("sex=F", 0.1, 0, 1, 5), ("age=3", 0.3, 0, 1, 5), ("job=x", 0.2, 0, 1, 5)]))
    assert [t.partition("  (")[0] for t in slices["layout"]["yaxis"]["ticktext"]] == [
        "age=3",
        "job=x",
        "sex=F",
    ]


def test_labels_that_look_like_dates_or_numbers_stay_words():
    drawing = figure(estimates([("2020-01-01", 0.1, 0, 1, 5), ("1e3", 0.2, 0, 1, 5)]))
    assert all(isinstance(y, (int, float)) for y in drawing["data"][0]["y"])


def test_an_estimate_without_an_interval_is_no_open_one():
    drawing = figure(estimates([("a", 0.2, 0.1, 0.3, 10), ("b", 0.4, None, None, 10)]))
    assert "subtitle" not in str(drawing["layout"].get("title", ""))
    assert not any("undefined" in text for text in drawing["data"][0]["hovertext"])


def test_many_estimates_are_cut_and_the_figure_says_so():
    drawing = figure(estimates([(f"g{chr(97 + i % 26)}{i}x", i / 200, 0, 1, 5) for i in range(200)]))
    assert len(drawing["data"][0]["x"]) == MAX_ROWS
    assert "60 of 200 labels" in drawing["layout"]["title"]["subtitle"]["text"]


def test_of_a_table_whose_largest_values_matter_these_are_drawn_and_the_figure_says_so():
    rows = [(f"fault {chr(97 + i % 26)}{i}x", i / 100, 0, 1, 1000) for i in range(60)]
    drawing = figure(
        estimates([*rows, ("refused", None, None, None, 1000)], labels={"largest": "costliest faults"})
    )
    values = drawing["data"][0]["x"]
    assert sorted(values, reverse=True) == pytest.approx([i / 100 for i in range(59, 34, -1)])
    said = drawing["layout"]["title"]["subtitle"]["text"]
    assert "The 25 costliest faults of 61; the table has all." in said
    assert drawing["layout"]["height"] < 900
    few = figure(estimates(rows[:25], labels={"largest": "costliest faults"}))
    assert "costliest" not in str(few["layout"]["title"])


def test_largest_values_are_drawn_also_of_labels_with_an_order():
    rows = [(f"{i}", i / 100, 0, 1, i) for i in range(60)]
    values = figure(estimates(rows, labels={"largest": "costliest"}))["data"][0]["x"]
    assert min(values) == pytest.approx(0.35)


def test_a_size_that_all_rows_share_is_said_once():
    rows = [(name, 0.2, 0.1, 0.3, 1200) for name in "abcd"]
    layout = figure(estimates([*rows, ("e", None, None, None, 1200)]))["layout"]
    assert layout["yaxis"]["ticktext"] == ["a", "b", "c", "d", "e  (undefined)"]
    assert "n = 1,200 in each row." in layout["title"]["subtitle"]["text"]
    other = figure(estimates([*rows, ("e", 0.2, 0.1, 0.3, 9)]))["layout"]
    assert other["yaxis"]["ticktext"] == ["a", "b", "c", "d", "e  (n = 9)"]
    assert "n = 1,200 where a row says no other." in other["title"]["subtitle"]["text"]
    mixed = figure(estimates([*rows[:3], ("e", 0.2, 0.1, 0.3, 9), ("f", 0.2, 0.1, 0.3, 8)]))["layout"]
    assert mixed["yaxis"]["ticktext"][0] == "a  (n = 1,200)"
    assert "subtitle" not in str(mixed["title"])


def test_a_size_is_not_said_for_all_where_a_label_has_several():
    rows = [(name, 0.2, 0.1, 0.3, 1200) for name in "abcdef"]
    table = estimates([*rows, ("f", 0.3, 0.2, 0.4, 9)], columns={"series": [*"xxxxxx", "y"]})
    assert figure(table)["layout"]["yaxis"]["ticktext"][-2:] == ["e  (n = 1,200)", "f"]


def test_an_open_interval_is_said():
    drawing = figure(estimates([("a", 0.2, 0.1, "Infinity", 10)]))
    assert "without a bound" in drawing["layout"]["title"]["subtitle"]["text"]


def test_reference_is_a_line_and_words():
    layout = figure(estimates([("a", 0.2, 0.1, 0.3, 10)], reference=0.24))["layout"]
    assert layout["shapes"][0]["x0"] == layout["shapes"][0]["x1"] == 0.24
    assert layout["annotations"][0]["text"] == "reference 0.240"


def test_series_differ_by_more_than_colour(each_table):
    marks = [t["marker"]["symbol"] for t in figure(each_table["by_metric"])["data"]]
    dashes = [
        t["line"]["dash"] for t in figure(each_table["robust"])["data"] if t.get("mode") == "lines+markers"
    ]
    assert len(set(marks)) == 2
    assert len(set(dashes)) == 2


def test_curves_are_bounded_and_keep_their_ends():
    n = 5000
    columns = {"x": list(range(n)), "value": [0.5] * n, "low": [0.4] * n, "high": [0.6] * n, "n": [9] * n}
    drawing = figure({"title": "t", "kind": "curve", "columns": columns})
    line = drawing["data"][-1]
    assert len(line["x"]) == MAX_POINTS
    assert (line["x"][0], line["x"][-1]) == (0, n - 1)


def test_too_many_series_are_cut_and_the_figure_says_so():
    columns = {
        "x": [1] * 20,
        "value": [0.5] * 20,
        "low": [0.4] * 20,
        "high": [0.6] * 20,
        "n": [9] * 20,
        "series": [f"s{i}" for i in range(20)],
    }
    drawing = figure({"title": "t", "kind": "curve", "columns": columns})
    assert len(drawing["data"]) == MAX_SERIES
    assert "8 of 20 series" in drawing["layout"]["title"]["subtitle"]["text"]


def test_a_gap_breaks_the_line_and_the_band(each_table):
    traces = [t for t in figure(each_table["robust"])["data"] if t.get("fill") == "toself"]
    assert len(traces) == 3  # one whole, one broken in two
    assert None in figure(each_table["robust"])["data"][-1]["y"]


def test_where_x_was_measured_too_points_have_bars_both_ways_and_no_band():
    columns = {"x": [0.2, 0.5], "value": [0.8, 0.7], "low": [0.7, None], "high": [0.85, 0.75], "n": [9, 9]}
    columns |= {"x_low": [0.1, 0.4], "x_high": [0.5, 0.55]}
    (points,) = figure({"title": "t", "kind": "curve", "columns": columns})["data"]
    assert points["error_x"]["array"] == pytest.approx([0.3, 0.05])
    assert points["error_x"]["arrayminus"] == pytest.approx([0.1, 0.1])
    assert points["error_y"]["array"] == pytest.approx([0.05, 0.05])
    assert points["error_y"]["arrayminus"] == pytest.approx([0.1, 0])  # an end that is not known
    assert points["error_y"]["color"].startswith("rgba")  # fainter than the point
    assert "0.200 [0.100, 0.500]" in points["hovertext"][0]


def test_roc_begins_at_the_rate_that_was_resolved():
    drawing = figure(
        {"title": "t", "kind": "roc", "columns": {"fpr": [0, 0.004, 0.1, 1], "tpr": [0, 0.02, 0.3, 1]}}
    )
    chance, line = drawing["data"]
    assert chance["x"] == chance["y"] == [0.001, 1]
    assert drawing["layout"]["xaxis"]["type"] == drawing["layout"]["yaxis"]["type"] == "log"
    assert min(line["x"]) == min(line["y"]) == 0.001
    assert (line["x"][-1], line["y"][-1]) == (1, 1)


def test_a_long_roc_is_bounded_at_low_rates_too():
    n = 20_000
    rates = [i / n for i in range(n + 1)]
    line = figure({"title": "t", "kind": "roc", "columns": {"fpr": rates, "tpr": rates}})["data"][-1]
    assert len(line["x"]) <= MAX_POINTS
    assert sum(x < 0.01 for x in line["x"]) > 50


def test_matrix_cells_carry_numbers(each_table):
    trace = figure(each_table["confusion"])["data"][0]
    assert trace["z"] == [[0.93, 0.07], [0.39, 0.61]]
    assert trace["text"][0][0] == "0.930<br>n = 11,500"


@pytest.mark.parametrize(("last", "said"), [(100, True), (99, False), (None, False)])
def test_an_n_that_all_cells_have_is_said_once(last, said):
    sides = [(r, c) for r in "abc" for c in "xy"]
    columns = {
        "row": [r for r, _ in sides],
        "column": [c for _, c in sides],
        "value": [0.5] * 6,
        "n": [100] * 5 + [last],
    }
    drawing = figure({"title": "t", "kind": "matrix", "columns": columns})
    assert drawing["data"][0]["text"][0][0] == ("0.500" if said else "0.500<br>n = 100")
    assert ("n = 100 in each cell." in str(drawing["layout"])) is said
    assert "n = 100" in drawing["data"][0]["hovertext"][0][0]


def test_a_bracket_shades_what_is_not_settled_and_certifies_nothing_where_nothing_is_known(each_table):
    shade, *bands, certified, attacked = figure(each_table["bracket"])["data"]
    assert shade["name"] == "not settled"
    assert shade["x"] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert shade["y"][:5] == [0.85, 0.7, 0.52, 0.0, 0.1]  # at 0.3 everything below is open
    assert shade["y"][5:] == [0.31, 0.5, 0.66, 0.78, 0.85]
    assert len(bands) == 2  # the lower one ends where nothing is certified, and one point alone is no band
    assert certified["y"] == [0.85, 0.7, 0.52, None, 0.1]
    assert attacked["y"] == [0.85, 0.78, 0.66, 0.5, 0.31]
    assert certified["line"]["dash"] != attacked["line"]["dash"]
    assert "nothing certified" in certified["hovertext"][3]
    layout = figure(each_table["bracket"])["layout"]
    assert layout["shapes"][0]["x0"] == layout["shapes"][0]["x1"] == 0.2


def test_a_bracket_whose_bounds_cross_is_not_drawn_inside_out():
    columns = {
        "x": [0, 1],
        "certified": [0.9, 0.8],
        "attacked": [0.7, 0.9],
        "low": [0.6, 0.6],
        "high": [1, 1],
        "n": [9, 9],
    }
    shade = figure({"title": "t", "kind": "bracket", "columns": columns})["data"][0]
    assert shade["y"] == [0.9, 0.8, 0.9, 0.9]


def test_pictures_are_right_way_up_and_a_change_has_no_middle_grey(each_table):
    before, after, change = figure(each_table["digits"])["data"]
    assert before["z"] == [[0, 16], [8, 4]]
    assert (before["zmin"], before["zmax"]) == (after["zmin"], after["zmax"]) == (0, 16)
    assert (change["zmin"], change["zmax"]) == (-1, 1)
    layout = figure(each_table["digits"])["layout"]
    assert {layout[f"yaxis{s}"]["autorange"] for s in ("", "2", "3")} == {"reversed"}
    assert [a["text"].replace("<br>", " ") for a in layout["annotations"]] == [
        "1: a five",
        "1: called a three",
        "1: the change",
    ]
    assert layout["xaxis"]["domain"][1] <= layout["xaxis2"]["domain"][0]


def test_many_pictures_are_cut_and_the_figure_says_so():
    columns = {
        "panel": [f"p{i}" for i in range(30)],
        "row": [0] * 30,
        "column": [0] * 30,
        "value": [1.0] * 30,
    }
    drawing = figure({"title": "t", "kind": "images", "columns": columns})
    assert len(drawing["data"]) == 24
    assert "24 of 30 pictures" in drawing["layout"]["title"]["subtitle"]["text"]


def test_a_swarm_has_a_dot_for_every_value_and_crosses_for_what_has_no_order(each_table):
    drawing = figure(each_table["swarm"])
    dots, crosses = drawing["data"]
    assert dots["x"] == [-0.4, -0.1, -0.1, 0.2, 0.5]
    assert dots["marker"]["color"] == [0, 0.25, 0.5, 0.75, 1]
    assert sorted(crosses["x"]) == [-0.2, 0.1]  # an undefined value has no place
    assert crosses["marker"]["symbol"] == "cross"
    assert all(abs(y) < 0.5 for y in dots["y"])
    assert all(abs(y + 1) < 0.5 for y in crosses["y"])
    assert dots["y"][1] != dots["y"][2]  # alike, so piled up
    assert drawing["layout"]["yaxis"]["ticktext"] == ["age", "job"]
    assert "above 75% of the records" in dots["hovertext"][3]
    assert drawing["layout"]["shapes"][0]["x0"] == 0


def test_a_large_swarm_is_thinned_with_its_ends_and_says_so():
    n = 4000
    columns = {
        "label": ["a"] * n + ["b"] * 10,
        "value": list(range(n)) + [0] * 10,
        "strength": [0.5] * (n + 10),
    }
    drawing = figure({"title": "t", "kind": "beeswarm", "columns": columns})
    x = drawing["data"][0]["x"]
    assert len(x) == 750 + 10
    assert (min(x), max(x)) == (0, n - 1)
    assert "750 dots a line" in drawing["layout"]["title"]["subtitle"]["text"]
    many = {"label": [f"l{i}" for i in range(30)], "value": [1] * 30, "strength": [None] * 30}
    drawing = figure({"title": "t", "kind": "beeswarm", "columns": many})
    assert "20 of 30 labels" in drawing["layout"]["title"]["subtitle"]["text"]


def test_a_waterfall_steps_from_base_to_output(each_table):
    whole, up, down, words = figure(each_table["steps"])["data"]
    assert (whole["base"], up["base"], down["base"]) == ([0, 0], [0.2], [0.7])
    assert (whole["x"], up["x"], down["x"]) == ([0.2, 0.4], [0.5], [-0.3])
    assert (whole["y"], up["y"], down["y"]) == ([0, -3], [-1], [-2])
    assert len({bars["marker"]["color"] for bars in (whole, up, down)}) == 3
    assert [text.strip() for text in words["text"]] == ["0.200", "+0.500", "\u22120.300", "0.400"]
    assert words["x"] == [0.2, 0.7, 0.7, 0.4]  # right of each bar


def test_a_waterfall_of_log_odds_says_the_probability_too(each_table):
    steps = each_table["steps"]
    columns = {**steps["columns"], "probability": [0.55, 0.668, 0.599, 0.599]}
    drawing = figure({**steps, "columns": columns})
    assert drawing["data"][-1]["text"][-1].replace("\u00a0", "") == "0.400<br>60%"
    axis = drawing["layout"]["xaxis"]
    assert dict(zip(axis["tickvals"], axis["ticktext"], strict=True))[0] == "0<br>50%"


def test_small_parts_of_a_long_waterfall_are_one_bar():
    parts = [0.01 * (1 + i) for i in range(30)]
    columns = {
        "label": ["base", *(f"p{i}" for i in range(30)), "out"],
        "value": [1.0, *parts, 1 + sum(parts)],
        "role": ["base", *["part"] * 30, "output"],
    }
    drawing = figure({"title": "t", "kind": "waterfall", "columns": columns})
    whole, up, _ = drawing["data"]
    assert (len(whole["x"]), len(up["x"])) == (2, 24)
    assert sum(up["x"]) == pytest.approx(sum(parts))
    assert up["base"][-1] + up["x"][-1] == pytest.approx(whole["x"][-1])
    assert drawing["layout"]["yaxis"]["ticktext"][-2] == "7 other parts"
    assert "7 small parts" in drawing["layout"]["title"]["subtitle"]["text"]


def test_a_rule_has_a_line_for_each_condition_and_no_ellipsis():
    rule = "duration_months above 29 and checking_status is no checking account and age up to 41 and savings is below 100 DM"
    (text,) = figure(estimates([(rule, 0.2, 0.1, 0.3, 10)]))["layout"]["yaxis"]["ticktext"]
    assert text.split("<br>") == [
        "duration_months above 29",
        "and checking_status is no checking",
        "account",
        "and age up to 41",
        "and savings is below 100 DM",
        "(n = 10)",
    ]


def curve(x, value, **more):
    columns = {"x": x, "value": value, "low": value, "high": value, "n": [9] * len(x)}
    return figure({"title": "t", "kind": "curve", "columns": columns, **more})


def test_what_a_curve_is_compared_with_stands_in_the_legend_and_not_over_it():
    drawing = curve([0.5, 2.5], [0.1, 0.2], reference=0.8, labels={"value": "share", "reference": "the rule"})
    line, band, drawn = drawing["data"]
    assert (line["name"], line["x"], line["y"]) == ("the rule 0.8", [0.5, 2.5], [0.8, 0.8])
    assert (band["showlegend"], drawn["name"], drawing["layout"]["showlegend"]) == (False, "share", True)
    assert "annotations" not in drawing["layout"]


def test_the_line_of_perfect_calibration_reaches_as_far_as_the_values():
    assert curve([0.2, 0.7], [0.1, 0.9], labels={"diagonal": "perfect"})["data"][0]["x"] == [0, 1]
    assert curve([80, 250], [90, 240], labels={"diagonal": "perfect"})["data"][0]["x"] == [80, 250]


def test_a_few_counts_are_ticks_and_nothing_between_them():
    axis = curve([2, 4.0, 8], [0.1, 0.2, 0.3])["layout"]["xaxis"]
    assert (axis["tickvals"], axis["ticktext"]) == ([2, 4, 8], ["2", "4", "8"])
    assert (
        "tickvals" not in curve([1, 2, 900], [0.1, 0.2, 0.3])["layout"]["xaxis"]
    )  # they would lie over each other
    assert "tickvals" not in curve([1, 2.5], [0.1, 0.2])["layout"]["xaxis"]


def test_labels_are_cut_and_whole_on_hover():
    name = "a very long label that goes on " * 4
    drawing = figure(estimates([(name, 0.2, 0.1, 0.3, 10)]))
    lines = drawing["layout"]["yaxis"]["ticktext"][0].split("<br>")
    assert len(lines) == 4  # three of the name, one of n
    assert max(map(len, lines)) <= 34
    assert name.strip() in drawing["data"][0]["hovertext"][0]


CROSSED = [
    f"race={r}, age_band={a}" for r in ("Amer-Indian-Eskimo", "White") for a in ("25-39", "60 and over")
]


def ticks(names):
    return figure(estimates([(name, 0.2, 0.1, 0.3, 1000 + at) for at, name in enumerate(names)]))["layout"][
        "yaxis"
    ]


def test_intersections_show_values_and_the_axis_says_of_what():
    axis = ticks(CROSSED)
    assert axis["title"]["text"] == "race · age_band"
    assert axis["ticktext"][1] == "Amer-Indian-Eskimo · 60 and over<br>(n = 1,001)"
    assert axis["ticktext"][2] == "White · 25-39  (n = 1,002)"


@pytest.mark.parametrize(
    "names",
    [["a=1, b=2", "a=1"], ["a=1, b=2", "c=1, b=2"], ["sex=F", "race=B"], ["a=x · y, b=z", "a=x, b=y · z"], ["x", "y"]],
)  # fmt: skip
def test_labels_that_are_not_all_alike_stay_whole(names):
    axis = ticks(names)
    assert axis["title"]["text"] == ""
    assert sorted(text.split("  (")[0] for text in axis["ticktext"]) == sorted(names)


def test_a_value_with_a_comma_is_kept_whole():
    axis = ticks(["job=cook, chef, sex=F", "job=judge, sex=M"])
    assert [text.split("  (")[0] for text in axis["ticktext"]] == ["cook, chef · F", "judge · M"]


def test_two_rows_never_look_alike():
    stem = "a name that is much the same as every other name " * 4
    names = [f"{stem}{i}{stem}" for i in range(5)]
    shown = [text.rsplit("<br>", 1)[0] for text in ticks(names)["ticktext"]]
    assert len(set(shown)) == 5


def test_a_wrapped_label_makes_its_row_taller():
    short, long = (
        figure(estimates([(n, 0.2, 0.1, 0.3, 9)] * 1)) for n in ("a", "a long name of a group " * 4)
    )
    assert long["layout"]["height"] > short["layout"]["height"]


def test_a_page_writes_the_notes_itself():
    table = estimates([("a", 0.2, 0.1, "Infinity", 10)])
    drawing, notes = bare(table)
    assert "title" not in drawing["layout"]
    assert "without a bound" in notes[0]
    assert bare({"kind": "plain", "columns": {"a": [1]}}) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=90), min_size=1, max_size=8, unique_by=lambda s: " ".join(label(s).split())))
def test_wrapped_labels_are_inert_and_told_apart(names):
    shown = labels(names, 12, 2)
    assert_inert({"text": shown})
    assert len(set(shown)) == len(names)


def test_hostile_words_stay_words(hostile_report):
    for evidence in hostile_report["evidence"]:
        for table in evidence["tables"].values():
            drawing = figure(table)
            if drawing:
                assert_inert(drawing)


@given(st.text(max_size=400))
def test_a_label_is_never_markup(raw):
    assert_inert({"text": label(raw)})


words = st.text(alphabet=st.sampled_from(list("<>&$%{}=ab/\"' \u202e\x00")), max_size=40)
rates = st.none() | st.floats(-1, 2) | st.sampled_from(["Infinity", "-Infinity"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(words, rates, rates, rates, st.integers(0, 10**6), words), min_size=1, max_size=12),
    words,
    st.sampled_from(["estimates", "curve", "roc", "matrix", "bracket", "images", "beeswarm", "waterfall"]),
)
def test_any_data_give_an_inert_json_figure(rows, title, kind):
    names, values, lows, highs, ns, series = (list(column) for column in zip(*rows, strict=True))
    shared = {"value": values, "low": lows, "high": highs, "n": ns}
    columns = {
        "estimates": {"label": names, **shared, "series": series},
        "curve": {"x": names, **shared, "series": series},
        "roc": {"fpr": values, "tpr": lows, "series": series},
        "matrix": {"row": names, "column": series, **shared},
        "bracket": {"x": values, "certified": values, "attacked": highs, "low": lows, "high": highs, "n": ns},
        "images": {"panel": names, "row": ns, "column": lows, "value": values},
        "beeswarm": {"label": names, "value": values, "strength": lows},
        "waterfall": {"label": names, "value": values, "role": series},
    }[kind]
    drawing = figure({"title": title, "kind": kind, "columns": columns, "labels": {"value": title}})
    assert_inert(drawing)
    json.dumps(drawing, allow_nan=False)


def test_a_difference_is_one_whatever_its_signs_and_its_colours_end_where_the_table_says():
    columns = {
        "panel": ["as it is", "difference"] * 2,
        "row": [0, 0, 0, 0],
        "column": [0, 0, 1, 1],
        "value": [4.0, 0.0, 8.0, 1.0],
    }
    table = {"title": "t", "kind": "images", "columns": columns, "reference": 5.0}
    ends = [(trace["zmin"], trace["zmax"]) for trace in figure(table)["data"]]
    assert ends == [(0, 8), (-5, 5)]
    assert [(t["zmin"], t["zmax"]) for t in figure({**table, "reference": None})["data"]][1] == (-1, 1)


def test_a_single_operating_point_has_a_mark():
    columns = {"series": ["curve", "curve", "here"], "fpr": [0.01, 1.0, 0.1], "tpr": [0.1, 1.0, 0.4]}
    drawn = figure({"title": "ROC", "kind": "roc", "columns": columns})
    modes = {trace["name"]: trace["mode"] for trace in drawn["data"]}
    assert modes["curve"] == "lines"
    assert "markers" in modes["here"]
