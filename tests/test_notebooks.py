"""The notebooks in docs/notebooks run from start to end, without warnings."""

import os
import pathlib

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.any_backend

ROOT = pathlib.Path(__file__).parent.parent
# What takes nearly all the time of the notebooks, and what stands for it here.
SHORT = {
    "epochs=60": "epochs=1",
    "epochs=61, initial_epoch=60": "epochs=2, initial_epoch=1",
    "epochs=3": "epochs=1",
    "steps=100": "steps=4",
}
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    folder = tmp_path / "docs" / "notebooks"
    folder.mkdir(parents=True)
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for long, short in SHORT.items():
            cell.source = cell.source.replace(long, short)
    resources = {"metadata": {"path": folder}}
    client = NotebookClient(notebook, kernel_name="python3", resources=resources)
    # Raises if a cell does. On the backend that a reader has by default.
    client.execute(env={**os.environ, "KERAS_BACKEND": "tensorflow"})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.text for output in outputs if output.output_type == "stream"]
    assert not [text for text in texts if "Warning" in text]
    bars = list(bars_in(notebook))
    assert all(bar["value"] == bar["max"] and bar["bar_style"] == "success" for bar in bars)
    assert bars or not any("gan.fit(" in cell.source for cell in notebook.cells)


def bars_in(notebook):
    """The states of the progress bars, which are widgets."""
    widgets = notebook.metadata.get("widgets", {}).values()
    for widget in (widget for kind in widgets for widget in kind["state"].values()):
        if widget["model_name"] == "FloatProgressModel":
            yield {"value": 0.0, "max": 100.0, "bar_style": ""} | widget["state"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_its_cells_made(path):
    """Readers on the web see the outputs of the file."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    pictures = [out for cell in code for out in cell.outputs if "image/png" in out.get("data", {})]
    assert len(pictures) >= 4
