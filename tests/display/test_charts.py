import subprocess
import sys

import matplotlib as mpl
import pytest

from nbkit.display import charts
from nbkit.display.charts import Series


def drawn(**options):
    with charts.plot(low=-0.6, high=2.4, top=9, **options) as plot:
        plot.heights(charts.number)
        plot.bars([Series([1, 5, 9], "#3b82f6"), Series([0, 1, 0], "#159048")])
        plot.named([(0, "$a_b$"), (1, "x^2")])
        plot.units(x="hour", y="calls")
        plot.mark(1, "p50", colour="#c2650a")
        return plot.address()


def test_same_figure_is_the_same_picture():
    assert drawn() == drawn()


@pytest.mark.parametrize(
    "taste",
    [
        {"axes.grid": True, "axes.facecolor": "red", "font.size": 30, "text.usetex": True, "svg.fonttype": "path"},
        {"path.sketch": (1, 100, 2), "lines.linestyle": "--", "figure.dpi": 200, "savefig.bbox": "tight"},
    ],
)
def test_the_user_s_styles_reach_no_picture_and_stay_as_they_are(taste):
    plain = drawn()
    with mpl.rc_context(taste):
        before = dict(mpl.rcParams)
        assert drawn() == plain
        assert dict(mpl.rcParams) == before


def test_styles_are_as_they_were_after_a_failure():
    before = dict(mpl.rcParams)
    with pytest.raises(RuntimeError), charts.plot(low=0, high=1, top=1):
        raise RuntimeError
    assert dict(mpl.rcParams) == before


def test_pyplot_and_the_backend_are_left_alone():
    code = (
        "import sys, matplotlib; matplotlib.use('svg'); from tests_charts import drawn; drawn();"
        "assert 'matplotlib.pyplot' not in sys.modules; assert matplotlib.get_backend().lower() == 'svg'"
    )
    path = __file__.replace("\\", "/")
    loader = (
        "import importlib.util as u, sys; s = u.spec_from_file_location('tests_charts', "
        f"{path!r}); m = u.module_from_spec(s); sys.modules['tests_charts'] = m; s.loader.exec_module(m); "
    )
    done = subprocess.run([sys.executable, "-c", loader + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_card_and_its_surfaces_import_neither_matplotlib_nor_ipywidgets():
    code = (
        "import sys; from nbkit.display.live import Cell; from nbkit.display.meter import cell_meter;"
        "found = [name for name in ('matplotlib', 'ipywidgets', 'numpy') if name in sys.modules];"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("top", [1e-9, 0.003, 0.99, 1, 7, 99, 12_345.6, 8e9])
def test_heights_are_few_and_reach_nearly_to_the_top(top):
    found = charts.rounds(top)
    assert found[0] == 0
    assert 3 <= len(found) <= 6
    assert top / 2 < found[-1] <= top


def test_whole_heights_are_whole():
    assert charts.rounds(3, is_whole=True) == [0, 1, 2, 3]
