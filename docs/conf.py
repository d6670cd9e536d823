"""Builds the documentation: ``python -m sphinx -W docs build/docs``, with tatami[docs] installed.

``-D quick=generative`` makes the pictures of the generative models, which train for minutes each,
from the short form of the examples, ``-D quick=all`` those of all tutorials.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import tatami

project = "tatami"
author = "the authors of tatami"
version = release = tatami.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "generate"]
nitpicky = True  # every name in a text must lead somewhere

autodoc_member_order = "bysource"
autodoc_typehints = "none"
add_module_names = False
smartquotes = False  # "relu" is what one types
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"tatami {version}"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}
html_copy_source = False
html_show_copyright = html_show_sphinx = False
pygments_style = "friendly"
